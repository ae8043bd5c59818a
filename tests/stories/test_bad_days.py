"""Bad days, made for real: a database stopped and started, connections that go silent, a table that is locked."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from litestar.handlers import HTTPRouteHandler
from msgspec.structs import replace
from structlog.testing import capture_logs

from merchant import migrations
from merchant.channels.ussd.door import gateway_path
from merchant.core import clock, outbox, pools, postgres
from merchant.core.service import SCHEME_KEPT_S, Service, open_service
from merchant.core.settings import Settings
from merchant.hub.fspiop.headers import http_date
from merchant.programs import health
from merchant.programs.app import create_app, with_doors
from merchant.programs.slices import ROUTES, TIMERS
from merchant.programs.worker import Worker
from tests import builders
from tests.builders import GATEWAY_SECRET, World
from tests.faults import Proxy, proxy_to

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
GATE = {"x-gateway-secret": GATEWAY_SECRET}
STEP = "sessionId=1&serviceCode=%2A384%2A123%23&phoneNumber=%2B254733000001&text="
_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@asynccontextmanager
async def client_of(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """The whole application, doors first, as it is served."""
    transport = httpx.ASGITransport(with_doors(create_app(service)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test.local", timeout=30) as opened:
        yield opened


@asynccontextmanager
async def seeded_server(folder: Path, settings: Settings) -> AsyncIterator[tuple[Proxy, postgres.Running]]:
    """A database server of the test's own, seeded, behind a proxy that gives it a lasting address."""
    running = await asyncio.to_thread(postgres.start, folder, settings=_FAST)
    async with proxy_to(running.url()) as proxy:
        await migrations.upgrade(running.url())
        async with open_service(settings, running.url()) as service:
            await builders.seed_world(service)
        yield proxy, running


async def call_everything(client: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, httpx.Response]:
    """Every route of the API once, with whatever fills its path."""
    answers = {}
    for handler in ROUTES:
        if not isinstance(handler, HTTPRouteHandler) or "route" not in handler.opt:
            continue
        one = handler.opt["route"]
        path = one.path
        for name, kind in one.path_types.items():
            path = path.replace(f"{{{name}}}", "7" if kind is int else "01a203b3-61c0-745a-bfc8-eadafcb29da8")
        more: dict[str, Any] = {"json": {}} if one.body is not None else {}
        if one.path == "/api/v1/sessions":
            more["json"] = {"email": "someone@example.org", "password": "does not matter"}
        answers[f"{one.method} {one.path}"] = await client.request(one.method, path, headers=headers, **more)
    return answers


async def doors(client: httpx.AsyncClient, service: Service) -> dict[str, httpx.Response]:
    body = b'{"transactionRequestState":"RECEIVED"}'
    hub = GATE | {
        "content-type": "application/vnd.interoperability.transactionRequests+json;version=1.1",
        "date": http_date(clock.now()),
        "fspiop-source": "mobilemoney",
        "fspiop-destination": "greenbankfsp",
    }
    form = {"content-type": "application/x-www-form-urlencoded"}
    return {
        "oracle": await client.get("/oracle/participants/ALIAS/10000008", headers=GATE),
        "fspiop": await client.put("/fspiop/transactionRequests/1", content=body, headers=hub),
        "page": await client.get("/q/10000008", headers={"accept": "text/html"}),
        "ussd": await client.post(gateway_path(service, "africastalking"), content=STEP, headers=form),
    }


async def test_while_the_database_is_stopped_everyone_is_asked_to_come_again_and_it_comes_back_by_itself(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "KEPT_S", 0.0)
    folder = tmp_path / "postgres"
    async with seeded_server(folder, settings) as (proxy, running), open_service(settings, proxy.url) as service:
        world = await builders.load_world(service)
        async with client_of(service) as client, Worker(service).running():
            assert (await client.get("/api/v1/merchants", headers=world.maker.headers)).status_code == 200
            running.stop()
            service._scheme_read_at_s -= SCHEME_KEPT_S  # due to be read again, beside a caller
            with capture_logs() as lines:
                assert await service.scheme() is not None
                told = await call_everything(client, world.maker.headers)
                at_doors = await doors(client, service)
                ready = await client.get("/health/ready")
                for timer in TIMERS:
                    with suppress(pools.DatabaseAway):
                        await timer.run(service)
                await asyncio.sleep(3 * settings.worker_poll_s)  # the worker looks for work meanwhile
            check_refusals(told, at_doors)
            assert ready.status_code == 503
            assert [one["name"] for one in ready.json()["checks"] if one["status"] == "failed"] == ["database"]
            told_of = [line["event"] for line in lines if line["log_level"] != "info"]
            assert told_of == ["database_unavailable"]
            assert "exception" not in str(lines)

            with await asyncio.to_thread(postgres.start, folder, settings=_FAST) as again:
                proxy.target = again.url()
                async with asyncio.timeout(20):
                    while (await client.get("/health/ready")).status_code != 200:
                        await asyncio.sleep(0.1)
                assert (await client.get("/api/v1/merchants", headers=world.maker.headers)).status_code == 200
                assert (await client.get("/oracle/participants/ALIAS/10000008", headers=GATE)).status_code == 200
                await is_worked_off(service)
                await service.db.close()


