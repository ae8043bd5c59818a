"""Khmer in plain letters, after the UNGEGN system: vowels by the series of their consonant, finals as spoken."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from qr.latin import Spelled
from qr.latin.words import entries, spell_by_words, title, words

_FIRST = dict(zip("កខចឆដឋណតថបផសហឡអ", entries("k kh ch chh d th n t th b ph s h l -"), strict=True))
_SECOND = dict(
    zip(
        "គឃងជឈញឌឍទធនពភមយរលវ",
        entries("k kh ng ch chh nh d th t th n p ph m y r l v"),
        strict=True,
    )
)
_SONORANT = frozenset("ងញនមយរលវ")
_FINALS = {
    "ក": "k", "ខ": "k", "គ": "k", "ឃ": "k", "ង": "ng", "ច": "ch", "ជ": "ch", "ញ": "nh", "ដ": "t", "ឋ": "t", "ឌ": "t",
    "ត": "t", "ថ": "t", "ទ": "t", "ធ": "t", "ណ": "n", "ន": "n", "ប": "p", "ផ": "p", "ព": "p", "ភ": "p", "ម": "m",
    "យ": "y", "រ": "r", "ល": "l", "វ": "v", "ស": "s", "ហ": "h", "ឡ": "l", "អ": "",
}  # fmt: skip
_VOWELS = {
    "": ("a", "o"), "ា": ("a", "ea"), "ិ": ("e", "i"), "ី": ("ei", "i"), "ឹ": ("oe", "ue"), "ឺ": ("eu", "eu"),
    "ុ": ("o", "u"), "ូ": ("o", "u"), "ួ": ("uo", "uo"), "ើ": ("aeu", "eu"), "ឿ": ("oea", "oea"), "ៀ": ("ie", "ie"),
    "េ": ("e", "e"), "ែ": ("ae", "e"), "ៃ": ("ai", "ey"), "ោ": ("ao", "o"), "ៅ": ("au", "ov"), "ុំ": ("om", "um"),
    "ំ": ("am", "um"), "ាំ": ("am", "oam"), "ះ": ("ah", "eah"), "ុះ": ("oh", "uh"), "េះ": ("eh", "ih"),
    "ោះ": ("aoh", "uoh"), "័": ("a", "oa"),
}  # fmt: skip
_INDEPENDENT = {
    "ឥ": "e", "ឦ": "ei", "ឧ": "u", "ឩ": "u", "ឪ": "ov", "ឫ": "rue", "ឬ": "rue", "ឭ": "lue", "ឮ": "lue", "ឯ": "ae",
    "ឰ": "ai", "ឱ": "ao", "ឲ": "ao", "ឳ": "au",
}  # fmt: skip
_F = {"ហវ": "f", "ហគ": "g", "ហន": "n", "ហម": "m", "ហល": "l", "ហស": "z"}
_COENG = "្"
_cluster = re.compile(
    "(?P<letters>[\u1780-\u17a2](?:\u17d2[\u1780-\u17a2]){0,2})(?P<shift>[\u17c9\u17ca]?)"
    "(?P<vowel>[\u17b6-\u17c8\u17d0]*)(?P<short>\u17cb?)[\u17cc-\u17cf\u17d1]*|(?P<alone>[\u17a3-\u17b3])"
)
_silent = re.compile("[\u1780-\u17a2](?:\u17d2[\u1780-\u17a2])?[\u17b7\u17bb]?\u17cd")


class _Cluster(NamedTuple):
    letters: str
    shift: str
    vowel: str
    alone: str
    short: str


def spell(run: str, language: str) -> Spelled:
    """One run without spaces; what is not a known word stands as one word."""
    return Spelled(*spell_by_words(run, words(language), _may_end, _by_rule))


def _may_end(text: str, place: int) -> bool:
    """Not inside a letter with its signs, nor before a consonant that closes the syllable."""
    if place in (0, len(text)):
        return True
    if unicodedata.category(text[place]) in ("Mn", "Mc") or text[place - 1] == _COENG:
        return False
    return text[place + 1 : place + 2] not in ("\u17cb", "\u17cd")


def _by_rule(run: str) -> tuple[str, bool]:
    text = _silent.sub("", run)
    clusters = [
        _Cluster(
            *(each[part] or "" for part in ("letters", "shift", "vowel", "alone", "short")),
        )
        for each in _cluster.finditer(text)
    ]
    found, closed, bare = "", True, 0
    for index, each in enumerate(clusters):
        if each.alone:
            found, closed = found + _INDEPENDENT.get(each.alone, ""), False
            continue
        letters = each.letters.replace(_COENG, "")
        last = index == len(clusters) - 1
        opens = not last and bool(clusters[index + 1].short) and not clusters[index + 1].vowel  # its final is told
        if not closed and last and len(letters) > 1 and not each.vowel:  # the second is not said: Piset
            return title(found + _FINALS.get(letters[0], "")), True
        if not closed and len(letters) > 1 and (letters[0] in "ងញណនមល" or letters[0] == letters[1]):
            found += _FINALS.get(letters[0], "")
            letters, closed = letters[1:], True
        if not closed and len(letters) == 1 and not each.vowel and not each.shift and not opens:
            found, closed = found + _FINALS.get(letters, ""), True
            continue
        bare += not each.vowel and last
        found, closed = found + _syllable(letters, each), "ំ" in each.vowel or "ះ" in each.vowel
    return title(found), bool(clusters) and not (bare and len(clusters) > 2)


def _syllable(letters: str, cluster: _Cluster) -> str:
    leading = [letter for letter in letters if letter not in _SONORANT] or [letters[-1]]
    second = leading[-1] in _SECOND
    if cluster.shift:
        second = cluster.shift == "\u17ca"
    sounds = _F.get(letters[:2], "") + "".join(
        _FIRST.get(letter) or _SECOND.get(letter, "") for letter in letters[2 if letters[:2] in _F else 0 :]
    )
    if letters[0] == "ប" and (len(letters) > 1 or cluster.shift == "\u17c9"):
        sounds = "p" + sounds[1:]
    pair = _VOWELS.get(cluster.vowel) or _VOWELS.get(cluster.vowel[:1], ("", ""))
    return sounds + pair[second]
