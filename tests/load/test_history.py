"""Figures are compared with their budgets and with what is usual on this kind of machine; what is slower is refused."""

import re
from pathlib import Path

import pytest

from tests.load import history, table
from tests.load.bench import conclude
from tests.load.history import YARDSTICK, Run
from tests.load.table import Row, peer

TIME, RATE = Row("step", 1.2, "ms", 0.8), Row("encode", 90.0, "k/s", 110)


@pytest.mark.parametrize(
    ("row", "before", "verdict"),
    [
        (Row("a", 0.8, "ms", 0.8), None, "good"),
        (TIME, None, "1.50 times the budget"),
        (TIME, 1.1, "1.50 times the budget"),
        (TIME, 1.0, "1.50 times the budget, 20% worse than usual"),
        (Row("a", 110.0, "k/s", 110), 200.0, "good, 82% worse than usual"),
        (RATE, 80.0, "0.82 times the budget"),
        (Row("a", 5.0, "ms"), 4.0, "25% worse than usual"),
        (Row("a", 3.0, "ms"), 4.0, ""),
        (Row("a", None, "k/s", 4, note="not installed"), 4.0, "not installed"),
        (peer("theirs", 10.0, "/s", ours=40.0), 20.0, "ours is 4.0 times as fast"),
    ],
)
def test_a_row_says_how_it_compares(row: Row, before: float | None, verdict: str) -> None:
    assert row.verdict(before) == verdict


def test_the_table_shows_budget_and_usual_figure_and_sums_up(capsys: pytest.CaptureFixture[str]) -> None:
    table.show([TIME, RATE, Row("  new", 2.0, "ms")], {"step": 1.0, "encode": 91.0})
    lines = capsys.readouterr().out.splitlines()
    assert " ".join(lines[1].split()) == "step 1.20 ms ≤ 0.8 1.00 1.50 times the budget, 20% worse than usual"
    assert " ".join(lines[2].split()) == "encode 90.00 k/s ≥ 110 91.00 0.82 times the budget"
    assert " ".join(lines[3].split()) == "new 2.00 ms – –"
    assert lines[4].endswith(": step")


def runs_of(*figures: float, machine: str = "m", yardstick: float = 1000.0) -> list[Run]:
    return [Run("2026-11-30", "n", {"step": one, YARDSTICK: yardstick}, machine) for one in figures]


def now(figure: float, machine: str = "m", yardstick: float = 1000.0, unit: str = "ms") -> Run:
    return Run("2026-11-30", "n", {"step": figure, YARDSTICK: yardstick}, machine, {"step": unit})


def test_usual_is_the_median_of_the_last_runs_that_measured_it() -> None:
    runs = [*runs_of(100.0, 1.0, 5.0, 1.2, 1.1, 0.9), Run("2026-11-30", "n", {"other": 1.0}, "m")]
    assert history.usual_figures(runs, now(1.0)) == {"step": 1.1}
    assert history.usual_figures([], now(1.0)) == {}


def test_runs_on_other_machines_say_nothing() -> None:
    runs = [*runs_of(1.0), *runs_of(9.0, machine="other")]
    assert history.usual_figures(runs, now(1.0)) == {"step": 1.0}
    assert history.usual_figures(runs, now(1.0, machine="new")) == {}


@pytest.mark.parametrize(("yardstick", "counts"), [(1000.0, True), (1140.0, True), (1200.0, False), (800.0, False)])
def test_a_run_from_before_machines_were_recorded_counts_when_its_yardstick_is_alike(
    yardstick: float, counts: bool
) -> None:
    runs = runs_of(1.0, machine="", yardstick=yardstick)
    assert bool(history.usual_figures(runs, now(1.0))) == counts


@pytest.mark.parametrize(("unit", "usual"), [("ms", 2.0), ("k/s", 0.5), ("MB", 1.0), ("times", 1.0)])
def test_what_was_recorded_is_converted_to_the_speed_of_this_moment(unit: str, usual: float) -> None:
    """The machine is half as fast as it was: times double, rates halve, sizes and ratios stay."""
    assert history.usual_figures(runs_of(1.0), now(1.0, yardstick=500.0, unit=unit)) == {"step": usual}


YARD = Row(YARDSTICK, 1000.0, "/s")


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "history.jsonl"
    for figure in (0.9, 1.0, 1.1):
        history.record([YARD, Row("step", figure, "ms"), Row("  inner", 3.14159, "ms")], "before", path)
    return path


def test_a_run_keeps_its_machine_and_units_and_rounds_its_figures(recorded: Path) -> None:
    run = history.read(recorded)[0]
    assert (run.machine, run.units["step"]) == (history.this_machine(), "ms")
    assert run.figures == {YARDSTICK: 1000.0, "step": 0.9, "inner": 3.142}


def test_what_is_not_slower_is_recorded_when_asked_to(recorded: Path) -> None:
    assert conclude([YARD, Row("step", 1.09, "ms")], "", path=recorded) == 0
    assert len(history.read(recorded)) == 3
    assert conclude([YARD, Row("step", 1.09, "ms"), Row("absent", None, "ms")], "as good", path=recorded) == 0
    assert history.read(recorded)[-1].note == "as good"


def test_what_became_slower_by_more_than_a_tenth_ends_with_1_and_is_not_recorded(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert conclude([YARD, Row("step", 1.11, "ms")], "worse", path=recorded) == 1
    assert len(history.read(recorded)) == 3
    assert "more than a tenth worse than usual: step" in capsys.readouterr().out


def test_a_slower_run_is_recorded_with_the_reason_why_that_is_right(recorded: Path) -> None:
    assert conclude([YARD, Row("step", 2.0, "ms")], "signatures", "every message is now signed", recorded) == 0
    assert history.read(recorded)[-1].note == "signatures; slower, because every message is now signed"


def test_peers_and_work_that_is_new_refuse_nothing(recorded: Path) -> None:
    history.record([YARD, peer("theirs", 10.0, "/s", ours=40.0)], "peers", recorded)
    rows = [YARD, peer("theirs", 1.0, "/s", ours=40.0), Row("new", 9.0, "ms")]
    assert conclude(rows, "", path=recorded) == 0


def test_the_page_shows_the_last_runs_with_their_units(recorded: Path) -> None:
    runs = [Run("2026-11-29", "first", {"step": 7.5}), *history.read(recorded)]
    lines = history.page(runs).splitlines()
    assert "| 1 | 2026-11-29 | – | first |" in lines
    assert "| step | ms | 7.5 | 0.9 | 1 | 1.1 |" in lines
    assert "| inner | ms | – | 3.142 | 3.142 | 3.142 |" in lines
    many = [Run("2026-11-29", f"run {number}", {"step": 1.0}) for number in range(1, 10)]
    assert "| 9 | 2026-11-29 | – | run 9 |" in history.page(many) and "| 3 |" not in history.page(many)


def test_the_page_in_the_repository_is_that_of_the_history() -> None:
    assert history.page(history.read()) == history.PAGE.read_text(), "run: python -m tests.load.history"


def test_the_history_in_the_repository_reads_and_is_in_order() -> None:
    runs = history.read()
    assert runs
    days = [run.day for run in runs]
    assert days == sorted(days)
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", day) for day in days)
    assert all(run.note and run.figures for run in runs)
