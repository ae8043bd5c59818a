"""The service is killed twenty times while customers pay; in the end its books agree with the hub's ledger.

Every party is a process of its own: the service with its embedded PostgreSQL (durable, as in production), the hub,
and the shops here, which repeat each demand under its Idempotency-Key until it is answered.
"""

import asyncio
import os
import random
import signal
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from merchant.core import ids, money, postgres
from merchant.core.money import Money
from merchant.core.settings import Settings
from merchant.demo.hub import exchange_keys
from merchant.demo.simulator import SimulatorConfig, Timings
from merchant.programs.runtime import ready_service
from tests import builders
from tests.builders import SECRET_KEY
from tests.merchant.demo.simulator.conftest import free_port, new_journal
from tests.stories.programs import kill, start_hub, start_service

pytestmark = pytest.mark.slow

SEED = 20_261_122
KILLS = 20
# With these kills the database's first process is killed too: just before the service, and just after it.
DATABASE_BEFORE, DATABASE_AFTER = 6, 13
SHOPS = 5  # at a time; each asks anew soon after it was answered
PAYERS = ("254711000001", "254711000005", "254711000006", "254711000008")  # accept, twice, reorder, drop
OPEN = ("created", "sent", "awaiting_payer", "accepted", "in_doubt")
EXPIRES_IN_S = 300
PATIENCE_S = 60.0
# A patient hub, so that every payment can be made however slow this machine is.
TIMINGS = Timings(answer_wait_s=2, asks_max=100, transfer_expiry_s=120, resend_wait_max_s=1, resends_max=200)
Document = dict[str, Any]


class World:
    """The shops: what they asked and were answered, and how they read the books."""

    def __init__(self, settings: Settings, http: aiohttp.ClientSession, counter_id: str, headers: dict[str, str]):
        self.settings = settings
        self.http = http
        self.counter_id = counter_id
        self.headers = headers
        self.asked_minor: dict[str, int] = {}  # by Idempotency-Key, which is also the reference
        self.answered: dict[str, set[str]] = defaultdict(set)  # Idempotency-Key → ids of requests

    async def demand(self, key: str, payer: str) -> None:
        """Ask for money until the service answers."""
        body = {
            "counter_id": self.counter_id,
            "payer": {"type": "MSISDN", "id": payer},
            "reference": key,
            "amount": {"amount": money.format_decimal(Money(self.asked_minor[key], "USD")), "currency": "USD"},
            "expires_in_s": EXPIRES_IN_S,
        }
        url = f"{self.settings.base_url}/api/v1/payment-requests"
        headers = self.headers | {"idempotency-key": key}
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self.http.post(url, json=body, headers=headers) as response:
                    if response.status < 500:
                        assert response.status == 201, await response.text()
                        self.answered[key].add((await response.json())["id"])
                        return
            await asyncio.sleep(0.02)

    async def ask_all_day(self, chance: random.Random, closing: asyncio.Event) -> None:
        """One shop: a demand after the other, each of its own amount."""
        while not closing.is_set():
            key, payer = ids.secret_token()[:35], chance.choice(PAYERS)
            self.asked_minor[key] = 100 + len(self.asked_minor)
            await self.demand(key, payer)
            if chance.random() < 0.1:
                await self.demand(key, payer)
            await asyncio.sleep(chance.uniform(0.05, 0.25))

    async def answered_more(self, count: int) -> None:
        """Wait until so many more demands have been answered."""
        enough = len(self.answered) + count
        async with asyncio.timeout(PATIENCE_S):
            while len(self.answered) < enough:
                await asyncio.sleep(0.005)

    async def get(self, path: str) -> Any:
        """What the service answers."""
        async with self.http.get(self.settings.base_url + path, headers=self.headers) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def everything(self, path: str) -> list[Document]:
        """All items of a list of the service."""
        page = await self.get(f"{path}?limit=100")
        items: list[Document] = page["items"]
        while page["next_cursor"]:
            page = await self.get(f"{path}?limit=100&cursor={page['next_cursor']}")
            items += page["items"]
        return items

    async def ledger(self) -> list[Document]:
        """What the hub holds true."""
        async with self.http.get(f"{self.settings.hub_url}/ledger") as response:
            rows: list[Document] = await response.json()
            return rows

    async def is_over(self) -> bool:
        """Whether every request has ended."""
        for state in OPEN:
            if (await self.get(f"/api/v1/payment-requests?limit=1&state={state}"))["items"]:
                return False
        return True


@asynccontextmanager
async def running_world(folder: Path) -> AsyncIterator[World]:
    """A seeded data folder, a shop in it, and a hub that knows its DFSP; the service itself is not running."""
    settings = Settings(
        port=free_port(),
        data_dir=folder / "data",
        secret_key=SECRET_KEY,
        log_level="ERROR",
        hub_url=f"http://127.0.0.1:{free_port()}",
        settle_check_s=1,
        require_totp=False,
    )
    config = SimulatorConfig(service_url=settings.base_url, journal_path=new_journal(folder), timings=TIMINGS)
    hub = await start_hub(config, settings.hub_url, folder / "hub.log")
    try:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http:
            counter_id, headers = await seed(settings, http)
            yield World(settings, http, counter_id, headers)
    finally:
        kill(hub)


