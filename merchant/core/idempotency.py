"""A call that makes what must not be made twice carries an id made by the caller; the effect, the input's hash and the
answer are stored together.

A second call with the same key waits, in the database, for the first to end: then it answers what the first
answered, or, when the first failed, does the work itself. Nothing is checked and then acted upon.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from merchant.core import clock, columns, errors
from merchant.core.access import Actor
from merchant.core.db import Tx, forget
from merchant.core.vault import Vault

_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}")
# A day is the least that clients count on; two days also cover a till that was switched off over a public holiday.
KEPT_FOR = timedelta(hours=48)


class IdempotencyKey(SQLModel, table=True):
    """One key of one actor on one operation."""

    __tablename__ = "idempotency_key"
    __table_args__ = (Index("idempotency_key_created", "created_at", postgresql_using="brin"),)
    scope: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    dfsp_id: str
    input_hash: bytes = columns.sealed(nullable=False)
    status: int | None = None
    body_sealed: bytes | None = columns.sealed()
    created_at: datetime = columns.instant()


class Outcome(msgspec.Struct, frozen=True):
    """What the first call answered: HTTP status and body bytes; `replayed` on a repeat."""

    status: int
    body: bytes
    replayed: bool = False


_CLAIM = """
INSERT INTO idempotency_key (scope, key, dfsp_id, input_hash, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (scope, key) DO NOTHING
"""
_READ = "SELECT input_hash, status, body_sealed FROM idempotency_key WHERE scope = $1 AND key = $2"
_STORE = "UPDATE idempotency_key SET status = $3, body_sealed = $4 WHERE scope = $1 AND key = $2"


def check_key(key: str | None) -> str:
    """The caller's key. Raises IdempotencyKeyMissing, IdempotencyKeyMalformed."""
    if key is None:
        raise errors.IdempotencyKeyMissing
    if not _KEY.fullmatch(key):
        raise errors.IdempotencyKeyMalformed
    return key


async def run_once(
    tx: Tx,
    vault: Vault,
    actor: Actor,
    operation: str,
    key: str,
    body: bytes,
    do: Callable[[], Awaitable[tuple[int, bytes]]],
) -> Outcome:
    """Do the work at most once per (actor, operation, key), in the caller's transaction.

    Raises IdempotencyKeyReused when the key came before with another input.
    """
    scope = f"{actor.id}:{operation}"
    input_hash = hashlib.sha256(_canonical(body)).digest()
    context = f"idempotency:{scope}/{key}"
    claimed = await tx.execute(_CLAIM, scope, key, str(actor.dfsp_id or "hub"), input_hash, clock.now())
    if not claimed:
        first = await tx.fetchrow(_READ, scope, key)
        if first is None or first["status"] is None:
            raise errors.IdempotencyInProgress
        if first["input_hash"] != input_hash:
            raise errors.IdempotencyKeyReused
        return Outcome(first["status"], vault.open(first["body_sealed"], context), replayed=True)
    status, answer = await do()
    await tx.execute(_STORE, scope, key, status, vault.seal(answer, context))
    return Outcome(status, answer)


async def find_outcome(tx: Tx, vault: Vault, actor: Actor, operation: str, key: str, body: bytes) -> Outcome | None:
    """What the first call with this key answered; None before it did. For work that is done before the transaction.

    Raises IdempotencyKeyReused when the key came before with another input.
    """
    scope = f"{actor.id}:{operation}"
    first = await tx.fetchrow(_READ, scope, key)
    if first is None or first["status"] is None:
        return None
    if first["input_hash"] != hashlib.sha256(_canonical(body)).digest():
        raise errors.IdempotencyKeyReused
    return Outcome(first["status"], vault.open(first["body_sealed"], f"idempotency:{scope}/{key}"), replayed=True)


def _canonical(body: bytes) -> bytes:
    """The same for the same JSON in any order and spacing: a caller that repeats may write it anew."""
    try:
        return msgspec.json.encode(msgspec.json.decode(body), order="sorted")
    except (msgspec.DecodeError, ValueError):
        return body


async def prune(tx: Tx, limit: int) -> int:
    """Forget keys older than KEPT_FOR; the number forgotten, at most `limit`."""
    return await forget(tx, "idempotency_key", "scope, key", "created_at", clock.now() - KEPT_FOR, limit)
