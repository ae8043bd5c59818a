"""How a payment request ends: by the payer's answer, an error, its expiry, or a transfer that the hub has ended.

Two ends are decided elsewhere: a cancellation (requests.py) and a quote for another amount (quotes.py). `paid` comes
from a committed transfer alone: quotes.py compares the quote with the request, transfers.py the transfer with the
quote, and `commit` the transfer with the request. No answer means in doubt, never failed; a later truth replaces an
earlier end.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from merchant.core import clock, money
from merchant.core.errors import Reason
from merchant.core.money import Money
from merchant.hub.port import BadNews
from merchant.payments.book import Announcement, Book, Decision, PaidText, Payment, Request, Transfer
from merchant.payments.limits import usage_keys
from merchant.payments.reasons import (
    ABORTED,
    BAD_NEWS,
    CHECKING,
    EXPIRED,
    HUB_NO_ANSWER,
    HUB_UNREACHABLE,
    NOT_ASKED,
    over_limit,
)
from merchant.payments.receipt_numbers import number_of
from merchant.payments.states import RequestCapability, RequestState, may, move
from merchant.payments.transfer_states import TransferCapability, TransferState, transfer_may

# The longest pause between two questions to the hub about one transfer; the first is settings.settle_check_s.
LONGEST_CHECK = timedelta(minutes=30)

# What came of the tries to reach the hub about a request (payment_request.hub_trouble).
UNREACHABLE, NO_ANSWER = "unreachable", "no_answer"


class AmountMismatch(RuntimeError):
    """A committed transfer and the request it would pay differ in amount or currency: a fault of ours, or of the data.

    Nothing is decided; the job fails, is retried, and ends as a dead job for a person to look into.
    """


def is_money_under_way(book: Book, request: Request) -> bool:
    """Whether a transfer for this request is reserved and not yet ended."""
    return any(transfer_may(one.state, TransferCapability.MOVE_MONEY) for one in book.transfers_of(request.id))


# --- without money ---------------------------------------------------------------------------------------------------


def expire_if_over(decision: Decision, book: Book, request: Request, now: datetime) -> Request:
    """End a request whose time is over, from the timer or from whatever message comes first: expired; in doubt while
    its money is under way; for a short while nothing while an answered quote is still valid.
    """
    if request.expires_at > now or not may(request.state, RequestCapability.EXPIRE):
        return request
    if is_money_under_way(book, request):
        return move(decision, request, RequestState.IN_DOUBT, "expired_while_paying", now, reason=CHECKING)
    grace_ends_at = request.expires_at + book.rules.settle_grace
    quoted_until = max((quote.expires_at for quote in book.quotes_of(request.id)), default=None)
    if quoted_until is not None and min(quoted_until, grace_ends_at) > now:
        return request
    reason = _unasked(request) if may(request.state, RequestCapability.ASK_PAYER) else EXPIRED
    return move(decision, request, RequestState.EXPIRED, "time_over", now, reason=reason)


def _unasked(request: Request) -> Reason:
    """Why the customer of a request that never left was not asked: they cannot have failed to answer."""
    return {UNREACHABLE: HUB_UNREACHABLE, NO_ANSWER: HUB_NO_ANSWER}.get(request.hub_trouble or "", NOT_ASKED)


def fail(
    decision: Decision, book: Book, request: Request, news: BadNews, detail: str, cause: str, now: datetime
) -> Request:
    """An error from the hub, or from the payer's DFSP, about a request."""
    if not may(request.state, RequestCapability.FAIL) or is_money_under_way(book, request):
        return request
    target = RequestState.REJECTED if news is BadNews.PAYER_REJECTED else RequestState.FAILED
    return move(decision, request, target, cause, now, reason=BAD_NEWS[news], detail=detail[:200])


def fail_over_limit(decision: Decision, book: Book, request: Request, most: Money, now: datetime) -> Request:
    """End a request whose payment we refuse because its merchant would take too much; a later try may still pay it."""
    if not may(request.state, RequestCapability.FAIL) or is_money_under_way(book, request):
        return request
    return move(decision, request, RequestState.FAILED, "over_limit", now, reason=over_limit(most))


