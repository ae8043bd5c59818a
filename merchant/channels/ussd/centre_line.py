"""One connection to an operator's centre, by SMPP: bound as a transceiver, its steps taken and answered.

A deliver_sm is acknowledged at once and answered by a submit_sm when its step is taken: within the deadline that holds
for every gateway. smpplib blocks, and its deliver_sm has no ussd_service_op, so the units are ussd's own and the socket
is asyncio's. Nothing of what passes is logged but codes.
"""

import asyncio
import contextlib
import hashlib
import ssl
from collections import OrderedDict
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from msgspec import Struct

import ussd
from merchant.channels.ussd.door import reply_to
from merchant.channels.ussd.known_routes import KnownRoute
from merchant.channels.ussd.routes import CENTRE
from merchant.channels.ussd.steps import DEADLINE_S
from merchant.core import trace
from merchant.core.http.json import passing_problem
from merchant.core.service import Service
from ussd.gateways.smpp import units, wire
from ussd.gateways.smpp.units import Header

CONNECT_S = 10.0  # until the centre has answered our bind
ENQUIRE_S = (
    30.0  # of silence, after which we ask whether the centre is there; firewalls forget connections after minutes
)
ANSWER_S = 10.0  # for an answer to that, for the rest of a unit that has begun, and for what we send to be taken
STEPS_MAX = 200  # under way on one connection; further ones the centre may bring again
COPY_S = 60.0  # in which a unit under the same number is the same one: what a centre repeats, it repeats within these
RESEND_S, SENT_MAX = 1.0, 3  # an answer for which the centre has no room at the moment
_OK, _WRONG_COMMAND, _QUEUE_FULL, _THROTTLED, _NEVER = 0x00, 0x03, 0x14, 0x58, 0x65  # SMPP 3.4, 5.1.3
_KNOWN_MAX = 1_000  # numbers of units that are remembered, either way
_ALERT = 0x102  # the one request without an answer
_log = structlog.get_logger()


class Lost(Exception):
    """The connection is of no use any more; the text says why."""


class BindRefused(Lost):
    """The centre knows another password, or has no session left for us; the text is its code."""


class Ended(Lost):
    """A session that the centre had granted is over."""


class Centre(Struct, frozen=True):
    """Where a route's centre is, and how we bind there."""

    id: UUID
    route: KnownRoute
    url: str
    system_id: str
    password_sealed: bytes


class _Taken(Struct):
    """A unit that came, by its digest: it holds what somebody typed. And its answer."""

    digest: bytes
    at_s: float
    answer: asyncio.Task[bytes]


class _Sent(Struct):
    """An answer that the centre has not confirmed yet, and how often it was sent."""

    unit: bytes
    at_s: float
    times: int


async def hold(service: Service, centre: Centre) -> None:
    """Bind and take steps until cancelled, which ends with the steps at hand.

    Raises BindRefused, Ended, Lost, OSError.
    """
    password = service.vault.open(centre.password_sealed, CENTRE.format(id=centre.id)).decode()
    async with _connected(centre.url) as (reader, writer):
        line = Line(service, centre, reader, writer)
        await line.bind(password)
        _log.info("ussd_centre_bound", route=centre.route.name)
        try:
            await line.listen()
        except Lost as lost:
            raise Ended(str(lost)) from None
        except asyncio.CancelledError:
            await line.leave()
            raise
        finally:
            await line.close()


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    parts = urlsplit(url)
    context = ssl.create_default_context() if parts.scheme == "smpps" else None
    try:
        async with asyncio.timeout(CONNECT_S):
            reader, writer = await asyncio.open_connection(
                parts.hostname, parts.port, ssl=context, limit=units.UNIT_BYTES_MAX
            )
    except TimeoutError:
        raise Lost("the centre cannot be reached") from None
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


