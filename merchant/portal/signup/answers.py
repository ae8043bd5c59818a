"""From a page's form the sections of an application, or of a wish: what the page does not ask stays as it was.

What is masked is never sent back. A section that holds masked answers is replaced whole, so a page of it asks for them
again.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from merchant.core import masking
from merchant.core.texts import _
from merchant.portal.ui.fields import Field, collect, put, start_of

_OF_OWNER = re.compile(r"owners\[(\d+)\]\.(id_number|birth_date)")


def changed(answered: Any, sections: Sequence[str], form: Mapping[str, str], fields: Sequence[Field]) -> dict[str, Any]:
    """The sections as they shall be: as answered, without what is masked, and over it what the form says."""
    whole = {name: _without_masked(msgspec.to_builtins(getattr(answered, name))) for name in sections}
    for one in fields:
        put(whole, one.name, [] if one.kind in ("lines", "choices") else None)
    found: dict[str, Any] = _over(whole, collect(form, fields))
    return found


def begun_with(answered: Any, sections: Sequence[str]) -> dict[str, str]:
    """The values that a page's form starts with; nothing of what is masked."""
    found: dict[str, str] = {}
    for name in sections:
        found |= start_of(getattr(answered, name), name)
    return {path: text for path, text in found.items() if not masking.is_masked(text)}


def masked(answered: Any, sections: Sequence[str]) -> dict[str, str]:
    """The masked answers of sections, by path."""
    found: dict[str, str] = {}
    for name in sections:
        found |= start_of(getattr(answered, name), name)
    return {path: text for path, text in found.items() if masking.is_masked(text)}


def asking_again(fields: Sequence[Field], hidden: Mapping[str, str], owners: Sequence[Any] = ()) -> list[Field]:
    """The fields of a page, with those that must be typed again because what is there is masked."""
    on_page = {one.name for one in fields}
    found = [
        msgspec.structs.replace(one, hint=_hint(hidden[one.name])) if one.name in hidden else one for one in fields
    ]
    return found + [
        Field(path, _label(path, owners), "text", _hint(shown), required=True, most=64)
        for path, shown in hidden.items()
        if path not in on_page
    ]


def _hint(shown: str) -> str:
    return _("You gave us {shown}. We do not show it whole; type it once more to save this page.", shown=shown)


def _label(path: str, owners: Sequence[Any]) -> str:
    of_owner = _OF_OWNER.fullmatch(path)
    if of_owner is None:
        return _("Tax number")
    owner = owners[int(of_owner[1])] if int(of_owner[1]) < len(owners) else None
    name = " ".join(part for part in (owner.given_name, owner.family_name) if part) if owner is not None else ""
    if of_owner[2] == "birth_date":
        return _("Date of birth of {name}", name=name)
    return _("Number of {name}’s document", name=name)


def _without_masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_masked(inner) for name, inner in value.items() if not _is_masked(inner)}
    return [_without_masked(inner) for inner in value] if isinstance(value, list | tuple) else value


def _is_masked(value: Any) -> bool:
    return isinstance(value, str) and masking.is_masked(value)


def _over(base: Any, given: Any) -> Any:
    """What is given, laid over what was there."""
    if isinstance(base, dict) and isinstance(given, dict):
        return base | {name: _over(base.get(name), inner) for name, inner in given.items()}
    if isinstance(base, list) and isinstance(given, list) and all(isinstance(one, dict) for one in given):
        laid = [_over(base[at] if at < len(base) else {}, one) for at, one in enumerate(given)]
        return laid + base[len(given) :]
    return given
