"""How alike two words are, and keys under which a like word is found without comparing with all.

index.py files every listed word under its keys and asks for the words like one of a query's. Two words are alike when
they spell one name, sound alike, are the same Chinese or Korean syllables, or when one is misspelt, misread by a
scanner, written without vowels, or only an initial.
"""

from collections.abc import Iterator
from functools import lru_cache

from rapidfuzz.distance import OSA

from kyb.screening.names import WITHOUT_VOWELS, Word
from kyb.screening.sounds import VOWELS, vowel_distance

_OTHER_READING = 0.99
_SAME_NAME = 0.97
_SAME_SOUND = 0.98
_SAME_CONSONANTS = 0.92  # of a word whose vowels are not written or not sure
_SYLLABLES = 0.93
_WITHOUT_VOWELS = 0.92
_SCANNED = 0.93
_INITIAL = 0.8
_SWAPPED_SHORT = 0.82
_SLIPPED_SHORT = 0.6  # a slip in a short word makes another name of it as a rule
_SHORT_LETTERS = 5  # shorter words are never taken for misspelt, but for two letters swapped: Hadi is not Hamdi
_LONG_LETTERS = 8  # words as long as this may hold two mistakes, shorter ones one
_END_LETTERS = 3  # of start and of end that a key takes
_EDGE_LETTERS = 2
_SUBSTITUTED = {5: 0.80, 6: 0.85, 7: 0.87}  # likeness by letters of a word with one wrong letter
_MISSED = {5: 0.85, 6: 0.87, 7: 0.88}  # with one letter too many or too few, or two swapped
_LONG_SLIP, _TWO_SLIPS = 0.9, 0.83
_OTHER_FIRST_LETTER = 0.03  # people seldom mistake the first letter
_VOWEL_COST_SHORT, _VOWEL_COST_LONG = 0.35, 0.25
_MAX_VOWELS_OF_TWO = 0.25
_MAX_VOWELS_SHORT, _MAX_VOWELS_LONG = 0.45, 0.65
_MAX_VOWELS_UNSURE = 1.0
_FEW_CONSONANTS = 3
_SURE_CONSONANTS = 4  # of a word that some vowels may be left out of
_ENDS_OPEN = "aeiouyh"


@lru_cache(maxsize=32_768)
def likeness(one: Word, other: Word) -> float:
    """From 0.6 to 1 when two words are alike, else 0; remembers what was asked lately."""
    return compare_words(one, other)


def compare_words(one: Word, other: Word) -> float:
    """From 0.6 to 1 when two words are alike, else 0; the same in both directions."""
    if one.text == other.text and one.without_vowels == other.without_vowels:
        return 1.0
    if one.without_vowels or other.without_vowels:
        return _by_consonants(one, other)
    if not set(one.forms).isdisjoint(other.forms):
        return _OTHER_READING
    if one.groups and other.groups:
        if not set(one.groups).isdisjoint(other.groups):
            return _SAME_NAME
        return _SYLLABLES if one.syllables and one.syllables == other.syllables else 0.0
    if len(one.text) == 1 or len(other.text) == 1:
        return _INITIAL if one.text[0] == other.text[0] else 0.0
    if one.syllables and one.syllables == other.syllables:
        return _SYLLABLES
    if one.syllables and other.syllables:  # other syllables are another name, but for a slip
        like = _by_letters(one.text, other.text)
        return like if like >= _MISSED[6] else 0.0
    by_sound = _by_sound(one, other)
    return by_sound if by_sound >= _SCANNED else max(by_sound, _by_letters(one.text, other.text))


def compare_slip(one: Word, other: Word) -> float:
    """The same for words that share none of the keys of likely_keys: only a slip can make them alike."""
    if one.without_vowels or other.without_vowels or (one.groups and other.groups):
        return 0.0
    return _by_letters(one.text, other.text)


def _by_consonants(one: Word, other: Word) -> float:
    """Arabic script beside Latin: each consonant must agree. Beside itself only the same word is like."""
    if one.without_vowels and other.without_vowels:
        return _SAME_CONSONANTS if one.skeletons == other.skeletons and len(one.skeletons[0]) > 2 else 0.0
    first = {skeleton.removeprefix("a") for skeleton in one.skeletons}
    second = {skeleton.removeprefix("a") for skeleton in other.skeletons}
    silent, voiced = (one.text, other.text) if one.without_vowels else (other.text, one.text)
    if (silent[-1] in "yh" and voiced[-1] not in _ENDS_OPEN) or (voiced[-1] in "iy" and silent[-1] != "y"):
        return 0.0
    return _SAME_CONSONANTS if any(first & second) else 0.0


def _by_sound(one: Word, other: Word) -> float:
    if one.skeletons[0] == other.skeletons[0]:
        common = {one.skeletons[0]}
    else:
        common = set(one.skeletons)
        common.intersection_update(other.skeletons)
    if not common:
        return 0.0
    if one.sounds[0] == other.sounds[0]:
        return _SAME_SOUND if min(len(one.text), len(other.text)) > 2 else 0.0
    apart = _vowels_apart(one, other)
    consonants = max(len(skeleton.removeprefix("a")) for skeleton in common)
    if consonants < 2 or min(len(one.text), len(other.text)) <= 3:
        return _SYLLABLES if apart == 0 and min(len(one.text), len(other.text)) > 2 else 0.0
    if one.unsure_vowels or other.unsure_vowels:
        return _SAME_CONSONANTS if apart < _MAX_VOWELS_UNSURE else 0.0
    short = consonants <= _FEW_CONSONANTS
    if apart > (
        _MAX_VOWELS_OF_TWO if consonants < _FEW_CONSONANTS else _MAX_VOWELS_SHORT if short else _MAX_VOWELS_LONG
    ):
        return 0.0
    return 0.97 - apart * (_VOWEL_COST_SHORT if short else _VOWEL_COST_LONG)


