"""/health/ready: 503 says what is wrong, and every reason for it is made to happen."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from msgspec.structs import replace

from merchant.core import heartbeat, outbox
from merchant.core.db import Database
from merchant.core.service import Service
from merchant.programs import health
from merchant.programs.worker import Worker
from tests.builders import World
from tests.faults import proxy_to

pytestmark = pytest.mark.anyio
Move = Callable[[timedelta], datetime]


@pytest.fixture(autouse=True)
def _always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "KEPT_S", 0.0)


@pytest.fixture
async def beating(service: Service, world: World) -> None:
    """A worker was seen a moment ago, and the list is of today."""
    await heartbeat.beat(service.db, heartbeat.new_worker_id())


async def faults(client: httpx.AsyncClient, status: int = 503) -> dict[str, str]:
    """What is not right, by name; the answer's status is checked."""
    answer = await client.get("/health/ready")
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == ("ready" if status == 200 else "not_ready")
    return {one["name"]: one["detail"] for one in answer.json()["checks"] if one["status"] == "failed"}


async def warnings(client: httpx.AsyncClient) -> dict[str, str]:
    checks = (await client.get("/health/ready")).json()["checks"]
    return {one["name"]: one["detail"] for one in checks if one["status"] == "warning"}


async def test_a_service_with_a_worker_and_nothing_overdue_is_ready(client: httpx.AsyncClient, beating: None) -> None:
    assert await faults(client, 200) == {}
    assert (await client.get("/health/live")).json() == {"status": "live"}


async def test_without_a_worker_it_is_not_ready(client: httpx.AsyncClient, service: Service, world: World) -> None:
    assert "merchant worker" in (await faults(client))["worker"]
    async with Worker(service).running():
        assert await faults(client, 200) == {}  # as soon as one runs
    assert list(await faults(client)) == ["worker"]  # as soon as it has stopped in order


async def test_a_worker_that_was_killed_is_missed_within_half_a_minute(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Move
) -> None:
    await heartbeat.beat(service.db, heartbeat.new_worker_id())
    move_clock(timedelta(seconds=29))
    assert await faults(client, 200) == {}
    move_clock(timedelta(seconds=2))
    assert list(await faults(client)) == ["worker"]
    await heartbeat.beat(service.db, heartbeat.new_worker_id())  # another takes over
    assert await faults(client, 200) == {}


async def test_a_job_that_nobody_takes_up_makes_it_not_ready(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Move
) -> None:
    async with service.db.system() as tx:
        await outbox.add(tx, "hub.send", 0, delay=timedelta(seconds=30))
    move_clock(timedelta(seconds=80))
    await heartbeat.beat(service.db, heartbeat.new_worker_id())
    assert await faults(client, 200) == {}
    move_clock(timedelta(seconds=11))
    await heartbeat.beat(service.db, heartbeat.new_worker_id())
    assert "due for 61 s" in (await faults(client))["jobs"]


async def test_an_endpoint_of_one_dfsp_that_fails_does_not_make_it_not_ready(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Move
) -> None:
    async with service.db.system() as tx:
        await outbox.add(tx, "notify.webhook", 0, order_key="webhook:1")
        await outbox.add(tx, "hub.send", 0)
        await tx.execute("UPDATE outbox SET dead_at = now() WHERE topic = 'hub.send'")  # dead, so nobody's to do
    move_clock(timedelta(hours=2))
    await heartbeat.beat(service.db, heartbeat.new_worker_id())
    assert await faults(client, 200) == {}


async def test_before_the_first_set_up_it_says_so_and_nothing_else(
    client: httpx.AsyncClient, service: Service, beating: None
) -> None:
    async with service.db.system() as tx:
        await tx.execute("DELETE FROM scheme")
    assert list(await faults(client)) == ["scheme"]


async def test_a_schema_older_than_the_program_is_told(
    client: httpx.AsyncClient, beating: None, database_url: str
) -> None:
    owner = await asyncpg.connect(database_url)
    await owner.execute("ALTER TABLE worker_heartbeat RENAME TO something")
    await owner.close()
    assert "merchant migrate" in (await faults(client))["schema"]


