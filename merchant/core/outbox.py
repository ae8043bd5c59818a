"""Work to be done after a commit: rows written in the transaction that made the work necessary.

The worker leases rows in batches by SKIP LOCKED; a lease is the row's `run_at` moved ahead again and again while the
work lasts, so a worker that dies gives its rows back by doing nothing. The database's clock decides what is due and how
long a lease holds. Failures come back later with growing pauses; what failed MAX_ATTEMPTS times is dead: kept until
someone retries or discards it (core/dead_jobs.py). Rows of one `order_key` run one after another.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from merchant.core import clock, columns, sql, trace
from merchant.core.db import Reads, Tx
from merchant.core.distribution import NO_DFSP

CHANNEL = "outbox"  # NOTIFY channel that wakes the worker
# How soon after a worker's death its jobs are taken up by another; running workers renew their leases.
LEASE = timedelta(seconds=10)
RENEW_EVERY_S = 3.0
MAX_ATTEMPTS = 20  # with the pauses below nine hours, a night in which nobody mends an endpoint
_FIRST_RETRY_S = 2.0
_LONGEST_RETRY_S = 3600.0
# No job that has an order takes longer: a webhook is given up after 15 s, background jobs work in slices of seconds. A
# dead job that is retried goes before its lane, and waits for the one of the lane that may be at work.
LONGEST_ORDERED = timedelta(seconds=30)


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


class NewJob(msgspec.Struct, frozen=True):
    """A job to be written. `value` is what its payload says, for a worker of this process, which need not read it."""

    topic: str
    payload: bytes
    dfsp_id: UUID | None = None
    traceparent: str | None = None
    value: Any = None


class HeldJob(msgspec.Struct, frozen=True):
    """A job that its own writer works off: leased as it was written, with its value in memory."""

    job: Job
    value: Any


class Depth(msgspec.Struct, frozen=True):
    """How much of one topic lies in the outbox: live jobs, dead ones, and for how long the oldest due one waits."""

    topic: str
    live: int
    dead: int
    oldest_due_s: float


# Where the table is distributed, each lane has a claim of its own: rows of two machines cannot be locked by one
# statement. A job that belongs to no DFSP then lies in the lane of NO_DFSP.
_IN_LANE = "/*distributed: AND outbox.dfsp_id = $lane*/"
NEXT_ID = "nextval(pg_get_serial_sequence('outbox', 'id'))"


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
    held: str = "false",
    job_id: str = "",
) -> str:
    """SQL of `job AS (INSERT INTO outbox ...)`, for a WITH, so that a job is written by the statement that causes it.

    `source` is what follows the select list (`FROM delivery`, `WHERE $1`): one job for each of its rows; one job where
    it is empty. The others are SQL expressions over it: constants and `$n` of the caller, never values; that of
    `traceparent` is handed `trace.traceparent()`, that of `moved` `clock.moved()`. It is due now, by the database's
    clock, or after `delay`, an interval. Workers are woken at the commit, when there is a job at all, unless it is
    `held` (finish). `name` is for the second of a statement. `job_id` is an expression of NEXT_ID, for who must know
    it: the application's role may write jobs and not read them.
    """
    now = now_sql(moved)
    lease = f"interval '{LEASE.total_seconds():.0f} seconds'"
    own_id, its_value = (", id", f", {job_id}") if job_id else ("", "")
    return f"""{name} AS (
  INSERT INTO outbox (topic, order_key, dfsp_id, payload, run_at, attempts, created_at, traceparent{own_id})
  SELECT {topic}, {order_key}, {_lane_sql(dfsp_id)}, {payload}, {now} + CASE WHEN {held} THEN {lease} ELSE {delay} END,
    CASE WHEN {held} THEN 1 ELSE 0 END, {now}, {traceparent}{its_value} {source}
  RETURNING /*distributed: 1 --*/ CASE WHEN NOT {held} THEN pg_notify('{CHANNEL}', '') END
)"""


def _lane_sql(dfsp_id: str) -> str:
    """SQL of a job's DFSP: itself, but for NO_DFSP where the table is distributed, whose column is never NULL."""
    return f"/*distributed: coalesce(*/{dfsp_id}/*distributed: ::uuid, '{NO_DFSP}')*/"


