"""Compare one name with every listed name: find candidates, align word by word, score, look at birth years.

The last step of screening: kyb/report.py calls screen() for each name of a case. The score speaks of names only;
the birth year is reported beside it and never changes it.
"""

from collections import defaultdict
from typing import NamedTuple

from msgspec import Struct

from kyb.lists.entry import PERSON
from kyb.screening.index import Listed, Part, ScreeningIndex, compared_words, like_words, runs_of, weight_of
from kyb.screening.likeness import sound_likeness
from kyb.screening.names import Word, join_words
from kyb.screening.weights import TELLING_WEIGHT

ALERT_SCORE = 0.85  # below it a likeness is not reported
STRONG_SCORE = 0.93  # from here a different birth year does not set a hit aside

AGREES, DIFFERS, UNKNOWN = "agrees", "differs", "unknown"
BIRTH_YEAR_SLACK = 2  # honest records differ by up to two years: calendars, ages told instead of dates

_COMMON_WEIGHT = 0.4  # a single word up to this weight is a name of thousands
_JOINED_LIKENESS = 0.95  # two words are taken for one only when they are spelt nearly the same
_MIN_CONSONANTS = 6  # that must agree when one name is written without vowels: fewer fit too many names
_FULLER_SHARE = 0.73  # of the score: the name that is covered better; the rest is for the other


class Piece(Struct, frozen=True):
    """Words that were taken for one another, and how alike they are (0.83 to 1)."""

    given: str
    listed: str
    likeness: float


class Hit(Struct, frozen=True):
    """A listed name like the one given.

    score says how alike the names are (0.85 to 1) and nothing else; birth_year whether it agrees, differs
    or is unknown on one side. set_aside marks a hit kept as evidence that needs no judgement: the names are
    alike but not nearly the same, and the birth years differ. programme is the sanctions regime.
    """

    entry_id: str
    list_source: str
    matched_name: str
    score: float
    pieces: tuple[Piece, ...]
    programme: str
    birth_year: str
    set_aside: bool


class _Link(NamedTuple):
    """A run of the query that is like a listed word."""

    start: int
    length: int
    like: float


class _Query(NamedTuple):
    """The name asked for, and every listed word that is like a run of it."""

    words: tuple[Word, ...]
    weights: tuple[float, ...]
    links: dict[int, list[_Link]]  # word id -> runs
    squashed: Word


class _Match(NamedTuple):
    """A run of the query aligned with a run of a listed name."""

    given: range
    listed: range
    word_id: int
    like: float


def screen(name: str, index: ScreeningIndex, birth_year: int | None = None, kind: str = PERSON) -> tuple[Hit, ...]:
    """Listed names like this one, best first, at most one per entry; kind is "person" or "entity".

    Finds reordered, transliterated, misspelt, joined and split names, and names with a word more or less.
    A name without letters or digits has no hits.
    """
    part = index.parts[kind]
    query = _read_query(name, part, kind)
    best: dict[int, Hit] = {}
    for number in sorted(_candidates(query, part)) if query.words else ():
        listed = part.names[number]
        score, pieces = _compare(query, listed, part)
        if score < ALERT_SCORE or (listed.entry in best and best[listed.entry].score >= score):
            continue
        source, entry = part.entries[listed.entry]
        agreement = _birth_year(birth_year, entry.birth_years)
        if agreement != AGREES and _is_byname(listed, kind):
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
    return _Query(found, weights, links, join_words(found))


def _candidates(query: _Query, part: Part) -> set[int]:
    """Names that share two telling words with the query, or a joined pair, or all there is of the query."""
    found: set[int] = set()
    for key in (query.squashed.consonants, query.squashed.text):
        found.update(part.squashed.get(key, ()))
    names_by_start: defaultdict[int, set[int]] = defaultdict(set)
    for word_id, links in query.links.items():
        for start, length, like in links:
            if length == 1:
                names_by_start[start].update(part.singles.get(word_id, ()))
            if like >= _JOINED_LIKENESS:
                found.update((part.joins if length == 1 else part.singles).get(word_id, ()))
    telling = _telling(query.weights) or list(range(len(query.words)))
    if len(telling) == 1:
        return found | names_by_start[telling[0]]
    once: set[int] = set()
    for start in telling:
        found |= once & names_by_start[start]
        once |= names_by_start[start]
    return found


