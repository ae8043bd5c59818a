"""The figures of recorded runs of `make bench`, one JSON line each in history.jsonl: what became slower, and when.

Figures are CPU times, so they depend on the kind of machine: a run is held against the median of the last runs on the
same kind. The yardstick among them, a fixed loop of Python, tells how fast the machine was at that moment, and what was
recorded is converted by it. `python -m tests.load.history` writes docs/benchmarks.md: the runs side by side.
"""

import os
import platform
import statistics
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.load.meter import rate_per_s
from tests.load.table import Row

HISTORY = Path(__file__).with_name("history.jsonl")
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
LAST = 5  # runs whose median is what a new one must keep
SHOWN = 6  # on the page
YARDSTICK = "yardstick: a fixed loop of Python"
# Runs from before the machine was recorded are taken for the same kind when their yardstick says so.
_ALIKE = 0.15
_ABOUT = """# Benchmarks

What an operation costs, run by run, from `tests/load/history.jsonl`; written by `python -m tests.load.history`. CPU
time of the service and its database together, unless the unit says otherwise; of rates more is better.

`make bench` measures again. It ends with 1 when something became slower by more than a tenth than the median of the
last {last} runs on the same kind of machine, converted by the yardstick. `make bench RECORD="what it is of"` adds the
run; one that became slower is added only with `ACCEPT="why that is right"`.
"""


class Run(msgspec.Struct, frozen=True, omit_defaults=True):
    """One recorded run: its day, in one sentence what it is of, and its figures by the name of the work."""

    day: str
    note: str
    figures: dict[str, float]
    machine: str = ""
    units: dict[str, str] = {}


def yardstick() -> Row:
    """A fixed loop of Python: how fast this machine is at this moment."""
    return Row(YARDSTICK, rate_per_s(lambda: sum(n * n for n in range(10_000))), "/s")


def this_machine() -> str:
    """The kind of this machine, in one line."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    python = ".".join(platform.python_version_tuple()[:2])
    return f"{os.cpu_count()} x {model}, Python {python}"


def read(path: Path = HISTORY) -> list[Run]:
    """The recorded runs, oldest first."""
    return msgspec.json.Decoder(Run).decode_lines(path.read_bytes()) if path.exists() else []


def run_of(rows: Iterable[Row], note: str, machine: str) -> Run:
    """A run as it is recorded."""
    kept = {row.work.strip(): row for row in rows if row.figure is not None}
    figures = {work: float(f"{row.figure:.4g}") for work, row in kept.items()}
    return Run(datetime.now(UTC).date().isoformat(), note, figures, machine, {w: row.unit for w, row in kept.items()})


def record(rows: Iterable[Row], note: str, path: Path = HISTORY, machine: str = "") -> None:
    """Add a run."""
    with path.open("ab") as history:
        history.write(msgspec.json.encode(run_of(rows, note, machine or this_machine())) + b"\n")


def usual_figures(runs: Iterable[Run], now: Run) -> dict[str, float]:
    """Of each work the median of the last runs on the same kind of machine, as it would be at the speed of this one."""
    same = [run for run in runs if _is_same_kind(run, now)]
    usual = {}
    for work, unit in now.units.items():
        found = [_converted(run.figures[work], unit, run, now) for run in same if work in run.figures]
        if found:
            usual[work] = statistics.median(found[-LAST:])
    return usual


def _is_same_kind(run: Run, now: Run) -> bool:
    if run.machine:
        return run.machine == now.machine
    then, today = run.figures.get(YARDSTICK), now.figures.get(YARDSTICK)
    return bool(then and today) and abs(then / today - 1) <= _ALIKE  # type: ignore[operator]


def _converted(figure: float, unit: str, run: Run, now: Run) -> float:
    then, today = run.figures.get(YARDSTICK), now.figures.get(YARDSTICK)
    if not then or not today or unit in ("MB", "times"):
        return figure
    return figure * today / then if unit.endswith("/s") else figure * then / today


def page(runs: list[Run]) -> str:
    """The page of the last runs, oldest first."""
    shown = runs[-SHOWN:]
    units: Mapping[str, str] = {work: unit for run in runs for work, unit in run.units.items()}
    works = list(dict.fromkeys(work for run in reversed(shown) for work in run.figures))
    lines = [_ABOUT.format(last=LAST), "## Runs", "", "| run | day | machine | of |", "|---|---|---|---|"]
    first = len(runs) - len(shown) + 1
    lines += [f"| {n} | {run.day} | {run.machine or '–'} | {run.note} |" for n, run in enumerate(shown, first)]
    heads = [str(n) for n, _ in enumerate(shown, first)]
    lines += ["", "## Figures", "", f"| work | unit | {' | '.join(heads)} |", f"|---|---|{'--:|' * len(shown)}"]
    for work in works:
        figures = " | ".join(f"{run.figures[work]:g}" if work in run.figures else "–" for run in shown)
        lines.append(f"| {work} | {units.get(work, '–')} | {figures} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    PAGE.write_text(page(read()))
