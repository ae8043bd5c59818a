"""`merchant capacity`: how many machines a scheme needs, reckoned from measured figures. No database is opened.

The figures, each with its day and source, stand in capacity.toml beside this file; docs/how-to/capacity.md explains the
formula.
"""

import math
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import click

FIGURES = Path(__file__).with_suffix(".toml")
_MB, _GB = 1e6, 1e9
_LEAST_PROGRAMS = 2  # one serves, one works off the outbox; or two of both, so that one may fail
_DAYS_A_YEAR = 365


class Need(NamedTuple):
    """One thing that is needed: how much, of what unit, how it was reckoned, and from which figures."""

    what: str
    amount: float
    unit: str
    how: str
    figures: Sequence[str] = ()
    beyond: bool = False  # whether a figure was used beyond what was measured


@cache
def figures() -> Mapping[str, Any]:
    """The measured and assumed figures by name."""
    return tomllib.loads(FIGURES.read_text())


def cpu_ms(known: Mapping[str, Any], per_second: float) -> float:
    """CPU of one payment at a rate: on a line between the rates that were measured, at the ends what they say."""
    points = sorted((float(rate), float(ms)) for rate, ms in known["cpu_ms_per_payment"]["values"].items())
    if per_second <= points[0][0]:
        return points[0][1]
    for (low, at_low), (high, at_high) in pairwise(points):
        if per_second <= high:
            return at_low + (at_high - at_low) * (per_second - low) / (high - low)
    return points[-1][1]


def reckon(known: Mapping[str, Any], per_second: float, merchants: int, per_day: float | None = None) -> list[Need]:
    """What a scheme needs at a peak of payments a second, with so many merchants, and so many payments on a usual day.

    Without `per_day` the peak is taken for a multiple of the average.
    """

    def of(name: str) -> float:
        return float(known[name]["value"])

    if per_day is None:
        per_day = per_second * 86_400 / of("peak_to_average")
    fast = per_second > known["measured_up_to"]["payments_per_second"]
    many = merchants > known["measured_up_to"]["merchants"]
    each_ms = cpu_ms(known, per_second)
    busy = per_second * each_ms / 1000
    part, room = of("database_part_of_cpu"), of("busy_part_of_a_core")
    service, database = math.ceil(busy * (1 - part) / room), math.ceil(busy * part / room)
    programs = max(_LEAST_PROGRAMS, service)
    hot = (merchants * of("hot_bytes_per_merchant") + per_day * of("bytes_per_payment_kept_for_good")) / _MB
    passing = sum(
        per_day * days * of(f"bytes_per_payment_kept_{days}_days") for days in (2, 7, 90)
    )  # what is deleted again after so many days
    cpu_figures = ("cpu_ms_per_payment", "database_part_of_cpu", "busy_part_of_a_core")
    kept = per_day * _DAYS_A_YEAR * of("bytes_per_payment_kept_for_good")
    return [
        Need("CPU of one payment", round(each_ms, 1), "ms", "at this rate", ("cpu_ms_per_payment",), fast),
        Need(
            "cores for programs",
            service,
            "cores",
            f"{per_second:g} × {each_ms:.1f} ms × {1 - part:.0%}, busy for {room:.0%}",
            cpu_figures,
            fast,
        ),
        Need(
            "cores for the database",
            database,
            "cores",
            f"{per_second:g} × {each_ms:.1f} ms × {part:.0%}, busy for {room:.0%}",
            cpu_figures,
            fast,
        ),
        Need("programs", programs, "", f"one for each core, at least {_LEAST_PROGRAMS}", (), fast),
        Need(
            "memory for programs",
            round(programs * of("program_mb") / 1000, 1),
            "GB",
            f"{programs} × {of('program_mb'):g} MB",
            ("program_mb",),
        ),
        Need(
            "memory for the database",
            round((of("database_mb") + hot) / 1000, 1),
            "GB",
            "its own, what is looked up of merchants, and a day's payments",
            ("database_mb", "hot_bytes_per_merchant", "bytes_per_payment_kept_for_good"),
            fast or many,
        ),
        Need(
            "disk for merchants",
            round(merchants * of("bytes_per_merchant") / _GB, 1),
            "GB",
            f"{merchants:,} × {of('bytes_per_merchant') / 1000:.1f} kB, without documents",
            ("bytes_per_merchant",),
            many,
        ),
        Need(
            "disk for payments, a year",
            round(kept / _GB, 1),
            "GB",
            f"{per_day:,.0f} a day × {of('bytes_per_payment_kept_for_good') / 1000:.1f} kB × {_DAYS_A_YEAR}",
            ("bytes_per_payment_kept_for_good", "peak_to_average"),
            fast,
        ),
        Need(
            "disk for what passes",
            round(passing / _GB, 1),
            "GB",
            "messages, events and keys of 2, 7 and 90 days",
            tuple(f"bytes_per_payment_kept_{days}_days" for days in (2, 7, 90)),
            fast,
        ),
        Need(
            "write-ahead log, a day",
            round(per_day * of("log_bytes_per_payment") / _GB, 1),
            "GB",
            f"{per_day:,.0f} × {of('log_bytes_per_payment') / 1000:.0f} kB, kept by backups to a moment",
            ("log_bytes_per_payment",),
            fast,
        ),
        Need(
            "first import of all merchants",
            round(merchants * of("cpu_ms_per_imported_merchant") / 3_600_000, 2),
            "hours",
            "of one core",
            ("cpu_ms_per_imported_merchant",),
            many,
        ),
    ]


