"""Arabic, Persian, Urdu and Hebrew, which leave short vowels out.

A word is sure when it is known, when its vowels are marked, or when an alef stands between its consonants.
Elsewhere the vowels are guessed.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import NamedTuple

from qr.latin import Spelled
from qr.latin.words import title, words


def _table(text: str) -> dict[str, str]:
    return {pair[0]: pair[2:] for pair in text.split()}


_ARABIC = _table(
    "ب=b ت=t ث=th ج=j ح=h خ=kh د=d ذ=dh ر=r ز=z س=s ش=sh ص=s ض=d ط=t ظ=z ع= غ=gh ف=f ق=q ك=k ل=l م=m ن=n ه=h ة=a ء= ئ=y"
    " ؤ=w پ=p چ=ch ژ=zh گ=g ٹ=t ڈ=d ڑ=r ں=n ے=e ہ=h ھ=h ک=k ۃ=a ڤ=v"
)
_PERSIAN = _table("ذ=z ض=z ث=s ة=e ق=gh")
_URDU = _table("ذ=z ض=z ث=s")
_LONG = {"ا": "a", "و": "u", "ي": "i", "ی": "i", "ى": "a", "آ": "a", "أ": "a", "إ": "i", "ے": "e"}
_MARKS = {"\u064e": "a", "\u064f": "u", "\u0650": "i", "\u0652": "", "\u064b": "an", "\u064c": "un", "\u064d": "in"}
_LENGTHENED = frozenset(("\u064eا", "\u064eى", "\u064fو", "\u0650ي", "\u0650ی"))  # a marked vowel and its letter
_SHADDA = "\u0651"
_HEBREW = _table("ב=v ג=g ד=d ה=h ז=z ח=ch ט=t כ=k ך=ch ל=l מ=m ם=m נ=n ן=n ס=s ע= פ=p ף=f צ=ts ץ=ts ק=k ר=r ש=sh ת=t")
_HEBREW_LONG = {"א": "a", "ו": "o", "י": "i"}
_forms = str.maketrans("أإآٱىکی", "ااااىكي")
_unwritten = re.compile("[\u0640\u200c\u200d\u0670]")
_any_mark = re.compile("[\u064b-\u0652\u0591-\u05c7]")


class _Read(NamedTuple):
    text: str
    sure: bool


def spell(word: str, language: str) -> Spelled:
    """One word; an article stands apart from a known word, joined by a hyphen."""
    marked = _unwritten.sub("", word)
    plain = _any_mark.sub("", marked)
    known = _known(plain, language)
    if known:
        return Spelled(known, True)
    if language == "he":
        found = _hebrew(plain)
    elif plain.startswith("ال") and len(plain) > 4 and language == "ar":
        rest = _arabic(marked[2:], language)
        found = _Read("al-" + rest.text, rest.sure)
        return Spelled("Al-" + title(rest.text), found.sure)
    else:
        found = _arabic(marked, language)
    return Spelled(title(found.text), found.sure)


def _known(word: str, language: str) -> str | None:
    table = _words(language)
    word = word.translate(_forms)
    if word in table:
        return table[word]
    if language == "he":
        rest = table.get(word[1:]) if word.startswith("ה") and len(word) > 3 else None
        return f"Ha{rest}" if rest else None
    for prefix, form in (("ال", "Al-"), ("وال", "wa Al-"), ("لل", "lil-"), ("و", "wa ")):
        rest = table.get(word[len(prefix) :]) if word.startswith(prefix) else None
        if rest and not rest.startswith("Al-"):
            return form + rest
    return None


@cache
def _words(language: str) -> dict[str, str]:
    own = words("he") if language == "he" else words("ar", language)
    return own if language == "he" else {word.translate(_forms): form for word, form in own.items()}


def _arabic(word: str, language: str) -> _Read:
    """By letters and marks; where two consonants meet without a mark, `a` is guessed and the reading is unsure."""
    letters = _ARABIC | {"fa": _PERSIAN, "ur": _URDU}.get(language, {})
    found, sure, open_ = "", True, False  # open_: a consonant whose vowel is unknown
    text = re.sub(f"([\u064b-\u0652]){_SHADDA}", f"{_SHADDA}\\1", unicodedata.normalize("NFC", word))
    for place, char in enumerate(text):
        last = place == len(text) - 1
        if char in _MARKS:
            found, open_ = found + _MARKS[char], False
        elif char == _SHADDA:
            found += _last_consonant(found)
        elif text[place - 1 : place + 1] in _LENGTHENED:
            continue
        elif char in _LONG and _is_vowel(text, place, open_):
            sure = sure and (char in "آإىے" if place == 0 else char in "اىے" or last)  # waw is u and aw, ya i and ay
            found, open_ = found + _LONG[char], False
        else:
            sound = letters.get(char) if char not in _LONG else {"و": "w", "ي": "y", "ی": "y"}.get(char, "a")
            if sound is None:
                return _Read(found, False)
            if char == "ة":
                found, open_ = found + ("" if found.endswith("a") else sound), False
                continue
            if open_:
                sure = False
                found += "a" if not last or place == 1 else ""
            found, open_ = found + sound, True
    return _Read(found, sure and len(text) > 1)


def _is_vowel(text: str, place: int, open_: bool) -> bool:
    """Whether alef, waw or ya stands for a long vowel: after a consonant, unless a vowel follows."""
    if text[place] in "اآأإىے":
        return True
    if place == 0:
        return False
    following = text[place + 1 : place + 2]
    return open_ and following not in tuple("اآىةويی\u064e\u064f\u0650")


def _last_consonant(found: str) -> str:
    match = re.search("(sh|th|dh|kh|gh|[a-z])$", found)
    return match[0] if match else ""


def _hebrew(word: str) -> _Read:
    found, sure, open_ = "", True, False
    for place, char in enumerate(word):
        last = place == len(word) - 1
        if char in _HEBREW_LONG and (place or char == "א"):
            sure = sure and (char == "א" or (char == "י" and last))  # vav is o and u, yod i and e
            found, open_ = found + _HEBREW_LONG[char], False
            continue
        if char == "ה" and last:
            found, open_ = found + "a", False
            continue
        sound = {"ו": "v", "י": "y"}.get(char) or _HEBREW.get(char, "")
        if open_:
            sure, found = False, found + "a"
        if place == 0 and char in "בכפ":
            sound = {"ב": "b", "כ": "k", "פ": "p"}[char]
        found, open_ = found + sound, True
    return _Read(found, sure and len(word) > 1)
