"""Reads of the payments, for the API's routes and for the demo's pages: plain SQL, tenant named in each statement.

Row-level security walls tenants off besides; the actor's merchant and counter narrow what is left. Rows go to
schemas.py as they are.
"""

from uuid import UUID

import asyncpg

from merchant.core import errors
from merchant.core.access import Actor
from merchant.core.db import Reads

_REQUEST = """
SELECT p.id, p.state, p.amount_minor, p.currency, p.counter_id, p.merchant_id, p.payer_type, p.payer_masked,
       p.reference, p.note, p.created_at, p.expires_at, p.paid_at, p.late, p.reason_code, p.reason_message,
       p.short_ref, p.transaction_request_id, p.transaction_id, p.transfer_id,
       p.alias_type, p.alias, m.trading_name, m.city, m.country, m.mcc
FROM payment_request p JOIN merchant m ON m.id = p.merchant_id
WHERE ($1::uuid IS NULL OR p.dfsp_id = $1) AND ($2::uuid IS NULL OR p.merchant_id = $2)
  AND ($3::uuid IS NULL OR p.counter_id = $3)
"""
_ONE_REQUEST = _REQUEST + " AND p.id = $4"
_REQUESTS = (
    _REQUEST
    + """
  AND ($4::uuid IS NULL OR p.id < $4) AND ($5::text IS NULL OR p.state = $5)
  AND ($6::uuid IS NULL OR p.counter_id = $6) AND ($7::text IS NULL OR p.reference = $7)
  AND ($8::uuid IS NULL OR p.merchant_id = $8)
ORDER BY p.id DESC LIMIT $9
"""
)
_EVENTS = "SELECT seq, at, state, cause, detail FROM payment_event WHERE request_id = $1 ORDER BY seq"
_PAYMENTS = """
SELECT p.id, p.amount_minor, p.currency, p.counter_id, p.merchant_id, p.request_id, p.payer_masked, p.note,
       p.received_at, p.transfer_id, p.transaction_id, r.transaction_request_id
FROM payment p LEFT JOIN payment_request r ON r.id = p.request_id
WHERE ($1::uuid IS NULL OR p.dfsp_id = $1) AND ($2::uuid IS NULL OR p.merchant_id = $2)
  AND ($3::uuid IS NULL OR p.counter_id = $3)
  AND ($4::uuid IS NULL OR p.id < $4) AND ($5::uuid IS NULL OR p.counter_id = $5)
  AND ($6::uuid IS NULL OR p.merchant_id = $6)
ORDER BY p.id DESC LIMIT $7
"""


async def payment_request(tx: Reads, actor: Actor, request_id: UUID) -> asyncpg.Record:
    """One request with its merchant's public facts. Raises NotFound."""
    row = await tx.fetchrow(_ONE_REQUEST, actor.dfsp_id, actor.merchant_id, actor.counter_id, request_id)
    if row is None:
        raise errors.NotFound
    return row


async def payment_requests(
    tx: Reads,
    actor: Actor,
    limit: int,
    before: UUID | None,
    *,
    state: str | None,
    counter_id: UUID | None,
    reference: str | None,
    merchant_id: UUID | None,
) -> list[asyncpg.Record]:
    """Requests, newest first, one more than `limit` when there are more."""
    return await tx.fetch(
        _REQUESTS,
        actor.dfsp_id,
        actor.merchant_id,
        actor.counter_id,
        before,
        state,
        counter_id,
        reference,
        merchant_id,
        limit + 1,
    )


async def history(tx: Reads, request_id: UUID) -> list[asyncpg.Record]:
    """The steps of a request that the caller has seen before (payment_request checks that)."""
    return await tx.fetch(_EVENTS, request_id)


async def payments(
    tx: Reads, actor: Actor, limit: int, before: UUID | None, *, counter_id: UUID | None, merchant_id: UUID | None
) -> list[asyncpg.Record]:
    """Payments, newest first, one more than `limit` when there are more."""
    return await tx.fetch(
        _PAYMENTS, actor.dfsp_id, actor.merchant_id, actor.counter_id, before, counter_id, merchant_id, limit + 1
    )
