"""Connections to PostgreSQL: pools in which nobody waits without a deadline, and nobody takes every connection.

Every connect, checkout and statement has a deadline on our side, above those that the server keeps: a connection whose
network or node has gone answers nothing, not even a time-out. One that stayed silent is dropped, and so is every other
that was used last before; new ones take their place. A caller's kind (a part of the API, a door, the worker) may hold
about half of a pool, so that what waits for a locked table leaves connections to everyone else.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import weakref
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util.concurrency import greenlet_spawn

from merchant.core import poolers

CONNECT_TIMEOUT_S = 5.0
# How long a caller waits for a connection while others hold them all; gateways give up after 10 s at the earliest.
CHECKOUT_TIMEOUT_S = 2.0
# A statement that takes longer is a fault; the caller gets an error instead of waiting.
STATEMENT_TIMEOUT_S = 5.0
# Waiting longer than this for another transaction's row or table is a fault too.
LOCK_TIMEOUT_S = 2.0
# For clean-ups and other long work of the service's own, for which nobody waits; and for reading whole tables.
LONG_S = 15.0
UNHURRIED_S = 3600.0
LONG_LOCK_TIMEOUT_S = 5.0
# By so much later than the server our side gives a statement up: then the server was not heard at all.
GRACE_S = 3.0
# Ending a transaction takes no time; who does not answer to it is silent.
END_TIMEOUT_S = 2.0
# How often a connection that only listens is asked whether it is still there.
PING_EVERY_S = 5.0
# The kernel's part: an idle connection is probed after some seconds, and what is sent must be received within these.
_KEEPALIVE_IDLE_S, _KEEPALIVE_EVERY_S, _KEEPALIVE_PROBES = 10, 5, 3
_UNRECEIVED_MS = 5_000

# deadlock_detected, serialization_failure, lock_not_available, query_canceled (a statement took too long)
_CONTENTION = frozenset({"40P01", "40001", "55P03", "57014"})
# admin_shutdown, crash_shutdown, cannot_connect_now, too_many_connections; and the class 08, connection exceptions
_AWAY = frozenset({"57P01", "57P02", "57P03", "53300"})
# read_only_sql_transaction, where we asked for a transaction that writes: this server is not the primary any more.
_READ_ONLY = "25006"


class Caller:
    """Who asks for a connection: one kind of work, and how long it may wait for others of its kind."""

    def __init__(self, kind: str, wait_s: float = CHECKOUT_TIMEOUT_S) -> None:
        self.kind = kind
        self.wait_s = wait_s


# None: a test or a command, which competes with nobody.
caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


class DatabaseAway(ConnectionError):
    """The database cannot be reached, or a connection to it broke or went silent."""


class ShareTaken(Exception):
    """Others of the caller's kind hold all connections that this kind may hold."""


def is_contention(error: BaseException) -> bool:
    """Whether other transactions were in the way, so that the same work may succeed when it is repeated."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(error, (PoolTimeout, ShareTaken)) or getattr(cause, "sqlstate", None) in _CONTENTION


def is_read_only(error: BaseException) -> bool:
    """Whether the server refused a change because it takes none: it was the primary and is one no more."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) == _READ_ONLY


