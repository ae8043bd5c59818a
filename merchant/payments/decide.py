"""Which rule decides about which event: the table that the engine and the simulation share. Pure."""

from datetime import datetime
from typing import Any

from merchant.hub import port
from merchant.hub.port import MessageRefused
from merchant.payments import internal, parties, quotes, requests, transfers
from merchant.payments.book import Book, Decision, OurDfsp
from merchant.payments.refunds import rules as refunds


def decide(book: Book, dfsp: OurDfsp | None, source: str, event: Any, now: datetime, *, is_hub: bool) -> Decision:
    """What an event changes and causes. `source` is who sent the message that it came by, where it came by one.

    Raises MessageRefused, transfers.NotYet, settle.AmountMismatch.
    """
    if isinstance(event, internal.Inside):
        return _inside(book, event, now)
    assert dfsp is not None, "a message of the hub is for one of our DFSPs"
    match event:
        case port.PartyAsked():
            return parties.decide_party(book, dfsp, source, event)
        case port.PayerFound():
            return requests.decide_payer_found(book, dfsp, source, event, now)
        case port.PayerNotFound():
            return requests.decide_payer_not_found(book, dfsp, event, now)
        case port.RequestAnswered():
            return requests.decide_answer(book, dfsp, source, event, now, is_hub=is_hub)
        case port.RequestFailed():
            return requests.decide_failure(book, dfsp, source, event, now, is_hub=is_hub)
        case port.QuoteAsked():
            return quotes.decide_quote(book, dfsp, source, event, now)
        case port.QuoteAskedAgain():
            return quotes.decide_quote_again(book, source, event)
        case port.TransferPrepared():
            return transfers.decide_transfer(book, dfsp, source, event, now)
        case port.TransferAskedAgain():
            return transfers.decide_transfer_again(book, source, event)
        case port.TransferEnded() | port.TransferFailed() if book.refund_by_hub_id(event.transfer_id, dfsp.dfsp_id):
            return _of_refund(book, dfsp, source, event, now, is_hub=is_hub)
        case port.TransferEnded():
            return transfers.decide_end(book, dfsp, source, event, now, is_hub=is_hub)
        case port.TransferFailed():
            return transfers.decide_failed(book, dfsp, source, event, now, is_hub=is_hub)
        case port.QuoteAnswered():
            return refunds.decide_quote_answered(book, dfsp, source, event, now)
        case port.QuoteFailed():
            return refunds.decide_quote_failed(book, dfsp, source, event, now, is_hub=is_hub)
        case port.Unanswerable():
            raise MessageRefused(event.refusal, event.description)
        case _:
            raise TypeError(f"nobody decides about {type(event).__name__}")


def _of_refund(
    book: Book,
    dfsp: OurDfsp,
    source: str,
    event: port.TransferEnded | port.TransferFailed,
    now: datetime,
    *,
    is_hub: bool,
) -> Decision:
    """What is said of a transfer of ours."""
    if isinstance(event, port.TransferEnded):
        return refunds.decide_ended(book, dfsp, source, event, now, is_hub=is_hub)
    return refunds.decide_failed(book, dfsp, source, event, now, is_hub=is_hub)


def _inside(book: Book, event: Any, now: datetime) -> Decision:
    """What happened inside the house."""
    match event:
        case internal.LookUpTaken():
            return requests.decide_looked_up(book.requests.get(event.request_id))
        case internal.QuestionTaken():
            return requests.decide_asked(book.requests.get(event.request_id), now)
        case internal.NotTaken():
            request = book.requests.get(event.request_id)
            return requests.decide_not_taken(book, request, event.news, event.detail, event.cause, now)
        case internal.AnswerTaken():
            return transfers.decide_taken(book, event.transfer_id, now)
        case internal.RequestDue():
            return requests.decide_due(book, book.requests.get(event.request_id), now)
        case internal.TransferSilent():
            return transfers.decide_silent(book, event.transfer_id, now)
        case internal.RefundTaken():
            return refunds.decide_taken(book.refunds.get(event.refund_id), now)
        case internal.RefundNotTaken():
            return refunds.decide_not_taken(book.refunds.get(event.refund_id), event.detail, now)
        case internal.RefundDue():
            return refunds.decide_due(book, book.refunds.get(event.refund_id), now)
        case _:
            raise TypeError(f"nobody decides about {type(event).__name__}")
