"""How a word sounds, whatever romanisation wrote it: one spelling per sound, and further readings by language.

names.py gives each word its sounds. Letters mean different things in different languages (x is h in Somali and ks in
English, ch is sh in French and k in Italian, j is y in German), so a word has a first reading and some others.
"""

import re
from functools import lru_cache

VOWELS = frozenset("aeiou")
_GLIDES = frozenset("wy")  # count as consonants only at the start
_MAX_SOUNDS = 5
_REPEATED = re.compile(r"([^\W\d])\1+")
# One sound that romanisations write in several ways, longest spelling first (ch as in French: Rachid is
# Rashid); X stands for the sound of tch.
_SOUNDS = (
    ("tsch", "X"), ("shch", "s"), ("dzh", "j"), ("tch", "X"), ("sch", "s"), ("kh", "k"), ("gh", "g"), ("ph", "f"),
    ("sh", "s"), ("zh", "j"), ("dj", "j"), ("dh", "d"), ("th", "t"), ("ch", "s"), ("ck", "k"), ("tz", "s"), ("ts", "s"),
    ("gn", "n"), ("qu", "k"), ("c", "k"), ("q", "k"), ("x", "ks"), ("z", "s"), ("v", "f"),
)  # fmt: skip

# Readings of other languages: where the pattern stands, the word may also sound as if this were written.
# Each with the letters to look for first, which is quicker than the pattern.
_READINGS = tuple(
    (letters, re.compile(pattern), sound)
    for letters, pattern, sound in (
        ("x", r"x", "h"),  # Somali: Xasan is Hassan
        ("c", r"^c(?=[aeiou])|(?<=[aeiou])c(?=[aeiou])|(?<=[aeiou])c$", ""),  # Somali: Cabdi is Abdi, Jaamac is Jama
        ("kh", r"kh", "h"),  # Khamis is Hamisi, Khaled is Haled
        ("c", r"c(?=[aeiou])", "j"),  # Turkish: Cemal is Jamal
        ("q", r"q", "g"),  # Qasim is Gasim
        ("gh", r"gh", "k"),  # Ghasem is Qasim
        ("g", r"g(?=[aeiou])", "j"),  # Egyptian: Gamal is Jamal
        ("ye", r"^y(?=e)", ""),  # Yevgeny is Evgeny
        ("dh", r"dh", "z"),  # Ramadhan is Ramazan
        ("th", r"th", "s"),  # Othman is Osman
        ("d", r"d[iy](?=[aeou])", "j"),  # Mande names in French: Diallo is Jallow
        ("j", r"j", "y"),  # German, Serbian: Jusuf is Yusuf
        ("v", r"v", "w"),  # Vahid is Wahid
        ("ch", r"ch", "k"),  # Italian, old German: Achmed
        ("ch", r"ch", "tch"),  # English: Chavez
        ("t", r"t$", "d"),  # Ahmet is Ahmed
        ("w", r"w", "b"),  # Walter is Balter
        ("p", r"p$", "b"),
        ("c", r"c(?=[ei])", "s"),  # Cisse is Sisse
        ("h", r"(?<=[aeiou])h(?=[aeiou])|^h(?=[aeiou])", ""),  # dropped between vowels, and where nobody says it
    )
)
_GLIDE_BETWEEN = re.compile(r"(?<=[aeiou])y(?=[aeiou])")  # Dudayev is Dudaev
_VOWEL_GROUPS = re.compile(r"[aeiou]+")
_PLAIN_VOWELS = {
    "ou": "u",
    "oo": "u",
    "ee": "i",
    "ai": "e",
    "ei": "e",
    "ae": "e",
    "oe": "o",
    "ue": "u",
    "au": "o",
    "ao": "o",
}
_PLAIN_VOWELS |= {"aou": "o", "aei": "e", "ie": "i", "eu": "u", "iou": "iu", "aoui": "oi", "eo": "o", "oi": "oi"}

