"""Reads of refunds: plain SQL, tenant named in each statement; row-level security walls tenants off besides."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from merchant.core import errors
from merchant.core.access import Actor
from merchant.core.db import Reads
from merchant.core.paging import Page

_REFUND = """
SELECT r.id, r.state, r.amount_minor, r.currency, r.payment_id, r.counter_id, r.merchant_id, r.payee_masked, r.reason,
  r.words, r.maker_id, r.maker_name, r.checker_name, r.late, r.reason_code, r.reason_message, r.created_at,
  r.expires_at, r.refunded_at, r.transaction_id, r.transfer_id,
  coalesce((SELECT m.trading_name FROM merchant m WHERE m.id = r.merchant_id), '') AS merchant_name,
  coalesce((SELECT c.name FROM counter c WHERE c.id = r.counter_id), '') AS counter_name
FROM refund r
WHERE ($1::uuid IS NULL OR r.dfsp_id = $1) AND ($2::uuid IS NULL OR r.merchant_id = $2)
  AND ($3::uuid IS NULL OR r.counter_id = $3)
"""
_ONE = f"{_REFUND} AND r.id = $4"
_OF_PAYMENT = f"{_REFUND} AND r.payment_id = $4 ORDER BY r.id DESC LIMIT 100"
_LIST = f"""
{_REFUND} AND ($4::text IS NULL OR r.state = $4) AND ($5::uuid IS NULL OR r.merchant_id = $5)
  AND ($6::uuid IS NULL OR r.id < $6) ORDER BY r.id DESC LIMIT $7
"""
_EVENTS = "SELECT seq, at, state, cause, detail FROM refund_event WHERE refund_id = $1 ORDER BY seq"


async def refund(tx: Reads, actor: Actor, refund_id: UUID) -> asyncpg.Record:
    """One refund. Raises NotFound."""
    row = await tx.fetchrow(_ONE, actor.dfsp_id, actor.merchant_id, actor.counter_id, refund_id)
    if row is None:
        raise errors.NotFound
    return row


async def refunds(
    tx: Reads, actor: Actor, page: Page, state: str | None, merchant_id: UUID | None
) -> Sequence[asyncpg.Record]:
    """Refunds, newest first; one more than the page's limit when there are more."""
    who = (actor.dfsp_id, actor.merchant_id, actor.counter_id)
    return await tx.fetch(_LIST, *who, state, merchant_id, page.before, page.limit + 1)


async def refunds_of_payment(tx: Reads, actor: Actor, payment_id: UUID) -> Sequence[asyncpg.Record]:
    """What was given back of a payment, newest first."""
    return await tx.fetch(_OF_PAYMENT, actor.dfsp_id, actor.merchant_id, actor.counter_id, payment_id)


async def refund_history(tx: Reads, refund_id: UUID) -> Sequence[asyncpg.Record]:
    """The steps of a refund that the caller has seen before."""
    return await tx.fetch(_EVENTS, refund_id)