async def test_a_list_that_is_missing_is_a_fault_and_an_old_one_a_warning(
    client: httpx.AsyncClient, service: Service, beating: None, tmp_path: Path, move_clock: Move
) -> None:
    path = tmp_path / "list.xml"
    service.settings = replace(service.settings, screening_list=path)
    assert "MERCHANT_SCREENING_LIST" in (await faults(client))["lists"]
    for broken in (b"", b"<html></html>", b'<CONSOLIDATED_LIST dateGenerated="tomorrow">'):
        path.write_bytes(broken)
        path.touch()
        assert list(await faults(client)) == ["lists"], broken
    day = move_clock(timedelta()).date()
    path.write_text(f'<CONSOLIDATED_LIST dateGenerated="{day}T00:00:00Z">')
    assert (await faults(client, 200), await warnings(client)) == ({}, {})
    path.write_text(f'<CONSOLIDATED_LIST   dateGenerated="{day - timedelta(days=30)}T00:00:00Z">')
    assert "lists" not in await warnings(client)
    path.write_text(f'<CONSOLIDATED_LIST  dateGenerated="{day - timedelta(days=31)}T00:00:00Z">')
    assert await faults(client, 200) == {}
    assert "31 days old" in (await warnings(client))["lists"]


async def test_a_clock_that_is_wrong_is_a_warning(client: httpx.AsyncClient, service: Service, beating: None) -> None:
    service.db.clock_skew_s = -1.9
    assert "clock" not in await warnings(client)
    service.db.clock_skew_s = -2.1
    assert "2.1 s" in (await warnings(client))["clock"]
    service.db.clock_skew_s = 0.0
    async with service.db.system() as tx:
        await tx.execute("UPDATE worker_heartbeat SET clock_skew_s = 7.25")
    assert "7.2 s" in (await warnings(client))["clock"]
    await faults(client, 200)


async def test_a_database_that_is_silent_or_away_is_told_within_a_second_or_two(
    client: httpx.AsyncClient, service: Service, beating: None, database_url: str
) -> None:
    healthy = service.db
    async with proxy_to(database_url) as proxy:
        service.db = Database(proxy.url, 2)
        assert await faults(client, 200) == {}
        proxy.fall_silent()
        assert await faults(client) == {"database": "The database does not answer within a second."}
        assert await faults(client, 200) == {}  # over a new connection
        await service.db.close()
    assert await faults(client) == {"database": "The database cannot be reached."}
    await service.db.close()
    service.db = healthy


async def test_exhausted_pools_do_not_keep_it_from_answering(
    client: httpx.AsyncClient, service: Service, beating: None
) -> None:
    blocks: list[Any] = [
        one for _ in range(4) for one in (service.db.system(), service.db.system_reads(), service.db.tenant(None))
    ]
    for block in blocks:
        await block.__aenter__()
    try:
        assert await faults(client, 200) == {}
        assert (await client.get("/health/live")).status_code == 200
    finally:
        for block in blocks:
            await block.__aexit__(None, None, None)


async def test_a_check_that_breaks_counts_as_failed_and_hides_no_other(
    client: httpx.AsyncClient, beating: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check_keys(_: Service) -> list[health.ReadyCheck]:
        raise ZeroDivisionError

    monkeypatch.setattr(health, "READY_CHECKS", (check_keys, *health.READY_CHECKS))
    answer = (await client.get("/health/ready")).json()["checks"]
    assert [one["name"] for one in answer if one["status"] == "failed"] == ["keys"]
    assert {"database", "worker", "lists"} <= {one["name"] for one in answer}


async def test_many_probes_at_once_look_once(
    service: Service, beating: None, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "KEPT_S", 3600.0)
    assert await faults(client, 200) == {}
    async with service.db.system() as tx:
        await tx.execute("DELETE FROM worker_heartbeat")
    assert await faults(client, 200) == {}


async def test_a_worker_tells_who_and_what_it_is_and_is_forgotten_a_day_after_it_was_killed(
    service: Service, move_clock: Move
) -> None:
    worker_id = heartbeat.new_worker_id()
    for _ in range(2):
        await heartbeat.beat(service.db, worker_id)
    async with service.db.system() as tx:
        [row] = await tx.fetch("SELECT host, pid, version, abs(clock_skew_s) < 1 AS right FROM worker_heartbeat")
        assert row["host"] and row["pid"] > 1 and row["version"] and row["right"]
        assert await heartbeat.prune(tx, 10) == 0
    move_clock(timedelta(days=1, seconds=1))
    async with service.db.system() as tx:
        assert await heartbeat.prune(tx, 10) == 1
