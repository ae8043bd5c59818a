"""The record of who did what: append-only, chained by hash, one chain per DFSP (and one for the hub).

One chain for all tenants would serialise every commit. Personal data never enters an entry: erasing a person
must not break the chain. `verify` recomputes a chain and names the first entry that does not fit.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel, select

from merchant.core import clock, columns
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.paging import Page

HUB_CHAIN = UUID(int=0)  # actions that belong to no DFSP
_GENESIS = b"\0" * 32


class AuditEntry(SQLModel, table=True):
    """One action of one actor on one thing."""

    __tablename__ = "audit_entry"
    dfsp_id: UUID = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    at: datetime = columns.instant()
    actor_kind: str
    actor_id: UUID
    action: str
    subject_type: str
    subject_id: str
    detail: dict[str, Any] = columns.document(nullable=False)
    prev_hash: bytes = columns.sealed(nullable=False)
    hash: bytes = columns.sealed(nullable=False)


class AuditHead(SQLModel, table=True):
    """The end of each chain; its row lock orders the writers."""

    __tablename__ = "audit_head"
    dfsp_id: UUID = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger)
    hash: bytes = columns.sealed(nullable=False)


_ADVANCE = """
INSERT INTO audit_head (dfsp_id, seq, hash) VALUES ($1, 0, $2) ON CONFLICT (dfsp_id) DO NOTHING
"""
_HEAD = "SELECT seq, hash FROM audit_head WHERE dfsp_id = $1 FOR UPDATE"
_WRITE = """
WITH entry AS (
  INSERT INTO audit_entry (dfsp_id, seq, at, actor_kind, actor_id, action, subject_type, subject_id, detail,
                           prev_hash, hash)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, $11))
UPDATE audit_head SET seq = $2, hash = $11 WHERE dfsp_id = $1
"""
_NEXT = """
SELECT seq, at, actor_kind, actor_id, action, subject_type, subject_id, detail::text AS detail, prev_hash, hash
FROM audit_entry WHERE dfsp_id = $1 AND seq > $2 ORDER BY seq LIMIT $3
"""
_VERIFY_BATCH = 1000  # rows in memory at a time


async def record(
    tx: Tx,
    actor: Actor,
    action: str,
    subject_type: str,
    subject_id: object,
    *,
    dfsp_id: UUID | None,
    **detail: Any,
) -> None:
    """Append an entry to the DFSP's chain (the hub's when `dfsp_id` is None) in the caller's transaction.

    `detail` holds states, versions and reasons: JSON values, no personal data.
    """
    chain = dfsp_id or HUB_CHAIN
    head = await tx.fetchrow(_HEAD, chain)
    if head is None:
        await tx.execute(_ADVANCE, chain, _GENESIS)
        head = await tx.fetchrow(_HEAD, chain)
        assert head is not None
    at = clock.now()
    detail_json = msgspec.json.encode(detail, order="sorted")
    fields = (actor.kind, str(actor.id), action, subject_type, str(subject_id))
    digest = _hash(head["hash"], head["seq"] + 1, at, fields, detail_json)
    await tx.execute(
        _WRITE,
        chain,
        head["seq"] + 1,
        at,
        actor.kind,
        actor.id,
        action,
        subject_type,
        str(subject_id),
        detail_json.decode(),
        head["hash"],
        digest,
    )


def _hash(previous: bytes, seq: int, at: datetime, fields: tuple[str, ...], detail: bytes) -> bytes:
    body = msgspec.json.encode([seq, at.isoformat(), *fields, msgspec.Raw(detail)])
    return hashlib.sha256(previous + body).digest()


async def newest(tx: Tx, chain: UUID, page: Page) -> list[AuditEntry]:
    """Entries of a chain, newest first; one more than the page's limit when there are more. Its cursor is a `seq`."""
    statement = select(AuditEntry).where(AuditEntry.dfsp_id == chain, AuditEntry.seq < page.before_number)
    statement = statement.order_by(AuditEntry.seq.desc()).limit(page.limit + 1)  # type: ignore[attr-defined]
    return list((await tx.session.exec(statement)).all())


class ChainBroken(msgspec.Struct, frozen=True):
    """Where a chain is broken."""

    dfsp_id: UUID
    seq: int
    problem: str


async def chains(tx: Tx) -> list[UUID]:
    """Every chain of the record, also one whose head row is missing."""
    rows = await tx.fetch("SELECT dfsp_id FROM audit_head UNION SELECT dfsp_id FROM audit_entry ORDER BY dfsp_id")
    return [row["dfsp_id"] for row in rows]


async def verify(tx: Tx, chain: UUID) -> tuple[int, ChainBroken | None]:
    """Recompute a chain: the number of good entries, and the first fault or None."""
    previous, seq = _GENESIS, 0
    while rows := await tx.fetch(_NEXT, chain, seq, _VERIFY_BATCH):
        for row in rows:
            if row["seq"] != seq + 1:
                return seq, ChainBroken(chain, seq + 1, "an entry is missing")
            if row["prev_hash"] != previous or row["hash"] != _hash_of(row, previous):
                return seq, ChainBroken(chain, seq + 1, "the entry was changed")
            previous, seq = row["hash"], row["seq"]
    head = await tx.fetchrow("SELECT seq, hash FROM audit_head WHERE dfsp_id = $1", chain)
    end = (0, _GENESIS) if head is None else (head["seq"], head["hash"])
    if end != (seq, previous):
        return seq, ChainBroken(chain, seq + 1, "entries were cut off the end")
    return seq, None


def _hash_of(row: Mapping[str, Any], previous: bytes) -> bytes:
    detail = msgspec.json.encode(msgspec.json.decode(row["detail"]), order="sorted")
    fields = (row["actor_kind"], str(row["actor_id"]), row["action"], row["subject_type"], row["subject_id"])
    return _hash(previous, row["seq"], row["at"], fields, detail)
