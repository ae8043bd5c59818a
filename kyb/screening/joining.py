"""Words that were taken apart with hyphens, dots or blanks, put together as the listed names write them.

match.py screens what `put_together` gives beside the name as it was written: Ay-man al-Za-wahiri, A y m a n.
"""

import re

from kyb.screening.index import Part
from kyb.screening.letters import fold, tokens, visible
from kyb.screening.names import name_words
from kyb.screening.search import is_listed, is_spelled
from kyb.screening.weights import PARTICLES, SERVANT_FORMS

_MARKS = re.escape("-‐‑‒–—−.·•∙‧_*+,~^!?#$%&…")
_TAKEN_APART = re.compile(rf"([^\W_]+)[{_MARKS}]+(?=([^\W_]+))")
_WORD = re.compile(r"\S+")
_LETTERS_APART = re.compile(r"(?<!\w)[^\W\d_](?:[\W_]+[^\W\d_](?!\w)){3,}")
_MOST_LETTERS = 80  # that stand alone and are put together
_LONGEST_WORD = 16
_SHORT_LETTERS = 3
_LETTER_UNKNOWN, _SHORT_WORD, _WORD_COST = 3, 4, 2  # of a way to part letters into words


def put_together(text: str, part: Part) -> str | None:
    """The text with its words put together, or None when that makes no word that a listed name has."""
    text = visible(text)
    if not (_TAKEN_APART.search(text) or _LETTERS_APART.search(text)):
        return None
    whole = _LETTERS_APART.sub(lambda run: _words_of(run[0], part), text)
    whole = _WORD.sub(lambda word: _joined(word[0], part), whole)
    return None if whole == text else whole


def _joined(word: str, part: Part) -> str:
    """The word without the marks inside it, but for those behind an article, when a listed name has such a word."""
    if not _TAKEN_APART.search(word):
        return word
    joined = _TAKEN_APART.sub(lambda found: found[0] if _is_article(found, part) else found[1], word)
    if joined == word:
        return word
    made = [each for each in name_words(joined, part.kind) if len(each.text) >= _SHORT_LETTERS]
    return joined if any(is_listed(each, part) for each in made) else word


def _is_article(found: re.Match[str], part: Part) -> bool:
    """Whether the mark stands behind a word of its own: al-Zawahiri, but Um-ar when only Umar is listed."""
    first, second = fold(found[1]), fold(found[2])
    return first in PARTICLES and not (is_spelled(first + second, part) and not is_spelled(second, part))


def _words_of(run: str, part: Part) -> str:
    """Letters that stand alone, as words; what no listed name has stays together as a word of its own."""
    read = tokens("".join(char for char in run if char.isalpha()))
    if len(read) != 1 or read[0].without_vowels or len(read[0].readings[0]) > _MOST_LETTERS:
        return run
    letters = read[0].readings[0]
    best: list[tuple[int, tuple[str, ...]]] = [(0, ())]  # for each length: the cost and the words
    for end in range(1, len(letters) + 1):
        cost, words = best[end - 1]
        ways = [(cost + _LETTER_UNKNOWN, (*words, letters[end - 1].upper()))]
        for start in range(max(0, end - _LONGEST_WORD), end - 1):
            word = letters[start:end]
            if word in PARTICLES or word in SERVANT_FORMS or is_spelled(word, part):
                cost, words = best[start]
                ways.append((cost + (_WORD_COST if len(word) > _SHORT_LETTERS else _SHORT_WORD), (*words, word)))
        best.append(min(ways))
    return _UNKNOWN_LETTERS.sub(lambda found: found[0].replace(" ", ""), " ".join(best[-1][1]))


_UNKNOWN_LETTERS = re.compile(r"(?<!\S)[A-Z](?: [A-Z](?!\S))+")
