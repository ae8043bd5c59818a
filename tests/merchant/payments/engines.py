"""What tests of the engine do to it: batches of messages, and other transactions that are in its way."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from merchant.core import outbox
from merchant.core.service import Service
from merchant.core.slices import Work
from merchant.hub.fspiop.messages import TransfersPost
from merchant.payments.engine import work_off
from tests.merchant.payments.stage import Stage

SOON_S = 10.0


async def claim(service: Service, count: int = 50) -> list[Work]:
    """Jobs that are due, leased."""
    async with service.db.system_statements() as tx:
        return [Work(job) for job in await outbox.claim(tx, count)]


async def send(stage: Stage, *transfers: TransfersPost) -> None:
    """Transfers that are stored and not worked off yet."""
    for body in transfers:
        response = await stage.hub.say("POST", "/transfers", body, source=body.payer_fsp)
        assert response.status_code == 202, response.text


async def jobs(stage: Stage) -> list[asyncpg.Record]:
    """What of payments lies in the outbox."""
    topics = "topic LIKE 'hub.%' OR topic LIKE 'payments.%'"
    return await stage.rows(f"SELECT id, topic, attempts, last_error FROM outbox WHERE {topics} ORDER BY id")


async def usage(stage: Stage) -> set[tuple[int, int]]:
    """What is used of limits: the same of the day and of the month."""
    return {tuple(row) for row in await stage.rows("SELECT taken_minor, payments FROM limit_usage")}


async def transfers(stage: Stage) -> list[str]:
    """The states of all transfers."""
    return [row["state"] for row in await stage.rows("SELECT state FROM transfer ORDER BY state")]


@asynccontextmanager
async def in_the_way(database_url: str, sql: str, *values: Any) -> AsyncIterator[asyncpg.Connection]:
    """Another transaction, which has run a statement and not committed yet; it commits at the end of the block."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction():
            await connection.execute(sql, *values)
            yield connection
    finally:
        await connection.close()


def limits_taken(database_url: str, group_id: UUID) -> Any:
    """Another transaction takes of a merchant's limits."""
    lock = "SELECT pg_advisory_xact_lock(hashtextextended('limits:' || $1::uuid, 0))"
    return in_the_way(database_url, lock, group_id)


async def wait_for_it(connection: asyncpg.Connection, count: int) -> None:
    """Until so many transactions wait for a lock."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(SOON_S):
        # Within a transaction the view stays as it was first read.
        while await connection.fetchval(waiting) < count:
            await connection.execute("SELECT pg_stat_clear_snapshot()")
            await asyncio.sleep(0.002)


async def all_at_once(
    database_url: str, group_id: UUID, batches: Sequence[tuple[Service, Sequence[Work]]]
) -> list[list[Exception | None]]:
    """Engines that have all loaded their transfers before the first of them saves; what each event failed by."""
    async with limits_taken(database_url, group_id) as connection:
        running = [asyncio.create_task(work_off(service, works)) for service, works in batches]
        await wait_for_it(connection, len(batches))
    return await asyncio.gather(*running)
