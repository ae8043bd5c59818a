"""What we tell a hub (hub/port.py), written as FSPIOP messages: path and body, and the lock of a quote's answer."""

from functools import singledispatch
from typing import Final
from urllib.parse import quote

import msgspec

from merchant.core import money
from merchant.hub.envelopes import Answered, Written
from merchant.hub.fspiop import ilp
from merchant.hub.fspiop.error_codes import error_of
from merchant.hub.fspiop.jws import canonical_json
from merchant.hub.fspiop.messages import (
    PartiesPut,
    Party,
    PartyIdInfo,
    QuotesPost,
    QuotesPut,
    RefundInfo,
    Transaction,
    TransactionRequestsPost,
    TransactionType,
    TransfersPost,
    TransfersPut,
    decode,
    encode,
    encode_error,
    format_datetime,
    safe_party_name,
    to_wire,
)
from merchant.hub.fspiop.paths import read_path
from merchant.hub.port import (
    AnswerQuote,
    AnswerTransfer,
    AskOutcome,
    AskPayer,
    AskQuote,
    LookUpPayer,
    MessageRefused,
    Outcome,
    Participant,
    Refusal,
    Refuse,
    RepeatQuote,
    RepeatTransfer,
    Say,
    SendTransfer,
    TellParty,
)

MSISDN: Final = "MSISDN"
ILP_VERSION: Final[ilp.Version] = 1
_REQUEST_TO_PAY: Final = TransactionType("PAYMENT", "PAYEE", "BUSINESS")
# The field that names a posted resource.
_ID_FIELDS: Final = {"quotes": "quoteId", "transfers": "transferId", "transactionRequests": "transactionRequestId"}


def write(say: Say, ours: Participant, answered: Answered | None = None) -> Written:
    """A message that says so; `answered` is what it answers, where it answers anything. Raises MessageRefused."""
    return _write(say, ours, answered)


@singledispatch
def _write(say: Say, _ours: Participant, _answered: Answered | None) -> Written:
    raise TypeError(f"no message says {type(say).__name__}")


@_write.register
def _look_up(say: LookUpPayer, _ours: Participant, _answered: Answered | None) -> Written:
    return Written("GET", f"/parties/{MSISDN}/{quote(say.payer)}")


@_write.register
def _ask(say: AskPayer, ours: Participant, _answered: Answered | None) -> Written:
    body = TransactionRequestsPost(
        transaction_request_id=say.hub_request_id,
        payee=Party(
            PartyIdInfo(say.alias_type, say.alias, fsp_id=ours.fsp_id),
            merchant_classification_code=say.mcc,
            name=safe_party_name(say.trading_name, say.alias),
        ),
        payer=PartyIdInfo(MSISDN, say.payer, fsp_id=say.payer_fsp_id),
        amount=to_wire(say.amount),
        transaction_type=_REQUEST_TO_PAY,
        note=say.note,
        expiration=format_datetime(say.expires_at),
    )
    return Written("POST", "/transactionRequests", encode(body))


@_write.register
def _tell_party(say: TellParty, ours: Participant, answered: Answered | None) -> Written:
    assert answered is not None
    party = Party(
        PartyIdInfo(say.alias_type, say.alias, say.sub_id, ours.fsp_id),
        merchant_classification_code=say.mcc,
        name=safe_party_name(say.trading_name, say.alias),
    )
    return Written("PUT", answered.path, encode(PartiesPut(party)))


@_write.register
def _answer_quote(say: AnswerQuote, ours: Participant, answered: Answered | None) -> Written:
    assert answered is not None
    asked = decode(QuotesPost, answered.body)
    try:
        made = ilp.build_terms(
            ILP_VERSION,
            _transaction(asked, ours, say),
            ours.ilp_secret,
            decimals=money.exponent(say.amount.currency),
        )
    except ilp.IlpError as error:
        raise MessageRefused(Refusal.INVALID, f"The quote cannot be answered: {error}") from None
    body = QuotesPut(
        transfer_amount=to_wire(say.amount),
        payee_receive_amount=to_wire(say.amount),
        ilp_packet=made.packet,
        condition=made.condition,
        expiration=format_datetime(say.expires_at),
    )
    return Written("PUT", f"/quotes/{say.quote_id}", encode(body), made.condition)


