"""Server-sent events: what happened, on the screens of those who may know, as it happens.

One LISTEN connection a process receives what events.announce notified, and hands it to the streams that are open here.
A stream that is open has missed nothing; where it might have, it ends, and the screen reconnects and reads the state
anew.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import structlog
from litestar.response import Stream

from merchant.core import clock, db, errors, ids, logs, pools, vault
from merchant.core.access import Actor, ActorKey
from merchant.core.access import Permission as P
from merchant.core.db import Tx, forget
from merchant.core.http import cookies
from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.core.http.route import Call, Filter, route
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.notify.events import LIVE_CHANNEL

TICKET_LIFE = timedelta(seconds=60)
HEARTBEAT_S = 15.0  # below the idle limit of common proxies (60 s) and phones' networks
MAX_STREAMS = 500  # of one process: each holds a socket, of which the server has 4,096
MAX_STREAMS_OF_ACTOR = 20  # a till, a phone and some forgotten tabs; nobody takes the streams of all others
MAX_LAG = 100  # events a slow screen may be behind before it is cut off
STREAM_LIFE = timedelta(hours=1)  # then the screen comes again, and signs in anew
REVIEW_S = 4.0  # how often the rights of all who listen are read again, by one statement a kind of actor
RIGHTS_KNOWN_S = 30.0  # how long rights count that could not be read again; then everyone has to come again
START_S = 10.0  # a stream that did not begin by then belongs to nobody
_log = structlog.get_logger()

_KEEP_TICKET = "INSERT INTO event_ticket (digest, actor, expires_at) VALUES ($1, $2, $3)"
_USE_TICKET = "DELETE FROM event_ticket WHERE digest = $1 RETURNING actor, expires_at"
# What the application puts into its state: those of some actors who may still act, as they are now, by their ids.
FindActors = Callable[[Collection[Actor]], Awaitable[dict[ActorKey, Actor]]]


class _Event(msgspec.Struct):
    """What events.announce sends through the database."""

    id: str
    type: str
    dfsp_id: UUID
    merchant_id: UUID | None
    data: dict[str, Any]
    counter_id: UUID | None = None


class _Screen:
    """One open stream."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()  # None is the end
        self.begun = False
        self.opened_s = time.monotonic()