class Line:
    """A connection from its bind to its end.

    Steps outlive it where it breaks: what they did is done, and told at the phone's next call.
    """

    def __init__(
        self, service: Service, centre: Centre, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._service, self._centre = service, centre
        self._reader, self._writer = reader, writer
        self._gateway = ussd.GATEWAYS[wire.NAME]
        self._sequence = 0
        self._reading: asyncio.Task[tuple[Header, bytes]] | None = None
        self._at_work: set[asyncio.Task[Any]] = set()
        self._taken: OrderedDict[int, _Taken] = OrderedDict()
        self._sent: OrderedDict[int, _Sent] = OrderedDict()

    async def bind(self, password: str) -> None:
        """Raises BindRefused, Lost."""
        self._write(units.BIND_TRANSCEIVER, units.write_bind(self._centre.system_id, password))
        try:
            async with asyncio.timeout(CONNECT_S):
                header, _ = await self._read()
        except TimeoutError:
            raise Lost("no answer to the bind") from None
        if header.command not in (units.BIND_TRANSCEIVER | units.RESPONSE, units.GENERIC_NACK):
            raise Lost("the answer to the bind is none")
        if header.status != _OK or header.command == units.GENERIC_NACK:
            raise BindRefused(f"0x{header.status:02x}")

    async def listen(self) -> None:
        """Take what comes, for ever. Raises Lost."""
        while True:
            header, unit = await self._read_patiently()
            self._forget()  # often enough: a centre that is silent is asked
            if header.command == units.DELIVER_SM:
                self._deliver(header, unit)
            elif header.command == units.ENQUIRE_LINK:
                self._acknowledge(header)
            elif header.command in (units.SUBMIT_SM | units.RESPONSE, units.GENERIC_NACK):
                self._confirmed(header)
            elif header.command == units.UNBIND:
                self._acknowledge(header)
                await self._settled()
                raise Lost("the centre ended the session")
            elif not header.command & units.RESPONSE and header.command != _ALERT:
                self._writer.write(units.write_unit(units.GENERIC_NACK, header.sequence, status=_WRONG_COMMAND))
            await self._settled()

    async def leave(self) -> None:
        """Answer the steps at hand, and unbind. What comes meanwhile the centre may bring again, on another line."""
        turning_away = asyncio.create_task(self._turn_away())
        try:
            if self._at_work:
                await asyncio.wait(self._at_work, timeout=DEADLINE_S + 1)
            if not turning_away.done():
                self._write(units.UNBIND)
                await asyncio.wait({turning_away}, timeout=min(ANSWER_S, 2.0))
        finally:
            turning_away.cancel()
            await asyncio.gather(turning_away, return_exceptions=True)

    async def _turn_away(self) -> None:
        """Take no step more, until the session or the connection ends."""
        with contextlib.suppress(Lost):
            while True:
                header, _ = await self._read_patiently()
                if header.command == units.DELIVER_SM:
                    self._acknowledge(header, _THROTTLED)
                elif header.command in (units.ENQUIRE_LINK, units.UNBIND):
                    self._acknowledge(header)
                elif header.command in (units.SUBMIT_SM | units.RESPONSE, units.GENERIC_NACK):
                    self._confirmed(header)
                await self._settled()
                if header.command in (units.UNBIND, units.UNBIND | units.RESPONSE):
                    return

    async def close(self) -> None:
        """Read no more."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> tuple[Header, bytes]:
        try:
            head = await self._reader.readexactly(units.HEADER_BYTES)
            header = units.read_header(head)
            async with asyncio.timeout(ANSWER_S):
                body = await self._reader.readexactly(header.length - units.HEADER_BYTES)
        except TimeoutError:
            raise Lost("half a unit") from None
        except (asyncio.IncompleteReadError, OSError):
            raise Lost("the end of the connection") from None
        except ussd.BadStep as problem:
            raise Lost(str(problem)) from None
        return header, head + body

    async def _read_patiently(self) -> tuple[Header, bytes]:
        """The next unit; a silent centre is asked whether it is there.

        One that has begun to come when this is cancelled is the next one of the line that leaves.
        """
        reading = self._reading = self._reading or asyncio.create_task(self._read())
        done, _ = await asyncio.wait({reading}, timeout=ENQUIRE_S)
        if not done:
            self._write(units.ENQUIRE_LINK)
            done, _ = await asyncio.wait({reading}, timeout=ANSWER_S)
        if not done:
            raise Lost("no answer to enquire_link")
        self._reading = None
        return reading.result()

    def _write(self, command: int, body: bytes = b"") -> None:
        self._writer.write(units.write_unit(command, self._next(), body))

    def _next(self) -> int:
        self._sequence = self._sequence % units.SEQUENCE_MAX + 1
        return self._sequence

    def _acknowledge(self, header: Header, status: int = _OK) -> None:
        body = b"\0" if header.command == units.DELIVER_SM else b""  # a message_id, which is none
        self._writer.write(units.write_unit(header.command | units.RESPONSE, header.sequence, body, status))

    async def _settled(self) -> None:
        """Until the centre takes what we send. Raises Lost."""
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._writer.drain()
        except (TimeoutError, OSError):
            raise Lost("the centre takes nothing") from None

    def _start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(work)
        self._at_work.add(task)
        task.add_done_callback(self._at_work.discard)
        return task

    def _deliver(self, header: Header, unit: bytes) -> None:
        digest, known = hashlib.sha256(unit).digest(), self._taken.get(header.sequence)
        if known is not None and known.digest == digest:
            self._acknowledge(header)
            if known.answer.done():  # else it is to come
                self._submit(known.answer.result())
            return
        if len(self._at_work) >= STEPS_MAX:
            self._acknowledge(header, _THROTTLED)
            return
        self._taken[header.sequence] = _Taken(digest, self._now_s(), self._start(self._take(header, unit)))
        self._taken.move_to_end(header.sequence)
        if len(self._taken) > _KNOWN_MAX:
            self._taken.popitem(last=False)

    def _forget(self) -> None:
        """Drop what came and what was sent COPY_S ago: it is personal, and no copy of it comes any more."""
        both: tuple[OrderedDict[int, Any], ...] = (self._taken, self._sent)
        for kept in both:
            while kept and self._now_s() - next(iter(kept.values())).at_s >= COPY_S:
                kept.popitem(last=False)

    @staticmethod
    def _now_s() -> float:
        return asyncio.get_running_loop().time()

    async def _take(self, header: Header, unit: bytes) -> bytes:
        """Take a step and answer it; the answer, which is empty where there is none."""
        trace.start(None, None)
        answer = b""
        try:
            route, wire_route = await self._route()
            step = self._gateway.decode(ussd.Call("SMPP", body=unit), wire_route)
            self._acknowledge(header)
            answer = self._gateway.encode(step, await reply_to(self._service, route, step)).body
            self._submit(answer)
        except ussd.BadStep as problem:  # a text message, perhaps
            _log.warning("ussd_unit_refused", route=self._centre.route.name, why=str(problem))
            self._acknowledge(header, _NEVER)
        except Exception:
            _log.exception("ussd_unit_failed", route=self._centre.route.name)
        return answer

    async def _route(self) -> tuple[KnownRoute | None, ussd.Route]:
        """The route and what its units do not say; none while nothing could be read yet."""
        route = self._centre.route
        try:
            return route, await route.wire_route(self._service)
        except Exception as error:
            if passing_problem(self._service, error) is None:
                _log.exception("ussd_route_unknown")
            return None, ussd.Route()

    def _submit(self, unit: bytes, times: int = 1) -> None:
        """Send an answer; nothing where there is none."""
        if not unit or self._writer.is_closing():
            return
        sequence = self._next()
        self._sent[sequence] = _Sent(unit, self._now_s(), times)
        if len(self._sent) > _KNOWN_MAX:
            self._sent.popitem(last=False)
        self._writer.write(units.numbered(unit, sequence))

    def _confirmed(self, header: Header) -> None:
        sent = self._sent.pop(header.sequence, None)
        if header.status == _OK and header.command != units.GENERIC_NACK:
            return
        if sent is not None and sent.times < SENT_MAX and header.status in (_QUEUE_FULL, _THROTTLED):
            asyncio.get_running_loop().call_later(RESEND_S, self._submit, sent.unit, sent.times + 1)
            return
        # The session is over, mostly: the next call of the phone is told what became of it.
        _log.warning("ussd_answer_refused", route=self._centre.route.name, status=f"0x{header.status:02x}")