def _transaction(asked: QuotesPost, ours: Participant, say: AnswerQuote) -> dict[str, object]:
    """What both sides agree on: the ILP packet's data."""
    payee = msgspec.structs.replace(
        asked.payee, party_id_info=msgspec.structs.replace(asked.payee.party_id_info, fsp_id=ours.fsp_id)
    )
    agreed = Transaction(
        transaction_id=asked.transaction_id,
        quote_id=asked.quote_id,
        payee=payee,
        payer=asked.payer,
        amount=to_wire(say.amount),
        transaction_type=asked.transaction_type,
        note=asked.note,
        expiration=format_datetime(say.expires_at),
    )
    document: dict[str, object] = msgspec.json.decode(canonical_json(agreed))
    return document


@_write.register
def _answer_transfer(say: AnswerTransfer, ours: Participant, answered: Answered | None) -> Written:
    assert answered is not None
    prepared = decode(TransfersPost, answered.body)
    fulfilment = ilp.fulfilment_of(prepared.ilp_packet, ours.ilp_secret)
    body = TransfersPut(ours.transfer_mode, fulfilment, format_datetime(say.at))  # type: ignore[arg-type]
    return Written("PUT", f"/transfers/{say.transfer_id}", encode(body))


@_write.register
def _repeat_quote(say: RepeatQuote, _ours: Participant, _answered: Answered | None) -> Written:
    return Written("PUT", f"/quotes/{say.quote_id}", say.answer)


@_write.register
def _repeat_transfer(say: RepeatTransfer, _ours: Participant, _answered: Answered | None) -> Written:
    """The hub's last word has replaced our own, and what was called off has no fulfilment."""
    body = say.answer
    if say.outcome is not Outcome.OPEN and say.ended_at is not None:
        fulfilment = decode(TransfersPut, say.answer).fulfilment if say.outcome is Outcome.COMMITTED else None
        state = "COMMITTED" if say.outcome is Outcome.COMMITTED else "ABORTED"
        body = encode(TransfersPut(state, fulfilment, format_datetime(say.ended_at)))  # type: ignore[arg-type]
    return Written("PUT", f"/transfers/{say.transfer_id}", body)


@_write.register
def _ask_outcome(say: AskOutcome, _ours: Participant, _answered: Answered | None) -> Written:
    return Written("GET", f"/transfers/{say.transfer_id}")


@_write.register
def _ask_quote(say: AskQuote, ours: Participant, _answered: Answered | None) -> Written:
    """Of a quote whose amount arrives in full: RECEIVE."""
    body = QuotesPost(
        quote_id=say.quote_id,
        transaction_id=say.transaction_id,
        payee=Party(PartyIdInfo(say.payee_type, say.payee, fsp_id=say.payee_fsp_id)),
        payer=Party(
            PartyIdInfo(say.alias_type, say.alias, fsp_id=ours.fsp_id),
            merchant_classification_code=say.mcc,
            name=safe_party_name(say.trading_name, say.alias),
        ),
        amount_type="RECEIVE",
        amount=to_wire(say.amount),
        transaction_type=TransactionType(
            "REFUND", "PAYER", "BUSINESS", refund_info=RefundInfo(say.original_transaction_id, say.reason)
        ),
        expiration=format_datetime(say.expires_at),
    )
    return Written("POST", "/quotes", encode(body))


@_write.register
def _send_transfer(say: SendTransfer, ours: Participant, _answered: Answered | None) -> Written:
    body = TransfersPost(
        transfer_id=say.transfer_id,
        payer_fsp=ours.fsp_id,
        payee_fsp=say.payee_fsp_id,
        amount=to_wire(say.amount),
        ilp_packet=say.promise,
        condition=say.lock,
        expiration=format_datetime(say.expires_at),
    )
    return Written("POST", "/transfers", encode(body))


@_write.register
def _refuse(say: Refuse, _ours: Participant, answered: Answered | None) -> Written:
    assert answered is not None
    return write_refusal(MessageRefused(say.refusal, say.description), answered)


def write_refusal(refused: MessageRefused, answered: Answered) -> Written:
    """The error that answers a request."""
    path = answered.path
    if answered.method == "POST":
        resource = read_path(answered.method, path).resource
        named = msgspec.json.decode(answered.body).get(_ID_FIELDS[resource], "")
        path = f"/{resource}/{named}"
    return Written("PUT", f"{path}/error", encode_error(error_of(refused)))
