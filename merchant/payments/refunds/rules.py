"""What happens to a refund: who may ask for how much, and what each word of the hub or a person changes. Pure.

Money leaves only by a transfer, and a transfer only for a quote that gives the payer the whole amount. Until the
transfer is sent a refund may fail; after it only the hub's word ends it, and silence is doubt.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from merchant.core.errors import Reason
from merchant.core.money import Money
from merchant.hub.port import (
    AskOutcome,
    AskQuote,
    BadNews,
    MessageRefused,
    Outcome,
    QuoteAnswered,
    QuoteFailed,
    Refusal,
    SendTransfer,
    TransferEnded,
    TransferFailed,
)
from merchant.payments.book import Book, Decision, OurDfsp
from merchant.payments.limits import usage_keys
from merchant.payments.quotes import MSISDN
from merchant.payments.receipt_numbers import number_of
from merchant.payments.refunds import reasons
from merchant.payments.refunds.states import RefundCapability, RefundState, begin_refund, move_refund, refund_may
from merchant.payments.refunds.values import Refund
from merchant.payments.settle import LONGEST_CHECK
from merchant.payments.states import BY_TELEPHONE
from merchant.payments.telling import PaidText, PayerText
from merchant.registry.merchants.states import Capability, merchant_may

APPROVAL_LASTS = timedelta(days=7)
QUOTE_LASTS = timedelta(minutes=10)  # in all; the question is repeated meanwhile
QUOTE_ASKED_EVERY = timedelta(seconds=30)
TRANSFER_LASTS = timedelta(seconds=60)
QUESTION_LASTS = timedelta(minutes=1)
# What the payee's DFSP, or a hub that holds our money, says for good about a transfer of ours.
_FINAL = frozenset(BadNews) - {BadNews.HUB_BUSY, BadNews.REQUEST_EXPIRED, BadNews.REQUEST_REFUSED}
_FINAL -= {BadNews.PAYER_DFSP_UNREACHABLE, BadNews.PAYER_NOT_FOUND}


class OverRefundable(Exception):
    """More than is left of a payment; `left` is what could still be given back."""

    def __init__(self, left: Money) -> None:
        super().__init__(str(left))
        self.left = left


def refundable(paid: Money, others: Iterable[tuple[str, int]], wanted: Money | None) -> Money:
    """How much is given back of a payment: what is wanted, or all that is left. `others` are the states and amounts of
    its refunds so far. Raises OverRefundable.
    """
    held = sum(minor for state, minor in others if refund_may(state, RefundCapability.HOLD_MONEY))
    left = Money(max(0, paid.minor - held), paid.currency)
    amount = left if wanted is None else wanted
    if amount.currency != paid.currency or not 0 < amount.minor <= left.minor:
        raise OverRefundable(left)
    return amount


# --- by people -------------------------------------------------------------------------------------------------------


def decide_begin(refund: Refund, cause: str, now: datetime) -> Decision:
    """A new refund, in `created` or in `pending_approval`; one that needs nobody's approval is quoted at once."""
    decision = Decision()
    begun = begin_refund(decision, refund, cause, now)
    if refund_may(begun.state, RefundCapability.BE_SENT):
        _ask_quote(decision, begun, now)
    return decision


def decide_approved(refund: Refund, now: datetime) -> Decision:
    """A second person says yes."""
    decision = Decision()
    if refund_may(refund.state, RefundCapability.BE_APPROVED):
        lasting = replace(refund, expires_at=now + QUOTE_LASTS)
        _ask_quote(decision, move_refund(decision, lasting, RefundState.CREATED, "approved", now), now)
    return decision


def decide_rejected(refund: Refund, reason: Reason, cause: str, now: datetime) -> Decision:
    """One of our own people says no, or nobody says anything, before anything went to the hub."""
    decision = Decision()
    if refund_may(refund.state, RefundCapability.BE_REJECTED):
        move_refund(decision, refund, RefundState.REJECTED, cause, now, reason=reason)
    return decision


# --- the quote -------------------------------------------------------------------------------------------------------


def decide_quote_answered(book: Book, dfsp: OurDfsp, source: str, said: QuoteAnswered, now: datetime) -> Decision:
    """The payee's DFSP answers: the transfer is sent, unless it would arrive with less. Raises MessageRefused."""
    refund = _of_quote(book, dfsp, said.quote_id)
    if source != refund.payee_fsp_id:
        raise MessageRefused(Refusal.SENDER_NOT_ASKED, f"{source} was not asked for this quote")
    decision = Decision()
    if not refund_may(refund.state, RefundCapability.QUOTE):
        return decision
    problem = _problem(book, refund, said, now)
    if problem is not None:
        _fail(decision, refund, problem, "quote_not_usable", said.problem, now)
        return decision
    expires_at = min(said.expires_at, now + TRANSFER_LASTS)
    sent = replace(
        refund,
        promise=said.promise,
        lock=said.lock,
        expires_at=expires_at,
        check_at=expires_at + book.rules.settle_check,
    )
    sent = move_refund(decision, sent, RefundState.ACCEPTED, "quote_answered", now)
    transfer = SendTransfer(
        transfer_id=sent.transfer_id,
        payee_fsp_id=sent.payee_fsp_id,
        amount=sent.amount,
        promise=said.promise,
        lock=said.lock,
        expires_at=expires_at,
    )
    decision.say(transfer, sent.payee_fsp_id, useless_after=expires_at, about=sent.transfer_id, refund_id=sent.id)
    return decision


