"""The transaction request: the payer's DFSP is asked for the money, and what it answers.

One transaction before and one after the network call, none during it. No answer is not a refusal: what was sent may
have arrived, so it is sent again with the same id, and a request that ends this way is in doubt, never failed.
"""

from datetime import datetime
from uuid import UUID

from msgspec import Struct

from merchant.core import clock, sql
from merchant.core.db import Tx
from merchant.core.inbox import Message
from merchant.core.money import Money
from merchant.core.service import Service
from merchant.hub.fspiop.client import HubUnreachable, OutgoingMessage, SendResult
from merchant.hub.fspiop.error_codes import bad_news_of
from merchant.hub.fspiop.messages import (
    ErrorPut,
    Party,
    PartyIdInfo,
    TransactionRequestsPost,
    TransactionRequestsPut,
    TransactionType,
    decode,
    encode,
    format_datetime,
    safe_party_name,
    to_wire,
)
from merchant.hub.fspiop.paths import read_path
from merchant.hub.port import MessageRefused, PayerAnswer, Refusal, RequestAnswered
from merchant.payments.outgoing import Retry, Sender, transmit
from merchant.payments.participants import HubConnection
from merchant.payments.requests import MSISDN
from merchant.payments.settle import NO_ANSWER, UNREACHABLE, apply_bad_news, apply_payer_answer
from merchant.payments.states import LockedRequest, RequestCapability, lock_request, may, note_sent

ASK_TOPIC = "payments.ask"
_REQUEST_TO_PAY = TransactionType("PAYMENT", "PAYEE", "BUSINESS")


class RequestJob(Struct, frozen=True):
    """The payload of a job about one request."""

    request_id: UUID


class _Asked(Struct, frozen=True):
    """A request as the hub is told of it: identical on every retry, so that the hub can deduplicate it."""

    id: UUID
    state: str
    fsp_id: str
    payer_sealed: bytes
    payer_fsp_id: str | None
    alias_type: str
    alias: str
    amount_minor: int
    currency: str
    note: str | None
    transaction_request_id: str
    expires_at: datetime
    trading_name: str
    mcc: str
    hub_trouble: str | None


_ASKED = sql.select(
    _Asked,
    from_="payment_request p JOIN dfsp d ON d.id = p.dfsp_id JOIN merchant m ON m.id = p.merchant_id",
    columns={"id": "p.id", "state": "p.state"},
    where="p.id = $1 AND p.expires_at > $2",
)


async def ask_payer(sender: Sender, request_id: UUID) -> None:
    """POST /transactionRequests to the payer's DFSP: created → sent once the hub has taken it."""
    found = await read_asked(sender, request_id, RequestCapability.ASK_PAYER)
    if found is None:
        return
    asked, payer, connection = found
    body = encode(
        TransactionRequestsPost(
            transaction_request_id=asked.transaction_request_id,
            payee=Party(
                PartyIdInfo(asked.alias_type, asked.alias, fsp_id=asked.fsp_id),
                merchant_classification_code=asked.mcc,
                name=safe_party_name(asked.trading_name, asked.alias),
            ),
            payer=PartyIdInfo(MSISDN, payer, fsp_id=asked.payer_fsp_id),
            amount=to_wire(Money(asked.amount_minor, asked.currency)),
            transaction_type=_REQUEST_TO_PAY,
            note=asked.note,
            expiration=format_datetime(asked.expires_at),
        )
    )
    message = OutgoingMessage("POST", "/transactionRequests", connection.fsp_id, asked.payer_fsp_id, body)
    result = await transmit_about(sender, asked, connection, message)
    if await fail_if_refused(sender, request_id, result, "request_refused"):
        return
    async with sender.service.db.system_statements() as tx:
        await note_sent(tx, request_id)


