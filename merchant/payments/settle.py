"""How a payment request ends: by the payer's answer, an error, its expiry, or a transfer that the hub has ended.

Two ends are written elsewhere: a cancellation (requests.py) and a quote for another amount (quotes.py). `paid` comes
from a committed transfer alone: quotes.py compares the quote with the request, transfers.py the transfer with the
quote, and commit_transfer the transfer with the request. No answer means in doubt, never failed; a later truth
replaces an earlier end.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from merchant.core import clock, ids, money
from merchant.core.db import Tx
from merchant.core.errors import Reason
from merchant.core.service import Service
from merchant.hub.port import BadNews, PayerAnswer, RequestAnswered
from merchant.notify import events, sms
from merchant.payments import limits
from merchant.payments.reasons import (
    ABORTED,
    BAD_NEWS,
    CHECKING,
    EXPIRED,
    HUB_NO_ANSWER,
    HUB_UNREACHABLE,
    NOT_ASKED,
    OVER_LIMIT,
    SAID_NO,
)
from merchant.payments.states import LockedRequest, RequestCapability, RequestState, lock_request, may, move
from merchant.payments.transfer_states import (
    LockedTransfer,
    TransferCapability,
    TransferState,
    money_under_way,
    transfer_may,
)

# The longest pause between two questions to the hub about one transfer; the first is settings.settle_check_s.
LONGEST_CHECK = timedelta(minutes=30)

# What came of the tries to reach the hub about a request (payment_request.hub_trouble).
UNREACHABLE, NO_ANSWER = "unreachable", "no_answer"


class AmountMismatch(RuntimeError):
    """A committed transfer and the request it would pay differ in amount or currency: a fault of ours, or of the data.

    Nothing is written; the job fails, is retried, and ends as a dead job for a person to look into.
    """


# --- what the payer's side says of a request ---------------------------------------------------------------------

_PAYER_STATES: Mapping[PayerAnswer, tuple[RequestState, Reason | None]] = {
    PayerAnswer.WAITING: (RequestState.AWAITING_PAYER, None),
    PayerAnswer.ACCEPTED: (RequestState.ACCEPTED, None),
    PayerAnswer.REJECTED: (RequestState.REJECTED, SAID_NO),
}


async def apply_payer_answer(tx: Tx, request: LockedRequest, answered: RequestAnswered) -> None:
    """What the payer's DFSP answers, in any order and number."""
    if not may(request.state, RequestCapability.TAKE_ANSWER) or await money_under_way(tx, request):
        return
    if answered.transaction_id is not None:
        await tx.execute(
            "UPDATE payment_request SET transaction_id = $2 WHERE id = $1", request.id, answered.transaction_id
        )
    target, reason = _PAYER_STATES[answered.answer]
    await move(tx, request, target, f"payer_{answered.said}", reason=reason)


async def expire_if_over(tx: Tx, service: Service, request: LockedRequest) -> None:
    """End a request whose time is over, from the timer or from whatever message comes first: expired; in doubt while
    its money is under way; for a short while nothing while an answered quote is still valid.
    """
    now = clock.now()
    if request.expires_at > now or not may(request.state, RequestCapability.EXPIRE):
        return
    if await money_under_way(tx, request):
        await move(tx, request, RequestState.IN_DOUBT, "expired_while_paying", reason=CHECKING)
        return
    grace_ends_at = request.expires_at + timedelta(seconds=service.settings.settle_grace_s)
    quoted_until = await tx.fetchval("SELECT max(expires_at) FROM quote WHERE request_id = $1", request.id)
    if quoted_until is None or min(quoted_until, grace_ends_at) <= now:
        reason = await _unasked(tx, request) if may(request.state, RequestCapability.ASK_PAYER) else EXPIRED
        await move(tx, request, RequestState.EXPIRED, "time_over", reason=reason)


async def _unasked(tx: Tx, request: LockedRequest) -> Reason:
    """Why the customer of a request that never left was not asked: they cannot have failed to answer."""
    trouble = await tx.fetchval("SELECT hub_trouble FROM payment_request WHERE id = $1", request.id)
    return {UNREACHABLE: HUB_UNREACHABLE, NO_ANSWER: HUB_NO_ANSWER}.get(trouble, NOT_ASKED)


async def apply_bad_news(tx: Tx, request: LockedRequest, news: BadNews, detail: str, cause: str) -> None:
    """An error from the hub, or from the payer's DFSP, about a request."""
    if not may(request.state, RequestCapability.FAIL) or await money_under_way(tx, request):
        return
    target = RequestState.REJECTED if news is BadNews.PAYER_REJECTED else RequestState.FAILED
    await move(tx, request, target, cause, reason=BAD_NEWS[news], detail=detail[:200])


async def fail_over_limit(tx: Tx, request: LockedRequest) -> None:
    """End a request whose payment we refused because its merchant would take too much; a later try may still pay it."""
    if may(request.state, RequestCapability.FAIL) and not await money_under_way(tx, request):
        await move(tx, request, RequestState.FAILED, "over_limit", reason=OVER_LIMIT)


