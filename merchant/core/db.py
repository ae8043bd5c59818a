"""The database: three pools under two roles, and the only commit in the code base.

`tenant()` is for requests of staff, merchants and API keys: row-level security shows them one DFSP only.
`system()` is for the worker, the oracle and the hub's callbacks: every statement there names its tenant itself.
Each is one transaction: committed when the block ends, rolled back when it raises. `Tx.session` is SQLModel's
session for the registry's forms; `fetch`, `fetchrow` and `execute` run SQL text on the same connection for hot paths.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.util.concurrency import greenlet_spawn
from sqlmodel.ext.asyncio.session import AsyncSession

from merchant.core import clock
from merchant.core.audit_keys import AuditKeys
from merchant.core.errors import NotFound, OperatorProblem

APP_ROLE = "merchant_app"
SYSTEM_ROLE = "merchant_system"
# A statement that takes longer is a fault; the caller gets an error instead of waiting.
_STATEMENT_TIMEOUT_MS = 15_000
# Waiting longer than this for another transaction's row is a fault too.
_LOCK_TIMEOUT_MS = 5_000
HUB_STAFF = "hub"
# The quickest of so many answers tells the database's clock best.
_CLOCK_READINGS = 3


# deadlock_detected, serialization_failure, lock_not_available
_CONTENTION = frozenset({"40P01", "40001", "55P03"})


# invalid_parameter_value: there is no such role; insufficient_privilege: the login is no member of it
_NO_SUCH_ROLE = frozenset({"22023", "42501"})
_ROLES = """
SELECT me.rolname AS name, me.rolsuper OR me.rolbypassrls AS unsafe,
  session_user AS login, login.rolsuper OR login.rolbypassrls AS unsafe_login
FROM pg_roles me JOIN pg_roles login ON login.rolname = session_user WHERE me.rolname = current_user
"""


class UnsafeRole(OperatorProblem):
    """The database role could bypass row-level security; the service refuses to start with it."""


def is_contention(error: BaseException) -> bool:
    """Whether other transactions were in the way, so that the same work may succeed when it is repeated."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(error, PoolTimeout) or getattr(cause, "sqlstate", None) in _CONTENTION


