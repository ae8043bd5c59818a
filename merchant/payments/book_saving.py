"""What a batch has decided, saved by one statement a table.

Quotes and transfers are written by batches alone: a row that another batch wrote meanwhile makes this one fail (a
unique key, or Stale), and it is then decided anew. What the database wrote down of money is asserted, not assumed.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from merchant.core.db import Tx
from merchant.core.phone import InvalidNumber, Msisdn
from merchant.core.service import Service
from merchant.payments.book import Book, Decision, Quote, Request, Step, Transfer
from merchant.payments.book_loading import seal_of
from merchant.payments.quotes import MSISDN
from merchant.payments.refunds.storage import save_refunds
from merchant.payments.states import has_ended


class Stale(Exception):
    """Another batch has changed a transfer since it was loaded; nothing was saved."""


_SAVE_REQUESTS = """
WITH changed AS (
  UPDATE payment_request p SET state = new.state, steps = new.steps, late = new.late, reason_code = new.reason_code,
    reason_message = new.reason_message, paid_at = new.paid_at, payer_fsp_id = new.payer_fsp_id,
    transaction_id = new.transaction_id, transfer_id = new.transfer_id, hub_trouble = new.hub_trouble
  FROM unnest($1::uuid[], $2::text[], $3::int[], $4::bool[], $5::text[], $6::text[], $7::timestamptz[], $8::text[],
      $9::text[], $10::text[], $11::text[]) AS new (id, state, steps, late, reason_code, reason_message, paid_at,
      payer_fsp_id, transaction_id, transfer_id, hub_trouble)
  WHERE p.id = new.id /*distributed: AND p.dfsp_id = $lane*/),
closed AS (DELETE FROM open_reference WHERE request_id = ANY($12) /*distributed: AND dfsp_id = $lane*/)
INSERT INTO payment_event (request_id, seq, dfsp_id, at, state, cause, detail)
SELECT * FROM unnest($13::uuid[], $14::int[], $15::uuid[], $16::timestamptz[], $17::text[], $18::text[], $19::text[])
/*distributed: RETURNING 1*/
"""


async def save_requests(tx: Tx, requests: Sequence[Request], steps: Sequence[Step]) -> None:
    """Requests as they are now, and their new history."""
    if not requests:
        return
    await tx.execute(
        _SAVE_REQUESTS,
        [one.id for one in requests],
        [one.state for one in requests],
        [one.steps for one in requests],
        [one.late for one in requests],
        [one.reason.code if one.reason else None for one in requests],
        [str(one.reason.message) if one.reason else None for one in requests],
        [one.paid_at for one in requests],
        [one.payer_fsp_id for one in requests],
        [one.transaction_id for one in requests],
        [one.transfer_id for one in requests],
        [one.hub_trouble for one in requests],
        [one.id for one in requests if has_ended(one.state)],
        [step.request_id for step in steps],
        [step.seq for step in steps],
        [step.dfsp_id for step in steps],
        [step.at for step in steps],
        [step.state for step in steps],
        [step.cause for step in steps],
        [step.detail for step in steps],
    )


_SAVE_QUOTES = """
INSERT INTO quote (payer_fsp_id, quote_id, dfsp_id, merchant_id, counter_id, request_id, transaction_id, body_hash,
  answer, amount_minor, currency, condition, payer_masked, note, expires_at, created_at, payer_digest, payer_sealed)
SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::bytea[],
  $9::bytea[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[],
  $16::timestamptz[], $17::bytea[], $18::bytea[]) /*distributed: RETURNING 1*/
"""


async def _save_quotes(tx: Tx, service: Service, quotes: Sequence[Quote]) -> None:
    await tx.execute(
        _SAVE_QUOTES,
        [one.payer_fsp_id for one in quotes],
        [one.quote_id for one in quotes],
        [one.dfsp_id for one in quotes],
        [one.merchant_id for one in quotes],
        [one.counter_id for one in quotes],
        [one.request_id for one in quotes],
        [one.transaction_id for one in quotes],
        [one.content for one in quotes],
        [service.vault.seal(one.answer or b"", seal_of(one.quote_id)) for one in quotes],
        [one.amount_minor for one in quotes],
        [one.currency for one in quotes],
        [one.lock for one in quotes],
        [one.payer_masked for one in quotes],
        [one.note for one in quotes],
        [one.expires_at for one in quotes],
        [one.created_at for one in quotes],
        [payer_digest(service, one.payer_type, one.payer) for one in quotes],
        [_sealed_payer(service, one) for one in quotes],
    )


def payer_digest(service: Service, payer_type: str | None, payer: str | None) -> bytes | None:
    """The blind index by which staff find a payer's payments; None for one whom no telephone number names."""
    try:
        return Msisdn.of(payer).digest(service.vault) if payer_type == MSISDN and payer is not None else None
    except InvalidNumber:
        return None


def _sealed_payer(service: Service, quote: Quote) -> bytes | None:
    """Who pays, for a refund of the payment that follows."""
    if quote.payer is None or quote.payer_type is None:
        return None
    return service.vault.seal(f"{quote.payer_type}:{quote.payer}".encode(), payer_context(quote.transaction_id))


def payer_context(transaction_id: str) -> str:
    """As what a payer is sealed on a quote and on its payment."""
    return f"payer:{transaction_id}"


