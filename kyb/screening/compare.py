"""Compare two names as wholes: align them word by word, and say how much of both was matched.

The one comparison of the library: `name_score` gives it two names, match.py one name and each candidate of the index.
Words that one name lacks cost less than words in which the two contradict each other.
"""

from itertools import accumulate, pairwise
from typing import NamedTuple

from msgspec import Struct

from kyb.lists.entry import ENTITY, PERSON
from kyb.screening.letters import tokens
from kyb.screening.likeness import likeness
from kyb.screening.names import TELLING_WEIGHT, Name, join_words, read_name
from kyb.screening.tables import legal_forms, trade_words
from kyb.screening.weights import ARTICLES, PATRONYMIC_WEIGHT

_OMITTED = 0.42  # cost of a word that only one name has: one of three may be lacking
_OMITTED_AT_END, _OMITTED_AT_END_OF_MANY = 0.7, 0.52  # of a word that stands before or after all others
_MANY_WORDS = 3
_SPEAKING_WEIGHT = 0.1  # lighter words come and go
_OMITTED_FROM_LITTLE = 0.6  # where what was matched tells little
_LITTLE = 0.8
_CONTRADICTED = 1.0  # cost of a word where the other name has another one
_UNLIKE = 1.3  # cost of what a pair lacks to be the same word
_ONE_WORD_IN_COMMON = 0.8  # the most that names score which have more words and share one telling one
_SINGLE_WORD_LIKENESS = 0.97  # names of one telling word must have this one
_BESIDE_INITIALS_LIKENESS = 0.95  # the only word beside initials is nearly the same: "Shop A" is not A. Subhi
_SINGLE_WORD_MIN_LETTERS = 5  # of a company's only telling word, unless all letters are the same
_JOINED_LIKENESS = 0.93  # words are taken for one only when they are spelt nearly the same
_JOINED_MIN_LETTERS = 5
_JOINED_MOST_WORDS = 3
_JOINED_LETTERS_APART = 3
_CUT_OFF_MIN_LETTERS = 12  # a name cut off by a narrow field still has so many
_CUT_OFF = 0.87
_CUT_OFF_SHARE = 0.4
_HELD_RARE = 0.95  # mean weight of a name that one more word does not hide
_HELD_AMONG = 3  # words around it; fewer are ordinary words that one name lacks
_HELD = 0.87  # a whole name found within a longer one
_HELD_LIKENESS = 0.93
_HELD_WEIGHT, _HELD_WEIGHT_OF_THREE = 1.3, 0.9
_STREWN = 0.86  # a whole name with other words between its own
_STREWN_AMONG, _STREWN_AMONG_TWO = 1, 3  # words of others: people share two words of a long name more often
_STREWN_WEIGHT, _STREWN_WEIGHT_OF_THREE = 1.4, 1.2
_OTHER_TRADE, _OTHER_TRADE_OF_MANY = 0.35, 0.15
_OMITTED_LEAST_WEIGHT = 0.25
_OMITTED_BY_COUNT, _OMITTED_BY_COUNT_OF_RARE = 0.9, 0.66
_RARE = 0.8  # mean weight of matched words that few people bear together
_VOWELS_LEFT_OUT = 0.9
_FEW_VOWELS = 1.35  # letters for each consonant that a name has at most whose vowels were left out
_MIN_CONSONANTS = 6  # that must agree when one name is written without vowels: fewer fit too many names


class Piece(Struct, frozen=True):
    """Words that were taken for one another, and how alike they are (0.78 to 1)."""

    given: str
    listed: str
    likeness: float


class Compared(NamedTuple):
    """How alike two names are, from 0 to 1, and the words this rests on."""

    score: float
    pieces: tuple[Piece, ...]


class _Pair(NamedTuple):
    """Words of the given name that were taken for words of the listed one."""

    given: range
    listed: range
    like: float


def name_score(a: str, b: str, kind: str | None = None) -> float:
    """How alike two names are, from 0 to 1; from 0.85 screening reports a hit, from 0.93 they are nearly the same.

    kind is "person" or "entity"; None finds out by legal forms and words of trade in either. Symmetric, and the same
    comparison that `screen` makes.
    """
    chosen = kind or (ENTITY if is_entity_name(a) or is_entity_name(b) else PERSON)
    return compare(read_name(a, chosen), read_name(b, chosen), chosen).score


