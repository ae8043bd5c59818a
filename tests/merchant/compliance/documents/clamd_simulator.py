"""A simulator of clamd's INSTREAM: it knows one virus, and does what it is told instead."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.merchant.compliance.documents.samples import EICAR


class Clamd:
    """What it was sent, and what it says: its own verdict, a reply of the test's, or nothing at all."""

    def __init__(self) -> None:
        self.scanned: list[bytes] = []
        self.reply: bytes | None = None
        self.hangs_up = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One call."""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError), contextlib.closing(writer):
            assert await reader.readexactly(10) == b"zINSTREAM\0"
            if self.hangs_up:
                return
            data = b""
            while length := int.from_bytes(await reader.readexactly(4)):
                data += await reader.readexactly(length)
            self.scanned.append(data)
            verdict = b"stream: Eicar-Test-Signature FOUND" if EICAR in data else b"stream: OK"
            writer.write((verdict if self.reply is None else self.reply) + b"\0")
            await writer.drain()


@asynccontextmanager
async def running_clamd(socket: Path) -> AsyncIterator[tuple[Clamd, list[str]]]:
    """A scanner, and its two addresses: host:port, and a socket's path."""
    clamd = Clamd()
    one = await asyncio.start_server(clamd.serve, "127.0.0.1", 0)
    other = await asyncio.start_unix_server(clamd.serve, socket)
    async with one, other:
        yield clamd, [f"127.0.0.1:{one.sockets[0].getsockname()[1]}", str(socket)]
