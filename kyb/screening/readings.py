"""Names within a name: a part in quotes or brackets, and what stands on either side of an alias word.

match.py screens each of them beside the whole, for Njeri "Joseph Kony" Wanjiku is like nobody as a whole. The words are
in data/alias_words.txt.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache

from kyb.letters import words_of
from kyb.screening.letters import visible, with_latin_looks
from kyb.screening.tables import alias_phrases

MAX_READINGS = 16  # of one name; what has more is said to be not compared

_OPENING, _CLOSING = re.escape("([{<«‹“„‟「『【"), re.escape(")]}>»›”“‟」』】")
_ENCLOSED = re.compile(rf'"([^"]+)"|[{_OPENING}]([^{_OPENING}{_CLOSING}]+)[{_CLOSING}]')
# Single quotes are letters of names too (‘Ubayd, Nyong'o): they count when as many close as open, and what is around
# them is a name only with what is between.
_QUOTES = "'’‘`´‚‛"
_OPENED, _CLOSED = re.compile(rf"(?<!\w)[{_QUOTES}]+(?=\w)"), re.compile(rf"(?<=\w)[{_QUOTES}]+(?!\w)")
_QUOTED = re.compile(rf"{_OPENED.pattern}((?:[^{_QUOTES}]|(?<=\w)[{_QUOTES}](?=\w))+){_CLOSED.pattern}")
_MARKS = rf'[;|@=~/\\\n:"{_OPENING}{_CLOSING}]|\s[-–—]+\s'
# Isis is left out: women and shops bear that name.
_LEVANT = "Islamic State in Iraq and the Levant"
_SHORT_NAMES = (("isil", _LEVANT), ("daesh", _LEVANT), ("daech", _LEVANT), ("islamic state", _LEVANT))
_MAY_HOLD = 6  # letters and signs: no shorter text holds two names


@lru_cache(maxsize=2_048)
def inner_names(text: str) -> tuple[str, ...]:
    """The names within a text, without the whole; one more than MAX_READINGS stands for any number."""
    text = visible(text)
    if len(text) < _MAY_HOLD or not (_between().search(with_latin_looks(text)) or _QUOTED.search(text)):
        return ()
    found: dict[str, None] = {}
    for part in _outside_and_inside(text):
        for name in _pieces(part):
            if name != text and any(char.isalnum() for char in name):
                found[name] = None
    return tuple(found)[: MAX_READINGS + 1]


def known_as(text: str) -> Iterator[str]:
    """The listed names of groups whose short names, which no list holds alone, stand in a text as words."""
    words = f" {' '.join(words_of(text)).casefold()} "
    for short, name in _SHORT_NAMES:
        if f" {short} " in words:
            yield name


def _outside_and_inside(text: str) -> Iterator[str]:
    """The text without what is quoted or in brackets, then each part that is; nested ones come apart by their marks."""
    yield _ENCLOSED.sub(" ", text)
    for found in _ENCLOSED.finditer(text):
        yield found[1] or found[2]
    if len(_OPENED.findall(text)) == len(_CLOSED.findall(text)):
        yield from _QUOTED.findall(text)


def _pieces(text: str) -> Iterator[str]:
    """The text cut at its alias words and marks, looked for as they look: аka may be half Cyrillic."""
    start = 0
    for mark in _between().finditer(with_latin_looks(text)):
        yield text[start : mark.start()].strip()
        start = mark.end()
    yield text[start:].strip()


@cache
def _between() -> re.Pattern[str]:
    """Alias words and marks; the blanks of a phrase may be dots, strokes or nothing where its words are letters."""
    phrases = []
    for phrase in sorted(alias_phrases(), key=len, reverse=True):
        words = with_latin_looks(phrase).split(" ")
        gap = r"[\s./]{1,2}" if all(len(word) == 1 for word in words) else r"[\s-]+"
        phrases.append(gap.join(map(re.escape, words)))
    return re.compile(rf"(?<!\w)(?:{'|'.join(phrases)})(?!\w)\.?|{_MARKS}", re.IGNORECASE)
