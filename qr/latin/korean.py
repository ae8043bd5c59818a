"""Korean after the Revised Romanization of 2000, with the sound changes between syllables."""

from __future__ import annotations

from qr.latin import Spelled
from qr.latin.words import cut, entries, title, words

_INITIALS = entries("g kk n d tt r m b pp s ss - j jj ch k t p h")
_VOWELS = entries("a ae ya yae eo e yeo ye o wa wae oe yo u wo we wi yu eu ui i")
_FINALS = entries("- g kk gs n nj nh d l lg lm lb ls lt lp lh m b bs s ss ng j ch k t p h")
_STOPS = {"g": "k", "kk": "k", "k": "k", "gs": "k", "lg": "k", "b": "p", "p": "p", "bs": "p", "lp": "p"}
_STOPS |= dict.fromkeys(("d", "s", "ss", "j", "ch", "t"), "t")
_STOPS |= {"nj": "n", "nh": "n", "lm": "m", "lb": "l", "ls": "l", "lt": "l", "lh": "l", "h": ""}
_BEFORE_VOWEL = {"gs": "ks", "lg": "lg", "lb": "lb", "bs": "ps", "ng": "ng", "l": "r", "nh": "n", "lh": "r", "h": ""}
_NASAL = {"k": "ng", "t": "n", "p": "m"}


def spell(run: str, language: str) -> Spelled:
    """One run of syllables; known loan words stand apart."""
    parts = [form or title(_by_rule(text)) for text, form in cut(run, words(language), lambda text, place: True)]
    return Spelled(" ".join(parts), all("\uac00" <= char <= "\ud7a3" for char in run))


def _by_rule(run: str) -> str:
    syllables = [divmod(ord(char) - 0xAC00, 588) for char in run if "\uac00" <= char <= "\ud7a3"]
    found, before = "", ""  # before: the final that is not yet written
    for initial_at, rest in syllables:
        initial, (vowel, final) = _INITIALS[initial_at], divmod(rest, 28)
        left, right = _meet(before, initial)
        found += left + right + _VOWELS[vowel]
        before = _FINALS[final]
    return found + _STOPS.get(before, before)


def _meet(final: str, initial: str) -> tuple[str, str]:
    """A final and the initial after it, as they sound together."""
    if not initial:
        return _BEFORE_VOWEL.get(final, final), ""
    closed = _STOPS.get(final, final)
    if initial in ("n", "m") and closed in _NASAL:
        return _NASAL[closed], initial
    if initial == "r":
        if closed in _NASAL:
            return _NASAL[closed], "n"
        return ("l", "l") if closed in ("l", "n") else (closed, "n" if closed else "r")
    if closed == "l" and initial == "n":
        return "l", "l"
    return closed, initial