async def seed(settings: Settings, http: aiohttp.ClientSession) -> tuple[str, dict[str, str]]:
    """Fill the data folder; a counter and the header that may ask for money at it."""
    with postgres.start(settings.data_dir / "postgres") as database:
        async with ready_service(settings, database.url(), migrate=True) as service:
            await builders.seed_world(service)
            people = await builders.load_world(service)
            _, counters = await builders.create_merchant(service, people)
            admin = people[builders.DFSPS[0]]["admin"]
            headers = await builders.issue_key(service, admin, ["payments:request", "payments:read"])
            await exchange_keys(service, http, settings.hub_url)
    return str(counters[0].id), headers


def postmaster_of(settings: Settings) -> int:
    """The database's first process."""
    return int(next(settings.data_dir.rglob("postmaster.pid")).read_text().split()[0])


async def kill_again_and_again(world: World, chance: random.Random, log: Path) -> BaseProcess:
    """Start and kill the service, and start it a last time."""
    for number in range(KILLS):
        service = await start_service(world.settings, log)
        await world.answered_more(chance.randint(1, 5))
        await asyncio.sleep(chance.uniform(0, 0.3))
        postmaster = postmaster_of(world.settings)
        if number == DATABASE_BEFORE:
            os.kill(postmaster, signal.SIGKILL)
        kill(service)
        if number == DATABASE_AFTER:
            os.kill(postmaster, signal.SIGKILL)
    return await start_service(world.settings, log)


async def test_every_payment_agrees_with_the_ledger_after_twenty_kills(tmp_path: Path) -> None:
    closing = asyncio.Event()
    async with running_world(tmp_path) as world:
        shops = [asyncio.create_task(world.ask_all_day(random.Random(SEED + n), closing)) for n in range(SHOPS)]
        service = await kill_again_and_again(world, random.Random(SEED), tmp_path / "service.log")
        try:
            closing.set()
            await asyncio.gather(*shops)
            async with asyncio.timeout(PATIENCE_S):
                while not await world.is_over():
                    await asyncio.sleep(0.1)
            await compare(world)
        finally:
            kill(service)


async def compare(world: World) -> None:
    """Requests, payments, limits and messages against the ledger."""
    requests = await world.everything("/api/v1/payment-requests")
    payments = await world.everything("/api/v1/payments")
    ledger = await world.ledger()

    # Each key made one request, however often it was sent, and nothing else made any.
    assert {one["reference"]: {one["id"]} for one in requests} == world.answered
    assert {one["reference"]: minor(one["amount"]["amount"]) for one in requests} == world.asked_minor
    assert len(requests) == len(world.answered) > KILLS
    # Every customer paid, nobody twice.
    assert {one["state"] for one in requests} == {"paid"}
    assert {row["state"] for row in ledger} == {"COMMITTED"}
    moved = {(row["transaction_request_id"], row["transfer_id"], minor(row["amount"])) for row in ledger}
    assert len(moved) == len(ledger) == len(requests)
    assert moved == {
        (one["hub"]["transaction_request_id"], one["hub"]["transfer_id"], minor(one["amount"]["amount"]))
        for one in requests
    }
    # Every payment is a transfer of the ledger, none is missing.
    assert len(payments) == len(ledger)
    assert {(one["hub"]["transfer_id"], minor(one["amount"]["amount"])) for one in payments} == {
        (row["transfer_id"], minor(row["amount"])) for row in ledger
    }
    # The limits counted, and the merchant was told, each once.
    total = (sum(world.asked_minor.values()), len(ledger))
    usage, messages = await read_tables(world.settings)
    assert usage == {"day": total, "month": total}
    assert messages == len(ledger)


def minor(amount: str) -> int:
    """Cents of an amount's text."""
    return money.parse_decimal(amount, "USD").minor


async def read_tables(settings: Settings) -> tuple[dict[str, tuple[int, int]], int]:
    """What the limits have counted, in days and in months, and the number of text messages."""
    with postgres.start(settings.data_dir / "postgres") as database:
        connection = await asyncpg.connect(database.url())
        try:
            rows = await connection.fetch(
                "SELECT CASE length(period) WHEN 7 THEN 'month' ELSE 'day' END AS kind,"
                " sum(taken_minor) AS taken, sum(payments) AS payments FROM limit_usage GROUP BY 1"
            )
            messages = await connection.fetchval("SELECT count(*) FROM sms_message")
        finally:
            await connection.close()
    return {row["kind"]: (int(row["taken"]), int(row["payments"])) for row in rows}, messages
