"""Dead jobs: operators see them without their payload, try them again or discard them; every act is audited."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from merchant.core import dead_jobs, outbox
from merchant.core.db import Tx
from merchant.core.outbox import Job
from merchant.core.service import Service
from merchant.core.slices import JobKind
from merchant.programs.worker import Worker
from tests.builders import World

pytestmark = pytest.mark.anyio
Move = Callable[[timedelta], datetime]
DEAD = "/api/v1/dead-jobs"
SECRET = "254711000001"


async def bury(service: Service, topic: str, count: int = 1) -> list[int]:
    """Jobs of a topic that failed too often; their ids, oldest first."""
    async with service.db.system() as tx:
        for _ in range(count):
            await outbox.add(tx, topic, {"phone": SECRET})
        await tx.execute(
            "UPDATE outbox SET attempts = 12, dead_at = run_at, last_error = 'Retry: HTTP 503' WHERE topic = $1", topic
        )
        return [row["id"] for row in await tx.fetch("SELECT id FROM outbox WHERE topic = $1 ORDER BY id", topic)]


async def listed(client: httpx.AsyncClient, world: World, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get(DEAD + query, headers=world.operator.headers)).json()["items"]
    return found


async def audited(service: Service) -> list[tuple[str, str, str]]:
    async with service.db.system() as tx:
        rows = await tx.fetch(
            "SELECT action, subject_id, detail::text FROM audit_entry WHERE action LIKE 'dead_job%' ORDER BY seq"
        )
    return [tuple(row) for row in rows]


async def test_operators_see_what_failed_and_why_and_never_the_payload(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    [job_id] = await bury(service, "hub.send")
    response = await client.get(DEAD, headers=world.operator.headers)
    assert SECRET not in response.text
    [job] = response.json()["items"]
    assert job == {
        "id": job_id,
        "topic": "hub.send",
        "dfsp_id": None,
        "attempts": 12,
        "last_error": "Retry: HTTP 503",
        "created_at": job["created_at"],
        "dead_at": job["dead_at"],
    }
    assert job["dead_at"].endswith("Z")


async def test_living_jobs_are_not_listed(client: httpx.AsyncClient, service: Service, world: World) -> None:
    async with service.db.system() as tx:
        await outbox.add(tx, "hub.send", 0)
    assert await listed(client, world) == []


async def test_the_list_goes_by_pages_and_by_topic(client: httpx.AsyncClient, service: Service, world: World) -> None:
    ids = await bury(service, "hub.send", 3)
    others = await bury(service, "notify.sms")
    first = (await client.get(f"{DEAD}?limit=2", headers=world.operator.headers)).json()
    rest = await listed(client, world, f"?limit=2&cursor={first['next_cursor']}")
    assert [job["id"] for job in [*first["items"], *rest]] == [*others, *reversed(ids)]
    assert [job["id"] for job in await listed(client, world, "?topic=notify.sms")] == others
    assert await listed(client, world, "?topic=nothing") == []


@pytest.mark.parametrize("cursor", ["_" * 22, "A" * 22])
async def test_a_cursor_that_names_no_job_is_a_page_all_the_same(
    client: httpx.AsyncClient, service: Service, world: World, cursor: str
) -> None:
    await bury(service, "hub.send")
    response = await client.get(f"{DEAD}?cursor={cursor}", headers=world.operator.headers)
    assert response.status_code == 200, response.text


async def test_a_dead_job_that_is_tried_again_is_done_and_gone(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    [job_id] = await bury(service, "test.mended")
    response = await client.post(f"{DEAD}/{job_id}/retry", headers=world.operator.headers)
    assert (response.status_code, response.json()) == (200, {"retried": 1})
    assert await listed(client, world) == []
    seen: list[Job] = []

    async def note(_: Tx, __: Service, job: Job) -> None:
        seen.append(job)

    async with Worker(service, {"test.mended": JobKind("test.mended", transactional=note)}).by_hand() as worker:
        assert await worker.run_due() == 1
    assert [(job.id, job.attempts) for job in seen] == [(job_id, 1)]
    assert await audited(service) == [("dead_job.retried", str(job_id), "{}")]
    again = await client.post(f"{DEAD}/{job_id}/retry", headers=world.operator.headers)
    assert (again.status_code, again.json()["code"]) == (404, "no_such_dead_job")


async def test_all_of_a_topic_are_tried_again_oldest_first_some_at_a_time(
    client: httpx.AsyncClient, service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_jobs, "RETRIED_AT_ONCE", 2)
    ids = await bury(service, "hub.send", 3)
    await bury(service, "notify.sms")
    counts = []
    for _ in range(3):
        response = await client.post(f"{DEAD}/retry", json={"topic": "hub.send"}, headers=world.operator.headers)
        counts.append(response.json()["retried"])
        if len(counts) == 1:
            assert [job["id"] for job in await listed(client, world, "?topic=hub.send")] == ids[2:]
    assert counts == [2, 1, 0]
    assert [job["topic"] for job in await listed(client, world)] == ["notify.sms"]
    assert [(action, subject) for action, subject, _ in await audited(service)] == [
        ("dead_jobs.retried", "hub.send")
    ] * 2


async def test_a_job_that_is_discarded_is_gone_and_the_reason_stays(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    [job_id] = await bury(service, "hub.send")
    path = f"{DEAD}/{job_id}/discard"
    for body in ({}, {"reason": ""}, {"reason": "  "}):
        assert (await client.post(path, json=body, headers=world.operator.headers)).status_code == 422
    response = await client.post(path, json={"reason": "settled by hand"}, headers=world.operator.headers)
    assert response.status_code == 204
    assert await listed(client, world) == []
    [(action, subject, _)] = await audited(service)
    assert (action, subject) == ("dead_job.discarded", str(job_id))
    entries = (await client.get("/api/v1/audit?action=dead_job.discarded", headers=world.operator.headers)).json()
    assert entries["items"][0]["detail"]["reason"] == "settled by hand"
    assert (await client.post(path, json={"reason": "again"}, headers=world.operator.headers)).status_code == 404


async def test_a_living_job_can_be_neither_discarded_nor_started_anew(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    async with service.db.system() as tx:
        await outbox.add(tx, "hub.send", 0)
        job_id = await tx.fetchval("SELECT id FROM outbox")
    for act, body in (("retry", None), ("discard", {"reason": "x"})):
        response = await client.post(f"{DEAD}/{job_id}/{act}", json=body, headers=world.operator.headers)
        assert response.status_code == 404
    assert await audited(service) == []


@pytest.mark.parametrize("job_id", ["0", "-1", "x", "9" * 18, "9" * 19, "１"])
async def test_an_id_that_is_none_is_not_found(client: httpx.AsyncClient, world: World, job_id: str) -> None:
    response = await client.post(f"{DEAD}/{job_id}/retry", headers=world.operator.headers)
    assert response.status_code == 404


async def test_staff_of_a_dfsp_have_no_part_in_it(client: httpx.AsyncClient, service: Service, world: World) -> None:
    [job_id] = await bury(service, "hub.send")
    for person in world["greenbankfsp"].values():
        assert (await client.get(DEAD, headers=person.headers)).status_code == 403
        assert (await client.post(f"{DEAD}/{job_id}/retry", headers=person.headers)).status_code == 403
        response = await client.post(f"{DEAD}/retry", json={"topic": "hub.send"}, headers=person.headers)
        assert response.status_code == 403
    assert len(await listed(client, world)) == 1


async def test_the_log_says_in_a_sentence_that_a_job_is_dead_and_what_to_do(service: Service, move_clock: Move) -> None:
    async def fail(_: Tx, __: Service, ___: Job) -> None:
        raise ValueError(SECRET)

    async with service.db.system() as tx:
        await outbox.add(tx, "test.fails", 0)
        job_id = await tx.fetchval("SELECT id FROM outbox")
    with capture_logs() as logs:
        async with Worker(service, {"test.fails": JobKind("test.fails", transactional=fail)}).by_hand() as worker:
            for _ in range(outbox.MAX_ATTEMPTS):
                assert await worker.run_due() == 1
                move_clock(timedelta(hours=2))
    assert [entry["event"] for entry in logs] == ["job_failed"] * outbox.MAX_ATTEMPTS + ["job_dead"]
    assert logs[-1]["log_level"] == "error"
    assert f"`merchant outbox retry {job_id}`" in logs[-1]["advice"]
    async with service.db.system() as tx:
        last_error = await tx.fetchval("SELECT last_error FROM outbox")
    assert last_error.startswith("ValueError at ")
    assert SECRET not in last_error + "".join(entry["why"] for entry in logs)
