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
_GB = 1e9
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


class Asked(NamedTuple):
    """What is asked for: the figures to reckon with, a peak, merchants, and payments of a usual day."""

    known: Mapping[str, Any]
    per_second: float
    merchants: int
    per_day: float

    def of(self, name: str) -> float:
        """One figure."""
        return float(self.known[name]["value"])

    @property
    def is_fast(self) -> bool:
        """Whether nobody measured so many payments a second."""
        return bool(self.per_second > self.known["measured_up_to"]["payments_per_second"])

    @property
    def are_many(self) -> bool:
        """Whether nobody measured so many merchants."""
        return bool(self.merchants > self.known["measured_up_to"]["merchants"])


def reckon(known: Mapping[str, Any], per_second: float, merchants: int, per_day: float | None = None) -> list[Need]:
    """What a scheme needs at a peak of payments a second, with so many merchants, and so many payments on a usual day.

    Without `per_day` the peak is taken for a multiple of the average.
    """
    if per_day is None:
        per_day = per_second * 86_400 / known["peak_to_average"]["value"]
    asked = Asked(known, per_second, merchants, per_day)
    return [*_cores(asked), *_disk(asked)]


def _cores(asked: Asked) -> list[Need]:
    """Cores, programs, and the memory of both."""
    of, fast = asked.of, asked.is_fast
    each_ms = cpu_ms(asked.known, asked.per_second)
    part, room = of("database_part_of_cpu"), of("busy_part_of_a_core")
    busy = asked.per_second * each_ms / 1000
    service, database = math.ceil(busy * (1 - part) / room), math.ceil(busy * part / room)
    programs = max(_LEAST_PROGRAMS, service)
    hot = asked.merchants * of("hot_bytes_per_merchant") + asked.per_day * of("bytes_per_payment_kept_for_good")
    memory = of("database_mb") / 1000 + hot / _GB
    how = f"{asked.per_second:g} × {each_ms:.1f} ms × {{part:.0%}}, busy for {room:.0%}"
    used = ("cpu_ms_per_payment", "database_part_of_cpu", "busy_part_of_a_core")
    holds = ("database_mb", "hot_bytes_per_merchant", "bytes_per_payment_kept_for_good")
    mb = of("program_mb")
    what = "its own, what is looked up of merchants, and a day's payments"
    return [
        Need("CPU of one payment", round(each_ms, 1), "ms", "at this rate", used[:1], fast),
        Need("cores for programs", service, "cores", how.format(part=1 - part), used, fast),
        Need("cores for the database", database, "cores", how.format(part=part), used, fast),
        Need("programs", programs, "", f"one for each core, at least {_LEAST_PROGRAMS}", (), fast),
        Need(
            "memory for programs",
            round(programs * mb / 1000, 1),
            "GB",
            f"{programs} × {mb:g} MB",
            ("program_mb",),
            fast,
        ),
        Need("memory for the database", round(memory, 1), "GB", what, holds, fast or asked.are_many),
    ]


def _disk(asked: Asked) -> list[Need]:
    """Disk, what is written to the log, and the work of bringing everybody in."""
    of, fast, many = asked.of, asked.is_fast, asked.are_many

    def need(what: str, size: float, how: str, *used: str, beyond: bool) -> Need:
        return Need(what, round(size / _GB, 1), "GB", how, used, beyond)

    days = {number: f"bytes_per_payment_kept_{number}_days" for number in (2, 7, 90)}
    passing = sum(asked.per_day * number * of(name) for number, name in days.items())
    merchant, payment, log = (
        of(name) for name in ("bytes_per_merchant", "bytes_per_payment_kept_for_good", "log_bytes_per_payment")
    )
    each = of("cpu_ms_per_imported_merchant")
    hours = round(asked.merchants * each / 3_600_000, 2)
    return [
        need(
            "disk for merchants",
            asked.merchants * merchant,
            f"{asked.merchants:,} × {merchant / 1000:.1f} kB, without documents",
            "bytes_per_merchant",
            beyond=many,
        ),
        need(
            "disk for payments, a year",
            asked.per_day * payment * _DAYS_A_YEAR,
            f"{asked.per_day:,.0f} a day × {payment / 1000:.1f} kB × {_DAYS_A_YEAR}",
            *("bytes_per_payment_kept_for_good", "peak_to_average"),
            beyond=fast,
        ),
        need(
            "disk for what passes",
            passing,
            "messages, events and keys of 2, 7 and 90 days",
            *days.values(),
            beyond=fast,
        ),
        need(
            "write-ahead log, a day",
            asked.per_day * log,
            f"{asked.per_day:,.0f} × {log / 1000:.0f} kB, kept by backups to a moment",
            "log_bytes_per_payment",
            beyond=fast,
        ),
        Need("first import of all merchants", hours, "hours", "of one core", ("cpu_ms_per_imported_merchant",), many),
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
