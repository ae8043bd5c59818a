"""The record of who did what: append-only, chained by a keyed hash, one chain per DFSP (and one for the hub).

One chain for all tenants would serialise every commit. Personal data never enters an entry: erasing a person must not
break the chain; a reason in someone's own words is sealed beside it (`audit_reason`), and the entry holds its digest.
`verify` recomputes a chain and names the first entry that does not fit. What a chain alone cannot show, that its end or
the whole of it is missing, audit_anchors.py finds by heads kept outside the database.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from merchant.core import clock, columns
from merchant.core.access import Actor
from merchant.core.audit_keys import AuditKey, AuditKeys
from merchant.core.db import Tx
from merchant.core.texts import _
from merchant.core.vault import BadSecretKey

HUB_CHAIN = UUID(int=0)  # actions that belong to no DFSP
REASON_CONTEXT = "audit-reason:{dfsp_id}/{seq}"  # as vault.seal is told
# How long a program of the release before, which signs nothing, may still write beside this one.
ROLL_OUT = timedelta(hours=24)
_GENESIS = b"\0" * 32
Hashes = Mapping[int, set[str]]  # in hexadecimal, of entries by their numbers


class AuditEntry(SQLModel, table=True):
    """One action of one actor on one thing."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("audit_entry_by_subject", "dfsp_id", "subject_id", "seq"),)
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
    key_id: UUID | None = None  # of the audit_secret that signed it; before there were any, a plain SHA-256


class AuditHead(SQLModel, table=True):
    """The end of each chain; its row lock orders the writers."""

    __tablename__ = "audit_head"
    dfsp_id: UUID = Field(primary_key=True)
    seq: int = Field(sa_type=BigInteger)
    hash: bytes = columns.sealed(nullable=False)


class AuditReason(SQLModel, table=True):
    """Why someone did what an entry tells, in their own words: it can be sealed anew and erased, the entry cannot."""

    __tablename__ = "audit_reason"
    dfsp_id: UUID = Field(primary_key=True)
    seq: int = Field(primary_key=True, sa_type=BigInteger)
    reason_sealed: bytes = columns.sealed(nullable=False)


