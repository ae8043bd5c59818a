"""An upgrade from an earlier release to this checkout under load: `python -m tests.operations.rolling_upgrade`.

Two service nodes and a worker on one PostgreSQL, behind haproxy. The database is migrated under load, then one program
after the other is stopped by SIGTERM and started again from this checkout. Customers pay meanwhile, tills and the hub
ask. haproxy tries another node only where a connection is refused, as any load balancer does; an answer that is not the
expected one, or none, is a failed request.
"""

import asyncio
import subprocess
import sys
import tarfile
import time
from collections import Counter
from io import BytesIO
from pathlib import Path

import aiohttp
import click

from tests.operations import payers as paying
from tests.operations.installation import (
    CHECKOUT,
    GATEWAY_SECRET,
    Machine,
    Postgres,
    Seeded,
    free_port,
    http_status,
    make_roles,
    merchant,
    needs,
    node_environment,
    rehearsal,
    seed,
    start_hub,
    start_merchant,
    wait_until,
)
from tests.operations.payers import Payers
from tests.operations.report import Report

# The last commit of each release whose schema installations stand at (tests/migrations/README.md).
RELEASES = {"0011": "176c179", "0023": "9a32518", "0032": "6f6b64f", "0037": "3650e42"}
REQUESTS_MIN = 10_000
READERS = 4  # tills and hubs at once, each asking as soon as it was answered and has paused
PAUSE_S = 0.01
SCHEMA = "SELECT version_num FROM alembic_version"
PAYMENTS_PER_S = 4.0
STEADY_S = 6.0  # between two steps, so that each is seen under load

HAPROXY = """
global
    maxconn 500
defaults
    mode http
    option forwardfor
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    # Another node is tried where a connection is refused, and in no other case: a request may have had its effect.
    retries 3
    retry-on conn-failure
    option redispatch 1
frontend public
    bind 127.0.0.1:{public}
    default_backend nodes
backend nodes
    balance roundrobin
    option httpchk GET /health/live
    default-server check inter 500ms fall 2 rise 1
    server one 127.0.0.1:{one}
    server two 127.0.0.1:{two}
"""


class Readers:
    """Tills that look at their payments and a hub that looks up a number, again and again; every answer is counted."""

    def __init__(self, url: str, shop: Seeded, hub_secret: str) -> None:
        self.url, self.shop = url, shop
        self.answers: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.slowest_s = 0.0
        self._calls = (
            ("/api/v1/payment-requests?limit=5", shop.headers),
            (f"/oracle/participants/ALIAS/{shop.alias}", {"x-gateway-secret": hub_secret}),
            ("/api/v1/payments?limit=5", shop.headers),
            (f"/q/{shop.alias}", {}),
        )

    async def go_on(self, http: aiohttp.ClientSession, stopping: asyncio.Event) -> None:
        """One of them."""
        number = 0
        while not stopping.is_set():
            path, headers = self._calls[number % len(self._calls)]
            number += 1
            began_s = time.monotonic()
            try:
                async with http.get(self.url + path, headers=headers) as response:
                    await response.read()
                    status = str(response.status)
            except (aiohttp.ClientError, TimeoutError) as error:
                status = type(error).__name__
            self.slowest_s = max(self.slowest_s, time.monotonic() - began_s)
            kind = path.split("?")[0].split("/")[1]
            (self.answers if status == "200" else self.failures)[f"{kind} {status}"] += 1
            await asyncio.sleep(PAUSE_S)


def unpack(commit: str, folder: Path) -> Path:
    """The tree of an earlier release."""
    packed = subprocess.run(["git", "-C", CHECKOUT, "archive", commit], capture_output=True, check=False)
    if packed.returncode:
        raise SystemExit(f"{commit} is not here ({packed.stderr.decode().strip()}): a whole clone is needed")
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


class Nodes:
    """The programs of the installation, and the tree that each runs from."""

    def __init__(self, machine: Machine, hub_port: int, public_port: int, database_url: str) -> None:
        self.machine = machine
        self.ports = {"one": free_port(), "two": free_port(), "worker": free_port()}
        self.env = {
            name: node_environment(machine, name, port, database_url, hub_port, public_port)
            for name, port in self.ports.items()
        }
        self.env["worker"]["MERCHANT_WORKER_PORT"] = str(self.ports["worker"])

    def start(self, name: str, tree: Path) -> float:
        """Start one; how long until it answers."""
        start_merchant(
            self.machine, name, *(["worker"] if name == "worker" else ["serve"]), env=self.env[name], tree=tree
        )
        url = f"http://127.0.0.1:{self.ports[name]}/health/live"
        return wait_until(lambda: http_status(url) == 200, f"{name} did not start from {tree.name}")

    def is_ready(self, name: str) -> bool:
        """Whether it says that it is ready."""
        return http_status(f"http://127.0.0.1:{self.ports[name]}/health/ready") == 200


