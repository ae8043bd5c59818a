"""Schema migrations: linear, run by `merchant migrate` and by `serve --migrate`, one process at a time.

Every other command only looks whether the schema is one that it can work with (`check_schema`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from sqlalchemy import Connection, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from merchant.core.db import APP_ROLE, SYSTEM_ROLE, is_contention
from merchant.core.errors import OperatorProblem

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parent
# Any number that no other program on this database uses: the letters "mercht".
_ADVISORY_LOCK = 0x6D6572636874

# While a migration waits for a table, everyone else who wants it waits behind the migration. So it gives up soon, lets
# the others pass, and tries again. It gives up well before a second, after which PostgreSQL looks for deadlocks: a
# migration that holds one table and waits for the next may stand in a circle with a request that has them in the other
# order, and it is not the request that must fail.
LOCK_TIMEOUT_S = 0.2
# An index that is built beside requests holds up nobody while it waits for those that began before it, and to give up
# would throw the whole building away.
CONCURRENT_LOCK_TIMEOUT_S = 20
_CONCURRENTLY = re.compile(r"\bINDEX\s+CONCURRENTLY\b", re.IGNORECASE)
# No statement of a migration takes longer; what would is done in pieces by the worker.
STATEMENT_TIMEOUT_S = 900
TIMEOUTS = (
    f"SET lock_timeout = '{round(LOCK_TIMEOUT_S * 1000)}ms'",
    f"SET statement_timeout = '{STATEMENT_TIMEOUT_S}s'",
)
# Together half a minute.
_ATTEMPTS = 50
_PAUSE_S = 0.4
_TURN_S = 0.1

_OLDEST_TRANSACTION = """
SELECT pid, usename, extract(epoch FROM now() - xact_start)::int AS age_s FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL ORDER BY xact_start LIMIT 1
"""

_ROLE_NAMES = re.compile(rf"\b(?:{APP_ROLE}|{SYSTEM_ROLE})\b")
_TAKE_ROLES = f"GRANT {APP_ROLE}, {SYSTEM_ROLE} TO CURRENT_USER"  # the last statement of 0001's roles.sql
_MAY_READ = "SELECT has_table_privilege(to_regclass('alembic_version')::oid, 'SELECT')"
_IS_MEMBER = """
SELECT count(*) = 2 AND bool_and(pg_has_role(current_user, oid, 'MEMBER')) FROM pg_roles WHERE rolname IN ($1, $2)
"""


class NoDatabase(OperatorProblem):
    """The database cannot be reached, or does not let us in."""


class TablesInUse(OperatorProblem):
    """Other transactions held a table for so long that the migration gave up."""


class NotMigrated(OperatorProblem):
    """The database refused a migration."""


class SchemaBehind(OperatorProblem):
    """The schema is older than this program, or there is none yet: `merchant migrate` brings it up to date."""


class SchemaAhead(OperatorProblem):
    """The schema is of a later release, which this program cannot work with."""


class Roles(Struct, frozen=True):
    """What the two roles of the service are called here; the migrations' own text has the names that are usual."""

    app: str = APP_ROLE
    system: str = SYSTEM_ROLE


