"""Second step of a payment request: the payer is looked up and asked; and every letter to the hub is sent here.

One transaction before and one after each network call, none during. No answer is not a refusal: what was sent may
have arrived, so it is sent again with the same id, and a request that ends this way is in doubt, never failed.
"""

from datetime import datetime, timedelta
from urllib.parse import quote
from uuid import UUID

import aiohttp
import structlog
from msgspec import Struct

from merchant.core import clock, sql
from merchant.core.db import Tx
from merchant.core.money import Money
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.hub.fspiop import client
from merchant.hub.fspiop.client import Outbound, SendResult
from merchant.hub.fspiop.messages import (
    Party,
    PartyIdInfo,
    TransactionRequestsPost,
    TransactionType,
    encode,
    format_datetime,
    safe_party_name,
    to_wire,
)
from merchant.payments import outgoing
from merchant.payments.participants import HubConnection, HubConnections
from merchant.payments.requests import MSISDN
from merchant.payments.settle import apply_bad_news, commit_transfer, lock_transfer
from merchant.payments.states import RequestCapability, lock_request, may, note_sent

ASK_TOPIC = "payments.ask"
_REQUEST_TO_PAY = TransactionType("PAYMENT", "PAYEE", "BUSINESS")
_log = structlog.get_logger()


class RequestJob(Struct, frozen=True):
    """The payload of a job about one request."""

    request_id: UUID


class Retry(Exception):
    """The hub is busy or broken at the moment; the job comes back later."""


class Sending(Struct, frozen=True):
    """What the worker lends to a sender."""

    service: Service
    connections: HubConnections
    http: aiohttp.ClientSession


class _Asked(Struct, frozen=True):
    """A request as the hub must hear of it; the same at every try, so that a repeat is a repeat."""

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


async def look_up_payer(sending: Sending, request_id: UUID) -> None:
    """GET /parties: at which DFSP is the payer? The answer comes as PUT /parties (payer_found)."""
    asked, payer, connection = await _read(sending, request_id)
    if asked is None or connection is None or not may(asked.state, RequestCapability.LOOK_UP_PAYER):
        return
    path = f"/parties/{MSISDN}/{quote(payer)}"
    result = await _transmit(sending, connection, Outbound("GET", path, "parties", connection.fsp_id))
    await _refused(sending, request_id, result, "look_up_refused")


async def ask_payer(sending: Sending, request_id: UUID) -> None:
    """POST /transactionRequests to the payer's DFSP: created → sent once the hub has taken it."""
    asked, payer, connection = await _read(sending, request_id)
    if asked is None or connection is None or not may(asked.state, RequestCapability.LOOK_UP_PAYER):
        return
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
    resource = "transactionRequests"
    message = Outbound("POST", f"/{resource}", resource, connection.fsp_id, asked.payer_fsp_id, body)
    result = await _transmit(sending, connection, message)
    if await _refused(sending, request_id, result, "request_refused"):
        return
    async with sending.service.db.system_statements() as tx:
        await note_sent(tx, request_id)


async def send_letter(sending: Sending, payload: bytes) -> None:
    """Send an answer to the hub. Raises Retry or HubUnreachable; a letter that is too late is dropped."""
    letter = outgoing.open_letter(sending.service, payload)
    async with sending.service.db.system_reads() as tx:
        connection = await sending.connections.connection(tx, letter.source)
    if connection is None or (letter.useless_after is not None and letter.useless_after <= clock.now()):
        return
    message = Outbound(
        letter.method,
        letter.path,
        letter.resource,
        letter.source,
        letter.destination,
        letter.body,
        version=letter.version,
    )
    result = await _transmit(sending, connection, message)
    if not result.is_accepted:
        _log.warning("letter_refused", method=letter.method, resource=letter.resource, code=result.error_code)
    elif letter.transfer is not None:
        async with sending.service.db.system() as tx:
            transfer = await lock_transfer(tx, connection.dfsp_id, letter.transfer[1])
            if transfer is not None:
                await commit_transfer(tx, sending.service, transfer, "answer_taken_by_hub")


