"""Routes of USSD aggregators, as the machine's operator changes them: add, list, rotate, disable, enable, try out.

A secret is told once, when it is made; the database has its digest. The address that a gateway had before there were
routes becomes a row, named after the gateway, as soon as it is changed.
"""

import ipaddress
import re
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct
from sqlmodel import select

import ussd
from merchant.channels.models import UssdRoute
from merchant.channels.ussd.known_routes import KnownRoutes, derived_key, proof_digest
from merchant.core import audit, clock, phone
from merchant.core.access import SERVICE
from merchant.core.db import Reads, Tx
from merchant.core.errors import OperatorProblem
from merchant.core.host_names import is_loopback
from merchant.core.locks import take_turn
from merchant.core.service import Service
from merchant.core.setting_forms import is_sms_url
from merchant.core.vault import token_digest
from ussd.fit import LEAST_CAP
from ussd.gateways.reading import code_of
from ussd.gateways.smpp.wire import REFERENCES, SESSION_FIELD

ROUTES_MAX = 200  # each process holds them all
CODES_MAX = 10
NETWORKS_MAX = 50
SECRET_BYTES = 20  # 160 bits
TRIAL = timedelta(minutes=10)
# Texts are written for 160 and 70; 182 and 80 are all that a USSD string carries.
SEPTETS = range(LEAST_CAP.septets, 183)
UCS2_UNITS = range(LEAST_CAP.ucs2_units, 81)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}")
_PROOF = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SYSTEM_ID = re.compile(r"[!-~]{1,15}")
_PASSWORD = re.compile(r"[!-~]{1,8}")
CENTRE = "ussd_route:{id}"  # the context under which a centre's password is sealed
_FIELD = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_FIELDS = frozenset({"session_id", "msisdn", "service_code", "text", "network"})
_HAS_SESSIONS = """
SELECT EXISTS (SELECT 1 FROM ussd_session WHERE gateway = $1 AND session_id NOT LIKE ALL ($2::text[]))
"""


class BadRoute(OperatorProblem):
    """A route cannot be so, or there is none of this name."""


class NewRoute(Struct, frozen=True):
    """What a route shall be. Without codes and country it has the scheme's; without a name one is made."""

    gateway: str
    name: str = ""
    service_codes: tuple[str, ...] = ()
    country: str | None = None
    fields: Mapping[str, str] = {}
    networks: tuple[str, ...] = ()
    proof_name: str | None = None
    proof: str | None = None
    septets: int | None = None
    ucs2_units: int | None = None
    gsm7_only: bool = False
    smsc_url: str | None = None
    system_id: str | None = None
    password: str | None = None
    private_line: bool = False


class Made(Struct, frozen=True):
    """A route with what is told only now: the path of its address, and the value by which it is proved, if any.

    Where we call a centre, nobody calls us, and the path is empty.
    """

    route: UssdRoute
    path: str
    proof: str | None = None


async def add_route(tx: Tx, service: Service, new: NewRoute) -> Made:
    """Add a route with a secret of its own. Raises BadRoute."""
    await take_turn(tx, "ussd routes")
    names = [row["name"] for row in await tx.fetch("SELECT name FROM ussd_route")]
    if len(names) >= ROUTES_MAX:
        raise BadRoute(f"There are {ROUTES_MAX} routes, and no more are possible.")
    name = new.name or next(made for n in range(1, ROUTES_MAX + 2) if (made := f"{new.gateway}-{n}") not in names)
    if name in names:
        raise BadRoute(f"There is a route {name!r} already; choose another name, or rotate it.")
    if name in ussd.GATEWAYS:
        raise BadRoute(f"{name!r} names the address from before there were routes; choose another, such as {name}-1.")
    if not _NAME.fullmatch(name):
        raise BadRoute("A name has small letters, digits, dots and dashes, at most 40.")
    proof = (new.proof or secrets.token_hex(SECRET_BYTES)) if new.proof_name else None
    secret = secrets.token_hex(SECRET_BYTES)
    route = UssdRoute(
        name=name,
        **_checked(new),
        secret_digest=token_digest(secret),
        proof_name=new.proof_name,
        proof_digest=proof_digest(service, proof) if proof else None,
    )
    if new.password is not None:
        route.password_sealed = service.vault.seal(new.password.encode(), CENTRE.format(id=route.id))
    tx.session.add(route)
    await _note(tx, service, route, "ussd_route.added", gateway=route.gateway, service_codes=route.service_codes)
    return Made(route, _path(route, secret), proof)


