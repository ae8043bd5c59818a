"""Outgoing hub messages: sealed and queued in the outbox, sent by the worker, accepted or retried.

A message leaves only if the transaction that queued it commits, and it is sealed because it holds personal data.
engine.py queues what was decided; ask.py sends look-ups and questions to payers, by `transmit`.
"""

import time
from datetime import datetime
from uuid import UUID

import aiohttp
import msgspec
import structlog
from prometheus_client import Counter, Histogram

from merchant.core import clock, ids, inbox, outbox, spans
from merchant.core.db import Tx, forget
from merchant.core.outbox import HeldJob
from merchant.core.service import Service
from merchant.hub import adapter
from merchant.hub.envelopes import OutgoingMessage, SendResult
from merchant.hub.port import HubUnreachable
from merchant.payments.book import Outgoing
from merchant.payments.internal import AnswerTaken, RefundNotTaken, RefundTaken
from merchant.payments.participants import HubConnection, HubConnections

_CALL = ("dfsp", "resource")
TOPIC = "hub.send"
CONTEXT = "hub.send"
_log = structlog.get_logger()


class Retry(Exception):
    """The hub is busy or broken at the moment; the job comes back later."""

    never_left = False  # whatever stands before the hub may have passed it on


_calls = Counter("merchant_hub_calls", "Messages sent to the hub, by DFSP, resource and result.", [*_CALL, "result"])
_seconds = Histogram("merchant_hub_call_seconds", "How long the hub took to answer.", _CALL)


class QueuedMessage(OutgoingMessage, frozen=True, kw_only=True):
    """A message in the outbox. `transfer` names a transfer that counts as committed once the hub has taken this,
    `refund_id` a refund that is to know what came of it.
    """

    useless_after: datetime | None = None
    transfer: tuple[str, str] | None = None  # payer FSP, transfer id
    refund_id: UUID | None = None


KEEP = """
INSERT INTO sent_message (id, dfsp_id, about, sealed, sent_at)
SELECT id, dfsp_id, about, sealed, $5 FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[])
  AS given (id, dfsp_id, about, sealed) /*distributed: RETURNING 1*/
"""


def seal(service: Service, message: QueuedMessage) -> bytes:
    """A message as the outbox holds it."""
    return service.vault.seal(msgspec.json.encode(message), CONTEXT)


async def queue(tx: Tx, service: Service, message: QueuedMessage, dfsp_id: UUID, about: str | None = None) -> None:
    """Queue a message in the caller's transaction.

    `about` of a message that no row tells of (subjects.py): it is kept, beyond its sending, as long as the inbox keeps
    what came. Answers are not: they stand with their quote and transfer.
    """
    sealed = seal(service, message)
    await outbox.add(tx, TOPIC, sealed, dfsp_id=dfsp_id)
    if about is not None:
        await tx.execute(KEEP, [ids.uuid7()], [dfsp_id], [about], [sealed], clock.now())


async def queue_say(tx: Tx, service: Service, connection: HubConnection, dfsp_id: UUID, one: Outgoing) -> None:
    """Queue something to tell the hub that answers no message of its own."""
    written = adapter.write(one.say, connection)
    message = QueuedMessage(
        method=written.method,
        path=written.path,
        source=connection.fsp_id,
        destination=one.to_fsp_id,
        body=written.body,
        useless_after=one.useless_after,
        refund_id=one.refund_id,
    )
    await queue(tx, service, message, dfsp_id, one.about)


def open_queued(service: Service, payload: bytes) -> QueuedMessage:
    """A message out of the outbox."""
    return msgspec.json.decode(service.vault.open(payload, CONTEXT), type=QueuedMessage)


async def prune(tx: Tx, limit: int) -> int:
    """Forget what was sent longer than inbox.KEPT_FOR ago; the number forgotten, at most `limit`."""
    return await forget(tx, "sent_message", "id", "sent_at", clock.now() - inbox.KEPT_FOR, limit)


async def send_queued(
    service: Service, http: aiohttp.ClientSession, held: HeldJob
) -> AnswerTaken | RefundTaken | RefundNotTaken | None:
    """Send a queued message; one that is too late is dropped. Raises Retry or HubUnreachable."""
    message: QueuedMessage = held.value or open_queued(service, held.job.payload)
    connection = await service.shared(HubConnections).find(service, message.source)
    if connection is None or (message.useless_after is not None and message.useless_after <= clock.now()):
        return None
    result = await transmit(service, http, connection, message)
    if not result.is_accepted:
        _log.warning("hub_refused_message", method=message.method, resource=message.resource, code=result.error_code)
        if message.refund_id is None:
            return None
        return RefundNotTaken(message.refund_id, f"{result.error_code or result.status} {message.resource}")
    if message.refund_id is not None:
        return RefundTaken(message.refund_id)
    return AnswerTaken(message.transfer[1]) if message.transfer is not None else None


async def transmit(
    service: Service, http: aiohttp.ClientSession, connection: HubConnection, message: OutgoingMessage
) -> SendResult:
    """Send a message now, outside any transaction. Raises Retry or HubUnreachable."""
    if not spans.is_on():
        return await _transmit(service, http, connection, message)
    named = f"send {message.method} /{message.resource}{'/error' if message.path.endswith('/error') else ''}"
    told: dict[str, str | int | bool] = {
        "fspiop.resource": message.resource,
        "fspiop.source": message.source,
        "fspiop.destination": message.destination or "",
        "http.request.method": message.method,
    }
    with spans.at_work(named, "client", told) as span:
        result = await _transmit(service, http, connection, message)
        span.set("http.response.status_code", result.status)
        if not result.is_accepted:
            span.fail(result.error_code or str(result.status))
        return result


async def _transmit(
    service: Service, http: aiohttp.ClientSession, connection: HubConnection, message: OutgoingMessage
) -> SendResult:
    labels = (connection.fsp_id, message.resource)
    url = connection.url_for(message.resource)
    if not url:
        service.shared(Complaints).no_url(connection.fsp_id)
        _calls.labels(*labels, "no_url").inc()
        raise HubUnreachable(f"{connection.fsp_id} has no hub URL", never_left=True)
    begun_s = time.perf_counter()
    try:
        result = await adapter.send(http, url, message, connection.signing_key)
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