class Live:
    """The open streams of this process."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._screens: set[_Screen] = set()
        self._connecting = asyncio.Lock()
        self._connection: asyncpg.Connection[Any] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._find_actors: FindActors | None = None
        self._reviewing: asyncio.Task[None] | None = None

    def stream(self, actor: Actor, find_actors: FindActors | None = None) -> AsyncIterator[bytes]:
        """Events for one screen, until it goes away, lags too far behind, might have missed one, or loses the right.

        Its place is taken at once, so that limits hold however many come together. Raises TooManyRequests.
        """
        if sum(screen.actor.id == actor.id for screen in self._screens) >= MAX_STREAMS_OF_ACTOR:
            too_many = _("You have {most} screens open; close one first.", most=MAX_STREAMS_OF_ACTOR)
            raise errors.TooManyRequests(too_many, headers={"retry-after": "30"})
        if len(self._screens) >= MAX_STREAMS:
            raise errors.TooManyRequests(
                _("Too many screens are open; try again later."), headers={"retry-after": "30"}
            )
        screen = _Screen(actor)
        self._screens.add(screen)
        self._find_actors = find_actors or self._find_actors
        if self._reviewing is None or self._reviewing.done():
            self._reviewing = asyncio.create_task(self._review())
        return self._texts(screen)

    async def _texts(self, screen: _Screen) -> AsyncIterator[bytes]:
        screen.begun = True
        ends_at = clock.now() + STREAM_LIFE
        try:
            await self._listen()
            text: bytes | None = b": open\n\n"
            while text is not None and clock.now() < ends_at:
                yield text
                text = await _next(screen)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            if db.is_unavailable(error):
                self._service.db.note_away(error)
            else:
                _log.warning("live_not_listening", error=logs.describe(error))
        finally:
            self._screens.discard(screen)

    async def close(self) -> None:
        """End all streams; a server waits for them before it stops."""
        self._end_all()
        for task in (self._watching, self._reviewing):
            if task is not None:
                task.cancel()
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
        for screen in list(self._screens):
            if not _may_hear(screen.actor, event):
                continue
            screen.queue.put_nowait(text)
            if screen.queue.qsize() >= MAX_LAG:
                self._end(screen)

    async def _review(self) -> None:
        """While anyone listens: end the streams of those who lost the right, within seconds."""
        known_s = time.monotonic()
        while self._screens:
            await asyncio.sleep(REVIEW_S)
            now_s = time.monotonic()
            self._screens -= {each for each in self._screens if not each.begun and each.opened_s < now_s - START_S}
            if self._find_actors is None:
                continue
            held = {screen.actor.key: screen.actor for screen in self._screens}
            try:
                found = await self._find_actors(held.values())
            except Exception as error:
                _log.warning("live_rights_unknown", error=logs.describe(error))
                if now_s - known_s > RIGHTS_KNOWN_S:
                    self._end_all()
                continue
            known_s = now_s
            for screen in list(self._screens):
                if screen.actor.key in held and not _still_may(screen.actor, found.get(screen.actor.key)):
                    self._end(screen)

    def _end_all(self) -> None:
        for screen in list(self._screens):
            self._end(screen)

    def _end(self, screen: _Screen) -> None:
        self._screens.discard(screen)
        screen.queue.put_nowait(None)


async def _next(screen: _Screen) -> bytes | None:
    try:
        return await asyncio.wait_for(screen.queue.get(), HEARTBEAT_S)
    except TimeoutError:
        return b": still here\n\n"


def _may_hear(actor: Actor, event: _Event) -> bool:
    """Whether an event happened where the actor may look: its DFSP, merchant, and counter, where it is bound to one."""
    return (
        actor.dfsp_id in (None, event.dfsp_id)
        and actor.merchant_id in (None, event.merchant_id)
        and actor.counter_id in (None, event.counter_id)
    )


def _still_may(held: Actor, now: Actor | None) -> bool:
    """Whether a stream that was opened with these rights may go on; changed rights need a new one."""
    return now is not None and _rights(now) == _rights(held) and P.EVENTS_READ in now.permissions


def _rights(actor: Actor) -> tuple[Any, ...]:
    return actor.dfsp_id, actor.merchant_id, actor.counter_id, actor.permissions


class Ticket(msgspec.Struct, frozen=True):
    """A ticket for one event stream."""

    ticket: str
    expires_at: Instant


@route("POST", "/api/v1/event-tickets", permission=P.EVENTS_READ, answer=Ticket, status=201, transaction=False)
async def issue_event_ticket(call: Call[None]) -> Ticket:
    """A ticket that opens one event stream within a minute, for browsers that cannot send headers."""
    ticket, expires_at = ids.secret_token(), clock.now() + TICKET_LIFE
    # Only who it is: what they may hear is read when the ticket is used.
    caller = call.actor
    owner = Actor(kind=caller.kind, id=caller.id, name="", dfsp_id=None, session_id=caller.session_id)
    async with call.service.db.system_statements() as tx:
        await tx.execute(_KEEP_TICKET, vault.token_digest(ticket), msgspec.json.encode(owner), expires_at)
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
    """Server-sent events of what the caller may see (Bearer, x-api-key, a browser's session, or ?ticket=)."""
    actor = await _listener(call)
    actor.require(P.EVENTS_READ)
    texts = call.service.shared(Live).stream(actor, call.request.app.state.find_actors)
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return Stream(texts, media_type="text/event-stream", headers=headers)


async def _listener(call: Call[None]) -> Actor:
    ticket, state = call.filters["ticket"], call.request.app.state
    if ticket is None:
        # A GET that changes nothing: a browser's cookie is enough, as for every other one.
        return await web.authenticate(state, cookies.with_session(call.request.headers, call.service.settings))
    async with call.service.db.system_statements() as tx:
        row = await tx.fetchrow(_USE_TICKET, vault.token_digest(ticket))
    if row is None or row["expires_at"] <= clock.now():
        raise errors.NotSignedIn(_("The ticket was used or has expired; get a new one."))
    owner = msgspec.json.decode(row["actor"], type=Actor)
    found: dict[ActorKey, Actor] = await state.find_actors([owner])
    if owner.key not in found:
        raise errors.NotSignedIn(_("The ticket was used or has expired; get a new one."))
    return found[owner.key]


async def prune(tx: Tx, limit: int) -> int:
    """Forget tickets that nobody used in time; the number forgotten, at most `limit`."""
    return await forget(tx, "event_ticket", "digest", "expires_at", clock.now(), limit)


ROUTES = [issue_event_ticket, stream_events]