def is_unavailable(error: BaseException) -> bool:
    """Whether the database was not there, so that everyone who asks now is refused alike."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None) or ""
    return isinstance(cause, (DatabaseAway, asyncpg.InterfaceError)) or state in _AWAY or state.startswith("08")


def server_settings(role: str, *, read_only: bool = False) -> dict[str, str]:
    """What a connection asks of the server. `role` is SET ROLE from the first moment, and what RESET goes back to."""
    return {
        "role": role,
        "application_name": role,
        "statement_timeout": str(round(STATEMENT_TIMEOUT_S * 1000)),
        "lock_timeout": str(round(LOCK_TIMEOUT_S * 1000)),
        "default_transaction_read_only": "on" if read_only else "off",
        # A server whose client vanished gives up its locks as soon as we give up waiting.
        "tcp_keepalives_idle": str(_KEEPALIVE_IDLE_S),
        "tcp_keepalives_interval": str(_KEEPALIVE_EVERY_S),
        "tcp_keepalives_count": str(_KEEPALIVE_PROBES),
        "tcp_user_timeout": str(_UNRECEIVED_MS),
    }


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # which has no types
    """A connection that does not ask again what PostgreSQL's own types are, such as text[]: 7 ms of the server's time.

    The method is asyncpg's own, called at the first use of each type; were it renamed, every connection would ask.
    """

    behind_pooler = False  # poolers.py sets it

    async def _introspect_types(self, typeoids: Iterable[int], *deadline: Any) -> tuple[Any, Any]:
        wanted = frozenset(typeoids)
        if wanted in _BUILT_IN:
            return _BUILT_IN[wanted], _NOTHING_SENT
        found: tuple[Any, Any] = await super()._introspect_types(typeoids, *deadline)
        if max(wanted) < _ASSIGNED_OIDS_END:
            _BUILT_IN[wanted] = found[0]
        return found


# Types whose number is written in PostgreSQL's source are the same in every database of every version.
_ASSIGNED_OIDS_END = 10_000
_BUILT_IN: dict[frozenset[int], Any] = {}
_NOTHING_SENT = SimpleNamespace(name="kept")  # in place of the statement that would have asked


async def connect(*args: Any, **options: Any) -> asyncpg.Connection[Any]:
    """A connection to the primary, whose kernel notices when the other side is gone. Raises DatabaseAway."""
    options.setdefault("connection_class", _Connection)
    options.setdefault("timeout", CONNECT_TIMEOUT_S)
    options.setdefault("command_timeout", STATEMENT_TIMEOUT_S + GRACE_S)
    # A name or proxy may lead to a standby while another takes over: what it tells is old, and it stores nothing.
    options.setdefault("target_session_attrs", "primary")
    try:
        try:
            connection = await asyncpg.connect(*args, **options)
        except asyncpg.PostgresError as error:
            if error.sqlstate != poolers.NOT_UNDERSTOOD or "server_settings" not in options:
                raise
            connection = await poolers.connect_behind_one(*args, **options)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.TargetServerAttributeNotMatched) as error:
        raise DatabaseAway("no connection to the database") from error
    _keep_alive(connection)
    return connection


async def read_route(url: str) -> tuple[str | None, bool]:
    """The address at which a database is reached (None by a socket of this machine), and whether TLS guards the way.

    Raises DatabaseAway.
    """
    connection = await connect(url)
    try:
        peer = connection._transport.get_extra_info("peername")
        is_tls = await connection.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        return peer[0] if isinstance(peer, tuple) else None, bool(is_tls)
    finally:
        await connection.close()


def _keep_alive(connection: asyncpg.Connection[Any]) -> None:
    found = connection._transport.get_extra_info("socket")
    if found is None or found.family not in (socket.AF_INET, socket.AF_INET6):
        return  # a socket of this machine has nobody between its ends
    with socket.socket(found.family, socket.SOCK_STREAM, fileno=found.dup().detach()) as same:
        same.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in (
            ("TCP_KEEPIDLE", _KEEPALIVE_IDLE_S),
            ("TCP_KEEPINTVL", _KEEPALIVE_EVERY_S),
            ("TCP_KEEPCNT", _KEEPALIVE_PROBES),
            ("TCP_USER_TIMEOUT", _UNRECEIVED_MS),
        ):
            if hasattr(socket, option):  # not every system has all of them
                same.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


async def watch(connection: asyncpg.Connection[Any], channel: str) -> None:
    """Return when a connection that only listens to a channel has ended; one that stays silent is ended."""
    ended = asyncio.Event()
    connection.add_termination_listener(lambda _: ended.set())
    try:
        while not connection.is_closed():
            await connection.execute(f"LISTEN {channel}", timeout=END_TIMEOUT_S)  # once more: any question will do
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), PING_EVERY_S)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        connection.terminate()


class Silence:
    """How often a connection stayed silent: what all pools of a process learn from one."""

    def __init__(self) -> None:
        self.count = 0

    def notice(self) -> None:
        """A connection did not answer within its deadline; those that exist may be silent too."""
        self.count += 1


class _Share:
    """How many connections a kind of caller holds, and who waits for one of them."""

    def __init__(self) -> None:
        self.held = 0
        self.waiting: deque[tuple[float, asyncio.Future[bool]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, wait_s: float) -> None:
        """Wait until a holder hands over its connection; one kind always waits as long. Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[bool] = loop.create_future()
        until = loop.time() + wait_s
        self.waiting.append((until, turn))
        if self._timer is None:  # one for all who wait: a timer each would cost as much as the waiting
            self._timer = loop.call_at(until, self._give_up)
        try:
            if not await turn:
                raise TimeoutError
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.result():
                self.leave()  # it was handed over at that very moment
            raise

    def _give_up(self) -> None:
        """Send away who has waited long enough; who came first stands first, so nobody behind has waited longer."""
        self._timer = None
        loop = asyncio.get_running_loop()
        while self.waiting:
            until, turn = self.waiting[0]
            if not turn.done():
                if until > loop.time():
                    self._timer = loop.call_at(until, self._give_up)
                    return
                turn.set_result(False)
            self.waiting.popleft()

    def leave(self) -> None:
        """Hand a connection over to the next who waits."""
        while self.waiting:
            _, turn = self.waiting.popleft()
            if not turn.done():
                turn.set_result(True)
                return
        self.held -= 1


