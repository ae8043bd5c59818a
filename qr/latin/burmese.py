"""Burmese as shops and street signs spell it: a syllable a word, close to the BGN/PCGN agreement, without tones."""

from __future__ import annotations

import re
import unicodedata

from qr.latin import Spelled
from qr.latin.words import entries, spell_by_words, title, words

_ONSETS = dict(
    zip(
        "ကခဂဃငစဆဇဈဉညဋဌဍဎဏတထဒဓနပဖဗဘမယရလဝသဟဠအဿ",
        entries("k kh g g ng s s z z ny ny t ht d d n t ht d d n p ph b b m y y l w th h l - th"),
        strict=True,
    )
)
_YA_YIT = {"k": "ky", "kh": "ch", "ng": "ny"}
_INDEPENDENT = {"ဣ": "အိ", "ဤ": "အီ", "ဥ": "အု", "ဦ": "အူ", "ဧ": "အေ", "ဩ": "အော", "ဪ": "အော်"}
# By vowel sign: the rhyme without a final, and with a final of each class (က င စ ည တ န ယ).
_RHYMES = {
    "": ("a", "et", "in", "it", "i", "at", "an", "e"),
    "ာ": ("a", "at", "in", "at", "an", "at", "an", "e"),
    "ိ": ("i", "eik", "ein", "eik", "i", "eik", "ein", "i"),
    "ီ": ("i", "ik", "in", "it", "i", "it", "in", "i"),
    "ု": ("u", "ok", "on", "ok", "on", "ok", "on", "u"),
    "ူ": ("u", "ut", "un", "ut", "u", "ut", "un", "u"),
    "ေ": ("e", "et", "in", "it", "e", "it", "ein", "e"),
    "ဲ": ("e", "et", "ein", "et", "e", "et", "ein", "e"),
    "ော": ("aw", "auk", "aung", "aut", "aung", "aut", "aun", "aw"),
    "ို": ("o", "aik", "aing", "aik", "aing", "aik", "aing", "o"),
}
_FINALS = {"က": 1, "ခ": 1, "ဂ": 1, "င": 2, "စ": 3, "ဆ": 3, "ဇ": 3, "ည": 4, "ဉ": 2, "ယ": 7}
_FINALS |= dict.fromkeys("တထဒဓပဖဗဘသဋဌဍဎ", 5) | dict.fromkeys("နမဏ", 6)
_WITH_W = {"wat": "ut", "wan": "un"}
_stacked = re.compile("(.)\u103a?\u1039")
_syllable = re.compile(
    "(?P<onset>[\u1000-\u1021\u103f])(?P<medials>[\u103b-\u103e]*)(?P<vowel>[\u102b-\u1032\u1036-\u1038]*)(?P<asat>\u103a?)"
    "[\u1037\u1038]*(?:(?P<final>[\u1000-\u1021])\u1037?\u103a[\u1037\u1038]*)?"
)


def spell(run: str, language: str) -> Spelled:
    """One run without spaces, cut into known words and syllables."""
    return Spelled(*spell_by_words(run, words(language), _may_end, _by_rule))


def _may_end(text: str, place: int) -> bool:
    """Between syllables: not before a mark, a final consonant or a stacked one."""
    if place in (0, len(text)):
        return True
    after = text[place]
    if unicodedata.category(after) in ("Mn", "Mc") or text[place - 1] == "\u1039":
        return False
    following = text[place + 1 : place + 3]
    return not (following.startswith(("\u103a", "\u1037\u103a", "\u1039")))


def _by_rule(run: str) -> tuple[str, bool]:
    text = "".join(_INDEPENDENT.get(char, char) for char in run)
    text = _stacked.sub("\\1\u103a", text).replace("\u102b", "\u102c")
    found: list[str] = []
    place, sure = 0, True
    for match in _syllable.finditer(text):
        sure = sure and match.start() == place
        found.append(title(_said(match, first=not found)))
        place = match.end()
    return " ".join(found), sure and place == len(text)


def _said(match: re.Match[str], *, first: bool) -> str:
    onset, medials = _ONSETS[match["onset"]], match["medials"]
    if onset == "g" and "\u103b" in medials:
        onset = "j"
    elif "\u103b" in medials or "\u103c" in medials:
        onset = _YA_YIT.get(onset, onset if onset.endswith("y") else onset + "y")
    if "\u103e" in medials:
        onset = "sh" if onset in ("y", "ly") else "h" + onset
    vowel = re.sub("[\u1037\u1038]", "", match["vowel"])
    final = match["final"]
    if vowel.endswith("\u1036"):
        vowel, final = vowel[:-1], final or "မ"
    rhymes = _RHYMES.get(vowel)
    rhyme = rhymes[_FINALS.get(final, 0) if final else 0] if rhymes else ""
    if "\u103d" in medials:
        rhyme = _WITH_W.get("w" + rhyme, "w" + rhyme)
    said = onset + rhyme
    return "gyi" if said == "kyi" and not first and match["vowel"].endswith("\u1038") else said
