"""Figures are compared with their budgets and with the last recorded run, in the direction that matters."""

import re
from pathlib import Path

import pytest

from tests.load import history, table
from tests.load.table import Row, peer

TIME, RATE = Row("step", 1.2, "ms", 0.8), Row("encode", 90.0, "k/s", 110)


@pytest.mark.parametrize(
    ("row", "before", "verdict"),
    [
        (Row("a", 0.8, "ms", 0.8), None, "good"),
        (TIME, None, "1.50 times the budget"),
        (TIME, 1.1, "1.50 times the budget"),
        (TIME, 1.0, "1.50 times the budget, 20% worse than before"),
        (Row("a", 110.0, "k/s", 110), 200.0, "good, 82% worse than before"),
        (RATE, 80.0, "0.82 times the budget"),
        (Row("a", 5.0, "ms"), 4.0, "25% worse than before"),
        (Row("a", 3.0, "ms"), 4.0, ""),
        (Row("a", None, "k/s", 4, note="not installed"), 4.0, "not installed"),
        (peer("theirs", 10.0, "/s", ours=40.0), 20.0, "ours is 4.0 times as fast"),
    ],
)
def test_a_row_says_how_it_compares(row: Row, before: float | None, verdict: str) -> None:
    assert row.verdict(before) == verdict


def test_the_table_shows_budget_and_figure_before_and_sums_up(capsys: pytest.CaptureFixture[str]) -> None:
    table.show([TIME, RATE, Row("  new", 2.0, "ms")], {"step": 1.0, "encode": 91.0})
    lines = capsys.readouterr().out.splitlines()
    assert " ".join(lines[1].split()) == "step 1.20 ms ≤ 0.8 1.00 1.50 times the budget, 20% worse than before"
    assert " ".join(lines[2].split()) == "encode 90.00 k/s ≥ 110 91.00 0.82 times the budget"
    assert " ".join(lines[3].split()) == "new 2.00 ms – –"
    assert lines[4].endswith(": step")


def test_a_recorded_run_is_the_one_before_of_the_next(tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    assert history.last_figures(history.read(path)) == {}
    history.record([TIME, RATE, Row("  inner", 3.14159, "ms"), Row("absent", None, "ms")], "first", path)
    history.record([Row("step", 1.0, "ms")], "second", path)
    assert [run.note for run in history.read(path)] == ["first", "second"]
    assert history.last_figures(history.read(path)) == {"step": 1.0, "encode": 90.0, "inner": 3.142}


def test_the_history_in_the_repository_reads_and_is_in_order() -> None:
    runs = history.read()
    assert runs
    days = [run.day for run in runs]
    assert days == sorted(days)
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\d", day) for day in days)
    assert all(run.note and run.figures for run in runs)
