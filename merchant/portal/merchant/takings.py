"""What was taken: the merchant's pages show what the reports add up (exchange/reports), by counter or by day."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol

from msgspec import Struct

from merchant.core import money
from merchant.exchange.reports import routes as api
from merchant.exchange.reports.schemas import DailyTakings, TakingsOfDay
from merchant.portal.merchant.shop import shown
from merchant.portal.ui.screen import View


class _Row(Protocol):
    @property
    def currency(self) -> str: ...
    @property
    def amount(self) -> str: ...
    @property
    def count(self) -> int: ...
    @property
    def refunds(self) -> int: ...
    @property
    def refunded(self) -> str: ...


class Takings(Struct, frozen=True):
    """The sums of some rows of a report, by currency: what came in, and what customers got back meanwhile; and how many
    payments and refunds.
    """

    minor: dict[str, int]
    count: int
    refunded: dict[str, int]
    refunds: int

    @property
    def left(self) -> dict[str, int]:
        """What came in without what was given back, of the currencies in which anything was."""
        return {currency: self.minor.get(currency, 0) - minor for currency, minor in self.refunded.items()}


def summed(rows: Iterable[_Row]) -> Takings:
    """What rows come to."""
    minor: dict[str, int] = {}
    refunded: dict[str, int] = {}
    count = refunds = 0
    for row in rows:
        minor[row.currency] = minor.get(row.currency, 0) + money.parse_shown(row.amount, row.currency).minor
        if row.refunds:
            back = money.parse_shown(row.refunded, row.currency).minor
            refunded[row.currency] = refunded.get(row.currency, 0) + back
        count += row.count
        refunds += row.refunds
    return Takings(minor, count, refunded, refunds)


def given_back(taken: Takings, view: View) -> Sequence[tuple[str, str]]:
    """What was given back, and what is left after it, in the page's language; a pair a currency."""
    return [
        (shown(minor, currency, view), shown(taken.left[currency], currency, view))
        for currency, minor in taken.refunded.items()
    ]


async def of_day(view: View, day: date) -> Sequence[DailyTakings]:
    """What each counter took and gave back on a day, by the counters' names; a row a currency. Not those that did
    neither.
    """
    found: list[DailyTakings] = (await view.ask(api.list_daily_takings, query={"date": day.isoformat()})).view
    return [row for row in found if row.count or row.refunds]


async def by_day(view: View, first: date, last: date) -> Sequence[TakingsOfDay]:
    """What was taken on each of some days, the newest first; a row a currency."""
    span = {"from": first.isoformat(), "to": last.isoformat()}
    found: list[TakingsOfDay] = (await view.ask(api.list_takings, query=span)).view
    return found[::-1]
