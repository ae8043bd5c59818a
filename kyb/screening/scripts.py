"""Scripts whose letters need more than a table: Arabic articles, Greek pairs, Burmese syllables.

letters.py hands over one word and gets it in Latin letters; every other script is read by anyascii.
"""

import re

from anyascii import anyascii

from kyb.screening.sounds import plain_sound

_ARTICLE = "ال"  # written as one with the word
_MIN_STEM_LETTERS = 3  # shorter words that begin like the article have none
_SERVANT = "عبد"

_GREEK_PAIRS = (
    ("ου", "ou"), ("Ου", "Ou"), ("ΟΥ", "OU"), ("μπ", "b"), ("Μπ", "B"), ("ΜΠ", "B"), ("γγ", "ng"), ("γκ", "g"),
    ("Γκ", "G"), ("ΓΚ", "G"), ("αυ", "av"), ("Αυ", "Av"), ("ευ", "ev"), ("Ευ", "Ev"), ("ει", "i"), ("Ει", "I"),
    ("οι", "i"), ("αι", "e"), ("Αι", "E"), ("τζ", "tz"), ("Τζ", "Tz"), ("υ", "y"), ("Υ", "Y"),
)  # fmt: skip

# Burmese: consonants, and the rhymes that vowel signs and closed finals make of them (BGN/PCGN, simplified).
_MY_CONSONANTS = dict(
    zip(
        "ကခဂဃငစဆဇဈဉညဋဌဍဎဏတထဒဓနပဖဗဘမယရလဝသဟဠအဿဣဥဩဧ",
        ["k", "kh", "g", "g", "ng", "s", "s", "z", "z", "ny", "ny", "t", "t", "d", "d", "n", "t", "t", "d", "d", "n",
         "p", "p", "b", "b", "m", "y", "y", "l", "w", "th", "h", "l", "", "th", "i", "u", "aw", "ay"],
        strict=True,
    )
)  # fmt: skip
_MY_FINALS = {
    "က": "et", "င": "in", "စ": "it", "ည": "i", "ဉ": "in", "တ": "at", "န": "an", "ပ": "at", "မ": "an", "ယ": "e",
    "ဏ": "an", "လ": "al", "သ": "ath", "ရ": "ar", "ဒ": "ad",
}  # fmt: skip
_MY_VOWELS = {
    "": "a", "ာ": "a", "ါ": "a", "ိ": "i", "ီ": "i", "ု": "u", "ူ": "u", "ေ": "e", "ဲ": "e", "ော": "aw", "ေါ": "aw", "ို": "o",
    "ံ": "an", "ိံ": "ein", "ုံ": "on",
}  # fmt: skip
_MY_CLOSED = {
    ("ော", "က"): "auk", ("ော", "င"): "aung", ("ေါ", "က"): "auk", ("ေါ", "င"): "aung", ("ို", "က"): "aik",
    ("ို", "င"): "aing", ("ု", "တ"): "ok", ("ု", "န"): "on", ("ု", "ပ"): "ok", ("ု", "မ"): "on", ("ိ", "တ"): "eik",
    ("ိ", "န"): "ein", ("ိ", "ပ"): "eik", ("ိ", "မ"): "ein",
}  # fmt: skip
_MY_SYLLABLE = re.compile(
    "(?P<onset>[က-အဣဥဩဧဿ])(?P<medial>[ျြွှ]*)(?P<vowel>[ေိီုူာါဲံ]*)(?P<tone>[့း]*)"
    "(?:(?P<final>[က-အ])(?P<tone2>[့း]*)[်]|(?P<asat>်))?[့း်]*"
)


def arabic_letters(word: str) -> str:
    """A word of Arabic, Hebrew or Syriac script; each letter is a sound, so s beside h is not sh."""
    word = word.replace("الله", "اله").replace("الدين", "دين").replace("الدین", "دین")
    if word.startswith(_ARTICLE) and len(word) >= len(_ARTICLE) + _MIN_STEM_LETTERS:
        word = word.removeprefix(_ARTICLE)
    if word.startswith(_SERVANT + _ARTICLE):
        word = _SERVANT + word.removeprefix(_SERVANT + _ARTICLE)
    return "".join(plain_sound(anyascii(char).lower()) for char in word)


def greek_letters(word: str) -> str:
    """A Greek word with the letter pairs that make one sound in Latin letters."""
    for pair, sound in _GREEK_PAIRS:
        word = word.replace(pair, sound)
    return word


def burmese_letters(word: str) -> str:
    """Burmese, which writes no spaces between words, syllable by syllable, with a space between."""
    syllables = []
    for match in _MY_SYLLABLE.finditer(word):
        vowel, final = match["vowel"], match["final"]
        if vowel.startswith("ေ") and len(vowel) > 1:
            vowel = "ေ" + vowel[1:].replace("ာ", "ာ")
        vowel = {"ော": "ော"}.get(vowel, vowel)
        rhyme = _MY_CLOSED.get((vowel, final)) if final else None
        if rhyme is None and final:
            rhyme = _MY_FINALS.get(final, "a") if not vowel else _MY_VOWELS.get(vowel, "a")
        if rhyme is None:
            rhyme = _MY_VOWELS.get(vowel, "a")
        syllables.append(_onset(match["onset"], match["medial"]) + rhyme)
    return " ".join(syllables)


def _onset(consonant: str, medial: str) -> str:
    sound = _MY_CONSONANTS.get(consonant, "")
    if "ှ" in medial:
        sound = "sh" if sound == "y" else f"h{sound}"
    if "ျ" in medial or "ြ" in medial:
        sound = {"k": "ky", "kh": "khy", "g": "gy"}.get(sound, f"{sound}y")
    return f"{sound}w" if "ွ" in medial else sound
