"""`make bench`: CPU time per operation of a real server process and its database, beside budget and figure before.

Wall time tells of the machine; CPU time tells of us. Each figure is the median of several rounds. The server, the
simulated hub and this client are separate processes; database and server are counted together.
`make bench RECORD="what this run is of"` adds the run to the history (history.py), against which it is held.
"""

import asyncio
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import click
import msgspec

from merchant.core import ids, postgres
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.demo.hub import exchange_keys
from merchant.hub.fspiop.jws import load_signing_key, sign
from merchant.programs.runtime import ready_service
from merchant.registry.merchants.models import Counter
from merchant.scheme import keys
from tests import builders
from tests.load import history
from tests.load.compliance_bench import compliance_rows
from tests.load.libraries import library_rows
from tests.load.meter import ROUNDS, cpu_s, family, memory_mb
from tests.load.table import Row, show
from tests.load.ussd_bench import ussd_rows

AT_ONCE = 16
SMALL, LARGE = 10_000, 1_000_000  # aliases
PACED_ROUNDS, PACED_S = 3, 5
# CPU milliseconds of a whole request to pay at so many a second, our RSA signatures included.
PACED_BUDGETS_MS = {10: 20.0, 20: 16.0, 30: 14.0, 60: 12.0, 80: 10.0, 100: 9.0}


class Bench:
    """The processes under measurement and what the client needs to talk to them."""

    def __init__(self, base_url: str, service: Service, watched: set[int], http: aiohttp.ClientSession) -> None:
        self.base_url = base_url
        self.service = service
        self.http = http
        self._roots = watched

    async def cost_ms(self, count: int, do: Callable[[int], Awaitable[Any]], until: Any = None) -> float:
        """Median CPU milliseconds of server and database per operation, `count` operations a round."""
        costs = []
        for round_number in range(ROUNDS + 1):
            slots = asyncio.Semaphore(AT_ONCE)

            async def one(index: int, slots: asyncio.Semaphore = slots) -> None:
                async with slots:
                    await do(index)

            before = cpu_s(family(*self._roots))
            await asyncio.gather(*(one(round_number * count + index) for index in range(count)))
            if until is not None:
                await until()
            spent = cpu_s(family(*self._roots)) - before
            if round_number:  # the first warms up
                costs.append(spent / count * 1000)
        return statistics.median(costs)

    async def paced_cost_ms(self, per_s: int, do: Callable[[int], Awaitable[Any]], until: Any) -> float:
        """The same when operations begin at a steady rate, whatever became of those before."""
        costs = []
        for round_number in range(PACED_ROUNDS):
            count = per_s * PACED_S
            before = cpu_s(family(*self._roots))
            began = time.monotonic()
            tasks = []
            for index in range(count):
                await asyncio.sleep(began + index / per_s - time.monotonic())
                tasks.append(asyncio.create_task(do(round_number * count + index)))
            await asyncio.gather(*tasks)
            await until()
            costs.append((cpu_s(family(*self._roots)) - before) / count * 1000)
        return statistics.median(costs)

    async def expect(self, status: int, method: str, path: str, **options: Any) -> bytes:
        """One call that must answer with the status."""
        async with self.http.request(method, self.base_url + path, **options) as response:
            body = await response.read()
            if response.status != status:
                raise RuntimeError(f"{method} {path}: {response.status} {body[:300]!r}")
            return body


async def measure(bench: Bench, payers: Callable[[int], str]) -> list[Row]:
    """All rows about the service."""
    service = bench.service
    world = await builders.load_world(service)
    merchant, counters = await builders.create_merchant(service, world)
    await _lift_limits(service, merchant.id)
    counter = counters[0]
    headers = await builders.issue_key(
        service, world["greenbankfsp"]["admin"], ["payments:request", "payments:read", "aliases:write"]
    )
    headers |= {"content-type": "application/json"}
    rows = [Row("memory at rest: app, worker, database", memory_mb(family(*bench._roots)), "MB", 200)]
    rows += await _oracle_rows(bench, world.dfsp_ids["greenbankfsp"])

    async def register(index: int) -> None:
        batch = [{"merchant_id": f"x{index}-{one}", "currency": "USD"} for one in range(50)]
        await bench.expect(200, "POST", "/oracle/participants", json=batch, headers=headers)

    rows.append(Row("register an external alias (batches of 50)", await bench.cost_ms(10, register) / 50, "ms"))
    rows += await _request_rows(bench, counter, headers, payers)
    return rows + await ussd_rows(bench.base_url, service, counter.alias, bench.cost_ms)