class Pool:
    """The connections of one role for one purpose; at most `size`, opened when first needed."""

    def __init__(self, url: str, role: str, size: int, silence: Silence, *, read_only: bool = False) -> None:
        self.size = size
        self.is_distributed = False  # db.py says so
        self._is_read_only = read_only
        self._silence = silence
        self._share = max(2, size // 2 - 1)
        self._kinds: dict[str, _Share] = {}
        # Given back by their callers; through SQLAlchemy's pool they go when someone waits there, which costs 25 us.
        self._idle: list[PoolProxiedConnection] = []
        self._asking = 0  # how many wait for SQLAlchemy's pool
        # Each connection, and how often silence had been noticed before it was opened.
        self._open: weakref.WeakKeyDictionary[asyncpg.Connection[Any], int] = weakref.WeakKeyDictionary()
        # AUTOCOMMIT tells SQLAlchemy to send no BEGIN of its own: db.py sends it together with the tenant in one round
        # trip, and single reads need none.
        self.engine: AsyncEngine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            isolation_level="AUTOCOMMIT",
            pool_size=size,
            max_overflow=0,
            pool_timeout=CHECKOUT_TIMEOUT_S,
            pool_use_lifo=True,
            pool_reset_on_return=None,  # db.py ends each transaction, or drops its connection
            connect_args={
                "server_settings": server_settings(role, read_only=read_only),
                "async_creator_fn": self._connect,
            },
        )

    @property
    def in_use(self) -> int:
        """How many connections are lent at this moment."""
        taken = int(self.engine.sync_engine.pool.checkedout())  # type: ignore[attr-defined]
        return taken - len(self._idle)

    @asynccontextmanager
    async def borrowed(self) -> AsyncIterator[PoolProxiedConnection]:
        """A connection, bare: SQLAlchemy's Connection around it costs three times the borrowing itself.

        Raises ShareTaken, SQLAlchemy's TimeoutError, DatabaseAway.
        """
        who = caller.get()
        share = None
        if who is not None:
            share = self._kinds.get(who.kind) or self._kinds.setdefault(who.kind, _Share())
            if share.held < self._share:
                share.held += 1
            else:
                await self._wait(share, who)
        try:
            fairy = await self._take()
            while self._is_stale(driver(fairy)):
                await drop(fairy)
                fairy = await self._take()
            try:
                yield fairy
            except (TimeoutError, asyncio.CancelledError) as error:
                # Nobody knows what its server still does.
                await drop(fairy)
                if isinstance(error, asyncio.CancelledError):
                    raise
                self._silence.notice()
                raise DatabaseAway("the database did not answer in time") from error
            except Exception as error:
                if not self._is_read_only and is_read_only(error):
                    await drop(fairy)
                    raise DatabaseAway("the database takes no changes here any more") from error
                if fairy.is_valid and not driver(fairy).is_closed():
                    raise
                raise DatabaseAway("the connection to the database broke") from error
            finally:
                if fairy.is_valid:
                    self._give_back(fairy)
        finally:
            if share is not None:
                share.leave()

    async def close(self) -> None:
        """Close all connections; where one was silent, without waiting for any to say goodbye."""
        if self._silence.count:
            for connection in list(self._open):
                connection.terminate()
        while self._idle:
            self._idle.pop().close()
        await self.engine.dispose()

    async def _take(self) -> PoolProxiedConnection:
        if self._idle:
            return self._idle.pop()
        self._asking += 1
        try:
            return await self.engine.raw_connection()
        finally:
            self._asking -= 1

    def _give_back(self, fairy: PoolProxiedConnection) -> None:
        if self._asking:
            fairy.close()  # to who waits for it; nothing is sent, so that this needs no greenlet
        else:
            self._idle.append(fairy)

    async def _connect(self, *args: Any, **options: Any) -> asyncpg.Connection[Any]:
        noticed = self._silence.count
        connection = await connect(*args, **options)
        self._open[connection] = noticed
        return connection

    async def _wait(self, share: _Share, who: Caller) -> None:
        try:
            await share.wait(who.wait_s)
        except TimeoutError:
            raise ShareTaken(f"{self._share} of {self.size} connections are held by {who.kind}") from None

    def _is_stale(self, connection: asyncpg.Connection[Any]) -> bool:
        """Whether the server has ended it, or it is as old as one that was found silent."""
        if connection.is_closed():
            return True
        noticed = self._silence.count
        return noticed > 0 and self._open.get(connection, 0) < noticed


async def drop(fairy: PoolProxiedConnection) -> None:
    """End a connection at once, without a word to the server, and never lend it again."""
    if fairy.is_valid:
        with contextlib.suppress(Exception):
            driver(fairy).terminate()
        await greenlet_spawn(fairy.invalidate)


def driver(fairy: PoolProxiedConnection) -> asyncpg.Connection[Any]:
    """asyncpg's own connection."""
    return fairy.driver_connection