def is_entity_name(text: str) -> bool:
    """True when a legal form or a word of trade is in the name."""
    words = [token.readings[0] for token in tokens(text)]
    if not words or words[0] in _LEADING_FORMS:
        return bool(words)
    forms = legal_forms()
    last = words[-1]
    return any(
        word in trade_words() or (len(word) >= _SURE_FORM and (word,) in forms.get(word, ())) for word in words[1:]
    ) or (len(words) > 1 and len(last) > 1 and (last,) in forms.get(last, ()))


_SURE_FORM = 4  # letters; shorter legal forms are words of persons' names too (Da, Ag) unless they stand last
_LEADING_FORMS = frozenset(
    ["ooo", "oao", "zao", "pao", "pt", "tov", "jsc", "pjsc", "ojsc", "cjsc", "obshchestvo", "aktsionernoe"]
)


def compare(given: Name, listed: Name, kind: str) -> Compared:
    """Score and pieces of two names that were read as the same kind."""
    if not given.words or not listed.words:
        return Compared(0.0, ())
    if given.letters == listed.letters:
        return Compared(1.0, _pieces(given, listed, _align(given, listed, kind) or [_whole(given, listed)]))
    pairs = _align(given, listed, kind)
    score = _score(given, listed, pairs, kind)
    score = max(score, _cut_off(given, listed), _held(given, listed, pairs), _without_vowels(given, listed))
    return Compared(
        round(score, 3),
        _pieces(given, listed, pairs or [_whole(given, listed)] if score >= _ONE_WORD_IN_COMMON else pairs),
    )


def _whole(given: Name, listed: Name) -> _Pair:
    return _Pair(range(len(given.words)), range(len(listed.words)), 1.0)


def _align(given: Name, listed: Name, kind: str) -> list[_Pair]:
    """Pair the words of both names, the likest first, each used once; words written as one where that fits better."""
    options = [
        _Pair(range(i, i + 1), range(j, j + 1), like)
        for i, one in enumerate(given.words)
        for j, other in enumerate(listed.words)
        if (like := likeness(one, other))
    ]
    chosen = _choose(options, given, listed)
    if len(chosen) < max(len(given.words), len(listed.words)):
        joined = _joined(given, listed, kind)
        joined += [_Pair(pair.listed, pair.given, pair.like) for pair in _joined(listed, given, kind)]
        if joined:
            chosen = _choose(options + joined, given, listed)
    return chosen


def _choose(options: list[_Pair], given: Name, listed: Name) -> list[_Pair]:
    def order(pair: _Pair) -> tuple[float, float, int]:
        words = len(pair.given) + len(pair.listed)
        weight = min(_weight(given, pair.given), _weight(listed, pair.listed))
        return (-pair.like - (0.1 if words > 2 else 0), -weight, abs(pair.given[0] - pair.listed[0]))

    options.sort(key=order)
    free_given, free_listed = set(range(len(given.words))), set(range(len(listed.words)))
    chosen: list[_Pair] = []
    for pair in options:
        if free_given.issuperset(pair.given) and free_listed.issuperset(pair.listed):
            free_given.difference_update(pair.given)
            free_listed.difference_update(pair.listed)
            chosen.append(pair)
    return chosen


def _joined(several: Name, single: Name, kind: str) -> list[_Pair]:
    """Adjacent words of one name that are a single word of the other."""
    found = []
    for j, word in enumerate(single.words):
        letters = len(word.text)
        if letters < _JOINED_MIN_LETTERS and not word.groups:
            continue
        for start in range(len(several.words) - 1):
            total = len(several.words[start].text)
            if several.words[start].text[0] != word.text[0] and not (word.groups or word.syllables):
                continue
            for end in range(start + 1, min(start + _JOINED_MOST_WORDS, len(several.words))):
                total += len(several.words[end].text)
                if abs(total - letters) > _JOINED_LETTERS_APART and not (word.groups and kind == ENTITY):
                    continue
                like = likeness(join_words(several.words[start : end + 1], kind), word)
                if like >= _JOINED_LIKENESS:
                    found.append(_Pair(range(start, end + 1), range(j, j + 1), like))
    return found