class Schema(Struct, frozen=True):
    """The revision of a database (None: it is empty), and the oldest a program must know to work with it."""

    revision: str | None
    oldest_revision: str | None = None

    @property
    def is_behind(self) -> bool:
        """Whether `merchant migrate` has something to do."""
        return self.revision is None or self.revision < newest()

    @property
    def is_ahead(self) -> bool:
        """Whether a later release has migrated it; this one may still work with it."""
        return self.revision is not None and self.revision > newest()


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, on an open connection; without one it can only print SQL and read the revisions."""
    from alembic.config import Config

    alembic = Config()
    alembic.set_main_option("script_location", str(_HERE))
    alembic.attributes["connection"] = connection
    return alembic


async def upgrade(owner_url: str, roles: Roles = Roles(), to: str | None = None) -> Schema:  # noqa: B008 - frozen
    """Bring the database to the newest schema; a newer one, of a later release, is left alone. What it then is.

    `to` stops at an older revision, for a backup of that time.

    A second process waits for the first, then finds nothing to do. Each revision is a transaction of its own, so that
    what is done stays done. Raises NoDatabase, TablesInUse, NotMigrated.
    """
    async with _connected(owner_url) as connection:
        await _wait_for_turn(connection)
        try:
            # Alembic alone takes a quarter of a second to load, at every start but the first for nothing.
            if (await _schema_of(connection)).is_behind:
                await _upgrade_patiently(connection, roles, to or "head")
            return await _schema_of(connection)
        finally:
            await connection.rollback()
            await connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_ADVISORY_LOCK})")


async def read_schema(url: str, roles: Roles = Roles()) -> Schema:  # noqa: B008 - frozen
    """What schema the database has; writes nothing. Raises NoDatabase."""
    async with _connected(url) as connection:
        await _become_reader(connection, roles)
        return await _schema_of(connection)


async def is_seeded(url: str, roles: Roles = Roles()) -> bool:  # noqa: B008 - frozen
    """Whether a migrated database has a scheme; writes nothing. Raises NoDatabase."""
    async with _connected(url) as connection:
        await _become_reader(connection, roles)
        return bool((await connection.exec_driver_sql("SELECT count(*) FROM scheme")).scalar())


def check_schema(schema: Schema) -> None:
    """Whether this program can work with a schema. Raises SchemaBehind, SchemaAhead."""
    if schema.revision is None:
        raise SchemaBehind("The database is empty: run `merchant migrate`, then `merchant seed`.")
    if schema.is_behind:
        raise SchemaBehind(
            f"The database is older than this program (revision {schema.revision}, this program needs {newest()}):"
            " run `merchant migrate`."
        )
    if schema.is_ahead and not _is_new_enough(schema):
        raise SchemaAhead(
            f"This database is newer than this program (revision {schema.revision}, this program knows {newest()}):"
            " install the release that migrated it, or a later one."
        )


def _is_new_enough(schema: Schema) -> bool:
    # What is not one of our numbers was written by some other program.
    known = schema.revision is not None and re.fullmatch(r"[0-9]{4}", schema.revision)
    return bool(known) and schema.oldest_revision is not None and newest() >= schema.oldest_revision


def newest() -> str:
    """The newest revision, by the names of the files: they begin with their numbers, in order."""
    return max(file.name for file in (_HERE / "versions").glob("[0-9]*.py")).partition("_")[0]


async def _wait_for_turn(connection: AsyncConnection) -> None:
    # Asked again and again, not waited for: a statement that waits keeps its snapshot, and CREATE INDEX CONCURRENTLY of
    # the process that holds the lock would wait for that snapshot in turn.
    while not (await connection.exec_driver_sql(f"SELECT pg_try_advisory_lock({_ADVISORY_LOCK})")).scalar():
        await connection.rollback()
        await asyncio.sleep(_TURN_S)
    await connection.commit()


async def _upgrade_patiently(connection: AsyncConnection, roles: Roles, to: str) -> None:
    await _name_roles(connection, roles)
    _wait_longer_for_indexes(connection)
    for _ in range(_ATTEMPTS):
        for statement in TIMEOUTS:
            await connection.exec_driver_sql(statement)
        await connection.commit()  # Alembic begins and ends its own transactions, one for each revision
        try:
            await connection.run_sync(_upgrade, to)
            return
        except DBAPIError as error:
            await connection.rollback()
            if not is_contention(error):
                why = str(getattr(error.orig, "__cause__", None) or error.orig).splitlines()[0]  # the rest is detail
                raise NotMigrated(f"The schema could not be changed: {why}.{_advice(error)}") from error
        await asyncio.sleep(_PAUSE_S)
    raise TablesInUse(await _who_is_in_the_way(connection))


def _upgrade(connection: Connection, to: str) -> None:
    from alembic import command

    command.upgrade(config(connection), to)


async def _who_is_in_the_way(connection: AsyncConnection) -> str:
    row = (await connection.exec_driver_sql(_OLDEST_TRANSACTION)).first()
    suspect = f" The oldest is {row.usename}'s, {row.age_s} s old: process {row.pid} of the server." if row else ""
    return f"Other transactions kept the schema from being changed; end them and run `merchant migrate` again.{suspect}"


def _wait_longer_for_indexes(connection: AsyncConnection) -> None:
    def before(_conn: object, cursor: Any, statement: str, *_: object) -> None:
        if _CONCURRENTLY.search(statement):
            cursor.execute(f"SET lock_timeout = '{CONCURRENT_LOCK_TIMEOUT_S}s'")

    def after(_conn: object, cursor: Any, statement: str, *_: object) -> None:
        if _CONCURRENTLY.search(statement):
            cursor.execute(TIMEOUTS[0])

    event.listen(connection.sync_connection, "before_cursor_execute", before)
    event.listen(connection.sync_connection, "after_cursor_execute", after)


async def _name_roles(connection: AsyncConnection, roles: Roles) -> None:
    """Let the statements that follow name the roles as they are called here.

    The text of a migration that has landed is never edited, so it is changed on its way to the database. Who is given
    the roles by an administrator may use them, but not hand them on: then 0001 need not do so.
    """
    given = bool((await connection.exec_driver_sql(_IS_MEMBER, (roles.app, roles.system))).scalar())
    await connection.commit()
    names = {APP_ROLE: roles.app, SYSTEM_ROLE: roles.system}

    def rewrite(_conn: object, _cursor: object, statement: str, values: object, *_: object) -> tuple[str, object]:
        if given and statement.strip().rstrip(";") == _TAKE_ROLES:
            return "SELECT 1", values
        return _ROLE_NAMES.sub(lambda found: names[found[0]], statement), values

    event.listen(connection.sync_connection, "before_cursor_execute", rewrite, retval=True)


def _advice(error: DBAPIError) -> str:
    if getattr(error.orig, "sqlstate", None) != "42501":  # insufficient_privilege
        return ""
    return (
        " Have an administrator of the server run what `merchant database roles` prints, then run `merchant migrate`"
        " again as the owner that it makes."
    )


async def _become_reader(connection: AsyncConnection, roles: Roles) -> None:
    """A login that owns nothing may read as the service's own role only. Raises NoDatabase when it may not."""
    if (await connection.exec_driver_sql(_MAY_READ)).scalar() is False:
        try:
            await connection.exec_driver_sql(f'SET ROLE "{roles.system}"')
        except SQLAlchemyError as error:
            why = getattr(error, "orig", None) or error
            raise NoDatabase(f"The database of MERCHANT_DATABASE_URL cannot be used: {why}.") from None


async def _schema_of(connection: AsyncConnection) -> Schema:
    if not (await connection.exec_driver_sql("SELECT to_regclass('alembic_version')")).scalar():
        return Schema(None)
    revision = (await connection.exec_driver_sql("SELECT version_num FROM alembic_version")).scalar()
    if not (await connection.exec_driver_sql("SELECT to_regclass('installation')")).scalar():
        return Schema(revision)
    oldest = (await connection.exec_driver_sql("SELECT oldest_revision FROM installation")).scalar()
    return Schema(revision, oldest)


@asynccontextmanager
async def _connected(owner_url: str) -> AsyncIterator[AsyncConnection]:
    """A connection of the owner: the first that any command makes, so it tells what is wrong with the address."""
    try:
        engine = create_async_engine(make_url(owner_url).set(drivername="postgresql+asyncpg"))
        connection = await engine.connect()
    except (OSError, ValueError, SQLAlchemyError) as error:
        why = error.__cause__ or error  # the driver's own words, where SQLAlchemy wraps them
        raise NoDatabase(f"The database of MERCHANT_DATABASE_URL cannot be used: {why}") from None
    try:
        yield connection
    finally:
        await connection.close()
        await engine.dispose()
