"""The keys that sign the audit record, kept in the database, sealed under the vault.

A key is random and stays: `merchant rotate-keys` seals it anew under another MERCHANT_SECRET_KEY, and what it signed
can still be verified after the old one was dropped. Whoever holds the database alone can neither read a key nor make
one. Sealed with each key are the ends of all chains when it was made: up to there a chain of an installation that is
older than its first key may be unsigned, and nothing before may change.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from sqlmodel import SQLModel

from merchant.core import clock, columns, ids
from merchant.core.vault import Vault, derive

CONTEXT = "audit-secret:{id}"  # as vault.seal is told
_ALL = "SELECT id, secret_sealed FROM audit_secret ORDER BY created_at, id"
_ADD = "INSERT INTO audit_secret (id, secret_sealed, created_at) VALUES ($1, $2, $3)"
_HEADS = "SELECT dfsp_id, seq, hash FROM audit_head WHERE seq > 0"
# Of processes that start together on a new database, one makes the key. The letters "audkey".
_LOCK = "SELECT pg_advisory_xact_lock(107162763421049)"


class AuditSecret(SQLModel, table=True):
    """A sealed key of the audit record."""

    __tablename__ = "audit_secret"
    id: UUID = columns.key()
    secret_sealed: bytes = columns.sealed(nullable=False)
    created_at: datetime = columns.instant()


class Head(msgspec.Struct, frozen=True):
    """The end of a chain at some time."""

    chain: UUID
    seq: int
    hash: str  # hexadecimal


class _Sealed(msgspec.Struct, frozen=True):
    """What the vault sealed."""

    secret: str
    created_at: datetime
    heads: list[Head]


class AuditKey(msgspec.Struct, frozen=True):
    """One key: it signs entries of chains, lines of anchors, and digests of reasons, each under its own purpose."""

    id: UUID
    created_at: datetime
    heads: list[Head]
    chain_key: bytes
    anchor_key: bytes
    reason_key: bytes

    def sign_entry(self, content: bytes) -> bytes:
        """The hash of an entry of a chain."""
        return hmac.digest(self.chain_key, content, hashlib.sha256)

    def sign_anchor(self, content: bytes) -> str:
        """The signature of an anchor's line, in hexadecimal."""
        return hmac.digest(self.anchor_key, content, hashlib.sha256).hex()

    def digest_reason(self, chain: UUID, seq: int, reason: str) -> str:
        """What stands in an entry instead of a reason in someone's own words, in hexadecimal."""
        return hmac.digest(self.reason_key, f"{chain}/{seq}:{reason}".encode(), hashlib.sha256).hex()


class AuditKeys:
    """The keys of one installation, read once a process; the newest signs, all verify."""

    def __init__(self, vault: Vault, connect: Callable[[], Awaitable[asyncpg.Connection[Any]]]) -> None:
        self.vault = vault
        self._connect = connect  # makes a connection outside the pools, as merchant_system
        self._lock = asyncio.Lock()
        self._keys: dict[UUID, AuditKey] = {}
        self._newest: AuditKey | None = None

    async def newest(self) -> AuditKey:
        """The key that signs now, made when there is none yet. Raises BadSecretKey."""
        return self._newest or await self._load_or_make()

    def all(self) -> list[AuditKey]:
        """Every key that was read, oldest first."""
        return sorted(self._keys.values(), key=lambda key: (key.created_at, key.id))

    def find(self, key_id: UUID) -> AuditKey | None:
        """A key by its id."""
        return self._keys.get(key_id)

    async def load(self, fetch: Callable[[str], Awaitable[list[asyncpg.Record]]]) -> None:
        """Read the keys that there are, by the fetch of any open connection. Raises BadSecretKey."""
        for row in await fetch(_ALL):
            if row["id"] not in self._keys:
                self._keys[row["id"]] = _opened(self.vault, row["id"], row["secret_sealed"])
        self._newest = self.all()[-1] if self._keys else None

    async def add(self) -> AuditKey:
        """Make another key, which signs from now on in this process, and in others once they start again."""
        return await self._load_or_make(another=True)

    async def _load_or_make(self, *, another: bool = False) -> AuditKey:
        # A connection of its own: the caller holds one of the pool already, and the key must outlive the caller's
        # transaction.
        async with self._lock:
            if self._newest is not None and not another:
                return self._newest
            connection = await self._connect()
            try:
                async with connection.transaction():
                    await connection.execute(_LOCK)
                    await self.load(connection.fetch)
                    if self._newest is None or another:
                        await connection.execute(_ADD, *_new(self.vault, await connection.fetch(_HEADS)))
                await self.load(connection.fetch)
            finally:
                await connection.close()
            assert self._newest is not None
            return self._newest


def _new(vault: Vault, heads: list[asyncpg.Record]) -> tuple[UUID, bytes, datetime]:
    key_id, now = ids.uuid7(), clock.now()
    content = _Sealed(
        base64.b64encode(secrets.token_bytes(32)).decode(),
        now,
        [Head(row["dfsp_id"], row["seq"], row["hash"].hex()) for row in heads],
    )
    return key_id, vault.seal(msgspec.json.encode(content), CONTEXT.format(id=key_id)), now


def _opened(vault: Vault, key_id: UUID, sealed: bytes) -> AuditKey:
    content = msgspec.json.decode(vault.open(sealed, CONTEXT.format(id=key_id)), type=_Sealed)
    secret = base64.b64decode(content.secret)
    purposes = (derive(secret, purpose) for purpose in (b"audit-chain", b"audit-anchor", b"audit-reason"))
    return AuditKey(key_id, content.created_at, content.heads, *purposes)