async def read_asked(
    sender: Sender, request_id: UUID, capability: RequestCapability
) -> tuple[_Asked, str, HubConnection] | None:
    """A request with its payer's digits and our connection; None when its state no longer permits this, or when it
    has expired.
    """
    async with sender.service.db.system_reads() as tx:
        row = await tx.fetchrow(_ASKED, request_id, clock.now())
        if row is None:
            return None
        asked = sql.row(_Asked, row)
        connection = await sender.connections.connection(tx, asked.fsp_id)
    if connection is None or not may(asked.state, capability):
        return None
    payer = sender.service.vault.open(asked.payer_sealed, f"payment_request:{asked.id}").decode()
    return asked, payer, connection


# A later "never left" does not unsay an earlier message that may have arrived.
_TROUBLE = """
UPDATE payment_request SET hub_trouble = CASE WHEN hub_trouble = 'no_answer' THEN hub_trouble ELSE $2 END WHERE id = $1
"""


async def transmit_about(
    sender: Sender, asked: _Asked, connection: HubConnection, message: OutgoingMessage
) -> SendResult:
    """Send a message about a request, and keep on the request whether the hub could be reached, for the reason that
    its merchant is told. Raises Retry or HubUnreachable.
    """
    try:
        result = await transmit(sender, connection, message)
    except (HubUnreachable, Retry) as error:
        # A look-up asks no customer anything, whether it arrived or not.
        trouble = UNREACHABLE if error.never_left or message.body is None else NO_ANSWER
        async with sender.service.db.system_statements() as tx:
            await tx.execute(_TROUBLE, asked.id, trouble)
        raise
    if asked.hub_trouble == UNREACHABLE:
        async with sender.service.db.system_statements() as tx:
            await tx.execute("UPDATE payment_request SET hub_trouble = NULL WHERE id = $1", asked.id)
    return result


async def fail_if_refused(sender: Sender, request_id: UUID, result: SendResult, cause: str) -> bool:
    """Whether the hub refused a message about a request; the request then fails."""
    if result.is_accepted:
        return False
    async with sender.service.db.system() as tx:
        request = await lock_request(tx, request_id=request_id)
        if request is not None:
            code, description = result.error_code or "3000", result.error_description or f"HTTP {result.status}"
            await apply_bad_news(tx, request, bad_news_of(code), f"{code} {description}", cause)
    return True


_ANSWERS = {
    "RECEIVED": PayerAnswer.WAITING,
    "PENDING": PayerAnswer.WAITING,
    "ACCEPTED": PayerAnswer.ACCEPTED,
    "REJECTED": PayerAnswer.REJECTED,
}


async def receive_answer(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """PUT /transactionRequests/{id}: what the payer's DFSP answers to our request."""
    said = decode(TransactionRequestsPut, message.body)
    request = await _request_answered(tx, service, connection, message)
    if request is not None:
        state = said.transaction_request_state
        await apply_payer_answer(tx, request, RequestAnswered(_ANSWERS[state], state.lower(), said.transaction_id))


async def receive_error(tx: Tx, service: Service, connection: HubConnection, message: Message) -> None:
    """PUT /transactionRequests/{id}/error: from the payer's DFSP, or from a hub that could not reach it."""
    error = decode(ErrorPut, message.body).error_information
    request = await _request_answered(tx, service, connection, message)
    if request is not None:
        news = bad_news_of(error.error_code)
        detail = f"{error.error_code} {error.error_description}"
        await apply_bad_news(tx, request, news, detail, "hub_error")


async def _request_answered(
    tx: Tx, service: Service, connection: HubConnection, message: Message
) -> LockedRequest | None:
    """The request that a message answers; None when there is none.

    Raises MessageRefused unless it comes from the DFSP that was asked, or from the hub: by its own name, or (what
    callbacks.py checked) by giving back our own message.
    """
    [request_id] = read_path(message.method, message.path).ids
    request = await lock_request(tx, transaction_request_id=request_id, dfsp_id=connection.dfsp_id)
    if request is None:
        return None
    if message.source in (request.payer_fsp_id, connection.fsp_id) or service.settings.is_hub(message.source):
        return request
    raise MessageRefused(Refusal.SENDER_NOT_ASKED, f"{message.source} was not asked")
