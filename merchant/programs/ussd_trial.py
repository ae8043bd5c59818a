"""What `merchant ussd` does: routes of aggregators, and calls through the HTTP door of a running service.

The service acts alone; the audit record has what it changed.
"""

import secrets
import time
from collections.abc import Callable
from datetime import timedelta

import aiohttp
from msgspec import Struct

import ussd
from merchant.channels.models import UssdRoute
from merchant.channels.ussd import routes
from merchant.channels.ussd.door import gateway_path
from merchant.core import clock
from merchant.core.errors import OperatorProblem
from merchant.core.service import Service
from ussd.fit import Cap, is_gsm7, measure
from ussd.handset import BadAnswer, Press, read_screen, write_call

USUAL_ROUTE = "africastalking"
SESSION_S = 180  # as long as most networks keep a session open
_TIMEOUT = aiohttp.ClientTimeout(total=20)


class NoScreen(OperatorProblem):
    """The door did not answer a call with a screen."""


class Line(Struct, frozen=True):
    """Where a handset calls: a gateway's address, the codes that lead there, and how large its screens are."""

    gateway: str
    url: str
    codes: tuple[str, ...]
    cap: Cap = Cap()


class Shown(Struct, frozen=True):
    """A screen on a handset, and what it costs. `after_s` is how long the session has been open."""

    text: str
    is_last: bool
    used: int
    allowed: int
    encoding: str
    after_s: float


class Handset:
    """One session of a phone by a line."""

    def __init__(self, line: Line, msisdn: str, string: str, now_s: Callable[[], float] = time.monotonic) -> None:
        code, dialled = split_string(string, line.codes)
        self._line, self._now_s = line, now_s
        self._press = Press(msisdn, f"trial-{secrets.token_hex(8)}", code, dialled)
        self._begun_s = now_s()

    async def show(self, http: aiohttp.ClientSession) -> Shown:
        """Send what was pressed so far. Raises NoScreen."""
        line = self._line
        call = write_call(line.gateway, self._press)
        url = f"{line.url}{call.path}" + (f"?{call.query}" if call.query else "")
        try:
            async with http.request(
                call.method, url, data=call.body or None, headers=dict(call.headers), timeout=_TIMEOUT
            ) as response:
                status, body, headers = response.status, await response.read(), tuple(response.headers.items())
        except (aiohttp.ClientError, TimeoutError, OSError):
            raise NoScreen(f"Nobody answers at {line.url.split('/ussd/')[0]}: is the service running there?") from None
        if status != 200:
            raise NoScreen(f"The door answered {status}: {body.decode(errors='replace')[:200]}")
        try:
            text, is_last = read_screen(line.gateway, ussd.Answer(status, headers, body))
        except BadAnswer as problem:
            raise NoScreen(str(problem)) from None
        size, allowed = measure(text, line.cap)
        encoding = "GSM-7" if is_gsm7(text) else "UCS-2"
        return Shown(text, is_last, size(text), allowed, encoding, self._now_s() - self._begun_s)

    async def type(self, http: aiohttp.ClientSession, answer: str) -> Shown:
        """Answer the screen. Raises NoScreen."""
        press = self._press
        self._press = Press(press.msisdn, press.session_id, press.code, press.dialled, (*press.typed, answer))
        return await self.show(http)


def split_string(string: str, codes: tuple[str, ...]) -> tuple[str, str]:
    """The code that was dialled, the longest that fits, and what stands behind it. Raises NoScreen."""
    dialled = "".join(string.split())
    for code in sorted(codes, key=len, reverse=True):
        start = code.rstrip("#")
        if dialled.endswith("#") and (dialled == code or dialled.startswith(f"{start}*")):
            return code, dialled[len(start) + 1 : -1]
    raise NoScreen(f"No code of this line begins {dialled}. Dial {' or '.join(codes) or 'a code of --code'}.")


async def line_of(service: Service, base_url: str, name: str) -> Line:
    """The line of a route, or of the address that a gateway has without one; for ten minutes. Raises BadRoute."""
    scheme = await service.scheme()
    async with service.db.system() as tx:
        known = {route.name: route for route in await routes.list_routes(tx, service)}
        route = known.get(name)
        if route is None and name in ussd.GATEWAYS and ussd.GATEWAYS[name].is_http:
            path, gateway = gateway_path(service, name), name
        else:
            made = await routes.open_trial(tx, service, name)
            route, path, gateway = made.route, made.path, made.route.gateway
    usual = ussd.GATEWAYS[gateway].cap
    cap = Cap(route.septets or usual.septets, route.ucs2_units or usual.ucs2_units) if route else usual
    codes = (*(route.service_codes if route else ()), scheme.ussd_code)
    return Line(gateway, f"{base_url}{path}", tuple(code for code in codes if code), cap)


def line_at(address: str, codes: tuple[str, ...]) -> Line:
    """The line of an address as an aggregator was told it. Raises NoScreen."""
    gateway = address.partition("/ussd/")[2].partition("/")[0]
    if gateway not in ussd.GATEWAYS or not ussd.GATEWAYS[gateway].is_http:
        raise NoScreen("An address is like https://pay.example.org/ussd/africastalking/SECRET.")
    return Line(gateway, address.rstrip("/"), codes, ussd.GATEWAYS[gateway].cap)


async def add(service: Service, new: routes.NewRoute) -> routes.Made:
    """Add a route. Raises BadRoute."""
    async with service.db.system() as tx:
        return await routes.add_route(tx, service, new)


async def rotate(service: Service, name: str, keep_hours: int) -> routes.Made:
    """Give a route a new secret. Raises BadRoute."""
    async with service.db.system() as tx:
        return await routes.rotate_route(tx, service, name, timedelta(hours=keep_hours))


async def set_password(service: Service, name: str, password: str) -> None:
    """Give a centre's route another password. Raises BadRoute."""
    async with service.db.system() as tx:
        await routes.set_password(tx, service, name, password)


async def set_enabled(service: Service, name: str, *, enabled: bool) -> None:
    """Close a route or open it again. Raises BadRoute."""
    async with service.db.system() as tx:
        await routes.set_enabled(tx, service, name, enabled=enabled)


async def listed(service: Service) -> list[str]:
    """A line for each route: name, gateway, codes, country, state, and what else it is held to."""
    scheme, now = await service.scheme(), clock.now()
    async with service.db.system() as tx:
        found = await routes.list_routes(tx, service)
    return [
        "  ".join(
            (
                route.name,
                route.gateway,
                " ".join(route.service_codes) or f"{scheme.ussd_code or '-'} (the scheme's)",
                route.country or f"{scheme.country} (the scheme's)",
                routes.state_of(route, now),
                *_particulars(route),
            )
        )
        for route in found
    ]


def _particulars(route: UssdRoute) -> list[str]:
    told = []
    if route.smsc_url is not None:
        told.append(f"{route.system_id} at {route.smsc_url}")
    if route.name == route.gateway:
        told.append("address from before there were routes" if route.rotated_at is None else "")
    if route.networks:
        told.append(f"from {' '.join(route.networks)}")
    if route.proof_name:
        told.append(f"proved by {route.proof_name}")
    if route.septets or route.ucs2_units:
        told.append(f"{route.septets or '-'} septets, {route.ucs2_units or '-'} units")
    if route.gsm7_only:
        told.append("GSM-7 only")
    told.extend(f"{ours}={theirs}" for ours, theirs in sorted(route.fields.items()))
    return [one for one in told if one]
