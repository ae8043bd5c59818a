"""How payments run, for who watches over the hub: minute by minute, by DFSP and hour, and step by step.

Requests are counted by when they were made: of those asked in a minute, so many are paid by now, and so many came to
nothing. Read as the service, which sees every DFSP, one statement at a time.
"""

from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec import Struct

from merchant.core import clock, outbox, sql
from merchant.core.db import Reads
from merchant.exchange.reports.asked import Between, Scope, between, narrowed
from merchant.exchange.reports.daily import UNSUCCESSFUL
from merchant.payments.states import RequestCapability, RequestState, states_that_permit

_PAID = RequestState.PAID
_OPEN = states_that_permit(RequestCapability.EXPIRE)
_ACCEPTED = sql.literals([RequestState.ACCEPTED, _PAID])
# Who said no was asked as well.
_REACHED = sql.literals([RequestState.AWAITING_PAYER, RequestState.REJECTED, RequestState.ACCEPTED, _PAID])


class MinuteCounted(Struct, frozen=True):
    """The requests that were made in one minute."""

    minute: datetime
    asked: int
    paid: int
    unsuccessful: int


class DfspCounted(Struct, frozen=True):
    """The requests of one DFSP; the median is of the seconds from asking to payment."""

    dfsp_id: UUID
    name: str
    enabled: bool
    asked: int
    paid: int
    unsuccessful: int
    median_s: float | None


class Standing(Struct, frozen=True):
    """What waits at this moment."""

    in_doubt: int
    open: int
    failing_webhooks: int


class Waiting(Struct, frozen=True):
    """The outbox: jobs that wait, for how long the oldest is due, and how many were given up."""

    depth: int
    oldest_s: float
    dead: int


class Operations(Struct, frozen=True):
    """How payments run."""

    since: datetime
    until: datetime
    series: list[MinuteCounted]
    median_s: float | None
    p95_s: float | None
    standing: Standing
    waiting: Waiting
    dfsps: list[DfspCounted]


_COUNTS = f"""
count(*) AS asked, count(*) FILTER (WHERE p.state = '{_PAID}') AS paid,
count(*) FILTER (WHERE p.state IN {UNSUCCESSFUL}) AS unsuccessful
"""
_SECONDS = "extract(epoch FROM p.paid_at - p.created_at)"
_MADE = """
FROM payment_request p WHERE p.created_at >= $1 AND p.created_at < $2 AND {narrowed}
"""
_SERIES = f"SELECT date_trunc('minute', p.created_at) AS minute, {_COUNTS} {_MADE} GROUP BY 1"
_TIMES = f"""
SELECT (percentile_cont(0.5) WITHIN GROUP (ORDER BY {_SECONDS}))::float8 AS median_s,
  (percentile_cont(0.95) WITHIN GROUP (ORDER BY {_SECONDS}))::float8 AS p95_s
{_MADE} AND p.state = '{_PAID}'
"""
_DFSPS = f"""
WITH counted AS (
  SELECT p.dfsp_id, {_COUNTS}, (percentile_cont(0.5) WITHIN GROUP (ORDER BY {_SECONDS})
    FILTER (WHERE p.state = '{_PAID}'))::float8 AS median_s
  {_MADE} GROUP BY 1)
SELECT d.id AS dfsp_id, d.name, d.enabled, coalesce(asked, 0) AS asked, coalesce(paid, 0) AS paid,
  coalesce(unsuccessful, 0) AS unsuccessful, median_s
FROM dfsp d LEFT JOIN counted c ON c.dfsp_id = d.id ORDER BY d.name, d.id
"""  # noqa: S608 - constants
# An endpoint fails that was paused for it, or whose first message waits for another try.
_STANDING = f"""
SELECT (SELECT count(*) FROM payment_request WHERE state = '{RequestState.IN_DOUBT}') AS in_doubt,
  (SELECT count(*) FROM open_reference o JOIN payment_request p ON p.id = o.request_id
       /*distributed: AND p.dfsp_id = o.dfsp_id*/ WHERE p.state IN {_OPEN})
    AS open,
  (SELECT count(*) FROM webhook_endpoint w WHERE w.enabled AND (w.paused_at IS NOT NULL OR EXISTS (
     SELECT FROM outbox j WHERE j.order_key = 'webhook:' || w.id AND j.dead_at IS NULL AND j.last_error IS NOT NULL)))
    AS failing_webhooks
"""  # noqa: S608 - constants


def _span(now: datetime, minutes: int) -> tuple[datetime, datetime]:
    this_minute = now.replace(second=0, microsecond=0)
    return this_minute - timedelta(minutes=minutes - 1), this_minute + timedelta(minutes=1)


