"""Amharic and Tigrinya after the BGN/PCGN system, in plain letters."""

from __future__ import annotations

import re
import unicodedata

from qr.latin import Spelled
from qr.latin.words import title, words

# Consonants by their names in Unicode, where they differ from the sound.
_SOUNDS = {
    "HH": "h", "X": "h", "SZ": "s", "C": "ch", "GLOTTAL ": "", "PHARYNGEAL ": "", "KX": "kh", "DD": "d", "TH": "t",
    "CH": "ch", "PH": "p", "TZ": "ts", "QH": "q", "GG": "g", "KW": "kw", "GW": "gw", "QW": "qw", "XW": "hw",
}  # fmt: skip
_GUTTURAL = frozenset(("H", "HH", "X", "GLOTTAL ", "PHARYNGEAL "))  # their first order sounds as the fourth
_VOWELS = {"A": "e", "U": "u", "I": "i", "AA": "a", "EE": "e", "E": "", "O": "o", "WA": "wa", "OA": "a"}
_name = re.compile(
    "ETHIOPIC SYLLABLE (GLOTTAL |PHARYNGEAL |[BCDFGHJKLMNPQRSTVXYZ]W?[HXZYGDS]?|W)(AA|EE|WA|OA|A|U|I|E|O)"
).fullmatch


def spell(word: str, language: str) -> Spelled:
    """One word; the sixth order has no vowel but where three consonants would meet, or two begin the word."""
    known = words("am", language).get(word)
    if known:
        return Spelled(known, True)
    syllables = [_syllable(char) for char in word if unicodedata.category(char) == "Lo"]
    if None in syllables:
        return Spelled(title("".join(part for each in syllables if each for part in each)), False)
    found, bare = "", 0
    whole = [each for each in syllables if each is not None]
    for place, (consonant, vowel) in enumerate(whole):
        last = place == len(whole) - 1
        if not vowel and not consonant:  # a bare glottal stop: written, and hardly heard within a word
            if place and not bare:
                continue
            vowel = "i" if place else "e"
        if not vowel and not last and (place == 0 or bare):
            vowel = "i"
        bare = 0 if vowel else bare + 1
        found += consonant + vowel
    return Spelled(title(found), True)


def _syllable(char: str) -> tuple[str, str] | None:
    named = _name(unicodedata.name(char, ""))
    if named is None:
        return None
    consonant, vowel = named[1], _VOWELS[named[2]]
    if consonant in _GUTTURAL and named[2] == "A":
        vowel = "a"
    if len(consonant) > 1 and consonant.endswith("W") and named[2] == "A":  # written so, said as the seventh order
        consonant, vowel = consonant[:-1], "o"
    return _SOUNDS.get(consonant, consonant.lower()), vowel
