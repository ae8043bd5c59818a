"""Read the answer at a path such as `owners[0].birth_date`: the paths that reports, requirements and returns name."""

import re
from typing import Any

from msgspec import Struct

from kyb.applicant import Sections

_STEP = re.compile(r"([a-z_]{1,64})(?:\[(\d{1,3})\])?")


class NoSuchAnswer(ValueError):
    """The path names nothing that an application holds."""


def answer_at(sections: Sections, path: str) -> Any:
    """The answer at a path, None where it is empty or is the next one of a list. Raises NoSuchAnswer."""
    found: Any = sections
    for step in path.split("."):
        match = _STEP.fullmatch(step)
        if match is None or not isinstance(found, Struct) or match[1] not in found.__struct_fields__:
            raise NoSuchAnswer(path)
        found = getattr(found, match[1])
        if match[2] is not None:
            found = _item(found, int(match[2]), path)
    return found


def _item(found: Any, position: int, path: str) -> Any:
    if not isinstance(found, tuple) or position > len(found):
        raise NoSuchAnswer(path)
    return found[position] if position < len(found) else None
