"""The life of a request to pay between its creation and its money: looked up, asked, answered, cancelled.

Pure decisions; operations.py creates requests, engine.py runs the rest. No answer is not a refusal: what was sent may
have arrived, so it is sent again with the same id, and a request that ends this way is in doubt, never failed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from merchant.core.errors import Reason
from merchant.hub.port import (
    BadNews,
    MessageRefused,
    PayerAnswer,
    PayerFound,
    PayerNotFound,
    Refusal,
    RequestAnswered,
    RequestFailed,
)
from merchant.payments.book import Book, Contradiction, Decision, OurDfsp, Request
from merchant.payments.reasons import ASKED_AGAIN, PAYER_AMBIGUOUS, SAID_NO
from merchant.payments.settle import UNREACHABLE, expire_if_over, fail, is_money_under_way
from merchant.payments.states import RequestCapability, RequestState, may, may_be_asked_again, move

# A hub answers a look-up within seconds; what comes later, or unasked, is nobody's answer.
ANSWERED_WITHIN = timedelta(minutes=2)
DECLINED_HERE = "declined_by_payer"  # the cause of a rejection that did not come from the payer's DFSP


# --- the look-up -----------------------------------------------------------------------------------------------------


def decide_payer_found(book: Book, dfsp: OurDfsp, source: str, found: PayerFound, now: datetime) -> Decision:
    """Where a payer whom we looked up has their account. Every request that waits for it is put to that DFSP.

    A second answer that names another DFSP ends what has not been asked yet, since either may be the liar. Raises
    MessageRefused.
    """
    if found.fsp_id != source:
        raise MessageRefused(Refusal.SENDER_NOT_ASKED, f"{source} cannot say that {found.fsp_id} has this account")
    decision = Decision()
    lately = _looked_up_lately(book, dfsp, found.payer, now)
    # A party that no request looked up is what `merchant hub test` asks about; its answer changes nothing.
    if not lately and (dfsp.dfsp_id, found.payer) in book.once_looked_up:
        raise MessageRefused(Refusal.INVALID, "This party was not looked up lately")
    for request in lately:
        if request.payer_fsp_id is None:
            if may(request.state, RequestCapability.LOOK_UP_PAYER):
                decision.ask.append(decision.put(replace(request, payer_fsp_id=found.fsp_id)))
        elif request.payer_fsp_id != found.fsp_id:
            _contradict(decision, request, found.fsp_id, now)
    return decision


def _contradict(decision: Decision, request: Request, fsp_id: str, now: datetime) -> None:
    """Another DFSP says that it has a payer who was found before: fail closed, or raise the alarm when it is too
    late for that.
    """
    was_asked = not may(request.state, RequestCapability.ASK_PAYER)
    if not was_asked:
        detail = f"{request.payer_fsp_id}, {fsp_id}"
        move(decision, request, RequestState.FAILED, "payer_ambiguous", now, reason=PAYER_AMBIGUOUS, detail=detail)
    elif not may(request.state, RequestCapability.EXPIRE):
        return
    decision.contradictions.append(Contradiction(request, fsp_id, was_asked))


def decide_payer_not_found(book: Book, dfsp: OurDfsp, said: PayerNotFound, now: datetime) -> Decision:
    """Nobody knows this payer, or their DFSP cannot be reached.

    Nothing was asked of anyone, so no money can move: the requests that wait fail.
    """
    decision = Decision()
    for request in _looked_up_lately(book, dfsp, said.payer, now):
        if request.payer_fsp_id is None and may(request.state, RequestCapability.LOOK_UP_PAYER):
            fail(decision, book, request, said.news, said.detail, "look_up_failed", now)
    return decision


def _looked_up_lately(book: Book, dfsp: OurDfsp, payer: str, now: datetime) -> list[Request]:
    return [
        request
        for request in book.requests_of_payer(dfsp.dfsp_id, payer)
        if request.looked_up_at is not None and request.looked_up_at > now - ANSWERED_WITHIN
    ]


# --- the question to the payer ---------------------------------------------------------------------------------------


def decide_asked(request: Request | None, now: datetime) -> Decision:
    """The hub took our question. Nothing changes when the payer's answer was faster."""
    decision = Decision()
    if request is None:
        return decision
    if request.hub_trouble == UNREACHABLE:
        request = decision.put(replace(request, hub_trouble=None))
    if may(request.state, RequestCapability.ASK_PAYER):
        move(decision, request, RequestState.SENT, "sent_to_hub", now)
    return decision


def decide_looked_up(request: Request | None) -> Decision:
    """The hub took our look-up."""
    decision = Decision()
    if request is not None and request.hub_trouble == UNREACHABLE:
        decision.put(replace(request, hub_trouble=None))
    return decision


