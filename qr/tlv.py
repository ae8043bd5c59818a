"""Identifier, length, value: the encoding of every level of a payload.

The single place that counts length, in characters (code points) as EMV MPM 4.4.1.1 says, never in bytes. The
meaning of identifiers is in emv.py. `split` is fast; `scan` reads the same text slowly and tells where and why it
stopped.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple
from unicodedata import normalize

VALUE_CHARS_MAX = 99  # EMV MPM 3.2
HEADER_CHARS = 4

# A look-up rather than int(): int() takes " 4", "+4" and Arabic-Indic digits for numbers.
TWO_DIGITS = tuple(f"{number:02d}" for number in range(100))
IDS = frozenset(TWO_DIGITS)
_CAPITALS = re.compile("[A-Z]{2}").fullmatch  # identifiers of a private extension, met in live codes
_LENGTHS = {text: number for number, text in enumerate(TWO_DIGITS) if number}


class TlvError(ValueError):
    """The text is not a valid sequence of objects (`scan` tells where), or a value fits no object; `tag` names it."""

    def __init__(self, message: str, tag: str = "") -> None:
        self.tag = tag
        super().__init__(message)


class Item(NamedTuple):
    """One object of the text."""

    tag: str
    value: str
    offset: int  # of the identifier, in characters


class Fault(NamedTuple):
    """Why an object cannot be read or is not allowed here."""

    code: str
    message: str
    offset: int
    tag: str


def split(text: str) -> dict[str, str]:
    """The objects of one level by identifier; TlvError on a bad header, an overrun, an empty value or a repeat."""
    objects: dict[str, str] = {}
    count = position = 0
    end = len(text)
    try:
        while position < end:
            start = position + 4
            stop = start + _LENGTHS[text[position + 2 : start]]
            objects[text[position : position + 2]] = text[start:stop]
            position = stop
            count += 1
    except KeyError:
        raise TlvError("bad header") from None
    if position != end or count != len(objects) or not IDS.issuperset(objects):
        raise TlvError("not a sequence of objects")
    return objects


def scan(text: str) -> tuple[list[Item], list[Fault]]:
    """Every readable object in order, and the faults met; stops at the first header it cannot follow."""
    items: list[Item] = []
    faults: list[Fault] = []
    seen: set[str] = set()
    position = 0
    while position < len(text):
        tag, digits = text[position : position + 2], text[position + 2 : position + 4]
        if tag not in IDS or digits not in IDS:
            shown = text[position : position + HEADER_CHARS]
            faults.append(
                Fault(
                    "bad_header",
                    f"an object must begin with two digits of identifier and two of length, not with {shown!r}",
                    position,
                    "",
                )
            )
            break
        if digits == "00":
            faults.append(
                Fault("empty_value", f"object {tag} has length 00, and an object may not be empty", position, tag)
            )
        value = text[position + HEADER_CHARS : position + HEADER_CHARS + int(digits)]
        if len(value) < int(digits):
            faults.append(
                Fault(
                    "value_overruns",
                    f"object {tag} says {digits} characters, {len(value)} are left",
                    position,
                    tag,
                )
            )
            break
        if tag in seen:
            faults.append(Fault("duplicate_id", f"object {tag} occurs more than once", position, tag))
        seen.add(tag)
        items.append(Item(tag, value, position))
        position += HEADER_CHARS + len(value)
    return items, faults


def readable(text: str) -> dict[str, str]:
    """What can be read of a level that `split` refuses: objects up to the first broken one, a repeated one once.

    Empty objects are left out; identifiers of two capital letters are passed over.
    """
    objects: dict[str, str] = {}
    position = 0
    while position < len(text):
        tag, digits = text[position : position + 2], text[position + 2 : position + 4]
        if digits not in IDS or not (tag in IDS or _CAPITALS(tag)):
            break
        value = text[position + HEADER_CHARS : position + HEADER_CHARS + int(digits)]
        if len(value) < int(digits):
            break
        if value and tag in IDS:
            objects.setdefault(tag, value)
        position += HEADER_CHARS + len(value)
    return objects


def _precompose(tag: str, value: str) -> str:
    """The value in NFC, before its characters are counted: composing makes fewer."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise TlvError("a lone surrogate is not a character", tag) from None
    return normalize("NFC", value)


def join(objects: Iterable[tuple[str, str]]) -> str:
    """The text of objects in the order given, values in NFC (EMV MPM 4.5.3).

    TlvError for an identifier that is not two digits and a value that is empty, longer than 99 characters or not
    Unicode.
    """
    parts: list[str] = []
    for tag, value in objects:
        if not isinstance(value, str):
            raise TypeError(tag)
        text = value if value.isascii() else _precompose(tag, value)
        if tag not in IDS:
            raise TlvError(f"{tag!r} is not an identifier of two digits", tag)
        if not 0 < len(text) <= VALUE_CHARS_MAX:
            raise TlvError(f"{len(text)} characters, an object holds 1 to {VALUE_CHARS_MAX}", tag)
        parts.append(f"{tag}{TWO_DIGITS[len(text)]}{text}")
    return "".join(parts)
