"""USSD in `make bench`: what a step costs, whether that stays so, how long steps take at 300 a second; two kits beside.

The kits for Node keep their sessions in memory, so they show what durability costs. They are measured where NODE_PATH
names a folder of packages that holds them.
"""

import asyncio
import contextlib
import os
import shutil
import socket
import statistics
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import aiohttp

from merchant.channels.ussd.door import gateway_key
from merchant.core.service import Service
from tests.load.meter import ROUNDS, cpu_s, family
from tests.load.table import Row

PEERS = ("ussd-menu-builder", "ussd-builder")
SMALL, LARGE = 1_000, 1_000_000  # stored sessions
PER_S, PACED_S, PACED_ROUNDS = 300, 10, 3
_DIALOGUES, _AT_ONCE = 60, 16
_FORM = {"content-type": "application/x-www-form-urlencoded"}
# Of other phones, and as large as those of a payment.
_FILL = """
INSERT INTO ussd_session (gateway, session_id, msisdn_digest, state, expires_at, touched_at)
SELECT 'africastalking', 'old-' || n, sha256(n::text::bytea), decode(repeat(md5(n::text), 24), 'hex'),
       now() - interval '1 hour', now() - interval '1 hour' - n * interval '50 ms'
FROM generate_series($1::int, $2::int) n
"""
CostMs = Callable[[int, Callable[[int], Awaitable[None]]], Awaitable[float]]


class Phones:
    """Phones in dialogues of four steps: dial, pay, a shop's number, an amount."""

    def __init__(self, url: str, alias: str, http: aiohttp.ClientSession) -> None:
        self._url, self._http = url, http
        self._texts = ("", "1", f"1*{alias}", f"1*{alias}*5")
        self._begun = 0
        self.apologies = 0  # instead of screens, since the machine or the database was too slow

    async def step(self, phone: int, number: int) -> None:
        """One step of a phone's dialogue."""
        form = {
            "sessionId": f"bench-{phone}-{os.getpid()}",
            "serviceCode": "*384*123#",
            "networkCode": "63902",
            "phoneNumber": f"+25473{phone:07}",
            "text": self._texts[number],
        }
        async with self._http.post(self._url, data=urlencode(form), headers=_FORM) as response:
            body = await response.read()
            if response.status != 200:
                raise RuntimeError(f"{response.status} {body[:100]!r}")
            self.apologies += not body.startswith(b"CON ")

    async def dialogue(self, _index: int = 0) -> None:
        """All four steps of a phone that did not call before."""
        self._begun += 1
        phone = self._begun
        for number in range(len(self._texts)):
            await self.step(phone, number)

    async def paced(self) -> list[float]:
        """How many milliseconds each step took that began on time, PER_S of them a second."""
        begun, took, tasks = time.monotonic(), [], []
        phones = PER_S  # each takes its next step a second after the one before
        first = self._begun
        self._begun += phones * PACED_S

        async def timed(phone: int, number: int, due_s: float) -> None:
            await self.step(phone, number)
            took.append((time.monotonic() - due_s) * 1000)

        for index in range(PER_S * PACED_S):
            due_s = begun + index / PER_S
            await asyncio.sleep(due_s - time.monotonic())
            turn, line = divmod(index, phones)
            phone = first + line + turn // 4 * phones + 1
            tasks.append(asyncio.create_task(timed(phone, turn % 4, due_s)))
        await asyncio.gather(*tasks)
        return sorted(took)


async def ussd_rows(base_url: str, service: Service, alias: str, cost_ms: CostMs) -> list[Row]:
    """All rows about USSD."""
    url = f"{base_url}/ussd/africastalking/{gateway_key(service, 'africastalking')}"
    # Connections end here before the server ends them, which it does while the table is filled.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=5)) as http:
        phones = Phones(url, alias, http)
        await _fill(service, 1, SMALL)
        few = await cost_ms(_DIALOGUES, phones.dialogue) / 4
        rows = [Row("one USSD step with a durable session", few, "ms", 0.8)]
        rows += [await _peer_row(name, alias, few) for name in PEERS]
        slowest = [took[int(len(took) * 0.99)] for took in [await phones.paced() for _ in range(PACED_ROUNDS)]]
        rows.append(Row(f"99 of 100 USSD steps at {PER_S} a second, within", statistics.median(slowest), "ms", 100))
        await _fill(service, SMALL + 1, LARGE)
        many = await cost_ms(_DIALOGUES, phones.dialogue) / 4
        rows.append(Row(f"one USSD step among {LARGE:,} stored sessions, ratio", many / few, "times", 1.2))
        if phones.apologies:
            rows.append(Row("USSD steps that were answered by an apology", phones.apologies, "", 0))
        return rows


async def _fill(service: Service, first: int, last: int) -> None:
    for start in range(first, last + 1, 50_000):
        async with service.db.system(longest_s=60) as tx:
            await tx.execute(_FILL, start, min(start + 49_999, last))


async def _peer_row(name: str, alias: str, ours_ms: float) -> Row:
    node = shutil.which("node")
    if node is None or not _is_installed(node, name):
        return Row(f"  {name}, in memory", None, "ms", note="is not in NODE_PATH", is_peer=True)
    async with _peer(node, name) as (url, pid), aiohttp.ClientSession() as http:
        phones = Phones(url, alias, http)
        costs = []
        for round_number in range(ROUNDS + 1):
            slots = asyncio.Semaphore(_AT_ONCE)

            async def one(slots: asyncio.Semaphore = slots) -> None:
                async with slots:
                    await phones.dialogue()

            before = cpu_s(family(pid))
            await asyncio.gather(*(one() for _ in range(_DIALOGUES * 5)))
            if round_number:
                costs.append((cpu_s(family(pid)) - before) / (_DIALOGUES * 5) / 4 * 1000)
    theirs = statistics.median(costs)
    return Row(f"  {name}, in memory", theirs, "ms", note=f"ours costs {ours_ms / theirs:.1f} times", is_peer=True)


def _is_installed(node: str, name: str) -> bool:
    return subprocess.run([node, "-e", f"require({name!r})"], capture_output=True, check=False).returncode == 0


@asynccontextmanager
async def _peer(node: str, name: str) -> AsyncIterator[tuple[str, int]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen([node, str(Path(__file__).with_name("ussd_peers.cjs")), name, str(port)])
    try:
        async with asyncio.timeout(30):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                    writer.close()
                    break
                await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}/", process.pid
    finally:
        process.terminate()
        process.wait(10)
