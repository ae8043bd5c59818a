"""Names in any script made to fit: a Latin form for the wallets that know no other, and cuts that never split a
letter.

What a reader calls a letter may be several characters (base, vowel signs, stacked consonants), so cuts are made
between grapheme clusters, and between words where that costs little.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

WORD_CUT_MIN = 0.6  # keep whole words while at least this share of the room is used

_ZWJ = "\u200d"
# Signs that stack the next consonant beneath (Unicode Indic_Conjunct_Break=Linker and the invisible
# stackers).
_STACKERS = frozenset("\u094d\u09cd\u0a4d\u0acd\u0b4d\u0c4d\u0ccd\u0d4d\u0dca\u1039\u17d2\u1a60\ua9c0")
_EMOJI_MODIFIERS = range(0x1F3FB, 0x1F400)
_REGIONAL = range(0x1F1E6, 0x1F200)
_JAMO_MEDIAL_FINAL = range(0x1160, 0x1200)
_SPACING_VOWELS = frozenset("\u0e33\u0eb3")  # Thai and Lao sara am belong to the consonant before


def graphemes(text: str) -> Iterator[str]:
    """The user-perceived characters of `text` in order (after Unicode UAX 29, never finer)."""
    start = 0
    for position in range(1, len(text)):
        if _breaks(text, start, position):
            yield text[start:position]
            start = position
    if text:
        yield text[start:]


def _breaks(text: str, start: int, position: int) -> bool:
    before, after = text[position - 1], text[position]
    point = ord(after)
    if unicodedata.category(after).startswith("M") or after in _SPACING_VOWELS or after == _ZWJ:
        return False
    if point in _EMOJI_MODIFIERS or point in _JAMO_MEDIAL_FINAL:
        return False
    if before == _ZWJ or before in _STACKERS:
        return False
    if point in _REGIONAL and ord(before) in _REGIONAL:
        return (position - start) % 2 == 0  # flags are pairs
    return True


def fit(text: str, chars_max: int) -> str:
    """`text` in NFC with single spaces, cut to `chars_max` characters between graphemes, by word if little is lost."""
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    if len(text) <= chars_max:
        return text
    kept = ""
    for cluster in graphemes(text):
        if len(kept) + len(cluster) > chars_max:
            break
        kept += cluster
    words = kept.rpartition(" ")[0]
    if text[len(kept)] != " " and len(words) >= chars_max * WORD_CUT_MIN:
        kept = words
    return kept.rstrip()


def latin(text: str, chars_max: int) -> str:
    """`text` in the common character set (printable ASCII), transliterated and cut to `chars_max`."""
    if not text.isascii():
        from anyascii import anyascii

        text = anyascii(unicodedata.normalize("NFC", text))
    printable = "".join(char if char.isprintable() else " " for char in text)
    return fit(printable, chars_max)
