"""What an installation does right now, for a terminal: the figures that /metrics and /health/ready tell, read alone.

It writes nothing, and the one thing it sends is a connection to each hub's address that it closes again.
"""

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import msgspec
from msgspec import Struct

from merchant import __version__, migrations
from merchant.core import clock, outbox, sql, stuck_jobs
from merchant.core.heartbeat import GONE_AFTER_S, SEEN_S_AGO
from merchant.core.outbox import Depth
from merchant.core.service import Service
from merchant.payments.states import RequestState
from merchant.programs import health
from merchant.programs.health import ReadyCheck

CONNECT_TIMEOUT_S = 3.0  # as for messages to the hub
_PORTS = {"http": 80, "https": 443}

_WORKERS = f"""
SELECT host, pid, version, {SEEN_S_AGO} AS seen_s_ago FROM worker_heartbeat WHERE {SEEN_S_AGO} < $2 ORDER BY host, pid
"""  # noqa: S608 - constants
_FACTS = f"""
SELECT current_setting('server_version') AS postgres,
  (SELECT coalesce(jsonb_object_agg(state, n), '{{}}') FROM (
     SELECT p.state, count(*) AS n FROM open_reference o JOIN payment_request p ON p.id = o.request_id
       /*distributed: AND p.dfsp_id = o.dfsp_id*/ GROUP BY p.state
   ) AS each) AS open,
  (SELECT count(*) FROM payment_request WHERE state IN {sql.literals([RequestState.IN_DOUBT])}) AS in_doubt,
  (SELECT received_at FROM payment ORDER BY id DESC LIMIT 1) AS last_payment_at,
  (SELECT count(*) FROM outbox WHERE topic = 'hub.send' AND dead_at IS NULL AND attempts > 1) AS hub_retries
"""  # noqa: S608 - constants
_HUBS = "SELECT fsp_id, hub_url, hub_urls FROM dfsp WHERE enabled ORDER BY fsp_id"


class WorkerSeen(Struct, frozen=True):
    """A worker that runs."""

    host: str
    pid: int
    version: str
    seen_s_ago: float


class HubAddress(Struct, frozen=True):
    """An address of the hub, the participants that use it, and what came of a connection: no `problem` if it opened."""

    address: str
    fsp_ids: list[str]
    connected_ms: float | None = None
    problem: str = ""


class Status(Struct, frozen=True):
    """An installation as it is now."""

    told_at: datetime
    version: str
    schema_revision: str | None
    postgres: str
    scheme: str
    ready: bool
    checks: list[ReadyCheck]
    workers: list[WorkerSeen]
    topics: list[Depth]
    blocked_lanes: dict[str, int]
    open_requests: dict[str, int]
    in_doubt: int
    last_payment_at: datetime | None
    hub_retries: int
    hubs: list[HubAddress]


async def read_status(service: Service, url: str) -> Status:
    """The installation as it is now. Raises NoScheme, and what the database raises while it is away."""
    scheme = await service.scheme()
    schema = await migrations.read_schema(url, _roles(service))
    checks = [one for check in health.READY_CHECKS for one in await check(service)]
    async with service.db.system_reads() as tx:
        facts = await tx.fetchrow(_FACTS)
        workers = await tx.fetch(_WORKERS, clock.moved(), GONE_AFTER_S)
        depths = await outbox.depths(tx)
        blocked = await stuck_jobs.count_blocked_lanes(tx)
        hubs = await tx.fetch(_HUBS)
    assert facts is not None
    return Status(
        told_at=clock.now(),
        version=__version__,
        schema_revision=schema.revision,
        postgres=facts["postgres"],
        scheme=scheme.name,
        ready=all(one.status != "failed" for one in checks),
        checks=checks,
        workers=[WorkerSeen(**row) for row in workers],
        topics=sorted(depths, key=lambda one: -one.oldest_due_s),
        blocked_lanes=blocked,
        open_requests=_document(facts["open"]),
        in_doubt=facts["in_doubt"],
        last_payment_at=facts["last_payment_at"],
        hub_retries=facts["hub_retries"],
        hubs=list(await asyncio.gather(*map(_try_address, _addresses(hubs, service.settings.hub_url)))),
    )


