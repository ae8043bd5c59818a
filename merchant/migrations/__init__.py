"""Schema migrations: linear, run by `merchant migrate` and at the start of every program, one process at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from merchant.core.db import is_contention
from merchant.core.errors import OperatorProblem

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parent
# Any number that no other program on this database uses: the letters "mercht".
_ADVISORY_LOCK = 0x6D6572636874

# While a migration waits for a table, everyone else who wants it waits behind the migration. So it gives up soon
# (db.py lets a request wait for 5 s), lets the others pass, and tries again.
LOCK_TIMEOUT_S = 2
# No statement of a migration takes longer; what would is done in pieces by the worker.
STATEMENT_TIMEOUT_S = 900
TIMEOUTS = (f"SET lock_timeout = '{LOCK_TIMEOUT_S}s'", f"SET statement_timeout = '{STATEMENT_TIMEOUT_S}s'")
_ATTEMPTS = 10
_PAUSE_S = 1.0
_TURN_S = 0.1

_OLDEST_TRANSACTION = """
SELECT pid, usename, extract(epoch FROM now() - xact_start)::int AS age_s FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL ORDER BY xact_start LIMIT 1
"""


class NoDatabase(OperatorProblem):
    """The database cannot be reached, or does not let us in."""


class TablesInUse(OperatorProblem):
    """Other transactions held a table for so long that the migration gave up."""


class NotMigrated(OperatorProblem):
    """The database refused a migration."""


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, on an open connection; without one it can only print SQL and read the revisions."""
    from alembic.config import Config

    alembic = Config()
    alembic.set_main_option("script_location", str(_HERE))
    alembic.attributes["connection"] = connection
    return alembic


async def upgrade(owner_url: str) -> None:
    """Bring the database to the newest schema; a newer one, of a later release, is left alone.

    A second process waits for the first, then finds nothing to do. Each revision is a transaction of its own, so that
    what is done stays done. Raises NoDatabase, TablesInUse, NotMigrated.
    """
    async with _connected(owner_url) as connection:
        await _wait_for_turn(connection)
        try:
            version = await _version_of(connection)
            # Alembic alone takes a quarter of a second to load, at every start but the first for nothing.
            if version is None or version < newest():
                await _upgrade_patiently(connection)
        finally:
            await connection.rollback()
            await connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_ADVISORY_LOCK})")


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


async def _upgrade_patiently(connection: AsyncConnection) -> None:
    for statement in TIMEOUTS:
        await connection.exec_driver_sql(statement)
    for _ in range(_ATTEMPTS):
        await connection.commit()  # Alembic begins and ends its own transactions, one for each revision
        try:
            await connection.run_sync(_upgrade)
            return
        except DBAPIError as error:
            await connection.rollback()
            if not is_contention(error):
                raise NotMigrated(f"The schema could not be changed: {error.orig}") from error
        await asyncio.sleep(_PAUSE_S)
    raise TablesInUse(await _who_is_in_the_way(connection))


def _upgrade(connection: Connection) -> None:
    from alembic import command

    command.upgrade(config(connection), "head")


async def _who_is_in_the_way(connection: AsyncConnection) -> str:
    row = (await connection.exec_driver_sql(_OLDEST_TRANSACTION)).first()
    suspect = f" The oldest is {row.usename}'s, {row.age_s} s old: process {row.pid} of the server." if row else ""
    return f"Other transactions kept the schema from being changed; end them and run `merchant migrate` again.{suspect}"


async def _version_of(connection: AsyncConnection) -> str | None:
    if not (await connection.exec_driver_sql("SELECT to_regclass('alembic_version')")).scalar():
        return None
    version: str | None = (await connection.exec_driver_sql("SELECT version_num FROM alembic_version")).scalar()
    return version


@asynccontextmanager
async def _connected(owner_url: str) -> AsyncIterator[AsyncConnection]:
    """A connection of the owner: the first that any command makes, so it tells what is wrong with the address."""
    try:
        engine = create_async_engine(make_url(owner_url).set(drivername="postgresql+asyncpg"))
        connection = await engine.connect()
    except (OSError, SQLAlchemyError) as error:
        why = error.__cause__ or error  # the driver's own words, where SQLAlchemy wraps them
        raise NoDatabase(f"The database of MERCHANT_DATABASE_URL cannot be used: {why}") from None
    try:
        yield connection
    finally:
        await connection.close()
        await engine.dispose()
