"""Find the listed names that may be like a given one, without comparing it with all.

match.py compares what `candidates` gives. What is left out cannot reach the alert score: a name that is alike shares
words of two thirds of its weight, so it holds one of the query's rarest words and weighs about as much.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from kyb.screening.index import Part, consonants_key
from kyb.screening.likeness import compare_slip, compare_words, edge_keys, likely_keys, may_be_a_slip
from kyb.screening.names import TELLING_WEIGHT, Name, Word, join_words, split_word
from kyb.screening.weights import PARTICLES, weigh

_MOST_REMEMBERED = 2_048  # words whose like words a part remembers
_UNMATCHED = 1 / 2  # of what is matched may be unmatched: compare.py takes 0.45 of it off, and 0.85 must be left
_SLACK = 0.12  # particles on either side
_FEW = 1_500
_JOINED_LIKENESS = 0.93
_HELD_LIKENESS = 0.93
_HELD_WEIGHT, _HELD_WEIGHT_OF_THREE = 1.3, 0.9
_CUT_OFF_MIN_LETTERS = 12
_CUT_OFF_SHARE = 0.4
_MIN_SPLIT_LETTERS = 6
_MOST_VARIANTS = 6


class _Asked(NamedTuple):
    """One word of the query: what it tells, and the listed words like it."""

    word: Word
    weight: float
    likes: dict[int, float]

    @property
    def is_initial(self) -> bool:
        return len(self.word.text) == 1


def candidates(query: Name, part: Part) -> set[int]:
    """Numbers of the listed names that may be like the query."""
    if not query.words or not part.entries:
        return set()
    found = _same_letters(query, part) | _same_consonants(query, part)
    for words in _variants(query, part):
        asked = [_ask(word, part) for word in words]
        found |= _sharing(asked, part)
        found |= _held(asked, part)
    return found


def _ask(word: Word, part: Part) -> _Asked:
    return _Asked(word, weigh(word.text, word.groups, part.kind), like_words(part, word))


def like_words(part: Part, word: Word) -> dict[int, float]:
    """The listed words like this one, with their likeness (0.78 to 1). Those like an initial are not looked up."""
    known = part.likes.get(word)
    if known is not None:
        return known
    found: dict[int, float] = {}
    seen: set[int] = set()
    if len(word.text) == 1:
        seen.update(part.filed(f"t{word.text}"))
    else:
        for key in (*likely_keys(word), f"t{word.text[0]}"):
            seen.update(part.filed(key))
        for word_id in {each for key in set(edge_keys(word)) for each in part.filed(key)} - seen:
            other = part.vocabulary[word_id]
            if may_be_a_slip(word.text, other.text) and (like := compare_slip(word, other)):
                found[word_id] = like
    for word_id in seen:
        if like := compare_words(word, part.vocabulary[word_id]):
            found[word_id] = like
    if len(part.likes) >= _MOST_REMEMBERED:
        part.likes.clear()
    part.likes[word] = found
    return found


def _variants(query: Name, part: Part) -> Iterator[tuple[Word, ...]]:
    """The words of the query, and the same with words joined or split as the lists write them."""
    yield query.words
    made = 0
    words = query.words
    together: list[Word] = []  # all words that can be joined at once
    taken = 0
    for start in range(len(words) - 1):
        for end in (start + 2, start + 3):
            if made >= _MOST_VARIANTS or end > len(words):
                break
            joined = join_words(words[start:end], part.kind)
            if is_listed(joined, part):
                made += 1
                yield (*words[:start], joined, *words[end:])
                if start >= taken:
                    together += (*words[taken:start], joined)
                    taken = end
    if made > 1:
        yield (*together, *words[taken:])
    for at, word in enumerate(words):
        if made < _MOST_VARIANTS and len(word.text) >= _MIN_SPLIT_LETTERS and not word.groups and word.text.isalpha():
            for halves in _splits(word, part):
                made += 1
                yield (*words[:at], *halves, *words[at + 1 :])


def is_listed(word: Word, part: Part) -> bool:
    """Whether a listed name has a word spelt nearly like this one."""
    near = [f"t{word.text}", *(f"g{group}" for group in word.groups), f"c{word.skeletons[0].removeprefix('a')}"]
    return any(
        compare_words(word, part.vocabulary[each]) >= _JOINED_LIKENESS for key in near for each in part.filed(key)
    )


def is_spelled(text: str, part: Part) -> bool:
    """Whether a listed name has a word in this spelling."""
    return any(text in part.vocabulary[each].forms for each in part.filed(f"t{text}"))


def _splits(word: Word, part: Part) -> Iterator[tuple[Word, ...]]:
    text = word.text
    for at in range(2, len(text) - 2):
        left, right = text[:at], text[at:]
        if (left in PARTICLES or is_spelled(left, part)) and is_spelled(right, part):
            yield split_word(left, right, part.kind)
    for first in ("van", "abd", "bin", "ibn", "ould", "abu", "de"):
        if text.startswith(first):
            for second in ("der", "den", "de", "el", "al", "ul", "la"):
                rest = text[len(first + second) :]
                if text.startswith(first + second) and is_spelled(rest, part):
                    yield split_word(first, second, part.kind) + split_word(rest, "", part.kind)


def _sharing(asked: list[_Asked], part: Part) -> set[int]:
    """Names that share enough words with the query, looked for through its rarest words."""
    names = _in_range(asked, part)
    whole = sum(one.weight for one in asked)
    order = sorted((one for one in asked if not one.is_initial), key=lambda one: names.count(one))
    chosen: set[int] = set()
    weight = 0.0
    rest = list(order)
    while rest and weight <= whole / 3:
        one = rest.pop(0)
        chosen |= names.of(one)
        weight += one.weight
    if len(chosen) > _FEW and len(order) > 1:
        chosen &= _often(order, names, whole)
    linked = {word_id for one in asked for word_id in one.likes}
    initials = frozenset(one.word.text for one in asked if one.is_initial)
    return {number for number in chosen if _may_be_alike(number, linked, initials, part)}


def _often(order: list[_Asked], names: "_InRange", whole: float) -> set[int]:
    """Names that share so many words that these can weigh two thirds of the query."""
    least, weight = 0, 0.0
    for heaviest in sorted((one.weight for one in order), reverse=True):
        if weight >= whole * 2 / 3 - _SLACK:
            break
        weight += heaviest
        least += 1
    if least < 2:
        return set().union(*(names.of(one) for one in order))
    counted: Counter[int] = Counter()
    for one in order:
        counted.update(names.of(one))
    return {number for number, count in counted.items() if count >= least}


class _InRange:
    """Names that hold a word like one of the query's and weigh about as much as the query."""

    def __init__(self, part: Part, first: int, end: int) -> None:
        self._part, self._first, self._end = part, first, end
        self._found: dict[int, set[int]] = {}

    def count(self, one: _Asked) -> int:
        return sum(end - start for start, end in self._slices(one))

    def of(self, one: _Asked) -> set[int]:
        known = self._found.get(id(one))
        if known is None:
            known = set().union(*(self._part.postings[start:end] for start, end in self._slices(one)))
            self._found[id(one)] = known
        return known

    def _slices(self, one: _Asked) -> Iterable[tuple[int, int]]:
        part = self._part
        for word_id in one.likes:
            start, end = part.first_posting[word_id], part.first_posting[word_id + 1]
            first = bisect_left(part.postings, self._first, start, end)
            yield first, bisect_left(part.postings, self._end, first, end)