def check_refusals(told: dict[str, httpx.Response], at_doors: dict[str, httpx.Response]) -> None:
    """503 with a code and Retry-After, whatever was asked; nobody is told of a fault of ours."""
    assert not {path: answer.text for path, answer in told.items() if answer.status_code == 500}
    refused = {path for path, answer in told.items() if answer.status_code == 503 and "health" not in path}
    assert {"POST /api/v1/sessions", "GET /api/v1/merchants", "POST /api/v1/payment-requests"} <= refused
    assert len(refused) > 40
    for path in refused:
        answer = told[path]
        assert (answer.json()["code"], answer.headers["retry-after"]) == ("unavailable", "5"), path
    assert told["GET /health/live"].status_code == 200
    for door in ("oracle", "fspiop"):
        answer = at_doors[door]
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5"), answer.text
        assert answer.json()["errorInformation"]["errorCode"] == "2003"
    page, ussd = at_doors["page"], at_doors["ussd"]
    assert (page.status_code, page.headers["retry-after"]) == (503, "5")
    assert page.text.startswith("<!doctype html>") or "<html" in page.text
    assert ussd.status_code == 200
    assert ussd.text.startswith("END ")


async def is_worked_off(service: Service) -> None:
    """Work that is added now is taken up."""
    async with service.db.system() as tx:
        await outbox.add(tx, "test.unknown", 0)
    async with asyncio.timeout(10):
        while True:
            async with service.db.system_reads() as tx:
                if await tx.fetchval("SELECT attempts FROM outbox WHERE topic = 'test.unknown'"):
                    return
            await asyncio.sleep(0.02)


async def test_a_worker_whose_connections_all_went_silent_works_on_over_new_ones(
    database_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in production, several times as quick.
    monkeypatch.setattr(pools, "STATEMENT_TIMEOUT_S", 0.8)
    monkeypatch.setattr(pools, "GRACE_S", 0.2)
    monkeypatch.setattr(pools, "END_TIMEOUT_S", 0.5)
    monkeypatch.setattr(pools, "PING_EVERY_S", 0.5)
    async with (
        proxy_to(database_url) as proxy,
        open_service(settings, proxy.url) as service,
        Worker(service).running(),
    ):
        await is_worked_off(service)
        async with service.db.system() as tx:
            await tx.execute("DELETE FROM outbox")
        with capture_logs() as lines:
            silenced = proxy.fall_silent()
            assert silenced >= 3  # claims, listening, reads
            async with asyncio.timeout(8), open_service(settings, database_url) as near:
                await is_worked_off(near)
        # What was in the middle of a claim notices first.
        assert "database_unavailable" in {line["event"] for line in lines}
        assert service.db.silences >= 1


async def test_requests_that_wait_for_a_locked_table_leave_the_service_to_everyone_else(
    service: Service, world: World, database_url: str
) -> None:
    """With the pools of production and its deadlines."""
    settings = replace(service.settings, database_pool_size=8)
    _, [counter] = await builders.create_merchant(service, world)
    owner = await asyncpg.connect(database_url)
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["payments:request", "payments:read"])
    body = {"counter_id": str(counter.id), "amount": {"amount": "1", "currency": "USD"}}

    async def ask(client: httpx.AsyncClient, number: int) -> float:
        begun_s = time.monotonic()
        headers = key | {"idempotency-key": f"k{number}"}
        if number % 3:
            answer = await client.post("/api/v1/payment-requests", json=body, headers=headers)
        else:
            answer = await client.get("/api/v1/payment-requests", headers=key)
        assert (answer.status_code, answer.json()["code"]) == (503, "busy"), answer.text
        assert answer.headers["retry-after"]
        return time.monotonic() - begun_s

    async with open_service(settings, database_url) as whole, client_of(whole) as client, Worker(whole).running():
        for _ in range(3):  # every pool has its connections
            await client.get("/api/v1/merchants", headers=world.maker.headers)
        transaction = owner.transaction()
        await transaction.start()
        await owner.execute("LOCK TABLE payment_request IN ACCESS EXCLUSIVE MODE")
        waiting = [asyncio.create_task(ask(client, number)) for number in range(24)]
        async with service.db.system() as tx:  # jobs of the worker that need the table too
            for _ in range(30):
                await outbox.add(tx, "payments.look_up", {"request_id": counter.id})
        await asyncio.sleep(0.3)
        slowest_s = 0.0
        while not all(task.done() for task in waiting):
            for path, headers in (
                ("/health/live", {}),
                ("/api/v1/merchants", world.maker.headers),
                (f"/oracle/participants/ALIAS/{counter.alias}", GATE),
                ("/health/ready", {}),
            ):
                begun_s = time.monotonic()
                answer = await client.get(path, headers=headers)
                assert answer.status_code == 200, (path, answer.text)
                slowest_s = max(slowest_s, time.monotonic() - begun_s)
            await asyncio.sleep(0.05)
        assert slowest_s < 4.5  # on an idle machine they take milliseconds; a build server has other work
        assert max(await asyncio.gather(*waiting)) < 4.5
        await transaction.rollback()
        assert (await client.get("/api/v1/payment-requests", headers=key)).status_code == 200
    await owner.close()
