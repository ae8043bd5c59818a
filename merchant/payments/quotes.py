"""Quotes: a payer's DFSP asks for a quote; the answer has the amount, until when it holds, and the hub's promise.

Pure decisions. This is where a payment finds the request it pays, where limits are checked, and where another amount
than the requested one is refused before any money can move.
"""

import re
from datetime import datetime, timedelta

from merchant.core.phone import mask
from merchant.hub.port import (
    AnswerQuote,
    MessageRefused,
    PaymentKind,
    QuoteAsked,
    QuoteAskedAgain,
    Refusal,
    RepeatQuote,
)
from merchant.payments.book import Book, Decision, OurDfsp, Quote, Request
from merchant.payments.limits import headroom
from merchant.payments.parties import code_closed, find_payee, request_of_code
from merchant.payments.reasons import AMOUNT_CHANGED
from merchant.payments.settle import expire_if_over, fail_over_limit
from merchant.payments.states import RequestCapability, RequestState, has_ended, may, move
from merchant.registry.merchants.counters import CounterFacts

# FSPIOP gives no figure; a payer who has to type a PIN on a 2G phone needs a minute or two.
QUOTE_LIFE = timedelta(minutes=3)
MSISDN = "MSISDN"


def decide_quote(book: Book, dfsp: OurDfsp, source: str, asked: QuoteAsked, now: datetime) -> Decision:
    """An answered quote, or a refusal that says why. The same quote again gets the same answer.

    Raises MessageRefused.
    """
    known = book.quotes.get((source, asked.quote_id))
    if known is not None:
        return _repeat(known, asked, source)
    _check_kind(dfsp, asked)
    counter = find_payee(book, dfsp, asked.alias_type, asked.alias)
    request = _request_paid_by(book, dfsp, counter, asked, source)
    decision = Decision()
    if request is not None:
        request = expire_if_over(decision, book, request, now)
        if not may(request.state, RequestCapability.QUOTE):
            return _refuse(decision, Refusal.QUOTE_NOT_WANTED, f"This request is {request.state}; it is not to be paid")
        if request.amount != asked.amount:
            return _refuse_other_amount(decision, asked, request, now)
    _check_merchant(book, counter, asked)
    most = headroom(book, book.merchants[counter.merchant_id], asked.amount.currency)
    if asked.amount.minor > most.minor:
        if request is not None:
            fail_over_limit(decision, book, request, most, now)
        return _refuse(decision, Refusal.OVER_LIMIT, "This payment is over the merchant's limit")
    if asked.answer_by is not None and asked.answer_by <= now:
        return _refuse(decision, Refusal.QUOTE_EXPIRED, "The quote expired before it came")
    # How long it holds is the payee's to choose (FSPIOP table 24); the payer's own limit is on our answer (table 23).
    quote = _answered(counter, source, asked, request, now)
    decision.quotes.append(quote)
    decision.say(AnswerQuote(quote.quote_id, quote.amount, quote.expires_at), source, useless_after=quote.expires_at)
    if request is not None:
        move(decision, request, RequestState.ACCEPTED, "quoted", now)
    return decision


def decide_quote_again(book: Book, source: str, asked: QuoteAskedAgain) -> Decision:
    """The answer once more. Raises MessageRefused."""
    known = book.quotes.get((source, asked.quote_id))
    if known is None or known.answer is None:
        raise MessageRefused(Refusal.QUOTE_UNKNOWN, "There is no such quote")
    decision = Decision()
    decision.say(RepeatQuote(known.quote_id, known.answer), source)
    return decision


def _repeat(known: Quote, asked: QuoteAsked, source: str) -> Decision:
    if known.content != asked.content:
        raise MessageRefused(Refusal.REPEAT_CHANGED, "This quote id came before with another content")
    if known.answer is None:
        raise MessageRefused(Refusal.QUOTE_EXPIRED, "This quote has expired; ask for a new one")
    decision = Decision()
    decision.say(RepeatQuote(known.quote_id, known.answer), source)
    return decision


def _refuse(decision: Decision, refusal: Refusal, why: str) -> Decision:
    """Refuse, and keep what was decided besides."""
    decision.refused = MessageRefused(refusal, why)
    return decision


def _check_kind(dfsp: OurDfsp, asked: QuoteAsked) -> None:
    if asked.kind is PaymentKind.OTHER:
        raise MessageRefused(Refusal.KIND_NOT_TAKEN, "Merchants here take payments; no withdrawal, deposit or refund")
    if asked.payee_fsp_id not in (None, dfsp.fsp_id):
        raise MessageRefused(Refusal.NOT_OUR_DFSP, f"The payee is said to be at {asked.payee_fsp_id}")


