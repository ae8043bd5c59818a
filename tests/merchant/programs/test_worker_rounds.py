"""The running worker: a slow peer holds back nobody, order is kept, stopping loses nothing, and a database that went
away is found again.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import pytest
from aiohttp import web
from msgspec.structs import replace
from structlog.testing import capture_logs

from merchant.core import postgres
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from merchant.notify import events
from merchant.notify.models import WebhookEndpoint
from merchant.payments import outgoing
from merchant.programs.worker import Worker
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.builders import World
from tests.merchant.notify.conftest import later

__all__ = ["later"]
pytestmark = pytest.mark.anyio
SOON_S = 5.0  # far less than the time after which a peer that never answers is given up


class Peer:
    """A server that keeps what it gets; it answers only while `open`."""

    def __init__(self) -> None:
        self.url = ""
        self.heard: list[Any] = []
        self.open = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        self.heard.append(await request.json())
        await self.open.wait()
        return web.Response(status=202)


@asynccontextmanager
async def peering(*, answering: bool = True) -> AsyncIterator[Peer]:
    """A peer on a free port of loopback."""
    peer = Peer()
    if answering:
        peer.open.set()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", peer.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        peer.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield peer
    finally:
        peer.open.set()
        await runner.cleanup()


async def until(condition: Callable[[], Any], wait_s: float = SOON_S) -> None:
    """Wait until something has happened."""
    async with asyncio.timeout(wait_s):
        while not condition():
            await asyncio.sleep(0.005)


async def until_no_jobs(service: Service) -> None:
    """Wait until all work is done and forgotten."""
    async with asyncio.timeout(SOON_S), service.db.system_reads() as tx:
        while await tx.fetchval("SELECT count(*) FROM outbox"):
            await asyncio.sleep(0.005)


@pytest.fixture
async def merchant(service: Service, world: World) -> Merchant:
    merchant, _ = await builders.create_merchant(service, world)
    await builders.work(service)
    return merchant


async def listen(service: Service, merchant: Merchant, peer: Peer) -> UUID:
    """An endpoint of the merchant's DFSP at a peer."""
    row = WebhookEndpoint(dfsp_id=merchant.dfsp_id, url=peer.url, event_types=[], secret_sealed=b"")
    row.secret_sealed = service.vault.seal(b"whsec_QUFBQQ==", f"webhook:{row.id}")
    async with service.db.system() as tx:
        tx.session.add(row)
    return row.id


async def tell(service: Service, merchant: Merchant, number: int) -> None:
    async with service.db.tenant(merchant.dfsp_id) as tx:
        await events.announce(
            tx, "merchant.suspended", merchant.dfsp_id, merchant.id, builders.suspended(merchant.id, number)
        )


def numbers(peer: Peer) -> list[int]:
    return [int(event["data"]["state"]) for event in peer.heard]


async def write_letters(service: Service, fsp_id: str, count: int) -> None:
    """Letters of a DFSP to its hub."""
    async with service.db.system() as tx:
        dfsp_id = await tx.fetchval("SELECT id FROM dfsp WHERE fsp_id = $1", fsp_id)
        for number in range(count):
            body = json.dumps({"number": number}).encode()
            letter = outgoing.QueuedMessage(
                method="PUT", path="/quotes/1", source=fsp_id, destination="payerfsp", body=body
            )
            await outgoing.queue(tx, service, letter, dfsp_id)


async def connect(service: Service, fsp_id: str, peer: Peer) -> None:
    """Make a peer a DFSP's hub. Letters go out unsigned: signing is tested elsewhere and costs much."""
    async with service.db.system() as tx:
        await tx.execute("UPDATE dfsp SET hub_url = $2 WHERE fsp_id = $1", fsp_id, peer.url)
        await tx.execute("DELETE FROM scheme_key WHERE purpose = 'jws_sign'")


