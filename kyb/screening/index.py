"""The index of listed names: words, the names they occur in, and keys by which a like word is found quickly.

Built once per set of lists by build_index; search.py reads it. Names are numbered by how much their words weigh, and
words and names are numbers in flat arrays, so that two hundred thousand entries fit and a search looks only at names
that may still be alike.
"""

import zlib
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from itertools import accumulate

from msgspec import Struct, field

from kyb.lists.entry import ENTITY, PERSON, Identifier, ListEntry, ScreeningList
from kyb.screening.identifiers import identifier_keys
from kyb.screening.likeness import keys
from kyb.screening.names import TELLING_WEIGHT, WITHOUT_VOWELS, Name, Word, family_words, make_name, name_words
from kyb.screening.weights import weigh

_HELD_MIN_WORDS = 2


class Part(Struct, frozen=True):
    """The index of one kind, persons or entities. Entries, names and words are meant by their position.

    Names stand in the order of total, the sum of their words' weights. The words of a name n are
    words[first[n]:first[n+1]], the names that hold a word w are postings[first_posting[w]:first_posting[w+1]].
    """

    kind: str
    entries: list[tuple[str, ListEntry]]  # list source, entry
    vocabulary: list[Word]
    weights: "array[float]"  # of the words of the vocabulary
    keys: "array[int]"  # hash of a key of likeness.py << 32 | word, in order
    entry_of: "array[int]"
    place_of: "array[int]"  # which of its entry's names this is
    family: bytes  # words before a comma
    total: "array[float]"
    first: "array[int]"
    words: "array[int]"
    first_posting: "array[int]"
    postings: "array[int]"
    by_letters: "array[int]"  # names in the order of all their letters
    by_consonants: "array[int]"  # hash of all consonants of a name << 32 | name, in order
    anchored: dict[int, "array[int]"]  # word -> names of which it is the rarest
    likes: dict[Word, dict[int, float]] = field(default_factory=dict)  # search.py remembers some answers here

    def word_ids(self, number: int) -> "array[int]":
        """The words of a name."""
        return self.words[self.first[number] : self.first[number + 1]]

    def filed(self, key: str) -> Iterator[int]:
        """The words that are filed under a key of likeness.py."""
        first = hashed(key) << 32
        for at in range(bisect_left(self.keys, first), len(self.keys)):
            if self.keys[at] >> 32 != first >> 32:
                return
            yield self.keys[at] & 0xFFFFFFFF

    def name(self, number: int) -> Name:
        """A listed name, ready to compare."""
        ids = self.word_ids(number)
        found = tuple(self.vocabulary[word] for word in ids)
        return make_name(found, tuple(self.weights[word] for word in ids), self.family[number])

    def letters(self, number: int) -> str:
        """All letters of a listed name."""
        return "".join(self.vocabulary[word].text for word in self.word_ids(number))


class ListVersion(Struct, frozen=True):
    """The version of a list that names were screened against."""

    source: str
    published_on: date
    sha256: str
    entry_count: int


class NumberHolder(Struct, frozen=True, gc=False):
    """An identity number of a list, and the entry that holds it."""

    kind: str
    entry: int
    identifier: Identifier


class ScreeningIndex(Struct, frozen=True):
    """What build_index made of the lists: opaque but for versions and entry_count."""

    versions: tuple[ListVersion, ...]
    entry_count: int
    parts: dict[str, Part]
    numbers: dict[str, list[NumberHolder]]


def build_index(lists: Iterable[ScreeningList]) -> ScreeningIndex:
    """Prepare lists for kyb.screen; once per process and list version."""
    lists = tuple(lists)
    versions = tuple(ListVersion(each.source, each.published_on, each.sha256, len(each.entries)) for each in lists)
    entries = [(each.source, entry) for each in lists for entry in each.entries]
    parts = {kind: _build_part([pair for pair in entries if pair[1].kind == kind], kind) for kind in (PERSON, ENTITY)}
    return ScreeningIndex(versions, len(entries), parts, _numbers(parts))


