"""What was taken day by day, and hour by hour beside what is usual on such a weekday.

What was given back counts on the day on which the customer had it, whenever it was paid.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from merchant.core import sql
from merchant.core.db import Reads
from merchant.exchange.reports.asked import Between, Scope, between, narrowed

WEEKS_COMPARED = 8
LEAST_DAYS_COMPARED = 2  # one other day says nothing of what is usual


class DayTaken(Struct, frozen=True):
    """The takings of a day in one currency."""

    date: date
    currency: str
    count: int
    amount_minor: int
    refunds: int
    refunded_minor: int


class HourTaken(Struct, frozen=True):
    """The takings of an hour in one currency; `usual_minor` is None where too few days can be compared."""

    hour: int
    currency: str
    count: int
    amount_minor: int
    usual_minor: int | None


_BY_DAY = """
WITH paid AS (
  SELECT (p.received_at AT TIME ZONE $3)::date AS date, p.currency, count(*) AS count,
    sum(p.amount_minor)::bigint AS amount_minor
  FROM payment_reportable p WHERE p.received_at >= $1 AND p.received_at < $2 AND {narrowed} GROUP BY 1, 2),
given_back AS (
  SELECT (p.refunded_at AT TIME ZONE $3)::date AS date, p.currency, count(*) AS refunds,
    sum(p.amount_minor)::bigint AS refunded_minor
  FROM refund p WHERE p.refunded_at >= $1 AND p.refunded_at < $2 AND {narrowed} GROUP BY 1, 2)
SELECT date, currency, coalesce(count, 0) AS count, coalesce(amount_minor, 0) AS amount_minor,
  coalesce(refunds, 0) AS refunds, coalesce(refunded_minor, 0) AS refunded_minor
FROM paid FULL JOIN given_back USING (date, currency) ORDER BY 1, 2
"""


async def takings_by_day(tx: Reads, scope: Scope, days: Between) -> list[DayTaken]:
    """A row for each day and currency that had payments or refunds, oldest first."""
    if scope.nobody:
        return []
    return sql.rows(DayTaken, await tx.fetch(*narrowed(_BY_DAY, scope, days.since, days.until, days.time_zone)))


class _HourOfDay(Struct, frozen=True):
    """What was taken in one hour of the nth of some days."""

    day: int
    hour: int
    currency: str
    count: int
    amount_minor: int


_BY_HOUR = """
SELECT d.day, extract(hour FROM p.received_at AT TIME ZONE $3)::int AS hour, p.currency, count(*) AS count,
  sum(p.amount_minor)::bigint AS amount_minor
FROM unnest($1::timestamptz[], $2::timestamptz[]) WITH ORDINALITY AS d (since, until, day)
JOIN payment_reportable p ON p.received_at >= d.since AND p.received_at < d.until
WHERE {narrowed} GROUP BY 1, 2, 3
"""


async def takings_by_hour(tx: Reads, scope: Scope, day: Between) -> list[HourTaken]:
    """A row for each of the 24 hours and each currency in which something was taken on the day, or on such days before.

    Usual is the average of the same weekday over the eight weeks before, of those days that had takings at all.
    """
    if scope.nobody:
        return []
    zone = ZoneInfo(day.time_zone)
    dates = [day.first - timedelta(weeks=weeks) for weeks in range(WEEKS_COMPARED + 1)]
    compared = [between(one, one, zone) for one in dates]
    since, until = [one.since for one in compared], [one.until for one in compared]
    rows = await tx.fetch(*narrowed(_BY_HOUR, scope, since, until, day.time_zone))
    return _hours(sql.rows(_HourOfDay, rows))


def _hours(taken: Iterable[_HourOfDay]) -> list[HourTaken]:
    today: dict[tuple[str, int], _HourOfDay] = {}
    before: dict[tuple[str, int], int] = defaultdict(int)
    days_with: dict[str, set[int]] = defaultdict(set)
    for one in taken:
        days = days_with[one.currency]
        if one.day == 1:
            today[one.currency, one.hour] = one
        else:
            days.add(one.day)
            before[one.currency, one.hour] += one.amount_minor
    found = []
    for hour in range(24):
        for currency in sorted(days_with):
            now, count = today.get((currency, hour)), len(days_with[currency])
            usual = round(before[currency, hour] / count) if count >= LEAST_DAYS_COMPARED else None
            counted = (now.count, now.amount_minor) if now else (0, 0)
            found.append(HourTaken(hour, currency, *counted, usual))
    return found
