"""What a report is about: which days, and whose rows the caller may see of those it asked for.

A statement is written with `{narrowed}` where its condition on the caller's rows goes; `narrowed` puts in no more
columns than are asked for, so that each way to ask has a plan of its own.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from merchant.core import clock, errors
from merchant.core.access import Actor
from merchant.core.http.exports import MAX_ROWS, TooManyRows
from merchant.core.http.route import Call, Filter
from merchant.core.texts import _

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
# Rows of a report on one page; a file of it may hold MAX_ROWS.
MAX_ROWS_SHOWN = 10_000

DATE = Filter("date", "The day, in the scheme's time zone; today unless given.", kind="date")
MERCHANT = Filter("merchant_id", "Only this merchant.", kind="uuid")
COUNTER = Filter("counter_id", "Only this counter.", kind="uuid")
DFSP = Filter("dfsp_id", "Only this DFSP; for staff of the hub, who see all.", kind="uuid")


class Between(Struct, frozen=True):
    """Days from `first` to `last`, both included, and the instants between which they lie."""

    first: date
    last: date
    since: datetime
    until: datetime
    time_zone: str

    @property
    def days(self) -> int:
        """How many days."""
        return (self.last - self.first).days + 1


def between(first: date, last: date, zone: ZoneInfo) -> Between:
    """Some days in a time zone; a day there may have 23 or 25 hours."""
    since, until = (datetime.combine(day, time.min, zone).astimezone(UTC) for day in (first, last + timedelta(days=1)))
    return Between(first, last, since, until, zone.key)


async def one_day(call: Call[Any], name: str = "date") -> Between:
    """The day that a filter names, else today. Raises InvalidFilter."""
    zone = await call.service.time_zone()
    day = _known(name, call.filter_date(name)) or clock.now().astimezone(zone).date()
    return between(day, day, zone)


async def some_days(call: Call[Any], most: int, usual: int) -> Between:
    """The days that `from` and `to` name: up to today, the last `usual` ones unless given. Raises InvalidFilter."""
    zone = await call.service.time_zone()
    last = _known("to", call.filter_date("to")) or clock.now().astimezone(zone).date()
    first = _known("from", call.filter_date("from")) or max(FIRST_DAY, last - timedelta(days=usual - 1))
    if first > last:
        raise errors.InvalidFilter(_("from must not be after to."))
    if (last - first).days >= most:
        raise errors.InvalidFilter(_("from and to may span {most} days at most.", most=most))
    return between(first, last, zone)


def _known(name: str, day: date | None) -> date | None:
    if day is not None and not FIRST_DAY <= day <= LAST_DAY:
        raise errors.InvalidFilter(
            _("{name} must be from {first} to {last}.", name=name, first=str(FIRST_DAY), last=str(LAST_DAY))
        )
    return day


def whole_number(call: Call[Any], name: str, *, least: int = 1, most: int, usual: int) -> int:
    """A filter that is a whole number. Raises InvalidFilter."""
    text = call.filters.get(name)
    if text is None:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most):
        raise errors.InvalidFilter(
            _("{name} must be a whole number from {least} to {most}.", name=name, least=least, most=most)
        )
    return int(text)


def number_filter(name: str, description: str, *, most: int, usual: int) -> Filter:
    """The declaration of what `whole_number` reads."""
    bounds = {"type": "integer", "minimum": 1, "maximum": most, "default": usual}
    return Filter(name, description, kind="integer", schema=bounds)


class Scope(Struct, frozen=True):
    """Whose rows: a value for each column that narrows them. `nobody`: what was asked for is not the caller's."""

    columns: Mapping[str, UUID]
    nobody: bool = False


def scope_of(
    actor: Actor, *, dfsp_id: UUID | None = None, merchant_id: UUID | None = None, counter_id: UUID | None = None
) -> Scope:
    """What the actor may see of what is asked for: its DFSP, its merchant, its counter; hub staff see all."""
    own = {"dfsp_id": actor.dfsp_id, "merchant_id": actor.merchant_id, "counter_id": actor.counter_id}
    asked = {"dfsp_id": dfsp_id, "merchant_id": merchant_id, "counter_id": counter_id}
    nobody = any(own[name] is not None and value not in (None, own[name]) for name, value in asked.items())
    columns = {name: value for name in own if (value := own[name] or asked[name]) is not None}
    return Scope(columns, nobody)


def scope_asked(call: Call[Any]) -> Scope:
    """The scope by the filters `dfsp_id`, `merchant_id` and `counter_id`, those of them that the route has."""
    return scope_of(
        call.actor,
        dfsp_id=call.filter_id("dfsp_id"),
        merchant_id=call.filter_id("merchant_id"),
        counter_id=call.filter_id("counter_id"),
    )


_OF_COUNTERS_MERCHANT = "{alias}.merchant_id = (SELECT merchant_id FROM counter WHERE id = {place})"
_OF_EACH_DFSP = "{alias}.dfsp_id = ANY(ARRAY(SELECT id FROM dfsp))"


def narrowed(statement: str, scope: Scope, *values: Any, alias: str = "p") -> tuple[Any, ...]:
    """A statement for a scope and its values: those that it names itself, and then those of the scope.

    `{narrowed}` becomes the conditions; table `alias` has the columns. Indexes begin with a DFSP or a merchant, so a
    counter alone is looked for among its merchant's rows, and everything among those of each DFSP.
    """
    places = {name: f"${place}" for place, name in enumerate(scope.columns, start=len(values) + 1)}
    parts = [f"{alias}.{name} = {place}" for name, place in places.items()]
    if "counter_id" in places and "merchant_id" not in places:
        parts.append(_OF_COUNTERS_MERCHANT.format(alias=alias, place=places["counter_id"]))
    elif not places:
        parts.append(_OF_EACH_DFSP.format(alias=alias))
    if scope.nobody:
        parts.append("false")
    text = statement.replace("{narrowed}", " AND ".join(parts))
    return (text, *values, *scope.columns.values())


def check_count(call: Call[Any], count: int) -> None:
    """Raise TooManyRows for more rows than one page, or one file, may hold."""
    most = MAX_ROWS_SHOWN if call.format is None else MAX_ROWS
    if count > most:
        raise TooManyRows(_("This report has more than {most} rows; narrow it by its filters.", most=most))


def read_at_most(call: Call[Any]) -> int:
    """How many rows a statement reads at most: one more than may be shown, by which `check_count` knows."""
    return (MAX_ROWS_SHOWN if call.format is None else MAX_ROWS) + 1
