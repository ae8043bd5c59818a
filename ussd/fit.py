"""What fits on a handset: alphabets, sizes, cuts and pages.

A USSD string carries 160 octets: 182 characters of the 7-bit alphabet, or 80 of UCS-2, and one character
outside the alphabet turns the whole screen into UCS-2. Networks cap lower, so 160 and 70 are what screens
are held to.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, Literal

from anyascii import anyascii
from msgspec import Struct

Alphabet = Literal["gsm7", "ucs2"]

# 3GPP TS 23.038 section 6.2.1, the default alphabet, and 6.2.1.1, its extension: ESC and one more septet.
# Line breaks and form feed are left out: texts never carry them inside a value.
GSM7_BASIC: Final = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENDED: Final = frozenset("^{}\\[~]|€")
GSM7: Final = GSM7_BASIC | GSM7_EXTENDED
_SCREEN: Final = GSM7 | {"\n"}
_BEYOND_BMP: Final = re.compile("[\U00010000-\U0010ffff]")
_EXTENDED_IN: Final = re.compile("[" + re.escape("".join(sorted(GSM7_EXTENDED))) + "]")

ELLIPSIS: Final = ".."  # two septets; the one-character ellipsis is not in the 7-bit alphabet

_UNSHOWN: Final = {"Cc", "Cs", "Co", "Cn"}
# Marks and overrides of direction, which would turn the words around a value, and blanks of no width.
_UNSEEN: Final = frozenset("\u061c\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff")

_ZERO_WIDTH_JOINER: Final = "\u200d"
_VIRAMA: Final = 9  # canonical combining class of the signs that stack the next consonant


class Cap(Struct, frozen=True):
    """What one gateway shows on a screen. Safaricom caps at 160; 70 of 80 leaves operators a line."""

    septets: int = 160
    ucs2_units: int = 70


LEAST_CAP: Final = Cap(120, 60)  # the smallest for which every screen is tested; below it sentences would be torn


def is_gsm7(text: str) -> bool:
    """Whether the 7-bit alphabet can carry this text."""
    return _SCREEN.issuperset(text)


def septets(text: str) -> int:
    """The cost of a 7-bit text: one a character, two for the extension table."""
    return len(text) + len(_EXTENDED_IN.findall(text))


def ucs2_units(text: str) -> int:
    """The cost of a text in UCS-2: two for characters beyond the Basic Multilingual Plane."""
    return len(text) + len(_BEYOND_BMP.findall(text))


def measure(text: str, cap: Cap) -> tuple[Callable[[str], int], int]:
    """The size function and the limit that hold for a screen with this text."""
    return (septets, cap.septets) if is_gsm7(text) else (ucs2_units, cap.ucs2_units)


def fits(text: str, cap: Cap) -> bool:
    """Whether the text fits one screen in the alphabet it needs."""
    size, limit = measure(text, cap)
    return size(text) <= limit


def legible(value: str, alphabet: Alphabet) -> str:
    """A value made safe for a screen: one line, no control characters, in the 7-bit alphabet where the language is.

    What the 7-bit alphabet lacks is written in Latin letters; pictures are dropped.
    """
    value = " ".join(value.split())
    if is_gsm7(value):
        return value
    value = unicodedata.normalize("NFC", value)
    if alphabet == "ucs2":
        return "".join(c for c in value if unicodedata.category(c) not in _UNSHOWN and c not in _UNSEEN)
    spelled = "".join(_spelled(character) for character in value)
    return " ".join(spelled.split())


@lru_cache(maxsize=4096)  # names in one script use few characters
def _spelled(character: str) -> str:
    if character in GSM7:
        return character
    if unicodedata.category(character) in {"So", "Sk", "Cs"}:
        return ""
    return "".join(c for c in anyascii(character) if c in GSM7)


def graphemes(text: str) -> Iterator[str]:
    """Split into user-perceived characters, so that a cut never separates an accent from its letter.

    The part of Unicode annex 29 that names need: combining signs, joined and toned pictures, flags, stacked
    consonants and Hangul jamo.
    """
    cluster = ""
    for character in text:
        if cluster and not _continues(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _continues(cluster: str, character: str) -> bool:
    if character.isascii():
        return False
    last = cluster[-1]
    return (
        unicodedata.category(character) in {"Mn", "Mc", "Me"}
        or character == _ZERO_WIDTH_JOINER
        or last == _ZERO_WIDTH_JOINER
        or "\U0001f3fb" <= character <= "\U0001f3ff"  # skin tones
        or (_is_flag_half(character) and _is_flag_half(last) and len(cluster) % 2 == 1)
        or (unicodedata.combining(last) == _VIRAMA and character.isalpha())
        or "\u1160" <= character <= "\u11ff"  # Hangul vowels and finals
    )


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def clip(text: str, room: int, size: Callable[[str], int]) -> str:
    """The text, or as many whole graphemes as fit into `room` with `..` after them; empty if none does."""
    if size(text) <= room:
        return text
    kept, left = "", room - size(ELLIPSIS)
    for grapheme in graphemes(text):
        left -= size(grapheme)
        if left < 0:
            break
        kept += grapheme
    return kept.rstrip() + ELLIPSIS if kept else ""


def stretch(build: Callable[[str], str], elastic: str, cap: Cap) -> str:
    """The screen `build(elastic)`, with the elastic value clipped as far as the cap asks."""
    text = build(elastic)
    size, limit = measure(text, cap)
    if size(text) <= limit:
        return text
    return build(clip(elastic, limit - size(build("")), size))


def paginate(lines: tuple[str, ...], room: int, size: Callable[[str], int]) -> list[tuple[str, ...]]:
    """Share lines out over pages of `room` each; a line longer than a page is clipped to it."""
    pages: list[tuple[str, ...]] = [()]
    left = room
    for line in lines:
        cost = size(line)
        if cost > room:
            line = clip(line, room, size)
            cost = size(line)
        if pages[-1]:
            cost += 1  # the line break before it
        if cost > left:
            pages.append(())
            left, cost = room, cost - 1
        pages[-1] += (line,)
        left -= cost
    return pages
