"""`merchant distribute`: refuses by name what is missing, tells what it would do, does it once."""

import asyncio
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from merchant.core.db import APP_ROLE, SYSTEM_ROLE
from merchant.core.service import Service
from merchant.programs import distributing
from merchant.programs.distributing import CannotDistribute
from tests.citus import Cluster

pytestmark = pytest.mark.anyio
_IS_AWAITED = "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'installation'::regclass AND NOT granted)"


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator["asyncpg.Connection"]:
    """A connection of the owner of the tables."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_what_is_distributed_is_not_distributed_again(owner: "asyncpg.Connection") -> None:
    with pytest.raises(CannotDistribute, match="already"):
        await distributing.distribute(owner, APP_ROLE, SYSTEM_ROLE)


async def test_programs_that_run_are_in_the_way(owner: "asyncpg.Connection", service: Service) -> None:
    await owner.execute("UPDATE installation SET distributed_at = NULL")
    try:
        with pytest.raises(CannotDistribute, match="Programs are running"):
            await distributing.look(owner, APP_ROLE, SYSTEM_ROLE)
    finally:
        await owner.execute("UPDATE installation SET distributed_at = now()")


@pytest.fixture
async def ready_database(cluster: Cluster) -> AsyncIterator[str]:
    """The address of a database that can be distributed and is not."""
    name = f"test_{uuid.uuid4().hex}"
    await cluster.prepare(name)
    yield cluster.url(name)
    await cluster.drop(name)


async def test_a_program_that_starts_meanwhile_is_in_the_way(ready_database: str) -> None:
    """It connects after the first look, and has read before the second that nothing is distributed."""
    owner, starting = await asyncpg.connect(ready_database), await asyncpg.connect(ready_database)
    try:
        async with starting.transaction():
            assert await starting.fetchval("SELECT distributed_at FROM installation") is None
            distributing_it = asyncio.create_task(distributing.distribute(owner, APP_ROLE, SYSTEM_ROLE))
            async with asyncio.timeout(60):
                while not (distributing_it.done() or await starting.fetchval(_IS_AWAITED)):
                    await asyncio.sleep(0.02)
            await starting.execute(f"SET application_name = {APP_ROLE}")
        with pytest.raises(CannotDistribute, match="Programs are running"):
            await distributing_it
        assert await starting.fetchval("SELECT count(*) FROM pg_dist_partition") == 0
    finally:
        await starting.close()
        await owner.close()


async def test_rows_that_were_there_before_are_found_after(owner: "asyncpg.Connection") -> None:
    """The database was filled on one machine: its numbers, its counters and its events have moved."""
    for table in ("merchant", "counter", "alias", "alias_claim", "announced_event"):
        assert await owner.fetchval(f"SELECT count(*) FROM {table}") > 0, table
    spread = "SELECT count(DISTINCT nodeport) FROM citus_shards WHERE table_name = 'payment_request'::regclass"
    assert await owner.fetchval(spread) == 2


async def test_foreign_keys_hold_within_a_lane(owner: "asyncpg.Connection") -> None:
    """An event of a request that there is not is refused by the machine of its DFSP."""
    dfsp_id = await owner.fetchval("SELECT id FROM dfsp LIMIT 1")
    insert = """
    INSERT INTO payment_event (request_id, seq, dfsp_id, at, state, cause)
    VALUES (gen_random_uuid(), 1, $1, now(), 'created', 'test')
    """
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await owner.execute(insert, dfsp_id)