def _checked(new: NewRoute) -> dict[str, Any]:
    """The columns that someone chose. Raises BadRoute."""
    if new.gateway not in ussd.GATEWAYS:
        raise BadRoute(f"There is no gateway {new.gateway!r}; there are {', '.join(ussd.GATEWAYS)}.")
    if new.country is not None and not phone.dial_plan(new.country).home_lengths:
        raise BadRoute(f"{new.country!r} is no country with telephones; give two letters such as KE.")
    if not ussd.GATEWAYS[new.gateway].is_http:
        _check_centre(new)
    elif new.smsc_url is not None or new.system_id is not None or new.password is not None:
        raise BadRoute(f"{new.gateway} calls us: only smpp has the address of a centre, a system id and a password.")
    elif new.fields and not (new.gateway.startswith("plain") and new.fields.keys() <= _FIELDS):
        raise BadRoute(f"Only plain gateways have fields to name: {', '.join(sorted(_FIELDS))}.")
    if not all(map(_FIELD.fullmatch, new.fields.values())):
        raise BadRoute("A field's name has letters, digits, dots, dashes and underscores.")
    if new.proof_name is not None and not _PROOF.fullmatch(new.proof_name):
        raise BadRoute("A header or parameter has letters, digits, dashes and underscores in its name.")
    if new.proof and not new.proof_name:
        raise BadRoute("Say which header or parameter carries the value.")
    for given, allowed in ((new.septets, SEPTETS), (new.ucs2_units, UCS2_UNITS)):
        if given is not None and given not in allowed:
            raise BadRoute(f"Screens do not fit {given}; give {allowed[0]} to {allowed[-1]}.")
    return {
        "gateway": new.gateway,
        "service_codes": _codes(new.service_codes),
        "country": new.country,
        "fields": dict(new.fields),
        "networks": _networks(new.networks),
        "septets": new.septets,
        "ucs2_units": new.ucs2_units,
        "gsm7_only": new.gsm7_only,
        "smsc_url": new.smsc_url,
        "system_id": new.system_id,
    }


def _check_centre(new: NewRoute) -> None:
    """Whether a centre can be called so. Raises BadRoute."""
    url = new.smsc_url or ""
    parts = urlsplit(url)
    if not is_sms_url(url) or not parts.scheme.startswith("smpp"):
        raise BadRoute("Give the centre as --smsc smpps://host:port.")
    if parts.scheme == "smpp" and not is_loopback(parts.hostname) and not new.private_line:
        raise BadRoute(
            "Numbers, texts and the password pass in clear; use smpps://, or say --private-line where a VPN or a leased"
            " line guards the way."
        )
    if not _SYSTEM_ID.fullmatch(new.system_id or ""):
        raise BadRoute("Give our name at the centre as --system-id: 1 to 15 letters, digits and marks.")
    _check_password(new.password or "")
    if new.networks or new.proof_name:
        raise BadRoute("We call the centre: it neither calls from a network nor proves itself.")
    session = new.fields.get(SESSION_FIELD, "opaque")
    if new.fields.keys() - {SESSION_FIELD} or session not in REFERENCES:
        raise BadRoute(f"The one field of smpp is {SESSION_FIELD}: {', '.join(sorted(REFERENCES))}.")


def _check_password(password: str) -> None:
    if not _PASSWORD.fullmatch(password):
        raise BadRoute("A password for a centre has 1 to 8 letters, digits and marks (SMPP 3.4, 4.1.1).")


def _codes(given: tuple[str, ...]) -> list[str]:
    if len(given) > CODES_MAX:
        raise BadRoute(f"A route has at most {CODES_MAX} codes.")
    try:
        return list(dict.fromkeys(code_of(code.strip(), "code") for code in given))
    except ussd.BadStep:
        raise BadRoute("Give a code such as *384*123# or #150#.") from None


def _networks(given: tuple[str, ...]) -> list[str]:
    if len(given) > NETWORKS_MAX:
        raise BadRoute(f"A route has at most {NETWORKS_MAX} networks.")
    try:
        return [str(ipaddress.ip_network(one.strip(), strict=False)) for one in given]
    except ValueError:
        raise BadRoute("Give networks such as 203.0.113.0/24, or addresses.") from None


async def list_routes(tx: Reads, service: Service) -> list[UssdRoute]:
    """All routes by name, with those from before there were routes that phones have used."""
    routes = list((await tx.session.exec(select(UssdRoute).order_by(UssdRoute.name))).all())
    known = {route.name for route in routes}
    of_routes = [f"{name}/%" for name in known]
    for name, gateway in ussd.GATEWAYS.items():
        if gateway.is_http and name not in known and await tx.fetchval(_HAS_SESSIONS, name, of_routes):
            routes.append(_from_before(service, name))
    return routes