async def minute_by_minute(tx: Reads, minutes: int, now: datetime | None = None) -> list[MinuteCounted]:
    """The last so many minutes up to the one that runs, each with what was asked in it."""
    since, until = _span(now or clock.now(), minutes)
    rows = sql.rows(MinuteCounted, await tx.fetch(*narrowed(_SERIES, Scope({}), since, until)))
    by_minute = {row.minute: row for row in rows}
    series = [since + timedelta(minutes=count) for count in range(minutes)]
    return [by_minute.get(minute, MinuteCounted(minute, 0, 0, 0)) for minute in series]


async def operations(tx: Reads, minutes: int) -> Operations:
    """The last so many whole minutes and the one that runs, and what waits now."""
    now = clock.now()
    since, until = _span(now, minutes)
    everybody = Scope({})
    series = await minute_by_minute(tx, minutes, now)
    times = await tx.fetchrow(*narrowed(_TIMES, everybody, since, until))
    standing = await tx.fetchrow(_STANDING)
    assert times is not None and standing is not None
    depths = await outbox.depths(tx)
    return Operations(
        since=since,
        until=now,
        series=series,
        median_s=times["median_s"],
        p95_s=times["p95_s"],
        standing=sql.row(Standing, standing),
        waiting=Waiting(
            depth=sum(one.live for one in depths),
            oldest_s=max((one.oldest_due_s for one in depths), default=0.0),
            dead=sum(one.dead for one in depths),
        ),
        dfsps=sql.rows(DfspCounted, await tx.fetch(*narrowed(_DFSPS, everybody, since, until))),
    )


class HourCounted(Struct, frozen=True):
    """The requests of one DFSP that were made in one hour of a day."""

    dfsp_id: UUID
    name: str
    date: date
    hour: int
    asked: int
    paid: int
    p95_s: float | None


_HEAT = f"""
SELECT p.dfsp_id, (SELECT name FROM dfsp WHERE id = p.dfsp_id) AS name, $3::date AS date,
  extract(hour FROM p.created_at AT TIME ZONE $4)::int AS hour, count(*) AS asked,
  count(*) FILTER (WHERE p.state = '{_PAID}') AS paid,
  (percentile_cont(0.95) WITHIN GROUP (ORDER BY {_SECONDS}) FILTER (WHERE p.state = '{_PAID}'))::float8 AS p95_s
{_MADE} GROUP BY p.dfsp_id, hour ORDER BY name, p.dfsp_id, hour
"""  # noqa: S608 - constants


async def heat(tx: Reads, last: date, days: int, zone: ZoneInfo) -> list[HourCounted]:
    """A row for each DFSP, day and hour with requests, the oldest day first; each day is read by itself."""
    found = []
    for back in reversed(range(days)):
        day = last - timedelta(days=back)
        one = between(day, day, zone)
        asked = narrowed(_HEAT, Scope({}), one.since, one.until, day, zone.key)
        found += sql.rows(HourCounted, await tx.fetch(*asked))
    return found


class Funnel(Struct, frozen=True):
    """How many of the customers who were asked got how far."""

    asked: int = 0
    reached: int = 0
    accepted: int = 0
    paid: int = 0


_FUNNEL = f"""
SELECT count(*) AS asked, count(*) FILTER (WHERE reached) AS reached, count(*) FILTER (WHERE accepted) AS accepted,
  count(*) FILTER (WHERE paid) AS paid
FROM (SELECT bool_or(e.state IN {_REACHED}) AS reached, bool_or(e.state IN {_ACCEPTED}) AS accepted,
        bool_or(e.state = '{_PAID}') AS paid
      FROM payment_request p LEFT JOIN payment_event e ON e.request_id = p.id
        /*distributed: AND e.dfsp_id = p.dfsp_id*/
      WHERE p.created_at >= $1 AND p.created_at < $2 AND p.payer_type IS NOT NULL AND {{narrowed}} GROUP BY p.id
     ) AS each
"""  # noqa: S608 - constants


async def funnel(tx: Reads, scope: Scope, days: Between) -> Funnel:
    """What came of the requests that named a customer, by their histories; each day is read by itself."""
    zone, counted = ZoneInfo(days.time_zone), Funnel()
    for count in range(days.days):
        day = days.first + timedelta(days=count)
        one = between(day, day, zone)
        row = await tx.fetchrow(*narrowed(_FUNNEL, scope, one.since, one.until))
        assert row is not None
        counted = Funnel(*(getattr(counted, name) + row[name] for name in Funnel.__struct_fields__))
    return counted
