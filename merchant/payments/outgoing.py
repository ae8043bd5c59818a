"""Outgoing hub messages: encrypted and queued in the outbox, sent by the worker, accepted or retried.

A message leaves only if the transaction that queued it commits, and it is encrypted because it holds personal data.
quotes.py, transfers.py and parties.py answer and refuse with it; ask.py and parties.py send at once, by `transmit`.
"""

from datetime import datetime
from uuid import UUID

import aiohttp
import msgspec
import structlog
from msgspec import Struct

from merchant.core import clock, outbox
from merchant.core.db import Tx
from merchant.core.inbox import Message
from merchant.core.service import Service
from merchant.hub.fspiop import client
from merchant.hub.fspiop.client import OutgoingMessage, SendResult
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.messages import WireBody, encode, encode_error
from merchant.payments.participants import HubConnection, HubConnections
from merchant.payments.settle import commit_transfer
from merchant.payments.transfer_states import lock_transfer

TOPIC = "hub.send"
CONTEXT = "hub.send"
_log = structlog.get_logger()


class Retry(Exception):
    """The hub is busy or broken at the moment; the job comes back later."""


class Sender(Struct, frozen=True):
    """What the worker lends to whatever sends a message."""

    service: Service
    connections: HubConnections
    http: aiohttp.ClientSession


class QueuedMessage(OutgoingMessage, frozen=True, kw_only=True):
    """A message in the outbox. `transfer` names a transfer that counts as committed once the hub has taken this."""

    useless_after: datetime | None = None
    transfer: tuple[str, str] | None = None  # payer FSP, transfer id


async def queue(tx: Tx, service: Service, message: QueuedMessage, dfsp_id: UUID) -> None:
    """Queue a message in the caller's transaction."""
    sealed = service.vault.seal(msgspec.json.encode(message), CONTEXT)
    await outbox.add(tx, TOPIC, sealed, dfsp_id=dfsp_id)


def open_queued(service: Service, payload: bytes) -> QueuedMessage:
    """A message out of the outbox."""
    return msgspec.json.decode(service.vault.open(payload, CONTEXT), type=QueuedMessage)


async def answer(
    tx: Tx,
    service: Service,
    message: Message,
    dfsp_id: UUID,
    path: str,
    body: WireBody | bytes,
    *,
    useless_after: datetime | None = None,
    transfer: tuple[str, str] | None = None,
) -> None:
    """Answer a request by a PUT to whoever sent it, in the version they asked for."""
    queued = QueuedMessage(
        method="PUT",
        path=path,
        source=message.destination,
        destination=message.source,
        version=message.version,
        body=body if isinstance(body, bytes) else encode(body),
        useless_after=useless_after,
        transfer=transfer,
    )
    await queue(tx, service, queued, dfsp_id)


async def refuse(
    tx: Tx, service: Service, message: Message, dfsp_id: UUID, path: str, code: str, description: str
) -> None:
    """Answer a request by a PUT to its /error."""
    await answer(tx, service, message, dfsp_id, f"{path}/error", encode_error(FspiopError(code, description)))


async def send_queued(sender: Sender, payload: bytes) -> None:
    """Send a queued message; one that is too late is dropped. Raises Retry or HubUnreachable."""
    message = open_queued(sender.service, payload)
    async with sender.service.db.system_reads() as tx:
        connection = await sender.connections.connection(tx, message.source)
    if connection is None or (message.useless_after is not None and message.useless_after <= clock.now()):
        return
    result = await transmit(sender, connection, message)
    if not result.is_accepted:
        _log.warning("message_refused", method=message.method, resource=message.resource, code=result.error_code)
    elif message.transfer is not None:
        async with sender.service.db.system() as tx:
            transfer = await lock_transfer(tx, connection.dfsp_id, message.transfer[1])
            if transfer is not None:
                await commit_transfer(tx, sender.service, transfer, "answer_taken_by_hub")


async def transmit(sender: Sender, connection: HubConnection, message: OutgoingMessage) -> SendResult:
    """Send a message now, outside any transaction. Raises Retry or HubUnreachable."""
    result = await client.send(sender.http, connection.hub_url, message, connection.signing_key)
    if result.status >= 500 or result.status == 429:
        raise Retry(f"the hub answered {result.status}")
    return result
