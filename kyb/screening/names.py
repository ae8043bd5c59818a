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


class Word(Struct, frozen=True):
    """One word of a name: Latin letters and digits in lower case, and its skeleton (how it sounds).

    vowelless marks words from scripts that write consonants only: they compare by skeleton alone.
    """

    text: str
    skeleton: str
    vowelless: bool = False


def words(name: str) -> tuple[Word, ...]:
    """The words of a name in their order; never raises, an unreadable name gives none."""
    name = _DOTTED.sub("", name)
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name)
        name = "".join(char for char in name if unicodedata.category(char) != "Cf")  # zero-width, joiners
    found = [_word(token) for token in re.split(r"[^\w'’ʼ‘`´ʿʾ]+|_", name) if token]
    return tuple(_join_servant_names([word for word in found if word.text]))


def join_words(several: Sequence[Word]) -> Word:
    """Several words read as one, as if the spaces between them had been forgotten."""
    text = "".join(word.text for word in several)
    return Word(text, skeleton(text), any(word.vowelless for word in several))


def skeleton(text: str) -> str:
    """The consonants of a Latin word as most romanisations agree on them; equal for muhammad and mohamed.

    A first vowel leaves an "a", so that Ahmad and Hamad differ.
    """
    sound = _REPEATED.sub(r"\1", text)
    for spelling, plain in _SOUNDS:
        sound = sound.replace(spelling, plain)
    head = "a" if sound[:1] in _VOWELS else ""
    sound = _REPEATED.sub(r"\1", "".join(char for char in sound if char not in _VOWELS))
    return head + (sound.removesuffix("h") if len(sound) > 2 else sound)  # Abdullah is Abdulla


_DOTTED = re.compile(r"(?<=\b\w)\.(?=\w\b)")  # the dots inside P.L.C. and S.A.
_REPEATED = re.compile(r"([^\W\d])\1+")
_VOWELS = frozenset("aeiouyw")
# One sound that romanisations write in several ways, longest spelling first; X stands for the sound of ch.
_SOUNDS = (
    ("tsch", "X"), ("sch", "s"), ("dzh", "j"), ("tch", "X"),
    ("kh", "k"), ("gh", "g"), ("ph", "f"), ("sh", "s"), ("zh", "j"), ("dj", "j"), ("dh", "d"),
    ("th", "t"), ("ch", "X"), ("ts", "s"), ("tz", "s"),
    ("c", "k"), ("q", "k"), ("x", "ks"), ("z", "s"), ("v", "f"),
)  # fmt: skip


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


_ARTICLE = "ال"
_VOWELLESS_SCRIPTS = ("ARABIC", "HEBREW", "SYRIAC")
_MIN_STEM_LETTERS = 3

# Cyrillic and Greek letters that look like Latin ones, read as Latin inside a word that has Latin letters.
_LOOK_ALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухАΒΕΖΗΙΚΜΝΟΡΤΥΧαοιν",
    "ABESIJKMHOPCTYXaesijopcyxABEZHIKMNOPTYXaoiv",
)
_LATIN = re.compile(r"[A-Za-z]")

# "Servant of" (Abd): written apart, joined, or with the article swallowed (Abdur Rahman, Abdelrahman).
_SERVANT = re.compile(r"^abd[aeou]{0,2}l?(?=[bcdfghjkmnpqrstvwxyz])")
_SERVANT_ALONE = _set("abd abdal abdel abdul abdol abdoul abdou abdur abdar abder abdus abdus abdud bd")
_ARTICLES = _set("al el ul ur ar er as es us ad ed ud an en un az ez uz at et ut ash esh ush")


@lru_cache(maxsize=_CACHED_WORDS)
def _word(token: str) -> Word:
    """One token in its compared form; apostrophes are dropped (Ba'asyir is Baasyir)."""
    vowelless = False
    if not token.isascii():
        if _LATIN.search(token):
            token = token.translate(_LOOK_ALIKES)
        vowelless = unicodedata.name(token[0], "").startswith(_VOWELLESS_SCRIPTS)
        if vowelless and token.startswith(_ARTICLE) and len(token) >= len(_ARTICLE) + _MIN_STEM_LETTERS:
            token = token.removeprefix(_ARTICLE)
        token = anyascii(token)
    text = "".join(char for char in token.lower() if char.isalnum())
    if not vowelless:
        text = _SERVANT.sub("abd", text)
    return Word(text, skeleton(text), vowelless)


def _join_servant_names(found: list[Word]) -> list[Word]:
    """Make one word of Abd, Abdul, Abd al- … and the name after it."""
    joined: list[Word] = []
    rest = iter(found)
    for word in rest:
        if word.text in _SERVANT_ALONE and (name := next(rest, None)):
            if name.text in _ARTICLES and (after := next(rest, None)):
                name = after
            text = "abd" + name.text
            word = Word(text, skeleton(text), word.vowelless)
        joined.append(word)
    return joined
