"""Faults made for real: a proxy before the database that falls silent, breaks or refuses; a database server to stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qs, urlsplit

from tests.merchant.demo.simulator.conftest import free_port


class Proxy:
    """Passes bytes between clients and a database's socket, as a firewall between two machines does."""

    def __init__(self, url: str, port: int) -> None:
        self.target = url
        self._port = port
        self._flowing: set[asyncio.Event] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """The database's URL by way of the proxy."""
        parts = urlsplit(self.target)
        return f"postgresql://{parts.username}:{parts.password}@127.0.0.1:{self._port}{parts.path}"

    @property
    def connections(self) -> int:
        """How many connections pass bytes."""
        return sum(event.is_set() for event in self._flowing)

    def fall_silent(self) -> int:
        """No connection that exists passes a byte any more, nor ends; new ones work. How many there were."""
        count = self.connections
        for event in self._flowing:
            event.clear()
        return count

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client, until either side ends."""
        folder, port = (parse_qs(urlsplit(self.target).query)[name][0] for name in ("host", "port"))
        flows = asyncio.Event()
        flows.set()
        self._flowing.add(flows)
        self._writers.add(writer)
        try:
            there, back = await asyncio.open_unix_connection(f"{folder}/.s.PGSQL.{port}")
            self._writers.add(back)
            await asyncio.gather(_pass(reader, back, flows), _pass(there, writer, flows))
        except OSError:
            writer.close()
        finally:
            self._flowing.discard(flows)

    def close(self) -> None:
        """End what is left."""
        for event in self._flowing:
            event.set()
        for writer in self._writers:
            writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flows: asyncio.Event) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            await flows.wait()
            writer.write(data)
            await writer.drain()
    await flows.wait()
    writer.close()


@asynccontextmanager
async def proxy_to(url: str) -> AsyncIterator[Proxy]:
    """A proxy before a database."""
    proxy = Proxy(url, free_port())
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", proxy._port)
    try:
        yield proxy
    finally:
        server.close()
        proxy.close()
