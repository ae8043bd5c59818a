"""The service in a storm: 2,000 payments over a network that loses, doubles, delays, refuses and breaks messages, both
ways, to payers of every behaviour, while the service, its worker and its database are killed now and then.

When it is over and the timers have had their time, the books agree with the hub's ledger. Every party is a process of
its own; MERCHANT_TEST_STORM_SEED repeats a storm's choices, though not its timing.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
import pytest

from merchant.core import ids, postgres
from merchant.core.settings import Settings
from merchant.demo.hub import exchange_keys
from merchant.demo.simulator import SimulatorConfig, Timings
from merchant.programs.runtime import ready_service
from tests import builders
from tests.builders import SECRET_KEY
from tests.merchant.demo.simulator.conftest import free_port, new_journal
from tests.stories.programs import kill, start_hub, start_service, start_worker
from tests.stories.storm_books import Books, read_books
from tests.storms import Storm, storm_before

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("MERCHANT_TEST_STORM_SEED") or random.SystemRandom().randrange(2**32))
PAYMENTS = int(os.environ.get("MERCHANT_TEST_STORM_PAYMENTS", "2000"))
CUSTOMERS = 14  # at a time, each of whom does something every half second
SHARES = (32, 30, 30, 8)  # of the shops below in the trade
KILLS = {"service": 4, "worker": 4, "database": 2}
EXPIRES_IN_S = 40
STORM_S = 240.0
PATIENCE_S = 150.0
QUIET_S = 4.0  # longer than the simulated parties wait before they send something again
TIMINGS = Timings(
    answer_wait_s=2, asks_max=15, transfer_expiry_s=20, resend_wait_s=0.2, resend_wait_max_s=1, resends_max=100
)
# The last digit of a payer's number says how they behave: 1 pays, 2 says no, 3 nothing, 4 pays too late, 5 says all
# twice, 6 in the wrong order, 7 pays another amount, of 8 the hub's last word is lost, 9 is unknown.
BEHAVIOURS = {1: 50, 2: 5, 3: 5, 4: 3, 5: 12, 6: 12, 7: 4, 8: 12, 9: 4}
HELD_PHONES = tuple(f"25470000000{digit}" for digit in range(4))  # whose owners are asked, and answer as they like
_OPEN = "SELECT count(*) FROM payment_request WHERE state NOT IN ('paid', 'rejected', 'expired', 'failed', 'cancelled')"
_UNDER_WAY = "SELECT count(*) FROM transfer WHERE state = 'RESERVED'"
_LEFT = "SELECT topic, attempts, last_error, dead_at FROM outbox"


class Shop(msgspec.Struct, frozen=True):
    """A counter that asks for money, and the key it asks with."""

    counter_id: str
    alias: str
    currency: str
    headers: dict[str, str]


class Trade:
    """Shops that ask for money and customers who scan: what they asked and were answered."""

    def __init__(self, settings: Settings, http: aiohttp.ClientSession, shops: list[Shop], chance: random.Random):
        self.settings, self.http, self.shops, self.chance = settings, http, shops, chance
        self.begun = self.made = 0
        self.answered: dict[str, str] = {}  # Idempotency-Key, which is also the reference → request
        self.refused = 0

    async def until_made(self, count: int) -> None:
        """Wait until so many payments were begun."""
        while self.made < count:
            await asyncio.sleep(0.02)

    async def go_on(self) -> None:
        """One customer after another."""
        while self.begun < PAYMENTS:
            self.begun += 1
            await self.one()
            self.made += 1
            await asyncio.sleep(self.chance.uniform(0.2, 0.8))

    async def one(self) -> None:
        """A demand, a demand as a code that somebody scans, or a shopper who pays of their own accord."""
        [shop] = self.chance.choices(self.shops, SHARES)
        amount = f"{self.chance.randrange(100, 900) / 100:.2f}"
        kind = self.chance.choices(("demand", "code", "alias"), (75, 15, 10))[0]
        if kind == "alias":
            await self.scan({"alias": shop.alias, "amount": amount, "currency": shop.currency})
            return
        request = await self.demand(shop, amount, self.payer() if kind == "demand" else None)
        if request is None:
            return
        if kind == "code":
            for _ in range(self.chance.choice((1, 1, 1, 2))):  # two at once may try to pay it
                await self.scan({"qr_payload": request["qr_payload"]})
        if self.chance.random() < 0.04:
            await asyncio.sleep(self.chance.uniform(0, 2))
            await self.post(f"/api/v1/payment-requests/{request['id']}/cancel", None, shop.headers, {200, 409})

    def payer(self) -> str:
        """A customer's number."""
        if self.chance.random() < 0.05:
            return self.chance.choice(HELD_PHONES)
        behaviour = self.chance.choices(list(BEHAVIOURS), list(BEHAVIOURS.values()))[0]
        return f"2547{self.chance.randrange(10**7):07}{behaviour}"

    async def demand(self, shop: Shop, amount: str, payer: str | None) -> dict[str, Any] | None:
        """Ask for money until the service answers; None when the limit is used up."""
        key = ids.secret_token()[:35]
        body: dict[str, Any] = {
            "counter_id": shop.counter_id,
            "reference": key,
            "amount": {"amount": amount, "currency": shop.currency},
            "expires_in_s": EXPIRES_IN_S,
        }
        if payer is not None:
            body["payer"] = {"type": "MSISDN", "id": payer}
        headers = shop.headers | {"idempotency-key": key}
        for _ in range(self.chance.choice((1, 1, 1, 2))):  # the shop may ask twice
            status, answer = await self.post("/api/v1/payment-requests", body, headers, {201, 422})
            if status == 422:
                assert "over_limit" in str(answer), answer
                self.refused += 1
                return None
            assert self.answered.setdefault(key, answer["id"]) == answer["id"]
        return answer

    async def post(self, path: str, body: Any, headers: dict[str, str], wanted: set[int]) -> tuple[int, dict[str, Any]]:
        """Ask the service until it answers."""
        while True:
            with suppress(aiohttp.ClientError, TimeoutError):
                async with self.http.post(self.settings.base_url + path, json=body, headers=headers) as response:
                    if response.status < 500:
                        assert response.status in wanted, await response.text()
                        return response.status, await response.json()
            await asyncio.sleep(0.05)

    async def scan(self, purchase: dict[str, Any]) -> None:
        """A shopper pays of their own accord."""
        async with self.http.post(f"{self.settings.hub_url}/shoppers/{self.payer()}/pay", json=purchase) as response:
            assert response.status == 202, await response.text()

    async def hold_phones(self) -> None:
        """Whoever holds a phone says yes, no or nothing."""
        for phone in HELD_PHONES:
            url = f"{self.settings.hub_url}/control/payers/{phone}"
            (await self.http.put(url, json={"behaviour": "ask"})).raise_for_status()
        while True:
            await asyncio.sleep(0.5)
            for phone in HELD_PHONES:
                url = f"{self.settings.hub_url}/shoppers/{phone}"
                items = (await (await self.http.get(f"{url}/inbox")).json())["items"]
                for item in (one for one in items if one.get("waits") and self.chance.random() < 0.3):
                    said = {
                        "transaction_request_id": item["transaction_request_id"],
                        "accept": self.chance.random() < 0.7,
                    }
                    await self.http.post(f"{url}/answer", json=said)  # it may have expired meanwhile

    async def ledger(self) -> list[dict[str, Any]]:
        """What the hub holds true."""
        async with self.http.get(f"{self.settings.hub_url}/ledger") as response:
            return list(await response.json())


