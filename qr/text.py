"""Fits names of any script: tells their language, and makes cuts that never split a letter.

What a reader calls a letter may be several characters (base, vowel signs, stacked consonants), so cuts are made
between grapheme clusters, and between words where that costs little.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

# Unicode's control characters (Cc) and bidirectional controls: they steer the screen that shows the text, so that it
# shows another one.
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
WORD_CUT_MIN = 0.6  # keep whole words while at least this share of the room is used

_ZWJ = "\u200d"
# Signs that stack the next consonant beneath (Unicode Indic_Conjunct_Break=Linker and the invisible
# stackers).
_STACKERS = frozenset("\u094d\u09cd\u0a4d\u0acd\u0b4d\u0c4d\u0ccd\u0d4d\u0dca\u1039\u17d2\u1a60\ua9c0")
_EMOJI_MODIFIERS = range(0x1F3FB, 0x1F400)
_REGIONAL = range(0x1F1E6, 0x1F200)
_JAMO_MEDIAL_FINAL = range(0x1160, 0x1200)
# The language (ISO 639-1) that a script stands for, by the first word of its letters' Unicode names; and where the same
# script is another language's, that of the country.
_LANGUAGES = {
    "MYANMAR": "my",
    "KHMER": "km",
    "THAI": "th",
    "LAO": "lo",
    "ETHIOPIC": "am",
    "ARABIC": "ar",
    "HEBREW": "he",
    "DEVANAGARI": "hi",
    "BENGALI": "bn",
    "GURMUKHI": "pa",
    "GUJARATI": "gu",
    "ORIYA": "or",
    "TAMIL": "ta",
    "TELUGU": "te",
    "KANNADA": "kn",
    "MALAYALAM": "ml",
    "SINHALA": "si",
    "TIBETAN": "bo",
    "GEORGIAN": "ka",
    "ARMENIAN": "hy",
    "GREEK": "el",
    "CYRILLIC": "ru",
    "CJK": "zh",
    "HANGUL": "ko",
    "HIRAGANA": "ja",
    "KATAKANA": "ja",
}
_NATIONAL = {
    ("ARABIC", "PK"): "ur",
    ("ARABIC", "IR"): "fa",
    ("ARABIC", "AF"): "fa",
    ("DEVANAGARI", "NP"): "ne",
    ("ETHIOPIC", "ER"): "ti",
    ("TIBETAN", "BT"): "dz",
    ("CJK", "JP"): "ja",
    ("CYRILLIC", "UA"): "uk",
    ("CYRILLIC", "KZ"): "kk",
    ("CYRILLIC", "KG"): "ky",
    ("CYRILLIC", "MN"): "mn",
    ("CYRILLIC", "TJ"): "tg",
    ("CYRILLIC", "UZ"): "uz",
    ("CYRILLIC", "RS"): "sr",
    ("CYRILLIC", "BG"): "bg",
    ("CYRILLIC", "BY"): "be",
    ("CYRILLIC", "MK"): "mk",
}
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
    """`text` in NFC with single spaces and no controls, cut to `chars_max` characters between graphemes, by word if
    little is lost.
    """
    visible = CONTROLS.sub("", " ".join(text.split()))
    text = unicodedata.normalize("NFC", " ".join(visible.split()))
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


def language_of(text: str, country: str) -> str | None:
    """The language (ISO 639-1) of a name in another script than Latin, by its first such letter and the country
    (ISO 3166-1 alpha-2); None for a Latin name and for scripts that tell nothing.
    """
    for char in text:
        script = unicodedata.name(char, "").partition(" ")[0] if char.isalpha() and not char.isascii() else ""
        if script in _LANGUAGES:
            return language_in(script, country)
    return None


def language_in(script: str, country: str) -> str | None:
    """The language that a script stands for in a country; the script by the first word of its letters' names."""
    return _NATIONAL.get((script, country)) or _LANGUAGES.get(script)
