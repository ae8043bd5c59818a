"""The database: three pools under two roles, and the only commit in the code base.

`tenant()` is for requests of staff, merchants and API keys: row-level security shows them one DFSP only.
`system()` is for the worker, the oracle and the hub's callbacks: every statement there names its tenant itself.
Each is one transaction: committed when the block ends, rolled back when it raises. `Tx.session` is SQLModel's
session for the registry's forms; `fetch`, `fetchrow` and `execute` run SQL text on the same connection for hot paths.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import PoolProxiedConnection
from sqlmodel.ext.asyncio.session import AsyncSession

from merchant.core import clock, database_roles, logs, pools
from merchant.core.audit_keys import AuditKeys
from merchant.core.database_roles import UnsafePooler, UnsafeRole
from merchant.core.errors import NotFound
from merchant.core.lane_sql import Routed
from merchant.core.pools import Pool, Silence, is_contention, is_unavailable
from merchant.core.vault import Vault

__all__ = ["Database", "Reads", "Tx", "UnsafePooler", "UnsafeRole", "forget", "is_contention", "is_unavailable"]

APP_ROLE = "merchant_app"
SYSTEM_ROLE = "merchant_system"
HUB_STAFF = "hub"
# The quickest of so many answers tells the database's clock best.
_CLOCK_READINGS = 3

# Requests of machines and people look up who calls, and the hub who serves a number: most of all calls, each one short
# statement. They have connections of their own, half as many, so that nothing slower is in their way.
_LOOK_UPS_SHARE = 2
# While the database is away, the log says so once in this time instead of once a refused request.
_AWAY_TOLD_EVERY_S = 60.0
# A database that takes longer to answer one row of its catalogue is not well.
_PROBE_TIMEOUT_S = 1.0
_log = structlog.get_logger()


class Reads:
    """What reads on one connection. A `Tx` writes besides. `deadline_s` of a statement, unless it is the usual one."""

    def __init__(self, pool: Pool, fairy: PoolProxiedConnection, deadline_s: float | None = None) -> None:
        self._engine = pool.engine
        self._fairy = fairy
        self._raw: Any = pools.driver(fairy)
        self.is_distributed = pool.is_distributed
        if pool.is_distributed:
            self._raw = Routed(self._raw, None)
        self._deadline_s = deadline_s
        self._session: AsyncSession | None = None

    def enter_lane(self, dfsp_id: UUID | None) -> None:
        """What follows is about rows of this DFSP alone: where tables lie on several machines, one of them is asked."""
        if self.is_distributed:
            self._raw.lane = dfsp_id

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
        rows: list[asyncpg.Record] = await self._raw.fetch(sql, *values, timeout=self._deadline_s)
        return rows

    async def fetchrow(self, sql: str, *values: Any) -> asyncpg.Record | None:
        """The first row, or None."""
        return await self._raw.fetchrow(sql, *values, timeout=self._deadline_s)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        """The first column of the first row, or None."""
        return await self._raw.fetchval(sql, *values, timeout=self._deadline_s)


class _Lazy(Reads):
    """Reads whose connection is borrowed at the first statement."""

    def __init__(self, stack: AsyncExitStack, pool: Pool) -> None:
        self._stack, self._pool = stack, pool
        self._reads: Reads | None = None
        self._lane: UUID | None = None
        self.is_distributed = pool.is_distributed

    def enter_lane(self, dfsp_id: UUID | None) -> None:
        """As `Reads.enter_lane`, also before there is a connection."""
        self._lane = dfsp_id
        if self._reads is not None:
            self._reads.enter_lane(dfsp_id)

    @property
    def session(self) -> AsyncSession:
        """None: a session needs its connection when it is made."""
        raise RuntimeError("reads that borrow their connection late have no session: read by SQL text")

    async def _borrow(self) -> Reads:
        if self._reads is None:
            self._reads = Reads(self._pool, await self._stack.enter_async_context(self._pool.borrowed()))
            self._reads.enter_lane(self._lane)
        return self._reads

    async def fetch(self, sql: str, *values: Any) -> list[asyncpg.Record]:
        return await (await self._borrow()).fetch(sql, *values)

    async def fetchrow(self, sql: str, *values: Any) -> asyncpg.Record | None:
        return await (await self._borrow()).fetchrow(sql, *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        return await (await self._borrow()).fetchval(sql, *values)


class Tx(Reads):
    """One open transaction, or single statements that each commit by themselves."""

    def __init__(
        self,
        pool: Pool,
        fairy: PoolProxiedConnection,
        audit_keys: AuditKeys | None,
        deadline_s: float | None = None,
    ) -> None:
        super().__init__(pool, fairy, deadline_s)
        self._audit_keys = audit_keys
        self.after_commit: list[Callable[[], None]] = []

    @property
    def audit_keys(self) -> AuditKeys:
        """The keys that sign the audit record, which every operation writes without being handed them."""
        assert self._audit_keys is not None, "a Service sets them"
        return self._audit_keys

    @property
    def vault(self) -> Vault:
        """The service's vault, for operations that seal a field of a row."""
        return self.audit_keys.vault

    def on_commit(self, run: Callable[[], None]) -> None:
        """Run something once this transaction is committed, and never when it is not. It must not raise."""
        self.after_commit.append(run)

    async def flush(self) -> None:
        """Write what the session holds, so that SQL text that follows sees it."""
        if self._session is not None:
            await self._session.flush()

    async def execute(self, sql: str, *values: Any) -> int:
        """Run a statement; the number of rows it changed."""
        status = await self._raw.execute(sql, *values, timeout=self._deadline_s)
        count = status.rsplit(" ", 1)[-1]
        return int(count) if count.isdigit() else 0

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Add rows to a table by COPY, as they come, so that memory stays flat; how many there were."""
        status = await self._raw.copy_records_to_table(table, columns=columns, records=rows, timeout=self._deadline_s)
        return int(status.rsplit(" ", 1)[-1])

    async def executemany(self, sql: str, values: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each row of values."""
        await self._raw.executemany(sql, values, timeout=self._deadline_s)


