"""`merchant capacity`: what is reckoned, from which figures, and where it says that it does not know."""

import datetime
from typing import Any

import pytest
from click.testing import CliRunner

from merchant.cli import capacity
from merchant.cli.main import cli
from tests.load import history
from tests.rules.source_rules import ROOT

KNOWN = capacity.figures()


def amounts(per_second: float, merchants: int, per_day: float | None = None) -> dict[str, float]:
    """What is needed by its name."""
    return {need.what: need.amount for need in capacity.reckon(KNOWN, per_second, merchants, per_day)}


def run(*arguments: str) -> tuple[int, str]:
    """Exit status and what was said, with no settings at all."""
    ended = CliRunner().invoke(cli, ["capacity", *arguments])
    return ended.exit_code, ended.output


@pytest.mark.parametrize(
    ("per_second", "ms"),
    [(0.01, 25.7), (10, 25.7), (15, 23.55), (30, 17.4), (45, 16.0), (100, 11.3), (101, 11.3), (100_000, 11.3)],
)
def test_a_payment_costs_what_was_measured_and_between_two_rates_what_lies_between(
    per_second: float, ms: float
) -> None:
    assert capacity.cpu_ms(KNOWN, per_second) == pytest.approx(ms)


def test_a_worked_example_is_what_a_calculator_says() -> None:
    needs = amounts(60, 1_000_000, per_day=1_000_000)
    # 60 × 15 ms = 0.9 cores; 66 % of that over 0.6 is 0.99, 34 % over 0.6 is 0.51: one core each.
    assert (needs["cores for programs"], needs["cores for the database"]) == (1, 1)
    assert needs["disk for merchants"] == pytest.approx(20.7)
    assert needs["disk for payments, a year"] == pytest.approx(2486.0)  # 365 M × 6,811 bytes
    assert needs["disk for what passes"] == pytest.approx(188.0)  # 90 × 1,603 + 7 × 5,855 + 2 × 1,357 MB
    assert needs["write-ahead log, a day"] == pytest.approx(43.6)
    assert needs["first import of all merchants"] == pytest.approx(0.85)


def test_there_are_never_fewer_programs_than_one_to_serve_and_one_to_work() -> None:
    assert amounts(0.01, 1)["programs"] == 2


@pytest.mark.parametrize("what", ["cores for programs", "cores for the database", "disk for payments, a year"])
def test_more_payments_never_need_less(what: str) -> None:
    needed = [amounts(rate, 1_000)[what] for rate in (0.1, 1, 10, 20, 30, 60, 80, 100, 200, 800, 10_000)]
    assert needed == sorted(needed)


def test_payments_of_a_day_that_are_known_count_over_the_assumed_ones() -> None:
    assert (
        amounts(50, 1_000, per_day=1_000)["disk for payments, a year"] < amounts(50, 1_000)["disk for payments, a year"]
    )


@pytest.mark.parametrize(
    ("per_second", "merchants", "words"),
    [
        (100, 1_000_000, []),
        (100.1, 1_000_000, ["More than 100 payments a second"]),
        (100, 1_000_001, ["More than 1,000,000 merchants"]),
        (100, 9_000_001, ["Eight digits", "More than 1,000,000 merchants"]),
        (800, 100_000_000, ["Eight digits", "More than 100 payments a second", "More than 1,000,000 merchants"]),
    ],
)
def test_what_was_never_measured_is_said(per_second: float, merchants: int, words: list[str]) -> None:
    said = capacity.warnings(KNOWN, per_second, merchants)
    assert len(said) == len(words)
    assert all(sentence.startswith(begin) for sentence, begin in zip(said, words, strict=True))


def test_a_star_marks_what_is_beyond_the_measured_and_nothing_else() -> None:
    assert not any(need.beyond for need in capacity.reckon(KNOWN, 100, 1_000_000))
    beyond = {need.what for need in capacity.reckon(KNOWN, 101, 1_000_000) if need.beyond}
    assert {"CPU of one payment", "cores for the database"} <= beyond
    assert "disk for merchants" not in beyond


@pytest.mark.parametrize("name", [name for name in KNOWN if name != "measured_up_to"])
def test_every_figure_has_its_day_and_source_or_says_that_it_is_assumed(name: str) -> None:
    figure: dict[str, Any] = KNOWN[name]
    assert ("assumed" in figure) != ("source" in figure)
    if "source" in figure:
        assert isinstance(figure["day"], datetime.date)


def test_every_figure_is_used_and_every_one_used_is_there() -> None:
    used = {name for need in capacity.reckon(KNOWN, 50, 1_000) for name in need.figures}
    assert used <= KNOWN.keys()
    assert KNOWN.keys() - used == {"most_merchants", "measured_up_to"}


def test_the_cost_of_an_imported_merchant_is_that_of_the_benchmarks() -> None:
    recorded = [
        run.figures.get("import a merchant: submitted, screened, judged") for run in history.read(history.HISTORY)
    ]
    assert KNOWN["cpu_ms_per_imported_merchant"]["value"] in recorded


def test_the_figures_name_files_that_exist() -> None:
    for figure in KNOWN.values():
        for word in str(figure.get("source", "")).replace(":", " ").replace(",", " ").split():
            if "/" in word:
                assert (ROOT / word).is_file(), word


def test_the_command_needs_no_settings_and_prints_each_figure_with_its_source() -> None:
    status, said = run("--payments-per-second", "50", "--merchants", "1000000")
    assert status == 0
    assert "cores for the database" in said
    assert "DECISIONS 130" in said
    assert "assumed: " in said
    assert "*" not in said


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--payments-per-second", "50"),
        ("--merchants", "5"),
        ("--payments-per-second", "0", "--merchants", "5"),
        ("--payments-per-second", "-1", "--merchants", "5"),
        ("--payments-per-second", "nan", "--merchants", "5"),
        ("--payments-per-second", "50", "--merchants", "0"),
        ("--payments-per-second", "50", "--merchants", "many"),
        ("--payments-per-second", "50", "--merchants", "5", "--payments-per-day", "0"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_reckoned_with_is_wrong_usage(arguments: tuple[str, ...]) -> None:
    status, _ = run(*arguments)
    assert status == 2
