"""The figures of recorded runs of `make bench`, one JSON line each in history.jsonl: what became slower, and when.

Figures are CPU times, so they depend on the kind of machine: record runs that are to be compared on the same kind. The
yardstick among them, a fixed loop of Python, tells machines apart.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.load.table import Row

HISTORY = Path(__file__).with_name("history.jsonl")


class Run(msgspec.Struct, frozen=True):
    """One recorded run: its day, in one sentence what it is of, and its figures by the name of the work."""

    day: str
    note: str
    figures: dict[str, float]


def read(path: Path = HISTORY) -> list[Run]:
    """The recorded runs, oldest first."""
    return msgspec.json.Decoder(Run).decode_lines(path.read_bytes()) if path.exists() else []


def record(rows: Iterable[Row], note: str, path: Path = HISTORY) -> None:
    """Add a run."""
    figures = {row.work.strip(): float(f"{row.figure:.4g}") for row in rows if row.figure is not None}
    run = Run(datetime.now(UTC).date().isoformat(), note, figures)
    with path.open("ab") as history:
        history.write(msgspec.json.encode(run) + b"\n")


def last_figures(runs: Iterable[Run]) -> dict[str, float]:
    """Of each work the figure recorded last, though later runs may not have measured it."""
    figures: dict[str, float] = {}
    for run in runs:
        figures |= run.figures
    return figures
