"""A migration that meets others: it holds up nobody for long, keeps what it has done, and is run once."""

import asyncio
import sys

import asyncpg
import pytest

from merchant import migrations

pytestmark = pytest.mark.anyio
VERSION = "SELECT version_num FROM alembic_version"
WAITING = """
SELECT pid FROM pg_locks JOIN pg_database d ON d.oid = database
WHERE NOT granted AND relation = 'payment_request'::regclass AND datname = current_database()
"""
TURNS = """
SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
WHERE locktype = 'advisory' AND datname = current_database()
"""
INDEX_IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'alias_claim_any_case'::regclass"
OTHER_SPELLING = """
INSERT INTO alias_claim (alias_type, alias, dfsp_id, claimed_at)
SELECT alias_type, upper(alias), dfsp_id, claimed_at FROM alias_claim WHERE alias = 'CornerShop2'
"""

UPGRADE = "import asyncio, sys; from merchant import migrations; asyncio.run(migrations.upgrade(sys.argv[1]))"


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time-outs of a service that is in a hurry."""
    monkeypatch.setattr(migrations, "TIMEOUTS", ("SET lock_timeout = '100ms'",))
    monkeypatch.setattr(migrations, "_PAUSE_S", 0.02)


async def read_slowly(url: str) -> asyncpg.Connection:
    """A transaction that has read requests and does not end."""
    connection = await asyncpg.connect(url)
    await connection.execute("BEGIN; SELECT 1 FROM payment_request")
    return connection


@pytest.mark.parametrize("revision", ["0002"])
async def test_readers_pass_while_a_migration_waits_and_it_comes_through_in_the_end(past: str) -> None:
    reader, other = await read_slowly(past), await asyncpg.connect(past)
    upgrade = asyncio.create_task(migrations.upgrade(past))
    while not await other.fetchval(WAITING):
        assert not upgrade.done()
    assert await other.fetchval("SELECT count(*) FROM payment_request", timeout=5)
    assert not upgrade.done()
    await reader.close()
    await upgrade
    assert await other.fetchval(VERSION) == migrations.newest()
    await other.close()


@pytest.mark.parametrize("revision", ["0001"])
async def test_it_gives_up_with_a_sentence_and_keeps_the_revisions_that_are_done(
    past: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "_ATTEMPTS", 2)
    reader = await read_slowly(past)
    with pytest.raises(migrations.TablesInUse, match=f"process {reader.get_server_pid()} "):
        await migrations.upgrade(past)
    assert await reader.fetchval(VERSION) == "0002"
    assert not await reader.fetchval(TURNS)
    await reader.close()


@pytest.mark.parametrize("revision", ["0001"])
async def test_processes_that_start_together_wait_for_each_other_without_a_snapshot(past: str) -> None:
    await asyncio.gather(*(migrations.upgrade(past) for _ in range(3)))
    connection = await asyncpg.connect(past)
    assert await connection.fetchval(VERSION) == migrations.newest()
    await connection.close()


@pytest.mark.parametrize("revision", ["0001"])
async def test_an_index_that_could_not_be_built_is_built_once_its_rows_are_mended(past: str) -> None:
    connection = await asyncpg.connect(past)
    await connection.execute(OTHER_SPELLING)
    with pytest.raises(migrations.NotMigrated, match="alias_claim_any_case"):
        await migrations.upgrade(past)
    assert await connection.fetchval(INDEX_IS_VALID) is False
    await connection.execute("DELETE FROM alias_claim WHERE alias = 'CORNERSHOP2'")
    await migrations.upgrade(past)
    assert await connection.fetchval(INDEX_IS_VALID) is True
    await connection.close()


@pytest.mark.parametrize("revision", ["0003"])
async def test_an_older_release_leaves_a_newer_schema_alone(past: str) -> None:
    connection = await asyncpg.connect(past)
    await connection.execute("UPDATE alembic_version SET version_num = '9999'")
    await migrations.upgrade(past)
    assert await connection.fetchval(VERSION) == "9999"
    await connection.close()


async def test_two_databases_of_one_server_are_migrated_at_once(empty_url: str, second_url: str) -> None:
    """Each makes the roles, which belong to the server; in processes of their own, as alembic knows one at a time."""
    urls = (empty_url, second_url)
    running = [await asyncio.create_subprocess_exec(sys.executable, "-c", UPGRADE, url) for url in urls]
    assert [await process.wait() for process in running] == [0, 0]
    for url in urls:
        connection = await asyncpg.connect(url)
        assert await connection.fetchval(VERSION) == migrations.newest()
        await connection.close()
