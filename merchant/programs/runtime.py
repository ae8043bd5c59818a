"""Running the service: its database, its port, its server and its worker, in one process that stops cleanly.

Used by every command that needs the database. The embedded database stops with the last program that uses it, and
the port is checked before the server takes it (granian shares ports silently).
"""

import asyncio
import contextlib
import errno
import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NoReturn

import structlog
import uvloop
from granian._granian import ListenerSpec
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

import merchant.migrations.schema  # noqa: F401 - every table, since foreign keys name tables of other slices
from merchant import migrations
from merchant.core import postgres
from merchant.core.errors import OperatorProblem
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from merchant.programs.rotation import adopt_canary

_START_TIMEOUT_S = 10.0
# Connections held at once. Each is a file of the process and about 10 kB of memory; further ones wait in the kernel's
# queue of the same length (which the kernel may cut to net.core.somaxconn).
MAX_CONNECTIONS = 4096
# From when a connection opens, or its last answer ended, until the headers of its next request are whole. A phone on a
# bad network needs seconds; and it is how long a silent connection takes the place of another.
HEADERS_TIMEOUT_MS = 10_000
# How long what we sent may stay unread. The server itself waits for its readers for ever, each in the place of another.
UNREAD_TIMEOUT_MS = 30_000
# Files beside connections: the pools of the database, calls to the hub and to webhooks, libraries.
_OTHER_FILES = 512
_log = structlog.get_logger()


class PortTaken(OperatorProblem):
    """Another program listens on the port."""


class BadHost(OperatorProblem):
    """The service cannot listen on this address."""


class NothingInstalled(OperatorProblem):
    """There is no database yet."""


@contextmanager
def open_database(settings: Settings, *, make: bool = False) -> Iterator[str]:
    """The database's URL: the external one, else the embedded one's, started or joined.

    Only with `make` is an embedded one made where there is none. Raises NothingInstalled, NoPostgres, StartFailed.
    """
    if settings.database_url:
        yield settings.database_url
        return
    folder = settings.data_dir / "postgres"
    if not make and not postgres.is_made(folder):
        raise NothingInstalled(
            f"Nothing is installed in {settings.data_dir}: run `merchant seed`, or set MERCHANT_DATABASE_URL or"
            " MERCHANT_DATA_DIR to where it is."
        )
    with postgres.start(folder) as running:
        yield running.url()


@asynccontextmanager
async def ready_service(settings: Settings, database_url: str, *, migrate: bool = False) -> AsyncIterator[Service]:
    """A service on a database with a schema that this program can work with; with `migrate` it is brought up to date.

    Raises SchemaBehind, SchemaAhead, NoSecretKey, BadSecretKey, UnsafeRole, NoDatabase.
    """
    if migrate:
        schema = await migrations.upgrade(database_url, roles_of(settings))
    else:
        schema = await migrations.read_schema(database_url, roles_of(settings))
    migrations.check_schema(schema)
    if schema.is_ahead:
        _log.warning("schema_ahead", advice="This database is newer than this program.", revision=schema.revision)
    async with open_service(settings, database_url) as service:
        await adopt_canary(service)
        yield service


def roles_of(settings: Settings) -> migrations.Roles:
    """What the database's roles are called here."""
    return migrations.Roles(settings.database_app_role, settings.database_system_role)


def bind_address(host: str, port: int, setting: str = "MERCHANT_PORT") -> str:
    """The IP address that a host stands for, on which the port is free.

    Raises PortTaken when someone listens there already, BadHost when it is no address of this machine.
    """
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except OSError as error:
        raise BadHost(f"MERCHANT_HOST={host} is no host that is known here: {error.strerror}.") from None
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Sockets of ended connections linger for a minute; only a living listener is in the way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(place)
        except OSError as error:
            raise _not_bound(error, host, port, setting) from None
    return str(place[0])