async def _request_rows(
    bench: Bench, counter: Counter, headers: dict[str, str], payers: Callable[[int], str]
) -> list[Row]:
    async def create(index: int, payer: str | None = None) -> None:
        body: dict[str, Any] = {"counter_id": str(counter.id), "amount": {"amount": "1", "currency": "USD"}}
        if payer:
            body["payer"] = {"type": "MSISDN", "id": payer}
        await bench.expect(
            201,
            "POST",
            "/api/v1/payment-requests",
            data=msgspec.json.encode(body),
            headers=headers | {"idempotency-key": ids.wire_id()},
        )

    async def ask(index: int) -> None:
        await create(index, payers(index))

    async def until_paid() -> None:
        await _all_paid(bench.service)

    rows = [Row("create a request to pay, durable", await bench.cost_ms(200, create), "ms", 1.5)]
    whole = await bench.cost_ms(60, ask, until_paid)
    signing = _signature_ms() * 4  # we sign POST transactionRequests, PUT parties, PUT quotes and PUT transfers
    rows.append(Row("request to pay, creation to paid, 60 in one go", whole, "ms", 12.0))
    rows.append(Row("request to pay, creation to paid, beside our RSA signatures", whole - signing, "ms"))
    rows.append(Row("  of which the signatures would add", signing, "ms"))
    for per_s, budget in PACED_BUDGETS_MS.items():
        paced = await bench.paced_cost_ms(per_s, ask, until_paid)
        rows.append(Row(f"request to pay, creation to paid, {per_s} a second", paced, "ms", budget))
    return rows


async def _oracle_rows(bench: Bench, dfsp_id: Any) -> list[Row]:
    async def look_up(index: int) -> None:
        number = f"b{index * 7919 % SMALL:07}"
        answer = await bench.expect(200, "GET", f"/oracle/participants/ALIAS/{number}")
        assert b"greenbankfsp" in answer

    await _fill_aliases(bench.service, dfsp_id, 0, SMALL)
    small = await bench.cost_ms(400, look_up)
    await _fill_aliases(bench.service, dfsp_id, SMALL, LARGE)
    large = await bench.cost_ms(400, look_up)
    return [
        Row(f"oracle look-up among {SMALL:,} aliases", small, "ms", 0.40),
        Row(f"oracle look-up among {LARGE:,} aliases, ratio", large / small, "times", 1.2),
    ]


async def _fill_aliases(service: Service, dfsp_id: Any, start: int, end: int) -> None:
    step = 200_000
    for begin in range(start, end, step):
        async with service.db.system() as tx:
            await tx.execute("SET LOCAL statement_timeout = 0")
            await tx.execute(
                "INSERT INTO alias (alias_type, alias, sub_id, currency, dfsp_id, active)"
                " SELECT 'ALIAS', 'b' || lpad(n::text, 7, '0'), '', 'USD', $1, true"
                " FROM generate_series($2::int, $3::int) n",
                dfsp_id,
                begin,
                min(begin + step, end) - 1,
            )


async def _lift_limits(service: Service, merchant_id: Any) -> None:
    async with service.db.system() as tx:
        await tx.execute("UPDATE merchant SET tier = 'T3' WHERE id = $1", merchant_id)


async def _all_paid(service: Service) -> None:
    open_states = "state NOT IN ('paid', 'failed', 'expired') AND payer_type IS NOT NULL"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        async with service.db.system_reads() as tx:
            left = await tx.fetchval(f"SELECT count(*) FROM payment_request WHERE {open_states}")
        if not left:
            return
        await asyncio.sleep(0.05)
    raise RuntimeError("not every request was paid")


