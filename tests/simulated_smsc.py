"""A simulator of an SMSC: it speaks SMPP 3.4 on a socket, byte by byte, answers as a test asks, and has phones.

It shares no code with what it tests: units are taken apart here with `struct` alone.
"""

import asyncio
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

BIND_TRANSMITTER, SUBMIT, DELIVER, UNBIND, BIND_TRANSCEIVER, ENQUIRE = 2, 4, 5, 6, 9, 0x15
RESPONSE = 0x8000_0000
OK, INVALID_DESTINATION, INVALID_PASSWORD, QUEUE_FULL, THROTTLED = 0, 0x0B, 0x0E, 0x14, 0x58
USSD_OP, ITS_SESSION_INFO = 0x0501, 0x1383
SILENT, CUT = -1, -2  # instead of a status: no answer, and the end of the connection


@dataclass(frozen=True)
class Submitted:
    """One submit_sm: who, to whom, how and what."""

    source: tuple[int, int, str]
    destination: tuple[int, int, str]
    esm_class: int
    data_coding: int
    message: bytes
    sequence: int = 0
    tlvs: dict[int, bytes] = field(default_factory=dict)

    @property
    def screen(self) -> tuple[str, bool]:
        """Of a USSD answer in ASCII: the screen, and whether it is the last."""
        return self.message.decode(), {b"\x02": False, b"\x11": True}[self.tlvs[USSD_OP]]


@dataclass
class Smsc:
    """What came, and what is answered: `answers` in turn to submissions, then OK."""

    port: int = 0
    password: str = "s3cret"
    binds: list[tuple[int, str, str]] = field(default_factory=list)
    submitted: list[Submitted] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    on_bind: int = OK
    is_replacing: bool = False  # a bind ends the session that was there
    bound_at_s: list[float] = field(default_factory=list)
    heard: list[tuple[int, int]] = field(default_factory=list)  # command and sequence of everything
    held: list[bytes] = field(default_factory=list)  # answers that SILENT kept back
    lines: list[asyncio.StreamWriter] = field(default_factory=list)
    delivered: dict[int, int] = field(default_factory=dict)  # statuses of our deliver_sm, by their numbers
    news: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.lines.append(writer)
        try:
            while True:
                length, command, status, sequence = struct.unpack(">4I", await reader.readexactly(16))
                if command == DELIVER | RESPONSE:
                    self.delivered[sequence] = status
                self._take(writer, command, sequence, await reader.readexactly(length - 16))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _take(self, writer: asyncio.StreamWriter, command: int, sequence: int, body: bytes) -> None:
        self.heard.append((command, sequence))
        self.news.set()
        if command in (BIND_TRANSMITTER, BIND_TRANSCEIVER):
            user, password, _ = body.split(b"\0", 2)
            self.binds.append((command, user.decode(), password.decode()))
            self.bound_at_s.append(asyncio.get_running_loop().time())
            for line in self.lines if self.is_replacing else ():
                if line is not writer and line.transport is not None:
                    line.transport.abort()
            status = self.on_bind if password.decode() == self.password else INVALID_PASSWORD
            self._answer(writer, command, status, sequence, b"smsc\0")
        elif command == SUBMIT:
            self.submitted.append(_submitted(body, sequence))
            self._answer(writer, command, self.answers.pop(0) if self.answers else OK, sequence, b"id\0")
        elif not command & RESPONSE:
            self._answer(writer, command, OK, sequence, b"")

    def _answer(self, writer: asyncio.StreamWriter, command: int, status: int, sequence: int, body: bytes) -> None:
        if status == CUT:
            assert writer.transport is not None
            writer.transport.abort()
        elif status == SILENT:
            self.held.append(unit(command | RESPONSE, OK, sequence, body))
        else:
            writer.write(unit(command | RESPONSE, status, sequence, b"" if status else body))

    def say(self, raw: bytes) -> None:
        """Send something on the newest connection."""
        self.lines[-1].write(raw)

    async def until(self, true: Callable[[], object], within_s: float = 10.0) -> None:
        """Wait until something is so, which changes when a unit comes."""
        async with asyncio.timeout(within_s):
            while not true():
                self.news.clear()
                await self.news.wait()

    def deliver(self, sequence: int, operation: int, text: str, reference: int, phone: str = "254733000001") -> None:
        """What a phone typed, as USSD, on the newest connection."""
        self.say(unit(DELIVER, OK, sequence, ussd_body(operation, text, reference, phone)))

    async def answer_to(self, sequence: int, operation: int, text: str, reference: int, **given: str) -> Submitted:
        """The same, and what the application answers."""
        before = len(self.submitted)
        self.deliver(sequence, operation, text, reference, **given)
        await self.until(lambda: len(self.submitted) > before)
        return self.submitted[before]

    def let_go(self) -> None:
        """Send the answers that were kept back."""
        self.say(b"".join(self.held))
        self.held.clear()


def unit(command: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    """A unit: header and body."""
    return struct.pack(">4I", 16 + len(body), command, status, sequence) + body


def ussd_body(operation: int, text: str, reference: int, phone: str) -> bytes:
    """The body of a deliver_sm of USSD: to the code 384, in ASCII."""
    addresses = b"\x01\x01" + phone.encode() + b"\0" + b"\x00\x01" + b"384\0"
    tlvs = struct.pack(">HHB", USSD_OP, 1, operation) + struct.pack(">HHH", ITS_SESSION_INFO, 2, reference)
    return b"USSD\0" + addresses + bytes(9) + bytes([len(text)]) + text.encode() + tlvs


def _submitted(body: bytes, sequence: int) -> Submitted:
    _service, rest = body.split(b"\0", 1)
    source, rest = _address(rest)
    destination, rest = _address(rest)
    esm_class, _protocol, _priority = rest[:3]
    _schedule, _validity, rest = rest[3:].split(b"\0", 2)
    _registered, _replace, data_coding, _default, length = rest[:5]
    message, rest, tlvs = rest[5 : 5 + length], rest[5 + length :], {}
    assert len(message) == length
    while rest:
        tag, size = struct.unpack(">HH", rest[:4])
        tlvs[tag], rest = rest[4 : 4 + size], rest[4 + size :]
    return Submitted(source, destination, esm_class, data_coding, message, sequence, tlvs)


def _address(body: bytes) -> tuple[tuple[int, int, str], bytes]:
    text, rest = body[2:].split(b"\0", 1)
    return (body[0], body[1], text.decode()), rest


@asynccontextmanager
async def listening(tls: ssl.SSLContext | None = None) -> AsyncIterator[Smsc]:
    """An SMSC on a free port of loopback."""
    smsc = Smsc()
    server = await asyncio.start_server(smsc.serve, "127.0.0.1", 0, ssl=tls)
    try:
        smsc.port = server.sockets[0].getsockname()[1]
        yield smsc
    finally:
        server.close()
        for line in smsc.lines:
            line.close()