def _not_bound(error: OSError, host: str, port: int, setting: str) -> OperatorProblem:
    if error.errno == errno.EADDRINUSE:
        return PortTaken(f"Port {port} on {host} is taken ({error.strerror}); stop the other program or set {setting}.")
    if error.errno == errno.EACCES:
        return BadHost(f"Port {port} may be opened by root only; set {setting} to one from 1024 on.")
    return BadHost(
        f"{host} is no address of this machine ({error.strerror}); set MERCHANT_HOST to one of its own, to 0.0.0.0 for"
        " all of them, or leave it out for 127.0.0.1."
    )


@asynccontextmanager
async def serving(
    app: Any,
    host: str,
    port: int,
    *,
    headers_timeout_ms: int = HEADERS_TIMEOUT_MS,
    unread_timeout_ms: int = UNREAD_TIMEOUT_MS,
) -> AsyncIterator[None]:
    """Serve an ASGI application inside this event loop until the block ends."""
    bound = bind_address(host, port)
    connections = connections_within_limits()
    server = _Server(
        app,
        address=bound,
        port=port,
        interface=Interfaces.ASGI,
        websockets=False,
        log_enabled=False,
        # Only HTTP/1.1, as gateways speak it to services: to tell the versions apart granian waits for the first bytes
        # without a time-out, and silent connections would stay for ever.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=headers_timeout_ms),
        backlog=connections,
        backpressure=connections,
    )
    server.unread_timeout_ms = unread_timeout_ms
    task = asyncio.create_task(server.serve())
    try:
        await _listening(bound, port, task)
        yield
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        with contextlib.suppress(asyncio.CancelledError):
            await task


class _Server(Server):
    """Granian's server on a listening socket with options of ours, which its connections inherit."""

    unread_timeout_ms = UNREAD_TIMEOUT_MS

    def _init_shared_socket(self) -> None:
        if not hasattr(socket, "TCP_USER_TIMEOUT"):  # only Linux has it
            super()._init_shared_socket()  # type: ignore[no-untyped-call]
            return
        holder: Any = ListenerSpec(self.bind_addr, self.bind_port, self.backlog).build()
        self._shd = holder
        with socket.socket(fileno=os.dup(holder.get_fd())) as listener:
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, self.unread_timeout_ms)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)


def connections_within_limits() -> int:
    """How many connections the process may hold: MAX_CONNECTIONS, or fewer where the system allows too few files.

    The soft limit of open files is raised as far as needed; only its hard limit is in the way.
    """
    wanted = MAX_CONNECTIONS + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed >= wanted:
        return MAX_CONNECTIONS
    connections = max(allowed - _OTHER_FILES, allowed // 2)
    _log.warning(
        "few_open_files",
        told=f"Fewer visitors at once: allow the process {wanted} open files (ulimit -n, or systemd's LimitNOFILE).",
        open_files=allowed,
        connections=connections,
    )
    return connections


async def _listening(host: str, port: int, task: asyncio.Task[None]) -> None:
    deadline = asyncio.get_running_loop().time() + _START_TIMEOUT_S
    while True:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            if task.done() or asyncio.get_running_loop().time() > deadline:
                raise RuntimeError(f"The server did not start on {host}:{port}.") from None
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a program's main coroutine until it ends, or until Ctrl-C or SIGTERM cancels it."""
    with contextlib.suppress(asyncio.CancelledError, KeyboardInterrupt):
        uvloop.run(_cancelled_by_signals(main))


def leave(status: int = 0) -> NoReturn:
    """End the process now, as the last act of a program that has served and has closed what it opened.

    A thread of granian may still wind down; when the interpreter goes first, that thread aborts the process (SIGABRT),
    and its exit status would tell of a failure that never was.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


async def _cancelled_by_signals(main: Coroutine[Any, Any, None]) -> None:
    task = asyncio.create_task(main)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, task.cancel)
    await task


async def forever() -> None:
    """Wait until cancelled; what was loaded until now stays, so the garbage collector need not look at it again."""
    gc.collect()
    gc.freeze()
    await asyncio.Event().wait()
