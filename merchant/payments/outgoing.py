"""Outgoing hub messages: encrypted and queued in the outbox, sent by the worker, accepted or retried.

A message leaves only if the transaction that queued it commits, and it is encrypted because it holds personal data.
quotes.py, transfers.py and parties.py answer and refuse with it; ask.py and parties.py send at once, by `transmit`.
"""

import time
from datetime import datetime
from uuid import UUID

import aiohttp
import msgspec
import structlog
from msgspec import Struct
from prometheus_client import Counter, Histogram

from merchant.core import clock, ids, inbox, outbox
from merchant.core.db import Tx, forget
from merchant.core.inbox import Message
from merchant.core.service import Service
from merchant.hub.fspiop import client
from merchant.hub.fspiop.client import HubUnreachable, OutgoingMessage, SendResult
from merchant.hub.fspiop.error_codes import FspiopError, error_of
from merchant.hub.fspiop.messages import WireBody, encode, encode_error
from merchant.hub.port import MessageRefused
from merchant.payments.participants import HubConnection, HubConnections
from merchant.payments.settle import commit_transfer
from merchant.payments.subjects import subject_of_path
from merchant.payments.transfer_states import lock_transfer

_CALL = ("dfsp", "resource")
TOPIC = "hub.send"
CONTEXT = "hub.send"
_log = structlog.get_logger()


class Retry(Exception):
    """The hub is busy or broken at the moment; the job comes back later."""

    never_left = False  # whatever stands before the hub may have passed it on


_calls = Counter("merchant_hub_calls", "Messages sent to the hub, by DFSP, resource and result.", [*_CALL, "result"])
_seconds = Histogram("merchant_hub_call_seconds", "How long the hub took to answer.", _CALL)


class Sender(Struct, frozen=True):
    """What the worker lends to whatever sends a message."""

    service: Service
    connections: HubConnections
    http: aiohttp.ClientSession


class QueuedMessage(OutgoingMessage, frozen=True, kw_only=True):
    """A message in the outbox. `transfer` names a transfer that counts as committed once the hub has taken this."""

    useless_after: datetime | None = None
    transfer: tuple[str, str] | None = None  # payer FSP, transfer id


_KEEP = "INSERT INTO sent_message (id, dfsp_id, about, sealed, sent_at) VALUES ($1, $2, $3, $4, $5)"


async def queue(tx: Tx, service: Service, message: QueuedMessage, dfsp_id: UUID, *, about: str | None = None) -> None:
    """Queue a message in the caller's transaction.

    `about` of a message that no row tells of (subjects.py): it is kept, beyond its sending, as long as the inbox keeps
    what came. Answers are not: they stand with their quote and transfer.
    """
    sealed = service.vault.seal(msgspec.json.encode(message), CONTEXT)
    await outbox.add(tx, TOPIC, sealed, dfsp_id=dfsp_id)
    if about is not None:
        await tx.execute(_KEEP, ids.uuid7(), dfsp_id, about, sealed, clock.now())


async def prune(tx: Tx, limit: int) -> int:
    """Forget what was sent longer than inbox.KEPT_FOR ago; the number forgotten, at most `limit`."""
    return await forget(tx, "sent_message", "id", "sent_at", clock.now() - inbox.KEPT_FOR, limit)


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
    about: str | None = None,
) -> None:
    """Answer a request by a PUT to whoever sent it, in the version they asked for. `about` as of `queue`."""
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
    await queue(tx, service, queued, dfsp_id, about=about)


async def refuse(
    tx: Tx, service: Service, message: Message, dfsp_id: UUID, path: str, problem: MessageRefused | FspiopError
) -> None:
    """Answer a request by a PUT to its /error."""
    error = encode_error(problem if isinstance(problem, FspiopError) else error_of(problem))
    about = subject_of_path(service.vault, message.method, message.path, message.body)
    await answer(tx, service, message, dfsp_id, f"{path}/error", error, about=about)


async def send_queued(sender: Sender, payload: bytes) -> None:
    """Send a queued message; one that is too late is dropped. Raises Retry or HubUnreachable."""
    message = open_queued(sender.service, payload)
    async with sender.service.db.system_reads() as tx:
        connection = await sender.connections.connection(tx, message.source)
    if connection is None or (message.useless_after is not None and message.useless_after <= clock.now()):
        return
    result = await transmit(sender, connection, message)
    if not result.is_accepted:
        _log.warning("hub_refused_message", method=message.method, resource=message.resource, code=result.error_code)
    elif message.transfer is not None:
        async with sender.service.db.system() as tx:
            transfer = await lock_transfer(tx, connection.dfsp_id, message.transfer[1])
            if transfer is not None:
                await commit_transfer(tx, sender.service, transfer, "answer_taken_by_hub")


async def transmit(sender: Sender, connection: HubConnection, message: OutgoingMessage) -> SendResult:
    """Send a message now, outside any transaction. Raises Retry or HubUnreachable."""
    labels = (connection.fsp_id, message.resource)
    url = connection.url_for(message.resource)
    if not url:
        sender.service.shared(Complaints).no_url(connection.fsp_id)
        _calls.labels(*labels, "no_url").inc()
        raise HubUnreachable(f"{connection.fsp_id} has no hub URL", never_left=True)
    begun_s = time.perf_counter()
    try:
        result = await client.send(sender.http, url, message, connection.signing_key)
    except HubUnreachable:
        _calls.labels(*labels, "unreachable").inc()
        raise
    _seconds.labels(*labels).observe(time.perf_counter() - begun_s)
    if result.status >= 500 or result.status == 429:
        _calls.labels(*labels, "busy").inc()
        raise Retry(f"the hub answered {result.status}")
    _calls.labels(*labels, "accepted" if result.is_accepted else "refused").inc()
    return result


class Complaints:
    """What a process has told its operator once, and need not tell again."""

    def __init__(self, _service: Service) -> None:
        self._without_url: set[str] = set()

    def no_url(self, fsp_id: str) -> None:
        """A DFSP has no hub to send to."""
        if fsp_id not in self._without_url:
            self._without_url.add(fsp_id)
            _log.error(
                "hub_url_missing",
                fsp_id=fsp_id,
                what_to_do="set MERCHANT_HUB_URL, or hub_url of this DFSP (PATCH /api/v1/dfsps/{id})",
            )
