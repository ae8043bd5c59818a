"""Scripts of India, Nepal, Bangladesh and Sri Lanka: vowels said though not written, none where none is spoken.

Unicode lays nine of the scripts out alike, so that one table serves them; Sinhala has its own.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from qr.latin import Spelled
from qr.latin.words import entries, title, words

_BLOCK = 0x80
_YA = 0x2F  # said j in Bengali and Odia, but y under another letter
_CONSONANTS = dict(
    enumerate(
        entries("k kh g gh ng ch chh j jh ny t th d dh n t th d dh n n p ph b bh m y r r l l zh v sh sh s h"),
        start=0x15,
    )
)
_INDEPENDENT = dict(enumerate(entries("a a i i u u ri li e e e ai o o o au"), start=0x05))
_SIGNS = dict(enumerate(entries("a i i u u ri ri e e e ai o o o au"), start=0x3E))
_SINHALA = dict(
    enumerate(
        entries(
            "k kh g gh ng ng ch ch j jh ny gn nj t th d dh n nd th th d dh n - nd p ph b bh m mb y r"
            " - l - - w sh sh s h l f"
        ),
        start=0x1A,
    )
)
_SINHALA_INDEPENDENT = dict(enumerate(entries("a a a ae i i u u ru ru lu lu e e ai o o au"), start=0x05))
_SINHALA_SIGNS = {
    0x4F: "a", 0x50: "a", 0x51: "ae", 0x52: "i", 0x53: "i", 0x54: "u", 0x56: "u", 0x58: "ru", 0x59: "e", 0x5A: "e",
    0x5B: "ai", 0x5C: "o", 0x5D: "o", 0x5E: "au",
}  # fmt: skip
_DOTTED_YA = {0x5F: "y"}  # NFC keeps it in Odia only
_VIRAMA, _NUKTA = "\0", "\1"
_DOTTED = {"j": "z", "ph": "f", "d": "r", "dh": "rh", "k": "q"}
_MALAYALAM_FINALS = {"ൺ": "n", "ൻ": "n", "ർ": "r", "ൽ": "l", "ൾ": "l", "ൿ": "k"}
_MALAYALAM_PAIRS = (("റ്റ", "ട്ട"), ("ന്റ", "ന്ട"), ("ൻറ", "ന്ട"), ("ണ്ട", "ണ്ഡ"))
# What a language says otherwise than the table.
_OTHERWISE = {
    "bn": {0x2F: "j", 0x35: "b"},
    "or": {0x2F: "j"},
    "ml": {0x24: "th", 0x25: "th"},
}
# Where the vowel after a word's last consonant is silent, and where also one between two syllables.
_ENDS_SILENT = frozenset(("hi", "ne", "mr", "gu", "pa", "bn"))
_MIDDLE_SILENT = frozenset(("hi", "mr", "gu", "pa"))


class _Sound(NamedTuple):
    consonant: str
    vowel: str  # empty where none is said
    inherent: bool


def spell(word: str, language: str) -> Spelled:
    """One word, with a capital."""
    plain = word.replace("\u200c", "").replace("\u200d", "")
    known = words(language).get(plain)
    if known:
        return Spelled(known, True)
    if language == "ml":
        for written, said in _MALAYALAM_PAIRS:
            plain = plain.replace(written, said)
    sounds = list(_sounds(plain, language))
    if language in _ENDS_SILENT:
        _silence(sounds, language)
    found = "".join(sound.consonant + sound.vowel for sound in sounds)
    found = found.replace("jny", "gy" if language in ("hi", "ne") else "gn").replace("chchh", "cchh")
    if language == "ml":
        found = re.sub("(?<=[aeiou])t(?=[aeiou])", "d", found)
    found = re.sub("(kh|gh|ch|th|dh|ph|bh|sh)(?=\\1)", lambda pair: pair[0][0], found)
    found = re.sub("\2(?=[pbm])", "m", found)
    end = "m" if language in ("te", "kn", "ml", "or") else "ng" if language in ("bn", "si") else "n"
    found = re.sub("\2$", end, found).replace("\2", "n")
    return Spelled(title(found), all(script_known(char) for char in plain))


def script_known(char: str) -> bool:
    """Whether the tables have a letter or mark, digits included."""
    offset = ord(char) % _BLOCK
    tables: tuple[dict[int, str], ...] = (_CONSONANTS, _INDEPENDENT, _SIGNS, _DOTTED_YA)
    if 0x0D80 <= ord(char) < 0x0E00:
        tables = (_SINHALA, _SINHALA_INDEPENDENT, _SINHALA_SIGNS)
    return unicodedata.category(char)[0] == "M" or any(offset in one for one in tables) or char in "ৎ" + _FINALS


_FINALS = "".join(_MALAYALAM_FINALS)


def _symbols(word: str, language: str) -> list[tuple[str, str]]:
    """Each letter as kind (`C`onsonant, `V`owel, `S`ign, `M`ark) and sound."""
    sinhala = language == "si"
    consonants = _SINHALA if sinhala else _CONSONANTS | _OTHERWISE.get(language, {})
    independent = _SINHALA_INDEPENDENT if sinhala else _INDEPENDENT
    signs = _SINHALA_SIGNS if sinhala else _SIGNS
    found = []
    for char in word:
        offset = ord(char) % _BLOCK
        if offset == (0x4A if sinhala else 0x4D):
            found.append(("M", _VIRAMA))
        elif char in _MALAYALAM_FINALS or char == "ৎ":
            found.append(("M", _MALAYALAM_FINALS.get(char, "t")))
        elif not sinhala and offset == 0x3C:
            found.append(("M", _NUKTA))
        elif offset in (0x01, 0x02) or char == "ੰ":
            found.append(("M", "\2"))
        elif offset == 0x03:
            found.append(("M", "h"))
        elif char == "ੱ":
            found.append(("M", "\3"))
        elif offset in consonants:
            under = language in ("bn", "or") and offset == _YA and bool(found) and found[-1] == ("M", _VIRAMA)
            found.append(("C", "y" if under else consonants[offset]))
        elif not sinhala and offset in _DOTTED_YA:
            found.append(("C", "y"))
        elif offset in independent:
            found.append(("V", independent[offset]))
        elif offset in signs:
            found.append(("S", signs[offset]))
    return found


def _sounds(word: str, language: str) -> list[_Sound]:
    sounds: list[_Sound] = []
    doubled = False
    for kind, sound in _symbols(word, language):
        if kind == "C":
            first = sound[0] if doubled else ""
            doubled = False
            sounds.append(_Sound(first + sound, "a", True))
        elif kind == "V":
            sounds.append(_Sound("", sound, False))
        elif not sounds:
            continue
        elif kind == "S":
            sounds[-1] = _Sound(sounds[-1].consonant, sound, False)
        elif sound == _VIRAMA:
            sounds[-1] = _Sound(sounds[-1].consonant, "", False)
        elif sound == _NUKTA:
            letter = sounds[-1].consonant
            dotted = "y" if language == "bn" and letter == "j" else _DOTTED.get(letter, letter)
            sounds[-1] = sounds[-1]._replace(consonant=dotted)
        elif sound == "\3":
            doubled = True
        else:
            sounds.append(_Sound(sound, "", False))
    return sounds


def _silence(sounds: list[_Sound], language: str) -> None:
    """Take out the vowels that are not said: at the end, and between two syllables, from the right."""
    spoken = [index for index, sound in enumerate(sounds) if sound.consonant != "\2"]
    if len(spoken) > 1:
        last = spoken[-1]
        if last == len(sounds) - 1 and sounds[last].inherent and not _clusters(sounds, last):
            sounds[last] = sounds[last]._replace(vowel="")
    if language not in _MIDDLE_SILENT:
        return
    for index in range(len(sounds) - 2, 0, -1):
        before, here, after = sounds[index - 1 : index + 2]
        if here.inherent and here.vowel and before.vowel and after.consonant and after.vowel and here.consonant:
            sounds[index] = here._replace(vowel="")


def _clusters(sounds: list[_Sound], index: int) -> bool:
    """Whether two consonants meet here that need a vowel after them: Indra, and not dost."""
    before, here = sounds[index - 1], sounds[index]
    return before.vowel == "" and before.consonant != "\2" and here.consonant in ("r", "l", "v", "y", "m", "n", "b")