class Programs:
    """The service, a worker beside it and their database, each of which may be killed."""

    def __init__(self, settings: Settings, database: postgres.Running, folder: Path) -> None:
        self.settings, self.database, self.folder = settings, database, folder
        self.running: dict[str, BaseProcess] = {}
        self.ended: Counter[str] = Counter()

    async def start(self, name: str) -> None:
        """Start the service or the worker."""
        log, url = self.folder / f"{name}.log", self.database.url()
        if name == "worker":
            self.running[name] = start_worker(self.settings, url, log)
            return
        while name not in self.running:
            with suppress(AssertionError):  # it ended at once
                self.running[name] = await start_service(self.settings, log, url)

    async def kill(self, name: str, chance: random.Random) -> None:
        """Kill one, and start it again; the database's keeper does that itself."""
        if name == "database":
            postmaster = next(self.folder.rglob("postmaster.pid")).read_text().split()[0]
            os.kill(int(postmaster), signal.SIGKILL)
            return
        if name not in self.running:
            return  # it is being started
        kill(self.running.pop(name))
        await asyncio.sleep(chance.uniform(0, 1))
        await self.start(name)

    async def supervise(self) -> None:
        """Start again what has ended by itself: a program whose database goes away as it starts gives up."""
        while True:
            await asyncio.sleep(0.2)
            for name, process in list(self.running.items()):
                if not process.is_alive() and self.running.get(name) is process:
                    del self.running[name]
                    self.ended[name] += 1
                    await self.start(name)

    def stop(self) -> None:
        """End what runs."""
        for process in self.running.values():
            kill(process)


@asynccontextmanager
async def stormy_world(folder: Path, chance: random.Random) -> AsyncIterator[tuple[Trade, Programs, list[Storm]]]:
    """Everyone at their place: shops, hub, service and worker, and a storm in either direction."""
    hub_port, port = free_port(), free_port()
    database = await asyncio.to_thread(postgres.start, folder / "postgres", settings={"max_connections": "120"})
    async with (
        storm_before(hub_port, chance) as out,
        storm_before(port, chance) as into,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http,
    ):
        settings = Settings(
            port=port,
            data_dir=folder / "data",
            secret_key=SECRET_KEY,
            log_level="WARNING",
            hub_url=out.url,
            public_url=into.url,
            settle_check_s=1,
            require_totp=False,
        )
        config = SimulatorConfig(service_url=into.url, journal_path=new_journal(folder), timings=TIMINGS)
        hub_url = f"http://127.0.0.1:{hub_port}"
        hub = await start_hub(config, hub_url, folder / "hub.log")
        programs = Programs(msgspec.structs.replace(settings, public_url=""), database, folder)
        try:
            shops = await seed(settings, database.url(), http, hub_url)
            around = msgspec.structs.replace(settings, public_url="", hub_url=hub_url)
            yield Trade(around, http, shops, chance), programs, [out, into]
        finally:
            programs.stop()
            kill(hub)
            await asyncio.to_thread(database.stop)


