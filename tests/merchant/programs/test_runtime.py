"""The server under strangers: whoever holds connections open stops nobody else, and is let go in time."""

import asyncio
import resource
import socket
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from merchant.channels.ussd.door import gateway_path
from merchant.core.http.incoming import BodyLimits
from merchant.core.service import Service
from merchant.programs import runtime
from tests import builders
from tests.builders import GATEWAY_SECRET, World
from tests.merchant.demo.simulator.conftest import free_port
from tests.sockets import HEADERS_MS, QUICK_S, Wires, answer_of, ended, head, opened, said, served

pytestmark = pytest.mark.anyio
ALIVE = head("GET", "/health/live")
SLOW = head("POST", "/api/v1/sessions", "Content-Type: application/json", "Content-Length: 1000") + b"{"


@pytest.fixture
async def port(service: Service) -> AsyncIterator[int]:
    async with served(service) as opened_port:
        yield opened_port


async def _many(port: int, count: int, text: bytes) -> list[Wires]:
    found: list[Wires] = []
    for start in range(0, count, 100):
        found += await asyncio.gather(*(opened(port, text) for _ in range(start, min(start + 100, count))))
    return found


async def test_thousands_of_held_connections_keep_nobody_waiting(service: Service, world: World) -> None:
    """1,000 silent ones, 1,000 whose body never comes, 500 idle ones; none of them is let go meanwhile."""
    patient = BodyLimits(stall_s=60.0, whole_s=60.0)
    token = world.maker.headers["authorization"]
    calls = [
        head("GET", "/oracle/participants/ALIAS/10000008", f"x-gateway-secret: {GATEWAY_SECRET}"),
        ALIVE,
        head("GET", "/api/v1/merchants", f"Authorization: {token}"),
    ]
    async with served(service, patient, headers_timeout_ms=60_000) as port:
        silent = await _many(port, 1_000, b"")
        slow = await _many(port, 1_000, SLOW)
        idle = await _many(port, 500, ALIVE)
        assert {(await answer_of(reader))[0] for reader, _ in idle} == {200}
        for call in calls:
            begun = time.monotonic()
            status, _, _ = await said(port, call)
            assert status == 200
            assert time.monotonic() - begun < 1.0
        held = [*silent, *slow, *idle]
        assert not [reader for reader, _ in held if reader.at_eof()]
        for _, writer in held:
            writer.transport.abort()


async def test_a_silent_connection_is_closed(port: int) -> None:
    """Before its first byte, within its headers, and after an answer."""

    async def lasted_s(text: bytes) -> float:
        begun = time.monotonic()
        reader, writer = await opened(port, text)
        await ended(reader)
        writer.close()
        return time.monotonic() - begun

    texts = [b"", b"G", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\nx: ", ALIVE]
    took = await asyncio.gather(*map(lasted_s, texts))
    assert min(took) > HEADERS_MS / 1000 * 0.8
    assert max(took) < HEADERS_MS / 1000 + 3


async def test_headers_that_come_byte_by_byte_are_not_waited_for(port: int) -> None:
    reader, writer = await opened(port, b"GET / HTTP/1.1\r\nx: ")
    begun = time.monotonic()
    while not reader.at_eof() and time.monotonic() - begun < 10:
        writer.write(b"a")
        await asyncio.sleep(0.1)
    assert time.monotonic() - begun < HEADERS_MS / 1000 + 3
    writer.close()


async def test_a_body_that_stalls_is_given_an_end(port: int) -> None:
    """In each door's own form of a problem, and with it the connection ends."""

    async def stalls(path: str, code: bytes) -> None:
        lines = ["Content-Type: application/json", "Content-Length: 10"]
        reader, writer = await opened(port, head("POST", path, *lines, f"x-gateway-secret: {GATEWAY_SECRET}") + b"{")
        status, headers, body = await answer_of(reader)
        assert (status, headers["connection"]) == (408, "close")
        assert code in body
        assert await ended(reader) == b""
        writer.close()

    await asyncio.gather(
        stalls("/api/v1/sessions", b'"body_timeout"'),
        stalls("/fspiop/quotes", b'"errorCode":"2004"'),
        stalls("/oracle/participants/MSISDN/1", b'"errorCode":"2004"'),
        stalls("/ussd/africastalking/key", b"did not come in time"),
    )


async def test_a_body_that_drips_for_ever_is_given_an_end(port: int) -> None:
    """Each byte comes in time, the whole does not."""
    lines = ["Content-Type: application/json", "Content-Length: 1000"]
    reader, writer = await opened(port, head("POST", "/api/v1/sessions", *lines))
    begun = time.monotonic()
    answered = asyncio.create_task(answer_of(reader))
    while not answered.done() and time.monotonic() - begun < 10:
        writer.write(b" ")
        await asyncio.sleep(0.1)
    assert (await answered)[0] == 408
    writer.close()


async def test_a_slow_body_that_keeps_coming_is_read(port: int, world: World) -> None:
    document = b'{"counter_id": "00000000-0000-0000-0000-000000000000"}'
    lines = [f"Authorization: {world.maker.headers['authorization']}", "Content-Type: application/json"]
    reader, writer = await opened(port, head("POST", "/api/v1/qr/decode", *lines, f"Content-Length: {len(document)}"))
    for start in range(0, len(document), 20):
        await asyncio.sleep(0.1)
        writer.write(document[start : start + 20])
    assert (await answer_of(reader))[0] == 422
    writer.close()


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="only Linux has this time-out")
async def test_whoever_does_not_read_the_answer_is_let_go() -> None:
    """The answer is larger than what the kernels on both sides keep for the reader."""
    size = 16_000_000

    async def large(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x" * size})

    port = free_port()
    async with runtime.serving(large, "127.0.0.1", port, unread_timeout_ms=500):
        with socket.socket() as reader:
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", port))
            reader.sendall(ALIVE)
            with pytest.raises(ConnectionError):  # which is told when it is used
                async with asyncio.timeout(QUICK_S):
                    while True:
                        reader.sendall(b"x")
                        await asyncio.sleep(0.05)


async def test_a_server_of_http_2_is_not_spoken(port: int) -> None:
    """Its preface is answered with an end at once, not with waiting."""
    reader, writer = await opened(port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    await ended(reader)
    writer.close()


async def test_open_files_are_raised_as_far_as_the_connections_need() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
        assert runtime.connections_within_limits() == runtime.MAX_CONNECTIONS
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] >= runtime.MAX_CONNECTIONS
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("hard", "connections"), [(4096, 3584), (1024, 512), (100, 50), (runtime.MAX_CONNECTIONS, 3584)]
)
async def test_fewer_open_files_mean_fewer_connections_and_a_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, hard: int, connections: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (min(hard, 64), hard))
    raised: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: raised.append(limits))
    with capture_logs() as lines:
        assert runtime.connections_within_limits() == connections
    assert raised == [(hard, hard)]
    [line] = lines
    assert "LimitNOFILE" in line["told"]