def _compare(query: _Query, listed: Listed, part: Part) -> tuple[float, tuple[Piece, ...]]:
    """Score and pieces: word by word, or of the names written in one word when that is better."""
    matches = _align(query, listed)
    score = 0.0 if _too_few_consonants(query, matches, part) else _score(query, listed, matches)
    whole = _squashed_likeness(query.squashed, listed.squashed)
    if whole > score:
        return round(whole, 3), (Piece(query.squashed.text, listed.squashed.text, round(whole, 3)),)
    pieces = (
        Piece(" ".join(query.words[at].text for at in given), part.vocabulary[word_id].text, round(like, 3))
        for given, _, word_id, like in matches
    )
    return round(score, 3), tuple(pieces)


def _align(query: _Query, listed: Listed) -> list[_Match]:
    """Pair the runs of both names, the likest and longest first, each word used once."""
    possible = [
        _Match(range(link.start, link.start + link.length), range(start, start + length), word_id, link.like)
        for start, length, word_id in listed.runs
        for link in query.links.get(word_id, ())
        if link.length == length == 1 or (link.length != length and link.like >= _JOINED_LIKENESS)
    ]
    possible.sort(key=lambda match: -match.like * (len(match.given) + len(match.listed)))
    free_given, free_listed = set(range(len(query.words))), set(range(len(listed.weights)))
    chosen: list[_Match] = []
    for match in possible:
        if free_given.issuperset(match.given) and free_listed.issuperset(match.listed):
            free_given.difference_update(match.given)
            free_listed.difference_update(match.listed)
            chosen.append(match)
    return chosen


def _score(query: _Query, listed: Listed, matches: list[_Match]) -> float:
    """The weighted shares of both names that are matched, the fuller one counting more.

    When no two telling words are matched both count alike: one word in common is not enough.
    """
    given = sum(match.like * query.weights[at] for match in matches for at in match.given)
    found = sum(match.like * listed.weights[at] for match in matches for at in match.listed)
    emptier, fuller = sorted((given / sum(query.weights), found / sum(listed.weights)))
    telling = [at for match in matches for at in match.listed if listed.weights[at] >= TELLING_WEIGHT]
    share = _FULLER_SHARE if len(telling) > 1 else 0.5
    return share * fuller + (1 - share) * emptier


def _too_few_consonants(query: _Query, matches: list[_Match], part: Part) -> bool:
    """True when a name written without vowels was matched on too little to mean anything."""
    if not query.squashed.vowelless:
        return False
    matched = [part.vocabulary[match.word_id] for match in matches]
    by_consonants = [len(word.consonants) for word in matched if not word.vowelless]
    return bool(by_consonants) and sum(by_consonants) < _MIN_CONSONANTS


def _squashed_likeness(given: Word, listed: Word) -> float:
    if given.vowelless != listed.vowelless:
        return 0.0
    like = 1.0 if given.text == listed.text else sound_likeness(given, listed)
    return like if like >= _JOINED_LIKENESS else 0.0


def _is_byname(listed: Listed, kind: str) -> bool:
    """True for names such as Abu Hassan, which thousands share: a single telling word, weak or common."""
    telling = [listed.weights[at] for at in _telling(listed.weights)]
    return len(telling) < 2 and (listed.weak or (kind == PERSON and sum(telling) < _COMMON_WEIGHT))


def _telling(weights: tuple[float, ...]) -> list[int]:
    """Positions of the words that say something about who is meant."""
    return [at for at, weight in enumerate(weights) if weight >= TELLING_WEIGHT]


def _birth_year(year: int | None, ranges: tuple[tuple[int, int], ...]) -> str:
    if year is None or not ranges:
        return UNKNOWN
    near = any(first - BIRTH_YEAR_SLACK <= year <= last + BIRTH_YEAR_SLACK for first, last in ranges)
    return AGREES if near else DIFFERS
