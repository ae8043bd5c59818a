"""The hub's callbacks: headers and signature are checked, the message is stored once and acknowledged.

Raw ASGI below /fspiop, since every payment passes here five times. 202 to requests, 200 to answers, both empty; a
refusal is an FSPIOP error body, and refusals.py tells of it. engine.py decides about the stored message; here only its
form and its sender are checked.
"""

from datetime import timedelta
from typing import Final

import structlog
from litestar import asgi
from litestar.types import Receive, Scope, Send
from msgspec import Struct

from merchant.core import clock, inbox, trace
from merchant.core.db import Reads
from merchant.core.http import raw
from merchant.core.http.raw import Call, Refused, respond
from merchant.core.http.source import client_address
from merchant.core.inbox import Arrival, Message
from merchant.core.pressure import Pressure
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.hub import adapter
from merchant.hub.envelopes import Heading
from merchant.hub.port import MessageRefused, Refusal
from merchant.payments.arrivals import Arrivals
from merchant.payments.destinations import find_destination
from merchant.payments.participants import HubConnection, HubConnections
from merchant.payments.reconcile import is_reconciling
from merchant.payments.refusals import Refusals
from merchant.payments.subjects import subject_of

MOUNT: Final = "/fspiop"
# What was taken is remembered for inbox.KEPT_FOR, so that a repetition is known as one. A message may be as old, or as
# far ahead, as half of that: then it has become too old before it is forgotten.
FRESHNESS_MAX: Final = inbox.KEPT_FOR // 2
_NOT_KEPT: Final = MessageRefused(Refusal.BUSY, "Try again later; nothing was kept.")
_log = structlog.get_logger()


@asgi(MOUNT, is_mount=True, copy_scope=False, opt={"public": True, "hidden": True})
async def fspiop_door(scope: Scope, receive: Receive, send: Send) -> None:
    """Everything below /fspiop."""
    service: Service = scope["litestar_app"].state.service
    headers = raw.headers_of(scope)
    try:
        raw.check_gateway(service, scope, headers)
        call = await raw.read_call(scope, receive, headers, MOUNT)
        async with service.db.reads_when_needed() as tx:
            message, arrival = await _checked(tx, service, service.shared(HubConnections), call)
        about = subject_of(service.vault, arrival.heading, message.body)
        await service.shared(Arrivals).store(Arrival(message, arrival.connection.dfsp_id, about))
    except Refused as refused:
        _note(service, scope, headers, refused.error_code, refused.description)
        await respond(send, refused.status, refused.body())
    except MessageRefused as refused:
        _note(service, scope, headers, adapter.wire_code(refused), refused.description)
        await respond(send, *adapter.refusal_answer(refused))
    except Exception as error:
        if await raw.respond_passing(send, service, error):
            return
        _log.exception("message_not_stored")
        await respond(send, *adapter.refusal_answer(_NOT_KEPT))
    else:
        await respond(send, adapter.accepted_status(message.method))


def _note(service: Service, scope: Scope, headers: dict[str, str], code: str, why: str) -> None:
    service.shared(Refusals).note(
        "door",
        code,
        why,
        method=str(scope["method"]),  # type: ignore[typeddict-item]
        resource=str(scope["path"]).removeprefix(MOUNT).lstrip("/").partition("/")[0],
        fsp_source=headers.get("fspiop-source"),
        fsp_destination=headers.get("fspiop-destination"),
        client=client_address(scope, headers, service.settings),
    )


class _Arrival(Struct, frozen=True):
    """A message whose path and headers are well formed, and which is addressed to one of our DFSPs."""

    call: Call
    heading: Heading
    connection: HubConnection


