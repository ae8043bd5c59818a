"""HTTP of the oracle, as raw ASGI below /oracle: see operations.py for what it means.

GET    /participants/{Type}/{ID}[/{SubId}]   who serves it
POST   /participants                         an array: an external DFSP's batch (x-api-key);
                                             an object: the Account Lookup Service's bulk registration
POST, PUT, DELETE /participants/{Type}/{ID}  single registration by the Account Lookup Service
"""

from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote

import msgspec
import structlog
from litestar import asgi
from litestar.types import Receive, Scope, Send

from merchant.core import errors, evidence, texts, throttling
from merchant.core.access import Permission
from merchant.core.evidence import SecurityEvent
from merchant.core.http import json as web
from merchant.core.http import raw
from merchant.core.http.raw import Call, Refused, respond
from merchant.core.http.source import client_address
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.throttle import Throttle
from merchant.registry.oracle import operations as oracle

_log = structlog.get_logger()
MOUNT = "/oracle"
_SOURCE = "fspiop-source"
_ROW_VALUES_MAX = 16  # of one row of a batch, which has three to six
T = TypeVar("T")


@asgi(MOUNT, is_mount=True, copy_scope=False, opt={"public": True, "hidden": True})
async def oracle_door(scope: Scope, receive: Receive, send: Send) -> None:
    """Everything below /oracle."""
    state = scope["litestar_app"].state
    service: Service = state.service
    headers = raw.headers_of(scope)
    try:
        # An external DFSP that registers a batch proves itself by its own key; everyone else is the hub's gateway.
        if not ("x-api-key" in headers and _is_batch(scope)):
            raw.check_gateway(service, scope, headers)
        call = await raw.read_call(scope, receive, headers, MOUNT)
        status, body = await _answer(state, call, scope)
    except Refused as refused:
        if isinstance(refused, oracle.NotTheirs):
            _note_refusal(service, scope, headers, refused)
        await respond(send, refused.status, refused.body())
    except errors.MerchantError as error:
        if error.status in web.REFUSALS:
            _note_refused_batch(service, scope, headers, error)
        problem = web.problem(error, _language(headers))
        await respond(send, error.status, problem.content, (b"content-type", b"application/problem+json"))
    except Exception as error:
        if await raw.respond_passing(send, service, error):
            return
        _log.exception("oracle_failed")
        await respond(send, 500, raw.error_body("2001", "Something went wrong on our side; try again later."))
    else:
        await respond(send, status, body)


def _note_refusal(service: Service, scope: Scope, headers: Mapping[str, str], refused: Refused) -> None:
    evidence.note(
        service,
        SecurityEvent.NOT_ALLOWED,
        source=client_address(scope, headers, service.settings),
        method=str(scope.get("method")),
        fsp_id=headers.get(_SOURCE, "")[:32],
        reason=refused.description,
    )


def _note_refused_batch(
    service: Service, scope: Scope, headers: Mapping[str, str], error: errors.MerchantError
) -> None:
    evidence.note(
        service,
        web.REFUSALS[error.status],
        actor=scope.get("state", {}).get("actor"),
        source=client_address(scope, headers, service.settings),
        route=f"POST {MOUNT}/participants",
        code=error.code,
        permission=Permission.ALIASES_WRITE,
    )


def _is_batch(scope: Scope) -> bool:
    return scope.get("method") == "POST" and scope["path"].removeprefix(MOUNT).strip("/") == "participants"


async def _answer(state: Any, call: Call, scope: Scope) -> tuple[int, bytes]:
    parts = [unquote(part) for part in call.raw_path.split("/") if part]
    if not parts or parts[0] != "participants" or len(parts) not in (1, 3, 4):
        raise Refused(404, "3002", "There is no such resource.")
    if len(parts) == 1:
        if call.method != "POST":
            raise Refused(405, "3000", "Only POST is possible here.")
        return await _register_many(state, call, scope)
    handler = _ONE.get(call.method)
    if handler is None:
        raise Refused(405, "3000", "GET, POST, PUT and DELETE are possible here.")
    return await handler(state.service, call, parts[1], parts[2], parts[3] if len(parts) == 4 else "")


async def _find(service: Service, call: Call, alias_type: str, identifier: str, sub_id: str) -> tuple[int, bytes]:
    query = parse_qs(call.query) if call.query else {}
    sub_id = sub_id or query.get("partySubIdOrType", [""])[0]
    currency = query.get("currency", [""])[0]
    if not oracle.may_be_ours(alias_type, identifier, sub_id):
        return 200, msgspec.json.encode({"partyList": []})
    async with service.db.look_ups() as tx:
        routes = await oracle.find_routes(tx, alias_type, identifier, sub_id, currency)
    if not routes:
        _count_miss(service, call)
    return 200, msgspec.json.encode({"partyList": routes})