async def seed(settings: Settings, database_url: str, http: aiohttp.ClientSession, hub_url: str) -> list[Shop]:
    """Shops of two DFSPs, of which one is a stall that soon reaches its limits."""
    shops = []
    async with ready_service(settings, database_url, migrate=True) as service:
        await builders.seed_world(service)
        people = await builders.load_world(service)
        for fsp_id, document, currency in (
            (builders.DFSPS[0], None, "USD"),
            (builders.DFSPS[0], None, "KES"),
            (builders.DFSPS[1], None, "USD"),
            (builders.DFSPS[1], builders.seller(), "KES"),
        ):
            _, [counter] = await builders.create_merchant(service, people, fsp_id, document)
            admin = people[fsp_id]["admin"]
            headers = await builders.issue_key(service, admin, ["payments:request", "payments:read"])
            shops.append(Shop(str(counter.id), counter.alias, currency, headers))
        await exchange_keys(service, http, hub_url)
    return shops


async def kill_now_and_then(trade: Trade, programs: Programs, chance: random.Random) -> None:
    """Kill each as often as it is to be killed, at moments of the first nine tenths."""
    victims = [name for name, count in KILLS.items() for _ in range(count)]
    chance.shuffle(victims)
    moments = sorted(chance.sample(range(PAYMENTS // 20, PAYMENTS * 9 // 10), len(victims)))
    for moment, victim in zip(moments, victims, strict=True):
        await trade.until_made(moment)
        await programs.kill(victim, chance)


async def has_calmed(trade: Trade, connection: asyncpg.Connection) -> None:
    """Wait until nothing is open, nothing waits to be done, and nothing more happens."""
    before: Any = None
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                open_ones = [await connection.fetchval(one) for one in (_OPEN, _UNDER_WAY)]
                seen = (await trade.ledger(), open_ones, await connection.fetch(_LEFT))
                if seen == before and not any(open_ones) and not seen[2]:
                    return
                before = seen
                await asyncio.sleep(QUIET_S)
    except TimeoutError:
        left = [dict(row) for row in await connection.fetch(_LEFT)]
        stuck = await connection.fetch("SELECT state, count(*) FROM payment_request GROUP BY 1")
        raise AssertionError(f"it does not end: {dict(map(tuple, stuck))}, {left}") from None


async def test_the_books_agree_with_the_ledger_after_a_storm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print(f"MERCHANT_TEST_STORM_SEED={SEED}")  # noqa: T201 - shown when it fails
    chance = random.Random(SEED)
    async with stormy_world(tmp_path, chance) as (trade, programs, storms):
        await programs.start("service")
        await programs.start("worker")
        begun_s = time.monotonic()
        beside = [asyncio.create_task(each) for each in (trade.hold_phones(), programs.supervise())]
        async with asyncio.timeout(STORM_S), asyncio.TaskGroup() as storm:
            storm.create_task(kill_now_and_then(trade, programs, random.Random(SEED + 1)))
            for _ in range(CUSTOMERS):
                storm.create_task(trade.go_on())
        for each in storms:
            each.calm()
        calm_s = time.monotonic()
        connection = await asyncpg.connect(programs.database.url())
        try:
            await has_calmed(trade, connection)
            books = await read_books(connection, await trade.ledger())
        finally:
            await connection.close()
            for task in beside:
                task.cancel()
    with capsys.disabled():
        print(f"\n{calm_s - begun_s:.0f} s of storm, {time.monotonic() - calm_s:.0f} s until it was over")  # noqa: T201
        tell(trade, programs, storms, books)
    # Each key made one request, however often it was sent, and nothing else made any.
    assert {row["reference"]: str(row["id"]) for row in books.requests.values()} == trade.answered
    books.compare()
    # It was one.
    assert all(each.fates[fate] > PAYMENTS // 200 for each in storms for fate in ("lost", "answer_lost", "doubled"))
    assert len(books.tables["payments"]) > PAYMENTS // 3


def tell(trade: Trade, programs: Programs, storms: list[Storm], books: Books) -> None:
    """What it was like."""
    states = dict(Counter(row["state"] for row in books.requests.values()))
    print(f"{states}, {trade.refused} refused, {len(books.tables['payments'])} payments, ended: {programs.ended}")  # noqa: T201
    for way, storm in zip(("out", "in"), storms, strict=True):
        print(way, dict(storm.fates))  # noqa: T201
