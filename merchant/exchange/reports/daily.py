"""What each counter took and gave back on a day, and what became of the requests that were made on it."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from merchant.core import sql
from merchant.core.db import Reads
from merchant.exchange.reports.asked import Between, Scope, narrowed
from merchant.payments.states import CLOSED, RequestState

UNSUCCESSFUL = sql.literals(sorted(CLOSED - {RequestState.PAID}))
# Those in doubt among them: nobody knows yet how they end.
NOT_ENDED = sql.literals(state for state in RequestState if state not in CLOSED)


class CounterDay(Struct, frozen=True):
    """A counter's takings of a day in one currency."""

    merchant_id: UUID
    merchant_name: str
    counter_id: UUID
    counter_name: str
    alias: str
    currency: str
    count: int
    amount_minor: int
    refunds: int
    refunded_minor: int
    first_at: datetime | None
    last_at: datetime | None
    open_requests: int
    unsuccessful: int


# The views (migration 0025) wall tenants off as row-level security does, once a statement and not once a row.
# Row-level security lets the planner expect next to no rows and join names by reading all of them: a materialized list
# and OFFSET 0 have it look up each by its key. A merchant that went to another DFSP leaves its money without a name.
_DAILY = f"""
WITH paid AS (
  SELECT p.merchant_id, p.counter_id, p.currency, count(*) AS count, sum(p.amount_minor)::bigint AS amount_minor,
    min(p.received_at) AS first_at, max(p.received_at) AS last_at
  FROM payment_reportable p WHERE p.received_at >= $1 AND p.received_at < $2 AND {{narrowed}} GROUP BY 1, 2, 3),
asked AS (
  SELECT p.merchant_id, p.counter_id, p.currency, count(*) FILTER (WHERE p.state IN {NOT_ENDED}) AS open_requests,
    count(*) FILTER (WHERE p.state IN {UNSUCCESSFUL}) AS unsuccessful
  FROM payment_request_reportable p
  WHERE p.created_at >= $1 AND p.created_at < $2 AND p.state <> '{RequestState.PAID}' AND {{narrowed}}
  GROUP BY 1, 2, 3),
given_back AS (
  SELECT p.merchant_id, p.counter_id, p.currency, count(*) AS refunds, sum(p.amount_minor)::bigint AS refunded_minor
  FROM refund p WHERE p.refunded_at >= $1 AND p.refunded_at < $2 AND {{narrowed}} GROUP BY 1, 2, 3),
found AS MATERIALIZED (
  SELECT * FROM paid FULL JOIN asked USING (merchant_id, counter_id, currency)
  FULL JOIN given_back USING (merchant_id, counter_id, currency))
SELECT f.merchant_id, coalesce(m.trading_name, '') AS merchant_name, f.counter_id, coalesce(c.name, '') AS counter_name,
  coalesce(c.alias, '') AS alias, f.currency, coalesce(count, 0) AS count, coalesce(amount_minor, 0) AS amount_minor,
  coalesce(refunds, 0) AS refunds, coalesce(refunded_minor, 0) AS refunded_minor,
  first_at, last_at, coalesce(open_requests, 0) AS open_requests, coalesce(unsuccessful, 0) AS unsuccessful
FROM found f
LEFT JOIN LATERAL (SELECT name, alias FROM counter WHERE id = f.counter_id OFFSET 0) AS c ON true
LEFT JOIN LATERAL (SELECT trading_name FROM merchant WHERE id = f.merchant_id OFFSET 0) AS m ON true
ORDER BY merchant_name, f.merchant_id, counter_name, f.counter_id, f.currency LIMIT $3
"""  # noqa: S608 - constants


async def daily_takings(tx: Reads, scope: Scope, day: Between, limit: int) -> list[CounterDay]:
    """A row for each counter and currency that had payments, refunds, or requests that were not paid, by names."""
    if scope.nobody:
        return []
    return sql.rows(CounterDay, await tx.fetch(*narrowed(_DAILY, scope, day.since, day.until, limit)))
