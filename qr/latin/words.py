"""Everyday words of shops' names, one TOML file a language: as written, and as the shops of its countries print it.

Spelling rules miss what is not written (vowels, voice, where a word ends) and what custom has settled (Phnom Penh),
so a known word goes before every rule. Scripts without spaces are cut at the longest known word.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files


@cache
def words(*languages: str) -> dict[str, str]:
    """The known words of languages, those of a later one before those of an earlier one."""
    found: dict[str, str] = {}
    for language in languages:
        file = files("qr.latin").joinpath(f"words/{language}.toml")
        if file.is_file():
            found |= tomllib.loads(file.read_text(encoding="utf-8"))
    return found


def cut(text: str, known: dict[str, str], may_end: Callable[[str, int], bool]) -> Iterator[tuple[str, str | None]]:
    """`text` cut at known words, each with its Latin form, and None for what lies between.

    `may_end(text, place)` says whether a word may end, and another begin, before `place`.
    """
    longest = max(map(len, known), default=0)
    start = place = 0
    while place < len(text):
        ends = range(min(len(text), place + longest), place, -1)
        end = (
            next((end for end in ends if text[place:end] in known and may_end(text, end)), None)
            if may_end(text, place)
            else None
        )
        if end is None:
            place += 1
            continue
        if start < place:
            yield text[start:place], None
        yield text[place:end], known[text[place:end]]
        start = place = end
    if start < len(text):
        yield text[start:], None


def spell_by_words(
    run: str,
    known: dict[str, str],
    may_end: Callable[[str, int], bool],
    by_rule: Callable[[str], tuple[str, bool]],
) -> tuple[str, bool]:
    """A run without spaces: known words in their Latin form, the rest by rule; and whether all of it is sure."""
    parts, sure = [], True
    for text, form in cut(run, known, may_end):
        if form is None:
            form, understood = by_rule(text)
            sure = sure and understood
        parts.append(form)
    return " ".join(part for part in parts if part), sure


def title(word: str) -> str:
    """The word with a capital first letter and the rest as it is."""
    return word[:1].upper() + word[1:]


def entries(text: str) -> list[str]:
    """The entries of a table written in one line; `-` stands for an empty one."""
    return ["" if entry == "-" else entry for entry in text.split()]
