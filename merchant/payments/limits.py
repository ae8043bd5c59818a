"""Tier limits: checked when a quote is asked for, reserved by a transfer, given back when the transfer is aborted.

Days and months are those of the scheme's time zone; the day stands in the transfer's row, so that what is given back is
what was reserved. What the merchants of one owner take is counted together, and so is what is taken in several
currencies: each currency's limit is the same limit, so of each its used share counts.
"""

from datetime import date
from fractions import Fraction
from functools import lru_cache
from math import ceil
from typing import Literal

from msgspec import Struct

from merchant.core.money import Money
from merchant.payments.book import Book, Limits, MerchantFacts, Policy, UsageKey, Used

Bound = Literal["payment", "day", "month", "day_count"]


@lru_cache(maxsize=64)
def periods(day: date) -> tuple[str, str]:
    """The day and the month that a payment counts in."""
    return day.isoformat(), day.strftime("%Y-%m")


def usage_keys(merchant: MerchantFacts, day: date, currency: str) -> list[UsageKey]:
    """Where a payment of a day counts."""
    return [(merchant.group_id, period, currency) for period in periods(day)]


class Room(Struct, frozen=True):
    """The most that one payment may be now, 0 when nothing fits, and which limit says so."""

    most: Money
    bound_by: Bound


def headroom(book: Book, merchant: MerchantFacts, currency: str) -> Money:
    """The most that one payment to a merchant may be now: 0 when nothing fits. Raises kyb.UnknownCurrency."""
    return room(book, merchant, currency).most


def room(book: Book, merchant: MerchantFacts, currency: str) -> Room:
    """As `headroom`, with the limit that is met first; of two at once the longer one. Raises kyb.UnknownCurrency."""
    limits, taken = book.policies[merchant.dfsp_id].limits(merchant.tier, currency), taken_of(book, merchant, currency)
    if taken.payments_today >= limits.payments_per_day:
        return Room(Money(0, currency), "day_count")
    left: dict[Bound, int] = {
        "month": max(0, limits.per_month_minor - taken.month_minor),
        "day": max(0, limits.per_day_minor - taken.today_minor),
        "payment": limits.per_payment_minor,
    }
    bound = min(left, key=left.__getitem__)
    return Room(Money(left[bound], currency), bound)


class Taken(Struct, frozen=True):
    """What counts towards a merchant's limits, reserved or committed, said in one currency."""

    today_minor: int
    month_minor: int
    payments_today: int


def taken_of(book: Book, merchant: MerchantFacts, currency: str) -> Taken:
    """What all currencies have taken of a merchant's limits, said in one of them. Raises kyb.UnknownCurrency."""
    policy, tier = book.policies[merchant.dfsp_id], merchant.tier
    day, month = (book.used[merchant.group_id, period] for period in periods(book.rules.day))
    return Taken(
        _said_in(policy, tier, currency, day, "per_day_minor"),
        _said_in(policy, tier, currency, month, "per_month_minor"),
        sum(used.payments for used in day.values()),
    )


def left_of_limits(book: Book, merchant: MerchantFacts, currency: str) -> tuple[Money, Money]:
    """What is left of a merchant's limits of this day and of this month, whatever one payment may be.

    Raises kyb.UnknownCurrency.
    """
    limits, taken = book.policies[merchant.dfsp_id].limits(merchant.tier, currency), taken_of(book, merchant, currency)
    of_month = max(0, limits.per_month_minor - taken.month_minor)
    of_day = max(0, min(of_month, limits.per_day_minor - taken.today_minor))
    if taken.payments_today >= limits.payments_per_day:
        of_day = 0
    return Money(of_day, currency), Money(of_month, currency)


def _said_in(policy: Policy, tier: str, currency: str, used: dict[str, Used], limit: str) -> int:
    """What is taken of a limit, said in a currency: what it took itself, and the share that others took of theirs."""
    most: int = getattr(policy.limits(tier, currency), limit)
    shares = Fraction(0)
    for other, taken in used.items():
        of_other = limits_in(policy, tier, other) if other != currency and taken.minor else None
        if of_other is not None:
            shares += Fraction(taken.minor, max(1, getattr(of_other, limit)))
    return used.get(currency, Used()).minor + ceil(most * shares)


def limits_in(policy: Policy, tier: str, currency: str) -> Limits | None:
    """A tier's limits in a currency; None where the policy has none, as it may for one that was taken earlier."""
    try:
        return policy.limits(tier, currency)
    except LookupError:
        return None