async def rotate_route(tx: Tx, service: Service, name: str, keep_for: timedelta) -> Made:
    """Give a route a new secret; the one so far is good for as long as said, and one from before that ends.

    Raises BadRoute.
    """
    route = await _locked(tx, service, name)
    if route.smsc_url is not None:
        raise BadRoute(f"Nobody calls {name!r}, so it has no address; see `merchant ussd route password`.")
    now, secret = clock.now(), secrets.token_hex(SECRET_BYTES)
    route.previous_digest, route.previous_until = route.secret_digest, now + keep_for
    route.secret_digest, route.rotated_at, route.enabled = token_digest(secret), now, True
    tx.session.add(route)
    await _note(tx, service, route, "ussd_route.rotated", previous_until=clock.rfc3339(route.previous_until))
    return Made(route, _path(route, secret))


async def set_enabled(tx: Tx, service: Service, name: str, *, enabled: bool) -> UssdRoute:
    """Close a route to its gateway, or open it again under the secret that it had. Raises BadRoute."""
    route = await _locked(tx, service, name)
    route.enabled = enabled
    if not enabled:
        route.previous_digest = route.previous_until = route.trial_digest = route.trial_until = None
    tx.session.add(route)
    await _note(tx, service, route, "ussd_route.enabled" if enabled else "ussd_route.disabled")
    return route


async def set_password(tx: Tx, service: Service, name: str, password: str) -> UssdRoute:
    """Give a centre's route another password, under which we bind within seconds. Raises BadRoute."""
    route = await _locked(tx, service, name)
    if route.smsc_url is None:
        raise BadRoute(f"{name!r} calls us; give it a new address by `merchant ussd route rotate`.")
    _check_password(password)
    route.password_sealed = service.vault.seal(password.encode(), CENTRE.format(id=route.id))
    route.rotated_at = clock.now()
    tx.session.add(route)
    await _note(tx, service, route, "ussd_route.rotated")
    return route


async def open_trial(tx: Tx, service: Service, name: str) -> Made:
    """A secret by which the machine's operator may call by this route for TRIAL, from anywhere. Raises BadRoute."""
    route = await _locked(tx, service, name)
    if not route.enabled:
        raise BadRoute(f"The route {name!r} is disabled.")
    if route.smsc_url is not None:
        raise BadRoute(f"Only its centre reaches {name!r}; dial it with a telephone.")
    secret = secrets.token_hex(SECRET_BYTES)
    route.trial_digest, route.trial_until = token_digest(secret), clock.now() + TRIAL
    tx.session.add(route)
    await _note(tx, service, route, "ussd_route.tried")
    return Made(route, _path(route, secret))


async def _locked(tx: Tx, service: Service, name: str) -> UssdRoute:
    """The route of a name, locked; a row is made of one from before there were routes. Raises BadRoute."""
    await take_turn(tx, "ussd routes")
    found = await tx.session.exec(select(UssdRoute).where(UssdRoute.name == name).with_for_update())
    route = found.one_or_none()
    if route is None and (name not in ussd.GATEWAYS or not ussd.GATEWAYS[name].is_http):
        raise BadRoute(f"There is no route {name!r}; see `merchant ussd route list`.")
    return route or _from_before(service, name)


def _from_before(service: Service, name: str) -> UssdRoute:
    """The route that a gateway has by itself, with the secret of its address."""
    return UssdRoute(name=name, gateway=name, secret_digest=token_digest(derived_key(service, name)))


def _path(route: UssdRoute, secret: str) -> str:
    return "" if route.smsc_url is not None else f"/ussd/{route.gateway}/{secret}"


async def _note(tx: Tx, service: Service, route: UssdRoute, action: str, **detail: Any) -> None:
    await tx.session.flush()
    await audit.record(tx, SERVICE, action, "ussd_route", route.id, dfsp_id=None, name=route.name, **detail)
    tx.on_commit(service.shared(KnownRoutes).forget)


def state_of(route: UssdRoute, now: datetime) -> str:
    """What a list says of a route: open, disabled, or until when its former secret is good as well."""
    if not route.enabled:
        return "disabled"
    if route.previous_until is not None and now < route.previous_until:
        return f"open, former secret until {clock.rfc3339(route.previous_until)}"
    return "open"