def now_sql(moved: str = "$1") -> str:
    """SQL of the current instant: the database's clock, but for a test that moves time.

    Citus takes no clock within COALESCE; there a test may only move time ahead.
    """
    return f"/*distributed: greatest( --*/coalesce(\n{moved}::timestamptz, now())"


def json_payload(value: str = "", **fields: str) -> str:
    """SQL of a payload as JSON: of one expression's value, or an object of several by their names."""
    pairs = ", ".join(f"'{name}', {field}" for name, field in fields.items())
    return f"convert_to(({f'json_build_object({pairs})' if fields else f'to_json({value})'})::text, 'UTF8')"


_JOB = job_cte(topic="$1", order_key="$2", dfsp_id="$3", payload="$4", delay="$5", moved="$6", traceparent="$7")
_ADD = f"WITH {_JOB} SELECT"
# Of what has an order only the heads are looked at, one index probe each: however much waits behind a silent endpoint,
# finding the rest costs the same.
HEADS = f"""
WITH RECURSIVE heads AS (
  (SELECT order_key, id FROM outbox WHERE order_key IS NOT NULL AND dead_at IS NULL {_IN_LANE}
   ORDER BY order_key, id LIMIT 1)
  UNION ALL
  SELECT next.order_key, next.id FROM heads CROSS JOIN LATERAL (
    SELECT order_key, id FROM outbox WHERE order_key > heads.order_key AND dead_at IS NULL {_IN_LANE}
    ORDER BY order_key, id LIMIT 1) AS next)
"""  # noqa: S608 - constants
# Of what is due the oldest so many are looked at; of these each tenant's first come first.
_LOOKED_AT = 1_000
_OWN_DFSP = f"/*distributed: nullif(*/dfsp_id/*distributed: , '{NO_DFSP}')*/"
_LANES = f"SELECT DISTINCT dfsp_id FROM outbox WHERE dead_at IS NULL AND run_at <= {now_sql()}"  # noqa: S608 - constants
_CLAIM = f"""
{HEADS},
due AS (
  SELECT id, dfsp_id, run_at FROM outbox WHERE order_key IS NULL AND dead_at IS NULL AND run_at <= {now_sql()}
    {_IN_LANE}
  ORDER BY run_at LIMIT {_LOOKED_AT}),
turns AS (SELECT id, run_at, row_number() OVER (PARTITION BY dfsp_id ORDER BY run_at, id) AS turn FROM due),
ready AS (
  SELECT outbox.id FROM turns JOIN outbox ON outbox.id = turns.id AND outbox.run_at = turns.run_at
  WHERE outbox.dead_at IS NULL {_IN_LANE} ORDER BY turns.turn, turns.run_at LIMIT $2 FOR UPDATE OF outbox SKIP LOCKED),
ready_heads AS (
  SELECT id FROM outbox WHERE id IN (SELECT id FROM heads) AND dead_at IS NULL AND run_at <= {now_sql()} {_IN_LANE}
  ORDER BY run_at LIMIT $4 FOR UPDATE SKIP LOCKED)
UPDATE outbox SET run_at = {now_sql()} + $3::interval, attempts = attempts + 1
WHERE id IN (SELECT id FROM ready UNION ALL SELECT id FROM ready_heads) {_IN_LANE}
RETURNING {sql.column_list(Job, {"dfsp_id": _OWN_DFSP, "in_order": "order_key IS NOT NULL"})}
"""  # noqa: S608 - names of our own struct
# A lease is told apart by the attempt: whoever holds an older one changes nothing.
_DONE = f"DELETE FROM outbox WHERE id = $1 AND attempts = $2 {_IN_LANE}"  # noqa: S608 - constants
# With it goes the question whether their lanes hold more, so that nobody looks for what is not there.
_ALL_DONE = f"""
WITH gone AS (
  DELETE FROM outbox USING unnest($1::bigint[], $2::int[]) AS job (id, attempts)
  WHERE outbox.id = job.id AND outbox.attempts = job.attempts {_IN_LANE} RETURNING outbox.id, order_key)
SELECT EXISTS (
  SELECT FROM gone CROSS JOIN LATERAL (
    SELECT FROM outbox WHERE order_key = gone.order_key AND dead_at IS NULL AND id <> ALL ($1) {_IN_LANE}
    LIMIT 1) AS next)
"""  # noqa: S608 - constants
_RENEW = f"""
UPDATE outbox SET run_at = {now_sql("$3")} + $4::interval FROM unnest($1::bigint[], $2::int[]) AS job (id, attempts)
WHERE outbox.id = job.id AND outbox.attempts = job.attempts {_IN_LANE}
"""  # noqa: S608 - constants
_RETRY = f"""
UPDATE outbox SET run_at = {now_sql("$3")} + $4::interval, last_error = $5,
  dead_at = {now_sql("$3")} + CASE WHEN $6 THEN interval '0' END
WHERE id = $1 AND attempts = $2 {_IN_LANE}
"""  # noqa: S608 - constants
_DEPTHS = f"""
SELECT topic, count(*) FILTER (WHERE dead_at IS NULL) AS live, count(dead_at) AS dead,
       greatest(0, coalesce(extract(epoch FROM {now_sql()} - min(run_at) FILTER (WHERE dead_at IS NULL)), 0))::float8
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


_FINISH = f"""
WITH done AS (
  DELETE FROM outbox USING unnest($8::bigint[], $9::int[]) AS job (id, attempts)
  WHERE outbox.id = job.id AND outbox.attempts = job.attempts {_IN_LANE} RETURNING 1),