# --- by a transfer ---------------------------------------------------------------------------------------------------


def commit(decision: Decision, book: Book, transfer: Transfer, cause: str, now: datetime) -> None:
    """The hub says that the money has moved. A repetition changes nothing. Raises AmountMismatch."""
    if not transfer_may(transfer.state, TransferCapability.BE_COMMITTED):
        return
    request = book.requests.get(transfer.request_id) if transfer.request_id else None
    if request is not None and not may(request.state, RequestCapability.BE_PAID):
        # Another transfer paid it after this one had been called off: this is money of its own.
        request = None
    if request is not None and request.amount != transfer.amount:
        raise AmountMismatch(
            f"transfer {transfer.transfer_id}: {transfer.amount}, request {request.id}: {request.amount}"
        )
    if not transfer_may(transfer.state, TransferCapability.USE_HEADROOM):
        # What it had reserved was given back; the money came all the same, so it counts, over the limit if need be.
        _use(decision, book, transfer, +1)
    committed = replace(transfer, state=TransferState.COMMITTED, ended_at=now, check_at=None)
    decision.transfers[transfer.transfer_id] = committed
    quote = book.quotes[transfer.payer_fsp_id, transfer.quote_id]
    paid = Payment(
        id=book.rules.new_id(),
        transfer=committed,
        quote=quote,
        request_id=request.id if request else None,
        received_at=now,
    )
    decision.payments.append(paid)
    number = number_of(paid.id)
    decision.texts.append(PaidText(transfer.merchant_id, transfer.amount, quote.payer_masked, number))
    if request is not None:
        told = {
            "payment_id": paid.id,
            "transfer_id": transfer.transfer_id,
            "transaction_id": quote.transaction_id,
        }
        request = replace(request, transfer_id=transfer.transfer_id, transaction_id=quote.transaction_id)
        move(decision, request, RequestState.PAID, cause, now, told=told)
        return
    data = {
        "payment_id": paid.id,
        "merchant_id": transfer.merchant_id,
        "counter_id": quote.counter_id,
        "amount": {"amount": money.format_decimal(transfer.amount), "currency": transfer.currency},
        "payer": quote.payer_masked,
        "transfer_id": transfer.transfer_id,
        "transaction_id": quote.transaction_id,
        "received_at": clock.rfc3339(now),
    }
    decision.announcements.append(Announcement("payment.received", transfer.dfsp_id, transfer.merchant_id, data))


def abort(decision: Decision, book: Book, transfer: Transfer, cause: str, now: datetime) -> None:
    """The hub says that the money has not moved and will not."""
    if not transfer_may(transfer.state, TransferCapability.BE_ABORTED):
        return
    ended = replace(transfer, state=TransferState.ABORTED, ended_at=now, check_at=None)
    decision.transfers[transfer.transfer_id] = ended
    _use(decision, book, transfer, -1)
    request = book.requests.get(transfer.request_id) if transfer.request_id else None
    if request is not None and may(request.state, RequestCapability.FAIL):
        move(decision, request, RequestState.FAILED, cause, now, reason=ABORTED)


def put_in_doubt(decision: Decision, book: Book, transfer: Transfer, now: datetime) -> None:
    """The hub has not ended a transfer that we answered: its request is in doubt, and the hub is asked again later."""
    waited = now - transfer.reserved_at
    next_check = now + min(LONGEST_CHECK, max(book.rules.settle_check, waited))
    decision.transfers[transfer.transfer_id] = replace(transfer, check_at=next_check)
    request = book.requests.get(transfer.request_id) if transfer.request_id else None
    if request is not None:
        move(decision, request, RequestState.IN_DOUBT, "no_word_from_hub", now, reason=CHECKING)


def _use(decision: Decision, book: Book, transfer: Transfer, sign: int) -> None:
    merchant = book.merchants[transfer.merchant_id]
    keys = usage_keys(merchant, transfer.usage_day, transfer.currency)
    decision.use(keys, sign * transfer.amount_minor, sign)