async def upgrade(
    report: Report, machine: Machine, nodes: Nodes, owner_url: str, trade: Payers, readers: Readers
) -> None:
    """Migrate, then restart one program after the other, all under load."""

    async def in_thread(do: object, *args: object) -> float:
        return await asyncio.to_thread(do, *args)  # type: ignore[arg-type]

    stopping = asyncio.Event()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http, trade:
        asking = [asyncio.create_task(readers.go_on(http, stopping)) for _ in range(READERS)]
        await asyncio.sleep(STEADY_S)
        began_s = time.monotonic()
        env = {**nodes.env["one"], "MERCHANT_DATABASE_URL": owner_url}
        await asyncio.to_thread(lambda: merchant(machine, "migrate", env=env))
        report.figure("merchant migrate, under load", f"{time.monotonic() - began_s:.1f} s")
        await asyncio.sleep(STEADY_S)
        for name in nodes.ports:
            stopped_s = await in_thread(machine.stop, name)
            started_s = await in_thread(nodes.start, name, CHECKOUT)
            await in_thread(wait_until, lambda name=name: nodes.is_ready(name), f"{name} is not ready")
            report.figure(f"{name}: stopped in, answering again after", f"{stopped_s:.1f} s, {started_s:.1f} s")
            await asyncio.sleep(STEADY_S)
        while sum(readers.answers.values()) + len(trade.answered) < REQUESTS_MIN:
            await asyncio.sleep(0.2)
        stopping.set()
        await asyncio.gather(*asking)
        await trade.stop()
        report.figure("calm again after", f"{await paying.has_calmed(trade, owner_url):.0f} s")
        books = await paying.read(trade, owner_url)
    answered, failed = readers.answers + Counter(), readers.failures + trade.refused
    total = sum(answered.values()) + sum(failed.values()) + len(trade.answered)
    report.figure("requests, of which demands for money", f"{total:,}, {len(trade.answered):,}")
    report.figure("slowest look-up or list", f"{readers.slowest_s:.2f} s")
    report.promise("failed requests", f"{sum(failed.values())} {dict(failed) or ''}".strip(), kept=not failed)
    paying.tell_books(report, trade, books, from_today=False)


def rehearse(release: str, commit: str) -> Report:
    """One upgrade from its first to its last step."""
    found = needs("initdb", "haproxy")
    report = Report(f"rolling upgrade from {release} ({commit}) to this checkout")
    with rehearsal(report) as machine:
        old = unpack(commit, machine.folder / f"release-{release}")
        database = Postgres(machine, "postgres", found)
        database.make("max_connections = 200")
        database.start()
        make_roles(machine, str(database.bin / "psql"), database.url("postgres", "postgres"))
        hub_port, public_port = free_port(), free_port()
        nodes = Nodes(machine, hub_port, public_port, database.url())
        start_hub(machine, hub_port, public_port)
        owner_url = database.url("merchant_owner")
        shop = seed(machine, nodes.env["one"], owner_url, old)
        report.figure("schema that the earlier release made", database.psql(SCHEMA, "merchant"))
        for name in nodes.ports:
            nodes.start(name, old)
        ports = {name: nodes.ports[name] for name in ("one", "two")}
        config = machine.write("haproxy.cfg", HAPROXY.format(public=public_port, **ports))
        machine.start("haproxy", [found["haproxy"], "-db", "-f", config])
        public = f"http://127.0.0.1:{public_port}"
        wait_until(lambda: http_status(f"{public}/health/live") == 200, "haproxy does not answer")
        trade = Payers(public, f"http://127.0.0.1:{hub_port}", shop, PAYMENTS_PER_S)
        asyncio.run(upgrade(report, machine, nodes, owner_url, trade, Readers(public, shop, GATEWAY_SECRET)))
        report.figure("schema now", database.psql(SCHEMA, "merchant"))
    return report


@click.command()
@click.option(
    "--from",
    "releases",
    multiple=True,
    type=click.Choice(list(RELEASES)),
    default=list(RELEASES),
    show_default=True,
    help="The schema of the release to upgrade from; may be given several times.",
)
def main(releases: tuple[str, ...]) -> None:
    """Upgrade under load from earlier releases; exit status 1 when a request failed or the books differ."""
    for release in releases:
        rehearse(release, RELEASES[release])


if __name__ == "__main__":
    main()
    sys.exit(0)