async def forget(tx: Tx, table: str, key: str, instant: str, before: datetime, limit: int) -> int:
    """Delete up to `limit` rows of a table whose `instant` lies before a time; how many there were.

    Names are the caller's constants. Some at a time, so that no statement takes long however much there is.
    """
    # Rows of several machines are not locked by one statement; two who forget the same wait for each other.
    locked = "/*distributed: --*/ FOR UPDATE SKIP LOCKED\n"
    chosen = f"SELECT {key} FROM {table} WHERE {instant} < $1 LIMIT $2 {locked}"  # noqa: S608
    return await tx.execute(f"DELETE FROM {table} WHERE ({key}) IN ({chosen})", before, limit)  # noqa: S608


class Database:
    """The pools. Made once per process, closed at its end."""

    def __init__(self, url: str, pool_size: int, app_role: str = APP_ROLE, system_role: str = SYSTEM_ROLE) -> None:
        self._app_role, self._system_role = app_role, system_role
        self._silence = Silence()
        self._url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._app = Pool(url, app_role, pool_size, self._silence)
        self._system = Pool(url, system_role, pool_size, self._silence)
        self._reads = Pool(url, system_role, pool_size, self._silence, read_only=True)
        few = max(2, pool_size // _LOOK_UPS_SHARE)
        self._look_ups = Pool(url, system_role, few, self._silence, read_only=True)
        self._probe: asyncpg.Connection[Any] | None = None
        self._probing = asyncio.Lock()
        self.clock_skew_s = 0.0  # as last read
        self._begin_scoped = "BEGIN;"
        self._refused = 0
        self._away_told_s: float | None = None
        self.audit_keys: AuditKeys | None = None

    @property
    def pools(self) -> dict[str, Pool]:
        """The pools by name."""
        return {"app": self._app, "system": self._system, "reads": self._reads, "look_ups": self._look_ups}

    @property
    def silences(self) -> int:
        """How many connections have been dropped because they did not answer."""
        return self._silence.count

    async def check_roles(self) -> None:
        """Refuse roles that bypass row-level security, and a login that could become one. Raises UnsafeRole.

        And a pooler that mixes up connections of different roles. Raises UnsafePooler.
        """
        roles = ((self._app, self._app_role), (self._system, self._system_role), (self._reads, self._system_role))
        await database_roles.check(roles, self._url)

    async def learn_distribution(self) -> None:
        """Ask the database whether its tables lie on several machines: then statements and tenants are led to them."""
        async with self.system_reads() as tx:
            is_distributed = await tx.fetchval("SELECT distributed_at IS NOT NULL FROM installation")
        if is_distributed:
            self._begin_scoped = "BEGIN; SET LOCAL citus.propagate_set_commands = 'local';"
            for pool in self.pools.values():
                pool.is_distributed = True

    @property
    def is_distributed(self) -> bool:
        """Whether tables lie on several machines (core/distribution.py)."""
        return self._system.is_distributed

    @asynccontextmanager
    async def tenant(self, dfsp_id: UUID | None) -> AsyncIterator[Tx]:
        """A transaction that sees one DFSP's rows; None is hub staff, who see all."""
        scope = HUB_STAFF if dfsp_id is None else str(UUID(str(dfsp_id)))
        # SET LOCAL takes no parameters; the scope is a UUID's own text or a constant.
        begin = f"{self._begin_scoped} SET LOCAL app.dfsp_id = '{scope}'"
        async with _transaction(self._app, begin, self.audit_keys) as tx:
            tx.enter_lane(dfsp_id)
            yield tx

    @asynccontextmanager
    async def system(
        self,
        *,
        longest_s: float | None = None,
        lock_s: float | None = None,
        plan_once: bool = False,
        lane: UUID | None = None,
    ) -> AsyncIterator[Tx]:
        """A transaction of the service itself; `lane` is the DFSP that it is about, where it is one.

        `longest_s` for statements that may take longer, since nobody waits; `lock_s` for one that waits less long for
        others' rows than usual. `plan_once` keeps each statement's plan: for statements that a connection runs again
        and again and whose best plan is the same for any values.
        """
        begin, deadline_s = "BEGIN", None
        if plan_once and not self.is_distributed:
            begin += "; SET LOCAL plan_cache_mode = force_generic_plan"
        if longest_s is not None:
            begin += f"; SET LOCAL statement_timeout = '{round(longest_s)}s'"
            begin += f"; SET LOCAL lock_timeout = '{round(pools.LONG_LOCK_TIMEOUT_S)}s'"
            deadline_s = longest_s + pools.GRACE_S
        if lock_s is not None:
            begin += f"; SET LOCAL lock_timeout = '{round(lock_s * 1000)}ms'"
        async with _transaction(self._system, begin, self.audit_keys, deadline_s) as tx:
            tx.enter_lane(lane)
            yield tx

    @asynccontextmanager
    async def system_statements(self, lane: UUID | None = None) -> AsyncIterator[Tx]:
        """Single statements of the service itself that may change rows: each its own transaction, one round trip."""
        async with self._system.borrowed() as fairy:
            tx = Tx(self._system, fairy, self.audit_keys)
            tx.enter_lane(lane)
            yield tx

    @asynccontextmanager
    async def reads_when_needed(self) -> AsyncIterator[Reads]:
        """As `system_reads`, but a connection is borrowed at the first statement: for who most often needs none."""
        async with AsyncExitStack() as stack:
            yield _Lazy(stack, self._reads)

    @asynccontextmanager
    async def system_reads(self, lane: UUID | None = None) -> AsyncIterator[Reads]:
        """Single reads of the service itself, one round trip each; the database refuses to change anything."""
        async with self._reads.borrowed() as fairy:
            reads = Reads(self._reads, fairy)
            reads.enter_lane(lane)
            yield reads

    @asynccontextmanager
    async def look_ups(self) -> AsyncIterator[Reads]:
        """As `system_reads`, for what every call needs first: who asks, and who serves a number."""
        async with self._look_ups.borrowed() as fairy:
            yield Reads(self._look_ups, fairy)

    async def probe(self, sql: str, *values: Any) -> asyncpg.Record | None:
        """A row, read on a connection outside the pools within a second: for what watches over the service.

        Raises TimeoutError, DatabaseAway, asyncpg.PostgresError.
        """
        async with asyncio.timeout(_PROBE_TIMEOUT_S), self._probing:
            try:
                if self._probe is None or self._probe.is_closed():
                    self._probe = await self.listener()
                return await self._probe.fetchrow(sql, *values)
            except BaseException:
                if self._probe is not None:
                    self._probe.terminate()
                self._probe = None
                raise

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
        self.clock_skew_s = float((ours - instant).total_seconds()) - took_s / 2
        return self.clock_skew_s

    async def listener(self) -> asyncpg.Connection[Any]:
        """A connection of its own, outside the pools, for LISTEN. The caller closes it; `pools.watch` guards it.

        Raises DatabaseAway.
        """
        return await pools.connect(self._url, server_settings=pools.server_settings(self._system_role))

    def note_away(self, error: BaseException) -> None:
        """Log that something was refused because the database is away: the first at once, then a count each minute."""
        self._refused += 1
        now_s = time.monotonic()
        if self._away_told_s is None or now_s - self._away_told_s >= _AWAY_TOLD_EVERY_S:
            _log.error("database_unavailable", refused=self._refused, error=logs.describe(error.__cause__ or error))
            self._refused, self._away_told_s = 0, now_s

    async def close(self) -> None:
        """Close the pools."""
        if self._probe is not None:
            self._probe.terminate()
            self._probe = None
        for pool in self.pools.values():
            await pool.close()


@asynccontextmanager
async def _transaction(
    pool: Pool, begin: str, audit_keys: AuditKeys | None, deadline_s: float | None = None
) -> AsyncIterator[Tx]:
    async with pool.borrowed() as fairy:
        tx = Tx(pool, fairy, audit_keys, deadline_s)
        try:
            await tx.execute(begin)
            yield tx
            await tx.flush()
            await tx.execute("COMMIT")
            for run in tx.after_commit:
                run()
        except TimeoutError:
            raise  # it is silent: the pool drops it
        except BaseException:
            await _roll_back(fairy)
            raise


async def _roll_back(fairy: PoolProxiedConnection) -> None:
    try:
        async with asyncio.timeout(pools.END_TIMEOUT_S):
            await pools.driver(fairy).execute("ROLLBACK")
    except Exception:
        # A connection that cannot roll back must never be lent to the next request.
        await pools.drop(fairy)
