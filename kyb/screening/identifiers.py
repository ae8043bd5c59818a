"""Identity numbers in one form, and whether two of them are the same.

An exact number says more than any name: match.py reports its holder whatever the name. Numbers differ in how they are
written (case, blanks, dashes) and in the letters some documents put before them (OB 0243318, P0243318).
"""

import re
from collections.abc import Iterator

from kyb.identity_numbers import number_form
from kyb.lists.entry import Identifier

_MIN_CHARS = 5  # fewer fit too many people
_MIN_DIGITS = 6  # of a number whose letters before it are lacking on one side
_NOISE = re.compile(r"[^0-9A-Z]")
_PREFIX = re.compile(r"^[A-Z]{1,3}(?=[0-9]+$)")
_EXACT, _BARE = "=", "~"


def normal_number(number: str) -> str:
    """Capital letters and digits of a number, without the words for what it is; empty when there are none."""
    return _NOISE.sub("", number_form(number))


def identifier_keys(identifier: Identifier) -> Iterator[str]:
    """Keys under which a number is filed and looked up: whole, and without the letters before it."""
    number = normal_number(identifier.number)
    if len(number) < _MIN_CHARS or not any(char.isdigit() for char in number) or len(set(number)) < 3:
        return
    yield _EXACT + number
    bare = _PREFIX.sub("", number)
    if len(bare) >= _MIN_DIGITS:
        yield _BARE + bare


def same_number(given: Identifier, listed: Identifier) -> str | None:
    """ "exact" when both are one number, "likely" when only prefix or country keep them apart, else None."""
    one, other = normal_number(given.number), normal_number(listed.number)
    countries_differ = bool(given.country and listed.country and given.country != listed.country)
    if one == other:
        alone = one.isdigit() and countries_differ and given.kind != "lei"
        return "likely" if alone else "exact"
    bare_given, bare_listed = _PREFIX.sub("", one), _PREFIX.sub("", other)
    lacking = bare_given == bare_listed and (one == bare_given) != (other == bare_listed)
    related = given.kind == listed.kind or "other" in (given.kind, listed.kind)
    return "likely" if lacking and related and not countries_differ else None
