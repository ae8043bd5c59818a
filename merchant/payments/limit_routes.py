"""The JSON route of a merchant's limits: what its tier allows, how much of it is used, and what still fits."""

from uuid import UUID

from msgspec import Struct

from merchant.core import clock, money
from merchant.core.access import Permission as P
from merchant.core.http.route import Call, route
from merchant.core.money import Money
from merchant.payments.book import Limits, MerchantFacts
from merchant.payments.limits import headroom, limits_in, taken_of
from merchant.payments.operations import load_limits
from merchant.registry.merchants import queries


class TierLimit(Struct, frozen=True):
    """The one limit of a merchant, said in the first of its currencies, and what counts towards it: what it and the
    other merchants of its owner took in any currency.

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


class CurrencyRoom(Struct, frozen=True):
    """The same limit said in one currency, as decimal text, and the most that one payment in it may be now.

    What fits now is not told to those who are bound to one counter.
    """

    currency: str
    per_payment: str
    per_day: str
    per_month: str
    fits_now: str | None


class MerchantLimits(Struct, frozen=True):
    """What a merchant may take on its tier: one limit over all its currencies, and what of it is left in each.

    A currency for which the policy has no limits takes no payments and is left out.
    """

    tier: str
    limit: TierLimit | None
    currencies: list[CurrencyRoom]


@route("GET", "/api/v1/merchants/{merchant_id}/limits", permission=P.MERCHANTS_READ, answer=MerchantLimits)
async def read_merchant_limits(call: Call[None], merchant_id: UUID) -> MerchantLimits:
    """What a merchant may take in a payment, a day and a month, how much of it is used, and what still fits.

    Currencies share one limit: what is taken in one is missing in every other, and so is what its owner's other
    merchants take. What still fits is what a payment request of this moment is held to.
    """
    found = await queries.merchant(call.tx, call.actor, merchant_id)
    merchant = MerchantFacts(found.id, found.dfsp_id, found.state, found.tier, found.limit_group or found.id)
    book = await load_limits(call.tx, call.service, merchant, clock.now())
    policy, tells = book.policies[merchant.dfsp_id], call.actor.counter_id is None
    known = {one: limits for one in found.currencies if (limits := limits_in(policy, merchant.tier, one)) is not None}
    rooms = [
        CurrencyRoom(
            currency,
            *_amounts(limits, currency),
            money.format_decimal(headroom(book, merchant, currency)) if tells else None,
        )
        for currency, limits in known.items()
    ]
    if not rooms:
        return MerchantLimits(found.tier, None, [])
    currency, limits = next(iter(known.items()))
    taken = taken_of(book, merchant, currency) if tells else None
    limit = TierLimit(
        currency,
        *_amounts(limits, currency),
        limits.payments_per_day,
        None if taken is None else _decimal(taken.today_minor, currency),
        None if taken is None else _decimal(taken.month_minor, currency),
        None if taken is None else taken.payments_today,
    )
    return MerchantLimits(found.tier, limit, rooms)


def _amounts(limits: Limits, currency: str) -> tuple[str, str, str]:
    """What a payment, a day and a month may be."""
    return (
        _decimal(limits.per_payment_minor, currency),
        _decimal(limits.per_day_minor, currency),
        _decimal(limits.per_month_minor, currency),
    )


def _decimal(minor: int, currency: str) -> str:
    return money.format_decimal(Money(minor, currency))


ROUTES = [read_merchant_limits]
