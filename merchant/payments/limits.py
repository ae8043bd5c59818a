"""Tier limits: checked when a quote is asked for, reserved by a transfer, released when the transfer is aborted.

One conditional update a period, so that two transfers at once cannot both take the last of it. Days and months are
those of the scheme's time zone; the day stands in the transfer's row, so a release finds what was reserved. What the
merchants of one owner take is counted together, in the row of their group.
"""

from datetime import date
from uuid import UUID

from msgspec import Struct

from merchant.compliance.policies.in_force import policy_of
from merchant.core.db import Reads, Tx
from merchant.core.money import Money
from merchant.core.service import Service

# Always the day before the month, so that two transfers at once never wait for each other.
_RESERVE = """
INSERT INTO limit_usage (merchant_id, period, currency, dfsp_id, taken_minor, payments)
SELECT coalesce(m.limit_group, m.id), period, $2, $3, $4, 1
FROM merchant m, unnest($5::text[], $6::bigint[]) WITH ORDINALITY AS headroom (period, most_minor, n)
WHERE m.id = $1
ORDER BY n
ON CONFLICT (merchant_id, period, currency) DO UPDATE
SET taken_minor = limit_usage.taken_minor + $4, payments = limit_usage.payments + 1
WHERE limit_usage.taken_minor + $4 <= ($6::bigint[])[array_position($5::text[], limit_usage.period::text)]
  AND limit_usage.payments < ($7::int[])[array_position($5::text[], limit_usage.period::text)]
RETURNING period
"""
_RELEASE = """
UPDATE limit_usage SET taken_minor = taken_minor - $4, payments = payments - 1
WHERE merchant_id = (SELECT coalesce(limit_group, id) FROM merchant WHERE id = $1)
  AND period = ANY($2) AND currency = $3
"""
_TAKEN = """
SELECT period, taken_minor, payments FROM limit_usage
WHERE merchant_id = (SELECT coalesce(limit_group, id) FROM merchant WHERE id = $1)
  AND period = ANY($2) AND currency = $3
"""
_NO_COUNT_LIMIT = 2**31 - 1
_NO_AMOUNT_LIMIT = 2**62


def periods(day: date) -> tuple[str, str]:
    """The day and the month that a payment counts in."""
    return day.isoformat(), day.strftime("%Y-%m")


async def would_fit(
    tx: Tx, service: Service, merchant_id: UUID, dfsp_id: UUID, tier: str, amount: Money, day: date
) -> bool:
    """Whether the amount fits the tier's limits as things stand; nothing is reserved."""
    limits = (await policy_of(service, dfsp_id)).limits(tier, amount.currency)
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


class Used(Struct, frozen=True):
    """What counts towards the limits of a day and of its month: reserved and committed."""

    today_minor: int
    month_minor: int
    payments_today: int


async def used(tx: Reads, merchant_id: UUID, currency: str, day: date) -> Used:
    """How much of the limits in a currency is used."""
    day_period, month_period = periods(day)
    rows = await tx.fetch(_TAKEN, merchant_id, [day_period, month_period], currency)
    taken = {row["period"]: row for row in rows}
    of_day, of_month = taken.get(day_period), taken.get(month_period)
    return Used(
        of_day["taken_minor"] if of_day else 0,
        of_month["taken_minor"] if of_month else 0,
        of_day["payments"] if of_day else 0,
    )


async def reserve(
    tx: Tx, service: Service, merchant_id: UUID, dfsp_id: UUID, tier: str, amount: Money, day: date
) -> bool:
    """Take the amount out of the day's and the month's headroom; False, with nothing taken, when it does not fit."""
    limits = (await policy_of(service, dfsp_id)).limits(tier, amount.currency)
    if amount.minor > limits.per_payment_minor:
        return False
    most = [limits.per_day_minor, limits.per_month_minor]
    counts = [limits.payments_per_day, _NO_COUNT_LIMIT]
    taken = await _take(tx, merchant_id, dfsp_id, amount, day, most, counts)
    if len(taken) == len(most):
        return True
    if taken:
        await tx.execute(_RELEASE, merchant_id, taken, amount.currency, amount.minor)
    return False


async def take_anyway(tx: Tx, merchant_id: UUID, dfsp_id: UUID, amount: Money, day: date) -> None:
    """Count money that arrived although its headroom had been released: over the limit if need be."""
    await _take(tx, merchant_id, dfsp_id, amount, day, [_NO_AMOUNT_LIMIT] * 2, [_NO_COUNT_LIMIT] * 2)


async def _take(
    tx: Tx, merchant_id: UUID, dfsp_id: UUID, amount: Money, day: date, most: list[int], counts: list[int]
) -> list[str]:
    """Take the amount where there is headroom for it; the periods where there was."""
    rows = await tx.fetch(
        _RESERVE, merchant_id, amount.currency, dfsp_id, amount.minor, list(periods(day)), most, counts
    )
    return [row["period"] for row in rows]


async def release(tx: Tx, merchant_id: UUID, amount: Money, day: date) -> None:
    """Release what an aborted transfer had reserved."""
    for period in periods(day):  # the day before the month, as when they are taken
        await tx.execute(_RELEASE, merchant_id, [period], amount.currency, amount.minor)
