"""Messages from the hub: stored and deduplicated first, acknowledged, and only then interpreted by the worker.

The same message again (same sender, method, path and body) is counted, not stored; requests are worked on again,
because a repeated request asks for the answer once more, while a repeated answer changes nothing.
"""

import hashlib
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from merchant import clock, columns
from merchant.db import Tx

KEPT_FOR = timedelta(days=7)  # long enough to look into a complaint; bodies hold personal data, so no longer
TOPIC = "hub.message"


class InboxMessage(SQLModel, table=True):
    """A message as it came."""

    __tablename__ = "inbox"
    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger)
    digest: bytes = Field(unique=True)
    method: str
    path: str
    source: str
    destination: str
    version: str
    body: bytes = columns.sealed(nullable=False)
    times: int = 1
    received_at: datetime = columns.instant(nullable=False)


class Message(msgspec.Struct, frozen=True):
    """A stored message, for its interpreter. `path` starts at the resource: `/quotes/ID`."""

    method: str
    path: str
    source: str
    destination: str
    version: str
    body: bytes


_STORE = """
WITH stored AS (
  INSERT INTO inbox (digest, method, path, source, destination, version, body, times, received_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8)
  ON CONFLICT (digest) DO UPDATE SET times = inbox.times + 1
  RETURNING id, times),
job AS (
  INSERT INTO outbox (topic, payload, run_at, attempts, created_at)
  SELECT $9, convert_to(id::text, 'UTF8'), $8, 0, $8 FROM stored WHERE times = 1 OR $10
  RETURNING pg_notify('outbox', ''))
SELECT times FROM stored, (SELECT count(*) FROM job) AS queued
"""
_REQUESTS = frozenset({"GET", "POST"})


async def store_once(tx: Tx, message: Message) -> bool:
    """Store a message and the job to interpret it; False when it had come before."""
    seen = b"\0".join((message.source.encode(), message.method.encode(), message.path.encode(), message.body))
    times = await tx.fetchval(
        _STORE, hashlib.sha256(seen).digest(), message.method, message.path, message.source, message.destination,
        message.version, message.body, clock.now(), TOPIC, message.method in _REQUESTS,
    )  # fmt: skip
    return bool(times == 1)


async def load(tx: Tx, message_id: int) -> Message | None:
    """A stored message, or None when it was pruned."""
    row = await tx.fetchrow(
        "SELECT method, path, source, destination, version, body FROM inbox WHERE id = $1", message_id
    )
    return None if row is None else Message(*row)


async def prune(tx: Tx) -> int:
    """Forget messages older than KEPT_FOR; the number forgotten."""
    return await tx.execute("DELETE FROM inbox WHERE received_at < $1", clock.now() - KEPT_FOR)