def _in_range(asked: list[_Asked], part: Part) -> _InRange:
    low = high = 0.0
    for one in asked:
        weights = [part.weights[word_id] for word_id in one.likes]
        low += min((one.weight, *weights))
        high += max((one.weight, *weights)) if not one.is_initial else 1.0
    first = bisect_left(part.total, low / (1 + _UNMATCHED) - _SLACK)
    return _InRange(part, first, bisect_right(part.total, high * (1 + _UNMATCHED) + _SLACK))


def _may_be_alike(number: int, linked: set[int], initials: frozenset[str], part: Part) -> bool:
    """Whether so much of a name is matched that it can reach the alert score."""
    matched = 0.0
    telling = alone = 0
    weights = part.weights
    for word_id in part.words[part.first[number] : part.first[number + 1]]:
        weight = weights[word_id]
        if word_id in linked or (initials and part.vocabulary[word_id].text[:1] in initials):
            matched += weight
            telling += weight >= TELLING_WEIGHT
        else:
            alone += weight >= TELLING_WEIGHT
    if telling < 2 and telling + alone > 1:
        return False
    return part.total[number] - matched <= matched * _UNMATCHED + _SLACK


def _held(asked: list[_Asked], part: Part) -> set[int]:
    """Names that stand whole within the query, and names that the query stands whole within."""
    found: set[int] = set()
    near = [{word_id for word_id, like in one.likes.items() if like >= _HELD_LIKENESS} for one in asked]
    every = set().union(*near)
    telling = [at for at, one in enumerate(asked) if one.weight >= TELLING_WEIGHT]
    if len(telling) > 2:
        for word_id in every:
            for number in part.anchored.get(word_id, ()):
                ids = part.word_ids(number)
                if all(word in every or part.weights[word] < TELLING_WEIGHT for word in ids):
                    found.add(number)
    weight = sum(asked[at].weight for at in telling)
    if len(telling) >= 2 and weight >= (_HELD_WEIGHT if len(telling) < 3 else _HELD_WEIGHT_OF_THREE):
        holding: set[int] | None = None
        for at in sorted(telling, key=lambda at: sum(_count(part, word_id) for word_id in near[at])):
            of_word = set().union(*(_postings(part, word_id) for word_id in near[at]))
            holding = of_word if holding is None else holding & of_word
            if not holding:
                break
        found |= holding or set()
    return found


def _count(part: Part, word_id: int) -> int:
    return part.first_posting[word_id + 1] - part.first_posting[word_id]


def _postings(part: Part, word_id: int) -> Iterable[int]:
    return part.postings[part.first_posting[word_id] : part.first_posting[word_id + 1]]


def _same_consonants(query: Name, part: Part) -> set[int]:
    """Names that have the same consonants in their order."""
    key = consonants_key(query.letters) << 32
    first = bisect_left(part.by_consonants, key)
    return {
        each & 0xFFFFFFFF
        for each in part.by_consonants[first : bisect_left(part.by_consonants, key + (1 << 32), first)]
    }


def _same_letters(query: Name, part: Part) -> set[int]:
    """Names with the same letters in their order, and names of which the query is the beginning."""
    letters = query.letters
    start = bisect_left(part.by_letters, letters, key=part.letters)
    found = set()
    for at in range(start, len(part.by_letters)):
        listed = part.letters(part.by_letters[at])
        same = listed == letters
        if not same and not (len(letters) >= _CUT_OFF_MIN_LETTERS and listed.startswith(letters)):
            break
        if same or len(letters) >= _CUT_OFF_SHARE * len(listed):
            found.add(part.by_letters[at])
    return found
