"""Messages from the hub: stored and deduplicated first, acknowledged, and only then interpreted by the worker.

The same message again (same sender, method, path and body) is counted, not stored; requests are worked on again,
because a repeated request asks for the answer once more, and so are answers to what we ask twice; any other repeated
answer changes nothing.
"""

import hashlib
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from merchant.core import clock, columns, outbox, trace
from merchant.core.db import Tx, forget
from merchant.core.vault import Vault

KEPT_FOR = timedelta(days=7)  # long enough to look into a complaint; bodies hold personal data, so no longer
TOPIC = "hub.message"


class InboxMessage(SQLModel, table=True):
    """A message as it came, sealed: paths and bodies name payers."""

    __tablename__ = "inbox"
    __table_args__ = (
        Index("inbox_received", "received_at", postgresql_using="brin"),
        Index("inbox_about", "about", postgresql_where=text("about IS NOT NULL")),
    )
    digest: bytes = Field(primary_key=True)
    method: str
    resource: str
    source: str
    sealed: bytes = columns.sealed(nullable=False)
    times: int = 1
    received_at: datetime = columns.instant()
    about: str | None = None  # the id that the message names, or a payer's digest: nothing personal


class Message(msgspec.Struct, frozen=True):
    """A stored message, for its interpreter. `path` starts at the resource: `/quotes/ID`."""

    method: str
    path: str
    source: str
    destination: str
    version: str  # the FSPIOP version that an answer must be written in
    body: bytes
    traceparent: str | None = None  # of the trace in which it came

    @property
    def resource(self) -> str:
        """The first segment of the path."""
        return self.path.split("/", 2)[1]


_STORE = f"""
WITH stored AS (
  INSERT INTO inbox (digest, method, resource, source, sealed, times, received_at, about)
  VALUES ($1, $2, $3, $4, $5, 1, $6, $11)
  ON CONFLICT (digest) DO UPDATE SET times = inbox.times + 1
  RETURNING times),
{outbox.job_cte("FROM stored WHERE times = 1 OR $8", topic="$7", payload="$5", moved="$10", traceparent="$9")}
SELECT times FROM stored
"""  # noqa: S608 - constants
_REQUESTS = frozenset({"GET", "POST"})
# Two look-ups of one payer get identical answers; the second is no duplicate of the first.
_LOOK_UPS = frozenset({"parties", "participants"})


async def store_once(tx: Tx, vault: Vault, message: Message, about: str | None = None) -> bool:
    """Store a message and the job to interpret it; False when it had come before.

    `about` is what it is found by as long as it is kept: an id that it names, nothing personal.
    """
    message = msgspec.structs.replace(message, traceparent=trace.traceparent())
    seen = b"\0".join((message.source.encode(), message.method.encode(), message.path.encode(), message.body))
    digest = hashlib.sha256(seen).digest()
    times = await tx.fetchval(
        _STORE,
        digest,
        message.method,
        message.resource,
        message.source,
        vault.seal(msgspec.json.encode(message), TOPIC),
        clock.now(),
        TOPIC,
        message.method in _REQUESTS or _may_mean_more(message),
        message.traceparent,
        clock.moved(),
        about,
    )
    return bool(times == 1)


def _may_mean_more(message: Message) -> bool:
    """Whether an identical answer counts anew: of a look-up, or "no such transfer" again after its time is over."""
    return message.resource in _LOOK_UPS or (message.resource == "transfers" and message.path.endswith("/error"))


def open_message(vault: Vault, payload: bytes) -> Message:
    """A message out of its job, which carries a copy so that its interpreter need not read the table."""
    return msgspec.json.decode(vault.open(payload, TOPIC), type=Message)


async def prune(tx: Tx, limit: int) -> int:
    """Forget messages older than KEPT_FOR; the number forgotten, at most `limit`."""
    return await forget(tx, "inbox", "digest", "received_at", clock.now() - KEPT_FOR, limit)
