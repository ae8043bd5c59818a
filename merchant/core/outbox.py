"""Work to be done after a commit: rows written in the transaction that made the work necessary.

The worker leases rows in batches by SKIP LOCKED; a lease is the row's `run_at` moved ahead again and again while the
work lasts, so a worker that dies gives its rows back by doing nothing. The database's clock decides what is due and how
long a lease holds. Failures come back later with growing pauses; what failed MAX_ATTEMPTS times is dead: kept until
someone retries or discards it (core/dead_jobs.py). Rows of one `order_key` run one after another.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from merchant.core import clock, columns, sql, trace
from merchant.core.db import Reads, Tx
from merchant.core.paging import Page, both_ways

CHANNEL = "outbox"  # NOTIFY channel that wakes the worker
# How soon after a worker's death its jobs are taken up by another; running workers renew their leases.
LEASE = timedelta(seconds=10)
RENEW_EVERY_S = 3.0
MAX_ATTEMPTS = 20  # with the pauses below nine hours, a night in which nobody mends an endpoint
_FIRST_RETRY_S = 2.0
_LONGEST_RETRY_S = 3600.0
# No job that has an order takes longer: a webhook is given up after 15 s, background jobs work in slices of seconds. A
# dead job that is retried goes before its lane, and waits for the one of the lane that may be at work.
_LONGEST_ORDERED = timedelta(seconds=30)


class OutboxJob(SQLModel, table=True):
    """One piece of work."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_ready", "run_at", postgresql_where=text("order_key IS NULL AND dead_at IS NULL")),
        Index(
            "outbox_order",
            "order_key",
            "id",
            postgresql_where=text("order_key IS NOT NULL AND dead_at IS NULL"),
        ),
        Index("outbox_dead", "id", postgresql_where=text("dead_at IS NOT NULL")),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    topic: str
    order_key: str | None = None
    dfsp_id: UUID | None = None
    payload: bytes = columns.sealed(nullable=False)
    attempts: int = 0
    run_at: datetime = columns.instant()
    last_error: str | None = None
    traceparent: str | None = None  # W3C trace context of what caused it
    dead_at: datetime | None = columns.instant(nullable=True)
    created_at: datetime = columns.instant()


class Job(msgspec.Struct, frozen=True):
    """A leased row."""

    id: int
    topic: str
    payload: bytes
    attempts: int
    dfsp_id: UUID | None = None
    in_order: bool = False
    traceparent: str | None = None


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


class Depth(msgspec.Struct, frozen=True):
    """How much of one topic lies in the outbox: live jobs, dead ones, and for how long the oldest due one waits."""

    topic: str
    live: int
    dead: int
    oldest_due_s: float


def job_cte(
    source: str = "",
    *,
    topic: str,
    payload: str,
    moved: str,
    traceparent: str,
    order_key: str = "NULL",
    dfsp_id: str = "NULL",
    delay: str = "interval '0'",
    name: str = "job",
) -> str:
    """SQL of `job AS (INSERT INTO outbox ...)`, for a WITH, so that a job is written by the statement that causes it.

    `source` is what follows the select list (`FROM delivery`, `WHERE $1`): one job for each of its rows; one job where
    it is empty. The others are SQL expressions over it: constants and `$n` of the caller, never values; that of
    `traceparent` is handed `trace.traceparent()`, that of `moved` `clock.moved()`. It is due now, by the database's
    clock, or after `delay`, an interval. Workers are woken at the commit, when there is a job at all. `name` is for the
    second of a statement.
    """
    now = _now(moved)
    return f"""{name} AS (
  INSERT INTO outbox (topic, order_key, dfsp_id, payload, run_at, attempts, created_at, traceparent)
  SELECT {topic}, {order_key}, {dfsp_id}, {payload}, {now} + {delay}, 0, {now}, {traceparent} {source}
  RETURNING pg_notify('{CHANNEL}', ''))"""


def _now(moved: str = "$1") -> str:
    """SQL of the current instant: the database's clock, but for a test that moves time."""
    return f"coalesce({moved}::timestamptz, now())"


def json_payload(value: str = "", **fields: str) -> str:
    """SQL of a payload as JSON: of one expression's value, or an object of several by their names."""
    pairs = ", ".join(f"'{name}', {field}" for name, field in fields.items())
    return f"convert_to(({f'json_build_object({pairs})' if fields else f'to_json({value})'})::text, 'UTF8')"