def warnings(known: Mapping[str, Any], per_second: float, merchants: int) -> list[str]:
    """What no figure tells, in sentences."""
    said = []
    most = int(known["most_merchants"]["value"])
    if merchants > most:
        said.append(f"Eight digits make {most:,} merchant numbers; {merchants:,} merchants need longer ones.")
    upto = known["measured_up_to"]
    if per_second > upto["payments_per_second"]:
        said.append(
            f"More than {upto['payments_per_second']} payments a second were not measured: one may cost more then."
            " Put your own installation under load before you rely on it."
        )
    if merchants > upto["merchants"]:
        said.append(f"More than {upto['merchants']:,} merchants were not measured: sizes are taken to grow evenly.")
    return said


@click.command()
@click.option("--payments-per-second", "per_second", type=click.FloatRange(min=0.01, max=100_000), required=True)
@click.option("--merchants", type=click.IntRange(min=1, max=10_000_000_000), required=True)
@click.option(
    "--payments-per-day",
    "per_day",
    type=click.FloatRange(min=1),
    help="Payments on a usual day; without it the peak is taken for four times the average.",
)
def capacity(per_second: float, merchants: int, per_day: float | None) -> None:
    """Reckon cores, memory and disk a year at a peak of payments a second; a * marks what was never measured."""
    if not math.isfinite(per_second + (per_day or 0)):
        raise click.UsageError("Give numbers.")
    known = figures()
    needs = reckon(known, per_second, merchants, per_day)
    for need in needs:
        unit = need.unit.removesuffix("s") if need.amount == 1 else need.unit
        amount = f"{need.amount:,.10g} {unit}".strip() + ("*" if need.beyond else "")
        click.echo(f"{need.what:<32} {amount:>14}   {need.how}")
    click.echo("\nfrom")
    for name in dict.fromkeys(name for need in needs for name in need.figures):
        figure = known[name]
        value = figure.get("value", figure.get("values"))
        shown = (
            ", ".join(f"{ms:g} at {rate}" for rate, ms in value.items()) if isinstance(value, dict) else f"{value:g}"
        )
        origin = f"{figure['source']} ({figure['day']})" if "source" in figure else f"assumed: {figure['assumed']}"
        click.echo(f"  {name} {shown}: {origin}")
    for sentence in warnings(known, per_second, merchants):
        click.echo(f"\n* {sentence}")
