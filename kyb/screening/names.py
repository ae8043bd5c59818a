"""One form for names: a name written in two ways should give the same words, or words that sound alike.

match.py builds its index from these words. Nothing here knows a list; every rule is about how names are
written: scripts, articles, titles, legal forms, vowels.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

from anyascii import anyascii
from msgspec import Struct

_CACHED_WORDS = 65_536  # first names and business words repeat; about 20 MB when full

_BETWEEN_WORDS = re.compile(r"[^\w'’ʼ‘`´ʿʾ]+|_")  # apostrophes stay inside: Ba'asyir is Baasyir
_DOTTED = re.compile(r"(?<=\b\w)\.(?=\w\b)")  # the dots inside P.L.C. and S.A.
_REPEATED = re.compile(r"([^\W\d])\1+")
_LATIN = re.compile(r"[A-Za-z]")
_VOWELS = frozenset("aeiou")
_GLIDES = frozenset("wy")  # count as consonants only at the start
# One sound that romanisations write in several ways, longest spelling first (ch as in French: Rachid is
# Rashid); X stands for the sound of tch.
_SOUNDS = (
    ("tsch", "X"),
    ("sch", "s"),
    ("dzh", "j"),
    ("tch", "X"),
    ("kh", "k"),
    ("gh", "k"),
    ("ph", "f"),
    ("sh", "s"),
    ("zh", "j"),
    ("dj", "j"),
    ("dh", "d"),
    ("th", "t"),
    ("ch", "s"),
    ("ou", "u"),
    ("ee", "i"),
    ("oo", "u"),
    ("c", "k"),
    ("q", "k"),
    ("x", "ks"),
    ("z", "s"),
    ("v", "f"),
)

# Cyrillic and Greek letters that look like Latin ones, read as Latin inside a word that has Latin letters.
_LOOK_ALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухΑΒΕΖΗΙΚΜΝΟΡΤΥΧαοιν",
    "ABESIJKMHOPCTYXaesijopcyxABEZHIKMNOPTYXaoiv",
)
_CYRILLIC_KH = str.maketrans("Хх", "Hh")  # Russian writes the h of other languages with it (Hussein)
_VOWELLESS_SCRIPTS = ("ARABIC", "HEBREW", "SYRIAC")  # how the Unicode names of their letters begin
_ARTICLE = "ال"  # written as one with the word
_MIN_STEM_LETTERS = 3  # shorter words that begin like the article have none

# "Servant of" (Abd): written apart, joined, or with the article swallowed (Abdur Rahman, Abdelrahman).
_SERVANT = re.compile(r"^abd[aeou]{0,2}l?(?=[bcdfghjkmnpqrstvwxyz])")
_SERVANT_ALONE = frozenset(
    ("abd", "abdal", "abdel", "abdul", "abdol", "abdoul", "abdou", "abdur", "abdar", "abder", "abdus", "abdud", "bd")
)
_ARTICLES = frozenset(
    (
        "al",
        "el",
        "ul",
        "ur",
        "ar",
        "er",
        "as",
        "es",
        "us",
        "ad",
        "ed",
        "ud",
        "an",
        "en",
        "un",
        "az",
        "ez",
        "uz",
        "at",
        "et",
        "ut",
        "ash",
        "esh",
        "ush",
    )
)


class Word(Struct, frozen=True):
    """One word of a name in lower-case Latin letters and digits.

    sound is the text with one spelling per sound, skeleton the consonants of it. vowelless marks words from
    scripts that write hardly any vowels: they compare by skeleton alone.
    """

    text: str
    sound: str
    skeleton: str
    vowelless: bool = False

    @property
    def consonants(self) -> str:
        """The skeleton without the mark of a first vowel, which other scripts do not write."""
        return self.skeleton.removeprefix("a")


def words(name: str) -> tuple[Word, ...]:
    """The words of a name in their order; never raises, an unreadable name gives none."""
    name = _DOTTED.sub("", name)
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
        name = "".join(char for char in name if unicodedata.category(char) != "Cf")  # zero-width, joiners
    found = [_word(token) for token in _BETWEEN_WORDS.split(name) if token]
    return tuple(_join_servant_names([word for word in found if word.text]))


def join_words(several: Sequence[Word]) -> Word:
    """Several words read as one, as if the spaces between them had been forgotten."""
    text, sound = "".join(word.text for word in several), "".join(word.sound for word in several)
    return Word(text, sound, _skeleton(sound), any(word.vowelless for word in several))


def _sounding(text: str) -> Word:
    sound = _plain_sounds(_REPEATED.sub(r"\1", text))
    sound = _REPEATED.sub(r"\1", sound)
    return Word(text, sound, _skeleton(sound))


def _plain_sounds(text: str) -> str:
    for spelling, plain in _SOUNDS:
        text = text.replace(spelling, plain)
    return text


def _skeleton(sound: str) -> str:
    """The consonants: "mhmd" for Muhammad and Mohamed, "ahmd" for Ahmad, whom Hamad is not."""
    head = "a" if sound[:1] in _VOWELS else sound[:1] if sound[:1] in _GLIDES else ""
    consonants = "".join(char for char in sound if char not in _VOWELS and char not in _GLIDES)
    if len(consonants) > 2:
        consonants = consonants.removesuffix("h")  # Abdullah is Abdulla
    return head + consonants


@lru_cache(maxsize=_CACHED_WORDS)
def _word(token: str) -> Word:
    """One token in its compared form; apostrophes are dropped (Ba'asyir is Baasyir)."""
    if not token.isascii():
        if unicodedata.name(token[0], "").startswith(_VOWELLESS_SCRIPTS):
            return _vowelless_word(token)
        if _LATIN.search(token):
            token = token.translate(_LOOK_ALIKES)
        token = anyascii(token.translate(_CYRILLIC_KH))
    return _sounding(_SERVANT.sub("abd", _letters(token)))


def _vowelless_word(token: str) -> Word:
    """A word of Arabic, Hebrew or Syriac script; each letter is a sound, so s beside h is not sh."""
    token = token.replace("الله", "اله").replace("الدين", "دين").replace("الدین", "دین")
    if token.startswith(_ARTICLE) and len(token) >= len(_ARTICLE) + _MIN_STEM_LETTERS:
        token = token.removeprefix(_ARTICLE)
    letters = [_letters(anyascii(char)) for char in token]
    sound = "".join(_plain_sounds(letter) for letter in letters)
    return Word("".join(letters), sound, _skeleton(sound), True)


def _letters(text: str) -> str:
    return "".join(char for char in text.lower() if char.isalnum())


_ABD = _sounding("abd")


def _join_servant_names(found: list[Word]) -> list[Word]:
    """Make one word of Abd, Abdul, Abd al- … and its name: the next one, or at the end the one before."""
    joined: list[Word] = []
    rest = iter(found)
    for word in rest:
        if word.text in _SERVANT_ALONE:
            name = next(rest, None)
            if name is not None and name.text in _ARTICLES:
                name = next(rest, name)
            if name is None and joined:
                name = joined.pop()
            if name is not None:
                word = join_words((_ABD, name))
        joined.append(word)
    return joined
