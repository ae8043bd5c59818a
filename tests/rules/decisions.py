"""DECISIONS.md, the index of docs/decisions/: `python -m tests.rules.decisions` writes it, a test compares.

A decision is a file `docs/decisions/NNNN-some-words.md`: its number and sentence as the heading, then the fields of
`FORM`, dated by the day on which it was taken. The number never changes, since code and documents cite it.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.rules.source_rules import ROOT

FOLDER = ROOT / "docs" / "decisions"
PATH = ROOT / "DECISIONS.md"
FORM = ("Date", "Tags", "Context", "Decision", "Figures", "Consequences", "Alternatives")
OPTIONAL = "Figures"
_HEAD = """\
# Decisions

What was decided, why, what it costs, and what was left aside: one file each in `docs/decisions/`, the newest last.
Figures were measured on two cores with Python 3.11; CPU time per operation is what compares across machines. A decision
found wrong is changed by a measurement. The format is in `CONTRIBUTING.md`; `make states` writes this list anew.

| number | date | decision |
|---:|---|---|
"""
_HEADING = re.compile(r"\A# (\d+)\. (.+)\n\n- Date: (\d{4}-\d\d-\d\d)\n")


class Entry(NamedTuple):
    """One decision as the index shows it."""

    number: int
    date: str
    title: str
    name: str


@cache
def entries() -> tuple[Entry, ...]:
    """Every decision, by number.

    Raises:
        ValueError: a file has no number, sentence and date at its top, or its name begins with another number.
    """
    return tuple(_entry(path) for path in sorted(FOLDER.glob("*.md")))


def _entry(path: Path) -> Entry:
    found = _HEADING.match(path.read_text())
    if found is None or not path.name.startswith(f"{int(found[1]):04}-"):
        raise ValueError(f"{path.name} does not begin with `# N. Sentence` and `- Date: YYYY-MM-DD`, N as in its name")
    return Entry(int(found[1]), found[3], found[2], path.name)


def faults() -> Iterator[str]:
    """What is not as the form wants it."""
    for number, entry in enumerate(entries(), 1):
        if entry.number != number:
            yield f"{entry.name}: {number} is the next number"
        named = re.findall(r"^- (\w+): ", (FOLDER / entry.name).read_text(), re.MULTILINE)
        if named != [name for name in FORM if name in named] or {*named, OPTIONAL} != set(FORM):
            yield f"{entry.name}: has the fields {named}"


def document() -> str:
    """The whole index."""
    return _HEAD + "".join(
        f"| {entry.number} | {entry.date} | [{entry.title}](docs/decisions/{entry.name}) |\n" for entry in entries()
    )


if __name__ == "__main__":
    PATH.write_text(document())
