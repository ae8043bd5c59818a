"""Which rows the decision about an event looks at, so that a batch loads them all together. Pure."""

from functools import singledispatch
from typing import Any
from uuid import UUID

from msgspec import Struct, field

from merchant.core.money import Money
from merchant.hub import port
from merchant.payments import internal
from merchant.payments.book import OurDfsp
from merchant.payments.quotes import words_of

Place = tuple[UUID, str, str]  # a DFSP's number: dfsp_id, type, number


class Needs(Struct):
    """Keys of rows, by the table and by how they are found."""

    places: set[Place] = field(default_factory=set)
    codes: set[tuple[Place, str]] = field(default_factory=set)  # with the reference of a code
    hints: list[tuple[Place, frozenset[str], Money]] = field(default_factory=list)
    transactions: set[tuple[Place, str]] = field(default_factory=set)
    request_ids: set[UUID] = field(default_factory=set)
    hub_request_ids: set[str] = field(default_factory=set)
    payers: set[tuple[UUID, str]] = field(default_factory=set)
    quotes: set[tuple[str, str]] = field(default_factory=set)
    locks: set[str] = field(default_factory=set)
    transfer_ids: set[str] = field(default_factory=set)
    headroom_of_places: set[Place] = field(default_factory=set)  # to look at it
    headroom_of_locks: set[str] = field(default_factory=set)  # to take of it
    new_transfer_ids: set[str] = field(default_factory=set)  # which may come to two processes at once
    refund_ids: set[UUID] = field(default_factory=set)
    refund_quotes: set[str] = field(default_factory=set)
    refund_transfers: set[str] = field(default_factory=set)  # where no transfer to us has the id


def add_needs(needs: Needs, event: Any, dfsp: OurDfsp | None, source: str) -> None:
    """Add what the decision about an event looks at."""
    _add(event, needs, dfsp, source)


@singledispatch
def _add(event: Any, needs: Needs, dfsp: OurDfsp | None, source: str) -> None:
    raise TypeError(f"nobody decides about {type(event).__name__}")


@_add.register
def _unanswerable(event: port.Unanswerable, needs: Needs, dfsp: OurDfsp | None, source: str) -> None:
    pass


@_add.register
def _party(event: port.PartyAsked, needs: Needs, dfsp: OurDfsp, source: str) -> None:
    place = (dfsp.dfsp_id, event.alias_type, event.alias)
    needs.places.add(place)
    if event.sub_id is not None:
        needs.codes.add((place, event.sub_id))


@_add.register(port.PayerFound)
@_add.register(port.PayerNotFound)
def _payer(event: port.PayerFound | port.PayerNotFound, needs: Needs, dfsp: OurDfsp, source: str) -> None:
    needs.payers.add((dfsp.dfsp_id, event.payer))


@_add.register(port.RequestAnswered)
@_add.register(port.RequestFailed)
def _answer(event: port.RequestAnswered | port.RequestFailed, needs: Needs, dfsp: OurDfsp, source: str) -> None:
    needs.hub_request_ids.add(event.hub_request_id)


@_add.register
def _quote(event: port.QuoteAsked, needs: Needs, dfsp: OurDfsp, source: str) -> None:
    place = (dfsp.dfsp_id, event.alias_type, event.alias)
    needs.quotes.add((source, event.quote_id))
    needs.places.add(place)
    needs.headroom_of_places.add(place)
    if event.hub_request_id is not None:
        needs.hub_request_ids.add(event.hub_request_id)
    elif event.sub_id is not None:
        needs.codes.add((place, event.sub_id))
    else:
        needs.transactions.add((place, event.transaction_id))
        needs.hints += [(place, frozenset(words_of(hint)), event.amount) for hint in event.hints]


@_add.register
def _quote_again(event: port.QuoteAskedAgain, needs: Needs, dfsp: OurDfsp, source: str) -> None:
    needs.quotes.add((source, event.quote_id))


@_add.register
def _transfer(event: port.TransferPrepared, needs: Needs, dfsp: OurDfsp, source: str) -> None:
    needs.transfer_ids.add(event.transfer_id)
    needs.locks.add(event.lock)
    needs.headroom_of_locks.add(event.lock)
    needs.new_transfer_ids.add(event.transfer_id)


@_add.register(port.TransferEnded)
@_add.register(port.TransferFailed)
def _ended(event: port.TransferEnded | port.TransferFailed, needs: Needs, dfsp: OurDfsp, source: str) -> None:
    needs.transfer_ids.add(event.transfer_id)
    needs.refund_transfers.add(event.transfer_id)


@_add.register(port.QuoteAnswered)
@_add.register(port.QuoteFailed)
def _own_quote(event: port.QuoteAnswered | port.QuoteFailed, needs: Needs, dfsp: OurDfsp, source: str) -> None:
    needs.refund_quotes.add(event.quote_id)


@_add.register(internal.RefundTaken)
@_add.register(internal.RefundNotTaken)
@_add.register(internal.RefundDue)
def _of_refund(event: Any, needs: Needs, dfsp: OurDfsp | None, source: str) -> None:
    needs.refund_ids.add(event.refund_id)


@_add.register(port.TransferAskedAgain)
@_add.register(internal.AnswerTaken)
@_add.register(internal.TransferSilent)
def _of_transfer(event: Any, needs: Needs, dfsp: OurDfsp | None, source: str) -> None:
    needs.transfer_ids.add(event.transfer_id)


@_add.register(internal.LookUpTaken)
@_add.register(internal.QuestionTaken)
@_add.register(internal.NotTaken)
@_add.register(internal.RequestDue)
def _of_request(event: Any, needs: Needs, dfsp: OurDfsp | None, source: str) -> None:
    needs.request_ids.add(event.request_id)
