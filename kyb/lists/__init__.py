"""Readers of lists of people and firms nobody may deal with: a publisher's file in, one ScreeningList out.

`entry` says what every reader gives; each package beside it reads one publisher's form, and `forms` names them all.
`change` compares two versions of a list; `blocklist` keeps hashed identifiers, and no names.
"""

from kyb.lists.forms import FORMS, Form, read

__all__ = ["FORMS", "Form", "read"]