def _roles(service: Service) -> migrations.Roles:
    return migrations.Roles(service.settings.database_app_role, service.settings.database_system_role)


def _document(value: Any) -> Any:
    return msgspec.json.decode(value) if isinstance(value, str | bytes) else value


def _addresses(rows: list[asyncpg.Record], default: str) -> Iterator[HubAddress]:
    """Each host and port that messages of enabled participants go to, with those participants."""
    used: dict[str, list[str]] = {}
    for row in rows:
        for url in {row["hub_url"] or default, *_document(row["hub_urls"]).values()} - {""}:
            parts = urlsplit(url)
            host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
            used.setdefault(f"{host}:{parts.port or _PORTS.get(parts.scheme, 443)}", []).append(row["fsp_id"])
    for address, fsp_ids in sorted(used.items()):
        yield HubAddress(address, fsp_ids)


async def _try_address(hub: HubAddress) -> HubAddress:
    """Whether a connection to an address opens; nothing is said on it."""
    host, _, port = hub.address.rpartition(":")
    asked_s = time.monotonic()
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            _, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    except TimeoutError:
        return msgspec.structs.replace(hub, problem=f"does not answer within {CONNECT_TIMEOUT_S:.0f} s")
    except OSError as error:
        return msgspec.structs.replace(hub, problem=error.strerror or type(error).__name__)
    writer.close()
    return msgspec.structs.replace(hub, connected_ms=round((time.monotonic() - asked_s) * 1000, 1))


def tell(status: Status) -> Iterator[str]:
    """The status as lines of text."""
    yield f"{'ready' if status.ready else 'NOT READY':<12}{status.scheme}, {clock.rfc3339(status.told_at)}"
    yield f"{'versions':<12}merchant {status.version}, schema {status.schema_revision}, PostgreSQL {status.postgres}"
    for check in status.checks:
        if check.status != "ok":
            yield f"{check.status:<12}{check.name}: {check.detail}"
    yield from _tell_workers(status)
    waiting = [one for one in status.topics if one.live or one.dead]
    yield f"{'outbox':<12}{'' if waiting else 'empty'}".rstrip()
    for one in waiting:
        dead = f", dead {one.dead}: see `merchant outbox list`" if one.dead else ""
        yield f"  {one.topic:<24}waiting {one.live}, oldest due for {one.oldest_due_s:.0f} s{dead}"
    for kind, count in sorted(status.blocked_lanes.items()):
        yield f"  {kind:<24}lanes held back {count}: see `merchant outbox lanes`"
    told = ", ".join(f"{state} {count}" for state, count in sorted(status.open_requests.items()) if count)
    yield f"{'requests':<12}{f'open: {told}' if told else 'none is open'}; in doubt {status.in_doubt}"
    yield f"{'payment':<12}{_ago(status)}"
    for hub in status.hubs:
        told = hub.problem or f"connects in {hub.connected_ms:.0f} ms"
        yield f"{'hub':<12}{hub.address} {told} ({', '.join(hub.fsp_ids)})"
    if status.hub_retries:
        yield f"{'hub':<12}{status.hub_retries} messages are tried again"
    if not status.hubs:
        yield f"{'hub':<12}no address: no DFSP is enabled, or none has a hub's"


def _tell_workers(status: Status) -> Iterator[str]:
    if not status.workers:
        yield f"{'workers':<12}none is seen"
    for one in status.workers:
        yield f"{'worker':<12}{one.host} {one.pid}, merchant {one.version}, seen {one.seen_s_ago:.0f} s ago"


def _ago(status: Status) -> str:
    if status.last_payment_at is None:
        return "none yet"
    seconds = (status.told_at - status.last_payment_at).total_seconds()
    return f"the last {clock.rfc3339(status.last_payment_at)}, {max(0.0, seconds):.0f} s ago"
