"""The hub's callbacks: headers and signature are checked, the message is stored once and acknowledged.

Raw ASGI below /fspiop, since every payment passes here five times. 202 to requests, 200 to answers, both empty; a
refusal is an FSPIOP error body. inbound.py handles the stored message; here only its form and its sender are checked.
"""

from typing import Final
from urllib.parse import unquote

import structlog
from litestar import asgi
from litestar.types import Receive, Scope, Send

from merchant.core import inbox
from merchant.core.db import Tx
from merchant.core.http import raw
from merchant.core.http.raw import Call, Refused, respond
from merchant.core.inbox import Message
from merchant.core.service import Service
from merchant.hub.fspiop.error_codes import FspiopError, meaning_of
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
from merchant.hub.fspiop.resources import ANSWERED
from merchant.payments.participants import HubConnection, HubConnections

MOUNT: Final = "/fspiop"
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
_log = structlog.get_logger()


@asgi(MOUNT, is_mount=True, copy_scope=False, opt={"public": True, "hidden": True})
async def fspiop_door(scope: Scope, receive: Receive, send: Send) -> None:
    """Everything below /fspiop."""
    state = scope["litestar_app"].state
    headers = raw.headers_of(scope)
    try:
        raw.check_gateway(state.service, scope, headers)
        call = await raw.read_call(scope, receive, headers, MOUNT)
        async with state.service.db.system_statements() as tx:
            message = await _checked(tx, state.service, state.service.shared(HubConnections), call)
            await inbox.store_once(tx, state.service.vault, message)
    except Refused as refused:
        await respond(send, refused.status, refused.body())
    except FspiopError as error:
        await respond(send, error.http_status, encode_error(error))
    except Exception:
        _log.exception("message_not_stored")
        await respond(send, 503, raw.error_body("2003", "Try again later; nothing was kept."))
    else:
        await respond(send, _ACCEPTED[message.method])


async def _checked(tx: Tx, service: Service, connections: HubConnections, call: Call) -> Message:
    """The message, if it is well formed and its signature is its sender's. Raises FspiopError."""
    resource = call.raw_path.split("/", 2)[1] if call.raw_path.count("/") else ""
    if resource not in ANSWERED:
        raise FspiopError("3002", "There is no such resource", 404)
    if call.method not in _ACCEPTED:
        raise FspiopError("3000", "This method is not possible here", 405)
    _check_path(call)
    inbound = check_headers(call.method, resource, call.headers)
    hubs_own_error = await _hubs_own_error(tx, connections, resource, call, inbound)
    destination = inbound.destination or await _served_by(tx, call)
    connection = hubs_own_error or (await connections.connection(tx, destination) if destination else None)
    if connection is None or not connection.enabled:
        raise FspiopError("3203", "fspiop-destination names no participant served here")
    if service.settings.require_signatures and hubs_own_error is None:
        await _check_signature(tx, connections, inbound.source, call)
    shape: type[WireBody] | None = (
        ErrorPut if call.raw_path.endswith("/error") else _BODIES.get((call.method, resource))
    )
    if shape is not None:
        decode(shape, call.body)
    return Message(
        method=call.method,
        path=call.raw_path + (f"?{call.query}" if call.query else ""),
        source=inbound.source,
        destination=connection.fsp_id,
        version=inbound.answer_version,
        body=call.body,
    )


async def _served_by(tx: Tx, call: Call) -> str | None:
    """The DFSP of the merchant whom a look-up without destination names (allowed by FSPIOP 1.1, section 3.2.3.5)."""
    parts = _parts(call)
    if call.method != "GET" or parts[0] != "parties":
        return None
    found = "SELECT d.fsp_id FROM alias a JOIN dfsp d ON d.id = a.dfsp_id WHERE alias_type = $1 AND alias = $2 LIMIT 1"
    fsp_id: str | None = await tx.fetchval(found, parts[1], parts[2])
    return fsp_id


def _parts(call: Call) -> list[str]:
    # Split first: an encoded slash is part of a name, and no name of FSPIOP holds one.
    return [unquote(part) for part in call.raw_path.split("/")[1:]]


def _check_path(call: Call) -> None:
    """A resource has an id, or a type and an id; a collection is only posted to."""
    parts = _parts(call)
    least = 1 if call.method == "POST" else 3 if parts[0] in ("parties", "participants") else 2
    if (
        not least <= len(parts) <= 5
        or not all(parts)
        or any("\x00" in part or "/" in part or len(part) > 128 for part in parts)
    ):
        raise FspiopError("3002", "There is no such resource", 404)


async def _hubs_own_error(
    tx: Tx, connections: HubConnections, resource: str, call: Call, inbound: Inbound
) -> HubConnection | None:
    """Our DFSP whose request a hub returns undelivered: such an error is unsigned and repeats the headers of our own
    request, with us as the source and the payer's DFSP as the destination (transaction-requests-service).
    """
    is_error = call.method == "PUT" and resource == "transactionRequests" and call.raw_path.endswith("/error")
    return await connections.connection(tx, inbound.source) if is_error else None


async def _check_signature(tx: Tx, connections: HubConnections, source: str, call: Call) -> None:
    if not call.body:
        return  # FSPIOP signs nothing without a body
    target = call.raw_path + (f"?{call.query}" if call.query else "")
    problem = "no key of this sender is known"
    for key in await connections.partner_keys(tx, source):
        try:
            verify(key, method=call.method, path=target, headers=call.headers, body=call.body)
        except InvalidSignature as error:
            problem = error.reason
        else:
            return
    raise FspiopError("3105", f"{meaning_of('3105')}: {problem}")