class _Words:
    """The vocabulary while it grows: each distinct word once, with its weight."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.found: list[Word] = []
        self.weights: array[float] = array("d")
        self._ids: dict[Word, int] = {}

    def ids(self, name: tuple[Word, ...]) -> tuple[int, ...]:
        return tuple(self._id(word) for word in name)

    def _id(self, word: Word) -> int:
        known = self._ids.get(word)
        if known is None:
            known = self._ids[word] = len(self.found)
            self.found.append(word)
            self.weights.append(weigh(word.text, word.groups, self.kind))
        return known


def _build_part(entries: list[tuple[str, ListEntry]], kind: str) -> Part:
    words = _Words(kind)
    rows = sorted(_rows(entries, kind, words))
    flat = array("I", (word for _, _, _, ids in rows for word in ids))
    postings, first_posting = _postings(rows, len(words.found))
    letters = ["".join(words.found[word].text for word in ids) for _, _, _, ids in rows]
    return Part(
        kind=kind,
        entries=entries,
        vocabulary=words.found,
        weights=words.weights,
        keys=_keys(words.found),
        entry_of=array("I", (entry for _, entry, _, _ in rows)),
        place_of=array("H", (place for _, _, place, _ in rows)),
        family=bytes(min(family_words(entries[entry][1].names[place].text, kind), 255) for _, entry, place, _ in rows),
        total=array("d", (total for total, _, _, _ in rows)),
        first=array("I", accumulate((len(ids) for _, _, _, ids in rows), initial=0)),
        words=flat,
        first_posting=first_posting,
        postings=postings,
        by_letters=array("I", sorted(range(len(rows)), key=letters.__getitem__)),
        by_consonants=array("Q", sorted(consonants_key(each) << 32 | number for number, each in enumerate(letters))),
        anchored=_anchored(rows, words.weights, first_posting),
    )


_Row = tuple[float, int, int, tuple[int, ...]]  # total, entry, place, words


def _rows(entries: list[tuple[str, ListEntry]], kind: str, words: _Words) -> Iterator[_Row]:
    for position, (_, entry) in enumerate(entries):
        for place, name in enumerate(entry.names):
            found = name_words(name.text, kind)
            if found:
                ids = words.ids(found)
                yield sum(words.weights[word] for word in ids), position, place, ids


def _postings(rows: list[_Row], word_count: int) -> tuple["array[int]", "array[int]"]:
    """For each word the names that hold it, in order, one after the other; and where each word's begin."""
    counts = [0] * word_count
    for _, _, _, ids in rows:
        for word in set(ids):
            counts[word] += 1
    first = array("I", accumulate(counts, initial=0))
    at = list(first)
    postings = array("I", bytes(4 * first[-1]))
    for number, (_, _, _, ids) in enumerate(rows):
        for word in set(ids):
            postings[at[word]] = number
            at[word] += 1
    return postings, first


def consonants_key(letters: str) -> int:
    """A hash of 32 bits of the consonants among the letters."""
    return hashed(letters.translate(WITHOUT_VOWELS))


def hashed(text: str) -> int:
    """A number of 32 bits that stands for the text. Two texts may share one: what is found is compared anyway."""
    return zlib.crc32(text.encode())


def _keys(vocabulary: list[Word]) -> "array[int]":
    filed = array(
        "Q", (hashed(key) << 32 | word_id for word_id, word in enumerate(vocabulary) for key in set(keys(word)))
    )
    return array("Q", sorted(filed))


def _anchored(rows: list[_Row], weights: "array[float]", first_posting: "array[int]") -> dict[int, "array[int]"]:
    anchored: defaultdict[int, array[int]] = defaultdict(lambda: array("I"))
    for number, (_, _, _, ids) in enumerate(rows):
        telling = [word for word in ids if weights[word] >= TELLING_WEIGHT]
        if len(telling) >= _HELD_MIN_WORDS:
            rarest = min(telling, key=lambda word: first_posting[word + 1] - first_posting[word])
            anchored[rarest].append(number)
    return dict(anchored)


def _numbers(parts: dict[str, Part]) -> dict[str, list[NumberHolder]]:
    found: defaultdict[str, list[NumberHolder]] = defaultdict(list)
    for kind, part in parts.items():
        for position, (_, entry) in enumerate(part.entries):
            for identifier in entry.identifiers:
                for key in identifier_keys(identifier):
                    found[key].append(NumberHolder(kind, position, identifier))
    return dict(found)
