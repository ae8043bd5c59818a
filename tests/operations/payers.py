"""Customers who are asked for money while something happens to the installation, and the books afterwards.

Every demand is repeated under its Idempotency-Key until it is answered, as a till's program does. What is compared is
what the hub's ledger says: money that moved there and is not a payment here is lost, a payment that stands twice or did
not move is doubled.
"""

import asyncio
import random
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import aiohttp
import asyncpg

from merchant.core import ids
from tests.operations.installation import Seeded
from tests.operations.report import Report
from tests.stories.storm_books import Books, read_books

# The last digit of a payer's number says how they behave: 1 pays, 5 says all twice, 6 in the wrong order, of 8 the
# hub's last word is lost and must be asked for.
BEHAVIOURS = "1111115568"
EXPIRES_IN_S = 60
PATIENCE_S = 180.0
_OPEN = "SELECT count(*) FROM payment_request WHERE state NOT IN ('paid', 'rejected', 'expired', 'failed', 'cancelled')"
_UNDER_WAY = "SELECT count(*) FROM transfer WHERE state = 'RESERVED'"
_JOBS = "SELECT count(*) FROM outbox WHERE dead_at IS NULL"
_DEAD = "SELECT topic || ': ' || last_error FROM outbox WHERE dead_at IS NOT NULL"
_PAID_AFTER = "SELECT min(paid_at) FROM payment_request WHERE paid_at > $1"


class Payers:
    """Demands at a steady rate, each begun on time whatever became of those before."""

    def __init__(self, url: str, hub_url: str, shop: Seeded, per_s: float) -> None:
        self.url, self.hub_url, self.shop, self.per_s = url, hub_url, shop, per_s
        self.answered: dict[str, str] = {}  # Idempotency-Key, which is also the reference → request
        self.refused: Counter[str] = Counter()  # what was answered in place of 201, and then repeated
        self.answered_at: list[datetime] = []
        self.chance = random.Random(20_261_130)
        self._stopping = asyncio.Event()
        self._asking: set[asyncio.Task[None]] = set()
        self._pace: asyncio.Task[None] | None = None
        self.http: aiohttp.ClientSession

    async def __aenter__(self) -> "Payers":
        self.http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        self._pace = asyncio.create_task(self._go_on())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self.http.close()

    async def stop(self) -> None:
        """No more demands; those that were begun are answered."""
        self._stopping.set()
        if self._pace is not None:
            await self._pace
            self._pace = None
        if self._asking:
            await asyncio.wait(self._asking, timeout=PATIENCE_S)

    async def answered_more(self, count: int) -> None:
        """Wait until so many more demands have been answered."""
        enough = len(self.answered) + count
        async with asyncio.timeout(PATIENCE_S):
            while len(self.answered) < enough:
                await asyncio.sleep(0.02)

    async def _go_on(self) -> None:
        began_s, number = time.monotonic(), 0
        while not self._stopping.is_set():
            number += 1
            task = asyncio.create_task(self.demand())
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
            await asyncio.sleep(max(0.0, began_s + number / self.per_s - time.monotonic()))

    async def demand(self, payer: str = "") -> str:
        """One demand, repeated until it is answered; the id of the request."""
        key = ids.secret_token()[:35]
        payer = payer or f"2547{self.chance.randrange(10**7):07}{self.chance.choice(BEHAVIOURS)}"
        body = {
            "counter_id": self.shop.counter_id,
            "reference": key,
            "payer": {"type": "MSISDN", "id": payer},
            "amount": {"amount": f"{self.chance.randrange(100, 300) / 100:.2f}", "currency": "USD"},
            "expires_in_s": EXPIRES_IN_S,
        }
        headers = self.shop.headers | {"idempotency-key": key}
        while True:
            try:
                async with self.http.post(
                    f"{self.url}/api/v1/payment-requests", json=body, headers=headers
                ) as response:
                    text = await response.text()
                    if response.status == 201:
                        self.answered[key] = (await response.json())["id"]
                        self.answered_at.append(datetime.now(UTC))
                        return self.answered[key]
                    if response.status < 500 and response.status != 429:
                        raise AssertionError(f"{response.status} {text[:300]}")
                    self.refused[str(response.status)] += 1
            except (aiohttp.ClientError, TimeoutError) as error:
                self.refused[type(error).__name__] += 1
            await asyncio.sleep(0.2)

    async def ledger(self) -> list[dict[str, Any]]:
        """What the hub holds true."""
        async with self.http.get(f"{self.hub_url}/ledger") as response:
            return list(await response.json())


