"""Workers on machines whose clocks are wrong: payments take no longer, and nothing is done twice."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from merchant.core.service import Service
from tests.stories.conftest import ROUTES, open_town
from tests.stories.programs import kill, start_worker, worker_variables
from tests.stories.town import Town

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ACCEPT = "254711000001"
PAYMENTS = 4
# A payment takes a tenth of a second; one that waits for a clock took more than ten seconds.
LONGEST_S = 5.0
_FAKETIME = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")


@pytest.fixture
async def town(database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """A town in which the service's clock is right and the workers are processes of their own."""
    async with open_town(database_url, tmp_path, ROUTES) as opened:
        yield opened


@contextmanager
def skewed(town: Town, database_url: str, tmp_path: Path, seconds: tuple[int, ...]) -> Iterator[None]:
    """Workers whose clocks are ahead by so many seconds."""
    log, settings = tmp_path / "worker.log", town.service.settings
    processes = [start_worker(settings, database_url, log, timedelta(seconds=ahead)) for ahead in seconds]
    try:
        yield
    finally:
        for process in processes:
            kill(process)


async def pay_in_time(town: Town) -> None:
    """Payments one after another; each is paid as soon as with right clocks, and asked for once."""
    await town.ends(await town.ask(ACCEPT), "paid")  # by now a worker has started
    await town.service.db.read_clock()
    for _ in range(PAYMENTS):
        begun_s = time.monotonic()
        await town.ends(await town.ask(ACCEPT), "paid")
        assert time.monotonic() - begun_s < LONGEST_S
    await town.books_agree()
    assert await asked_twice(town.service) == 0
    assert await calls(town.service) == {"parties": PAYMENTS + 1, "transfers": PAYMENTS + 1}


async def calls(service: Service) -> dict[str, int]:
    """How often the hub answered a look-up, and how many transfers it prepared and ended."""
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(
            "SELECT resource, sum(times) AS times FROM inbox"
            " WHERE resource = 'parties' OR (resource = 'transfers' AND method = 'POST') GROUP BY resource"
        )
    return {row["resource"]: int(row["times"]) for row in rows}


async def asked_twice(service: Service) -> int:
    """Requests that were sent, quoted or paid more than once."""
    async with service.db.system_reads() as tx:
        found: int = await tx.fetchval(
            "SELECT count(*) FROM (SELECT FROM payment_event GROUP BY request_id, state HAVING count(*) > 1) AS twice"
        )
        return found


@pytest.mark.parametrize("ahead", [(-20,), (20,), (-20, 15, 0)], ids=["behind", "ahead", "three that differ"])
async def test_payments_take_no_longer_and_nothing_is_done_twice(
    town: Town, database_url: str, tmp_path: Path, ahead: tuple[int, ...]
) -> None:
    with skewed(town, database_url, tmp_path, ahead):
        await pay_in_time(town)


async def test_a_request_expires_by_the_databases_clock(town: Town, database_url: str, tmp_path: Path) -> None:
    with skewed(town, database_url, tmp_path, (20,)):
        await town.ends(await town.ask(ACCEPT), "paid")
        asked = await town.ask("254711000003", expires_in_s=4)  # never answers
        await asyncio.sleep(1)  # to show that a worker 20 s ahead leaves it open
        assert (await town.request(asked))["state"] in ("sent", "awaiting_payer")
    with skewed(town, database_url, tmp_path, (-20,)):
        await town.ends(asked, "expired")


@pytest.mark.skipif(not _FAKETIME.exists(), reason="libfaketime is not installed")
async def test_a_machine_whose_clock_is_wrong_altogether(town: Town, database_url: str, tmp_path: Path) -> None:
    environ = os.environ | worker_variables(town.service.settings, database_url)
    environ |= {"LD_PRELOAD": str(_FAKETIME), "FAKETIME": "-20s"}
    command = [sys.executable, "-m", "merchant", "worker"]
    with (tmp_path / "worker.log").open("wb") as log, subprocess.Popen(command, env=environ, stderr=log) as worker:
        try:
            await pay_in_time(town)
        finally:
            worker.terminate()