async def test_a_system_without_limits_needs_no_raising(monkeypatch: pytest.MonkeyPatch) -> None:
    endless = resource.RLIM_INFINITY
    monkeypatch.setattr(resource, "getrlimit", lambda _: (endless, endless))
    assert runtime.connections_within_limits() == runtime.MAX_CONNECTIONS


# --- bodies that were cut off ----------------------------------------------------------------------------------------

FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"
# What came of a body of which more was announced, or that is no sequence of chunks.
BROKEN = {
    "shorter than announced": ("Content-Length: {longer}", b"{body}"),
    "an unfinished chunk": (CHUNKED, b"{hex}0\r\n{body}"),
    "no last chunk": (CHUNKED, b"{hex}\r\n{body}\r\n"),
    "a chunk of no length": (CHUNKED, b"{hex}\r\n{body}\r\nzz\r\n"),
    "a chunk longer than it says": (CHUNKED, b"{hex}\r\n{body}more\r\n0\r\n\r\n"),
}


def broken(how: str, path: str, body: bytes, *headers: str) -> bytes:
    line, form = BROKEN[how]
    sent = form.replace(b"{hex}", b"%x" % len(body)).replace(b"{body}", body)
    return head("POST", path, *headers, line.replace("{longer}", str(len(body) + 3))) + sent


@pytest.mark.parametrize("how", BROKEN)
async def test_a_form_that_was_cut_off_is_never_acted_upon(port: int, service: Service, how: str) -> None:
    """A gateway's step that ends at `…*1` of `…*19.50*1` asks nobody for 1."""
    step = b"sessionId=cut&serviceCode=%2A384%2A123%23&phoneNumber=%2B254733000001&text=1"
    path = gateway_path(service, "africastalking")
    status, _, body = await said(port, broken(how, path, step, FORM), cut=True)
    assert (status, b"cut off" in body) == (400, True)
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM ussd_session") == 0
    whole = head("POST", path, FORM, f"Content-Length: {len(step)}") + step
    assert (await said(port, whole))[0] == 200


@pytest.mark.parametrize("how", BROKEN)
async def test_json_that_was_cut_off_is_never_acted_upon(port: int, service: Service, world: World, how: str) -> None:
    """Neither at the API, nor the oracle, nor of the hub; nor where no body is wanted at all."""
    application = await builders.create_application(service, world.maker)
    signed_in = f"Authorization: {world.maker.headers['authorization']}"
    gate = f"x-gateway-secret: {GATEWAY_SECRET}"
    own = b'{"fspId": "greenbankfsp", "currency": "USD"}'
    for path, body, headers in (
        ("/api/v1/applications", b"{}", [signed_in, JSON, "Idempotency-Key: one"]),
        (f"/api/v1/applications/{application.id}/withdraw", b"{}", [signed_in, JSON]),
        ("/api/v1/sessions", b'{"email": "a@b.example", "password": "x"}', [JSON]),
        ("/api/v1/event-tickets", b"{}", [signed_in]),
        ("/oracle/participants/ALIAS/CUT", own, [gate, JSON]),
        ("/fspiop/quotes", b"{}", [gate, JSON]),
    ):
        status, _, answer = await said(port, broken(how, path, body, *headers), cut=True)
        assert status == 400, (path, answer)
        assert b"broke off" in answer or b"cut off" in answer, (path, answer)
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM application") == 1
        assert await tx.fetchval("SELECT count(*) FROM event_ticket") == 0
        assert await tx.fetchval("SELECT count(*) FROM alias WHERE alias = 'CUT'") == 0
        assert await tx.fetchval("SELECT state FROM application") == "draft"
