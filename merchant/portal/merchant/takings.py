"""What was taken: the one place that adds payments up for the merchant's pages, from the list of payments."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from msgspec import Struct

from merchant.core import money
from merchant.payments import routes as api
from merchant.payments.schemas import PaymentView
from merchant.portal.merchant.shop import between, day_of
from merchant.portal.ui.screen import View

MAX_PAYMENTS = 2_000  # that one page adds up; a shop that takes more looks at its export


class Taken(Struct):
    """What a counter took on a day in one currency."""

    day: date
    counter_id: UUID
    currency: str
    minor: int = 0
    count: int = 0
    first_at: str = ""
    last_at: str = ""


class Takings(Struct, frozen=True):
    """What was taken in some days; not complete where there were more payments than are added up."""

    rows: Sequence[Taken]
    is_complete: bool

    def totals(self) -> dict[str, int]:
        """The sums by currency."""
        found: dict[str, int] = {}
        for row in self.rows:
            found[row.currency] = found.get(row.currency, 0) + row.minor
        return found

    @property
    def count(self) -> int:
        """How many payments."""
        return sum(row.count for row in self.rows)


async def takings(view: View, first: date, last: date) -> Takings:
    """What was taken from one day to another, by day, counter and currency; the newest day first."""
    query = between(view, first, last) | {"limit": "100"}
    found: list[PaymentView] = await view.all_of(api.list_payments, MAX_PAYMENTS + 1, query=query)
    rows: dict[tuple[date, UUID, str], Taken] = {}
    for one in found[:MAX_PAYMENTS]:
        key = (day_of(view, one.received_at), one.counter_id, one.amount.currency)
        row = rows.setdefault(key, Taken(*key, last_at=one.received_at))
        row.minor += money.parse_shown(one.amount.amount, one.amount.currency).minor
        row.count += 1
        row.first_at = one.received_at  # newest first
    return Takings(list(rows.values()), len(found) <= MAX_PAYMENTS)
