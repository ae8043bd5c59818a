"""Refunds loaded into a book, locked, and saved as a batch has decided about them."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Protocol
from uuid import UUID

import asyncpg

from merchant.core.db import Tx
from merchant.core.errors import Reason
from merchant.core.service import Service
from merchant.payments.book import Book, Decision, MerchantFacts
from merchant.payments.refunds.states import refund_has_ended
from merchant.payments.refunds.values import Refund, RefundStep

# The order of the ids is that of the locks.
_LOAD = """
SELECT r.id, r.dfsp_id, d.fsp_id, r.merchant_id, r.counter_id, r.payment_id, r.state, r.amount_minor, r.currency,
  r.reason, r.words, r.payee_type, r.payee_sealed, r.payee_masked, r.payee_fsp_id, c.alias_type, c.alias,
  m.trading_name, m.mcc, p.transaction_id AS original_transaction_id, r.transaction_id, r.quote_id, r.transfer_id,
  t.usage_day, r.gives_back, r.created_at, r.expires_at, r.steps, r.check_at, r.promise, r.lock, r.late,
  r.reason_code, r.reason_message, r.refunded_at, q.channel AS payment_channel,
  m.dfsp_id AS merchant_dfsp_id, m.state AS merchant_state, m.tier, coalesce(m.limit_group, m.id) AS group_id
FROM refund r JOIN payment p ON p.id = r.payment_id
  /*distributed: AND p.dfsp_id = $lane*/ JOIN dfsp d ON d.id = r.dfsp_id
JOIN merchant m ON m.id = r.merchant_id JOIN counter c ON c.id = r.counter_id
LEFT JOIN payment_request q ON q.id = p.request_id /*distributed: AND q.dfsp_id = $lane*/
LEFT JOIN transfer t ON t.payer_fsp_id = p.payer_fsp_id AND t.transfer_id = p.transfer_id
  /*distributed: AND t.dfsp_id = $lane*/
WHERE (r.id = ANY($1) OR r.quote_id = ANY($2) OR r.transfer_id = ANY($3)) /*distributed: AND r.dfsp_id = $lane*/
ORDER BY r.id FOR NO KEY UPDATE OF r
"""


async def load_refunds(
    tx: Tx, service: Service, book: Book, ids: Iterable[UUID], quotes: Iterable[str], transfers: Iterable[str]
) -> None:
    """Put refunds into a book by their own ids, or by those of their quotes and transfers; they are locked."""
    for row in await tx.fetch(_LOAD, sorted(ids), sorted(quotes), sorted(transfers)):
        book.put_refund(_refund_of(service, row))
        book.merchants[row["merchant_id"]] = MerchantFacts(
            row["merchant_id"], row["merchant_dfsp_id"], row["merchant_state"], row["tier"], row["group_id"]
        )


_COMPUTED = frozenset({"payee", "usage_day", "ended_because"})
_COLUMNS = [name for name in Refund.__struct_fields__ if name not in _COMPUTED]


def payee_context(refund_id: UUID) -> str:
    """As what the payee of a refund is sealed."""
    return f"refund:{refund_id}"


def _refund_of(service: Service, row: asyncpg.Record) -> Refund:
    sealed, day = row["payee_sealed"], row["usage_day"]
    return Refund(
        **{name: row[name] for name in _COLUMNS},
        payee="" if sealed is None else service.vault.open(sealed, payee_context(row["id"])).decode(),
        usage_day=date.fromisoformat(day) if day is not None else None,
        ended_because=Reason(row["reason_code"], row["reason_message"] or "") if row["reason_code"] else None,
    )


_SAVE = """
UPDATE refund r SET state = new.state, steps = new.steps, late = new.late, reason_code = new.reason_code,
  reason_message = new.reason_message, expires_at = new.expires_at, check_at = new.check_at, promise = new.promise,
  lock = new.lock, refunded_at = new.refunded_at
FROM unnest($1::uuid[], $2::text[], $3::int[], $4::bool[], $5::text[], $6::text[], $7::timestamptz[],
    $8::timestamptz[], $9::text[], $10::text[], $11::timestamptz[])
  AS new (id, state, steps, late, reason_code, reason_message, expires_at, check_at, promise, lock, refunded_at)
WHERE r.id = new.id /*distributed: AND r.dfsp_id = $lane*/
"""
_RECORD = """
INSERT INTO refund_event (refund_id, seq, dfsp_id, at, state, cause, detail)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::timestamptz[], $5::text[], $6::text[], $7::text[])
/*distributed: RETURNING 1*/
"""


async def save_refunds(tx: Tx, decisions: Sequence[Decision]) -> None:
    """Refunds as they are now, and their new history."""
    refunds: dict[UUID, Refund] = {}
    for decision in decisions:  # of what several have changed, the last counts
        refunds |= decision.refunds
    if not refunds:
        return
    changed = list(refunds.values())
    await tx.execute(
        _SAVE,
        [one.id for one in changed],
        [one.state for one in changed],
        [one.steps for one in changed],
        [one.late for one in changed],
        [one.ended_because.code if one.ended_because else None for one in changed],
        [str(one.ended_because.message) if one.ended_because else None for one in changed],
        [one.expires_at for one in changed],
        [one.check_at for one in changed],
        [None if refund_has_ended(one.state) else one.promise for one in changed],
        [one.lock for one in changed],
        [one.refunded_at for one in changed],
    )
    await record_steps(tx, [step for decision in decisions for step in decision.refund_steps])


async def record_steps(tx: Tx, steps: Sequence[RefundStep]) -> None:
    """New rows of histories."""
    if steps:
        names = RefundStep.__struct_fields__
        await tx.execute(_RECORD, *([getattr(step, name) for step in steps] for name in names))


class Maker(Protocol):
    """Who asks for a refund."""

    @property
    def id(self) -> UUID: ...
    @property
    def name(self) -> str: ...


_INSERT = """
INSERT INTO refund (id, dfsp_id, merchant_id, counter_id, payment_id, state, amount_minor, currency, reason, words,
  payee_type, payee_sealed, payee_masked, payee_fsp_id, transaction_id, quote_id, transfer_id, gives_back, maker_id,
  maker_name, channel, steps, late, created_at, expires_at, check_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, 1, false, $22,
  $23, $24)
"""


async def insert_refund(tx: Tx, service: Service, refund: Refund, maker: Maker, channel: str) -> None:
    """Write a new refund's row."""
    values: list[Any] = [
        refund.id,
        refund.dfsp_id,
        refund.merchant_id,
        refund.counter_id,
        refund.payment_id,
        refund.state,
        refund.amount_minor,
        refund.currency,
        refund.reason,
        refund.words,
        refund.payee_type,
        service.vault.seal(refund.payee.encode(), payee_context(refund.id)),
        refund.payee_masked,
        refund.payee_fsp_id,
        refund.transaction_id,
        refund.quote_id,
        refund.transfer_id,
        refund.gives_back,
        maker.id,
        maker.name,
        channel,
        refund.created_at,
        refund.expires_at,
        refund.check_at,
    ]
    await tx.execute(_INSERT, *values)
