"""Schema migrations: linear, run by `merchant migrate` and at the start of the demo, one process at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from merchant.core.errors import OperatorProblem

if TYPE_CHECKING:
    from alembic.config import Config

_HERE = Path(__file__).parent
# Any number that no other program on this database uses: the letters "mercht".
_ADVISORY_LOCK = 0x6D6572636874


class NoDatabase(OperatorProblem):
    """The database cannot be reached, or does not let us in."""


def config(connection: Connection) -> Config:
    """Alembic's configuration, on an open connection."""
    from alembic.config import Config

    alembic = Config()
    alembic.set_main_option("script_location", str(_HERE))
    alembic.attributes["connection"] = connection
    return alembic


async def upgrade(owner_url: str) -> None:
    """Bring the database to the newest schema. A second process waits for the first, then finds nothing to do.

    Raises NoDatabase.
    """
    async with _connected(owner_url) as connection:
        await connection.exec_driver_sql(f"SELECT pg_advisory_lock({_ADVISORY_LOCK})")
        await connection.commit()
        try:
            # Alembic alone takes a quarter of a second to load, at every start but the first for nothing.
            if await _version_of(connection) != _newest():
                await connection.run_sync(_upgrade)
                await connection.commit()
        finally:
            await connection.rollback()
            await connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_ADVISORY_LOCK})")


def _upgrade(connection: Connection) -> None:
    from alembic import command

    command.upgrade(config(connection), "head")


def _newest() -> str:
    """The newest revision: their files begin with their numbers."""
    return max(file.name for file in (_HERE / "versions").glob("[0-9]*.py")).partition("_")[0]


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