def _problem(book: Book, refund: Refund, said: QuoteAnswered, now: datetime) -> Reason | None:
    if not merchant_may(book.merchants[refund.merchant_id].state, Capability.REFUND):
        return reasons.MERCHANT_STOPPED
    if min(said.expires_at, refund.expires_at) <= now:
        return reasons.NO_ANSWER
    if said.problem is not None:
        return reasons.PROMISE_BAD
    if said.leaves != refund.amount or said.arrives not in (None, refund.amount):
        return reasons.CHARGED
    return None


def decide_quote_failed(
    book: Book, dfsp: OurDfsp, source: str, said: QuoteFailed, now: datetime, *, is_hub: bool
) -> Decision:
    """The quote is refused; a busy hub is asked again by the timer. Raises MessageRefused."""
    refund = _of_quote(book, dfsp, said.quote_id)
    _check_sender(refund, source, is_hub=is_hub)
    decision = Decision()
    if refund_may(refund.state, RefundCapability.QUOTE) and said.news is not BadNews.HUB_BUSY:
        _fail(decision, refund, reasons.because_of(said.news), "quote_refused", said.detail, now)
    return decision


def decide_taken(refund: Refund | None, now: datetime) -> Decision:
    """The hub has taken a message of ours about this refund."""
    decision = Decision()
    if refund is not None and refund_may(refund.state, RefundCapability.BE_SENT):
        move_refund(decision, refund, RefundState.SENT, "quote_taken_by_hub", now)
    return decision


def decide_not_taken(refund: Refund | None, detail: str, now: datetime) -> Decision:
    """The hub refuses a message of ours in its answer. A quote moves no money; of a transfer an earlier copy may have
    been taken, so that the hub is asked.
    """
    decision = Decision()
    if refund is None:
        return decision
    if refund_may(refund.state, RefundCapability.QUOTE):
        _fail(decision, refund, reasons.NOT_TAKEN, "refused_by_hub", detail, now)
    elif refund_may(refund.state, RefundCapability.MOVE_MONEY):
        _doubt(decision, refund, refund.expires_at, "refused_by_hub", detail, now)
    return decision


# --- the transfer ----------------------------------------------------------------------------------------------------


def decide_ended(
    book: Book, dfsp: OurDfsp, source: str, said: TransferEnded, now: datetime, *, is_hub: bool
) -> Decision:
    """The hub's word on our transfer, or the payee's DFSP's with its proof. Raises MessageRefused."""
    refund = _of_transfer(book, dfsp, said.transfer_id)
    _check_sender(refund, source, is_hub=is_hub)
    decision = Decision()
    match said.outcome:
        case Outcome.COMMITTED:
            if not is_hub and said.opens != refund.lock:
                raise MessageRefused(Refusal.INVALID, "The fulfilment does not open the condition")
            _settle(decision, book, refund, f"{said.how}_committed", now)
        case Outcome.ABORTED:
            _fail(decision, refund, reasons.NOT_MOVED, f"{said.how}_aborted", None, now)
        case Outcome.OPEN:
            pass
    return decision


def decide_failed(
    book: Book, dfsp: OurDfsp, source: str, said: TransferFailed, now: datetime, *, is_hub: bool
) -> Decision:
    """An error about our transfer: some say for certain that no money moves, others only once its time is over.

    Raises MessageRefused.
    """
    refund = _of_transfer(book, dfsp, said.transfer_id)
    _check_sender(refund, source, is_hub=is_hub)
    decision = Decision()
    is_over = said.is_certain and refund.expires_at <= now
    if not is_hub or said.news in _FINAL or is_over:
        reason = reasons.because_of(said.news) if said.news in _FINAL else reasons.NOT_MOVED
        _fail(decision, refund, reason, f"hub_error_{said.detail}", None, now)
    return decision


