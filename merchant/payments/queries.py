"""Reads of the payments, for the API's routes and for the demo's pages: plain SQL, tenant named in each statement.

Row-level security walls tenants off besides; the actor's merchant and counter narrow what is left. Rows go to
schemas.py as they are.
"""

from uuid import UUID

import asyncpg

from merchant.core import errors
from merchant.core.access import Actor
from merchant.core.db import Reads
from merchant.core.paging import NEWEST, Page
from merchant.payments import finding
from merchant.payments.finding import Sought
from merchant.payments.search import PAYMENT

_REQUEST_COLUMNS = """
SELECT p.id, p.state, p.amount_minor, p.currency, p.counter_id, p.merchant_id, p.payer_type, p.payer_masked,
       p.reference, p.note, p.created_at, p.expires_at, p.paid_at, p.late, p.reason_code, p.reason_message,
       p.short_ref, p.transaction_request_id, p.transaction_id, p.transfer_id,
       p.alias_type, p.alias, m.trading_name, m.ussd_name, m.city, m.country, m.mcc,
       coalesce((SELECT c.name FROM counter c WHERE c.id = p.counter_id), '') AS counter_name
FROM payment_request p JOIN merchant m ON m.id = p.merchant_id
"""
_ONE_REQUEST = (
    _REQUEST_COLUMNS
    + """
WHERE ($1::uuid IS NULL OR p.dfsp_id = $1) AND ($2::uuid IS NULL OR p.merchant_id = $2)
  AND ($3::uuid IS NULL OR p.counter_id = $3) AND p.id = $4
"""
)
_REQUESTS = _REQUEST_COLUMNS + "WHERE p.id = ANY($1) ORDER BY array_position($1, p.id)"
_EVENTS = "SELECT seq, at, state, cause, detail FROM payment_event WHERE request_id = $1 ORDER BY seq"
# A merchant that went to another DFSP leaves its money without a name. Joined, all names might be read for some rows.
_PAYMENTS = """
SELECT p.id, p.amount_minor, p.currency, p.counter_id, p.merchant_id, p.request_id, p.payer_masked, p.note,
       p.received_at, p.transfer_id, p.transaction_id, r.transaction_request_id,
       coalesce((SELECT m.trading_name FROM merchant m WHERE m.id = p.merchant_id), '') AS merchant_name,
       coalesce((SELECT c.name FROM counter c WHERE c.id = p.counter_id), '') AS counter_name
FROM payment p LEFT JOIN payment_request r ON r.id = p.request_id /*distributed: AND r.dfsp_id = p.dfsp_id*/
WHERE p.id = ANY($1)
ORDER BY array_position($1, p.id)
"""
_PAYMENT = (
    PAYMENT
    + """
WHERE x.id = $4 AND ($1::uuid IS NULL OR x.dfsp_id = $1) AND ($2::uuid IS NULL OR x.merchant_id = $2)
  AND ($3::uuid IS NULL OR x.counter_id = $3)
"""
)


async def payment_request(tx: Reads, actor: Actor, request_id: UUID) -> asyncpg.Record:
    """One request with its merchant's public facts. Raises NotFound."""
    row = await tx.fetchrow(_ONE_REQUEST, actor.dfsp_id, actor.merchant_id, actor.counter_id, request_id)
    if row is None:
        raise errors.NotFound
    return row


async def payment_requests(tx: Reads, actor: Actor, page: Page, sought: Sought) -> list[asyncpg.Record]:
    """Requests that fit, newest first unless asked otherwise; one more than the page's limit when there are more."""
    await finding.prepare(tx)
    sort = page.sort or NEWEST
    ids = await finding.request_ids(tx, actor, sought, page.limit + 1, page.before, sort=sort)
    return await tx.fetch(_REQUESTS, ids)


async def history(tx: Reads, request_id: UUID) -> list[asyncpg.Record]:
    """The steps of a request that the caller has seen before (payment_request checks that)."""
    return await tx.fetch(_EVENTS, request_id)


async def payments(tx: Reads, actor: Actor, page: Page, sought: Sought) -> list[asyncpg.Record]:
    """Payments that fit, newest first unless asked otherwise; one more than the page's limit when there are more."""
    await finding.prepare(tx)
    sort = page.sort or NEWEST
    ids = await finding.payment_ids(tx, actor, sought, page.limit + 1, page.before, sort=sort)
    return await tx.fetch(_PAYMENTS, ids)


async def payment(tx: Reads, actor: Actor, payment_id: UUID) -> asyncpg.Record:
    """One payment with its place and the request that it paid. Raises NotFound."""
    row = await tx.fetchrow(_PAYMENT, actor.dfsp_id, actor.merchant_id, actor.counter_id, payment_id)
    if row is None:
        raise errors.NotFound
    return row
