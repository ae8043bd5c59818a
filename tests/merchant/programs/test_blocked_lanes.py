"""Poison in an ordered lane: shown while it is tried again, skipped by an operator, never run beside a later job."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from merchant.core import dead_jobs, outbox, stuck_jobs
from merchant.core.paging import Page
from merchant.core.service import Service
from merchant.programs import metrics
from tests.builders import SECRET_KEY, SERVICE, World
from tests.merchant.cli.test_main import merchant as command

pytestmark = pytest.mark.anyio
Move = Callable[[timedelta], datetime]
LANES = "/api/v1/blocked-lanes"
ENDPOINT = UUID(int=7)
SECRET = "254711000001"


async def add(service: Service, order_key: str | None, count: int = 1, topic: str = "notify.webhook") -> None:
    async with service.db.system() as tx:
        for number in range(count):
            await outbox.add(tx, topic, {"number": number, "phone": SECRET}, order_key=order_key)


async def claim(service: Service) -> list[outbox.Job]:
    async with service.db.system_statements() as tx:
        return await outbox.claim(tx, 100)


async def fail(service: Service) -> outbox.Job:
    """Claim what is due, and let it fail."""
    [job] = await claim(service)
    async with service.db.system_statements() as tx:
        await outbox.retry(tx, job, "NotDelivered: the endpoint answered 500")
    return job


async def listed(client: httpx.AsyncClient, world: World) -> list[dict[str, Any]]:
    answer = await client.get(LANES, headers=world.operator.headers)
    assert answer.status_code == 200, answer.text
    assert SECRET not in answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def skip(client: httpx.AsyncClient, world: World, job_id: int, reason: str = "unwanted") -> httpx.Response:
    return await client.post(f"{LANES}/{job_id}/skip", json={"reason": reason}, headers=world.operator.headers)


async def test_a_lane_is_shown_as_soon_as_its_first_job_fails_with_how_much_waits(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await add(service, f"webhook:{ENDPOINT}", 4)
    assert await listed(client, world) == []  # it has not failed
    job = await fail(service)
    [lane] = await listed(client, world)
    assert (lane["job_id"], lane["kind"], lane["waiting"], lane["attempts"]) == (job.id, "webhook", 3, 1)
    assert lane["last_error"] == "NotDelivered: the endpoint answered 500"
    assert lane["next_try_at"].endswith("Z")
    assert str(ENDPOINT) not in str(lane)


async def test_a_job_without_an_order_holds_nobody_back_and_a_dead_one_neither(
    service: Service, move_clock: Move
) -> None:
    async def blocked() -> list[stuck_jobs.BlockedLane]:
        async with service.db.system_reads() as tx:
            return await stuck_jobs.blocked_lanes(tx, Page(10))

    await add(service, None)
    await fail(service)
    assert await blocked() == []
    await add(service, "sms:1")
    for _ in range(outbox.MAX_ATTEMPTS):
        move_clock(timedelta(hours=2))
        for job in await claim(service):
            async with service.db.system_statements() as tx:
                await outbox.retry(tx, job, "why")
    assert await blocked() == []


async def test_a_part_of_a_background_job_is_not_skipped(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    """Nothing would end the job then; given up, a part ends it."""
    await add(service, "notify.webhook")  # the order key of such a part is its topic
    part = await fail(service)
    assert (await skip(client, world, part.id, "slow")).status_code == 404


async def test_skipping_lets_the_next_go_on_at_once_and_is_audited(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await add(service, "webhook:1", 2)
    first = await fail(service)
    assert await claim(service) == []  # the second waits
    assert (await skip(client, world, first.id, "the endpoint chokes on it")).status_code == 204
    [second] = await claim(service)
    assert second.id > first.id
    async with service.db.system() as tx:
        rows = await tx.fetch("SELECT subject_id, detail::text AS detail FROM audit_entry WHERE action = 'job.skipped'")
    assert [row["subject_id"] for row in rows] == [str(first.id)]
    assert "reason_digest" in rows[0]["detail"], "the words are sealed beside it"
    again = await skip(client, world, first.id)
    assert (again.status_code, again.json()["code"]) == (404, "not_in_the_way")


async def test_what_has_not_failed_has_no_order_or_is_dead_cannot_be_skipped(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await add(service, "webhook:1")
    await add(service, None, topic="hub.send")
    [ordered, unordered] = sorted(await claim(service), key=lambda job: job.topic, reverse=True)
    assert (await skip(client, world, ordered.id)).status_code == 404  # at work, and has not failed
    async with service.db.system_statements() as tx:
        await outbox.retry(tx, unordered, "why")
    assert (await skip(client, world, unordered.id)).status_code == 404  # money moves by it
    async with service.db.system() as tx:
        await tx.execute("UPDATE outbox SET dead_at = run_at, last_error = 'x'")
    assert (await skip(client, world, ordered.id)).status_code == 404  # dead: discard it


@pytest.mark.parametrize("role", ["maker", "checker"])
async def test_only_operators_of_the_hub_see_and_skip(
    client: httpx.AsyncClient, service: Service, world: World, role: str
) -> None:
    await add(service, "webhook:1")
    job = await fail(service)
    who = getattr(world, role).headers
    assert (await client.get(LANES, headers=who)).status_code == 403
    assert (await client.post(f"{LANES}/{job.id}/skip", json={"reason": "x"}, headers=who)).status_code == 403
    assert (await skip(client, world, job.id, "")).status_code == 422


async def test_a_metric_counts_blocked_lanes_by_kind(
    client: httpx.AsyncClient, service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "KEPT_S", 0.0)
    told = (await client.get("/metrics")).text
    assert 'merchant_outbox_blocked_lanes{kind="webhook"} 0.0' in told
    await add(service, "webhook:1", 2)
    await fail(service)
    told = (await client.get("/metrics")).text
    assert 'merchant_outbox_blocked_lanes{kind="webhook"} 1.0' in told
    assert 'merchant_outbox_blocked_lanes{kind="sms"} 0.0' in told


async def test_a_dead_job_that_is_retried_goes_first_but_never_beside_a_later_one(
    service: Service, move_clock: Move
) -> None:
    await add(service, "webhook:1", 3)
    [first] = await claim(service)
    async with service.db.system() as tx:
        await tx.execute("UPDATE outbox SET dead_at = run_at WHERE id = $1", first.id)
    [second] = await claim(service)  # at work now
    async with service.db.system() as tx:
        await dead_jobs.retry(tx, SERVICE, first.id)
    assert await claim(service) == []
    for _ in range(4):
        move_clock(timedelta(seconds=5))
        async with service.db.system_statements() as tx:
            await outbox.renew(tx, [second])
        assert await claim(service) == []
    async with service.db.system() as tx:
        await outbox.done(tx, second)
    move_clock(timedelta(seconds=10))
    [again] = await claim(service)
    assert again.id == first.id


async def test_a_dead_job_of_a_lane_at_rest_is_retried_at_once(service: Service) -> None:
    await add(service, "webhook:1", 2)
    [first] = await claim(service)
    async with service.db.system() as tx:
        await tx.execute("UPDATE outbox SET dead_at = run_at WHERE id = $1", first.id)
        await dead_jobs.retry(tx, SERVICE, first.id)
    assert [job.id for job in await claim(service)] == [first.id]


async def test_lanes_are_listed_by_pages(service: Service) -> None:
    for lane in range(3):
        await add(service, f"webhook:{lane}")
    async with service.db.system() as tx:
        await tx.execute("UPDATE outbox SET last_error = 'x', attempts = 1")
        assert len(await stuck_jobs.blocked_lanes(tx, Page(2))) == 3  # one more tells that there is more


async def test_the_command_shows_lanes_and_skips(service: Service, database_url: str, tmp_path: Path) -> None:
    def run(*arguments: str) -> tuple[int, str]:
        ended = command("outbox", *arguments, data=tmp_path, DATABASE_URL=database_url, SECRET_KEY=SECRET_KEY)
        return ended.returncode, ended.stdout + ended.stderr

    await add(service, "webhook:1", 2)
    job = await fail(service)
    status, told = run("lanes")
    assert status == 0
    assert told.startswith(f"{job.id}  notify.webhook  failed attempts: 1, next try ")
    assert "behind it: 1 " in told
    assert SECRET not in told
    assert run("skip", str(job.id), "--reason", "unwanted") == (0, "skipped\n")
    assert run("lanes") == (0, "no blocked lanes\n")