def _vowels_apart(one: Word, other: Word) -> float:
    """The least distance of vowels among the readings whose consonants agree."""
    least = 9.0
    for first, consonants in zip(one.sounds, one.skeletons, strict=True):
        for second, others in zip(other.sounds, other.skeletons, strict=True):
            if consonants == others:
                if first == second:
                    return 0.02
                least = min(least, vowel_distance(first, second) + 0.02)
    return least


@lru_cache(maxsize=16_384)
def bare_of_vowels(text: str) -> str:
    """The first letter, the last one and the consonants between."""
    return text[:1] + "".join(char for char in text[1:-1] if char not in VOWELS) + text[-1:] if len(text) > 1 else text


def _by_letters(one: str, other: str) -> float:
    shorter, longer = sorted((len(one), len(other)))
    if shorter >= 3 and shorter < longer and _lacks_vowels(one, other):
        return _WITHOUT_VOWELS if shorter > 3 else 0.88
    if abs(len(one) - len(other)) > 2 or shorter < _SHORT_LETTERS - 2:
        return 0.0
    if shorter >= _SHORT_LETTERS and scanned(one) == scanned(other):
        return _SCANNED
    if shorter < _SHORT_LETTERS:
        if OSA.distance(one, other, score_cutoff=1) > 1:
            return 0.0
        swapped = longer > _SHORT_LETTERS - 2 and sorted(one) == sorted(other)
        return _SWAPPED_SHORT if swapped else _SLIPPED_SHORT
    most = 1 if shorter < _LONG_LETTERS else 2
    slips = OSA.distance(one, other, score_cutoff=most)
    if slips > most:
        return 0.0
    if slips == 2:
        like = _TWO_SLIPS
    elif len(one) == len(other) and sorted(one) != sorted(other):
        like = _SUBSTITUTED.get(longer, _LONG_SLIP)
    else:
        like = _MISSED.get(shorter, _LONG_SLIP)
    return like - (_OTHER_FIRST_LETTER if one[0] != other[0] and sorted(one) != sorted(other) else 0)


def _lacks_vowels(one: str, other: str) -> bool:
    fewer, more = (one, other) if len(one) < len(other) else (other, one)
    if one[0] != other[0]:
        return False
    if _some_vowels_left_out(fewer, more):
        return True
    if len(fewer) - len(fewer.translate(WITHOUT_VOWELS)) > 2:
        return False
    return fewer == bare_of_vowels(more) or fewer == more.translate(WITHOUT_VOWELS)


def _some_vowels_left_out(fewer: str, more: str) -> bool:
    """Whether a word of several consonants lacks some vowels of the other, and nothing else."""
    consonants = fewer.translate(WITHOUT_VOWELS)
    if len(consonants) < _SURE_CONSONANTS or consonants != more.translate(WITHOUT_VOWELS):
        return False
    letters = iter(more)
    return all(letter in letters for letter in fewer)


def scanned(text: str) -> str:
    """The text as a poor scan may show it: rn as m, cl as d, and l, i and j as one."""
    return text.replace("rn", "m").replace("cl", "d").replace("vv", "w").replace("l", "i").replace("j", "i")


def keys(word: Word) -> Iterator[str]:
    """Keys under which to file a listed word; likely_keys and edge_keys give one of them for every word like it."""
    yield from likely_keys(word)
    if not word.without_vowels and len(word.text) >= _SHORT_LETTERS:
        yield from _edges(word.text, len(word.text))


def likely_keys(word: Word) -> Iterator[str]:
    """Keys that words share which sound alike, spell one name, or hold the same letters."""
    for form in word.forms:
        yield f"t{form}"
    for group in word.groups:
        yield f"g{group}"
    for skeleton in word.skeletons:
        yield f"c{skeleton.removeprefix('a')}"
    if word.syllables:
        yield f"e{word.syllables}"
    if not word.without_vowels and _SHORT_LETTERS > len(word.text) - 2 > 1:
        yield "~" + "".join(sorted(word.text))


def edge_keys(word: Word) -> Iterator[str]:
    """Keys under which words may be filed that differ from this one by a slip."""
    text = word.text
    if not word.without_vowels:
        for letters in range(max(_SHORT_LETTERS, len(text) - 2), len(text) + 3):
            if abs(letters - len(text)) <= (1 if min(letters, len(text)) < _LONG_LETTERS else 2):
                yield from _edges(text, letters)


def may_be_a_slip(one: str, other: str) -> bool:
    """A quick look whether two spellings are near enough to be compared."""
    return OSA.distance(one, other, score_cutoff=2) <= 2


def _edges(text: str, letters: int) -> Iterator[str]:
    yield f"^{text[:_END_LETTERS]}{letters}"
    yield f"${text[-_END_LETTERS:]}{letters}"
    yield f"|{text[:_EDGE_LETTERS]}{text[-_EDGE_LETTERS:]}{letters}"