# --- how a transfer ends ------------------------------------------------------------------------------------

_COMMIT = """
WITH ended AS (
  UPDATE transfer SET state = $7, ended_at = $3, check_at = NULL WHERE payer_fsp_id = $1 AND transfer_id = $2
  RETURNING amount_minor, currency),
asked AS (SELECT * FROM quote WHERE payer_fsp_id = $1 AND quote_id = $4),
request AS (
  UPDATE payment_request SET transfer_id = $2, transaction_id = asked.transaction_id FROM asked
  WHERE payment_request.id = $6)
INSERT INTO payment (id, dfsp_id, merchant_id, counter_id, request_id, payer_fsp_id, transfer_id, transaction_id,
                     amount_minor, currency, payer_masked, note, received_at, payer_digest)
SELECT $5, dfsp_id, merchant_id, counter_id, $6, $1, $2, transaction_id, ended.amount_minor, ended.currency,
       payer_masked, note, $3, payer_digest
FROM asked, ended
RETURNING id, counter_id, payer_masked
"""


async def commit_transfer(tx: Tx, service: Service, transfer: LockedTransfer, cause: str) -> None:
    """The hub says that the money has moved. A repetition changes nothing. Raises AmountMismatch."""
    if not transfer_may(transfer.state, TransferCapability.BE_COMMITTED):
        return
    request = await lock_request(tx, request_id=transfer.request_id) if transfer.request_id else None
    if request is not None and not may(request.state, RequestCapability.BE_PAID):
        # Another transfer paid it after this one had been called off: this is money of its own.
        request = None
    if request is not None and request.amount != transfer.amount:
        raise AmountMismatch(
            f"transfer {transfer.transfer_id}: {transfer.amount}, request {request.id}: {request.amount}"
        )
    if not transfer_may(transfer.state, TransferCapability.USE_HEADROOM):
        # Its headroom was released; the money came all the same, so it counts, over the limit if need be.
        await limits.take_anyway(
            tx, transfer.merchant_id, transfer.dfsp_id, transfer.amount, date.fromisoformat(transfer.usage_day)
        )
    paid = await tx.fetchrow(
        _COMMIT,
        transfer.payer_fsp_id,
        transfer.transfer_id,
        clock.now(),
        transfer.quote_id,
        ids.uuid7(),
        request.id if request else None,
        TransferState.COMMITTED,
    )
    assert paid is not None
    transfer.state = TransferState.COMMITTED
    if request is not None:
        told = {"payment_id": paid["id"], "transfer_id": transfer.transfer_id}
        await move(tx, request, RequestState.PAID, cause, told=told)
    else:
        await events.announce(
            tx,
            "payment.received",
            transfer.dfsp_id,
            transfer.merchant_id,
            {
                "payment_id": paid["id"],
                "merchant_id": transfer.merchant_id,
                "counter_id": paid["counter_id"],
                "amount": {"amount": money.format_decimal(transfer.amount), "currency": transfer.currency},
                "payer": paid["payer_masked"],
            },
        )
    await sms.notify_paid(tx, service, transfer.merchant_id, transfer.amount, paid["payer_masked"])


_ABORT = """
UPDATE transfer SET state = $4, ended_at = $3, check_at = NULL WHERE payer_fsp_id = $1 AND transfer_id = $2
"""


async def abort_transfer(tx: Tx, transfer: LockedTransfer, cause: str) -> None:
    """The hub says that the money has not moved and will not."""
    if not transfer_may(transfer.state, TransferCapability.BE_ABORTED):
        return
    # Locks are taken in one order everywhere: request, then headroom.
    request = await lock_request(tx, request_id=transfer.request_id) if transfer.request_id else None
    await tx.execute(_ABORT, transfer.payer_fsp_id, transfer.transfer_id, clock.now(), TransferState.ABORTED)
    await limits.release(tx, transfer.merchant_id, transfer.amount, date.fromisoformat(transfer.usage_day))
    transfer.state = TransferState.ABORTED
    if request is not None and may(request.state, RequestCapability.FAIL):
        await move(tx, request, RequestState.FAILED, cause, reason=ABORTED)


async def put_in_doubt(tx: Tx, service: Service, transfer: LockedTransfer) -> datetime:
    """The hub has not ended a transfer that we fulfilled: its request is in doubt. Returns when to ask the hub next."""
    now = clock.now()
    waited = now - transfer.reserved_at
    next_check = now + min(LONGEST_CHECK, max(timedelta(seconds=service.settings.settle_check_s), waited))
    await tx.execute(
        "UPDATE transfer SET check_at = $3 WHERE payer_fsp_id = $1 AND transfer_id = $2",
        transfer.payer_fsp_id,
        transfer.transfer_id,
        next_check,
    )
    request = await lock_request(tx, request_id=transfer.request_id) if transfer.request_id else None
    if request is not None:
        await move(tx, request, RequestState.IN_DOUBT, "no_word_from_hub", reason=CHECKING)
    return next_check
