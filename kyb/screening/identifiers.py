"""Identity numbers in one form, and whether two of them are the same.

An exact number says more than any name: match.py reports its holder whatever the name. Numbers differ in how they are
written (case, blanks, dashes), in the letters some documents put before them (OB 0243318, P0243318), and in how they
were read (0B 0243318).
"""

import re
from collections.abc import Iterator

from kyb.identity_numbers import number_form
from kyb.lists.entry import Identifier

_MIN_CHARS = 5  # fewer fit too many people
_MIN_DIGITS = 6  # of a number whose letters before it are lacking on one side
_NOISE = re.compile(r"[^0-9A-Z]")
_PREFIX = re.compile(r"^[A-Z]{1,3}(?=[0-9]+$)")
_EXACT, _BARE, _LOOKS = "=", "~", "≈"
_AS_DIGITS = str.maketrans("OQDILSBZG", "000115826")  # letters that are read or typed for digits
_STRAY = re.compile(r"(?<=[0-9]{5})[A-Z]$")


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
    for look in _looks(number):
        yield _LOOKS + look


def _looks(number: str) -> set[str]:
    """What a number of many digits looks like, and without a letter at its end that may have strayed in."""
    looks = {each.translate(_AS_DIGITS) for each in (number, _STRAY.sub("", number))}
    return {look for look in looks if sum(char.isdigit() for char in look) >= _MIN_DIGITS}


def _look_the_same(one: str, other: str) -> bool:
    """Whether letters and digits were taken for each other, or one of the two ends in a stray letter."""
    if _STRAY.search(one) and _STRAY.search(other):
        return one.translate(_AS_DIGITS) == other.translate(_AS_DIGITS)
    return not _looks(one).isdisjoint(_looks(other))


def same_number(given: Identifier, listed: Identifier) -> str | None:
    """ "exact" when both are one number, "likely" when prefix, country or reading keep them apart, else None."""
    one, other = normal_number(given.number), normal_number(listed.number)
    countries_differ = bool(given.country and listed.country and given.country != listed.country)
    if one == other:
        alone = one.isdigit() and countries_differ and given.kind != "lei"
        return "likely" if alone else "exact"
    bare_given, bare_listed = _PREFIX.sub("", one), _PREFIX.sub("", other)
    lacking = bare_given == bare_listed and (one == bare_given) != (other == bare_listed)
    related = given.kind == listed.kind or "other" in (given.kind, listed.kind)
    alike = lacking or _look_the_same(one, other)
    return "likely" if alike and related and not countries_differ else None
