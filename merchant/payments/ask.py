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
from merchant.hub.fspiop.client import OutgoingMessage, SendResult
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
from merchant.payments.outgoing import Sender, transmit
from merchant.payments.participants import HubConnection
from merchant.payments.requests import MSISDN
from merchant.payments.settle import apply_bad_news, apply_payer_answer
from merchant.payments.states import RequestCapability, lock_request, may, note_sent

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
    result = await transmit(sender, connection, message)
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


async def fail_if_refused(sender: Sender, request_id: UUID, result: SendResult, cause: str) -> bool:
    """Whether the hub refused a message about a request; the request then fails."""
    if result.is_accepted:
        return False
    async with sender.service.db.system() as tx:
        request = await lock_request(tx, request_id=request_id)
        if request is not None:
            code, description = result.error_code or "3000", result.error_description or f"HTTP {result.status}"
            await apply_bad_news(tx, request, code, description, cause)
    return True


async def receive_answer(tx: Tx, _: Service, connection: HubConnection, message: Message) -> None:
    """PUT /transactionRequests/{id}: what the payer's DFSP answers to our request."""
    said = decode(TransactionRequestsPut, message.body)
    request = await lock_request(tx, transaction_request_id=message.path.split("/")[2], dfsp_id=connection.dfsp_id)
    # Only the DFSP that was asked may answer for its customer.
    if request is not None and request.payer_fsp_id in (None, message.source):
        await apply_payer_answer(tx, request, said)


async def receive_error(tx: Tx, _: Service, connection: HubConnection, message: Message) -> None:
    """PUT /transactionRequests/{id}/error: from the payer's DFSP, or from a hub that could not reach it."""
    error = decode(ErrorPut, message.body).error_information
    request = await lock_request(tx, transaction_request_id=message.path.split("/")[2], dfsp_id=connection.dfsp_id)
    if request is not None:
        await apply_bad_news(tx, request, error.error_code, error.error_description, "hub_error")