async def connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    """A connection of the operator's own."""
    return await asyncpg.connect(url, statement_cache_size=0)


async def has_calmed(payers: Payers, url: str) -> float:
    """Wait until nothing is open or to be done and the ledger stands still; how many seconds that took.

    Raises SystemExit where it does not end.
    """
    began_s, before = time.monotonic(), None
    found: list[Any] = []
    while time.monotonic() - began_s < PATIENCE_S:
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection = await connect(url)
            try:
                found = [await connection.fetchval(one) for one in (_OPEN, _UNDER_WAY, _JOBS)]
                found.append([row[0] for row in await connection.fetch(_DEAD)])
            finally:
                await connection.close()
            seen = (found, await payers.ledger())
            if seen == before and not any(found):
                return time.monotonic() - began_s
            before = seen
        await asyncio.sleep(3)
    raise SystemExit(f"it does not end: requests open, transfers under way, jobs, dead jobs: {found}")


async def paid_after(url: str, moment: datetime) -> datetime | None:
    """When the first payment after a moment came."""
    connection = await connect(url)
    try:
        value: datetime | None = await connection.fetchval(_PAID_AFTER, moment)
    finally:
        await connection.close()
    return value


async def read(payers: Payers, url: str) -> Books:
    """All tables that tell of money, and the ledger."""
    connection = await connect(url)
    try:
        return await read_books(connection, await payers.ledger())
    finally:
        await connection.close()


def lost_and_doubled(books: Books) -> tuple[list[str], list[str]]:
    """Transfers that the hub committed and we have no payment of; payments that stand twice or did not move there."""
    committed = {key for key, row in books.ledger.items() if row["state"] == "COMMITTED"}
    ours = Counter(row["transfer_id"] for row in books.tables["payments"])
    return sorted(committed - ours.keys()), sorted(key for key, n in ours.items() if n > 1 or key not in committed)


def tell_books(report: Report, payers: Payers, books: Books, *, from_today: bool = True) -> None:
    """Hold the books against the ledger, promise by promise. Unless all was written by today's code, what earlier
    releases did not keep with a message (its amount, or the announcement itself) is not asked for.
    """
    lost, doubled = lost_and_doubled(books)
    report.figure("payments", len(books.tables["payments"]))
    report.promise("payments lost", len(lost), kept=not lost)
    report.promise("payments doubled", len(doubled), kept=not doubled)
    known = {row["reference"]: str(row["id"]) for row in books.requests.values()}
    wrong = {key for key in payers.answered.keys() | known.keys() if payers.answered.get(key) != known.get(key)}
    report.promise("acknowledged requests that are missing or double", len(wrong), kept=not wrong)
    report.check("requests and their ledger entries", books.no_money_is_lost_or_doubled)
    report.check("what requests say", books.requests_say_what_became_of_their_money)
    report.check("histories", books.histories_are_whole)
    report.check("limits", books.limits_are_exact)
    if from_today:
        report.check("messages, each once", books.everyone_was_told_once)
        return
    texts, payments = len(books.tables["texts"]), len(books.tables["payments"])
    report.promise("text messages, one a payment", f"{texts}", kept=texts == payments)
    told = Counter(row["request_id"] for row in books.tables["announced"] if row["event_type"].endswith(".paid"))
    report.promise(
        "payments announced twice", sum(n > 1 for n in told.values()), kept=max(told.values(), default=0) < 2
    )