async def _checked(tx: Reads, service: Service, connections: HubConnections, call: Call) -> tuple[Message, _Arrival]:
    """The message, if it is well formed and its signature is its sender's, what it says outside, and whom it is for.

    Raises MessageRefused.
    """
    heading = adapter.read_heading(call.method, call.raw_path, call.query, call.headers)
    _check_fresh(service.settings, heading)
    returned_to = await _returned_to(tx, connections, call, heading)
    destination, is_read = heading.destination, False
    if not destination:
        body, is_read = adapter.check_body(call.method, heading, call.body), True
        destination = await find_destination(tx, adapter.addressee_of(heading, body), heading.source)
    connection = returned_to or (await connections.connection(tx, destination) if destination else None)
    # A disabled DFSP takes no new payment, but what became of those under way is heard and told.
    if connection is None or not (connection.enabled or heading.is_of_under_way):
        raise MessageRefused(Refusal.NOT_OUR_DFSP, "fspiop-destination names no participant served here")
    arrival = _Arrival(call, heading, connection)
    if service.settings.require_signatures and returned_to is None:
        await _check_signature(tx, service, arrival)
    if not is_read:
        adapter.check_body(call.method, heading, call.body)
    if heading.wants_promise and service.shared(Pressure).refuses_promises:
        raise MessageRefused(
            Refusal.BUSY, "More is under way than can be worked off in time; ask again in some seconds."
        )
    if heading.begins and await is_reconciling(service):
        raise MessageRefused(Refusal.BUSY, "We were restored and ask the hub first; send this again in some minutes.")
    message = Message(
        method=call.method,
        path=call.raw_path,
        source=heading.source,
        destination=connection.fsp_id,
        version=heading.answer_version,
        body=call.body,
        traceparent=trace.traceparent(),
    )
    return message, arrival


def _check_fresh(settings: Settings, heading: Heading) -> None:
    """Refuse what was dated too long ago, or too far ahead."""
    if settings.message_freshness_s <= 0:
        return
    most = min(timedelta(seconds=settings.message_freshness_s), FRESHNESS_MAX)
    if abs(clock.now() - heading.dated_at) > most:
        why = f"The date header is more than {int(most.total_seconds())} s from our clock"
        raise MessageRefused(Refusal.INVALID, why)


_ASKED = "SELECT payer_fsp_id FROM payment_request WHERE transaction_request_id = $1 AND dfsp_id = $2"


async def _returned_to(tx: Reads, connections: HubConnections, call: Call, heading: Heading) -> HubConnection | None:
    """Our DFSP whose request a hub returns undelivered: such an error is unsigned and repeats the headers of our own
    request, with us as the source and the payer's DFSP as the destination (transaction-requests-service).

    Raises MessageRefused unless it is about a request that was put to that destination, and a hub can know of it.
    """
    returned = adapter.returned_of(call.method, heading, call.body)
    connection = await connections.connection(tx, heading.source) if returned is not None else None
    if returned is None or connection is None:
        return None
    asked = await tx.fetchval(_ASKED, returned.hub_request_id, connection.dfsp_id)
    if asked is not None and asked == heading.destination and returned.hub_may_know:
        return connection
    if asked is None or adapter.is_signed(call.headers):
        return None
    raise adapter.badly_signed("only a hub returns a request unsigned, to whom it was for")


async def _check_signature(tx: Reads, service: Service, arrival: _Arrival) -> None:
    call, source = arrival.call, arrival.heading.source
    if not call.body:
        return  # nothing is signed without a body
    if not adapter.is_signed(call.headers) and _may_be_unsigned(service.settings, arrival.heading):
        return
    connections = service.shared(HubConnections)
    problem: str | None = "no key of this sender is known"
    for fresh in (False, True):
        for key in await connections.partner_keys(tx, source, fresh=fresh):
            problem = adapter.signature_problem(key, call.method, call.raw_path, call.query, call.headers, call.body)
            if problem is None:
                return
    raise adapter.badly_signed(str(problem))


def _may_be_unsigned(settings: Settings, heading: Heading) -> bool:
    """Whether MERCHANT_UNSIGNED_FROM_HUB lets the hub say this without a signature; each use leaves a line."""
    if not settings.is_hub(heading.source) or heading.kind not in settings.unsigned_kinds:
        return False
    _log.info("message_taken_unsigned", kind=heading.kind, fsp_source=heading.source)
    return True
