"""Server-sent events: what happened, on the screens of those who may know, as it happens.

One LISTEN connection a process receives what events.announce notified, and hands it to the streams that are open here.
A stream that is open has missed nothing; where it might have, it ends, and the screen reconnects and reads the state
anew.
"""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import structlog
from litestar.response import Stream

from merchant.core import clock, db, errors, ids, logs, pools, vault
from merchant.core.access import Actor
from merchant.core.access import Permission as P
from merchant.core.db import Tx, forget
from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.core.http.route import Call, Filter, route
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.notify.events import LIVE_CHANNEL

TICKET_LIFE = timedelta(seconds=60)
HEARTBEAT_S = 15.0  # below the idle limit of common proxies (60 s) and phones' networks
MAX_STREAMS = 500  # of one process: each holds a socket
MAX_LAG = 100  # events a slow screen may be behind before it is cut off
STREAM_LIFE = timedelta(hours=1)  # then the screen comes again, and its right to read is looked at anew
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


Queue = asyncio.Queue[bytes | None]  # None is the end


class Live:
    """The open streams of this process."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._streams: dict[Queue, Actor] = {}
        self._connecting = asyncio.Lock()
        self._connection: asyncpg.Connection[Any] | None = None
        self._watching: asyncio.Task[None] | None = None

    async def stream(self, actor: Actor) -> AsyncIterator[bytes]:
        """Events for one screen, until it goes away, lags too far behind, or might have missed one."""
        queue: Queue = asyncio.Queue()
        self._streams[queue] = actor
        ends_at = clock.now() + STREAM_LIFE
        try:
            await self._listen()
            text: bytes | None = b": open\n\n"
            while text is not None and clock.now() < ends_at:
                yield text
                text = await _next(queue)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if db.is_unavailable(error):
                self._service.db.note_away(error)
            else:
                _log.warning("live_not_listening", error=logs.describe(error))
        finally:
            self._streams.pop(queue, None)

    def is_full(self) -> bool:
        """Whether this process holds as many streams as it may."""
        return len(self._streams) >= MAX_STREAMS

    async def close(self) -> None:
        """End all streams; a server waits for them before it stops."""
        self._end_all()
        if self._watching is not None:
            self._watching.cancel()
        if self._connection is not None:
            self._connection.terminate()

    async def _listen(self) -> None:
        """Make sure that what is announced from now on is heard."""
        async with self._connecting:
            if self._connection is None or self._connection.is_closed():
                connection = await self._service.db.listener()
                connection.add_termination_listener(lambda _: self._end_all())
                await connection.add_listener(LIVE_CHANNEL, lambda *heard: self._hand_out(heard[3]))
                self._connection = connection
                # One that went silent ends here, and the streams with it: their screens come again.
                self._watching = asyncio.create_task(pools.watch(connection, LIVE_CHANNEL))

    def _hand_out(self, payload: Any) -> None:
        event = msgspec.json.decode(payload, type=_Event)
        text = b"id: %s\nevent: %s\ndata: %s\n\n" % (
            event.id.encode(),
            event.type.encode(),
            msgspec.json.encode({"id": event.id, "type": event.type, "data": event.data}),
        )
        for queue, actor in list(self._streams.items()):
            if not _may_hear(actor, event):
                continue
            queue.put_nowait(text)
            if queue.qsize() >= MAX_LAG:
                self._end(queue)

    def _end_all(self) -> None:
        for queue in list(self._streams):
            self._end(queue)

    def _end(self, queue: Queue) -> None:
        self._streams.pop(queue, None)
        queue.put_nowait(None)


async def _next(queue: Queue) -> bytes | None:
    try:
        return await asyncio.wait_for(queue.get(), HEARTBEAT_S)
    except TimeoutError:
        return b": still here\n\n"


def _may_hear(actor: Actor, event: _Event) -> bool:
    return actor.dfsp_id in (None, event.dfsp_id) and actor.merchant_id in (None, event.merchant_id)


class Ticket(msgspec.Struct, frozen=True):
    """A ticket for one event stream."""

    ticket: str
    expires_at: Instant


@route("POST", "/api/v1/event-tickets", permission=P.EVENTS_READ, answer=Ticket, status=201, transaction=False)
async def issue_event_ticket(call: Call[None]) -> Ticket:
    """A ticket that opens one event stream within a minute, for browsers that cannot send headers."""
    ticket, expires_at = ids.secret_token(), clock.now() + TICKET_LIFE
    async with call.service.db.system_statements() as tx:
        await tx.execute(_KEEP_TICKET, vault.token_digest(ticket), msgspec.json.encode(call.actor), expires_at)
    return Ticket(ticket, clock.rfc3339(expires_at))


@route(
    "GET",
    "/api/v1/events",
    public=True,
    streams=True,
    media=("text/event-stream",),
    filters=(Filter("ticket", "A ticket from POST /api/v1/event-tickets."),),
    raises=(errors.NotAllowed, errors.TooManyRequests),
)
async def stream_events(call: Call[None]) -> Stream:
    """Server-sent events of what the caller may see (Bearer, x-api-key, or ?ticket=)."""
    live = call.service.shared(Live)
    actor = await _listener(call)
    actor.require(P.EVENTS_READ)
    if live.is_full():
        raise errors.TooManyRequests(_("Too many screens are open; try again later."), headers={"retry-after": "30"})
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(live.stream(actor), media_type="text/event-stream", headers=headers)


async def _listener(call: Call[None]) -> Actor:
    ticket = call.filters["ticket"]
    if ticket is None:
        return await web.authenticate(call.request.app.state, call.request.headers)
    async with call.service.db.system_statements() as tx:
        row = await tx.fetchrow(_USE_TICKET, vault.token_digest(ticket))
    if row is None or row["expires_at"] <= clock.now():
        raise errors.NotSignedIn(_("The ticket was used or has expired; get a new one."))
    return msgspec.json.decode(row["actor"], type=Actor)


async def prune(tx: Tx, limit: int) -> int:
    """Forget tickets that nobody used in time; the number forgotten, at most `limit`."""
    return await forget(tx, "event_ticket", "digest", "expires_at", clock.now(), limit)


ROUTES = [issue_event_ticket, stream_events]