_JOB = job_cte(topic="$1", order_key="$2", dfsp_id="$3", payload="$4", delay="$5", moved="$6", traceparent="$7")
_ADD = f"WITH {_JOB} SELECT"
# Of what has an order only the heads are looked at, one index probe each: however much waits behind a silent endpoint,
# finding the rest costs the same.
_HEADS = """
WITH RECURSIVE heads AS (
  (SELECT order_key, id FROM outbox WHERE order_key IS NOT NULL AND dead_at IS NULL ORDER BY order_key, id LIMIT 1)
  UNION ALL
  SELECT next.order_key, next.id FROM heads CROSS JOIN LATERAL (
    SELECT order_key, id FROM outbox WHERE order_key > heads.order_key AND dead_at IS NULL
    ORDER BY order_key, id LIMIT 1) AS next)
"""
_CLAIM = f"""
{_HEADS},
ready AS (
  SELECT id FROM outbox WHERE order_key IS NULL AND dead_at IS NULL AND run_at <= {_now()}
  ORDER BY run_at LIMIT $2 FOR UPDATE SKIP LOCKED),
ready_heads AS (
  SELECT id FROM outbox WHERE id IN (SELECT id FROM heads) AND dead_at IS NULL AND run_at <= {_now()}
  ORDER BY run_at LIMIT $4 FOR UPDATE SKIP LOCKED)
UPDATE outbox SET run_at = {_now()} + $3::interval, attempts = attempts + 1
WHERE id IN (SELECT id FROM ready UNION ALL SELECT id FROM ready_heads)
RETURNING {sql.column_list(Job, {"in_order": "order_key IS NOT NULL"})}
"""  # noqa: S608 - names of our own struct
# A lease is told apart by the attempt: whoever holds an older one changes nothing.
_DONE = "DELETE FROM outbox WHERE id = $1 AND attempts = $2"
_ALL_DONE = """
DELETE FROM outbox USING unnest($1::bigint[], $2::int[]) AS job (id, attempts)
WHERE outbox.id = job.id AND outbox.attempts = job.attempts
"""
_RENEW = f"""
UPDATE outbox SET run_at = {_now("$3")} + $4::interval FROM unnest($1::bigint[], $2::int[]) AS job (id, attempts)
WHERE outbox.id = job.id AND outbox.attempts = job.attempts
"""  # noqa: S608 - constants
_RETRY = f"""
UPDATE outbox SET run_at = {_now("$3")} + $4::interval, last_error = $5, dead_at = CASE WHEN $6 THEN {_now("$3")} END
WHERE id = $1 AND attempts = $2
"""  # noqa: S608 - constants
_DEAD = both_ways("""
SELECT id, topic, dfsp_id, attempts, last_error, created_at, dead_at FROM outbox
WHERE dead_at IS NOT NULL AND id {beyond} $1 AND ($2::text IS NULL OR topic = $2) ORDER BY id {way} LIMIT $3
""")
_RETRY_DEAD = f"""
UPDATE outbox SET dead_at = NULL, attempts = 0, run_at = {_now()} + CASE WHEN EXISTS (
    SELECT FROM outbox AS busy WHERE busy.order_key = outbox.order_key AND busy.dead_at IS NULL AND busy.attempts > 0
      AND busy.run_at > {_now()} AND busy.run_at <= {_now()} + $5::interval)
  THEN $6::interval ELSE interval '0' END
WHERE dead_at IS NOT NULL AND id IN (
  SELECT id FROM outbox
  WHERE dead_at IS NOT NULL AND ($2::bigint IS NULL OR id = $2) AND ($3::text IS NULL OR topic = $3)
  ORDER BY id LIMIT $4 FOR UPDATE)
RETURNING pg_notify('outbox', '')
"""  # noqa: S608 - constants
_DISCARD = "DELETE FROM outbox WHERE id = $1 AND dead_at IS NOT NULL RETURNING topic"
_BLOCKED = both_ways(f"""
{_HEADS}
SELECT id AS job_id, split_part(order_key, ':', 1) AS kind, topic, dfsp_id, attempts, run_at AS next_try_at, last_error,
  (SELECT count(*) FROM outbox AS behind WHERE behind.order_key = job.order_key AND behind.dead_at IS NULL) - 1
    AS waiting
FROM outbox AS job WHERE id IN (SELECT id FROM heads) AND last_error IS NOT NULL AND id {{beyond}} $1
ORDER BY id {{way}} LIMIT $2
""")  # noqa: S608 - constants
_COUNT_BLOCKED = f"""
{_HEADS}
SELECT split_part(order_key, ':', 1) AS kind, count(*) AS lanes FROM outbox
WHERE id IN (SELECT id FROM heads) AND last_error IS NOT NULL GROUP BY 1
"""  # noqa: S608 - constants
# A part of a background job has its topic as order key: it is given up by itself, and the job with it.
_SKIP = f"""
DELETE FROM outbox
WHERE id = $1 AND dead_at IS NULL AND order_key <> topic AND last_error IS NOT NULL
RETURNING topic, pg_notify('{CHANNEL}', '')
"""  # noqa: S608 - constants
_DEPTHS = f"""
SELECT topic, count(*) FILTER (WHERE dead_at IS NULL) AS live, count(dead_at) AS dead,
       greatest(0, coalesce(extract(epoch FROM {_now()} - min(run_at) FILTER (WHERE dead_at IS NULL)), 0))::float8
         AS oldest_due_s
FROM outbox GROUP BY topic
"""  # noqa: S608 - constants