def _settle(decision: Decision, book: Book, refund: Refund, cause: str, now: datetime) -> None:
    if not refund_may(refund.state, RefundCapability.BE_REFUNDED):
        return
    move_refund(decision, refund, RefundState.REFUNDED, cause, now)
    _tell(decision, refund)
    if refund.gives_back and refund.usage_day is not None:
        # The number of payments is not given back: they were taken, whatever became of the money.
        keys = usage_keys(book.merchants[refund.merchant_id], refund.usage_day, refund.currency)
        decision.use(keys, -refund.amount_minor, 0)


def _tell(decision: Decision, refund: Refund) -> None:
    """Tell the merchant, and the payer who asked by telephone, that the money is back; by the payment's receipt."""
    receipt = number_of(refund.payment_id)
    text = PaidText(refund.merchant_id, refund.amount, refund.payee_masked, receipt, "gave_back")
    decision.texts.append(text)
    if refund.payment_channel == BY_TELEPHONE and refund.payee_type == MSISDN and refund.payee:
        decision.payer_texts.append(
            PayerText(refund.dfsp_id, refund.merchant_id, refund.payee, refund.amount, "refunded", receipt)
        )


def _fail(decision: Decision, refund: Refund, reason: Reason, cause: str, detail: str | None, now: datetime) -> None:
    if refund_may(refund.state, RefundCapability.FAIL):
        move_refund(decision, refund, RefundState.FAILED, cause, now, reason=reason, detail=detail and detail[:200])


# --- by the clock ----------------------------------------------------------------------------------------------------


def decide_due(book: Book, refund: Refund | None, now: datetime) -> Decision:
    """A refund's time has come: the quote is asked for again or given up, a silent transfer is in doubt."""
    if refund is None or refund.check_at is None or refund.check_at > now:
        return Decision()
    if refund_may(refund.state, RefundCapability.BE_REJECTED):
        return decide_rejected(refund, reasons.NOT_APPROVED, "time_over", now)
    decision = Decision()
    if refund_may(refund.state, RefundCapability.QUOTE):
        if refund.expires_at <= now:
            _fail(decision, refund, reasons.NO_ANSWER, "time_over", None, now)
        else:
            _ask_quote(decision, refund, now)
    elif refund_may(refund.state, RefundCapability.MOVE_MONEY):
        next_check = now + min(LONGEST_CHECK, max(book.rules.settle_check, now - refund.expires_at))
        _doubt(decision, refund, next_check, "no_word_from_hub", None, now)
        ask_refund_outcome(decision, refund, now)
    return decision


def ask_refund_outcome(decision: Decision, refund: Refund, now: datetime) -> None:
    """Ask the hub what became of a refund's transfer."""
    decision.say(
        AskOutcome(refund.transfer_id),
        refund.payee_fsp_id,
        useless_after=now + QUESTION_LASTS,
        about=refund.transfer_id,
    )


def _doubt(
    decision: Decision, refund: Refund, check_at: datetime, cause: str, detail: str | None, now: datetime
) -> None:
    waiting = decision.put_refund(replace(refund, check_at=check_at))
    move_refund(decision, waiting, RefundState.IN_DOUBT, cause, now, reason=reasons.CHECKING, detail=detail)


def _ask_quote(decision: Decision, refund: Refund, now: datetime) -> None:
    asked = decision.put_refund(replace(refund, check_at=now + QUOTE_ASKED_EVERY))
    quote = AskQuote(
        quote_id=asked.quote_id,
        transaction_id=asked.transaction_id,
        original_transaction_id=asked.original_transaction_id,
        reason=asked.words or asked.reason,
        alias_type=asked.alias_type,
        alias=asked.alias,
        trading_name=asked.trading_name,
        mcc=asked.mcc,
        payee_type=asked.payee_type,
        payee=asked.payee,
        payee_fsp_id=asked.payee_fsp_id,
        amount=asked.amount,
        expires_at=asked.expires_at,
    )
    # Its copies are dropped when the next one is due, so that a hub that was away is not sent twenty at once.
    decision.say(quote, asked.payee_fsp_id, useless_after=asked.check_at, about=asked.quote_id, refund_id=asked.id)


# --- who says it -----------------------------------------------------------------------------------------------------


def _of_quote(book: Book, dfsp: OurDfsp, quote_id: str) -> Refund:
    found = book.refund_by_hub_id(quote_id, dfsp.dfsp_id)
    if found is None:
        raise MessageRefused(Refusal.QUOTE_UNKNOWN, "We asked for no such quote")
    return found


def _of_transfer(book: Book, dfsp: OurDfsp, transfer_id: str) -> Refund:
    found = book.refund_by_hub_id(transfer_id, dfsp.dfsp_id)
    assert found is not None, "decide() looks whose transfer it is"
    return found


def _check_sender(refund: Refund, source: str, *, is_hub: bool) -> None:
    if not is_hub and source != refund.payee_fsp_id:
        raise MessageRefused(Refusal.SENDER_NOT_ASKED, f"{source} has no part in this refund")
