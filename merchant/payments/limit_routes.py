"""The JSON route of a merchant's limits: what its tier allows, and how much of it is used."""

from datetime import date
from uuid import UUID

from msgspec import Struct

from merchant.compliance.policies.in_force import policy_of
from merchant.core import clock, money
from merchant.core.access import Permission as P
from merchant.core.db import Reads
from merchant.core.http.route import Call, route
from merchant.core.money import Money
from merchant.payments.limits import periods
from merchant.registry.merchants import queries


class CurrencyLimits(Struct, frozen=True):
    """Limits in one currency as decimal text, and what counts towards them: of all merchants of one owner together.

    What is used is not told to those who are bound to one counter.
    """

    currency: str
    per_payment: str
    per_day: str
    per_month: str
    payments_per_day: int
    taken_today: str | None
    taken_this_month: str | None
    payments_today: int | None


class MerchantLimits(Struct, frozen=True):
    """What a merchant may take on its tier; a currency without limits of its own is left out."""

    tier: str
    limits: list[CurrencyLimits]


@route("GET", "/api/v1/merchants/{merchant_id}/limits", permission=P.MERCHANTS_READ, answer=MerchantLimits)
async def read_merchant_limits(call: Call[None], merchant_id: UUID) -> MerchantLimits:
    """What a merchant may take in a payment, a day and a month, and how much of it is used today."""
    merchant = await queries.merchant(call.tx, call.actor, merchant_id)
    policy = await policy_of(call.service, merchant.dfsp_id)
    day = clock.now().astimezone(await call.service.time_zone()).date()
    found = []
    for currency in merchant.currencies:
        if not policy.has_limits(currency):
            continue
        most = policy.limits(merchant.tier, currency)
        used = None if call.actor.counter_id else await _used(call.tx, merchant.id, currency, day)
        found.append(
            CurrencyLimits(
                currency=currency,
                per_payment=_decimal(most.per_payment_minor, currency),
                per_day=_decimal(most.per_day_minor, currency),
                per_month=_decimal(most.per_month_minor, currency),
                payments_per_day=most.payments_per_day,
                taken_today=None if used is None else _decimal(used.today_minor, currency),
                taken_this_month=None if used is None else _decimal(used.month_minor, currency),
                payments_today=None if used is None else used.payments_today,
            )
        )
    return MerchantLimits(merchant.tier, found)


class _Used(Struct, frozen=True):
    """What counts towards the limits of a day and of its month: reserved and committed."""

    today_minor: int
    month_minor: int
    payments_today: int


_TAKEN = """
SELECT period, taken_minor, payments FROM limit_usage
WHERE merchant_id = (SELECT coalesce(limit_group, id) FROM merchant WHERE id = $1)
  AND period = ANY($2) AND currency = $3
"""


async def _used(tx: Reads, merchant_id: UUID, currency: str, day: date) -> _Used:
    """How much of the limits in a currency is used."""
    day_period, month_period = periods(day)
    taken = {row["period"]: row for row in await tx.fetch(_TAKEN, merchant_id, [day_period, month_period], currency)}
    of_day, of_month = taken.get(day_period), taken.get(month_period)
    return _Used(
        of_day["taken_minor"] if of_day else 0,
        of_month["taken_minor"] if of_month else 0,
        of_day["payments"] if of_day else 0,
    )


def _decimal(minor: int, currency: str) -> str:
    return money.format_decimal(Money(minor, currency))


ROUTES = [read_merchant_limits]