job AS (
  INSERT INTO outbox (topic, dfsp_id, payload, run_at, attempts, created_at, traceparent)
  SELECT topic, {_lane_sql("dfsp_id")}, payload, {now_sql("$6")} + $5::interval, $7, {now_sql("$6")}, traceparent
  FROM unnest($1::text[], $2::uuid[], $3::bytea[], $4::text[]) WITH ORDINALITY
    AS given (topic, dfsp_id, payload, traceparent, n) ORDER BY n
  RETURNING id /*distributed: --*/ , CASE WHEN $7 = 0 THEN pg_notify('{CHANNEL}', '') END
)
SELECT (SELECT count(*) FROM done) AS done, coalesce((SELECT array_agg(id ORDER BY id) FROM job), '{{}}') AS ids
"""  # noqa: S608 - constants


async def finish(tx: Tx, done: Sequence[Job], new: Sequence[NewJob], *, held: bool) -> list[HeldJob]:
    """Delete finished jobs and write the jobs that they cause, by one statement.

    `held` jobs are leased by whoever writes them, who works them off after the commit; the others are due for any
    worker, and are not given back.

    Raises LeaseLost when one of them is another worker's by now: what was done must not count.
    """
    row = await tx.fetchrow(
        _FINISH,
        [job.topic for job in new],
        [job.dfsp_id for job in new],
        [job.payload for job in new],
        [job.traceparent for job in new],
        LEASE if held else timedelta(),
        clock.moved(),
        int(held),
        [job.id for job in done],
        [job.attempts for job in done],
    )
    assert row is not None
    if row["done"] != len(done):
        raise LeaseLost(f"{len(done) - row['done']} of {len(done)} jobs took longer than their lease")
    return as_held(new, row["ids"]) if held else []


def as_held(jobs: Sequence[NewJob], ids: Sequence[int]) -> list[HeldJob]:
    """Jobs that were written as leased, with their ids."""
    return [
        HeldJob(Job(job_id, job.topic, job.payload, 1, job.dfsp_id, False, job.traceparent), job.value)
        for job, job_id in zip(jobs, ids, strict=True)
    ]


async def claim(tx: Tx, limit: int, limit_in_order: int | None = None) -> list[Job]:
    """Lease jobs that are due: up to `limit` that have no order, and up to as many, or `limit_in_order`, that have."""
    ordered = limit if limit_in_order is None else limit_in_order
    rows = []
    for lane in await _due_lanes(tx):
        tx.enter_lane(lane)
        # Each lane may give all that is free: who has most to do would else get no more than who has least.
        rows += await tx.fetch(_CLAIM, clock.moved(), limit, LEASE, ordered)
    return sql.rows(Job, sorted(rows, key=lambda row: row["id"]))


async def _due_lanes(tx: Tx) -> Sequence[UUID | None]:
    """The lanes that have something due, where each has a claim of its own."""
    if not tx.is_distributed:
        return [None]
    tx.enter_lane(None)
    lanes = [row["dfsp_id"] for row in await tx.fetch(_LANES, clock.moved())]
    random.shuffle(lanes)
    return lanes


def _by_lane(tx: Tx, jobs: Sequence[Job]) -> Iterator[Sequence[Job]]:
    """Jobs in groups that one statement may change; the transaction enters the lane of each."""
    if not tx.is_distributed:
        yield jobs
        return
    lanes: dict[UUID, list[Job]] = {}
    for job in jobs:
        lanes.setdefault(job.dfsp_id or NO_DFSP, []).append(job)
    for lane, its_jobs in sorted(lanes.items()):
        tx.enter_lane(lane)
        yield its_jobs


async def done(tx: Tx, job: Job) -> None:
    """Delete a finished job. Raises LeaseLost."""
    for _ in _by_lane(tx, [job]):
        if not await tx.execute(_DONE, job.id, job.attempts):
            raise LeaseLost(f"job {job.id} ({job.topic}) took longer than its lease")


async def all_done(tx: Tx, jobs: Sequence[Job]) -> bool:
    """Delete finished network jobs; one whose lease was lost is another worker's and stays.

    Returns whether others wait behind them, in their orders.
    """
    others_wait = False
    for some in _by_lane(tx, jobs):
        others_wait |= bool(await tx.fetchval(_ALL_DONE, [job.id for job in some], [job.attempts for job in some]))
    return others_wait


async def renew(tx: Tx, jobs: Sequence[Job]) -> None:
    """Renew the leases of jobs that take longer than one."""
    for some in _by_lane(tx, jobs):
        await tx.execute(_RENEW, [job.id for job in some], [job.attempts for job in some], clock.moved(), LEASE)


async def give_back(tx: Tx, jobs: Sequence[Job]) -> None:
    """End the leases of jobs that nobody has begun: they are due for any worker."""
    for some in _by_lane(tx, jobs):
        await tx.execute(_RENEW, [job.id for job in some], [job.attempts for job in some], clock.moved(), timedelta())


async def retry(tx: Tx, job: Job, error: str) -> bool:
    """Give a failed job back for later; True when it has failed too often and is dead instead.

    `error` is kept and shown to operators: it must hold no personal data (`logs.describe`).
    """
    dead = job.attempts >= MAX_ATTEMPTS
    pause_s = min(_LONGEST_RETRY_S, _FIRST_RETRY_S * 2 ** (job.attempts - 1)) * random.uniform(0.75, 1.25)
    pause, why = timedelta(seconds=pause_s), error.replace("\0", "")[:500]
    for _ in _by_lane(tx, [job]):
        await tx.execute(_RETRY, job.id, job.attempts, clock.moved(), pause, why, dead)
    return dead


async def depths(tx: Reads) -> list[Depth]:
    """How much of each topic lies in the outbox. Reads the whole table: for a scrape, not for a request."""
    return [Depth(**row) for row in await tx.fetch(_DEPTHS, clock.moved())]
