"""HTTP written byte by byte: what no client library would send."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from merchant.core.http.incoming import BodyLimits
from merchant.core.service import Service
from merchant.programs import runtime
from merchant.programs.app import with_doors
from tests.apps import app_on
from tests.merchant.demo.simulator.conftest import free_port

QUICK_S = 10.0
# Short enough for a test, long enough for a busy machine to answer within.
HEADERS_MS = 2_000
LIMITS = BodyLimits(stall_s=1.0, whole_s=2.0)

Wires = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def served(
    service: Service, limits: BodyLimits = LIMITS, headers_timeout_ms: int = HEADERS_MS
) -> AsyncIterator[int]:
    """The whole application on a port, with short time-outs."""
    port = free_port()
    app = with_doors(app_on(service), limits)
    async with runtime.serving(app, "127.0.0.1", port, headers_timeout_ms=headers_timeout_ms):
        yield port


async def opened(port: int, text: bytes = b"") -> Wires:
    """A connection on which some bytes were sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(text)
    return reader, writer


def head(method: str, path: str, *headers: str) -> bytes:
    """A request's line and headers, with a Host."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers, "", ""]).encode()


async def answer_of(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    """Status, headers in lower case, and body of one answer."""
    async with asyncio.timeout(QUICK_S):
        raw = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rest = raw.strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in rest)}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    found = re.match(r"HTTP/1\.[01] (\d{3})", line)
    assert found, line
    return int(found[1]), headers, body


async def said(port: int, text: bytes, *, cut: bool = False) -> tuple[int, dict[str, str], bytes]:
    """The answer to these bytes; `cut` ends our side of the connection after them."""
    reader, writer = await opened(port, text)
    try:
        if cut:
            writer.write_eof()
        return await answer_of(reader)
    finally:
        writer.close()


async def ended(reader: asyncio.StreamReader) -> bytes:
    """What came until the other side closed the connection."""
    async with asyncio.timeout(QUICK_S):
        return await reader.read()
