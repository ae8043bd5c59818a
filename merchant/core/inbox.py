"""Messages from the hub: stored and deduplicated first, acknowledged, and only then interpreted by the worker.

The same message again (same sender, method, path and body) is counted, not stored; requests are worked on again,
because a repeated request asks for the answer once more, and so are answers to what we ask twice; any other repeated
answer changes nothing.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from merchant.core import clock, columns, outbox, trace
from merchant.core.db import Tx, forget
from merchant.core.outbox import HeldJob, NewJob
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


class Arrival(msgspec.Struct, frozen=True):
    """A message to be stored, and the tenant whose lane it is worked off in.

    `about` is what it is found by as long as it is kept: an id that it names, nothing personal.
    """

    message: Message
    dfsp_id: UUID | None = None
    about: str | None = None

    @property
    def digest(self) -> bytes:
        """Tells it from every other message."""
        came = self.message
        seen = b"\0".join((came.source.encode(), came.method.encode(), came.path.encode(), came.body))
        return hashlib.sha256(seen).digest()


_JOB = outbox.job_cte(
    "FROM due ORDER BY n",
    topic=f"'{TOPIC}'",
    dfsp_id="dfsp_id",
    payload="sealed",
    moved="$11",
    traceparent="traceparent",
    held="$12::bool",
    job_id="id",
)
# In the order of the digests, so that two groups that share messages never wait for each other.
_STORE = f"""
WITH came AS (
  SELECT * FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[], $7::bool[], $8::uuid[],
      $9::text[]) WITH ORDINALITY
    AS came (digest, method, resource, source, sealed, about, again, dfsp_id, traceparent, n)),
stored AS (
  INSERT INTO inbox (digest, method, resource, source, sealed, times, received_at, about)
  SELECT digest, method, resource, source, sealed, 1, $10, about FROM came ORDER BY digest
  ON CONFLICT (digest) DO UPDATE SET times = inbox.times + 1
  RETURNING digest, times),
due AS (
  SELECT came.*, {outbox.NEXT_ID} AS id FROM came JOIN stored USING (digest)
  WHERE times = 1 OR again),
{_JOB}
SELECT stored.times, due.id FROM came JOIN stored USING (digest) LEFT JOIN due USING (digest) ORDER BY came.n
"""  # noqa: S608 - constants
_REQUESTS = frozenset({"GET", "POST"})
# Two look-ups of one payer get identical answers; the second is no duplicate of the first.
_LOOK_UPS = frozenset({"parties", "participants"})


async def store_once(tx: Tx, vault: Vault, message: Message, about: str | None = None) -> bool:
    """Store one message and the job to interpret it, for any worker; False when it had come before."""
    [(is_new, _job)] = await store_many(tx, vault, [Arrival(message, None, about)], held=False)
    return is_new


async def store_many(
    tx: Tx, vault: Vault, arrivals: Sequence[Arrival], *, held: bool
) -> list[tuple[bool, HeldJob | None]]:
    """Store different messages and the jobs to interpret them by one statement.

    For each: whether it is new, and its job where the caller `held` them (outbox.finish).
    """
    jobs = []
    for arrival in arrivals:
        message = msgspec.structs.replace(
            arrival.message, traceparent=arrival.message.traceparent or trace.traceparent()
        )
        sealed = vault.seal(msgspec.json.encode(message), TOPIC)
        jobs.append(NewJob(TOPIC, sealed, arrival.dfsp_id, message.traceparent, message))
    messages: list[Message] = [job.value for job in jobs]
    rows = await tx.fetch(
        _STORE,
        [arrival.digest for arrival in arrivals],
        [message.method for message in messages],
        [message.resource for message in messages],
        [message.source for message in messages],
        [job.payload for job in jobs],
        [arrival.about for arrival in arrivals],
        [message.method in _REQUESTS or _may_mean_more(message) for message in messages],
        [arrival.dfsp_id for arrival in arrivals],
        [message.traceparent for message in messages],
        clock.now(),
        clock.moved(),
        held,
    )
    return [
        (row["times"] == 1, outbox.as_held([job], [row["id"]])[0] if held and row["id"] is not None else None)
        for row, job in zip(rows, jobs, strict=True)
    ]


def _may_mean_more(message: Message) -> bool:
    """Whether an identical answer counts anew: of a look-up, or "no such transfer" again after its time is over."""
    return message.resource in _LOOK_UPS or (message.resource == "transfers" and message.path.endswith("/error"))


def open_message(vault: Vault, payload: bytes) -> Message:
    """A message out of its job, which carries a copy so that its interpreter need not read the table."""
    return msgspec.json.decode(vault.open(payload, TOPIC), type=Message)


async def prune(tx: Tx, limit: int) -> int:
    """Forget messages older than KEPT_FOR; the number forgotten, at most `limit`."""
    return await forget(tx, "inbox", "digest", "received_at", clock.now() - KEPT_FOR, limit)
