"""Someone who hears: a shop's own server, and a service with a worker whose rounds the test runs."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import httpx
import pytest
from aiohttp import web

from merchant.core import clock
from merchant.core.http.context import with_context
from merchant.core.service import Service
from merchant.notify import event_log, events
from merchant.notify.routes import ROUTES
from merchant.programs.worker import Worker
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.apps import app_on
from tests.builders import DFSPS, World
from tests.merchant.payments.conftest import stage

__all__ = ["stage"]
OURS, THEIRS = DFSPS
ENDPOINTS = "/api/v1/webhook-endpoints"
Answer = Callable[[web.Request], web.StreamResponse]


@dataclass(frozen=True)
class Heard:
    """One POST to the shop's server."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Ear:
    """A shop's server: it keeps what it gets, and answers 204 unless `answers` holds others for the path."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    answers: dict[str, list[int | Answer]] = field(default_factory=dict)

    async def take(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.heard.append(Heard(request.path, headers, await request.read()))
        waiting = self.answers.get(request.path)
        answer = waiting.pop(0) if waiting else 204
        return web.Response(status=answer, text="so it is") if isinstance(answer, int) else answer(request)

    def at(self, path: str) -> list[Heard]:
        """What came to a path."""
        return [heard for heard in self.heard if heard.path == path]


def hang_up(request: web.Request) -> web.StreamResponse:
    """Close the connection instead of answering."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@dataclass
class Telling:
    """A service that tells, and who listens."""

    service: Service
    world: World
    client: httpx.AsyncClient
    ear: Ear
    worker: Worker
    merchant: Merchant
    key: dict[str, str]  # of the DFSP; it does not expire, however far a test moves the clock

    async def listen(self, path: str = "/hooks", who: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
        """An endpoint on the shop's server, as its creation answered."""
        body = {"url": self.ear.url + path} | more
        response = await self.client.post(ENDPOINTS, json=body, headers=who or self.key)
        assert response.status_code == 201, response.text
        return dict(response.json())

    async def announce(self, event_type: str = "merchant.suspended", number: int = 0) -> None:
        """Something happens at the merchant."""
        dfsp_id = self.merchant.dfsp_id
        async with self.service.db.tenant(dfsp_id) as tx:
            data = builders.suspended(self.merchant.id, number)
            await events.announce(tx, event_type, dfsp_id, self.merchant.id, data)

    async def deliveries(self, endpoint: dict[str, Any]) -> list[dict[str, Any]]:
        """What the endpoint was sent, newest first."""
        response = await self.client.get(f"{ENDPOINTS}/{endpoint['id']}/deliveries", headers=self.key)
        assert response.status_code == 200, response.text
        return list(response.json()["items"])

    async def work(self) -> None:
        """Run every job that is due."""
        while await self.worker.run_due():
            pass


@asynccontextmanager
async def listening() -> AsyncIterator[Ear]:
    """A shop's server on a free port of loopback."""
    ear = Ear()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", ear.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ear.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield ear
    finally:
        await runner.cleanup()


@pytest.fixture(scope="session")
def template(shop_template: str) -> str:
    return shop_template


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def telling(service: Service, world: World) -> AsyncIterator[Telling]:
    transport = httpx.ASGITransport(
        with_context(app_on(service, [*ROUTES, *event_log.ROUTES])), raise_app_exceptions=False
    )
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://test.local") as client,
        listening() as ear,
        Worker(service).by_hand() as worker,
    ):
        merchant, _ = await builders.find_shop(service)
        key = await builders.issue_key(service, world[OURS]["admin"], ["webhooks:write"])
        yield Telling(service, world, client, ear, worker, merchant, key)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Make the clock say it is later: `later(timedelta(minutes=5))`. It goes on running."""
    ahead = timedelta()
    real = clock.source

    def move(by: timedelta) -> None:
        nonlocal ahead
        ahead += by

    monkeypatch.setattr(clock, "source", lambda: real() + ahead)
    return move
