"""Transfers: a prepared transfer is checked against its quote, headroom is reserved, the promise is kept.

Pure decisions. What does not match the answered quote (amount, currency, promise, expiry) is refused; a refusal
reserves nothing. What the hub's last word does is in settle.py.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from merchant.hub.port import (
    AnswerTransfer,
    AskOutcome,
    MessageRefused,
    Outcome,
    Refusal,
    RepeatTransfer,
    TransferAskedAgain,
    TransferEnded,
    TransferFailed,
    TransferPrepared,
)
from merchant.payments.book import Book, Decision, OurDfsp, Quote, Request, Transfer
from merchant.payments.limits import headroom, usage_keys
from merchant.payments.settle import abort, commit, fail_over_limit, put_in_doubt
from merchant.payments.states import RequestCapability, may
from merchant.payments.transfer_states import TransferCapability, TransferState, transfer_may
from merchant.registry.merchants.states import Capability, merchant_may

# Hubs give transfers seconds to minutes; headroom reserved for longer is withheld from the merchant.
LONGEST_TRANSFER = timedelta(days=1)
QUESTION_LASTS = timedelta(minutes=1)


class NotYet(Exception):
    """The message is about something that has not come yet: try again soon."""


def decide_transfer(book: Book, dfsp: OurDfsp, source: str, prepared: TransferPrepared, now: datetime) -> Decision:
    """Reserve and fulfil, or refuse. The same transfer again gets the same answer. Raises MessageRefused."""
    known = book.transfers.get(prepared.transfer_id)
    if known is not None:
        # The hub names a transfer by its id alone, so one id is one payer's.
        if (known.payer_fsp_id, known.content) != (source, prepared.content) or known.answer is None:
            raise MessageRefused(Refusal.REPEAT_CHANGED, "This transfer id came before with another content")
        decision = Decision()
        decision.say(RepeatTransfer(known.transfer_id, known.answer, Outcome.OPEN, None), source)
        return decision
    quote = _quote_of(book, dfsp, source, prepared, now)
    request = _check_free(book, quote)
    if prepared.expires_at <= now:
        raise MessageRefused(Refusal.TRANSFER_EXPIRED, "The transfer expired before it came")
    if prepared.expires_at > now + LONGEST_TRANSFER:
        raise MessageRefused(Refusal.INVALID, "The transfer's expiration is too far away")
    decision = Decision()
    merchant = book.merchants[quote.merchant_id]
    most = headroom(book, merchant, prepared.amount.currency)
    if prepared.amount.minor > most.minor:
        if request is not None:
            fail_over_limit(decision, book, request, most, now)
        decision.refused = MessageRefused(Refusal.OVER_LIMIT, "This payment is over the merchant's limit")
        return decision
    decision.use(usage_keys(merchant, book.rules.day, quote.currency), quote.amount_minor, 1)
    decision.transfers[prepared.transfer_id] = _reserved(book, dfsp, source, prepared, quote, now)
    if request is not None:
        decision.put(replace(request, transfer_id=prepared.transfer_id))
    decision.say(
        AnswerTransfer(prepared.transfer_id, now),
        source,
        useless_after=prepared.expires_at,
        # Where no last word follows, the money has moved once the hub has taken our answer.
        commits=prepared.transfer_id if dfsp.commits_at_once else None,
    )
    return decision


def _quote_of(book: Book, dfsp: OurDfsp, source: str, prepared: TransferPrepared, now: datetime) -> Quote:
    """The quote that a transfer keeps to the letter. Raises MessageRefused."""
    if prepared.payee_fsp_id != dfsp.fsp_id or prepared.payer_fsp_id != source:
        raise MessageRefused(Refusal.INVALID, "payerFsp and payeeFsp are not those of the message")
    quote = book.quote_by_lock(source, prepared.lock)
    if quote is None or quote.dfsp_id != dfsp.dfsp_id:
        raise MessageRefused(Refusal.QUOTE_UNKNOWN, "No quote of ours has this condition")
    if quote.amount != prepared.amount:
        raise MessageRefused(Refusal.AMOUNT_CHANGED, "The amount is not the one that was quoted")
    if quote.expires_at <= now:
        raise MessageRefused(Refusal.QUOTE_EXPIRED, "The quote has expired; ask for a new one")
    if not merchant_may(book.merchants[quote.merchant_id].state, Capability.TAKE_PAYMENT):
        raise MessageRefused(Refusal.MERCHANT_BLOCKED, "This merchant may not take payments now")
    if prepared.problem is not None:
        raise MessageRefused(*prepared.problem)
    return quote


def _check_free(book: Book, quote: Quote) -> Request | None:
    """One quote is paid once, even by a transfer that was called off, and so is one request, which is given back."""
    request = book.requests.get(quote.request_id) if quote.request_id else None
    if request is not None and not may(request.state, RequestCapability.TAKE_TRANSFER):
        raise MessageRefused(Refusal.TRANSFER_NOT_WANTED, f"This request is {request.state}; it is not to be paid")
    others = book.transfers_of(request.id) if request is not None else []
    if book.transfer_of_quote(quote) is not None or any(
        transfer_may(other.state, TransferCapability.USE_HEADROOM) for other in others
    ):
        raise MessageRefused(Refusal.TRANSFER_NOT_WANTED, "This is being paid, or has been paid, by another transfer")
    return request


def _reserved(
    book: Book, dfsp: OurDfsp, source: str, prepared: TransferPrepared, quote: Quote, now: datetime
) -> Transfer:
    return Transfer(
        payer_fsp_id=source,
        transfer_id=prepared.transfer_id,
        dfsp_id=dfsp.dfsp_id,
        fsp_id=dfsp.fsp_id,
        merchant_id=quote.merchant_id,
        quote_id=quote.quote_id,
        request_id=quote.request_id,
        state=TransferState.RESERVED,
        amount_minor=prepared.amount.minor,
        currency=prepared.amount.currency,
        usage_day=book.rules.day,
        content=prepared.content,
        answer=None,  # when the adapter has written it
        expires_at=prepared.expires_at,
        reserved_at=now,
        check_at=now + book.rules.settle_check,
    )


_OUTCOMES = {
    TransferState.RESERVED: Outcome.OPEN,
    TransferState.COMMITTED: Outcome.COMMITTED,
    TransferState.ABORTED: Outcome.ABORTED,
}


def decide_transfer_again(book: Book, source: str, asked: TransferAskedAgain) -> Decision:
    """Our answer with the state that the transfer has now. Raises MessageRefused."""
    known = book.transfers.get(asked.transfer_id)
    if known is None or known.payer_fsp_id != source or known.answer is None:
        raise MessageRefused(Refusal.TRANSFER_UNKNOWN, "There is no such transfer")
    decision = Decision()
    outcome = _OUTCOMES[TransferState(known.state)]
    decision.say(RepeatTransfer(known.transfer_id, known.answer, outcome, known.ended_at), source)
    return decision


# --- what the hub says of it -----------------------------------------------------------------------------------------


def decide_end(book: Book, dfsp: OurDfsp, source: str, said: TransferEnded, now: datetime, *, is_hub: bool) -> Decision:
    """The hub's word: committed, aborted, or not decided yet. Raises MessageRefused, NotYet when it came too early."""
    _check_hub(source, is_hub)
    transfer = _ours(book, dfsp, said.transfer_id)
    if transfer is None:
        raise NotYet("The transfer is not known yet")  # the hub's last word can overtake the transfer it is about
    decision = Decision()
    match said.outcome:
        case Outcome.COMMITTED:
            commit(decision, book, transfer, f"{said.how}_committed", now)
        case Outcome.ABORTED:
            abort(decision, book, transfer, f"{said.how}_aborted", now)
        case Outcome.OPEN:
            pass
    return decision


