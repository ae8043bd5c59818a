"""`merchant outbox`: dead jobs listed, tried again and discarded; the exit status tells whether anything was done."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.builders import SECRET_KEY
from tests.merchant.cli.test_main import merchant

pytestmark = [pytest.mark.anyio, pytest.mark.database, pytest.mark.slow]


async def run(database_url: str, sql: str, *values: Any) -> list[Any]:
    connection = await asyncpg.connect(database_url)
    try:
        return [row[0] for row in await connection.fetch(sql, *values)]
    finally:
        await connection.close()


async def bury(database_url: str, topic: str, count: int = 1) -> list[int]:
    return await run(
        database_url,
        "INSERT INTO outbox (topic, payload, attempts, run_at, created_at, dead_at, last_error)"
        " SELECT $1, 'secret', 12, now(), now(), now(), 'Retry: HTTP 503' FROM generate_series(1, $2) RETURNING id",
        topic,
        count,
    )


async def test_dead_jobs_are_listed_tried_again_and_discarded(database_url: str, tmp_path: Path) -> None:
    def outbox(*arguments: str) -> tuple[int, str]:
        ended = merchant("outbox", *arguments, data=tmp_path, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY)
        return ended.returncode, ended.stdout + ended.stderr

    dead = "SELECT id FROM outbox WHERE dead_at IS NOT NULL ORDER BY id"
    assert outbox("list") == (0, "no dead jobs\n")
    assert outbox("retry", "--all") == (1, "Error: There are no such dead jobs.\n")
    one, two, three = await bury(database_url, "hub.send", 3)
    [other] = await bury(database_url, "notify.sms")
    status, told = outbox("list", "--topic", "hub.send")
    assert status == 0
    assert [line.split()[:2] for line in told.splitlines()] == [[str(job), "hub.send"] for job in (three, two, one)]
    assert "Retry: HTTP 503" in told
    assert "secret" not in told
    assert "more than 1" in outbox("list", "--limit", "1")[1]
    assert outbox("retry", str(one)) == (0, "1 to be tried again\n")
    assert outbox("retry", str(one))[0] == 1
    assert outbox("discard", str(two), "--reason", "settled by hand") == (0, "discarded\n")
    assert outbox("discard", str(two), "--reason", "settled by hand")[0] == 1
    assert outbox("retry", "--topic", "hub.send") == (0, "1 to be tried again\n")
    assert await run(database_url, dead) == [other]
    assert outbox("retry", "--all") == (0, "1 to be tried again\n")
    assert await run(database_url, dead) == []
    actions = await run(database_url, "SELECT action FROM audit_entry WHERE action LIKE 'dead_job%' ORDER BY seq")
    assert actions == ["dead_job.retried", "dead_job.discarded", "dead_jobs.retried", "dead_jobs.retried"]


@pytest.mark.parametrize("arguments", [(), ("1", "--all"), ("--topic", "hub.send", "--all"), ("0",), ("x",)])
def test_which_jobs_to_try_again_must_be_said_once(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert merchant("outbox", "retry", *arguments, data=tmp_path).returncode == 2