_RESERVE = """
INSERT INTO transfer (payer_fsp_id, transfer_id, dfsp_id, merchant_id, quote_id, request_id, state, amount_minor,
  currency, usage_day, body_hash, answer, expires_at, reserved_at, ended_at, check_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::text[], $8::bigint[],
  $9::text[], $10::text[], $11::bytea[], $12::bytea[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[],
  $16::timestamptz[]) /*distributed: RETURNING 1*/
"""
_CHANGE = """
UPDATE transfer t SET state = new.state, ended_at = new.ended_at, check_at = new.check_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[])
  AS new (payer_fsp_id, transfer_id, before, state, ended_at, check_at)
WHERE t.payer_fsp_id = new.payer_fsp_id AND t.transfer_id = new.transfer_id AND t.state = new.before
  /*distributed: AND t.dfsp_id = $lane*/
"""


async def _save_transfers(tx: Tx, book: Book, transfers: Sequence[Transfer]) -> None:
    new = [one for one in transfers if one.transfer_id not in book.loaded_transfers]
    if new:
        await tx.execute(
            _RESERVE,
            [one.payer_fsp_id for one in new],
            [one.transfer_id for one in new],
            [one.dfsp_id for one in new],
            [one.merchant_id for one in new],
            [one.quote_id for one in new],
            [one.request_id for one in new],
            [one.state for one in new],
            [one.amount_minor for one in new],
            [one.currency for one in new],
            [one.usage_day.isoformat() for one in new],
            [one.content for one in new],
            [one.answer for one in new],
            [one.expires_at for one in new],
            [one.reserved_at for one in new],
            [one.ended_at for one in new],
            [one.check_at for one in new],
        )
    changed = [one for one in transfers if one.transfer_id in book.loaded_transfers]
    if changed:
        count = await tx.execute(
            _CHANGE,
            [one.payer_fsp_id for one in changed],
            [one.transfer_id for one in changed],
            [book.loaded_transfers[one.transfer_id] for one in changed],
            [one.state for one in changed],
            [one.ended_at for one in changed],
            [one.check_at for one in changed],
        )
        if count != len(changed):
            raise Stale


_SAVE_PAYMENTS = """
INSERT INTO payment (id, dfsp_id, merchant_id, counter_id, request_id, payer_fsp_id, transfer_id, transaction_id,
  amount_minor, currency, payer_masked, note, received_at, payer_digest, payer_sealed)
SELECT new.id, q.dfsp_id, q.merchant_id, q.counter_id, new.request_id, new.payer_fsp_id, new.transfer_id,
  q.transaction_id, new.amount_minor, new.currency, q.payer_masked, q.note, new.received_at, q.payer_digest,
  q.payer_sealed
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::timestamptz[])
  AS new (id, request_id, payer_fsp_id, transfer_id, quote_id, amount_minor, currency, received_at)
JOIN quote q ON q.payer_fsp_id = new.payer_fsp_id AND q.quote_id = new.quote_id /*distributed: AND q.dfsp_id = $lane*/
/*distributed: RETURNING 1*/
"""
# In the order of the keys: two batches that count for the same merchants never wait for each other.
_COUNT = """
INSERT INTO limit_usage (merchant_id, period, currency, dfsp_id, taken_minor, payments)
SELECT given.group_id, given.period, given.currency, m.dfsp_id, given.minor, given.payments
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::int[])
  AS given (group_id, period, currency, minor, payments)
JOIN merchant m ON m.id = given.group_id ORDER BY given.group_id, given.period, given.currency
ON CONFLICT (merchant_id, period, currency) DO UPDATE
SET taken_minor = limit_usage.taken_minor + excluded.taken_minor, payments = limit_usage.payments + excluded.payments
"""


async def save_decisions(tx: Tx, service: Service, book: Book, decisions: Sequence[Decision]) -> None:
    """What a batch has decided about rows. Raises Stale, asyncpg.UniqueViolationError: another batch was faster."""
    requests: dict[UUID, Request] = {}
    transfers: dict[str, Transfer] = {}
    usage: dict[Any, tuple[int, int]] = {}
    for decision in decisions:  # of what several have changed, the last counts
        requests |= decision.requests
        transfers |= decision.transfers
        for key, (minor, payments) in decision.usage.items():
            before = usage.get(key, (0, 0))
            usage[key] = (before[0] + minor, before[1] + payments)
    await save_requests(tx, list(requests.values()), [step for one in decisions for step in one.steps])
    quotes = [quote for one in decisions for quote in one.quotes]
    if quotes:
        await _save_quotes(tx, service, quotes)
    await _save_transfers(tx, book, list(transfers.values()))
    await save_refunds(tx, decisions)
    payments_in = [payment for one in decisions for payment in one.payments]
    if payments_in:
        await tx.execute(
            _SAVE_PAYMENTS,
            [one.id for one in payments_in],
            [one.request_id for one in payments_in],
            [one.transfer.payer_fsp_id for one in payments_in],
            [one.transfer.transfer_id for one in payments_in],
            [one.transfer.quote_id for one in payments_in],
            [one.transfer.amount_minor for one in payments_in],
            [one.transfer.currency for one in payments_in],
            [one.received_at for one in payments_in],
        )
    counted = sorted((key, change) for key, change in usage.items() if change != (0, 0))
    if counted:
        await tx.execute(
            _COUNT,
            [key[0] for key, _ in counted],
            [key[1] for key, _ in counted],
            [key[2] for key, _ in counted],
            [change[0] for _, change in counted],
            [change[1] for _, change in counted],
        )