class LeaseLost(RuntimeError):
    """The lease ran out and another worker has the job; what was done in this transaction must not count."""


async def add(
    tx: Tx,
    topic: str,
    payload: Any,
    *,
    dfsp_id: UUID | None = None,
    order_key: str | None = None,
    delay: timedelta = timedelta(),
) -> None:
    """Write work into the caller's transaction, to be done now or after a delay.

    `payload` is anything msgspec encodes, or bytes taken as they are.
    """
    raw = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    await tx.execute(_ADD, topic, order_key, dfsp_id, raw, delay, clock.moved(), trace.traceparent())


async def claim(tx: Tx, limit: int, limit_in_order: int | None = None) -> list[Job]:
    """Lease jobs that are due: up to `limit` that have no order, and up to as many, or `limit_in_order`, that have."""
    ordered = limit if limit_in_order is None else limit_in_order
    rows = await tx.fetch(_CLAIM, clock.moved(), limit, LEASE, ordered)
    return sql.rows(Job, sorted(rows, key=lambda row: row["id"]))


async def done(tx: Tx, job: Job) -> None:
    """Delete a finished job. Raises LeaseLost."""
    if not await tx.execute(_DONE, job.id, job.attempts):
        raise LeaseLost(f"job {job.id} ({job.topic}) took longer than its lease")


async def all_done(tx: Tx, jobs: Sequence[Job]) -> None:
    """Delete finished network jobs; one whose lease was lost is another worker's and stays."""
    await tx.execute(_ALL_DONE, [job.id for job in jobs], [job.attempts for job in jobs])


async def renew(tx: Tx, jobs: Sequence[Job]) -> None:
    """Renew the leases of jobs that take longer than one."""
    await tx.execute(_RENEW, [job.id for job in jobs], [job.attempts for job in jobs], clock.moved(), LEASE)


async def retry(tx: Tx, job: Job, error: str) -> bool:
    """Give a failed job back for later; True when it has failed too often and is dead instead.

    `error` is kept and shown to operators: it must hold no personal data (`logs.describe`).
    """
    dead = job.attempts >= MAX_ATTEMPTS
    pause_s = min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 2 ** (job.attempts - 1)) * random.uniform(0.75, 1.25)
    pause, why = timedelta(seconds=pause_s), error.replace("\0", "")[:500]
    await tx.execute(_RETRY, job.id, job.attempts, clock.moved(), pause, why, dead)
    return dead


async def dead(tx: Reads, page: Page, topic: str | None = None) -> list[DeadJob]:
    """Dead jobs of one topic or of all, newest first unless asked otherwise; one more than the page's limit.

    The page's cursor is a job's id as a UUID of that number.
    """
    return [
        DeadJob(**row) for row in await tx.fetch(_DEAD[page.is_oldest_first], page.before_number, topic, page.limit + 1)
    ]


async def retry_dead(tx: Tx, job_id: int) -> bool:
    """Try a dead job again, with all its attempts; False when no dead job has this id."""
    return bool(await tx.execute(_RETRY_DEAD, clock.moved(), job_id, None, 1, LEASE, _LONGEST_ORDERED))


async def retry_many_dead(tx: Tx, topic: str | None, limit: int) -> int:
    """Try dead jobs again, of one topic or of all, oldest first; how many there were, at most `limit`."""
    return await tx.execute(_RETRY_DEAD, clock.moved(), None, topic, limit, LEASE, _LONGEST_ORDERED)


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


async def depths(tx: Reads) -> list[Depth]:
    """How much of each topic lies in the outbox. Reads the whole table: for a scrape, not for a request."""
    return [Depth(**row) for row in await tx.fetch(_DEPTHS, clock.moved())]
