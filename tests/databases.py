"""What makes a database of its own for each test cheap: clones made beforehand, and statements compiled once.

SQLAlchemy compiles a statement once an engine, and every test opens four engines. That is a tenth of a test's time.
"""

import asyncio
import uuid
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

T = TypeVar("T")
_engines: list[Engine] = []


def make_engine(*args: Any, **options: Any) -> AsyncEngine:
    """An engine as SQLAlchemy makes it, that knows what the first of this process learned: the server, statements."""
    made = create_async_engine(*args, **options)
    engine = made.sync_engine
    known = next((one for one in _engines if one.dialect.server_version_info is not None), None)
    if known is None:
        _engines.append(engine)
        return made
    engine.dialect.initialize = lambda connection: None  # type: ignore[method-assign]  # it would ask the server again
    engine.dialect = engine.pool._dialect = known.dialect
    engine._compiled_cache = known._compiled_cache
    return made


class Clones:
    """Databases cloned from templates, over one connection in a thread beside the tests.

    The next clone is made while a test runs, and a database is dropped while the next test does.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._thread = ThreadPoolExecutor(1)
        self._loop = asyncio.Runner()
        self._connection: asyncpg.Connection[Any] | None = None
        self._next: dict[str, Future[str]] = {}
        self._dropping: list[Future[None]] = []

    def take(self, template: str) -> str:
        """A fresh clone of a template; raises what went wrong with an earlier drop."""
        for done in [one for one in self._dropping if one.done()]:
            self._dropping.remove(done)
            done.result()
        name = (self._next.pop(template, None) or self._soon(self._clone(template))).result()
        self._next[template] = self._soon(self._clone(template))
        return name

    def drop(self, name: str) -> None:
        """Drop a clone soon."""
        self._dropping.append(self._soon(self._execute(f"DROP DATABASE {name} WITH (FORCE)")))

    def close(self) -> None:
        """Wait for what is under way. Unused clones go with the server."""
        for each in (*self._next.values(), *self._dropping):
            each.result()
        if self._connection is not None:
            self._soon(self._connection.close()).result()
        self._thread.submit(self._loop.close).result()
        self._thread.shutdown()

    def _soon(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return self._thread.submit(self._loop.run, work)

    async def _clone(self, template: str) -> str:
        name = f"test_{uuid.uuid4().hex}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    async def _execute(self, sql: str) -> None:
        if self._connection is None:
            self._connection = await asyncpg.connect(self._url)
        await self._connection.execute(sql)