def _score(given: Name, listed: Name, pairs: list[_Pair], kind: str) -> float:
    matched = unlike = 0.0
    telling = consonants = words = initials = 0
    silent = False
    free_given, free_listed = set(range(len(given.words))), set(range(len(listed.words)))
    least = 1.0
    for pair in pairs:
        weight = min(_weight(given, pair.given), _weight(listed, pair.listed))
        matched += weight
        unlike += weight * (1 - pair.like)
        if weight >= _SPEAKING_WEIGHT:
            words += max(len(pair.given), len(pair.listed))
        if weight >= TELLING_WEIGHT:
            telling += max(len(pair.given), len(pair.listed))
            initial = len(given.words[pair.given[0]].text) == 1 or len(listed.words[pair.listed[0]].text) == 1
            initials += initial
            least = least if initial else min(least, pair.like)
        free_given.difference_update(pair.given)
        free_listed.difference_update(pair.listed)
        one, other = given.words[pair.given[0]], listed.words[pair.listed[0]]
        if one.without_vowels != other.without_vowels:
            silent = True
            consonants += len(one.skeletons[0])
    if silent and consonants < _MIN_CONSONANTS:
        return 0.0
    cost, whole = _alone(given, listed, free_given, free_listed, matched, words, kind)
    cost += unlike * _UNLIKE
    if kind == ENTITY:
        other_trades = min(_trades(given, free_given), _trades(listed, free_listed))
        extra = other_trades * (_OTHER_TRADE if telling < 2 else _OTHER_TRADE_OF_MANY)
        cost, whole = cost + extra, whole + extra
    score = max(0.0, 1 - cost / whole) if whole else 0.0
    if initials and telling - initials == 1 and least < _BESIDE_INITIALS_LIKENESS:
        return min(score, _ONE_WORD_IN_COMMON)
    if telling < 2:
        alone = given.telling <= 1 and listed.telling <= 1 and telling == 1 and least >= _SINGLE_WORD_LIKENESS
        short = kind == ENTITY and alone and _longest_telling(listed) < _SINGLE_WORD_MIN_LETTERS
        if short or not alone:
            return min(score, _ONE_WORD_IN_COMMON)
    return score


def _alone(
    given: Name, listed: Name, free_given: set[int], free_listed: set[int], matched: float, words: int, kind: str
) -> tuple[float, float]:
    """What the words cost that were not matched, and what all words weigh.

    Words that only one name has cost about half; where each name has some of its own, they contradict each other.
    """
    one = [given.weights[at] for at in free_given if given.weights[at] >= _SPEAKING_WEIGHT]
    other = [listed.weights[at] for at in free_listed if listed.weights[at] >= _SPEAKING_WEIGHT]
    if one and other:
        larger, count = max(sum(one), sum(other)), max(len(one), len(other))
        whole = matched + larger
        return whole * max(larger / whole, count / (count + words)) * _CONTRADICTED, whole
    most = max(matched / max(words, 1), _OMITTED_LEAST_WEIGHT)
    omitted = [min(weight, most) if weight != PATRONYMIC_WEIGHT else weight / 4 for weight in one or other]
    whole = matched + sum(omitted)
    if not omitted:
        return 0.0, whole
    share = sum(omitted) / whole
    lacking = sum(weight != PATRONYMIC_WEIGHT for weight in one or other)
    if kind == PERSON and words:
        rare = matched >= words * _RARE
        by_count = _OMITTED_BY_COUNT_OF_RARE if rare else _OMITTED_BY_COUNT
        share = max(share, by_count * lacking / (lacking + words))
    name, free = (given, free_given) if one else (listed, free_listed)
    cost = _OMITTED if matched >= _LITTLE else _OMITTED_FROM_LITTLE
    if kind == PERSON and _at_end(name, free):
        cost = _OMITTED_AT_END if words < _MANY_WORDS else _OMITTED_AT_END_OF_MANY
    return share * whole * cost, whole


def _at_end(name: Name, free: set[int]) -> bool:
    """Whether unmatched words stand before or after all others: there they name someone else more often."""
    if name.family:
        return any(at < name.family for at in free)
    free = {at for at in free if not (at and name.words[at - 1].text in ARTICLES)}  # al-Tikriti: of Tikrit
    spoken = [at for at, weight in enumerate(name.weights) if weight >= _SPEAKING_WEIGHT]
    return spoken[0] in free or spoken[-1] in free


