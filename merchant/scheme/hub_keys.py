"""Signing keys of our DFSPs and of everyone on the hub: shown, imported, rotated, retired. Every change is audited.

Whoever adds a key for a participant can speak as that participant from then on, so the fingerprint is shown to be
compared with what the participant says by another way. Routes and `merchant hub key` call these in a system
transaction: no tenant's role reads the key table.
"""

import asyncio
from datetime import datetime
from typing import Final
from uuid import UUID

from msgspec import Struct
from sqlmodel import select

from merchant.core import audit, clock, errors, sql
from merchant.core.access import Actor
from merchant.core.db import Reads, Tx
from merchant.core.locks import take_turn
from merchant.core.paging import Page, both_ways
from merchant.core.texts import _
from merchant.core.vault import Vault
from merchant.scheme import keys
from merchant.scheme.keys import JWS_SIGN, JWS_VERIFY
from merchant.scheme.models import Dfsp
from merchant.scheme.problems import KeyKnown, KeyRetired, LastSigningKey, OwnParticipant, TooManyKeys
from merchant.scheme.public_keys import PublicKey, fingerprint

# Each key of a sender is tried on each of its messages; a rotation needs two, and a few may be ahead of their time.
VALID_KEYS_MAX: Final = 10


class HubKey(Struct, frozen=True):
    """A key that signs for a participant: ours where `dfsp_id` is one of our DFSPs."""

    id: UUID
    key_id: str
    dfsp_id: UUID | None
    fsp_id: str
    purpose: str
    algorithm: str
    public_pem: str
    valid_from: datetime
    valid_until: datetime | None


_WHERE = f"purpose IN ('{JWS_SIGN}', '{JWS_VERIFY}') AND ($1::uuid IS NULL OR dfsp_id = $1)"
_LISTED = both_ways(
    sql.select(
        HubKey,
        from_="scheme_key",
        where=_WHERE + " AND ($2::text IS NULL OR fsp_id = $2) AND ($3::uuid IS NULL OR id {beyond} $3)",
        tail="ORDER BY id {way} LIMIT $4",
    )
)
_ONE = sql.select(HubKey, from_="scheme_key", where=f"{_WHERE} AND id = $2", tail="FOR UPDATE")
_OF_FSP = sql.select(
    HubKey,
    from_="scheme_key",
    where="fsp_id = $1 AND purpose = $2 AND (valid_until IS NULL OR valid_until > $3)",
    tail="ORDER BY valid_from DESC, id DESC",
)
_BY_KEY_ID = sql.select(HubKey, from_="scheme_key", where=f"purpose IN ('{JWS_SIGN}', '{JWS_VERIFY}') AND key_id = $1")


async def list_keys(tx: Reads, dfsp_id: UUID | None, page: Page, fsp_id: str | None = None) -> list[HubKey]:
    """Keys, newest first unless asked otherwise, of one of our DFSPs or of all; one more than the page's limit."""
    rows = await tx.fetch(_LISTED[page.is_oldest_first], dfsp_id, fsp_id, page.before, page.limit + 1)
    return sql.rows(HubKey, rows)


async def own_public_keys(tx: Reads, dfsp_id: UUID | None, fsp_id: str | None = None) -> list[HubKey]:
    """What partners need to verify our signatures: our keys that are valid, or will be."""
    found = await list_keys(tx, dfsp_id, Page(limit=1000), fsp_id)
    now = clock.now()
    return [key for key in found if key.purpose == JWS_SIGN and (key.valid_until is None or key.valid_until > now)]


async def import_key(
    tx: Tx,
    actor: Actor,
    fsp_id: str,
    given: PublicKey,
    *,
    valid_from: datetime | None = None,
    valid_until: datetime | None = None,
) -> HubKey:
    """Trust a public key for a participant's signatures.

    Raises OwnParticipant, KeyKnown, TooManyKeys, InvalidFields for a time that has passed or ends before it begins.
    """
    now = clock.now()
    valid_from = valid_from or now
    if valid_until is not None and valid_until <= max(now, valid_from):
        raise errors.invalid_field("valid_until", "passed", _("A key must end in the future, and after it begins."))
    await take_turn(tx, f"hub_key:{fsp_id.casefold()}")
    if await tx.fetchval("SELECT 1 FROM dfsp WHERE lower(fsp_id) = lower($1)", fsp_id):
        raise OwnParticipant
    mark = fingerprint(given.pem)
    valid = sql.rows(HubKey, await tx.fetch(_OF_FSP, fsp_id, JWS_VERIFY, now))
    if any(fingerprint(key.public_pem) == mark for key in valid):
        raise KeyKnown
    if len(valid) >= VALID_KEYS_MAX:
        raise TooManyKeys
    added = await keys.add_public(tx, fsp_id, given.pem, valid_from=valid_from, valid_until=valid_until)
    await _audit(tx, actor, "hub_key.imported", added.id, None, fsp_id=fsp_id, fingerprint=mark)
    return await _one(tx, None, added.id)


