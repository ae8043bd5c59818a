"""The forms of lists that can be read, by name: one closed table, so that a file is never guessed at."""

from collections.abc import Callable
from datetime import date

from msgspec import Struct

from kyb.lists.entry import BadList, ScreeningList
from kyb.lists.eu import EU_SOURCE, load_eu_list
from kyb.lists.ofac import OFAC_SOURCE, load_ofac_csv, load_ofac_xml
from kyb.lists.opensanctions import OPENSANCTIONS_SOURCE, load_opensanctions
from kyb.lists.own import OWN_SOURCE, load_own_list
from kyb.lists.uk import UK_SOURCE, load_uk_csv, load_uk_xml
from kyb.lists.un import UN_SOURCE, load_un_list


class Form(Struct, frozen=True):
    """One form: whose list it holds, and its reader, which is told the day of a list that carries none."""

    source: str
    load: Callable[[bytes, date | None], ScreeningList]
    is_dated: bool = True  # the file says its own day
    is_private: bool = False  # nobody publishes it


FORMS: dict[str, Form] = {
    "un": Form(UN_SOURCE, lambda content, _: load_un_list(content)),
    "ofac_xml": Form(OFAC_SOURCE, lambda content, _: load_ofac_xml(content)),
    "ofac_csv": Form(OFAC_SOURCE, load_ofac_csv, is_dated=False),
    "eu": Form(EU_SOURCE, lambda content, _: load_eu_list(content)),
    "uk_csv": Form(UK_SOURCE, lambda content, _: load_uk_csv(content)),
    "uk_xml": Form(UK_SOURCE, lambda content, _: load_uk_xml(content)),
    "opensanctions": Form(OPENSANCTIONS_SOURCE, load_opensanctions),
    "own": Form(OWN_SOURCE, load_own_list, is_dated=False, is_private=True),
}


def read(content: bytes, form: str, undated: date | None = None) -> ScreeningList:
    """Read a list in one of FORMS; `undated` is the day of a list whose form carries none.

    Raises BadList with a sentence, for a malformed file and for an unknown form. The block list has a reader of its
    own, kyb.lists.blocklist: its values are hashed with a key.
    """
    known = FORMS.get(form)
    if known is None:
        raise BadList(f"there is no form {form[:64]!r}; there are: {', '.join(FORMS)}")
    return known.load(content, undated)
