"""Tamil: one letter for voiced and voiceless consonants, told apart by what stands beside it."""

from __future__ import annotations

import re

from qr.latin import Spelled
from qr.latin.words import entries, title, words

_CONSONANTS = {
    "க": "K", "ங": "ng", "ச": "C", "ஞ": "ny", "ட": "T", "ண": "n", "த": "th", "ந": "n", "ப": "P", "ம": "m", "ய": "y",
    "ர": "r", "ல": "l", "வ": "v", "ழ": "zh", "ள": "l", "ற": "R", "ன": "n", "ஜ": "j", "ஷ": "sh", "ஸ": "s", "ஹ": "h",
    "ஶ": "sh",
}  # fmt: skip
_VOWELS = dict(zip("அஆஇஈஉஊஎஏஐஒஓஔ", entries("a a i i u u e e ai o o au"), strict=True))
_SIGNS = dict(zip("ாிீுூெேைொோௌ", entries("a i i u u e e ai o o au"), strict=True))
_PULLI = "்"
# Capitals stand for letters whose voice depends on their neighbours, in this order.
_VOICES = (
    ("KK", "kk"),
    ("CC", "ch"),
    ("TT", "tt"),
    ("PP", "pp"),
    ("thth", "th"),
    ("nRR", "nr"),
    ("RR", "tr"),
    ("nR", "ndr"),
    ("ngK", "ng"),
    ("nyC", "nj"),
    ("(?<=[nm])K", "g"),
    ("(?<=n)T", "d"),
    ("(?<=[nm])P", "b"),
    ("(?<=[aeioulry])K(?=[aeiou])", "g"),
    ("(?<=[aeioulry])T(?=[aeiou])", "d"),
    ("(?<=[aeiou])P(?=[aeiou])", "b"),
    ("TC", "tch"),
    ("RC", "rch"),
    ("K", "k"),
    ("C", "s"),
    ("T", "t"),
    ("P", "p"),
    ("R", "r"),
)


def spell(word: str, language: str) -> Spelled:
    """One word, with a capital."""
    known = words(language).get(word)
    if known:
        return Spelled(known, True)
    text = word.replace("\u200c", "").replace("\u200d", "").replace("ஃப", "\1").replace("க்ஷ", "\2")
    found, open_ = "", False  # open_: a consonant whose vowel has not been seen
    for char in text:
        if char in _SIGNS or char == _PULLI:
            found += _SIGNS.get(char, "")
            open_ = False
            continue
        found += "a" if open_ else ""
        consonant = {"\1": "f", "\2": "ksh"}.get(char) or _CONSONANTS.get(char)
        open_ = consonant is not None
        found += consonant or _VOWELS.get(char, "")
    found += "a" if open_ else ""
    for letters, form in _VOICES:
        found = re.sub(letters, form, found)
    return Spelled(title(found), True)
