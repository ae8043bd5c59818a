"""What a merchant and a payment take on disk: `python -m tests.load.sizes [MERCHANTS] [PAYMENTS]`.

A scratch PostgreSQL of its own. Companies apply, are screened and approved by the service's own operations; then a
running service asks for money through the simulated hub until every request is paid. Printed are bytes a merchant and
a payment, table by table with their indexes, as they lie after VACUUM and when packed by VACUUM FULL, the write-ahead
log that the payments wrote, and what part of their CPU time the database took. Figures of `merchant/cli/capacity.toml`
come from here.
"""

import asyncio
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import click

from merchant.core import ids, postgres
from merchant.core.service import Service
from merchant.demo.hub import exchange_keys
from merchant.programs.runtime import ready_service
from tests import builders
from tests.load.bench import _all_paid, _answers, _lift_limits, _postmaster_of, _process, programs_of
from tests.load.meter import cpu_s, family

AT_ONCE = 8
_SIZES = """
SELECT relname AS name, pg_total_relation_size(oid) AS bytes FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname
"""
_LOG = "SELECT pg_current_wal_lsn() - '0/0'::pg_lsn AS bytes"
_LEAST_SHOWN = 0.5  # bytes each


class Sizes:
    """The bytes of every table at one moment, packed and not, and how much write-ahead log there was until then."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.lying: dict[str, int] = {}
        self.packed: dict[str, int] = {}
        self.log_until = self.log_from = 0  # before and after the measuring, which writes too

    async def read(self) -> "Sizes":
        """Measure now."""
        connection = await asyncpg.connect(self._url, command_timeout=3600)
        self.log_until = int(await connection.fetchval(_LOG))
        await connection.execute("VACUUM ANALYZE")
        self.lying = {row["name"]: row["bytes"] for row in await connection.fetch(_SIZES)}
        await connection.execute("VACUUM FULL")
        self.packed = {row["name"]: row["bytes"] for row in await connection.fetch(_SIZES)}
        self.log_from = int(await connection.fetchval(_LOG))
        await connection.close()
        return self


def tell(what: str, count: int, before: Sizes, after: Sizes) -> None:
    """Print what each of `count` takes in every table that it takes something in."""
    click.echo(f"\na {what}, of {count:,}: table{'':20} {'lies':>9} {'packed':>9}  bytes")
    total_lying = total_packed = 0.0
    for name in sorted(after.lying, key=lambda name: before.packed[name] - after.packed[name]):
        # What was there before was packed when it was measured last.
        lying = (after.lying[name] - before.packed[name]) / count
        packed = (after.packed[name] - before.packed[name]) / count
        total_lying, total_packed = total_lying + lying, total_packed + packed
        if max(lying, packed) >= _LEAST_SHOWN:
            click.echo(f"  {name:44} {lying:9.0f} {packed:9.0f}")
    click.echo(f"  {'all':44} {total_lying:9.0f} {total_packed:9.0f}")
    click.echo(f"  {'write-ahead log':44} {(after.log_until - before.log_from) / count:9.0f}")


async def _merchants(service: Service, count: int) -> Any:
    world = await builders.load_world(service)
    counters: list[Any] = []
    for number in range(count):
        merchant, counters = await builders.create_merchant(service, world, document=builders.company(number=number))
        if number == 0:
            await _lift_limits(service, merchant.id)
            first = counters[0]
        if number % 200 == 199:
            await builders.work(service)
            click.echo(f"{number + 1:,} merchants", err=True)
    await builders.work(service)
    return first


async def _payments(service: Service, counter: Any, count: int) -> None:
    world = await builders.load_world(service)
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["payments:request", "payments:read"])
    slots = asyncio.Semaphore(AT_ONCE)
    async with aiohttp.ClientSession(service.settings.base_url) as http:

        async def ask(number: int) -> None:
            body = {
                "counter_id": str(counter.id),
                "amount": {"amount": "1", "currency": "USD"},
                "payer": {"type": "MSISDN", "id": f"2547{number:07}1"},
                "reference": f"sale {number}",
            }
            async with slots:
                while True:
                    headers = key | {"idempotency-key": ids.wire_id()}
                    async with http.post("/api/v1/payment-requests", json=body, headers=headers) as answer:
                        if answer.status == 201:
                            return
                        if answer.status not in (429, 503):
                            raise RuntimeError(f"{answer.status} {await answer.text()}")
                    await asyncio.sleep(1)

        for begin in range(0, count, 200):
            await asyncio.gather(*(ask(number) for number in range(begin, min(begin + 200, count))))
            await _all_paid(service)
    async with service.db.system_reads() as tx:
        paid = await tx.fetchval("SELECT count(*) FROM payment")
    if paid != count:
        raise RuntimeError(f"{paid} payments of {count}")


async def _main(folder: Path, url: str, merchants: int, payments: int) -> None:
    settings, environment, hub_port = programs_of(folder)
    async with ready_service(settings, url, migrate=True) as service:
        await builders.seed_world(service)
        empty = await Sizes(url).read()
        counter = await _merchants(service, merchants)
        filled = await Sizes(url).read()
        tell("merchant", merchants, empty, filled)
        hub = ("merchant.demo.simulator", "--port", str(hub_port), "--service-url", settings.base_url)
        journal = ("--journal", str(folder / "hub.jsonl"))
        serve = ("merchant", "serve")
        with _process(*hub, *journal, environment=environment), _process(*serve, environment=environment) as server:
            await _answers(f"{settings.base_url}/health/live")
            await _answers(f"{settings.hub_url}/control/keys")
            async with aiohttp.ClientSession() as http:
                await exchange_keys(service, http, settings.hub_url)
            database = _postmaster_of(folder)
            began_s, ours, its = time.monotonic(), cpu_s(family(server.pid)), cpu_s(family(database))
            await _payments(service, counter, payments)
            ours, its = cpu_s(family(server.pid)) - ours, cpu_s(family(database)) - its
            click.echo(
                f"\n{payments:,} payments in {time.monotonic() - began_s:.0f} s; CPU of one: service"
                f" {ours / payments * 1000:.1f} ms, database {its / payments * 1000:.1f} ms"
            )
            tell("payment", payments, filled, await Sizes(url).read())


def main() -> None:
    """Fill and measure."""
    merchants, payments = (*map(int, sys.argv[1:]), 1_000, 2_000)[:2] if len(sys.argv) > 2 else (1_000, 2_000)
    with tempfile.TemporaryDirectory(prefix="merchant-sizes-") as name:
        folder = Path(name)
        with postgres.start(folder / "postgres") as running:
            asyncio.run(_main(folder, running.url(), merchants, payments))


if __name__ == "__main__":
    main()
