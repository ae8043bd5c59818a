"""Adding DFSPs, issuing, replacing and revoking API keys. Every change is audited.

routes.py calls these in its transaction. They write the rows by which sessions.py then recognises keys, and, for a new
DFSP, the keys for signatures and for ILP. People are in users.py.
"""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

from merchant.compliance.policies.capabilities import require_capability
from merchant.core import access, audit, clock, errors, ids, vault
from merchant.core.access import Actor, Permission, scope_to
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.people.models import ApiKey
from merchant.registry.merchants.models import Counter, Merchant
from merchant.scheme import keys
from merchant.scheme.models import Dfsp
from merchant.scheme.participants import check_base_url

KEY_LIFETIME = timedelta(days=365)  # unless another is asked for: a key that leaked is no good for ever
MAX_KEY_LIFETIME = timedelta(days=730)
KEY_OVERLAP = timedelta(hours=24)  # how long a key that was replaced works on, while its machines learn the new one


class IssuedKey(msgspec.Struct, frozen=True):
    """A new API key; its text is shown this once only."""

    row: ApiKey
    text: str


async def create_dfsp(tx: Tx, service: Service, actor: Actor, fsp_id: str, name: str, **options: str) -> Dfsp:
    """Add a participant: the tenant, its signing key and its ILP secret.

    Added by the machine's operator it is enabled at once; else scheme/enabling.py lets it take part.
    Raises InvalidFields, Conflict for a known fsp_id.
    """
    dfsp = Dfsp(
        fsp_id=fsp_id,
        name=name,
        hub_url=check_base_url("hub_url", options["hub_url"]) if options.get("hub_url") else "",
        transfer_mode=options.get("transfer_mode", "RESERVED"),
        enabled=actor.kind == "service",
    )
    tx.session.add(dfsp)
    await flush_unique(tx, _("A participant with this fsp_id exists."))
    # The app role may add to the key table but never read it.
    await keys.add_private(
        tx, service.vault, dfsp.id, fsp_id, keys.JWS_SIGN, await asyncio.to_thread(keys.new_private_pem)
    )
    await keys.add_private(tx, service.vault, dfsp.id, fsp_id, keys.ILP, ids.secret_token())
    await audit.record(tx, actor, "dfsp.created", "dfsp", dfsp.id, dfsp_id=None, fsp_id=fsp_id)
    # Its own chain begins with it: a DFSP without a chain has lost it.
    await audit.record(tx, actor, "dfsp.created", "dfsp", dfsp.id, dfsp_id=dfsp.id, fsp_id=fsp_id)
    return dfsp


_KEY_OF = """
SELECT dfsp_id, tier FROM merchant
WHERE id = coalesce($1, (SELECT merchant_id FROM counter WHERE id = $2))
"""


async def check_keys_permitted(tx: Tx, service: Service, merchant_id: UUID | None, counter_id: UUID | None) -> None:
    """Refuse a key of a merchant whose tier has none, raising CapabilityMissing; a place unknown is for issue_key."""
    row = await tx.fetchrow(_KEY_OF, merchant_id, counter_id)
    if row is not None:
        await require_capability(service, row["dfsp_id"], row["tier"], "api_keys")