def _longest_telling(name: Name) -> int:
    return max(
        len(word.text) for word, weight in zip(name.words, name.weights, strict=True) if weight >= TELLING_WEIGHT
    )


def _trades(name: Name, at: set[int]) -> int:
    return sum(1 for place in at if any(group < 0 for group in name.words[place].groups))


def _cut_off(given: Name, listed: Name) -> float:
    """The score of a name that is the beginning of the other, as a field too narrow leaves it."""
    shorter, longer = sorted((given, listed), key=lambda name: len(name.letters))
    letters = len(shorter.letters)
    if letters < _CUT_OFF_MIN_LETTERS or len(shorter.words) < 2 or not longer.letters.startswith(shorter.letters):
        return 0.0
    if shorter.weights[-1] >= _SPEAKING_WEIGHT + 0.1 and letters in accumulate(len(word.text) for word in longer.words):
        return 0.0  # not cut but shorter by whole words; no name ends in Ben or Abd
    share = letters / len(longer.letters)
    return _CUT_OFF + 0.1 * (share - _CUT_OFF_SHARE) if share >= _CUT_OFF_SHARE else 0.0


def _without_vowels(given: Name, listed: Name) -> float:
    """The score of a name written without most of its vowels."""
    if given.consonants != listed.consonants or len(given.consonants) < _MIN_CONSONANTS:
        return 0.0
    fewer = min(len(given.letters), len(listed.letters))
    return _VOWELS_LEFT_OUT if fewer <= len(given.consonants) * _FEW_VOWELS else 0.0


def _held(given: Name, listed: Name, pairs: list[_Pair]) -> float:
    """The score of a name that stands whole, in its order, within a longer one: words around it do not hide it."""
    inner_is_given = len(given.words) < len(listed.words)
    inner = given if inner_is_given else listed
    sure = sorted(
        (pair.given[0], pair.given[-1], pair.listed[0], pair.listed[-1])
        if inner_is_given
        else (pair.listed[0], pair.listed[-1], pair.given[0], pair.given[-1])
        for pair in pairs
        if pair.like >= _HELD_LIKENESS
    )
    covered = {at for first, last, _, _ in sure for at in range(first, last + 1)}
    telling = [at for at, weight in enumerate(inner.weights) if weight >= TELLING_WEIGHT]
    weight = sum(inner.weights[at] for at in telling)
    if len(telling) < 2 or not covered.issuperset(telling):
        return 0.0
    rare = weight >= len(telling) * _HELD_RARE
    if abs(len(given.words) - len(listed.words)) < (1 if rare else _HELD_AMONG):
        return 0.0
    if weight < (_HELD_WEIGHT if len(telling) < 3 else _HELD_WEIGHT_OF_THREE):
        return 0.0
    places = [(first, last) for _, _, first, last in sure]
    in_order = all(before[1] < after[0] for before, after in pairwise(places))
    outer = listed if inner_is_given else given
    between = [at for before, after in pairwise(places) for at in range(before[1] + 1, after[0])]
    if not in_order:
        return 0.0
    if not any(outer.weights[at] >= TELLING_WEIGHT for at in between):
        return _HELD
    return _strewn(inner, outer, telling)


def _strewn(inner: Name, outer: Name, telling: list[int]) -> float:
    """The score of a whole name whose words stand in order with words of others between them."""
    weight = sum(inner.weights[at] for at in telling)
    more = outer.telling - len(telling)
    if len(telling) > 2:
        return _STREWN if weight >= _STREWN_WEIGHT_OF_THREE and more >= _STREWN_AMONG else 0.0
    silent = any(inner.words[at].without_vowels for at in telling)
    return _STREWN if weight >= _STREWN_WEIGHT and more >= _STREWN_AMONG_TWO and not silent else 0.0


def _weight(name: Name, at: range) -> float:
    return sum(name.weights[at.start : at.stop])


def _pieces(given: Name, listed: Name, pairs: list[_Pair]) -> tuple[Piece, ...]:
    return tuple(
        Piece(
            " ".join(given.words[at].text for at in pair.given),
            " ".join(listed.words[at].text for at in pair.listed),
            round(pair.like, 3),
        )
        for pair in sorted(pairs, key=lambda pair: pair.given[0])
    )