def _check_merchant(book: Book, counter: CounterFacts, asked: QuoteAsked) -> None:
    if asked.amount.currency not in counter.currencies:
        raise MessageRefused(Refusal.CURRENCY_NOT_TAKEN, f"This merchant takes {', '.join(counter.currencies)} only")
    if not book.policies[counter.dfsp_id].permits("receive_payment", counter.tier):
        raise MessageRefused(Refusal.MERCHANT_BLOCKED, "This merchant may not take payments now")


def _answered(counter: CounterFacts, source: str, asked: QuoteAsked, request: Request | None, now: datetime) -> Quote:
    return Quote(
        payer_fsp_id=source,
        quote_id=asked.quote_id,
        dfsp_id=counter.dfsp_id,
        merchant_id=counter.merchant_id,
        counter_id=counter.counter_id,
        request_id=request.id if request else None,
        transaction_id=asked.transaction_id,
        content=asked.content,
        answer=None,  # with the lock, when the adapter has written it
        amount_minor=asked.amount.minor,
        currency=asked.amount.currency,
        lock=None,
        payer_masked=mask(asked.payer),
        note=asked.note,
        expires_at=now + QUOTE_LIFE,
        created_at=now,
        payer_type=asked.payer_type,
        payer=asked.payer,
    )


def _refuse_other_amount(decision: Decision, asked: QuoteAsked, request: Request, now: datetime) -> Decision:
    """Refuse a quote for another amount than was requested.

    A request that was put to this payer ends, and its merchant is told why. Anyone may scan a code and mistype: its
    request stays open for whoever pays the right amount.
    """
    if asked.hub_request_id is not None and may(request.state, RequestCapability.FAIL):
        move(decision, request, RequestState.FAILED, "amount_changed", now, reason=AMOUNT_CHANGED)
    return _refuse(decision, Refusal.QUOTE_NOT_WANTED, "The amount is not the one that was asked for")


# --- which request a quote pays --------------------------------------------------------------------------------------


def _request_paid_by(
    book: Book, dfsp: OurDfsp, counter: CounterFacts, asked: QuoteAsked, source: str
) -> Request | None:
    """The request that this quote pays: found by its id, sub-id, note or extension, in that order."""
    if asked.hub_request_id is not None:
        request = book.request_by_hub_id(asked.hub_request_id, dfsp.dfsp_id)
        # Only the DFSP that was asked may quote for its customer; a code to scan was put to nobody.
        ours = request is not None and request.counter_id == counter.counter_id
        if request is None or not ours or (request.payer_masked is not None and request.payer_fsp_id != source):
            raise MessageRefused(Refusal.QUOTED_REQUEST_UNKNOWN, "There is no such transaction request here")
        return request
    if asked.sub_id is not None:
        request = request_of_code(book, counter.counter_id, asked.sub_id)
        if request is None:
            raise code_closed()
        return request
    for hint in asked.hints:
        hinted = _by_hint(book, counter, hint, asked)
        if hinted is not None:
            return hinted
    # On an ISO 20022 hub the request's id is lost on the way; the transaction id told us at RECEIVED remains.
    return next(
        (
            request
            for request in book.requests_of_counter(counter.counter_id)
            if request.transaction_id == asked.transaction_id and request.payer_fsp_id == source
        ),
        None,
    )


_WORD = re.compile(r"[^\W_]+")  # a person may put a full stop behind a reference, or "ref:" before it


def words_of(hint: str) -> set[str]:
    """What of a text may be a reference: all of it, and each of its words."""
    return {hint.strip(), *hint.split(), *_WORD.findall(hint)}


def _by_hint(book: Book, counter: CounterFacts, hint: str, asked: QuoteAsked) -> Request | None:
    """An open request whose short reference, or the merchant's own, is the text or one of its words.

    A hint is only a hint: what does not fit, in amount or otherwise, is a payment of its own.
    """
    words = words_of(hint)
    found = next(
        (
            request
            for request in book.requests_of_counter(counter.counter_id)
            if not has_ended(request.state)
            and request.amount == asked.amount
            and (request.short_ref in words or request.reference in words)
        ),
        None,
    )
    return found if found is not None and may(found.state, RequestCapability.QUOTE) else None