async def rotate_key(tx: Tx, vault: Vault, actor: Actor, dfsp_id: UUID, valid_from: datetime | None = None) -> HubKey:
    """Make a new signing key for one of our DFSPs; from `valid_from` (now) on it signs, and what signed stays valid.

    A later time lets the hub register the new key before the first signature of it. Raises NotFound, TooManyKeys.
    """
    dfsp: Dfsp = await tx.one(select(Dfsp).where(Dfsp.id == dfsp_id))
    now = clock.now()
    if valid_from is not None and valid_from < now:
        raise errors.invalid_field("valid_from", "passed", _("Say a time that is to come, or none for now."))
    await take_turn(tx, f"hub_key:{dfsp.fsp_id.casefold()}")
    if len(await tx.fetch(_OF_FSP, dfsp.fsp_id, JWS_SIGN, now)) >= VALID_KEYS_MAX:
        raise TooManyKeys
    pem = await asyncio.to_thread(keys.new_private_pem)
    added = await keys.add_private(tx, vault, dfsp.id, dfsp.fsp_id, JWS_SIGN, pem, valid_from=valid_from or now)
    made = await _one(tx, dfsp.id, added.id)
    mark = fingerprint(made.public_pem)
    await _audit(tx, actor, "hub_key.rotated", made.id, dfsp.id, fsp_id=dfsp.fsp_id, fingerprint=mark)
    return made


async def find_key(tx: Reads, key_id: str) -> HubKey:
    """A key by the id that its JWK carries. Raises NotFound."""
    row = await tx.fetchrow(_BY_KEY_ID, key_id)
    if row is None:
        raise errors.NotFound
    return sql.row(HubKey, row)


async def retire_key(tx: Tx, actor: Actor, key_id: UUID, at: datetime | None = None) -> HubKey:
    """End a key now, or at a later time; other processes know of it half a minute later at most.

    Raises NotFound, KeyRetired, LastSigningKey, InvalidFields for a time that has passed.
    """
    key = await _one(tx, None, key_id)
    now = clock.now()
    ends_at = at or now
    if ends_at < now:
        raise errors.invalid_field("at", "passed", _("Say a time that is to come, or none for now."))
    if key.valid_until is not None and key.valid_until <= now:
        raise KeyRetired
    if key.purpose == JWS_SIGN:
        await take_turn(tx, f"hub_key:{key.fsp_id.casefold()}")
        others = [one for one in sql.rows(HubKey, await tx.fetch(_OF_FSP, key.fsp_id, JWS_SIGN, now)) if one != key]
        if not any(_covers(other, ends_at) for other in others):
            raise LastSigningKey
    await tx.execute("UPDATE scheme_key SET valid_until = $2 WHERE id = $1", key.id, ends_at)
    until = clock.rfc3339(ends_at)
    await _audit(tx, actor, "hub_key.retired", key.id, key.dfsp_id, fsp_id=key.fsp_id, valid_until=until)
    return await _one(tx, None, key.id)


def _covers(key: HubKey, instant: datetime) -> bool:
    """Whether a key is valid at a time, and does not end with a time that is set."""
    return key.valid_from <= instant and key.valid_until is None


async def _one(tx: Tx, dfsp_id: UUID | None, key_id: UUID) -> HubKey:
    row = await tx.fetchrow(_ONE, dfsp_id, key_id)
    if row is None:
        raise errors.NotFound
    return sql.row(HubKey, row)


async def _audit(tx: Tx, actor: Actor, action: str, key_id: UUID, dfsp_id: UUID | None, **detail: str) -> None:
    await audit.record(tx, actor, action, "hub_key", key_id, dfsp_id=dfsp_id, **detail)