async def _read(sending: Sending, request_id: UUID) -> tuple[_Asked | None, str, HubConnection | None]:
    async with sending.service.db.system_reads() as tx:
        row = await tx.fetchrow(_ASKED, request_id, clock.now())
        if row is None:
            return None, "", None
        asked = sql.row(_Asked, row)
        connection = await sending.connections.connection(tx, asked.fsp_id)
    payer = sending.service.vault.open(asked.payer_sealed, f"payment_request:{asked.id}").decode()
    return asked, payer, connection


async def _transmit(sending: Sending, connection: HubConnection, message: Outbound) -> SendResult:
    result = await client.send(sending.http, connection.hub_url, message, connection.signing_key)
    if result.status >= 500 or result.status == 429:
        raise Retry(f"the hub answered {result.status}")
    return result


async def _refused(sending: Sending, request_id: UUID, result: SendResult, cause: str) -> bool:
    if result.is_accepted:
        return False
    async with sending.service.db.system() as tx:
        request = await lock_request(tx, request_id=request_id)
        if request is not None:
            code, description = result.error_code or "3000", result.error_description or f"HTTP {result.status}"
            await apply_bad_news(tx, request, code, description, cause)
    return True


# --- what the look-up found -----------------------------------------------------------------------------------------

_WAITING_FOR_PAYER = """
SELECT id FROM payment_request
WHERE payer_digest = ANY($1) AND dfsp_id = $2 AND state = 'created' AND payer_fsp_id IS NULL ORDER BY id LIMIT 100
"""
_FOUND = """
WITH waiting AS (
  UPDATE payment_request SET payer_fsp_id = $3
  WHERE payer_digest = ANY($1) AND dfsp_id = $2 AND state = 'created' AND payer_fsp_id IS NULL RETURNING id),
job AS (
  INSERT INTO outbox (topic, dfsp_id, payload, run_at, attempts, created_at)
  SELECT $4, $2, convert_to('{"request_id":"' || id || '"}', 'UTF8'), $5, 0, $5 FROM waiting)
SELECT pg_notify('outbox', '')
"""


async def payer_found(tx: Tx, service: Service, connection: HubConnection, payer: Msisdn, fsp_id: str) -> None:
    """Every request that waits to know this payer's DFSP is put to it."""
    await tx.execute(_FOUND, payer.payer_digests(service.vault), connection.dfsp_id, fsp_id, ASK_TOPIC, clock.now())


async def payer_not_found(
    tx: Tx, service: Service, connection: HubConnection, payer: Msisdn, code: str, description: str
) -> None:
    """Nobody knows this payer, or their DFSP cannot be reached: nothing was asked, so nothing can move."""
    for request_id in await _waiting(tx, service, connection, payer):
        request = await lock_request(tx, request_id=request_id)
        if request is not None and may(request.state, RequestCapability.LOOK_UP_PAYER):
            await apply_bad_news(tx, request, code, description, "look_up_failed")


async def _waiting(tx: Tx, service: Service, connection: HubConnection, payer: Msisdn) -> list[UUID]:
    rows = await tx.fetch(_WAITING_FOR_PAYER, payer.payer_digests(service.vault), connection.dfsp_id)
    return [row["id"] for row in rows]


# --- asking the hub what became of a transfer ---------------------------------------------------------------------


async def ask_outcome(
    tx: Tx, service: Service, fsp_id: str, dfsp_id: UUID, payer_fsp_id: str, transfer_id: str
) -> None:
    """GET /transfers/{id}; the answer comes as PUT /transfers/{id} (transfers.hear_outcome)."""
    letter = outgoing.Letter(
        method="GET",
        path=f"/transfers/{transfer_id}",
        source=fsp_id,
        destination=payer_fsp_id,
        useless_after=clock.now() + timedelta(minutes=1),
    )
    await outgoing.send(tx, service, letter, dfsp_id)
