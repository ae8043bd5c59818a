"""The door of the USSD gateways: raw ASGI below /ussd/{gateway}/{key}.

Gateways sign nothing, so the key in the path is all that proves them. How each gateway writes is in ussd/gateways/.
"""

import hmac
import time

import structlog
from litestar import asgi
from litestar.types import Receive, Scope, Send
from prometheus_client import Histogram

import ussd
from merchant.channels.ussd.steps import take_step
from merchant.core import phone, throttling
from merchant.core.http import raw
from merchant.core.http.json import passing_problem
from merchant.core.http.raw import Refused, respond
from merchant.core.http.source import client_address
from merchant.core.service import Service
from merchant.core.throttle import Throttle, source_key

MOUNT = "/ussd"
MAX_BODY_BYTES = 16_384  # a dozen short fields
_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_log = structlog.get_logger()
# Networks end a dialogue whose answer takes longer than 5 to 10 s, and a person gives up before.
_seconds = Histogram(
    "merchant_ussd_step_seconds",
    "How long a step of a USSD dialogue took, by gateway.",
    ["gateway"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10),
)


@asgi(MOUNT, is_mount=True, copy_scope=False, opt={"public": True, "hidden": True})
async def ussd_door(scope: Scope, receive: Receive, send: Send) -> None:
    """Everything below /ussd."""
    service: Service = scope["litestar_app"].state.service
    try:
        call = await raw.read_call(scope, receive, raw.headers_of(scope), MOUNT, MAX_BODY_BYTES)
        gateway, rest = _gateway_of(service, scope, call)
        if call.method not in gateway.methods:
            raise Refused(405, "3000", f"This gateway sends its steps by {' or '.join(sorted(gateway.methods))}.")
        step = gateway.decode(ussd.Call(call.method, rest, call.query, call.headers, call.body), await _route(service))
        asked_s = time.monotonic()
        answer = gateway.encode(step, await take_step(service, step))
        _seconds.labels(step.gateway).observe(time.monotonic() - asked_s)
    except Refused as refused:
        await respond(send, refused.status, refused.description.encode(), _TEXT)
    except ussd.BadStep as problem:
        await respond(send, 400, str(problem).encode(), _TEXT)
    else:
        headers = tuple((name.lower().encode(), value.encode()) for name, value in answer.headers)
        content_type = next((one for one in headers if one[0] == b"content-type"), _TEXT)
        others = tuple(one for one in headers if one[0] != b"content-type")
        await respond(send, answer.status, answer.body, content_type, others)


def _gateway_of(service: Service, scope: Scope, call: raw.Call) -> tuple[ussd.Gateway, str]:
    """The gateway whose address this is, and the path below it. Raises Refused: 403 for a wrong key, else 404.

    Every refusal counts against its source, so that neither names nor keys can be guessed.
    """
    name, _, rest = call.path.removeprefix("/").partition("/")
    key, slash, rest = rest.partition("/")
    gateway = ussd.GATEWAYS.get(name)
    refused = Refused(404, "3002", "There is no such gateway.")
    if gateway is not None and key:
        if not hmac.compare_digest(key.encode(errors="replace"), gateway_key(service, name).encode()):
            refused = Refused(403, "3000", "This is not the key of this gateway.")
        elif gateway.has_path or not rest:
            return gateway, slash + rest
    _count_wrong_address(service, scope, call)
    raise refused


async def _route(service: Service) -> ussd.Route:
    """What calls do not say: the scheme's code, and the country whose phones dial it."""
    try:
        scheme = await service.scheme()
    except Exception as error:  # as a step that fails: its screen, if any, is told
        if passing_problem(service, error) is None:
            _log.exception("ussd_route_unknown")
        return ussd.Route()
    return ussd.Route(scheme.ussd_code, phone.calling_code(scheme.country))


def wrong_keys(_service: Service) -> Throttle:
    """Addresses below /ussd that one source may guess: a gateway is set up with one, by copy and paste."""
    return Throttle(per_minute=30, burst=30)


def _count_wrong_address(service: Service, scope: Scope, call: raw.Call) -> None:
    source = source_key(client_address(scope, call.headers, service.settings))
    if throttling.wait_s(service, wrong_keys, source, "ussd"):
        raise Refused(429, "2005", "Too many wrong addresses; try again in a minute.")


def gateway_key(service: Service, name: str) -> str:
    """The secret part of a gateway's address, the same for every process; it stays when secret keys are rotated."""
    return service.vault.digest("ussd-gateway", name).hex()[:40]


def gateway_path(service: Service, name: str) -> str:
    """The path to which a gateway posts its steps."""
    return f"{MOUNT}/{name}/{gateway_key(service, name)}"
