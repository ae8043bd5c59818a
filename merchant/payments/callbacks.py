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
from merchant.hub.fspiop.addressing import addressee_of
from merchant.hub.fspiop.error_codes import FspiopError, hub_may_find, meaning_of
from merchant.hub.fspiop.headers import Inbound, check_headers
from merchant.hub.fspiop.jws import InvalidSignature, verify
from merchant.hub.fspiop.messages import (
    ErrorPut,
    PartiesPut,
    QuotesPost,
    TransactionRequestsPost,
    TransactionRequestsPut,
    TransfersPatch,
    TransfersPost,
    WireBody,
    decode,
    encode_error,
)
from merchant.hub.fspiop.paths import Place, read_path
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
_ACCEPTED: Final = {"GET": 202, "POST": 202, "PUT": 200, "PATCH": 200}
# A malformed body is refused at once, in the HTTP answer.
_BODIES: Final[dict[tuple[str, str], type[WireBody]]] = {
    ("POST", "quotes"): QuotesPost,
    ("POST", "transfers"): TransfersPost,
    ("POST", "transactionRequests"): TransactionRequestsPost,
    ("PUT", "transactionRequests"): TransactionRequestsPut,
    ("PUT", "parties"): PartiesPut,
    ("PATCH", "transfers"): TransfersPatch,
    ("PUT", "transfers"): TransfersPatch,
}
_SIGNATURE: Final = "fspiop-signature"
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
            message, place, connection = await _checked(tx, service, service.shared(HubConnections), call)
        about = subject_of(service.vault, place, message.body)
        await service.shared(Arrivals).store(Arrival(message, connection.dfsp_id, about))
    except Refused as refused:
        _note(service, scope, headers, refused.error_code, refused.description)
        await respond(send, refused.status, refused.body())
    except FspiopError as error:
        _note(service, scope, headers, error.code, error.description)
        await respond(send, error.http_status, encode_error(error))
    except Exception as error:
        if await raw.respond_passing(send, service, error):
            return
        _log.exception("message_not_stored")
        await respond(send, 503, raw.error_body("2003", "Try again later; nothing was kept."))
    else:
        await respond(send, _ACCEPTED[message.method])


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


# A disabled DFSP takes no new payment, but what became of those under way is heard and told.
_HEARD_WHEN_DISABLED = frozenset(
    {("PUT", "transactionRequests"), ("GET", "transfers"), ("PUT", "transfers"), ("PATCH", "transfers")}
)


class _Arrival(Struct, frozen=True):
    """A message whose path and headers are well formed, and which is addressed to one of our DFSPs."""

    call: Call
    place: Place
    inbound: Inbound
    connection: HubConnection


async def _checked(
    tx: Reads, service: Service, connections: HubConnections, call: Call
) -> tuple[Message, Place, HubConnection]:
    """The message, if it is well formed and its signature is its sender's, its path, and whom it is for.

    Raises FspiopError.
    """
    place = read_path(call.method, call.raw_path, call.query)
    inbound = check_headers(call.method, place.resource, call.headers)
    _check_fresh(service.settings, inbound)
    returned_to = await _returned_to(tx, connections, place, call, inbound)
    body = None
    if not inbound.destination:
        body = _read_body(place, call)
    destination = inbound.destination or await find_destination(tx, addressee_of(place, body), inbound.source)
    connection = returned_to or (await connections.connection(tx, destination) if destination else None)
    if connection is None or not (connection.enabled or (call.method, place.resource) in _HEARD_WHEN_DISABLED):
        raise FspiopError("3203", "fspiop-destination names no participant served here")
    if service.settings.require_signatures and returned_to is None:
        await _check_signature(tx, service, _Arrival(call, place, inbound, connection))
    if body is None:
        _read_body(place, call)
    if (call.method, place.resource) == ("POST", "quotes") and service.shared(Pressure).refuses_promises:
        raise FspiopError("2003", "More is under way than can be worked off in time; ask again in some seconds.", 503)
    if call.method == "POST" and await is_reconciling(service):
        raise FspiopError("2003", "We were restored and ask the hub first; send this again in some minutes.", 503)
    message = Message(
        method=call.method,
        path=call.raw_path,
        source=inbound.source,
        destination=connection.fsp_id,
        version=inbound.answer_version,
        body=call.body,
        traceparent=trace.traceparent(),
    )
    return message, place, connection


def _read_body(place: Place, call: Call) -> WireBody | None:
    shape = ErrorPut if place.is_error else _BODIES.get((call.method, place.resource))
    return None if shape is None else decode(shape, call.body)


def _check_fresh(settings: Settings, inbound: Inbound) -> None:
    """Refuse what was dated too long ago, or too far ahead."""
    if settings.message_freshness_s <= 0:
        return
    most = min(timedelta(seconds=settings.message_freshness_s), FRESHNESS_MAX)
    if abs(clock.now() - inbound.date) > most:
        raise FspiopError("3100", f"The date header is more than {int(most.total_seconds())} s from our clock")


_ASKED = "SELECT payer_fsp_id FROM payment_request WHERE transaction_request_id = $1 AND dfsp_id = $2"


async def _returned_to(
    tx: Reads, connections: HubConnections, place: Place, call: Call, inbound: Inbound
) -> HubConnection | None:
    """Our DFSP whose request a hub returns undelivered: such an error is unsigned and repeats the headers of our own
    request, with us as the source and the payer's DFSP as the destination (transaction-requests-service).

    Raises FspiopError 3105 unless it is about a request that was put to that destination, and a hub can know of it.
    """
    if not (call.method == "PUT" and place.resource == "transactionRequests" and place.is_error):
        return None
    connection = await connections.connection(tx, inbound.source)
    if connection is None:
        return None
    code = decode(ErrorPut, call.body).error_information.error_code
    asked = await tx.fetchval(_ASKED, place.ids[0], connection.dfsp_id)
    if asked is not None and asked == inbound.destination and hub_may_find(code):
        return connection
    if asked is None or _SIGNATURE in call.headers:
        return None
    raise FspiopError("3105", f"{meaning_of('3105')}: only a hub returns a request unsigned, to whom it was for")


async def _check_signature(tx: Reads, service: Service, arrival: _Arrival) -> None:
    call, source = arrival.call, arrival.inbound.source
    if not call.body:
        return  # FSPIOP signs nothing without a body
    if _SIGNATURE not in call.headers and _may_be_unsigned(service.settings, arrival):
        return
    connections = service.shared(HubConnections)
    target = call.raw_path + (f"?{call.query}" if call.query else "")
    problem = "no key of this sender is known"
    for fresh in (False, True):
        for key in await connections.partner_keys(tx, source, fresh=fresh):
            try:
                verify(key, method=call.method, path=target, headers=call.headers, body=call.body)
            except InvalidSignature as error:
                problem = error.reason
            else:
                return
    raise FspiopError("3105", f"{meaning_of('3105')}: {problem}")


def _may_be_unsigned(settings: Settings, arrival: _Arrival) -> bool:
    """Whether MERCHANT_UNSIGNED_FROM_HUB lets the hub say this without a signature; each use leaves a line."""
    place = arrival.place
    kind = f"{arrival.call.method} {place.resource}{'/error' if place.is_error else ''}"
    if not settings.is_hub(arrival.inbound.source) or kind not in settings.unsigned_kinds:
        return False
    _log.info("message_taken_unsigned", kind=kind, fsp_source=arrival.inbound.source)
    return True