def decide_failed(
    book: Book, dfsp: OurDfsp, source: str, said: TransferFailed, now: datetime, *, is_hub: bool
) -> Decision:
    """The hub's error: only some say for certain that no money moves, and only once its time is over.

    Raises MessageRefused.
    """
    _check_hub(source, is_hub)
    transfer = _ours(book, dfsp, said.transfer_id)
    decision = Decision()
    if transfer is not None and said.is_certain and transfer.expires_at <= now:
        abort(decision, book, transfer, f"hub_error_{said.detail}", now)
    return decision


def decide_taken(book: Book, transfer_id: str, now: datetime) -> Decision:
    """The hub has taken our answer, and sends no last word: the money has moved."""
    decision = Decision()
    transfer = book.transfers.get(transfer_id)
    if transfer is not None:
        commit(decision, book, transfer, "answer_taken_by_hub", now)
    return decision


def decide_silent(book: Book, transfer_id: str, now: datetime) -> Decision:
    """The hub has not ended a transfer in time: its request is in doubt, and the hub is asked."""
    decision = Decision()
    transfer = book.transfers.get(transfer_id)
    if (
        transfer is not None
        and transfer_may(transfer.state, TransferCapability.MOVE_MONEY)
        and transfer.check_at is not None
        and transfer.check_at <= now
    ):
        put_in_doubt(decision, book, transfer, now)
        ask_outcome(decision, transfer, now)
    return decision


def ask_outcome(decision: Decision, transfer: Transfer, now: datetime) -> None:
    """Ask the hub what became of a transfer."""
    decision.say(
        AskOutcome(transfer.transfer_id),
        transfer.payer_fsp_id,
        useless_after=now + QUESTION_LASTS,
        about=transfer.transfer_id,
    )


def _ours(book: Book, dfsp: OurDfsp, transfer_id: str) -> Transfer | None:
    transfer = book.transfers.get(transfer_id)
    return transfer if transfer is not None and transfer.dfsp_id == dfsp.dfsp_id else None


def _check_hub(source: str, is_hub: bool) -> None:
    """Payer and payee have an interest in what became of the money; the hub's ledger has it in writing."""
    if not is_hub:
        raise MessageRefused(Refusal.SENDER_NOT_HUB, f"{source} is not the hub, which alone ends transfers")