class Server:
    """The test's database as its server sees it."""

    def __init__(self, connection: "asyncpg.Connection[Any]", name: str) -> None:
        self._connection = connection
        self._name = name

    async def go_away(self) -> None:
        """What a stop of the server does to its clients: every connection breaks, and none can be made."""
        await self._connection.execute(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        broken = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1"
        assert len(await self._connection.fetch(broken, self._name)) > 1

    async def come_back(self) -> None:
        """It can be reached again."""
        await self._connection.execute(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")

    async def listeners(self) -> int:
        """How many connections listen for new work."""
        listening = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND query ILIKE 'LISTEN%outbox%'"
        count: int = await self._connection.fetchval(listening, self._name)
        return count

    async def until_heard(self) -> None:
        """Wait until someone listens for new work."""
        async with asyncio.timeout(SOON_S):
            while not await self.listeners():
                await asyncio.sleep(0.01)


@pytest.fixture
async def server(postgres_server: postgres.Running, database_url: str) -> AsyncIterator[Server]:
    connection = await asyncpg.connect(postgres_server.url("postgres"))
    yield Server(connection, urlsplit(database_url).path.strip("/"))
    await connection.close()


# --- slow peers ------------------------------------------------------------------------------------------------------


async def test_an_endpoint_that_never_answers_holds_back_no_other(service: Service, merchant: Merchant) -> None:
    async with peering(answering=False) as silent, peering() as quick, Worker(service).running():
        for peer in (silent, quick):
            await listen(service, merchant, peer)
        for number in range(20):
            await tell(service, merchant, number)
        await until(lambda: len(quick.heard) == 20)
        assert numbers(quick) == list(range(20))
        assert numbers(silent) == [0]
        silent.open.set()
        await until(lambda: len(silent.heard) == 20)
        assert numbers(silent) == list(range(20))


async def test_a_hub_that_never_answers_a_hundred_letters_holds_back_no_other(service: Service, world: World) -> None:
    async with peering(answering=False) as silent, peering() as quick, Worker(service).running():
        await connect(service, "greenbankfsp", silent)
        await connect(service, "lakemfi", quick)
        await write_letters(service, "greenbankfsp", 100)
        await until(lambda: len(silent.heard) > 5)
        await write_letters(service, "lakemfi", 3)
        await until(lambda: len(quick.heard) == 3)
        silent.open.set()


# --- order -----------------------------------------------------------------------------------------------------------


async def test_several_workers_keep_each_endpoints_order(
    service: Service, merchant: Merchant, settings: Settings, database_url: str
) -> None:
    async with AsyncExitStack() as stack:
        peers = [await stack.enter_async_context(peering()) for _ in range(3)]
        for peer in peers:
            await listen(service, merchant, peer)
        for number in range(20):
            await tell(service, merchant, number)
        for _ in range(3):
            other = await stack.enter_async_context(open_service(settings, database_url))
            await stack.enter_async_context(Worker(other).running())
        await until(lambda: all(len(peer.heard) == 20 for peer in peers), wait_s=30)
        await until_no_jobs(service)
    assert [numbers(peer) for peer in peers] == [list(range(20))] * 3


# --- waking and stopping ---------------------------------------------------------------------------------------------


async def test_work_is_taken_up_when_it_is_written_and_not_at_the_next_poll(
    service: Service, merchant: Merchant, server: Server
) -> None:
    service.settings = replace(service.settings, worker_poll_s=60.0)
    async with peering() as peer, Worker(service).running():
        await listen(service, merchant, peer)
        await server.until_heard()  # from here on only a notice wakes it: the next poll is a minute away
        for number in range(3):
            await tell(service, merchant, number)
            await until(lambda: len(peer.heard) == number + 1)  # noqa: B023 - awaited within the turn


async def test_what_waits_in_an_order_goes_on_without_a_poll(service: Service, merchant: Merchant) -> None:
    service.settings = replace(service.settings, worker_poll_s=60.0)
    async with peering() as peer:
        await listen(service, merchant, peer)
        for number in range(5):
            await tell(service, merchant, number)
        async with Worker(service).running():
            await until(lambda: numbers(peer) == list(range(5)))
            await until_no_jobs(service)


async def test_stopping_finishes_the_jobs_at_hand(service: Service, merchant: Merchant) -> None:
    async with peering(answering=False) as peer:
        await listen(service, merchant, peer)
        await tell(service, merchant, 1)
        async with Worker(service).running():
            await until(lambda: peer.heard)
            asyncio.get_running_loop().call_later(0.1, peer.open.set)
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT state FROM webhook_delivery") == "delivered"
        assert await tx.fetch("SELECT * FROM outbox") == []


async def test_a_worker_that_stops_takes_up_nothing_more(service: Service, merchant: Merchant, server: Server) -> None:
    async with peering() as peer:
        await listen(service, merchant, peer)
        async with Worker(service).running():
            await tell(service, merchant, 1)
            await until(lambda: numbers(peer) == [1])
            await until_no_jobs(service)
        others = asyncio.all_tasks()
        await tell(service, merchant, 2)
        # Whatever could claim it must be listening, or a task of this loop: there is none of either.
        assert await server.listeners() == 0
        assert not [task for task in others if "Worker." in repr(task.get_coro())]
        async with service.db.system_reads() as tx:
            assert await tx.fetchval("SELECT attempts FROM outbox") == 0
        async with Worker(service).running():
            await until(lambda: numbers(peer) == [1, 2])


# --- a database that goes away ---------------------------------------------------------------------------------------


async def test_a_worker_finds_its_database_again(service: Service, merchant: Merchant, server: Server) -> None:
    service.settings = replace(service.settings, worker_poll_s=0.5)
    async with peering() as peer, Worker(service).running():
        await listen(service, merchant, peer)
        await tell(service, merchant, 1)
        await until(lambda: numbers(peer) == [1])
        await until_no_jobs(service)  # what is not noted yet is left to its lease: the next test
        with capture_logs() as logs:
            await server.go_away()
            await until(lambda: "database_unavailable" in {entry["event"] for entry in logs})
            await server.come_back()
            await until_told(service, merchant, 2)
            await until(lambda: numbers(peer)[-1] == 2)
        await server.until_heard()
        await tell(service, merchant, 3)
        await until(lambda: numbers(peer)[-1] == 3)
        await until_no_jobs(service)


async def test_what_was_answered_while_the_database_was_away_may_come_again_but_is_not_lost(
    service: Service, merchant: Merchant, server: Server, later: Callable[[timedelta], None]
) -> None:
    async with peering(answering=False) as peer, Worker(service).running():
        await listen(service, merchant, peer)
        await tell(service, merchant, 1)
        await until(lambda: numbers(peer) == [1])
        with capture_logs() as logs:
            await server.go_away()
            peer.open.set()
            await until(lambda: "job_left_to_its_lease" in {entry["event"] for entry in logs})
            await server.come_back()
            await until_told(service, merchant, 2)
            later(timedelta(minutes=5))  # whoever held the lease has had time to come back
            await until(lambda: numbers(peer)[-1] == 2)
        await until_no_jobs(service)
    assert numbers(peer) == [1, 1, 2]


async def until_told(service: Service, merchant: Merchant, number: int) -> None:
    """Tell it as soon as the database can be reached again."""
    async with asyncio.timeout(SOON_S):
        while True:
            try:
                return await tell(service, merchant, number)
            except Exception:
                await asyncio.sleep(0.01)
