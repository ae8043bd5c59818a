"""Workers that run: each says so every few seconds, by the database's clock, so that others can tell when none does.

`beat` also follows the database's clock (core/clock.py) and keeps how far the worker's machine is from it. A worker
that stops in order takes its row along; one that was killed leaves it to `prune`.
"""

import os
import socket
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import SQLModel

from merchant import __version__
from merchant.core import clock, columns, ids
from merchant.core.db import Database, Tx, forget

BEAT_EVERY_S = 5.0
# Several beats may be late on a busy machine; a worker that missed six is gone.
GONE_AFTER_S = 30.0
# Above this, what a machine shows by its own clock (logs, certificates) misleads: time synchronisation has failed.
SKEW_NOTED_S = 2.0
KEPT_FOR = timedelta(days=1)


class WorkerHeartbeat(SQLModel, table=True):
    """One worker, and when it was last known to run."""

    __tablename__ = "worker_heartbeat"
    id: UUID = columns.key()
    host: str
    pid: int
    version: str
    clock_skew_s: float  # how far its machine's clock is ahead of the database's
    started_at: datetime = columns.instant()
    seen_at: datetime = columns.instant()


_BEAT = """
INSERT INTO worker_heartbeat (id, host, pid, version, clock_skew_s, started_at, seen_at)
VALUES ($1, $2, $3, $4, $5, coalesce($6::timestamptz, now()), coalesce($6::timestamptz, now()))
ON CONFLICT (id) DO UPDATE SET clock_skew_s = EXCLUDED.clock_skew_s, seen_at = EXCLUDED.seen_at
"""
# For statements that read heartbeats beside other figures: $1 is `clock.moved()`.
SEEN_S_AGO = "extract(epoch FROM coalesce($1::timestamptz, now()) - seen_at)::float8"


def new_worker_id() -> UUID:
    """An id for a worker that starts."""
    return ids.uuid7()


async def beat(db: Database, worker_id: UUID) -> None:
    """Say that a worker runs."""
    skew_s = await db.read_clock()
    async with db.system_statements() as tx:
        await tx.execute(_BEAT, worker_id, socket.gethostname(), os.getpid(), __version__, skew_s, clock.moved())


async def stop(db: Database, worker_id: UUID) -> None:
    """Say that a worker ends."""
    async with db.system_statements() as tx:
        await tx.execute("DELETE FROM worker_heartbeat WHERE id = $1", worker_id)


async def prune(tx: Tx, limit: int) -> int:
    """Forget workers that were killed; the number forgotten, at most `limit`."""
    return await forget(tx, "worker_heartbeat", "id", "seen_at", clock.now() - KEPT_FOR, limit)
