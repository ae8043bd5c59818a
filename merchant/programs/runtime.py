"""Running the service: its database, its port, its server and its worker, in one process that stops cleanly.

Used by every command that needs the database. The embedded database stops with the last program that uses it, and
the port is checked before the server takes it (granian shares ports silently).
"""

import asyncio
import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, NoReturn

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

import merchant.migrations.schema  # noqa: F401 - every table, since foreign keys name tables of other slices
from merchant import migrations
from merchant.core import postgres
from merchant.core.errors import OperatorProblem
from merchant.core.service import Service, open_service
from merchant.core.settings import Settings, with_secret_key

_START_TIMEOUT_S = 10.0


class PortTaken(OperatorProblem):
    """Another program listens on the port."""


@contextmanager
def open_database(settings: Settings) -> Iterator[str]:
    """The owner's URL of the database: the external one, else the embedded one, started or joined."""
    if settings.database_url:
        yield settings.database_url
        return
    with postgres.start(settings.data_dir / "postgres") as running:
        yield running.url()


@asynccontextmanager
async def ready_service(settings: Settings, database_url: str) -> AsyncIterator[Service]:
    """A service on a migrated database."""
    await migrations.upgrade(database_url)
    async with open_service(with_secret_key(settings), database_url) as service:
        yield service


def check_port(host: str, port: int, setting: str = "MERCHANT_PORT") -> None:
    """Raise PortTaken, which names the setting to change, when someone listens there already."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        # Sockets of ended connections linger for a minute; only a living listener is in the way.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTaken(
                f"Port {port} on {host} is taken ({error.strerror}); stop the other program or set {setting}."
            ) from None


@asynccontextmanager
async def serving(app: Any, host: str, port: int) -> AsyncIterator[None]:
    """Serve an ASGI application inside this event loop until the block ends."""
    check_port(host, port)
    server = Server(app, address=host, port=port, interface=Interfaces.ASGI, websockets=False, log_enabled=False)
    task = asyncio.create_task(server.serve())
    try:
        await _listening(host, port, task)
        yield
    finally:
        server.stop()  # type: ignore[no-untyped-call]
        with contextlib.suppress(asyncio.CancelledError):
            await task


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
