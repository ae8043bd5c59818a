"""Finds which length of an unreadable payload is wrong, and the one with which the rest reads.

Programs that count by hand, or count bytes for characters, write lengths that are a little off, and the object named by
a parser is then the next one, or the one after.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from qr import tlv
from qr.emv import CARD_IDS, MANDATORY, ROOT_FIELDS, TEMPLATE_IDS

OFF_MAX = 3
CURRENCY = "53"  # where it is missing, what looks like a card's number may hold it
NONSENSE_MAX = 2  # objects that break rules of their own in a code whose one length is wrong
MORE_SENSE = 3  # objects that a wrong length must explain where the level can be read
EMPTY_IS_CHANCE = 3  # digits that look like an empty object are mostly the middle of something else
SUSPECTS_MAX = 20
PAIR_CHARS_MAX = 1_024  # two wrong lengths are looked for in texts that may be payloads
# A card scheme's number, of letters, digits and padding; shorter ones are more likely read by mistake.
_is_card = re.compile("[0-9A-Za-z*]{10,} *").fullmatch
TEXT_CHARS_MAX = 8_859  # as scan.py's: work on hostile text stays bounded
# Objects before the break that may be at fault, in a template and at the root; the last one mostly is.
_SUSPECTS = (2, 8)

_FIELDS = {field.tag: field for field in ROOT_FIELDS}


class WrongLength(NamedTuple):
    """The object with a wrong length: identifier, offset in its level, the length it says and the right one."""

    tag: str
    offset: int
    said: int
    right: int

    def __str__(self) -> str:
        return f"{self.tag} says {self.said}, with {self.right} the rest reads"


def find_wrong_lengths(text: str) -> tuple[WrongLength, ...]:
    """The one or two lengths that keep a payload's root from being read, in order; empty when they are not found."""
    one = find_wrong_length(text, root=True)
    if one is not None:
        return (one,)
    faults = tlv.scan(text)[1] if len(text) <= PAIR_CHARS_MAX else []
    best: tuple[int, tuple[WrongLength, ...]] | None = None
    for first in _changes(text, root=True) if faults else ():
        mended = with_right_length(text, first)
        second = find_wrong_length(mended, root=True) if tlv.scan(mended)[1] else None
        if second is None or second.offset <= first.offset or second.tag in CARD_IDS:
            continue
        whole = with_right_length(mended, second)
        sense, objects = _sense(whole, root=True), tlv.split(whole)
        if sense is not None and sense >= len(objects) and (best is None or sense > best[0]):
            best = sense, (first, second)
    return best[1] if best is not None else ()


def tell(wrongs: tuple[WrongLength, ...]) -> list[str]:
    """A sentence for each wrong length."""
    return [f"{one.tag} says {one.said}, with {one.right} the text reads on" for one in wrongs[:-1]] + [
        str(one) for one in wrongs[-1:]
    ]


def with_right_lengths(text: str, wrongs: tuple[WrongLength, ...]) -> str:
    """The text with the right lengths in place of the wrong ones."""
    for wrong in wrongs:
        text = with_right_length(text, wrong)
    return text


def find_wrong_length(text: str, *, root: bool) -> WrongLength | None:
    """The one length, off by up to three, that keeps a level from being read; None when no such change mends it.

    The root must then end with its checksum, and make more sense than it does as it is, where it can be read.
    """
    if len(text) > TEXT_CHARS_MAX:
        return None
    best: tuple[int, WrongLength] | None = None
    at_least = -tlv.VALUE_CHARS_MAX if tlv.scan(text)[1] else MORE_SENSE + (_sense(text, root) or 0)
    for wrong in _changes(text, root):
        worth = _worth(text, wrong, root)
        if worth is not None and worth >= at_least and (best is None or worth > best[0]):
            best = worth, wrong
    return best[1] if best is not None else None


def _changes(text: str, root: bool) -> Iterator[WrongLength]:
    """What may be wrong, the smallest changes and the last objects before the break first."""
    items, faults = tlv.scan(text)
    suspects = [(item.tag, item.offset) for item in (items[-_SUSPECTS[root] :] if faults else items[:SUSPECTS_MAX])]
    if faults and faults[-1].code == "value_overruns":
        suspects.append((faults[-1].tag, faults[-1].offset))
    for off in range(1, OFF_MAX + 1):
        for tag, offset in reversed(suspects):
            said = int(text[offset + 2 : offset + tlv.HEADER_CHARS])
            for right in (said - off, said + off):
                if 0 < right <= tlv.VALUE_CHARS_MAX:
                    yield WrongLength(tag, offset, said, right)


def with_right_length(text: str, wrong: WrongLength) -> str:
    """The text with the right length in place of the wrong one."""
    start = wrong.offset + 2
    return f"{text[:start]}{tlv.TWO_DIGITS[wrong.right]}{text[start + 2 :]}"


def sensible_part(text: str) -> str:
    """The text up to the first card account that makes no sense: a length before it is wrong, and what follows may be
    anything.
    """
    for item in tlv.scan(text[:TEXT_CHARS_MAX])[0]:
        if item.tag in CARD_IDS and not _makes_sense(item.tag, item.value):
            return text[: item.offset]
    return text


def _worth(text: str, wrong: WrongLength, root: bool) -> int | None:
    """How likely a length is the right one, by the objects that then make sense; None when the level still does not
    read to its end.
    """
    mended = with_right_length(text, wrong)
    start = wrong.offset + tlv.HEADER_CHARS
    if root and wrong.tag not in TEMPLATE_IDS and not _makes_sense(wrong.tag, mended[start : start + wrong.right]):
        return None
    sense = _sense(mended, root)
    return None if sense is None else sense - EMPTY_IS_CHANCE * (wrong.said == 0)


def _sense(text: str, root: bool) -> int | None:
    """How many objects of a level make sense, less those that do not; None when too few do, or when it does not read to
    its end.
    """
    try:
        objects = tlv.split(text)
    except tlv.TlvError:
        return None
    if not root:
        return 0
    if next(reversed(objects)) != "63" or len(objects["63"]) != tlv.HEADER_CHARS:
        return None
    nonsense = sum(not _makes_sense(tag, value) for tag, value in objects.items())
    swallowed = CURRENCY not in objects and not CARD_IDS.isdisjoint(objects)
    if nonsense > NONSENSE_MAX or swallowed:
        return None
    return len(objects) - 2 * nonsense + sum(tag in objects for tag in MANDATORY)


def _makes_sense(tag: str, value: str) -> bool:
    field = _FIELDS.get(tag)
    if field is not None:
        return field.match(value) is not None
    if tag not in TEMPLATE_IDS:
        return tag == "63" or (tag in CARD_IDS and _is_card(value) is not None)
    try:
        return "00" in tlv.split(value) or tag == "62"
    except tlv.TlvError:
        return False
