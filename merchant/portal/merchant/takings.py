"""What was taken: the merchant's pages show what the reports add up (exchange/reports), by counter or by day."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol

from msgspec import Struct

from merchant.core import money
from merchant.exchange.reports import routes as api
from merchant.exchange.reports.schemas import DailyTakings, TakingsOfDay
from merchant.portal.ui.screen import View


class _Row(Protocol):
    @property
    def currency(self) -> str: ...
    @property
    def amount(self) -> str: ...
    @property
    def count(self) -> int: ...


class Takings(Struct, frozen=True):
    """The sums of some rows of a report: by currency, and how many payments."""

    minor: dict[str, int]
    count: int


def summed(rows: Iterable[_Row]) -> Takings:
    """What rows come to."""
    minor: dict[str, int] = {}
    count = 0
    for row in rows:
        minor[row.currency] = minor.get(row.currency, 0) + money.parse_shown(row.amount, row.currency).minor
        count += row.count
    return Takings(minor, count)


async def of_day(view: View, day: date) -> Sequence[DailyTakings]:
    """What each counter took on a day, by the counters' names; a row a currency. Not those that took nothing."""
    found: list[DailyTakings] = (await view.ask(api.list_daily_takings, query={"date": day.isoformat()})).view
    return [row for row in found if row.count]


async def by_day(view: View, first: date, last: date) -> Sequence[TakingsOfDay]:
    """What was taken on each of some days, the newest first; a row a currency."""
    span = {"from": first.isoformat(), "to": last.isoformat()}
    found: list[TakingsOfDay] = (await view.ask(api.list_takings, query=span)).view
    return found[::-1]
