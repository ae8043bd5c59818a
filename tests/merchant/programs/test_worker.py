"""The worker's promises: an effect once with its job's end, what fails is retried until dead, nothing is shared."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from merchant.compliance.cases import apply
from merchant.compliance.cases.apply import SCREEN_TOPIC
from merchant.compliance.cases.models import Application
from merchant.core import outbox
from merchant.core.db import Tx
from merchant.core.outbox import Job
from merchant.core.service import Service
from merchant.core.slices import JobKind, Pruned
from merchant.programs.slices import JOBS
from merchant.programs.worker import Worker
from tests import builders
from tests.builders import World

pytestmark = pytest.mark.anyio
Move = Callable[[timedelta], datetime]


async def add(service: Service, topic: str, payload: Any = 0) -> None:
    async with service.db.system() as tx:
        await outbox.add(tx, topic, payload)


async def jobs(service: Service) -> list[Any]:
    async with service.db.system() as tx:
        return await tx.fetch("SELECT topic, attempts, last_error, dead_at FROM outbox ORDER BY id")


async def state(service: Service, application: Application) -> str:
    async with service.db.system() as tx:
        found: str = await tx.fetchval("SELECT state FROM application WHERE id = $1", application.id)
        return found


async def submitted(service: Service, world: World) -> Application:
    """An application whose screening is queued."""
    application = await builders.create_application(service, world.maker)
    async with service.db.tenant(application.dfsp_id) as tx:
        return await apply.submit(tx, service, world.maker.actor, application.id)


async def test_a_job_is_done_once_and_gone(service: Service, world: World) -> None:
    application = await submitted(service, world)
    async with Worker(service).by_hand() as one:
        assert await one.run_due() == 1
        assert await one.run_due() == 0
    assert await state(service, application) == "in_review"
    assert await jobs(service) == []


async def test_a_job_given_twice_screens_once(service: Service, world: World) -> None:
    application = await submitted(service, world)
    await add(service, SCREEN_TOPIC, {"application_id": application.id})
    await builders.work(service)
    async with service.db.system() as tx:
        screened = await tx.fetchval("SELECT count(*) FROM audit_entry WHERE action = 'application.screened'")
    assert screened == 1


async def test_workers_side_by_side_share_the_work_and_never_a_job(service: Service, world: World) -> None:
    applications = [await submitted(service, world) for _ in range(12)]
    async with Worker(service).by_hand() as one, Worker(service).by_hand() as two:
        counts = await asyncio.gather(*(each.run_due() for each in (one, two, one, two)))
    assert sum(counts) == 12
    assert {await state(service, application) for application in applications} == {"in_review"}
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM audit_entry WHERE action = 'application.screened'") == 12


@pytest.mark.parametrize(
    ("topic", "payload", "error"),
    [
        ("no.such.topic", 0, "KeyError"),
        (SCREEN_TOPIC, {"application_id": "nonsense"}, "ValidationError"),
        (SCREEN_TOPIC, {}, "ValidationError"),
        (SCREEN_TOPIC, b"\xff", "Decode"),
        (SCREEN_TOPIC, {"application_id": UUID(int=1)}, "NotFound"),
    ],
)
async def test_a_job_that_raises_is_tried_again_later_and_its_error_kept(
    service: Service, topic: str, payload: Any, error: str
) -> None:
    await add(service, topic, payload)
    await builders.work(service)
    [job] = await jobs(service)
    assert (job["attempts"], job["dead_at"]) == (1, None)
    assert error in job["last_error"]


async def test_a_job_that_always_raises_is_dead_in_the_end_and_holds_nobody_else_up(
    service: Service, world: World, move_clock: Move
) -> None:
    await add(service, "no.such.topic")
    application = await submitted(service, world)
    for _ in range(outbox.MAX_ATTEMPTS):
        await builders.work(service)
        move_clock(timedelta(hours=2))
    assert await state(service, application) == "in_review"
    [job] = await jobs(service)
    assert (job["attempts"], job["dead_at"] is not None) == (outbox.MAX_ATTEMPTS, True)
    await builders.work(service)
    assert (await jobs(service))[0]["attempts"] == outbox.MAX_ATTEMPTS


async def test_the_effect_of_a_job_that_failed_at_its_end_never_was(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def half_done(tx: Tx, _: Service, job: Job) -> None:
        await tx.execute("UPDATE scheme SET name = 'half done'")
        raise RuntimeError("crash")

    monkeypatch.setitem(JOBS, "test.half", JobKind("test.half", transactional=half_done))
    await add(service, "test.half")
    await builders.work(service)
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT name FROM scheme") == builders.SCHEME.name
    assert len(await jobs(service)) == 1


async def test_the_effect_of_a_worker_that_lost_its_lease_never_was(
    service: Service, monkeypatch: pytest.MonkeyPatch, move_clock: Move
) -> None:
    """A slow worker's job is taken by another: the effect happens once, the slow one's is rolled back."""
    slow_is_in, go_on = asyncio.Event(), asyncio.Event()
    ran: list[int] = []

    async def count(tx: Tx, _: Service, job: Job) -> None:
        ran.append(job.attempts)
        if job.attempts == 1:
            slow_is_in.set()
            await go_on.wait()
        await tx.execute("INSERT INTO dfsp SELECT gen_random_uuid(), $1, 'x', true, '', '', '', now()", f"d{len(ran)}")

    monkeypatch.setitem(JOBS, "test.count", JobKind("test.count", transactional=count))
    await add(service, "test.count")
    async with Worker(service).by_hand() as slow, Worker(service).by_hand() as quick:
        first = asyncio.create_task(slow.run_due())
        await slow_is_in.wait()
        move_clock(outbox.LEASE)
        assert await quick.run_due() == 1
        go_on.set()
        await first
    assert ran == [1, 2]
    async with service.db.system() as tx:
        assert await tx.fetchval("SELECT count(*) FROM dfsp WHERE name = 'x'") == 1
    assert await jobs(service) == []


async def test_a_running_worker_hears_of_new_work_and_stops_cleanly(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = asyncio.Event()

    async def notice(_: Tx, __: Service, ___: Job) -> None:
        seen.set()

    monkeypatch.setitem(JOBS, "test.notice", JobKind("test.notice", transactional=notice))
    service.settings = msgspec.structs.replace(service.settings, worker_poll_s=60.0)  # only a notice wakes it
    async with asyncio.timeout(30), Worker(service).running():
        # What is added before it listens may go unheard; what is added after may not.
        while not seen.is_set():
            await add(service, "test.notice")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(seen.wait(), 0.2)
    assert {job["attempts"] for job in await jobs(service)} <= {0}  # nothing was left half done


async def test_a_clean_up_that_fails_keeps_no_other_from_its_work(service: Service) -> None:
    done = asyncio.Event()

    async def fail(tx: Tx, most: int) -> int:
        await tx.execute("DELETE FROM no_such_table")
        return 0

    async def forget(tx: Tx, most: int) -> int:
        done.set()
        return 0

    async with Worker(service, pruned=[Pruned("fails", fail), Pruned("works", forget)]).running():
        await asyncio.wait_for(done.wait(), 10)
