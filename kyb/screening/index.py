"""The index of listed names: words, where they occur, and keys by which a like word is found quickly.

Built once per set of lists by build_index; match.py reads it. Blocking works on distinct words, not names:
each word of a query is compared with the few words that share a key, so the cost grows with the vocabulary
(which levels off) and not with the list.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

from msgspec import Struct, field

from kyb.lists.entry import ENTITY, PERSON, ListedName, ListEntry, ScreeningList
from kyb.screening.likeness import misspelling_keys, sound_likeness, spelling_keys, spelling_likeness
from kyb.screening.names import Word, join_words, words
from kyb.screening.weights import (
    GENERIC_WEIGHT,
    GENERIC_WORDS,
    LEGAL_FORMS,
    PARTICLE_WEIGHT,
    PARTICLES,
)

MAX_NAME_CHARS = 256  # the longest legal name kyb.fields allows; what follows only costs time
MAX_WORDS = 16

_MIN_RARITY = 0.2  # the weight of a word that most entries hold
_UNLISTED_WEIGHT = 0.6  # of a word no listed name holds: a middle name more should not clear a name


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


def _lists() -> Any:
    return field(default_factory=lambda: defaultdict(list))


class Part(Struct, frozen=True):
    """The index of one kind, persons or entities. Names and words are meant by their position."""

    entries: list[tuple[str, ListEntry]]  # list source, entry
    rarity: dict[str, float]  # consonants -> weight
    names: list[Listed] = field(default_factory=list)
    vocabulary: list[Word] = field(default_factory=list)  # every distinct run of every name
    singles: dict[int, list[int]] = _lists()  # word -> names that hold it as one word
    joins: dict[int, list[int]] = _lists()  # word -> names that hold it as two words
    by_text: dict[str, list[int]] = _lists()  # text -> words
    by_sound: dict[str, list[int]] = _lists()  # consonants -> words
    by_spelling: dict[str, list[int]] = _lists()  # key of likeness.py -> words
    squashed: dict[str, list[int]] = _lists()  # a whole name in one word, or its consonants -> names


class ListVersion(Struct, frozen=True):
    """The version of a list that names were screened against."""

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
    versions = tuple(ListVersion(each.source, each.published_on, each.sha256, len(each.entries)) for each in lists)
    entries = [(each.source, entry) for each in lists for entry in each.entries]
    parts = {kind: _build_part([pair for pair in entries if pair[1].kind == kind], kind) for kind in (PERSON, ENTITY)}
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
    if len(word.text) == 1 or word.text in PARTICLES:
        return PARTICLE_WEIGHT
    if kind == ENTITY and word.text in GENERIC_WORDS:
        return GENERIC_WEIGHT
    return rarity.get(word.consonants, _UNLISTED_WEIGHT)


def like_words(part: Part, run: Run) -> dict[int, float]:
    """Vocabulary ids of the words like this run, with their likeness (0.83 to 1)."""
    found: dict[int, float] = {}
    if run.length == 1:  # two words read as one are not looked for among misspellings
        for key in misspelling_keys(run.word.text):
            for word_id in part.by_spelling.get(key, ()):
                found[word_id] = spelling_likeness(run.word, part.vocabulary[word_id])
    for word_id in part.by_sound.get(run.word.consonants, ()):
        like = sound_likeness(run.word, part.vocabulary[word_id])
        found[word_id] = max(like, found.get(word_id, 0.0))
    for word_id in part.by_text.get(run.word.text, ()):
        found[word_id] = 1.0
    return {word_id: like for word_id, like in found.items() if like}


def _build_part(entries: list[tuple[str, ListEntry]], kind: str) -> Part:
    spelled = [
        (position, name, compared_words(name.text, kind))
        for position, (_, entry) in enumerate(entries)
        for name in entry.names
    ]
    part = Part(entries, _rarity(((position, found) for position, _, found in spelled), len(entries)))
    word_ids: dict[Word, int] = {}
    for position, name, found in spelled:
        if found:
            _add_name(part, word_ids, position, name, found, kind)
    for word, word_id in word_ids.items():
        part.vocabulary.append(word)
        part.by_text[word.text].append(word_id)
        part.by_sound[word.consonants].append(word_id)
        if word_id in part.singles:
            for key in spelling_keys(word.text):
                part.by_spelling[key].append(word_id)
    return part


def _add_name(
    part: Part,
    word_ids: dict[Word, int],
    position: int,
    name: ListedName,
    found: tuple[Word, ...],
    kind: str,
) -> None:
    number = len(part.names)
    runs = []
    for start, length, word in runs_of(found):
        word_id = word_ids.setdefault(word, len(word_ids))
        (part.singles if length == 1 else part.joins)[word_id].append(number)
        runs.append(ListedRun(start, length, word_id))
    whole = join_words(found)
    for key in {whole.consonants, whole.text}:
        part.squashed[key].append(number)
    weights = tuple(weight_of(word, kind, part.rarity) for word in found)
    part.names.append(Listed(position, name.text, name.weak, tuple(runs), weights, whole))


def _rarity(spelled: Iterable[tuple[int, tuple[Word, ...]]], entry_count: int) -> dict[str, float]:
    """Weight by consonants, so that a rare spelling of a common name does not pass for a rare name."""
    holders: defaultdict[str, set[int]] = defaultdict(set)
    for position, name_words in spelled:
        for word in name_words:
            holders[word.consonants].add(position)
    scale = math.log(entry_count + 1) or 1.0
    return {
        sound: max(_MIN_RARITY, math.log((entry_count + 1) / len(entries)) / scale)
        for sound, entries in holders.items()
    }