async def issue_key(
    tx: Tx,
    actor: Actor,
    *,
    name: str,
    scopes: list[str],
    dfsp_id: UUID | None = None,
    merchant_id: UUID | None = None,
    counter_id: UUID | None = None,
    lifetime: timedelta | None = None,
) -> IssuedKey:
    """Make an API key of a DFSP, or of one of its merchants or counters.

    It ends after a year unless `lifetime` says otherwise, and whoever issues it answers for what it writes.

    Raises NotAllowed for scopes that such a key may not hold or that the actor may not give, InvalidFields for places
    that are not the DFSP's.
    """
    owner = owner_of(actor, dfsp_id)
    if owner is None:
        raise errors.invalid_field("dfsp_id", "missing", _("Say which DFSP the key is for."))
    wanted = {Permission(scope) for scope in scopes}
    if forbidden := wanted - access.key_scopes(merchant_id, counter_id):
        raise errors.NotAllowed(_("Such a key may not hold {permissions}.", permissions=", ".join(sorted(forbidden))))
    if beyond := wanted - access.delegable(actor):
        told = _("You may not give a key {permissions}, which you do not hold.", permissions=", ".join(sorted(beyond)))
        raise errors.NotAllowed(told)
    await require(tx, select(Dfsp).where(Dfsp.id == owner), "dfsp_id")
    if counter_id is not None:
        counter = await require(
            tx, select(Counter).where(Counter.id == counter_id, Counter.dfsp_id == owner), "counter_id"
        )
        if merchant_id not in (None, counter.merchant_id):
            raise errors.invalid_field("counter_id", "mismatch", _("The counter is another merchant's."))
        merchant_id = counter.merchant_id
    elif merchant_id is not None:
        await require(tx, select(Merchant).where(Merchant.id == merchant_id, Merchant.dfsp_id == owner), "merchant_id")
    text = f"mk_{ids.secret_token()}"
    row = ApiKey(
        dfsp_id=owner,
        merchant_id=merchant_id,
        counter_id=counter_id,
        name=name,
        digest=vault.token_digest(text),
        scopes=sorted(set(scopes)),
        expires_at=clock.now() + min(lifetime or KEY_LIFETIME, MAX_KEY_LIFETIME),
        issued_by=actor.id if actor.kind == "user" else None,
    )
    tx.session.add(row)
    await audit.record(tx, actor, "api_key.issued", "api_key", row.id, dfsp_id=owner, scopes=row.scopes)
    return IssuedKey(row, text)


async def rotate_key(tx: Tx, actor: Actor, key_id: UUID) -> IssuedKey:
    """Issue a key that may do what this one may, for as long from now as this one was to live from its first day.

    The old one works on for a day. Raises NotFound, WrongState for a key that has ended, and what issue_key raises.
    """
    statement = scope_to(actor, select(ApiKey).where(ApiKey.id == key_id), ApiKey)
    key: ApiKey = await tx.one(statement.with_for_update())
    now = clock.now()
    if key.revoked_at is not None or (key.expires_at is not None and key.expires_at <= now):
        raise errors.WrongState(_("This key has ended; issue a new one."))
    issued = await issue_key(
        tx,
        actor,
        name=key.name,
        scopes=[scope for scope in key.scopes if scope in access.key_scopes(key.merchant_id, key.counter_id)],
        dfsp_id=key.dfsp_id,
        merchant_id=key.merchant_id,
        counter_id=key.counter_id,
        lifetime=key.expires_at - key.created_at if key.expires_at else None,
    )
    key.expires_at = min(key.expires_at or now + KEY_OVERLAP, now + KEY_OVERLAP)
    replaced = {"replaced_by": str(issued.row.id)}
    await audit.record(tx, actor, "api_key.rotated", "api_key", key.id, dfsp_id=key.dfsp_id, **replaced)
    return issued


async def revoke_key(tx: Tx, actor: Actor, key_id: UUID) -> None:
    """Stop an API key at once. Raises NotFound."""
    statement = scope_to(actor, select(ApiKey).where(ApiKey.id == key_id), ApiKey)
    key: ApiKey = await tx.one(statement.with_for_update())
    key.revoked_at = key.revoked_at or clock.now()
    await audit.record(tx, actor, "api_key.revoked", "api_key", key.id, dfsp_id=key.dfsp_id)


def owner_of(actor: Actor, dfsp_id: UUID | None) -> UUID | None:
    """The DFSP that a new account is for: a DFSP's admin can name none but their own. Raises InvalidFields."""
    if actor.dfsp_id is not None and dfsp_id not in (None, actor.dfsp_id):
        raise errors.invalid_field("dfsp_id", "unknown", _("There is no such one."))
    return actor.dfsp_id or dfsp_id


async def require(tx: Tx, statement: Any, field: str) -> Any:
    """The row that a field names. Raises InvalidFields when there is none."""
    try:
        return await tx.one(statement)
    except errors.NotFound:
        raise errors.invalid_field(field, "unknown", _("There is no such one.")) from None


async def flush_unique(tx: Tx, message: str) -> None:
    """Write what the session holds. Raises Conflict with this sentence where something unique is taken."""
    try:
        await tx.flush()
    except IntegrityError:
        raise errors.Conflict(message) from None