# How far two vowels are from one another; what is not named is far.
_NEAR = {frozenset(pair): cost for pair, cost in (("ei", 0.12), ("ou", 0.12), ("ae", 0.15), ("ao", 0.3), ("iu", 0.5))}
_FAR = 0.6


@lru_cache(maxsize=8_192)
def sounds_of(text: str) -> tuple[str, ...]:
    """The sounds a spelling may stand for, the usual one first."""
    found = [plain_sound(text)]
    for letters, pattern, sound in _READINGS:
        if letters in text:
            other = pattern.sub(sound, text)
            if other != text and other:
                found.append(plain_sound(other))
    return tuple(dict.fromkeys(found))[:_MAX_SOUNDS]


@lru_cache(maxsize=16_384)
def skeleton_of(sound: str) -> str:
    """The consonants: "mhmd" for Muhammad and Mohamed, "ahmd" for Ahmad, whom Hamad is not."""
    head = "a" if sound[:1] in VOWELS else sound[:1] if sound[:1] in _GLIDES else ""
    consonants = "".join(char for char in sound if char not in VOWELS and char not in _GLIDES)
    if len(consonants) > 2:
        consonants = consonants.removesuffix("h")  # Abdullah is Abdulla
    return head + consonants


def plain_sound(text: str) -> str:
    """A spelling with one letter a sound, and one vowel for the pairs that stand for it."""
    text = _REPEATED.sub(r"\1", text) if not any(pair in text for pair in ("oo", "ee")) else text
    if text.startswith("ou") and text[2:3] in VOWELS:
        text = "w" + text[2:]  # Ouattara is Watara
    for spelling, plain in _SOUNDS:
        if spelling in text:
            text = text.replace(spelling, plain)
    text = _GLIDE_BETWEEN.sub("", text)
    head, rest = text[:1], text[1:]
    rest = rest.replace("y", "i").replace("w", "u")
    text = _VOWEL_GROUPS.sub(lambda found: _PLAIN_VOWELS.get(found[0], found[0]), head + rest)
    return _REPEATED.sub(r"\1", text)


@lru_cache(maxsize=32_768)
def vowel_slots(sound: str) -> tuple[str, ...]:
    """The vowels before, between and after the consonants: ("", "a", "i", "") for salim."""
    slots: list[str] = []
    vowels = ""
    for char in sound:
        if char in VOWELS or (char in _GLIDES and slots):
            vowels += char
        else:
            slots.append(vowels)
            vowels = ""
    if vowels or not (len(slots) > 2 and sound.endswith("h")):
        slots.append(vowels)
    return tuple(slots)


def vowel_distance(one: str, other: str) -> float:
    """How far the vowels of two sounds with the same consonants are apart: 0 the same, 0.6 one that is far."""
    if one == other:
        return 0.0
    first, second = vowel_slots(one), vowel_slots(other)
    if len(first) != len(second):  # one ends in a silent h
        first, second = first[: len(second)], second[: len(first)]
    last = len(first) - 1
    return sum(
        _slot_distance(a, b, place == last, place == 0)
        for place, (a, b) in enumerate(zip(first, second, strict=True))
        if a != b
    )


@lru_cache(maxsize=4096)
def _slot_distance(one: str, other: str, at_end: bool, at_start: bool) -> float:
    if not one or not other:
        vowel = one or other
        if at_end:  # a final a or o is often another name (Salim, Salma); others come and go (Shabani, Bouzide)
            return {"i": 0.2, "e": 0.2, "u": 0.25}.get(vowel, _FAR)
        return 0.3 if at_start or len(vowel) == 1 else 0.45
    if at_end and {one[-1], other[-1]} == {"a", "o"}:
        return _FAR
    if len(one) == len(other) == 1:
        return _NEAR.get(frozenset((one, other)), _FAR)
    best = min(_NEAR.get(frozenset((a, b)), 0.0 if a == b else _FAR) for a in one for b in other)
    return min(_FAR, 0.15 + best)
