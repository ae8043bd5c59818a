"""Compare one name with every listed name: find candidates, align word by word, score, look at birth years.

The last step of screening: report.py calls screen() for each name of a case. The score speaks of names only;
the birth year is reported beside it and never raises it.
"""

from collections import defaultdict
from typing import NamedTuple

from msgspec import Struct

from kyb.screening.index import (
    Listed,
    Part,
    ScreeningIndex,
    compared_words,
    like_words,
    runs_of,
    weight_of,
)
from kyb.screening.likeness import sound_likeness
from kyb.screening.lists import PERSON
from kyb.screening.names import Word, join_words

ALERT_SCORE = 0.85  # below it a likeness is not reported
STRONG_SCORE = 0.93  # from here a different birth year does not set a hit aside

AGREES, DIFFERS, UNKNOWN = "agrees", "differs", "unknown"
BIRTH_YEAR_SLACK = 2  # honest records differ by up to two years: calendars, ages told instead of dates

_SIGNIFICANT_WEIGHT = 0.15  # lighter words (particles, titles, initials) never make a candidate
_JOINED_LIKENESS = 0.95  # two words are taken for one only when they are spelt nearly the same
_MIN_CONSONANTS = 6  # that must agree when one name is written without vowels: fewer fit too many names
_FULLER_SHARE = 0.73  # of the score: the name that is covered better; the rest is for the other


class Piece(Struct, frozen=True):
    """Words that were taken for one another, and how alike they are (0.8 to 1)."""

    given: str
    listed: str
    likeness: float


class Hit(Struct, frozen=True):
    """A listed name like the one given.

    score says how alike the names are (0.85 to 1) and nothing else; birth_year whether it agrees, differs
    or is unknown on one side. set_aside marks a hit kept as evidence that needs no judgement: the names are
    alike but not nearly the same, and the birth years differ.
    """

    entry_id: str
    list_source: str
    matched_name: str
    score: float
    pieces: tuple[Piece, ...]
    programme: str
    birth_year: str
    set_aside: bool


class _Query(NamedTuple):
    words: tuple[Word, ...]
    weights: tuple[float, ...]
    links: dict[int, list["_Link"]]  # word id -> runs of the query that are like it
    squashed: Word
    vowelless: bool


class _Link(NamedTuple):
    start: int
    length: int
    like: float


def screen(name: str, index: ScreeningIndex, birth_year: int | None = None, kind: str = PERSON) -> tuple[Hit, ...]:
    """Listed names like this one, best first, at most one per entry; kind is "person" or "entity".

    Finds reordered, transliterated, misspelt, joined and split names, and names with a word more or less.
    A name without letters or digits has no hits.
    """
    part = index.parts[kind]
    query = _read_query(name, part, kind)
    best: dict[int, Hit] = {}
    for number in sorted(_candidates(query, part)):
        listed = part.names[number]
        score, pieces = _compare(query, listed, part)
        if score < ALERT_SCORE or (listed.entry in best and best[listed.entry].score >= score):
            continue
        source, entry = part.entries[listed.entry]
        agreement = _birth_year(birth_year, entry.birth_years)
        if listed.weak and agreement != AGREES and _significant(listed.weights) < 2:
            continue
        best[listed.entry] = Hit(
            entry_id=entry.entry_id,
            list_source=source,
            matched_name=listed.text,
            score=score,
            pieces=pieces,
            programme=entry.programme,
            birth_year=agreement,
            set_aside=agreement == DIFFERS and score < STRONG_SCORE,
        )
    return tuple(sorted(best.values(), key=lambda hit: (-hit.score, hit.list_source, hit.entry_id)))


def _read_query(name: str, part: Part, kind: str) -> _Query:
    found = compared_words(name, kind)
    links: defaultdict[int, list[_Link]] = defaultdict(list)
    for run in runs_of(found):
        for word_id, like in like_words(part, run).items():
            links[word_id].append(_Link(run.start, run.length, like))
    weights = tuple(weight_of(word, kind, part.rarity) for word in found)
    whole = join_words(found)
    return _Query(found, weights, links, whole, whole.vowelless)


