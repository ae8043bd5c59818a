"""Work to be done after a commit: rows written in the transaction that made the work necessary.

The worker leases rows in batches by SKIP LOCKED; a lease is simply the row's `run_at` moved ahead, again and again
while the work lasts, so a worker that dies gives its rows back by doing nothing. Failures come back later with
growing pauses; what keeps failing stays as a dead letter, which `revive` puts back to work. Rows of one `order_key`
run one after another.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from merchant.core import clock, columns, sql
from merchant.core.db import Tx

CHANNEL = "outbox"  # NOTIFY channel that wakes the worker
# How soon after a worker's death its jobs are taken up by another; running workers renew their leases.
LEASE = timedelta(seconds=10)
RENEW_EVERY_S = 3.0
MAX_ATTEMPTS = 12  # with the pauses below about nine hours
_FIRST_RETRY_S = 2.0
_LONGEST_RETRY_S = 3600.0


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
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    topic: str
    order_key: str | None = None
    dfsp_id: UUID | None = None
    payload: bytes = columns.sealed(nullable=False)
    attempts: int = 0
    run_at: datetime = columns.instant()
    last_error: str | None = None
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


_ADD = """
WITH job AS (
  INSERT INTO outbox (topic, order_key, dfsp_id, payload, run_at, attempts, created_at)
  VALUES ($1, $2, $3, $4, $5, 0, $6))
SELECT pg_notify('outbox', '')
"""
# Of what has an order only the heads are looked at, one index probe each: however much waits behind a silent endpoint,
# finding the rest costs the same.
_CLAIM = f"""
WITH RECURSIVE heads AS (
  (SELECT order_key, id FROM outbox WHERE order_key IS NOT NULL AND dead_at IS NULL ORDER BY order_key, id LIMIT 1)
  UNION ALL
  SELECT next.order_key, next.id FROM heads CROSS JOIN LATERAL (
    SELECT order_key, id FROM outbox WHERE order_key > heads.order_key AND dead_at IS NULL
    ORDER BY order_key, id LIMIT 1) AS next),
ready AS (
  SELECT id FROM outbox WHERE order_key IS NULL AND dead_at IS NULL AND run_at <= $1
  ORDER BY run_at LIMIT $2 FOR UPDATE SKIP LOCKED),
ready_heads AS (
  SELECT id FROM outbox WHERE id IN (SELECT id FROM heads) AND dead_at IS NULL AND run_at <= $1
  ORDER BY run_at LIMIT $4 FOR UPDATE SKIP LOCKED)
UPDATE outbox SET run_at = $3, attempts = attempts + 1
WHERE id IN (SELECT id FROM ready UNION ALL SELECT id FROM ready_heads)
RETURNING {sql.column_list(Job, {"in_order": "order_key IS NOT NULL"})}
"""  # noqa: S608 - names of our own struct
# A lease is told apart by the attempt: whoever holds an older one changes nothing.
_DONE = "DELETE FROM outbox WHERE id = $1 AND attempts = $2"
_ALL_DONE = """
DELETE FROM outbox USING unnest($1::bigint[], $2::int[]) AS job (id, attempts)
WHERE outbox.id = job.id AND outbox.attempts = job.attempts
"""
_RENEW = """
UPDATE outbox SET run_at = $3 FROM unnest($1::bigint[], $2::int[]) AS job (id, attempts)
WHERE outbox.id = job.id AND outbox.attempts = job.attempts
"""
_RETRY = "UPDATE outbox SET run_at = $3, last_error = $4, dead_at = $5 WHERE id = $1 AND attempts = $2"
_REVIVE = "UPDATE outbox SET dead_at = NULL, attempts = 0, run_at = $2 WHERE id = $1 AND dead_at IS NOT NULL"


class LeaseLost(RuntimeError):
    """The lease ran out and another worker has the job; what was done in this transaction must not count."""


async def add(
    tx: Tx,
    topic: str,
    payload: Any,
    *,
    dfsp_id: UUID | None = None,
    order_key: str | None = None,
    run_at: datetime | None = None,
) -> None:
    """Write work into the caller's transaction. `payload` is anything msgspec encodes, or bytes taken as they are."""
    now = clock.now()
    raw = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    await tx.execute(_ADD, topic, order_key, dfsp_id, raw, run_at or now, now)


async def claim(tx: Tx, limit: int, limit_in_order: int | None = None) -> list[Job]:
    """Lease jobs that are due: up to `limit` that have no order, and up to as many, or `limit_in_order`, that have."""
    now = clock.now()
    rows = await tx.fetch(_CLAIM, now, limit, now + LEASE, limit if limit_in_order is None else limit_in_order)
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
    await tx.execute(_RENEW, [job.id for job in jobs], [job.attempts for job in jobs], clock.now() + LEASE)


async def retry(tx: Tx, job: Job, error: str) -> bool:
    """Schedule the retry of a failed job; True when it has failed too often and became a dead letter instead."""
    now = clock.now()
    buried = job.attempts >= MAX_ATTEMPTS
    pause_s = min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 2 ** (job.attempts - 1)) * random.uniform(0.75, 1.25)
    run_at, dead_at = now + timedelta(seconds=pause_s), now if buried else None
    await tx.execute(_RETRY, job.id, job.attempts, run_at, error.replace("\0", "")[:500], dead_at)
    return buried


async def revive(tx: Tx, job_id: int) -> bool:
    """Put a dead letter back to work; False when there is none of this id."""
    return bool(await tx.execute(_REVIVE, job_id, clock.now()))
