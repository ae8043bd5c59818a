"""The door of the USSD gateways: raw ASGI below /ussd/{gateway}/{key}.

Gateways sign nothing, so the key in the path proves them, and what its route adds (known_routes.py): from where they
call, and a value that they send. How each gateway writes is in ussd/gateways/.
"""

import hmac
import time
from urllib.parse import parse_qs

import structlog
from litestar import asgi
from litestar.types import Receive, Scope, Send

import ussd
from merchant.channels.ussd import metrics
from merchant.channels.ussd.known_routes import KnownRoute, KnownRoutes, derived_key, proof_digest
from merchant.channels.ussd.steps import take_step
from merchant.core import evidence, throttling
from merchant.core.evidence import SecurityEvent
from merchant.core.http import raw
from merchant.core.http.json import passing_problem
from merchant.core.http.raw import Refused, respond
from merchant.core.http.source import client_address, is_in_networks
from merchant.core.service import Service
from merchant.core.throttle import Throttle, source_key
from ussd.gateways.reading import FIELDS_MAX

MOUNT = "/ussd"
MAX_BODY_BYTES = 16_384  # a dozen short fields
ENDS = frozenset({"cancel", "timeout", "ended"})  # as gateways tell of them; else our last screen ends a dialogue
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_ELSEWHERE = "This gateway does not call from here."
_NOT_PROVED = "The call lacks the value by which this gateway is known."
_log = structlog.get_logger()


@asgi(MOUNT, is_mount=True, copy_scope=False, opt={"public": True, "hidden": True})
async def ussd_door(scope: Scope, receive: Receive, send: Send) -> None:
    """Everything below /ussd."""
    service: Service = scope["litestar_app"].state.service
    try:
        call = await raw.read_call(scope, receive, raw.headers_of(scope), MOUNT, MAX_BODY_BYTES)
        answer = await _answer(service, scope, call)
    except Refused as refused:
        await respond(send, refused.status, refused.description.encode(), _TEXT)
    except ussd.BadStep as problem:
        await respond(send, 400, str(problem).encode(), _TEXT)
    else:
        headers = tuple((name.lower().encode(), value.encode()) for name, value in answer.headers)
        content_type = next((one for one in headers if one[0] == b"content-type"), _TEXT)
        others = tuple(one for one in headers if one[0] != b"content-type")
        await respond(send, answer.status, answer.body, content_type, others)


async def _answer(service: Service, scope: Scope, call: raw.Call) -> ussd.Answer:
    """The answer to a call. Raises Refused, BadStep."""
    name, key, rest = _parts_of(call.path)
    gateway = ussd.GATEWAYS.get(name)
    if gateway is None or not gateway.is_http or not key or (rest not in {"", "/"} and not gateway.has_path):
        _count_wrong_address(service, scope, call)
        raise Refused(404, "3002", "There is no such gateway.")
    route, wire_route = await _route_of(service, name, key)
    if route is None and wire_route is None:
        _count_wrong_address(service, scope, call)
        raise Refused(403, "3000", "This is not the key of this gateway.")
    if route is not None:
        _check_source(service, scope, call, route)
    if call.method not in gateway.methods:
        raise Refused(405, "3000", f"This gateway sends its steps by {' or '.join(sorted(gateway.methods))}.")
    step = gateway.decode(ussd.Call(call.method, rest, call.query, call.headers, call.body), wire_route or ussd.Route())
    return gateway.encode(step, await reply_to(service, route, step))


def _parts_of(path: str) -> tuple[str, str, str]:
    """The gateway, the key and the path below them: `/infobip/KEY/s1/start`."""
    name, _, rest = path.removeprefix("/").partition("/")
    key, slash, rest = rest.partition("/")
    return name, key, slash + rest


async def _route_of(service: Service, gateway: str, key: str) -> tuple[KnownRoute | None, ussd.Route | None]:
    """The route of an address, and what its calls do not say; no route for a wrong key.

    While the routes were never read, since the database is away, nobody is known and nobody is turned away: a route
    without a name, by which no step is taken.
    """
    try:
        route = await service.shared(KnownRoutes).find(gateway, key)
        return route, await route.wire_route(service) if route else None
    except Exception as error:
        if passing_problem(service, error) is None:
            _log.exception("ussd_route_unknown")
        return None, ussd.Route()


async def reply_to(service: Service, route: KnownRoute | None, step: ussd.Step) -> ussd.Reply:
    """The screen for a step that came by a route, counted; without a route, while none could be read, `later`."""
    if step.event == "unknown":
        _log.warning("ussd_kind_unknown", gateway=step.gateway)
        return ussd.misunderstood()
    if route is None:
        return ussd.later(None)
    began_s = time.monotonic()
    reply = await take_step(service, route.marked(step))
    metrics.count_step(step.gateway, time.monotonic() - began_s)
    if step.event in ENDS or (reply.end and not step.is_notice):
        metrics.count_end(step.event if step.event in ENDS else "screen")
    return reply


def _check_source(service: Service, scope: Scope, call: raw.Call, route: KnownRoute) -> None:
    """Whether a call comes from where its route's gateway calls, with the value that it sends. Raises Refused."""
    if route.is_trial:
        return
    address = client_address(scope, call.headers, service.settings)
    is_elsewhere = bool(route.networks) and not is_in_networks(address, ",".join(route.networks))
    if not is_elsewhere and _is_proved(service, call, route):
        return
    _count_wrong_address(service, scope, call)
    evidence.note(service, SecurityEvent.GATEWAY_REFUSED, source=address, path="ussd", route=route.name)
    raise Refused(403, "3000", _ELSEWHERE if is_elsewhere else _NOT_PROVED)


def _is_proved(service: Service, call: raw.Call, route: KnownRoute) -> bool:
    if route.proof_name is None or route.proof_digest is None:
        return True
    given = call.headers.get(route.proof_name.lower())
    if given is None:
        try:
            given = parse_qs(call.query, max_num_fields=FIELDS_MAX).get(route.proof_name, [""])[0]
        except ValueError:
            return False
    return hmac.compare_digest(proof_digest(service, given), route.proof_digest)


def wrong_keys(_service: Service) -> Throttle:
    """Addresses below /ussd that one source may guess: a gateway is set up with one, by copy and paste."""
    return Throttle(per_minute=30, burst=30)


def _count_wrong_address(service: Service, scope: Scope, call: raw.Call) -> None:
    """Every refusal counts against its source, so that neither names nor keys can be guessed. Raises Refused."""
    source = source_key(client_address(scope, call.headers, service.settings))
    if throttling.wait_s(service, wrong_keys, source, "ussd"):
        raise Refused(429, "2005", "Too many wrong addresses; try again in a minute.")


def gateway_key(service: Service, name: str) -> str:
    """The secret part of the address that a gateway has without a route; it stays when secret keys are rotated."""
    return derived_key(service, name)


def gateway_path(service: Service, name: str) -> str:
    """The path to which a gateway without a route posts its steps."""
    return f"{MOUNT}/{name}/{gateway_key(service, name)}"