_ADVANCE = """
INSERT INTO audit_head (dfsp_id, seq, hash) VALUES ($1, 0, $2) ON CONFLICT (dfsp_id) DO NOTHING
"""
_HEAD = "SELECT seq, hash FROM audit_head WHERE dfsp_id = $1 FOR UPDATE"
_WRITE = """
WITH entry AS (
  INSERT INTO audit_entry (dfsp_id, seq, at, actor_kind, actor_id, action, subject_type, subject_id, detail,
                           prev_hash, hash, key_id)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9::jsonb, $10, $11, $12)
), reason AS (
  INSERT INTO audit_reason (dfsp_id, seq, reason_sealed) SELECT $1, $2, $13::bytea WHERE $13::bytea IS NOT NULL
)
UPDATE audit_head SET seq = $2, hash = $11 WHERE dfsp_id = $1
"""
_WRITE_MANY = """
INSERT INTO audit_entry (dfsp_id, seq, at, actor_kind, actor_id, action, subject_type, subject_id, detail,
                         prev_hash, hash, key_id)
SELECT $1, given.seq, $2, given.actor_kind, given.actor_id, given.action, given.subject_type, given.subject_id,
       given.detail::jsonb, given.prev_hash, given.hash, $3
FROM unnest($4::bigint[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::text[], $10::text[], $11::bytea[],
            $12::bytea[])
  AS given (seq, actor_kind, actor_id, action, subject_type, subject_id, detail, prev_hash, hash)
"""
# A statement of its own: the database lets an end move by many only where it sees all of them.
_MOVE_HEAD = "UPDATE audit_head SET seq = $2, hash = $3 WHERE dfsp_id = $1"
_NEXT = """
SELECT e.seq, at, actor_kind, actor_id, action, subject_type, subject_id, detail::text AS detail, prev_hash, hash,
  key_id, reason_sealed
FROM audit_entry e LEFT JOIN audit_reason r ON r.dfsp_id = e.dfsp_id AND r.seq = e.seq
WHERE e.dfsp_id = $1 AND e.seq > $2 ORDER BY e.seq LIMIT $3
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
    reason: str | None = None,
    **detail: Any,
) -> None:
    """Append an entry to the DFSP's chain (the hub's when `dfsp_id` is None) in the caller's transaction.

    `detail` holds states, versions and codes: JSON values, no personal data. `reason` is in someone's own words.
    """
    chain = dfsp_id or HUB_CHAIN
    if actor.channel:
        detail["channel"] = actor.channel
    key = await tx.audit_keys.newest()
    head = await _lock_head(tx, chain)
    at, seq = clock.now(), head["seq"] + 1
    sealed = None
    if reason:
        sealed = tx.audit_keys.vault.seal(reason.encode(), REASON_CONTEXT.format(dfsp_id=chain, seq=seq))
        detail["reason_digest"] = key.digest_reason(chain, seq, reason)
    detail_json = msgspec.json.encode(detail, order="sorted")
    fields = (actor.kind, str(actor.id), action, subject_type, str(subject_id))
    await tx.execute(
        _WRITE,
        chain,
        seq,
        at,
        actor.kind,
        actor.id,
        action,
        subject_type,
        str(subject_id),
        detail_json.decode(),
        head["hash"],
        _signed(key, chain, head["hash"], seq, at, fields, detail_json),
        key.id,
        sealed,
    )


class NewEntry(msgspec.Struct, frozen=True):
    """One of many entries that are appended together; `detail` as `record` takes it."""

    actor: Actor
    action: str
    subject_type: str
    subject_id: object
    detail: dict[str, Any]


async def record_many(tx: Tx, entries: Sequence[NewEntry], *, dfsp_id: UUID | None) -> None:
    """Append entries to one chain in their order, together: a row of an import makes up to three.

    Each is signed over the one before, as `record` does it. They have no reasons in someone's own words.
    """
    if not entries:
        return
    chain = dfsp_id or HUB_CHAIN
    key = await tx.audit_keys.newest()
    head = await _lock_head(tx, chain)
    at, seq, previous = clock.now(), head["seq"], head["hash"]
    rows = []
    for one in entries:
        seq += 1
        detail = msgspec.json.encode(one.detail, order="sorted")
        subject = (one.action, one.subject_type, str(one.subject_id))
        signed = _signed(key, chain, previous, seq, at, (one.actor.kind, str(one.actor.id), *subject), detail)
        rows.append((seq, one.actor.kind, one.actor.id, *subject, detail.decode(), previous, signed))
        previous = signed
    await tx.execute(_WRITE_MANY, chain, at, key.id, *map(list, zip(*rows, strict=True)))
    await tx.execute(_MOVE_HEAD, chain, seq, previous)


async def _lock_head(tx: Tx, chain: UUID) -> Mapping[str, Any]:
    """The end of a chain, locked until the transaction ends; a new chain begins."""
    head = await tx.fetchrow(_HEAD, chain)
    if head is None:
        await tx.execute(_ADVANCE, chain, _GENESIS)
        head = await tx.fetchrow(_HEAD, chain)
        assert head is not None
    found: Mapping[str, Any] = head
    return found


def _signed(
    key: AuditKey, chain: UUID, previous: bytes, seq: int, at: datetime, fields: tuple[str, ...], detail: bytes
) -> bytes:
    body = msgspec.json.encode([chain, key.id, seq, at.isoformat(), *fields, msgspec.Raw(detail)])
    return key.sign_entry(previous + body)


def _unsigned(previous: bytes, seq: int, at: datetime, fields: tuple[str, ...], detail: bytes) -> bytes:
    """The hash of entries from before there were keys."""
    body = msgspec.json.encode([seq, at.isoformat(), *fields, msgspec.Raw(detail)])
    return hashlib.sha256(previous + body).digest()


class ChainBroken(msgspec.Struct, frozen=True):
    """Where a chain is broken."""

    dfsp_id: UUID
    seq: int
    problem: str


async def chains(tx: Tx) -> list[UUID]:
    """Every chain of the record, also one whose head row is missing."""
    rows = await tx.fetch("SELECT dfsp_id FROM audit_head UNION SELECT dfsp_id FROM audit_entry ORDER BY dfsp_id")
    return [row["dfsp_id"] for row in rows]


class Position(msgspec.Struct, frozen=True):
    """How far a pass over a chain has come: JSON, so that a background job goes on from it."""

    seq: int = 0
    previous: str = _GENESIS.hex()
    pending: int | None = None


class Passed(msgspec.Struct, frozen=True):
    """What a part of a pass found; at the end of the chain the number of good entries, and the first fault or None."""

    position: Position
    is_over: bool
    entries: int
    fault: ChainBroken | None = None


async def verify(tx: Tx, chain: UUID, anchored: Hashes | None = None) -> tuple[int, ChainBroken | None]:
    """Recompute a chain: the number of good entries, and the first fault or None.

    `anchored` are hashes in hexadecimal, by the entry's number, that were seen before: all of them must be here still.
    """
    passed = await verify_part(tx, chain, anchored)
    while not passed.is_over:
        passed = await verify_part(tx, chain, anchored, passed.position)
    return passed.entries, passed.fault


async def verify_part(
    tx: Tx, chain: UUID, anchored: Hashes | None = None, start: Position | None = None, most: int = 100_000
) -> Passed:
    """Recompute a chain from where a part before it stopped, some `most` entries far. What is written meanwhile counts.

    A part trusts what the parts before it found: the position is kept where whoever changes entries cannot write it,
    or the pass is done in one go.
    """
    await tx.audit_keys.load(tx.fetch)
    check = _Check(tx.audit_keys, chain, anchored or {}, start or Position())
    until = check.seq + most
    is_at_end = False
    while check.seq < until:
        rows = await tx.fetch(_NEXT, chain, check.seq, _VERIFY_BATCH)
        for row in rows:
            if problem := check.fault_of(row):
                return Passed(check.position(), True, check.seq, ChainBroken(chain, check.seq + 1, problem))
        if rows:
            is_at_end = False
            continue
        head = await tx.fetchrow("SELECT seq, hash FROM audit_head WHERE dfsp_id = $1", chain)
        end = (0, _GENESIS) if head is None else (head["seq"], head["hash"])
        # Someone may have written between the two statements: what the head counts is there to be read by now.
        if end[0] > check.seq and not is_at_end:
            is_at_end = True
            continue
        return Passed(check.position(), True, *check.ended(end))
    return Passed(check.position(), False, check.seq)


class _Check:
    """One pass over a chain, entry by entry."""

    def __init__(self, keys: AuditKeys, chain: UUID, anchored: Hashes, start: Position) -> None:
        self.previous, self.seq = bytes.fromhex(start.previous), start.seq
        self._keys, self._chain = keys, chain
        # What a key was sealed with counts like an anchor.
        own = [head for key in keys.all() for head in key.heads if head.chain == chain]
        self.anchored = {seq: set(hashes) for seq, hashes in anchored.items()}
        for head in own:
            self.anchored.setdefault(head.seq, set()).add(head.hash)
        first = keys.all()[0] if keys.all() else None
        # Older than its first key, the record may be unsigned up to there, and a day longer where programs of the
        # release before still ran.
        before_key = [head.seq for head in first.heads if head.chain == chain] if first else []
        self._unsigned_until = before_key[0] if before_key else 0
        self._rolled_out = first.created_at + ROLL_OUT if first and first.heads else None
        self._no_key_yet = first is None
        self._pending = start.pending  # the first unsigned entry that no signed one of the roll-out follows yet

    def position(self) -> Position:
        """How far the pass has come."""
        return Position(self.seq, self.previous.hex(), self._pending)

    def ended(self, head: tuple[int, bytes]) -> tuple[int, ChainBroken | None]:
        """The number of good entries at the end of the chain, which its head names, and what is wrong there."""
        if head != (self.seq, self.previous) or any(seq > self.seq for seq in self.anchored):
            return self.seq, ChainBroken(self._chain, self.seq + 1, _("entries were cut off the end"))
        if unsigned := self.unsigned_at_the_end():
            return unsigned - 1, ChainBroken(self._chain, unsigned, _("the entry is not signed"))
        return self.seq, None

    def fault_of(self, row: Mapping[str, Any]) -> str | None:
        """What is wrong with the entry after the one before; None goes on to the next."""
        seq = row["seq"]
        if seq != self.seq + 1:
            return _("an entry is missing")
        key = self._keys.find(row["key_id"]) if row["key_id"] else None
        if row["key_id"] and key is None:
            return _("the key that signed the entry is missing")
        if row["prev_hash"] != self.previous or row["hash"] != _hash_of(key, self._chain, row, self.previous):
            return _("the entry was changed")
        if self.anchored.get(seq, set()) - {row["hash"].hex()}:
            return _("the entry is another than was anchored")
        if key is None and not self._no_key_yet and seq > self._unsigned_until:
            if self._rolled_out is None:
                return _("the entry is not signed")
            self._pending = self._pending or seq
        elif key is not None and self._pending is not None:
            if self._rolled_out is None or row["at"] > self._rolled_out:
                self.seq = self._pending - 1
                return _("the entry is not signed")
            self._pending = None
        if row["reason_sealed"] is not None and not self._reason_fits(key, row):
            return _("the entry's reason was changed")
        self.previous, self.seq = row["hash"], seq
        return None

    def unsigned_at_the_end(self) -> int | None:
        """The first of the unsigned entries at the end that no roll-out explains."""
        over = self._rolled_out is None or clock.now() > self._rolled_out
        return self._pending if over else None

    def _reason_fits(self, key: AuditKey | None, row: Mapping[str, Any]) -> bool:
        reason = open_reason(self._keys, self._chain, row["seq"], row["reason_sealed"])
        told = msgspec.json.decode(row["detail"]).get("reason_digest")
        return key is not None and reason is not None and told == key.digest_reason(self._chain, row["seq"], reason)


def open_reason(keys: AuditKeys, chain: UUID, seq: int, sealed: bytes) -> str | None:
    """A reason as it was given; None when it does not open."""
    try:
        return keys.vault.open(sealed, REASON_CONTEXT.format(dfsp_id=chain, seq=seq)).decode()
    except (BadSecretKey, IndexError, UnicodeDecodeError):
        return None


def _hash_of(key: AuditKey | None, chain: UUID, row: Mapping[str, Any], previous: bytes) -> bytes:
    detail = msgspec.json.encode(msgspec.json.decode(row["detail"]), order="sorted")
    fields = (row["actor_kind"], str(row["actor_id"]), row["action"], row["subject_type"], row["subject_id"])
    if key is None:
        return _unsigned(previous, row["seq"], row["at"], fields, detail)
    return _signed(key, chain, previous, row["seq"], row["at"], fields, detail)
