"""A program beside another schema than its own: one sentence, and nothing is changed."""

import asyncpg
import pytest

from merchant import migrations
from merchant.core.settings import Settings
from merchant.migrations import NoDatabase, Schema, SchemaAhead, SchemaBehind, newest
from merchant.programs.runtime import ready_service

pytestmark = [pytest.mark.anyio, pytest.mark.database]
NEXT = f"{int(newest()) + 1:04}"
BEFORE = f"{int(newest()) - 1:04}"


async def set_revision(url: str, revision: str, oldest: str = newest()) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE alembic_version SET version_num = $1", revision)
    await connection.execute("UPDATE installation SET oldest_revision = $1", oldest)
    await connection.close()


async def test_an_older_schema_stops_a_start_and_names_the_command(database_url: str, settings: Settings) -> None:
    await set_revision(database_url, BEFORE)
    with pytest.raises(SchemaBehind, match=rf"revision {BEFORE}, this program needs {newest()}.*`merchant migrate`"):
        async with ready_service(settings, database_url):
            pass
    assert (await migrations.read_schema(database_url)).revision == BEFORE


async def test_a_newer_schema_that_still_fits_is_worked_with(database_url: str, settings: Settings) -> None:
    await set_revision(database_url, NEXT)
    async with ready_service(settings, database_url) as service:
        assert (await service.scheme()).country == "KE"
    assert (await migrations.upgrade(database_url)).is_ahead


@pytest.mark.parametrize(
    ("revision", "oldest"), [("9999", "9998"), (NEXT, NEXT), ("ae1027a6acf", newest()), ("head", "0001")]
)
async def test_a_schema_that_is_too_new_or_anothers_stops_a_start(
    database_url: str, settings: Settings, revision: str, oldest: str
) -> None:
    await set_revision(database_url, revision, oldest)
    with pytest.raises(SchemaAhead, match=rf"newer than this program \(revision {revision}, this program knows"):
        async with ready_service(settings, database_url):
            pass


async def test_an_empty_database_is_told_and_stays_empty(empty_url: str, settings: Settings) -> None:
    with pytest.raises(SchemaBehind, match="empty: run `merchant migrate`, then `merchant seed`"):
        async with ready_service(settings, empty_url):
            pass
    connection = await asyncpg.connect(empty_url)
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await connection.close()


async def test_a_start_migrates_when_it_is_asked_to(empty_url: str, settings: Settings) -> None:
    async with ready_service(settings, empty_url, migrate=True) as service, service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM scheme") == 0
    assert (await migrations.read_schema(empty_url)).revision == newest()


@pytest.mark.parametrize("url", ["postgresql://a@127.0.0.1:1/b", "postgresql://a@127.0.0.1:x/b", "postgresql://"])
async def test_a_database_that_cannot_be_reached_is_told(url: str) -> None:
    with pytest.raises(NoDatabase, match="MERCHANT_DATABASE_URL cannot be used"):
        await migrations.read_schema(url)


def test_a_schema_of_before_there_was_a_mark_of_the_oldest_program_is_behind() -> None:
    assert Schema("0005").is_behind