class Reads:
    """What reads on one connection. A `Tx` writes besides."""

    def __init__(self, engine: AsyncEngine, fairy: PoolProxiedConnection) -> None:
        self._engine = engine
        self._fairy = fairy
        self._raw = _driver(fairy)
        self._session: AsyncSession | None = None

    @property
    def session(self) -> AsyncSession:
        """SQLModel's session on this transaction, made when first asked for."""
        if self._session is None:
            connection = AsyncConnection(self._engine, Connection(self._engine.sync_engine, connection=self._fairy))
            self._session = AsyncSession(connection, expire_on_commit=False)
        return self._session

    async def one(self, statement: Any) -> Any:
        """The only row of a select, as its model; the statement may lock it. Raises NotFound."""
        found = (await self.session.exec(statement)).one_or_none()
        if found is None:
            raise NotFound
        return found

    async def fetch(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        """Rows of a statement with `$1` parameters."""
        rows: list[asyncpg.Record] = await self._raw.fetch(sql, *values)
        return rows

    async def fetchrow(self, sql: str, *values: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        return await self._raw.fetchrow(sql, *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        """The first column of the first row, or None."""
        return await self._raw.fetchval(sql, *values)


class Tx(Reads):
    """One open transaction, or single statements that each commit by themselves."""

    def __init__(self, engine: AsyncEngine, fairy: PoolProxiedConnection, audit_keys: AuditKeys | None) -> None:
        super().__init__(engine, fairy)
        self._audit_keys = audit_keys

    @property
    def audit_keys(self) -> AuditKeys:
        """The keys that sign the audit record, which every operation writes without being handed them."""
        assert self._audit_keys is not None, "a Service sets them"
        return self._audit_keys

    async def flush(self) -> None:
        """Write what the session holds, so that SQL text that follows sees it."""
        if self._session is not None:
            await self._session.flush()

    async def execute(self, sql: str, *values: Any) -> int:
        """Run a statement; the number of rows it changed."""
        status = await self._raw.execute(sql, *values)
        count = status.rsplit(" ", 1)[-1]
        return int(count) if count.isdigit() else 0

    async def executemany(self, sql: str, values: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each row of values."""
        await self._raw.executemany(sql, values)


async def forget(tx: Tx, table: str, key: str, instant: str, before: datetime, limit: int) -> int:
    """Delete up to `limit` rows of a table whose `instant` lies before a time; how many there were.

    Names are the caller's constants. Some at a time, so that no statement takes long however much there is.
    """
    chosen = f"SELECT {key} FROM {table} WHERE {instant} < $1 LIMIT $2 FOR UPDATE SKIP LOCKED"  # noqa: S608
    return await tx.execute(f"DELETE FROM {table} WHERE ({key}) IN ({chosen})", before, limit)  # noqa: S608


class Database:
    """The pools. Made once per process, closed at its end."""

    def __init__(self, url: str, pool_size: int, app_role: str = APP_ROLE, system_role: str = SYSTEM_ROLE) -> None:
        self._app_role, self._system_role = app_role, system_role
        self._app = _engine(url, app_role, pool_size)
        self._system = _engine(url, system_role, pool_size)
        self._reads = _engine(url, system_role, pool_size, read_only=True)
        self.audit_keys: AuditKeys | None = None

    async def check_roles(self) -> None:
        """Refuse roles that bypass row-level security, and a login that could become one. Raises UnsafeRole."""
        names = (self._app_role, self._system_role, self._system_role)
        for engine, name in zip((self._app, self._system, self._reads), names, strict=True):
            try:
                async with _borrowed(engine) as fairy:
                    row = await Reads(engine, fairy).fetchrow(_ROLES)
            except Exception as error:
                if getattr(error, "sqlstate", None) not in _NO_SUCH_ROLE:
                    raise
                raise UnsafeRole(
                    f"The database login cannot become {name!r} ({error}): run `merchant migrate`, or have an"
                    " administrator run what `merchant database roles` prints."
                ) from None
            if row is None or row["name"] != name or row["unsafe"]:
                raise UnsafeRole(f"The database pool must run as {name!r}, without SUPERUSER or BYPASSRLS.")
        if row is not None and row["unsafe_login"]:
            raise UnsafeRole(
                f"The database login {row['login']!r} has SUPERUSER or BYPASSRLS, which row-level security does not"
                " stop: use one without, as `merchant database roles` prints."
            )

    @asynccontextmanager
    async def tenant(self, dfsp_id: UUID | None) -> AsyncIterator[Tx]:
        """A transaction that sees one DFSP's rows; None is hub staff, who see all."""
        scope = HUB_STAFF if dfsp_id is None else str(UUID(str(dfsp_id)))
        # SET LOCAL takes no parameters; the scope is a UUID's own text or a constant.
        async with _transaction(self._app, f"BEGIN; SET LOCAL app.dfsp_id = '{scope}'", self.audit_keys) as tx:
            yield tx

    @asynccontextmanager
    async def system(self) -> AsyncIterator[Tx]:
        """A transaction of the service itself."""
        async with _transaction(self._system, "BEGIN", self.audit_keys) as tx:
            yield tx

    @asynccontextmanager
    async def system_statements(self) -> AsyncIterator[Tx]:
        """Single statements of the service itself that may change rows: each its own transaction, one round trip."""
        async with _borrowed(self._system) as fairy:
            yield Tx(self._system, fairy, self.audit_keys)

    @asynccontextmanager
    async def system_reads(self) -> AsyncIterator[Reads]:
        """Single reads of the service itself, one round trip each; the database refuses to change anything."""
        async with _borrowed(self._reads) as fairy:
            yield Reads(self._reads, fairy)

    async def read_clock(self) -> float:
        """Follow the database's clock; how many seconds this machine's clock is ahead of it."""
        readings = []
        async with self.system_reads() as tx:
            for _ in range(_CLOCK_READINGS):
                asked_s = time.monotonic()
                instant = await tx.fetchval("SELECT clock_timestamp()")
                took_s, ours = time.monotonic() - asked_s, clock.machine()
                readings.append((took_s, instant, asked_s + took_s / 2, ours))
        took_s, instant, at_s, ours = min(readings)
        clock.follow(instant, at_s)
        return float((ours - instant).total_seconds()) - took_s / 2

    async def listener(self) -> asyncpg.Connection[Any]:
        """A connection of its own, outside the pools, for LISTEN. The caller closes it."""
        url = self._system.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return await asyncpg.connect(url, server_settings=_server_settings(self._system_role))

    async def close(self) -> None:
        """Close the pools."""
        await self._app.dispose()
        await self._system.dispose()
        await self._reads.dispose()


def _server_settings(role: str, *, read_only: bool = False) -> dict[str, str]:
    # `role` as a start-up setting is SET ROLE from the first moment on, and what RESET goes back to.
    return {
        "role": role,
        "application_name": role,
        "statement_timeout": str(_STATEMENT_TIMEOUT_MS),
        "lock_timeout": str(_LOCK_TIMEOUT_MS),
        "default_transaction_read_only": "on" if read_only else "off",
    }


def _engine(url: str, role: str, pool_size: int, *, read_only: bool = False) -> AsyncEngine:
    # AUTOCOMMIT tells SQLAlchemy to send no BEGIN of its own: `_transaction` sends it together with the tenant
    # in one round trip, and single reads need none.
    return create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        isolation_level="AUTOCOMMIT",
        pool_size=pool_size,
        max_overflow=0,
        pool_use_lifo=True,
        connect_args={"server_settings": _server_settings(role, read_only=read_only)},
    )


@asynccontextmanager
async def _transaction(engine: AsyncEngine, begin: str, audit_keys: AuditKeys | None) -> AsyncIterator[Tx]:
    async with _borrowed(engine) as fairy:
        tx = Tx(engine, fairy, audit_keys)
        try:
            await tx.execute(begin)
            yield tx
            await tx.flush()
            await tx.execute("COMMIT")
        except BaseException:
            await _roll_back(fairy)
            raise


@asynccontextmanager
async def _borrowed(engine: AsyncEngine) -> AsyncIterator[PoolProxiedConnection]:
    """A connection of the pool, bare: SQLAlchemy's Connection around it costs three times the borrowing itself."""
    fairy = await engine.raw_connection()
    try:
        if _driver(fairy).is_closed():
            # The server ended it while it lay in the pool.
            await greenlet_spawn(fairy.invalidate)
            fairy = await engine.raw_connection()
        yield fairy
    finally:
        if fairy.is_valid:
            await greenlet_spawn(fairy.close)


async def _roll_back(fairy: PoolProxiedConnection) -> None:
    try:
        await _driver(fairy).execute("ROLLBACK")
    except Exception:
        # A connection that cannot roll back must never be lent to the next request.
        await greenlet_spawn(fairy.invalidate)


def _driver(fairy: PoolProxiedConnection) -> asyncpg.Connection[Any]:
    return fairy.driver_connection
