"""A migration under load stands back: a request that meets it is served, in whatever order both take the tables."""

import asyncio
from urllib.parse import urlsplit

import asyncpg
import pytest

from merchant import migrations
from merchant.core import postgres

pytestmark = pytest.mark.anyio
WAITING_FOR = """
SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database
WHERE NOT granted AND relation = $1::regclass AND mode = 'AccessExclusiveLock' AND datname = current_database()
"""

WAITING_FOR_LONG = """
SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
WHERE NOT granted AND locktype = 'virtualxid' AND datname = current_database()
  AND clock_timestamp() - l.waitstart > make_interval(secs => $1)
"""


@pytest.mark.parametrize("revision", ["0011"])
async def test_a_request_that_has_the_tables_in_the_other_order_is_served(
    past: str, postgres_server: postgres.Running
) -> None:
    """0016 changes merchant and then counter; a shopper's page reads counter and then merchant."""
    # The server looks for a deadlock on behalf of who has waited for so long, and ends that one.
    reader = await asyncpg.connect(postgres_server.superuser_url(urlsplit(past).path.removeprefix("/")))
    await reader.execute("SET deadlock_timeout = '700ms'")
    other = await asyncpg.connect(past)
    await reader.execute("BEGIN; SELECT 1 FROM counter")
    upgrade = asyncio.create_task(migrations.upgrade(past))
    while not await other.fetchval(WAITING_FOR, "counter"):
        assert not upgrade.done()
    assert await reader.fetchval("SELECT count(*) FROM merchant", timeout=20) > 0
    await reader.execute("COMMIT")
    await upgrade
    for connection in (reader, other):
        await connection.close()


@pytest.mark.parametrize("revision", ["0003"])
async def test_an_index_that_is_built_beside_them_waits_for_long_requests(
    past: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds up nobody while it waits, and to begin anew would cost the whole building."""
    monkeypatch.setattr(migrations, "_ATTEMPTS", 1)
    reader, other = await asyncpg.connect(past), await asyncpg.connect(past)
    await reader.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM alias_claim")
    upgrade = asyncio.create_task(migrations.upgrade(past))
    async with asyncio.timeout(30):
        while not await other.fetchval(WAITING_FOR_LONG, 2 * migrations.LOCK_TIMEOUT_S):
            assert not upgrade.done(), upgrade.exception()
    await reader.execute("COMMIT")
    await upgrade
    for connection in (reader, other):
        await connection.close()
