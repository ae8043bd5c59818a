"""The application as a whole: doors answer alike before the router and behind it, and nothing is served by accident."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
import pytest

from merchant.channels.ussd.door import gateway_key
from merchant.core.service import Service
from merchant.notify.live import Live
from merchant.programs import runtime
from merchant.programs.app import create_app, with_doors
from tests import builders
from tests.apps import app_on
from tests.builders import GATEWAY_SECRET, World
from tests.merchant.demo.simulator.conftest import free_port

pytestmark = pytest.mark.anyio
GATE = {"x-gateway-secret": GATEWAY_SECRET}
NAMED = {"x-request-id": "one"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
STEP = "sessionId={}&serviceCode=%2A384%2A123%23&phoneNumber=%2B254733000001&text="


@pytest.fixture
async def front(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application with its doors before the router."""
    transport = httpx.ASGITransport(with_doors(app_on(service)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test.local", headers=NAMED) as opened:
        yield opened


def seen(response: httpx.Response) -> tuple[int, str | None, bytes]:
    """What a caller sees of an answer."""
    return response.status_code, response.headers.get("content-type"), response.content


async def test_the_doors_answer_alike_before_the_router_and_behind_it(
    service: Service, world: World, client: httpx.AsyncClient, front: httpx.AsyncClient
) -> None:
    _, [counter] = await builders.create_merchant(service, world)
    ussd = f"/ussd/africastalking/{gateway_key(service, 'africastalking')}"
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", f"/oracle/participants/ALIAS/{counter.alias}", {"headers": GATE}),
        ("GET", f"/oracle/participants/ALIAS/{counter.alias}?currency=KES", {"headers": GATE}),
        ("GET", "/oracle/participants/ALIAS/no%2Fbody", {"headers": GATE}),
        ("GET", f"/oracle/participants/ALIAS/{counter.alias}", {}),
        ("POST", "/oracle/participants", {"headers": GATE, "content": b"[null]"}),
        ("GET", "/oracle/", {"headers": GATE}),
        ("GET", "/fspiop/nothing/1", {"headers": GATE}),
        ("GET", "/fspiop/quotes/1", {"headers": GATE}),
        ("GET", "/fspiop/quotes/1", {}),
        ("POST", "/fspiop/quotes", {"headers": GATE, "content": b"\xff"}),
        ("DELETE", "/fspiop/quotes/1", {"headers": GATE}),
        ("GET", ussd, {}),
        ("POST", ussd, {"headers": FORM, "content": STEP.format("one").encode()}),
        ("POST", ussd, {"headers": FORM, "content": b"text=%ff"}),
        ("POST", ussd + "x", {"headers": FORM, "content": STEP.format("one").encode()}),
        ("POST", "/ussd/", {}),
    ]
    client.headers.update(NAMED)
    for method, path, more in calls:
        behind, before = [await each.request(method, path, **more) for each in (client, front)]
        assert seen(behind) == seen(before), (method, path)


async def test_every_other_path_goes_to_the_router(client: httpx.AsyncClient, front: httpx.AsyncClient) -> None:
    client.headers.update(NAMED)
    for path in (
        "/health/live",
        "/api/v1/merchants",
        "/openapi.json",
        "/q/1",
        "/nothing",
        "/fspiop",
        "/oracle",
        "/ussd",
        "/fspiopx/quotes",
        "/api/v1/fspiop/quotes",
        "//fspiop/quotes/1",
        "/FSPIOP/quotes/1",
    ):
        behind, before = [await each.get(path) for each in (client, front)]
        assert seen(behind) == seen(before), path


async def test_what_nobody_serves_is_told_so_as_a_problem(front: httpx.AsyncClient) -> None:
    calls = {
        ("GET", "/api/v1/nothing"): (404, "not_found"),
        ("GET", "/api/v2/merchants"): (404, "not_found"),
        ("DELETE", "/api/v1/payment-requests"): (405, "method_not_allowed"),
        ("PUT", "/api/v1/sessions"): (405, "method_not_allowed"),
        ("GET", "/api/v1/merchants"): (401, "not_signed_in"),
    }
    for (method, path), (status, code) in calls.items():
        response = await front.request(method, path)
        assert (response.status_code, response.headers["content-type"]) == (status, "application/problem+json"), path
        problem = response.json()
        assert set(problem) == {"type", "title", "status", "detail", "code", "errors", "request_id"}
        assert (problem["status"], problem["code"]) == (status, code)


async def test_a_browser_is_told_in_words_that_there_is_no_such_page(front: httpx.AsyncClient) -> None:
    asked = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8", "accept-language": "fr"}
    response = await front.get("/nothing", headers=asked)
    assert (response.status_code, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert '<html lang="fr"' in response.text and 'href="/"' in response.text
    assert "default-src 'none'" in response.headers["content-security-policy"]


async def test_who_does_not_ask_for_a_page_is_answered_by_a_problem(front: httpx.AsyncClient) -> None:
    for accept in ("*/*", "application/json", ""):
        response = await front.get("/nothing", headers={"accept": accept})
        assert response.headers["content-type"] == "application/problem+json"
    response = await front.delete("/sign-in", headers={"accept": "text/html"})
    assert (response.status_code, response.headers["content-type"]) == (405, "application/problem+json")


@pytest.mark.parametrize("path", ["/api/v1/merchants", "/api/v1/sessions", "/health/live", "/q/1", "/"])
async def test_options_names_the_methods_to_anyone(front: httpx.AsyncClient, path: str) -> None:
    response = await front.options(path)
    assert response.status_code == 204
    assert response.headers["allow"]


async def test_the_api_describes_itself_and_none_of_what_is_hidden(front: httpx.AsyncClient) -> None:
    document = (await front.get("/openapi.json")).json()
    paths = set(document["paths"])
    assert {"/api/v1/payment-requests", "/api/v1/webhook-endpoints", "/api/v1/events", "/health/live"} <= paths
    assert not [path for path in paths if path.startswith(("/fspiop", "/oracle", "/ussd", "/metrics", "/openapi"))]


async def test_the_doors_are_counted_by_status(front: httpx.AsyncClient) -> None:
    async def count() -> float:
        lines = (await front.get("/metrics")).text.splitlines()
        found = [line for line in lines if line.startswith('merchant_door_answers_total{status="404"}')]
        return float(found[0].split()[1]) if found else 0.0

    before = await count()
    await front.post("/ussd/nobody/key")
    await front.get("/fspiop/nothing/1", headers=GATE)
    assert await count() == before + 2


async def test_starting_and_stopping_reach_the_application_behind_the_doors(service: Service) -> None:
    """Its shutdown ends the live screens."""
    app = create_app(service, [])
    stream = service.shared(Live).stream(builders.SERVICE)
    assert await anext(stream) == b": open\n\n"
    events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    told: list[str] = []

    async def hear(message: Any) -> None:
        told.append(message["type"])
        if message["type"] == "lifespan.startup.complete":
            await events.put({"type": "lifespan.shutdown"})

    await events.put({"type": "lifespan.startup"})
    scope: Any = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    await asyncio.wait_for(with_doors(app)(scope, events.get, hear), 10)  # type: ignore[arg-type]
    assert told == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert [text async for text in stream] == []


async def test_a_socket_to_a_door_is_no_socket_for_browsers(front: httpx.AsyncClient, service: Service) -> None:
    """A WebSocket is none of the doors' business and crashes nothing."""
    said: list[str] = []

    async def hear(message: Any) -> None:
        said.append(message["type"])

    async def connect() -> Any:
        return {"type": "websocket.connect"}

    scope: Any = {
        "type": "websocket",
        "path": "/fspiop/quotes",
        "raw_path": b"/fspiop/quotes",
        "query_string": b"",
        "headers": [],
        "subprotocols": [],
        "state": {},
        "root_path": "",
        "scheme": "ws",
        "asgi": {"version": "3.0"},
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
        "http_version": "1.1",
    }
    await with_doors(app_on(service))(scope, connect, hear)  # type: ignore[arg-type]
    assert "websocket.accept" not in said


async def test_over_a_socket_everything_answers_on_one_connection(service: Service, world: World) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    ussd = f"/ussd/africastalking/{gateway_key(service, 'africastalking')}"
    async with (
        runtime.serving(with_doors(app_on(service)), "127.0.0.1", port),
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as http,
    ):

        async def status(method: str, path: str, **more: Any) -> int:
            async with http.request(method, base + path, **more) as response:
                await response.read()
                return response.status

        assert await status("GET", "/health/ready") == 503  # no worker runs
        assert await status("GET", "/api/v1/merchants", headers=world.maker.headers) == 200
        assert await status("POST", ussd, headers=FORM, data=STEP.format("two")) == 200
        assert await status("GET", "/oracle/participants/ALIAS/10000008", headers=GATE) == 200
        assert await status("POST", "/fspiop/quotes", headers=GATE, data=b"{}") == 400
        large = json.dumps({"email": "x" * 1_100_000}).encode()
        headers = {"content-type": "application/json"}
        assert await status("POST", "/api/v1/sessions", headers=headers, data=large) == 413
        assert await status("GET", "/health/live") == 200
