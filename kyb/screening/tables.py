"""The tables that come with the library, read from data/: spellings of names, titles, legal forms, words of trade.

Each file says how it is written. The words in them are in lower-case Latin letters, as letters.py writes them.
"""

from collections import defaultdict
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_EASTERN = "E"

Phrases = dict[str, tuple[tuple[str, ...], ...]]


class NameTable(NamedTuple):
    """Which words are spellings of one name (by the number of its line), and how much the name tells."""

    groups: dict[str, tuple[int, ...]]
    weights: dict[int, float]
    eastern: frozenset[int]  # Chinese and Korean names


@cache
def name_table() -> NameTable:
    """Personal names and their spellings."""
    groups: defaultdict[str, list[int]] = defaultdict(list)
    weights: dict[int, float] = {}
    eastern: set[int] = set()
    for number, line in enumerate(_lines("names.txt")):
        hundredths, *spellings = line.split()
        if hundredths.startswith(_EASTERN):
            eastern.add(number)
        weights[number] = int(hundredths.removeprefix(_EASTERN)) / 100
        for spelling in spellings:
            groups[spelling].append(number)
    return NameTable({spelling: tuple(numbers) for spelling, numbers in groups.items()}, weights, frozenset(eastern))


@cache
def titles() -> Phrases:
    """Titles and honorifics of persons."""
    return _phrases("titles.txt")


@cache
def legal_forms() -> Phrases:
    """Legal forms of companies."""
    return _phrases("legal_forms.txt")


@cache
def trade_words() -> dict[str, int]:
    """Everyday words of company names; words with one number mean the same."""
    return {word: number for number, line in enumerate(_lines("trade_words.txt")) for word in reversed(line.split())}


@cache
def alias_phrases() -> tuple[str, ...]:
    """Words between a name and another of the same person or firm."""
    return tuple(_lines("alias_words.txt"))


def without_phrases(words: list[str], phrases: Phrases) -> list[int]:
    """Positions of the words that belong to none of the phrases; the longest phrase wins."""
    if phrases.keys().isdisjoint(words):
        return list(range(len(words)))
    kept, at = [], 0
    while at < len(words):
        length = next(
            (len(rest) for rest in phrases.get(words[at], ()) if tuple(words[at : at + len(rest)]) == rest), 0
        )
        if not length:
            kept.append(at)
        at += length or 1
    return kept


def _phrases(name: str) -> Phrases:
    """Phrases by their first word, the longest first; a single line may hold many words that stand alone."""
    found: defaultdict[str, set[tuple[str, ...]]] = defaultdict(set)
    for line in _lines(name):
        alone, _, phrase = line.partition(": ")
        for several in [tuple(phrase.split())] if alone == "phrase" else [(word,) for word in line.split()]:
            found[several[0]].add(several)
    return {first: tuple(sorted(several, key=len, reverse=True)) for first, several in found.items()}


def _lines(name: str) -> list[str]:
    text = files("kyb.screening").joinpath("data", name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]
