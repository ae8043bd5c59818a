"""Every answer names its request, whoever answers; problems and log lines name the same."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import structlog
from litestar import get
from structlog.testing import capture_logs

from merchant.channels.ussd.door import gateway_key
from merchant.core import logs, trace
from merchant.core.http.context import with_context
from merchant.core.service import Service
from merchant.programs.app import create_app, with_doors
from tests.apps import app_on
from tests.builders import GATEWAY_SECRET, World

pytestmark = pytest.mark.anyio
GATE = {"x-gateway-secret": GATEWAY_SECRET}


@get("/crash", opt={"public": True})
async def crash() -> None:
    """Log a line, then fail as no route should."""
    structlog.get_logger().info("before")
    raise RuntimeError


@pytest.fixture
async def whole(service: Service, world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application as it is served."""
    transport = httpx.ASGITransport(with_doors(app_on(service)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as opened:
        yield opened


async def test_every_answer_carries_the_requests_id(whole: httpx.AsyncClient, service: Service, world: World) -> None:
    calls: list[tuple[str, str, dict[str, str], int]] = [
        ("GET", "/health/live", {}, 200),
        ("GET", "/metrics", {}, 200),
        ("GET", "/openapi.json", {}, 200),
        ("GET", "/docs", {}, 200),
        ("GET", "/q", {}, 200),
        ("GET", "/nothing", {}, 404),
        ("GET", "/api/v1/nothing", {}, 404),
        ("POST", "/health/live", {}, 405),
        ("GET", "/api/v1/merchants", {}, 401),
        ("GET", "/api/v1/merchants", world.maker.headers, 200),
        ("GET", "/api/v1/dead-jobs", world.maker.headers, 403),
        ("POST", "/api/v1/applications", world.maker.headers, 415),
        ("GET", "/oracle/participants/ALIAS/1", GATE, 200),
        ("GET", "/oracle/participants/ALIAS/1", {}, 401),
        ("GET", "/oracle/nothing", GATE, 404),
        ("GET", "/fspiop/quotes/1", GATE, 400),
        ("GET", "/fspiop/quotes/1", {}, 401),
        ("GET", f"/ussd/africastalking/{gateway_key(service, 'africastalking')}", {}, 405),
        ("POST", "/ussd/nobody/key", {}, 404),
    ]
    for method, path, headers, status in calls:
        response = await whole.request(method, path, headers=headers | {"x-request-id": "till-7.request_8"})
        assert response.status_code == status, (path, response.text)
        assert response.headers.get_list("x-request-id") == ["till-7.request_8"], path
        if response.headers.get("content-type") == "application/problem+json":
            assert response.json()["request_id"] == "till-7.request_8"


@pytest.mark.parametrize("given", [None, "", " ", "a b", "a" * 65, "é", 'a"b', "a\tb", "a;b", "<b>"])
async def test_an_id_that_is_missing_or_not_sane_is_replaced(whole: httpx.AsyncClient, given: str | None) -> None:
    headers = [] if given is None else [(b"x-request-id", given.encode())]
    made = [(await whole.get("/nothing", headers=headers)) for _ in range(2)]
    ids = {response.headers["x-request-id"] for response in made}
    assert len(ids) == 2
    assert all(trace.sane_request_id(one) == one for one in ids)
    assert {response.json()["request_id"] for response in made} == ids


async def test_the_longest_sane_id_is_kept(whole: httpx.AsyncClient) -> None:
    longest = "a" * 64
    assert (await whole.get("/nothing", headers={"x-request-id": longest})).headers["x-request-id"] == longest


async def test_log_lines_of_a_request_name_it_and_its_trace(service: Service) -> None:
    app = with_context(create_app(service, [crash]))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as client:
        with capture_logs([logs.tell_context]) as lines:
            response = await client.get("/crash", headers={"x-request-id": "one", "traceparent": parent})
            structlog.get_logger().info("after")
    assert response.status_code == 500
    named = [(line["event"], line.get("request_id"), line.get("trace_id")) for line in lines]
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    assert named == [("before", "one", trace_id), ("request_failed", "one", trace_id), ("after", None, None)]


async def test_two_parents_are_none(service: Service) -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        context = trace.current()
        assert context is not None
        seen.append(context.trace_id)

    parents = [(b"traceparent", f"00-{digit * 32}-00f067aa0ba902b7-01".encode()) for digit in "12"]
    for headers in (parents[:1], parents):
        scope = {"type": "http", "path": "/", "headers": [(b"host", b"a"), *headers]}
        await with_context(app)(scope, None, None)  # type: ignore[arg-type, typeddict-item]
    assert seen[0] == "1" * 32
    assert seen[1] not in ("1" * 32, "2" * 32)
    assert trace.current() is None
