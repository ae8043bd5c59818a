"""Tier limits: looked at when a quote is asked, reserved when a transfer comes, released when it is aborted.

One conditional update a period, so that two transfers at once cannot both take the last of it. Days and months are
those of the scheme's time zone; the day stands in the transfer's row, so a release finds what was reserved.
"""

from datetime import date
from uuid import UUID

from merchant.db import Tx
from merchant.money import Money
from merchant.registry.screening import policy

_RESERVE = """
INSERT INTO limit_usage (merchant_id, period, currency, dfsp_id, taken_minor, payments) VALUES ($1, $2, $3, $4, $5, 1)
ON CONFLICT (merchant_id, period, currency) DO UPDATE
SET taken_minor = limit_usage.taken_minor + $5, payments = limit_usage.payments + 1
WHERE limit_usage.taken_minor + $5 <= $6 AND limit_usage.payments < $7
"""
_RELEASE = """
UPDATE limit_usage SET taken_minor = taken_minor - $4, payments = payments - 1
WHERE merchant_id = $1 AND period = ANY($2) AND currency = $3
"""
_TAKEN = """
SELECT period, taken_minor, payments FROM limit_usage WHERE merchant_id = $1 AND period = ANY($2) AND currency = $3
"""
_NO_COUNT_LIMIT = 2**31 - 1
_NO_AMOUNT_LIMIT = 2**62


def periods(day: date) -> tuple[str, str]:
    """The day and the month that a payment counts in."""
    return day.isoformat(), day.strftime("%Y-%m")


async def would_fit(tx: Tx, merchant_id: UUID, tier: str, amount: Money, day: date) -> bool:
    """Whether the amount fits the tier's limits as things stand; nothing is reserved."""
    limits = policy().limits(tier, amount.currency)
    if amount.minor > limits.per_payment_minor:
        return False
    day_period, month_period = periods(day)
    rows = await tx.fetch(_TAKEN, merchant_id, [day_period, month_period], amount.currency)
    taken = {row["period"]: row for row in rows}
    if day_period in taken and (
        taken[day_period]["taken_minor"] + amount.minor > limits.per_day_minor
        or taken[day_period]["payments"] >= limits.payments_per_day
    ):
        return False
    return month_period not in taken or taken[month_period]["taken_minor"] + amount.minor <= limits.per_month_minor


async def reserve(tx: Tx, merchant_id: UUID, dfsp_id: UUID, tier: str, amount: Money, day: date) -> bool:
    """Take the amount out of the day's and the month's room; False, with nothing taken, when it does not fit."""
    limits = policy().limits(tier, amount.currency)
    if amount.minor > limits.per_payment_minor:
        return False
    day_period, month_period = periods(day)
    if not await tx.execute(
        _RESERVE, merchant_id, day_period, amount.currency, dfsp_id, amount.minor, limits.per_day_minor,
        limits.payments_per_day,
    ):  # fmt: skip
        return False
    if await tx.execute(
        _RESERVE, merchant_id, month_period, amount.currency, dfsp_id, amount.minor, limits.per_month_minor,
        _NO_COUNT_LIMIT,
    ):  # fmt: skip
        return True
    await tx.execute(_RELEASE, merchant_id, [day_period], amount.currency, amount.minor)
    return False


async def take_anyway(tx: Tx, merchant_id: UUID, dfsp_id: UUID, amount: Money, day: date) -> None:
    """Count money that arrived although its room had been given back: the truth stands above the limit."""
    for period in periods(day):
        await tx.execute(
            _RESERVE, merchant_id, period, amount.currency, dfsp_id, amount.minor, _NO_AMOUNT_LIMIT, _NO_COUNT_LIMIT
        )


async def release(tx: Tx, merchant_id: UUID, amount: Money, day: date) -> None:
    """Give back what an aborted transfer had reserved."""
    await tx.execute(_RELEASE, merchant_id, list(periods(day)), amount.currency, amount.minor)