def _signature_ms() -> float:
    key = load_signing_key(keys.new_private_pem(), "bench")
    body = b'{"a":"' + b"x" * 700 + b'"}'
    begun = time.process_time()
    for _ in range(200):
        sign(key, method="PUT", uri="/quotes/x", source="a", destination="b", body=body)
    return (time.process_time() - begun) / 200 * 1000


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def _process(*arguments: str, environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", *arguments], env=os.environ | environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


async def _answers(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        for _ in range(400):
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(url):
                    return
            await asyncio.sleep(0.05)
    raise RuntimeError(f"nothing answers at {url}")


def programs_of(folder: Path) -> tuple[Settings, dict[str, str], int]:
    """The settings of a service on a free port, its programs' environment, and the port of the hub that it calls."""
    port, hub_port = _free_port(), _free_port()
    settings = Settings(
        port=port,
        data_dir=folder,
        secret_key=builders.SECRET_KEY,
        hub_url=f"http://127.0.0.1:{hub_port}",
        require_totp=False,
    )
    environment = {
        "MERCHANT_PORT": str(port),
        "MERCHANT_DATA_DIR": str(folder),
        "MERCHANT_SECRET_KEY": builders.SECRET_KEY,
        "MERCHANT_HUB_URL": settings.hub_url,
        "MERCHANT_LOG_LEVEL": "ERROR",
    }
    return settings, environment, hub_port


async def _main(folder: Path, database_url: str) -> list[Row]:
    settings, environment, hub_port = programs_of(folder)
    async with ready_service(settings, database_url, migrate=True) as service:
        await builders.seed_world(service)
        hub = (
            "merchant.demo.simulator",
            "--port",
            str(hub_port),
            "--service-url",
            settings.base_url,
            "--journal",
            str(folder / "hub.jsonl"),
        )
        with _process(*hub, environment=environment), _process("merchant", "serve", environment=environment) as server:
            await _answers(f"{settings.base_url}/health/live")
            await _answers(f"{settings.hub_url}/control/keys")
            async with aiohttp.ClientSession() as http:
                await exchange_keys(service, http, settings.hub_url)
                numbers = [f"2547110{index:04}1" for index in range(1000)]
                bench = Bench(settings.base_url, service, {server.pid, _postmaster_of(folder)}, http)
                return await measure(bench, lambda index: numbers[index % len(numbers)])


def _postmaster_of(folder: Path) -> int:
    """The database's first process, whose children are the others."""
    return int(next(folder.rglob("postmaster.pid")).read_text().splitlines()[0])


@click.command()
@click.option("--record", "note", default="", help="Add the run to the history; in one sentence what it is of.")
@click.option("--accept", "why", default="", help="Add it although something became slower; why that is right.")
def main(note: str, why: str) -> None:
    """Measure, print the table, and add the run to the history if asked to.

    Exit status 1 when something became slower by more than a tenth than is usual on this kind of machine.
    """
    with tempfile.TemporaryDirectory(prefix="merchant-bench-") as name:
        folder = Path(name)
        with postgres.start(folder / "postgres") as running:
            rows = asyncio.run(_main(folder, running.url()))
    rows += [*library_rows(), *compliance_rows()]
    sys.exit(conclude(rows, note, why))


def conclude(rows: list[Row], note: str, why: str = "", path: Path = history.HISTORY) -> int:
    """Show the table, add the run to the history if asked to; the exit status."""
    runs = history.read(path)
    slower = show(rows, history.usual_figures(runs, history.run_of(rows, note, history.this_machine())))
    if note and (why or not slower):
        history.record(rows, f"{note}; slower, because {why}" if slower else note, path)
        click.echo("recorded; `python -m tests.load.history` writes docs/benchmarks.md anew")
    elif note:
        click.echo('not recorded: something became slower; if that is right, say why: make bench RECORD="…" ACCEPT="…"')
    return 1 if slower and not why else 0


if __name__ == "__main__":
    main()
