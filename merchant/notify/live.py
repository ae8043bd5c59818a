"""Server-sent events: what happened, on the screens of those who may know, as it happens.

One LISTEN connection a process hears what events.announce notified, and hands it to the streams that are open here.
A missed event is no loss: screens read the state anew when they reconnect.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import structlog
from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.response import Stream

from merchant import clock, errors, ids, vault, web
from merchant.access import Actor
from merchant.access import Permission as P
from merchant.notify.events import LIVE_CHANNEL
from merchant.service import Service
from merchant.web import actor_of, answer, needs, service_of

Req = Request[Any, Any, State]
TICKET_LIFE = timedelta(seconds=60)
HEARTBEAT_S = 15.0  # below the idle limit of common proxies (60 s) and phones' networks
MAX_STREAMS = 500  # of one process: each holds a socket
_QUEUE = 100  # events a slow screen may lag behind before it is cut off
_log = structlog.get_logger()

_KEEP_TICKET = "INSERT INTO event_ticket (digest, actor, expires_at) VALUES ($1, $2, $3)"
_USE_TICKET = "DELETE FROM event_ticket WHERE digest = $1 RETURNING actor, expires_at"


class _Event(msgspec.Struct):
    """What events.announce sends through the database."""

    id: str
    type: str
    dfsp_id: UUID
    merchant_id: UUID | None
    data: dict[str, Any]


class Live:
    """The open streams of this process."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._streams: dict[asyncio.Queue[bytes], Actor] = {}
        self._listening: asyncio.Task[None] | None = None

    async def stream(self, actor: Actor) -> AsyncIterator[bytes]:
        """Events for one screen until it goes away. Raises TooManyRequests when this process is full."""
        queue: asyncio.Queue[bytes] = asyncio.Queue(_QUEUE)
        self._streams[queue] = actor
        if self._listening is None or self._listening.done():
            self._listening = asyncio.create_task(self._listen())
        try:
            yield b": open\n\n"
            while queue in self._streams:
                try:
                    yield await asyncio.wait_for(queue.get(), HEARTBEAT_S)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._streams.pop(queue, None)

    def is_full(self) -> bool:
        """Whether this process holds as many streams as it may."""
        return len(self._streams) >= MAX_STREAMS

    async def close(self) -> None:
        """End all streams."""
        self._streams.clear()
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening

    async def _listen(self) -> None:
        while self._streams:
            try:
                connection = await self._service.db.listener()
                lost = asyncio.Event()
                connection.add_termination_listener(lambda *_, lost=lost: lost.set())
                try:
                    await connection.add_listener(LIVE_CHANNEL, lambda *heard: self._hand_out(heard[3]))
                    await lost.wait()
                finally:
                    await connection.close(timeout=1)
            except (OSError, TimeoutError) as error:
                _log.warning("live_lost", error=str(error))
            await asyncio.sleep(1)

    def _hand_out(self, payload: Any) -> None:
        event = msgspec.json.decode(payload, type=_Event)
        text = b"id: %s\nevent: %s\ndata: %s\n\n" % (
            event.id.encode(), event.type.encode(),
            msgspec.json.encode({"id": event.id, "type": event.type, "data": event.data}),
        )  # fmt: skip
        for queue, actor in list(self._streams.items()):
            if not _may_hear(actor, event):
                continue
            try:
                queue.put_nowait(text)
            except asyncio.QueueFull:
                # A screen that lags so far behind had better reconnect and read the state anew.
                self._streams.pop(queue, None)


def _may_hear(actor: Actor, event: _Event) -> bool:
    return actor.dfsp_id in (None, event.dfsp_id) and actor.merchant_id in (None, event.merchant_id)


class Ticket(msgspec.Struct, frozen=True):
    """A ticket for one event stream."""

    ticket: str
    expires_at: str


@post("/api/v1/event-tickets", opt=needs(P.EVENTS_READ, answer=Ticket))
async def issue_ticket(request: Req) -> Response[bytes]:
    """A ticket that opens one event stream within a minute, for browsers that cannot send headers."""
    ticket, expires_at = ids.secret_token(), clock.now() + TICKET_LIFE
    async with service_of(request).db.system_reads() as tx:
        await tx.execute(_KEEP_TICKET, vault.token_digest(ticket), msgspec.json.encode(actor_of(request)), expires_at)
    return answer(Ticket(ticket, clock.rfc3339(expires_at)), 201)


@get("/api/v1/events", opt={"public": True, "streams": True})
async def read_events(request: Req) -> Stream:
    """Server-sent events of what the caller may see (Bearer, x-api-key, or ?ticket=)."""
    live: Live = request.app.state.live
    actor = await _listener(request)
    actor.require(P.EVENTS_READ)
    if live.is_full():
        raise errors.TooManyRequests("Too many screens are open; try again later.", headers={"retry-after": "30"})
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(live.stream(actor), media_type="text/event-stream", headers=headers)


async def _listener(request: Req) -> Actor:
    ticket = request.query_params.get("ticket")
    if ticket is None:
        return await web.authenticate(service_of(request), request.headers)
    async with service_of(request).db.system_reads() as tx:
        row = await tx.fetchrow(_USE_TICKET, vault.token_digest(ticket))
    if row is None or row["expires_at"] <= clock.now():
        raise errors.NotSignedIn("The ticket was used or has expired; get a new one.")
    return msgspec.json.decode(row["actor"], type=Actor)


ROUTES = [issue_ticket, read_events]