def decide_not_taken(
    book: Book, request: Request | None, news: BadNews, detail: str, cause: str, now: datetime
) -> Decision:
    """The hub refused our look-up or our question in its answer: the request fails."""
    decision = Decision()
    if request is not None:
        fail(decision, book, request, news, detail, cause, now)
    return decision


def decide_answer(
    book: Book, dfsp: OurDfsp, source: str, said: RequestAnswered, now: datetime, *, is_hub: bool
) -> Decision:
    """What the payer's DFSP answers to our question, in any order and number. Raises MessageRefused."""
    decision = Decision()
    request = _request_answered(book, dfsp, source, said.hub_request_id, is_hub=is_hub)
    if request is None or not may(request.state, RequestCapability.TAKE_ANSWER) or is_money_under_way(book, request):
        return decision
    if said.transaction_id is not None:
        request = decision.put(replace(request, transaction_id=said.transaction_id))
    match said.answer:
        case PayerAnswer.WAITING:
            target, reason = RequestState.AWAITING_PAYER, None
        case PayerAnswer.ACCEPTED:
            target, reason = RequestState.ACCEPTED, None
        case PayerAnswer.REJECTED:
            target, reason = RequestState.REJECTED, SAID_NO
    move(decision, request, target, f"payer_{said.said}", now, reason=reason)
    return decision


def decide_failure(
    book: Book, dfsp: OurDfsp, source: str, said: RequestFailed, now: datetime, *, is_hub: bool
) -> Decision:
    """An error about our question, from the payer's DFSP or from a hub that could not reach it.

    Raises MessageRefused.
    """
    decision = Decision()
    request = _request_answered(book, dfsp, source, said.hub_request_id, is_hub=is_hub)
    if request is not None:
        fail(decision, book, request, said.news, said.detail, "hub_error", now)
    return decision


def _request_answered(book: Book, dfsp: OurDfsp, source: str, hub_request_id: str, *, is_hub: bool) -> Request | None:
    """The request that a message answers; None when there is none.

    Raises MessageRefused unless it comes from the DFSP that was asked, or from the hub: by its own name, or (what
    callbacks.py checked) by giving back our own message.
    """
    request = book.request_by_hub_id(hub_request_id, dfsp.dfsp_id)
    if request is None or is_hub or source in (request.payer_fsp_id, dfsp.fsp_id):
        return request
    raise MessageRefused(Refusal.SENDER_NOT_ASKED, f"{source} was not asked")


# --- its end without an answer ---------------------------------------------------------------------------------------


def decide_due(book: Book, request: Request | None, now: datetime) -> Decision:
    """A request's time is over."""
    decision = Decision()
    if request is not None:
        expire_if_over(decision, book, request, now)
    return decision


class MoneyUnderWay(Exception):
    """The customer's money is on its way; the hub's word decides."""


class HasEnded(Exception):
    """The request has ended, as `state` says."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


def decide_cancel(
    book: Book, request: Request, now: datetime, cause: str = "cancelled_by_merchant", reason: Reason | None = None
) -> Decision:
    """Take a request back. The protocol cannot tell the payer; a payment on its way may still arrive, flagged late.

    Raises HasEnded, MoneyUnderWay.
    """
    _check_stoppable(book, request)
    decision = Decision()
    move(decision, request, RequestState.CANCELLED, cause, now, reason=reason)
    return decision


def decide_decline(book: Book, request: Request, now: datetime) -> Decision:
    """End a request to which its payer said no to us, and not to their DFSP, which may still ask and cannot be told:
    what it then sends is refused. Raises HasEnded, MoneyUnderWay.
    """
    _check_stoppable(book, request)
    decision = Decision()
    move(decision, request, RequestState.REJECTED, DECLINED_HERE, now, reason=SAID_NO)
    return decision


def _check_stoppable(book: Book, request: Request) -> None:
    if not may(request.state, RequestCapability.CANCEL):
        raise HasEnded(request.state)
    if is_money_under_way(book, request):
        raise MoneyUnderWay


def decide_ask_again(
    book: Book, asked: Sequence[Request], request: Request, now: datetime
) -> tuple[Decision, Request | None]:
    """What becomes of a demand when `request` is put again. `asked` are it, those whose place it took and those that
    took its place, oldest first. The last is ended, unless it has ended without money already, and a new one is to be
    made; or the last is open and took the place of the request: then it is returned, and nobody is asked twice.

    Raises HasEnded when one of them was paid or its money is in doubt, MoneyUnderWay.
    """
    for one in asked:
        if is_money_under_way(book, one):
            raise MoneyUnderWay
        if not may_be_asked_again(one.state):
            raise HasEnded(one.state)
    last = asked[-1]
    if not may(last.state, RequestCapability.CANCEL):
        return Decision(), None
    if last.id != request.id and last.expires_at > now:
        return Decision(), last
    return decide_cancel(book, last, now, "asked_again", ASKED_AGAIN), None
