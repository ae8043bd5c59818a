"""Schema migrations: linear, run by `merchant migrate` and at the start of the demo, one process at a time."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import create_async_engine

# Any number that no other program on this database uses: the letters "mercht".
_ADVISORY_LOCK = 0x6D6572636874


def config(connection: Connection) -> Config:
    """Alembic's configuration, on an open connection."""
    alembic = Config()
    alembic.set_main_option("script_location", str(Path(__file__).parent))
    alembic.attributes["connection"] = connection
    return alembic


async def upgrade(owner_url: str) -> None:
    """Bring the database to the newest schema. A second process waits for the first, then finds nothing to do."""
    engine = create_async_engine(make_url(owner_url).set(drivername="postgresql+asyncpg"))
    try:
        async with engine.connect() as connection:
            await connection.exec_driver_sql(f"SELECT pg_advisory_lock({_ADVISORY_LOCK})")
            await connection.commit()
            try:
                await connection.run_sync(lambda sync: command.upgrade(config(sync), "head"))
                await connection.commit()
            finally:
                await connection.rollback()
                await connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_ADVISORY_LOCK})")
    finally:
        await engine.dispose()
