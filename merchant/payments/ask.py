"""A request put on the hub: first which DFSP has its payer, then the question to that payer.

Network jobs. One transaction before and one after the call, none during it. What was sent may have arrived although
nothing answered, so it is sent again, the same to the letter.
"""

from uuid import UUID

import aiohttp
import msgspec
from msgspec import Struct

from merchant.core import clock
from merchant.core.outbox import HeldJob, NewJob
from merchant.core.service import Service
from merchant.hub.adapter import write
from merchant.hub.envelopes import OutgoingMessage, SendResult
from merchant.hub.port import AskPayer, HubUnreachable, LookUpPayer
from merchant.payments.book import Request
from merchant.payments.book_loading import read_request
from merchant.payments.internal import LookUpTaken, NotTaken, QuestionTaken
from merchant.payments.outgoing import Retry, transmit
from merchant.payments.participants import HubConnection, HubConnections
from merchant.payments.settle import NO_ANSWER, UNREACHABLE
from merchant.payments.states import RequestCapability, may

LOOK_UP_TOPIC = "payments.look_up"
ASK_TOPIC = "payments.ask"


class RequestJob(Struct, frozen=True):
    """The payload of a job about one request."""

    request_id: UUID


def job(topic: str, request: Request, traceparent: str | None) -> NewJob:
    """A job about a request, which a worker of this process need not read."""
    payload = msgspec.json.encode(RequestJob(request.id))
    return NewJob(topic, payload, request.dfsp_id, traceparent, request)


_NOTE_LOOK_UP = "UPDATE payment_request SET looked_up_at = $2 WHERE id = $1 /*distributed: AND dfsp_id = $lane*/"


async def look_up_payer(service: Service, http: aiohttp.ClientSession, held: HeldJob) -> LookUpTaken | NotTaken | None:
    """Which DFSP has the payer? The answer comes as a message of its own. Raises Retry or HubUnreachable."""
    found = await _read(service, held, RequestCapability.LOOK_UP_PAYER)
    if found is None:
        return None
    request, payer, connection = found
    if request.looked_up_at is None or held.value is None:
        async with service.db.system_statements(request.dfsp_id) as tx:
            # Before the question leaves: its answer may overtake the hub's 202.
            await tx.execute(_NOTE_LOOK_UP, request.id, clock.now())
    written = write(LookUpPayer(payer), connection)
    message = OutgoingMessage(written.method, written.path, connection.fsp_id)
    result = await _transmit_about(service, http, request, connection, message)
    if not result.is_accepted:
        return _not_taken(request, result, "look_up_refused")
    return LookUpTaken(request.id) if request.hub_trouble == UNREACHABLE else None


async def ask_payer(service: Service, http: aiohttp.ClientSession, held: HeldJob) -> QuestionTaken | NotTaken | None:
    """Put the request to its payer, by the payer's DFSP. Raises Retry or HubUnreachable."""
    found = await _read(service, held, RequestCapability.ASK_PAYER)
    if found is None:
        return None
    request, payer, connection = found
    question = AskPayer(
        hub_request_id=request.transaction_request_id,
        alias_type=request.alias_type,
        alias=request.alias,
        trading_name=request.trading_name,
        mcc=request.mcc,
        payer=payer,
        payer_fsp_id=request.payer_fsp_id,
        amount=request.amount,
        note=request.note,
        expires_at=request.expires_at,
    )
    written = write(question, connection)
    message = OutgoingMessage(written.method, written.path, connection.fsp_id, request.payer_fsp_id, written.body)
    result = await _transmit_about(service, http, request, connection, message)
    if not result.is_accepted:
        return _not_taken(request, result, "request_refused")
    return QuestionTaken(request.id)


async def _read(
    service: Service, held: HeldJob, capability: RequestCapability
) -> tuple[Request, str, HubConnection] | None:
    """The request, its payer and our connection; None when its state no longer permits this, or when it has expired."""
    request: Request | None = held.value
    if request is None:
        job = msgspec.json.decode(held.job.payload, type=RequestJob)
        async with service.db.system_reads(held.job.dfsp_id) as tx:
            request = await read_request(tx, service, job.request_id)
    if (
        request is None
        or request.payer is None
        or request.expires_at <= clock.now()
        or not may(request.state, capability)
    ):
        return None
    connection = await service.shared(HubConnections).find(service, request.fsp_id)
    return None if connection is None else (request, request.payer, connection)


# A later "never left" does not unsay an earlier message that may have arrived.
_TROUBLE = """
UPDATE payment_request SET hub_trouble = CASE WHEN hub_trouble = 'no_answer' THEN hub_trouble ELSE $2 END
WHERE id = $1 /*distributed: AND dfsp_id = $lane*/
"""


async def _transmit_about(
    service: Service,
    http: aiohttp.ClientSession,
    request: Request,
    connection: HubConnection,
    message: OutgoingMessage,
) -> SendResult:
    """Send a message about a request, and keep on the request that the hub could not be reached, for the reason that
    its merchant is told. Raises Retry or HubUnreachable.
    """
    try:
        return await transmit(service, http, connection, message)
    except (HubUnreachable, Retry) as error:
        # A look-up asks no customer anything, whether it arrived or not.
        trouble = UNREACHABLE if error.never_left or message.body is None else NO_ANSWER
        async with service.db.system_statements(request.dfsp_id) as tx:
            await tx.execute(_TROUBLE, request.id, trouble)
        raise


def _not_taken(request: Request, result: SendResult, cause: str) -> NotTaken:
    return NotTaken(request.id, result.news, result.detail, cause)