def _candidates(query: _Query, part: Part) -> set[int]:
    """Names that share two telling words with the query, or a joined pair, or all there is of either."""
    names_by_start: defaultdict[int, set[int]] = defaultdict(set)
    found = {
        number for key in (query.squashed.consonants, query.squashed.text) for number in part.squashed.get(key, ())
    }
    for word_id, links in query.links.items():
        for start, length, like in links:
            if length == 1:
                names_by_start[start].update(part.singles.get(word_id, ()))
            if like >= _JOINED_LIKENESS:
                found.update((part.joins if length == 1 else part.singles).get(word_id, ()))
    telling = [start for start, weight in enumerate(query.weights) if weight >= _SIGNIFICANT_WEIGHT]
    telling = telling or list(range(len(query.words)))
    if len(telling) == 1:
        return found | names_by_start[telling[0]]
    once: set[int] = set()
    for start in telling:
        found |= once & names_by_start[start]
        once |= names_by_start[start]
    return found


def _compare(query: _Query, listed: Listed, part: Part) -> tuple[float, tuple[Piece, ...]]:
    """Score and pieces of the best alignment, word by word or of the names written in one word."""
    pairs = [
        (link.like * (link.length + length), link, start, length, word_id)
        for start, length, word_id in listed.runs
        for link in query.links.get(word_id, ())
        if link.length == length == 1 or (link.length != length and link.like >= _JOINED_LIKENESS)
    ]
    pairs.sort(key=lambda pair: -pair[0])
    free_given = set(range(len(query.words)))
    free_listed = set(range(len(listed.weights)))
    given_weight = listed_weight = 0.0
    consonants: list[int] = []
    pieces: list[Piece] = []
    for _, link, start, length, word_id in pairs:
        given = range(link.start, link.start + link.length)
        taken = range(start, start + length)
        if not (free_given.issuperset(given) and free_listed.issuperset(taken)):
            continue
        free_given.difference_update(given)
        free_listed.difference_update(taken)
        given_weight += link.like * sum(query.weights[at] for at in given)
        listed_weight += link.like * sum(listed.weights[at] for at in taken)
        if query.vowelless and not part.vocabulary[word_id].vowelless:
            consonants.append(len(part.vocabulary[word_id].consonants))
        text = " ".join(query.words[at].text for at in given)
        pieces.append(Piece(text, part.vocabulary[word_id].text, round(link.like, 3)))
    given_share = given_weight / sum(query.weights)
    listed_share = listed_weight / sum(listed.weights)
    fuller, emptier = max(given_share, listed_share), min(given_share, listed_share)
    score = _FULLER_SHARE * fuller + (1 - _FULLER_SHARE) * emptier
    if consonants and sum(consonants) < _MIN_CONSONANTS:
        score = 0.0
    whole = _squashed_likeness(query.squashed, listed.squashed)
    if whole > score:
        score, pieces = whole, [Piece(query.squashed.text, listed.squashed.text, round(whole, 3))]
    return round(score, 3), tuple(pieces)


def _squashed_likeness(one: Word, other: Word) -> float:
    like = 1.0 if one.text == other.text else sound_likeness(one, other)
    return like if one.vowelless == other.vowelless and like >= _JOINED_LIKENESS else 0.0


def _significant(weights: tuple[float, ...]) -> int:
    return sum(weight >= _SIGNIFICANT_WEIGHT for weight in weights)


def _birth_year(year: int | None, ranges: tuple[tuple[int, int], ...]) -> str:
    if year is None or not ranges:
        return UNKNOWN
    near = any(first - BIRTH_YEAR_SLACK <= year <= last + BIRTH_YEAR_SLACK for first, last in ranges)
    return AGREES if near else DIFFERS
