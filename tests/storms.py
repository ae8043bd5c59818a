"""A bad network between two parties that speak HTTP: a proxy that loses, doubles, delays, refuses and breaks messages.

What happens to each message is drawn from a seeded source. `calm` ends it: from then on everything passes.
"""

import asyncio
import random
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from tests.merchant.demo.simulator.conftest import free_port

# Of a thousand messages, how many meet each fate; the others pass.
ODDS: Mapping[str, int] = {
    "lost": 25,  # never delivered; the sender's connection ends
    "answer_lost": 30,  # delivered; the sender hears nothing
    "doubled": 50,  # delivered twice, the second time at once or later
    "delayed": 100,  # delivered later, behind what was sent after it
    "unavailable": 20,  # 503, not delivered
    "unavailable_though_taken": 10,  # 503, delivered all the same
    "too_many": 8,  # 429, not delivered
    "reset": 15,  # the connection is reset, before or after it was delivered
    "cut": 12,  # delivered; the answer ends in the middle
}
LONGEST_DELAY_S = 1.5
_REFUSALS = {
    "unavailable": b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n",
    "unavailable_though_taken": b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n",
    "too_many": b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 1\r\ncontent-length: 0\r\n\r\n",
}
_Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Gone(ConnectionError):
    """The other party did not answer."""


class Storm:
    """A proxy before one port of loopback."""

    def __init__(self, target: int, chance: random.Random, odds: Mapping[str, int] = ODDS) -> None:
        self.port = free_port()
        self.fates: Counter[str] = Counter()
        self._target = target
        self._chance = chance
        self._odds = dict(odds)
        self._idle: list[_Streams] = []
        self._writers: set[asyncio.StreamWriter] = set()
        self._later: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where messages enter."""
        return f"http://127.0.0.1:{self.port}"

    def calm(self) -> None:
        """From now on everything passes; what was delayed is still to come."""
        self._odds = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The messages of one connection, one after another."""
        self._writers.add(writer)
        try:
            while not writer.is_closing():
                await self._carry(await _read_message(reader), writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def close(self) -> None:
        """End what is left."""
        for task in self._later:
            task.cancel()
        for writer in [*self._writers, *(back for _, back in self._idle)]:
            writer.close()

    def _fate(self) -> str:
        drawn = self._chance.randrange(1000)
        for fate, share in self._odds.items():
            drawn -= share
            if drawn < 0:
                return fate
        return "passed"

    async def _carry(self, message: bytes, writer: asyncio.StreamWriter) -> None:
        fate = self._fate()
        self.fates[fate] += 1
        match fate:
            case "lost":
                writer.close()
            case "answer_lost":
                await self._deliver(message)
                writer.close()
            case "doubled":
                self._deliver_later(message)
                await _write(writer, await self._deliver(message))
            case "delayed":
                await asyncio.sleep(self._chance.uniform(0.05, LONGEST_DELAY_S))
                await _write(writer, await self._deliver(message))
            case "reset":
                if self._chance.random() < 0.5:
                    await self._deliver(message)
                _reset(writer)
            case "cut":
                answer = await self._deliver(message)
                await _write(writer, answer[: self._chance.randrange(1, len(answer))])
                writer.close()
            case "passed":
                await _write(writer, await self._deliver(message))
            case _:
                if fate == "unavailable_though_taken":
                    await self._deliver(message)
                await _write(writer, _REFUSALS[fate])

    def _deliver_later(self, message: bytes) -> None:
        async def again() -> None:
            await asyncio.sleep(self._chance.choice((0, self._chance.uniform(0, LONGEST_DELAY_S))))
            with suppress(Gone):
                await self._deliver(message)

        task = asyncio.create_task(again())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _deliver(self, message: bytes) -> bytes:
        """Pass a message on; the answer. Raises Gone."""
        try:
            there, back = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self._target)
            try:
                back.write(message)
                answer = await _read_message(there)
            except BaseException:
                back.close()
                raise
        except (OSError, asyncio.IncompleteReadError) as error:
            for _, stale in self._idle:  # it was killed
                stale.close()
            self._idle.clear()
            self.fates["not_there"] += 1
            raise Gone from error
        if b"connection: close" in answer.partition(b"\r\n\r\n")[0].lower():
            back.close()
        else:
            self._idle.append((there, back))
        return answer


async def _read_message(reader: asyncio.StreamReader) -> bytes:
    """A request or an answer, whole."""
    head = await reader.readuntil(b"\r\n\r\n")
    body = b""
    for line in head.lower().split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name == b"content-length":
            body = await reader.readexactly(int(value))
        elif name == b"transfer-encoding":
            body = await reader.readuntil(b"0\r\n\r\n")
    return head + body


async def _write(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@asynccontextmanager
async def storm_before(target: int, chance: random.Random) -> AsyncIterator[Storm]:
    """A proxy before a port, which need not be served yet."""
    storm = Storm(target, chance)
    server = await asyncio.start_server(storm.serve, "127.0.0.1", storm.port)
    try:
        yield storm
    finally:
        server.close()
        await storm.close()
