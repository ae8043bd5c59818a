"""The routes as the door knows them: a few rows, kept in memory for some seconds, found by the secret in an address.

A gateway without a row of its own name has the address that it had before there were routes: its secret hangs on the
installation, which no rotation of keys changes, and it is good until `merchant ussd route` rotates or disables it.
"""

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime

import asyncpg
import msgspec
import structlog
from msgspec import Struct

import ussd
from merchant.core import clock, db, phone
from merchant.core.service import Service
from merchant.core.vault import token_digest
from ussd.fit import Cap

KEPT_S = 5.0  # how long a process may use routes that were changed elsewhere
_LOOK_AGAIN_S = 1.0  # after a secret that is not known: a route may have been added just now
_ROUTES = """
SELECT name, gateway, service_codes, country, fields, secret_digest, previous_digest, previous_until,
       trial_digest, trial_until, networks, proof_name, proof_digest, septets, ucs2_units, gsm7_only, enabled
FROM ussd_route WHERE smsc_url IS NULL
"""
_log = structlog.get_logger()


class KnownRoute(Struct, frozen=True):
    """A route as the door needs it. `until` is when the secret that found it ends; a trial's caller proves no more."""

    name: str
    gateway: str
    service_codes: tuple[str, ...] = ()
    country: str | None = None
    fields: Mapping[str, str] = {}
    networks: tuple[str, ...] = ()
    proof_name: str | None = None
    proof_digest: bytes | None = None
    cap: Cap | None = None
    gsm7_only: bool = False
    until: datetime | None = None
    is_trial: bool = False

    async def wire_route(self, service: Service) -> ussd.Route:
        """What its calls do not say. Raises what the database raises while the scheme is not known yet."""
        scheme = await service.scheme()
        plan = phone.dial_plan(self.country or scheme.country)
        first, *others = dict.fromkeys(code for code in (*self.service_codes, scheme.ussd_code) if code) or ("",)
        return ussd.Route(first, plan.calling_code, self.fields, tuple(others), plan.home_lengths, plan.trunk_prefix)

    def marked(self, step: ussd.Step) -> ussd.Step:
        """The step with what the route adds. Two routes of one gateway may use the same names for sessions."""
        is_own = bool(step.session_id) and self.name != self.gateway
        session_id = f"{self.name}/{step.session_id}" if is_own else step.session_id
        return msgspec.structs.replace(step, session_id=session_id, cap=self.cap, gsm7_only=self.gsm7_only)


class KnownRoutes:
    """The routes of the database as they were some seconds ago at most. One a process, by `service.shared`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._found: dict[tuple[str, bytes], KnownRoute] | None = None
        self._read_at_s = 0.0
        self._reading: asyncio.Task[None] | None = None

    async def find(self, gateway: str, secret: str) -> KnownRoute | None:
        """The route of a gateway's address, if its secret is good. Raises what the database raises before a first read.

        Only digests are compared, so the time it takes tells nothing of a secret.
        """
        digest = token_digest(secret)
        if self._found is None:
            await self._read()
        elif self._age_s() >= KEPT_S and self._reading is None:
            # Beside the caller, whom the gateway gives a few seconds.
            self._reading = asyncio.get_running_loop().create_task(self._read_again())
        route = self._match(gateway, digest)
        if route is None and self._age_s() >= _LOOK_AGAIN_S:
            await self._read_again()
            route = self._match(gateway, digest)
        return route

    def forget(self) -> None:
        """Read anew at the next call: something was changed here."""
        self._found = None

    def _match(self, gateway: str, digest: bytes) -> KnownRoute | None:
        route = (self._found or {}).get((gateway, digest))
        return route if route is not None and (route.until is None or clock.now() < route.until) else None

    def _age_s(self) -> float:
        return time.monotonic() - self._read_at_s

    async def _read_again(self) -> None:
        try:
            await self._read()
        except Exception as error:  # what was known stays in use
            self._read_at_s = time.monotonic()
            if not db.is_unavailable(error):
                _log.warning("ussd_routes_not_read", error=type(error).__name__)
        finally:
            self._reading = None

    async def _read(self) -> None:
        async with self._service.db.system_reads() as tx:
            rows = await tx.fetch(_ROUTES)
        self._found = _by_secret(self._service, rows)
        self._read_at_s = time.monotonic()


def _by_secret(service: Service, rows: list[asyncpg.Record]) -> dict[tuple[str, bytes], KnownRoute]:
    names = {row["name"] for row in rows}
    found = {
        (name, token_digest(derived_key(service, name))): KnownRoute(name, name)
        for name, gateway in ussd.GATEWAYS.items()
        if gateway.is_http and name not in names
    }
    for row in rows:
        if not row["enabled"]:
            continue
        route = route_of(row)
        found[row["gateway"], row["secret_digest"]] = route
        if row["previous_digest"] is not None:
            found[row["gateway"], row["previous_digest"]] = msgspec.structs.replace(route, until=row["previous_until"])
        if row["trial_digest"] is not None:
            trial = msgspec.structs.replace(route, until=row["trial_until"], is_trial=True)
            found[row["gateway"], row["trial_digest"]] = trial
    return found


def route_of(row: asyncpg.Record) -> KnownRoute:
    """A row as the door needs it, with a cap where the gateway's own is the usual one."""
    gateway = ussd.GATEWAYS.get(row["gateway"])
    usual = gateway.cap if gateway else Cap()
    cap = Cap(row["septets"] or usual.septets, row["ucs2_units"] or usual.ucs2_units)
    return KnownRoute(
        name=row["name"],
        gateway=row["gateway"],
        service_codes=tuple(row["service_codes"]),
        country=row["country"],
        fields=row["fields"],
        networks=tuple(row["networks"]),
        proof_name=row["proof_name"],
        proof_digest=row["proof_digest"],
        cap=cap,
        gsm7_only=row["gsm7_only"],
    )


def derived_key(service: Service, name: str) -> str:
    """The secret of a gateway's address from before there were routes, the same for every process."""
    return service.vault.digest("ussd-gateway", name).hex()[:40]


def proof_digest(service: Service, value: str) -> bytes:
    """The keyed digest of what a gateway sends to prove itself, which may be short; it stays when keys are rotated."""
    return service.vault.digest("ussd-proof", value)
