"""Schema migrations: linear, run by `merchant migrate` and at the start of the demo, one process at a time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from merchant.errors import OperatorProblem

# Any number that no other program on this database uses: the letters "mercht".
_ADVISORY_LOCK = 0x6D6572636874


class NoDatabase(OperatorProblem):
    """The database cannot be reached, or does not let us in."""


def config(connection: Connection) -> Config:
    """Alembic's configuration, on an open connection."""
    alembic = Config()
    alembic.set_main_option("script_location", str(Path(__file__).parent))
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
            await connection.run_sync(lambda sync: command.upgrade(config(sync), "head"))
            await connection.commit()
        finally:
            await connection.rollback()
            await connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_ADVISORY_LOCK})")


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
