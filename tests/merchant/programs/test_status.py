"""`merchant status`: the figures of an installation in one look, and what is wrong with it by name."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from merchant.core import clock, heartbeat, outbox
from merchant.core.service import Service
from merchant.programs.status import Status, read_status, tell
from tests.builders import SECRET_KEY, World
from tests.merchant.cli.test_main import merchant

pytestmark = [pytest.mark.anyio, pytest.mark.database]
Move = Callable[[timedelta], datetime]


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one.getsockname()[1]


@pytest.fixture
def closed() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
    return port


async def set_hub(service: Service, **columns: object) -> None:
    async with service.db.system() as tx:
        for name, value in columns.items():
            text = msgspec.json.encode(value).decode() if isinstance(value, dict) else value
            await tx.execute(f"UPDATE dfsp SET {name} = $1", text)


def told(status: Status) -> list[str]:
    return list(tell(status))


async def test_without_a_worker_it_is_not_ready_and_says_so(service: Service, world: World, database_url: str) -> None:
    found = await read_status(service, database_url)
    assert not found.ready
    lines = told(found)
    assert lines[0].startswith("NOT READY")
    assert any(line.startswith("failed") and "No worker has been seen" in line for line in lines)
    assert any(line.startswith("workers") and "none is seen" in line for line in lines)


async def test_with_a_worker_it_is_ready_and_names_it(service: Service, world: World, database_url: str) -> None:
    await heartbeat.beat(service.db, heartbeat.new_worker_id())
    found = await read_status(service, database_url)
    assert found.ready
    assert [one.version for one in found.workers] == [found.version]
    assert any(line.startswith("worker ") and "seen 0 s ago" in line for line in told(found))
    assert any("payment" in line and "none yet" in line for line in told(found))


async def test_waiting_dead_and_old_jobs_are_told_by_topic_the_oldest_first(
    service: Service, world: World, database_url: str, move_clock: Move
) -> None:
    async with service.db.system() as tx:
        await outbox.add(tx, "hub.send", 0)
    move_clock(timedelta(seconds=90))
    async with service.db.system() as tx:
        await outbox.add(tx, "notify.sms", 0)
        await outbox.add(tx, "notify.sms", 0)
        await tx.execute("UPDATE outbox SET dead_at = run_at WHERE id = (SELECT max(id) FROM outbox)")
    found = await read_status(service, database_url)
    assert [(one.topic, one.live, one.dead) for one in found.topics] == [("hub.send", 1, 0), ("notify.sms", 1, 1)]
    lines = told(found)
    assert any("hub.send" in line and "oldest due for 90 s" in line for line in lines)
    assert any("notify.sms" in line and "dead 1: see `merchant outbox list`" in line for line in lines)
    assert any(line.startswith("failed") and "A job has been due" in line for line in lines)


async def test_a_hub_that_listens_connects_and_one_that_does_not_says_why(
    service: Service, world: World, database_url: str, listening: int, closed: int
) -> None:
    await set_hub(service, hub_url=f"http://127.0.0.1:{listening}", hub_urls={"quotes": f"http://127.0.0.1:{closed}"})
    found = {one.address: one for one in (await read_status(service, database_url)).hubs}
    assert found[f"127.0.0.1:{listening}"].problem == ""
    assert found[f"127.0.0.1:{listening}"].connected_ms is not None
    assert found[f"127.0.0.1:{closed}"].problem
    assert found[f"127.0.0.1:{closed}"].connected_ms is None


async def test_a_hub_without_an_address_is_told(service: Service, world: World, database_url: str) -> None:
    await set_hub(service, hub_url="", hub_urls={})
    found = await read_status(service, database_url)
    assert found.hubs == []
    assert told(found)[-1].startswith("hub         no address")


async def test_looking_leaves_no_row_behind(service: Service, world: World, database_url: str) -> None:
    async def rows() -> list[int]:
        async with service.db.system_reads() as tx:
            tables = ("audit_entry", "outbox", "worker_heartbeat")
            return [await tx.fetchval(f"SELECT count(*) FROM {table}") for table in tables]

    before = await rows()
    await read_status(service, database_url)
    assert await rows() == before


@pytest.mark.slow
async def test_the_command_tells_text_and_json_and_ends_with_the_truth(
    service: Service, world: World, database_url: str, tmp_path: Path
) -> None:
    def status(*arguments: str) -> tuple[int, str, str]:
        ended = merchant("status", *arguments, data=tmp_path, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY)
        return ended.returncode, ended.stdout, ended.stderr

    code, shown, complaints = await asyncio.to_thread(status)
    assert (code, complaints) == (1, "")
    assert shown.startswith("NOT READY")
    await heartbeat.beat(service.db, heartbeat.new_worker_id())
    code, shown, _ = await asyncio.to_thread(status, "--json")
    document = json.loads(shown)
    assert (code, document["ready"], document["in_doubt"]) == (0, True, 0)
    assert SECRET_KEY not in shown
    assert datetime.fromisoformat(document["told_at"]) <= clock.now() + timedelta(minutes=1)


@pytest.mark.slow
def test_without_an_installation_it_says_what_to_do(tmp_path: Path) -> None:
    ended = merchant("status", data=tmp_path)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Nothing is installed" in ended.stderr
