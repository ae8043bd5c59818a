"""The index of listed names: words, where they occur, and keys by which a like word is found quickly.

Built once per set of lists by build_index; match.py reads it. Blocking works on distinct words, not names:
each word of a query is compared with the few words that share a key, so the cost grows with the vocabulary
(which levels off) and not with the list.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from msgspec import Struct
from rapidfuzz.distance import OSA

from kyb.screening.lists import ENTITY, PERSON, ListEntry, ScreeningList
from kyb.screening.names import Word, join_words, words
from kyb.screening.weights import (
    GENERIC_WEIGHT,
    GENERIC_WORDS,
    LEGAL_FORMS,
    PARTICLE_WEIGHT,
    PERSON_PARTICLES,
)

MAX_NAME_CHARS = 256  # the longest legal name kyb.fields allows; what follows only costs time
MAX_WORDS = 16

_MIN_RARITY = 0.2  # the weight of a word that every entry holds
_SOUND_ALIKE = 0.9  # least likeness of words with the same skeleton, by themselves distinctive enough
_ENDS = 3  # letters of a word's start and end that serve as keys


class Run(NamedTuple):
    """One word of a name, or two adjacent ones read as one, so that split and joined spellings meet."""

    start: int
    length: int  # 1 or 2 words
    word: Word


class ListedRun(NamedTuple):
    """A Run of a listed name; word_id is its place in the vocabulary."""

    start: int
    length: int
    word_id: int


class Listed(NamedTuple):
    """One listed name, ready to compare."""

    entry: int  # position in Part.entries
    text: str
    weak: bool
    runs: tuple[ListedRun, ...]
    weights: tuple[float, ...]  # one per word
    squashed: Word  # the whole name as one word


class Part(Struct, frozen=True):
    """The index of one kind, persons or entities; lists of integers are positions."""

    entries: list[tuple[str, ListEntry]]  # list source, entry
    names: list[Listed]
    vocabulary: list[Word]
    word_ids: dict[Word, int]
    singles: list[list[int]]  # word id -> names that hold it as one word
    joins: list[list[int]]  # word id -> names that hold it as two words
    keys: dict[str, list[int]]  # blocking key -> word ids
    squashed: dict[str, list[int]]  # skeleton of a whole name -> names
    rarity: dict[str, float]  # skeleton -> weight


class ListVersion(Struct, frozen=True):
    """Which list names were held against."""

    source: str
    published_on: date
    sha256: str
    entry_count: int


class ScreeningIndex(Struct, frozen=True):
    """What build_index made of the lists: opaque but for versions and entry_count."""

    versions: tuple[ListVersion, ...]
    entry_count: int
    parts: dict[str, Part]


def build_index(lists: Iterable[ScreeningList]) -> ScreeningIndex:
    """Prepare lists for kyb.screen; once per process and list version."""
    lists = tuple(lists)
    versions = tuple(
        ListVersion(each.source, each.published_on, each.sha256, len(each.entries)) for each in lists
    )
    entries = [(each.source, entry) for each in lists for entry in each.entries]
    parts = {
        kind: _build_part([pair for pair in entries if pair[1].kind == kind], kind)
        for kind in (PERSON, ENTITY)
    }
    return ScreeningIndex(versions, len(entries), parts)


def compared_words(name: str, kind: str) -> tuple[Word, ...]:
    """The words that count: of an entity without its legal forms, unless it has nothing else."""
    found = words(name[:MAX_NAME_CHARS])[:MAX_WORDS]
    if kind == ENTITY:
        return tuple(word for word in found if word.text not in LEGAL_FORMS) or found
    return found


def runs_of(name_words: tuple[Word, ...]) -> Iterator[Run]:
    """Every word, and every two adjacent words read as one."""
    for start, word in enumerate(name_words):
        yield Run(start, 1, word)
        if start + 1 < len(name_words):
            yield Run(start, 2, join_words(name_words[start : start + 2]))


def weight_of(word: Word, kind: str, rarity: dict[str, float]) -> float:
    """How much a word tells, from 0 to 1: little when everyday or frequent in the lists."""
    if len(word.text) == 1 or (kind == PERSON and word.text in PERSON_PARTICLES):
        return PARTICLE_WEIGHT
    found = rarity.get(word.skeleton, 1.0)
    return min(found, GENERIC_WEIGHT) if kind == ENTITY and word.text in GENERIC_WORDS else found


def like_words(part: Part, word: Word) -> dict[int, float]:
    """Vocabulary ids of the words like this one, with their likeness (0.8 to 1)."""
    near = {word_id for key in _keys(word) for word_id in part.keys.get(key, ())}
    found = ((word_id, likeness(word, part.vocabulary[word_id])) for word_id in near)
    return {word_id: like for word_id, like in found if like}


def likeness(one: Word, other: Word) -> float:
    """1 for the same word, 0.8 and more for a likely other spelling of it, 0 for another word."""
    if one.text == other.text:
        return 1.0
    if one.vowelless != other.vowelless:
        consonants = one.skeleton.removeprefix("a")
        same = len(consonants) > 1 and consonants == other.skeleton.removeprefix("a")
        return _SOUND_ALIKE if same else 0.0
    shorter, longer = sorted((len(one.text), len(other.text)))
    edits = int(OSA.distance(one.text, other.text))
    if one.skeleton == other.skeleton and len(one.skeleton) > 1:
        if len(one.skeleton) > 2 and edits * 2 <= longer:
            return max(_SOUND_ALIKE, 1 - edits / (2 * longer))
        if edits == 1:
            return _SOUND_ALIKE
    allowed = 0 if shorter < 5 else 1 if shorter < 8 else 2
    return 1 - edits / (1.5 * longer) if edits <= allowed else 0.0


def _keys(word: Word) -> Iterator[str]:
    """Two words that may be alike share a key: the sound, the start, the end, or both their edges."""
    yield "=" + word.skeleton.removeprefix("a")
    if len(word.text) > _ENDS:
        yield "^" + word.text[:_ENDS]
        yield "$" + word.text[-_ENDS:]
        yield "|" + word.text[:2] + word.text[-2:]


def _build_part(entries: list[tuple[str, ListEntry]], kind: str) -> Part:
    spelled = [
        (position, name.text, name.weak, compared_words(name.text, kind))
        for position, (_, entry) in enumerate(entries)
        for name in entry.names
    ]
    rarity = _rarity(((position, name_words) for position, _, _, name_words in spelled), len(entries))
    word_ids: dict[Word, int] = {}
    singles: defaultdict[int, list[int]] = defaultdict(list)
    joins: defaultdict[int, list[int]] = defaultdict(list)
    squashed: defaultdict[str, list[int]] = defaultdict(list)
    names: list[Listed] = []
    for position, text, weak, name_words in spelled:
        if not name_words:
            continue
        number = len(names)
        runs = []
        for start, length, word in runs_of(name_words):
            word_id = word_ids.setdefault(word, len(word_ids))
            (singles if length == 1 else joins)[word_id].append(number)
            runs.append(ListedRun(start, length, word_id))
        whole = join_words(name_words)
        squashed[whole.skeleton.removeprefix("a")].append(number)
        weights = tuple(weight_of(word, kind, rarity) for word in name_words)
        names.append(Listed(position, text, weak, tuple(runs), weights, whole))
    keys: defaultdict[str, list[int]] = defaultdict(list)
    for word, word_id in word_ids.items():
        for key in _keys(word):
            keys[key].append(word_id)
    count = range(len(word_ids))
    return Part(
        entries=entries,
        names=names,
        vocabulary=list(word_ids),
        word_ids=word_ids,
        singles=[singles.get(word_id, []) for word_id in count],
        joins=[joins.get(word_id, []) for word_id in count],
        keys=dict(keys),
        squashed=dict(squashed),
        rarity=rarity,
    )


def _rarity(spelled: Iterable[tuple[int, tuple[Word, ...]]], entry_count: int) -> dict[str, float]:
    """Weight by skeleton, so that a rare spelling of a common name does not pass for a rare name."""
    holders: defaultdict[str, set[int]] = defaultdict(set)
    for position, name_words in spelled:
        for word in name_words:
            holders[word.skeleton].add(position)
    scale = math.log(entry_count + 1) or 1.0
    return {
        sound: max(_MIN_RARITY, math.log((entry_count + 1) / len(entries)) / scale)
        for sound, entries in holders.items()
    }
