"""The client, over real HTTP on loopback: what goes out, and every way a peer may answer or not."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from merchant.hub.fspiop import client
from merchant.hub.fspiop.client import OutgoingMessage, SendResult, send
from merchant.hub.fspiop.jws import SigningKey, VerifyKey, verify
from merchant.hub.port import HubUnreachable

pytestmark = pytest.mark.anyio

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PUT = OutgoingMessage("PUT", "/quotes/a%20b", "shopfsp", "payerfsp", b'{"a":1}', version="1.0")


@asynccontextmanager
async def peer(handler: Handler) -> AsyncIterator[str]:
    """A peer on a free port; yields its base URL."""
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/base/"
    finally:
        await runner.cleanup()


async def send_to(handler: Handler, message: OutgoingMessage, key: SigningKey | None = None) -> SendResult:
    async with peer(handler) as base_url, aiohttp.ClientSession() as http:
        return await send(http, base_url, message, key, {"x-gateway-secret": "s"})


@pytest.mark.parametrize("name", ["rsa", "ec"])
async def test_a_signed_put_verifies_at_the_peer_on_its_raw_path(
    name: str, signing_keys: dict[str, SigningKey], verify_keys: dict[str, VerifyKey]
) -> None:
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.Response:
        headers = {key.lower(): value for key, value in request.headers.items()}
        verify(
            verify_keys[name],
            method=request.method,
            path=request.raw_path,
            headers=headers,
            body=await request.read(),
        )
        seen.append(request)
        return web.Response()

    assert (await send_to(handler, PUT, signing_keys[name])) == SendResult(200)
    request = seen[0]
    assert request.raw_path == "/base/quotes/a%20b"
    assert "Accept" not in request.headers
    assert request.headers["Content-Type"] == "application/vnd.interoperability.quotes+json;version=1.0"
    assert request.headers["x-gateway-secret"] == "s"
    sent_at = datetime.strptime(request.headers["Date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    assert abs((datetime.now(UTC) - sent_at).total_seconds()) < 60


async def test_a_get_is_not_signed_and_asks_for_one_version(signing_keys: dict[str, SigningKey]) -> None:
    seen: dict[str, str] = {}

    async def handler(request: web.Request) -> web.Response:
        seen.update(request.headers)
        return web.Response(status=202)

    result = await send_to(handler, OutgoingMessage("GET", "/parties/MSISDN/1", "a"), signing_keys["rsa"])
    assert result.is_accepted
    assert seen["Accept"] == "application/vnd.interoperability.parties+json;version=1"
    assert not any(name in seen for name in ("FSPIOP-Signature", "FSPIOP-Destination", "FSPIOP-URI"))


async def test_a_refusal_is_read() -> None:
    async def handler(_: web.Request) -> web.Response:
        body = '{"errorInformation":{"errorCode":"3105","errorDescription":"bad","extensionList":[]}}'
        return web.Response(status=400, text=body)

    result = await send_to(handler, PUT)
    assert result == SendResult(400, "3105", "bad")
    assert not result.is_accepted


@pytest.mark.parametrize("text", ["", "<html>", "{}", "x" * (client.ANSWER_BYTES_MAX * 3)])
async def test_a_refusal_that_explains_nothing_is_a_status(text: str) -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response(status=503, text=text)

    assert (await send_to(handler, PUT)) == SendResult(503)


async def test_a_redirect_is_not_followed() -> None:
    calls = 0

    async def handler(_: web.Request) -> web.Response:
        nonlocal calls
        calls += 1
        return web.Response(status=307, headers={"Location": "/elsewhere"})

    assert (await send_to(handler, PUT)) == SendResult(307)
    assert calls == 1


async def test_a_closed_port_is_unreachable() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response()

    async with peer(handler) as base_url:
        pass
    async with aiohttp.ClientSession() as http:
        with pytest.raises(HubUnreachable, match="PUT quotes"):
            await send(http, base_url, PUT, None)


async def test_a_connection_cut_before_the_answer_is_unreachable() -> None:
    async def handler(request: web.Request) -> web.Response:
        assert request.transport
        request.transport.abort()
        return web.Response()

    with pytest.raises(HubUnreachable):
        await send_to(handler, PUT)


async def test_a_silent_peer_is_unreachable_after_the_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "_TIMEOUT", aiohttp.ClientTimeout(total=0.05))
    released = asyncio.Event()

    async def handler(_: web.Request) -> web.Response:
        await released.wait()
        return web.Response()

    async with peer(handler) as base_url, aiohttp.ClientSession() as http:
        with pytest.raises(HubUnreachable, match="TimeoutError"):
            await send(http, base_url, PUT, None)
        released.set()