def misses(_service: Service) -> Throttle:
    """Unknown numbers that one participant may ask for through the hub.

    Ten a second are more than the customers of a large wallet mistype; nine million numbers would take ten days. Known
    numbers are always answered and never counted: payments must not wait for somebody else's guesses.
    """
    return Throttle(per_minute=600, burst=1_200)


def _count_miss(service: Service, call: Call) -> None:
    asker = call.headers.get(_SOURCE, "")[:32]
    if throttling.wait_s(service, misses, asker, "oracle"):
        raise Refused(429, "2005", "Too many unknown identifiers were asked for; try again in a minute.")


async def _register(service: Service, call: Call, alias_type: str, identifier: str, sub_id: str) -> tuple[int, bytes]:
    new = _decode_route(call, sub_id)
    async with service.db.system() as tx:
        await oracle.register(tx, service, alias_type, identifier, new, call.headers.get(_SOURCE))
    return 201, b""


async def _change(service: Service, call: Call, alias_type: str, identifier: str, sub_id: str) -> tuple[int, bytes]:
    new = _decode_route(call, sub_id)
    async with service.db.system() as tx:
        await oracle.change(tx, service.settings, alias_type, identifier, new, call.headers.get(_SOURCE))
    # The Account Lookup Service insists on a JSON body here.
    return 200, msgspec.json.encode({"fspId": new.fsp_id})


async def _remove(service: Service, call: Call, alias_type: str, identifier: str, sub_id: str) -> tuple[int, bytes]:
    currency = parse_qs(call.query).get("currency", [""])[0] if call.query else ""
    async with service.db.system() as tx:
        source = call.headers.get(_SOURCE)
        await oracle.remove(tx, service.settings, alias_type, identifier, sub_id, currency, source)
    return 204, b""


_ONE = {"GET": _find, "POST": _register, "PUT": _change, "DELETE": _remove}


async def _register_many(state: Any, call: Call, scope: Scope) -> tuple[int, bytes]:
    service: Service = state.service
    if "x-api-key" not in call.headers and call.body.lstrip()[:1] != b"[":
        batch = _decode(call.body, oracle.BulkRegistration)
        async with service.db.system() as tx:
            results = await oracle.register_bulk(tx, service, batch, call.headers.get(_SOURCE))
        return 201, msgspec.json.encode({"partyList": results})
    actor = await web.authenticate(state, call.headers)
    scope.setdefault("state", {})["actor"] = actor  # a door before the router has none yet
    if actor.kind == "api_key":
        evidence.note_key_use(service, actor, client_address(scope, call.headers, service.settings))
    actor.require(Permission.ALIASES_WRITE)
    web.require_json(call.headers)
    rows = web.decode(call.body, list[Any], most_values=_ROW_VALUES_MAX * oracle.MAX_BATCH)
    if not 1 <= len(rows) <= oracle.MAX_BATCH:
        raise errors.invalid_field("$", "length", _("Send 1 to {most} rows.", most=oracle.MAX_BATCH))
    given = [oracle.read_row(row) for row in rows]
    readable = [row for row in given if isinstance(row, oracle.ExternalMerchant)]
    async with service.db.tenant(actor.own_dfsp()) as tx:
        registered = iter(await oracle.register_external(tx, service, actor, readable))
    answers = [row if isinstance(row, oracle.ExternalResult) else next(registered) for row in given]
    return 200, msgspec.json.encode([_translated(one, _language(call.headers)) for one in answers])


def _translated(result: oracle.ExternalResult, language: str) -> oracle.ExternalResult:
    if result.error is None:
        return result
    return msgspec.structs.replace(result, error=texts.translate(result.error, language))


def _language(headers: Mapping[str, str]) -> str:
    return texts.language_of(headers.get("accept-language"))


def _decode_route(call: Call, sub_id: str) -> oracle.NewRoute:
    """The body of a single registration; the sub-identifier may stand in it or in the path."""
    new = _decode(call.body, oracle.NewRoute)
    return msgspec.structs.replace(new, party_sub_id_or_type=sub_id) if sub_id else new


def _decode(raw: bytes, shape: type[T]) -> T:
    if web.has_too_many_values(raw, _ROW_VALUES_MAX * oracle.MAX_BATCH):
        raise Refused(400, "3104", f"At most {oracle.MAX_BATCH} parties are taken at once.")
    if web.has_nul(raw):
        raise Refused(400, "3101", "Text may not hold the character U+0000.")
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        raise Refused(400, "3100", str(error)) from None
    except (msgspec.DecodeError, ValueError, RecursionError):
        raise Refused(400, "3101", "The body is not valid JSON.") from None
