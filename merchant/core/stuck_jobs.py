"""Jobs that need a person: dead ones, and those that fail and hold back their lane. Read, retried, discarded, skipped.

core/dead_jobs.py decides who may; outbox.py says what a job is.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from merchant.core import clock
from merchant.core.db import Reads, Tx
from merchant.core.outbox import CHANNEL, HEADS, LEASE, LONGEST_ORDERED, now_sql
from merchant.core.paging import Page, both_ways


class DeadJob(msgspec.Struct, frozen=True):
    """A job that failed too often, without its payload, which may hold personal data."""

    id: int
    topic: str
    dfsp_id: UUID | None
    attempts: int
    last_error: str | None
    created_at: datetime
    dead_at: datetime


class BlockedLane(msgspec.Struct, frozen=True):
    """A job that failed and holds back what has the same order key. `kind` is the key's first word, never an id."""

    job_id: int
    kind: str
    topic: str
    dfsp_id: UUID | None
    attempts: int
    next_try_at: datetime
    last_error: str
    waiting: int


_DEAD = both_ways("""
SELECT id, topic, dfsp_id, attempts, last_error, created_at, dead_at FROM outbox
WHERE dead_at IS NOT NULL AND id {beyond} $1 AND ($2::text IS NULL OR topic = $2) ORDER BY id {way} LIMIT $3
""")
_RETRY_DEAD = f"""
UPDATE outbox SET dead_at = NULL, attempts = 0, run_at = {now_sql()} + CASE WHEN EXISTS (
    SELECT FROM outbox AS busy WHERE busy.order_key = outbox.order_key AND busy.dead_at IS NULL AND busy.attempts > 0
      AND busy.run_at > {now_sql()} AND busy.run_at <= {now_sql()} + $5::interval)
  THEN $6::interval ELSE interval '0' END
WHERE dead_at IS NOT NULL AND id IN (
  SELECT id FROM outbox
  WHERE dead_at IS NOT NULL AND ($2::bigint IS NULL OR id = $2) AND ($3::text IS NULL OR topic = $3)
  ORDER BY id LIMIT $4 FOR UPDATE)
RETURNING pg_notify('outbox', '')
"""  # noqa: S608 - constants
_DISCARD = "DELETE FROM outbox WHERE id = $1 AND dead_at IS NOT NULL RETURNING topic"
_BLOCKED = both_ways(f"""
{HEADS}
SELECT id AS job_id, split_part(order_key, ':', 1) AS kind, topic, dfsp_id, attempts, run_at AS next_try_at, last_error,
  (SELECT count(*) FROM outbox AS behind WHERE behind.order_key = job.order_key AND behind.dead_at IS NULL) - 1
    AS waiting
FROM outbox AS job WHERE id IN (SELECT id FROM heads) AND last_error IS NOT NULL AND id {{beyond}} $1
ORDER BY id {{way}} LIMIT $2
""")  # noqa: S608 - constants
_COUNT_BLOCKED = f"""
{HEADS}
SELECT split_part(order_key, ':', 1) AS kind, count(*) AS lanes FROM outbox
WHERE id IN (SELECT id FROM heads) AND last_error IS NOT NULL GROUP BY 1
"""  # noqa: S608 - constants
# A part of a background job has its topic as order key: it is given up by itself, and the job with it.
_SKIP = f"""
DELETE FROM outbox
WHERE id = $1 AND dead_at IS NULL AND order_key <> topic AND last_error IS NOT NULL
RETURNING topic, pg_notify('{CHANNEL}', '')
"""  # noqa: S608 - constants


async def dead(tx: Reads, page: Page, topic: str | None = None) -> list[DeadJob]:
    """Dead jobs of one topic or of all, newest first unless asked otherwise; one more than the page's limit.

    The page's cursor is a job's id as a UUID of that number.
    """
    return [
        DeadJob(**row) for row in await tx.fetch(_DEAD[page.is_oldest_first], page.before_number, topic, page.limit + 1)
    ]


async def retry_dead(tx: Tx, job_id: int) -> bool:
    """Try a dead job again, with all its attempts; False when no dead job has this id."""
    return bool(await tx.execute(_RETRY_DEAD, clock.moved(), job_id, None, 1, LEASE, LONGEST_ORDERED))


async def retry_many_dead(tx: Tx, topic: str | None, limit: int) -> int:
    """Try dead jobs again, of one topic or of all, oldest first; how many there were, at most `limit`."""
    return await tx.execute(_RETRY_DEAD, clock.moved(), None, topic, limit, LEASE, LONGEST_ORDERED)


async def discard(tx: Tx, job_id: int) -> str | None:
    """Delete a dead job, payload and all; its topic, or None when no dead job has this id."""
    topic: str | None = await tx.fetchval(_DISCARD, job_id)
    return topic


async def blocked_lanes(tx: Reads, page: Page) -> list[BlockedLane]:
    """Lanes whose first job has failed and is tried again later, the newest such job first; one more than the limit."""
    return [
        BlockedLane(**row) for row in await tx.fetch(_BLOCKED[page.is_oldest_first], page.before_number, page.limit + 1)
    ]


async def count_blocked_lanes(tx: Reads) -> dict[str, int]:
    """How many lanes of each kind cannot go on."""
    return {row["kind"]: row["lanes"] for row in await tx.fetch(_COUNT_BLOCKED)}


async def skip(tx: Tx, job_id: int) -> str | None:
    """Delete a job that failed and holds back its lane, payload and all; its topic, or None when it does not."""
    row = await tx.fetchrow(_SKIP, job_id)
    return None if row is None else str(row["topic"])
