"""The JSON route of a merchant's limits: what its tier allows, and how much of it is used."""

from uuid import UUID

from msgspec import Struct

from merchant.compliance.policies.in_force import policy_of
from merchant.core import clock, money
from merchant.core.access import Permission as P
from merchant.core.http.route import Call, route
from merchant.core.money import Money
from merchant.payments import limits
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
        used = None if call.actor.counter_id else await limits.used(call.tx, merchant.id, currency, day)
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


def _decimal(minor: int, currency: str) -> str:
    return money.format_decimal(Money(minor, currency))


ROUTES = [read_merchant_limits]
