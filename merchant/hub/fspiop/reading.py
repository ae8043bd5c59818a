"""FSPIOP messages read as what a hub can say (hub/port.py): a table of each method and resource.

Headers, signature and the body's form were checked when the message came; here it gets its meaning. A wire's word that
has none for a payment (a PUT that answers nothing we ask) is read as None.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from merchant.core import money
from merchant.core.phone import InvalidNumber, Msisdn
from merchant.hub.fspiop import ilp
from merchant.hub.fspiop.error_codes import bad_news_of, no_money_moves
from merchant.hub.fspiop.jws import canonical_json
from merchant.hub.fspiop.messages import (
    ErrorPut,
    PartiesPut,
    QuotesPost,
    QuotesPut,
    TransactionRequestsPut,
    TransfersPatch,
    TransfersPost,
    decode,
    extension_value,
    from_wire,
    parse_datetime,
)
from merchant.hub.fspiop.paths import Place, read_path
from merchant.hub.port import (
    Event,
    MessageRefused,
    Outcome,
    Participant,
    PartyAsked,
    PayerAnswer,
    PayerFound,
    PayerNotFound,
    PaymentKind,
    QuoteAnswered,
    QuoteAsked,
    QuoteAskedAgain,
    QuoteFailed,
    Refusal,
    RequestAnswered,
    RequestFailed,
    TransferAskedAgain,
    TransferEnded,
    TransferFailed,
    TransferPrepared,
    Unanswerable,
)

REFERENCE_EXTENSION: Final = "QrReference"
MSISDN: Final = "MSISDN"


class Came(msgspec.Struct, frozen=True):
    """A message as it came: who sent it, what its path names, and its body."""

    method: str
    place: Place
    source: str
    body: bytes


def read(method: str, path: str, source: str, body: bytes, ours: Participant) -> Event | None:
    """What a message says; None for one that has no meaning here. Raises FspiopError, MessageRefused."""
    place = read_path(method, path)
    reader = _READERS.get((method, place.resource, place.is_error))
    return None if reader is None else reader(Came(method, place, source, body), ours)


# --- payers ----------------------------------------------------------------------------------------------------------


def _party_asked(came: Came, _: Participant) -> Event:
    alias_type, alias, *more = came.place.ids
    return PartyAsked(alias_type, alias, more[0] if more else None)


def _payer_found(came: Came, _: Participant) -> Event | None:
    party = decode(PartiesPut, came.body).party.party_id_info
    payer = _payer_of(came)
    return None if payer is None else PayerFound(payer, party.fsp_id or came.source)


def _payer_not_found(came: Came, _: Participant) -> Event | None:
    error = decode(ErrorPut, came.body).error_information
    payer = _payer_of(came)
    return None if payer is None else PayerNotFound(payer, bad_news_of(error.error_code), _detail(came.body))


def _payer_of(came: Came) -> str | None:
    """The payer whom an answer to a look-up names; None for anything but a number, since only numbers are looked up."""
    ids = came.place.ids
    try:
        return Msisdn.of(ids[1]).digits if ids[0] == MSISDN and len(ids) == 2 else None
    except InvalidNumber:
        return None


def _detail(body: bytes) -> str:
    error = decode(ErrorPut, body).error_information
    return f"{error.error_code} {error.error_description}"


# --- requests --------------------------------------------------------------------------------------------------------

_ANSWERS: Final = {
    "RECEIVED": PayerAnswer.WAITING,
    "PENDING": PayerAnswer.WAITING,
    "ACCEPTED": PayerAnswer.ACCEPTED,
    "REJECTED": PayerAnswer.REJECTED,
}


def _request_answered(came: Came, _: Participant) -> Event:
    said = decode(TransactionRequestsPut, came.body)
    state = said.transaction_request_state
    return RequestAnswered(came.place.ids[0], _ANSWERS[state], state.lower(), said.transaction_id)


def _request_failed(came: Came, _: Participant) -> Event:
    error = decode(ErrorPut, came.body).error_information
    return RequestFailed(came.place.ids[0], bad_news_of(error.error_code), _detail(came.body))


# --- quotes ----------------------------------------------------------------------------------------------------------

# A transfer between people may go to a merchant's number, and is a payment to it.
_TAKEN: Final = frozenset({"PAYMENT", "TRANSFER"})


def _quote_asked(came: Came, _: Participant) -> Event:
    asked = decode(QuotesPost, came.body)
    payee, payer = asked.payee.party_id_info, asked.payer.party_id_info
    return QuoteAsked(
        quote_id=asked.quote_id,
        transaction_id=asked.transaction_id,
        kind=PaymentKind.PAYMENT if asked.transaction_type.scenario in _TAKEN else PaymentKind.OTHER,
        hub_request_id=asked.transaction_request_id,
        alias_type=payee.party_id_type,
        alias=payee.party_identifier,
        sub_id=payee.party_sub_id_or_type,
        payee_fsp_id=payee.fsp_id,
        payer_type=payer.party_id_type,
        payer=payer.party_identifier if payer.party_id_type != MSISDN else _digits(payer.party_identifier),
        amount=_transfer_amount(asked),
        hints=tuple(hint for hint in (asked.note, extension_value(asked.extension_list, REFERENCE_EXTENSION)) if hint),
        note=asked.note,
        answer_by=parse_datetime(asked.expiration) if asked.expiration else None,
        content=fingerprint(came.body),
    )


def _digits(number: str) -> str:
    try:
        return Msisdn.of(number).digits
    except InvalidNumber:
        return number


def _transfer_amount(asked: QuotesPost) -> money.Money:
    """What would arrive: of an amount that the payer sends, the payer's DFSP keeps its disclosed fees (FSPIOP 5.1.4,
    listing 10); we take none. Raises FspiopError, MessageRefused.
    """
    amount = from_wire(asked.amount)
    if asked.amount_type == "RECEIVE" or asked.fees is None or not asked.fees.amount.strip("0."):
        return amount
    fees = from_wire(asked.fees)
    if fees.currency != amount.currency or fees.minor >= amount.minor:
        raise MessageRefused(Refusal.INVALID, "The fees are not a part of the amount")
    return money.Money(amount.minor - fees.minor, amount.currency)


def fingerprint(body: bytes) -> bytes:
    """Tells one message's content from another's; hubs may write the same JSON anew in another order."""
    return hashlib.sha256(canonical_json(msgspec.json.decode(body))).digest()


def _quote_again(came: Came, _: Participant) -> Event:
    return QuoteAskedAgain(came.place.ids[0])


def _quote_answered(came: Came, _: Participant) -> Event:
    said = decode(QuotesPut, came.body)
    leaves = from_wire(said.transfer_amount)
    return QuoteAnswered(
        quote_id=came.place.ids[0],
        leaves=leaves,
        arrives=from_wire(said.payee_receive_amount) if said.payee_receive_amount is not None else None,
        promise=said.ilp_packet,
        lock=said.condition,
        problem=_promise_problem(said, leaves, came.place.ids[0]),
        expires_at=parse_datetime(said.expiration),
    )


def _promise_problem(said: QuotesPut, leaves: money.Money, quote_id: str) -> str | None:
    """What is wrong with the packet of an answer to our quote: the transfer would carry another amount or quote."""
    try:
        packet = ilp.parse_packet(said.ilp_packet)
    except ilp.IlpError as error:
        return f"The ILP packet cannot be read: {error}"
    if packet.amount_minor != leaves.minor:
        return "The ILP packet holds another amount"
    named = packet.transaction.get("quoteId")
    return None if named in (None, quote_id) else "The ILP packet is of another quote"


def _quote_failed(came: Came, _: Participant) -> Event:
    error = decode(ErrorPut, came.body).error_information
    return QuoteFailed(came.place.ids[0], bad_news_of(error.error_code), _detail(came.body))


# --- transfers -------------------------------------------------------------------------------------------------------


def _transfer_prepared(came: Came, ours: Participant) -> Event:
    prepared = decode(TransfersPost, came.body)
    return TransferPrepared(
        transfer_id=prepared.transfer_id,
        payer_fsp_id=prepared.payer_fsp,
        payee_fsp_id=prepared.payee_fsp,
        amount=from_wire(prepared.amount),
        lock=prepared.condition,
        problem=_packet_problem(prepared, ours),
        expires_at=parse_datetime(prepared.expiration),
        content=fingerprint(came.body),
    )


def _packet_problem(prepared: TransfersPost, ours: Participant) -> tuple[Refusal, str] | None:
    try:
        fulfilment = ilp.fulfilment_of(prepared.ilp_packet, ours.ilp_secret)
    except ilp.IlpError as error:
        return Refusal.INVALID, f"The ILP packet cannot be read: {error}"
    if ilp.condition_of(fulfilment) != prepared.condition:
        return Refusal.PACKET_CHANGED, "The ILP packet is not the one that was quoted"
    return None


def _transfer_again(came: Came, _: Participant) -> Event:
    return TransferAskedAgain(came.place.ids[0])


_OUTCOMES: Final = {"COMMITTED": Outcome.COMMITTED, "SETTLED": Outcome.COMMITTED, "ABORTED": Outcome.ABORTED}


def _transfer_ended(came: Came, _: Participant) -> Event:
    said = decode(TransfersPatch, came.body)
    return TransferEnded(
        came.place.ids[0],
        _OUTCOMES.get(said.transfer_state, Outcome.OPEN),
        came.method.lower(),
        _lock_opened(said.fulfilment),
    )


def _lock_opened(fulfilment: object) -> str | None:
    """The condition that a fulfilment opens; None for what is none."""
    try:
        return ilp.condition_of(fulfilment) if isinstance(fulfilment, str) else None
    except ilp.IlpError:
        return None


def _transfer_failed(came: Came, _: Participant) -> Event:
    code = decode(ErrorPut, came.body).error_information.error_code
    is_certain = came.method == "PATCH" or no_money_moves(code)
    return TransferFailed(came.place.ids[0], is_certain, code, bad_news_of(code))


# --- what is refused whatever it asks --------------------------------------------------------------------------------


def _always(refusal: Refusal, description: str) -> Callable[[Came, Participant], Event]:
    return lambda _came, _ours: Unanswerable(refusal, description)


_READERS: Final[Mapping[tuple[str, str, bool], Callable[[Came, Participant], Event | None]]] = {
    ("GET", "parties", False): _party_asked,
    ("PUT", "parties", False): _payer_found,
    ("PUT", "parties", True): _payer_not_found,
    ("GET", "participants", False): _always(Refusal.NOT_ANSWERED_HERE, "This is not answered here"),
    ("GET", "transactions", False): _always(Refusal.NOT_ANSWERED_HERE, "This is not answered here"),
    ("POST", "transactionRequests", False): _always(
        Refusal.CANNOT_PAY, "This participant acquires merchants; its customers cannot be asked to pay here"
    ),
    ("GET", "transactionRequests", False): _always(Refusal.REQUEST_UNKNOWN, "There is no such transaction request"),
    ("PUT", "transactionRequests", False): _request_answered,
    ("PUT", "transactionRequests", True): _request_failed,
    ("POST", "quotes", False): _quote_asked,
    ("GET", "quotes", False): _quote_again,
    ("PUT", "quotes", False): _quote_answered,
    ("PUT", "quotes", True): _quote_failed,
    ("GET", "authorizations", False): _always(
        Refusal.NOT_ANSWERED_HERE, "Payers are not asked for one-time passwords here"
    ),
    ("POST", "transfers", False): _transfer_prepared,
    ("GET", "transfers", False): _transfer_again,
    ("PUT", "transfers", False): _transfer_ended,
    ("PUT", "transfers", True): _transfer_failed,
    ("PATCH", "transfers", False): _transfer_ended,
    ("PATCH", "transfers", True): _transfer_failed,
}
