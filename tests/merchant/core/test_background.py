"""Background jobs by a kind made for the tests, on the table of print runs: slices, progress, faults, limits."""

import asyncio
import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from merchant.channels.models import PosterBatch
from merchant.core import background, errors, files, ids, outbox
from merchant.core.access import Actor
from merchant.core.background import Kind, TooManyJobs, order, run_slice
from merchant.core.outbox import HeldJob, Job
from merchant.core.paging import Page
from merchant.core.service import Service
from merchant.programs.slices import JOBS
from merchant.programs.worker import Worker
from tests import builders
from tests.builders import World

pytestmark = pytest.mark.anyio
TOPIC = "test.counting"
FOLDER = files.Folder("counts", (".txt",), max_bytes=100, kept_for=timedelta(days=2))
Move = Callable[[timedelta], Any]


class Told(Exception):
    """What whoever ordered may read."""


async def count_one(service: Service, job: PosterBatch) -> bool:
    """One line more in the file; as many lines as the total make the job done."""
    with files.open_growing(FOLDER.path(service.settings.data_dir, job.id, ".txt")) as out:
        job.done = len(out.readlines()) + 1
        out.write(b"line\n")
    job.skipped = [*job.skipped, {"number": str(job.done), "problem": "none"}]
    return job.done >= job.total


def kind_of(next_slice: Any = count_one) -> Kind[PosterBatch]:
    return Kind(TOPIC, PosterBatch, next_slice, ("skipped",), FOLDER, max_open=3, told=(Told,))


def register(monkeypatch: pytest.MonkeyPatch, kind: Kind[PosterBatch]) -> None:
    """Let workers of this process work off the kind."""
    monkeypatch.setitem(JOBS, TOPIC, background.job_kind(kind))


async def store(service: Service, dfsp_id: UUID, total: int = 3, kind: Kind[PosterBatch] | None = None) -> UUID:
    async with service.db.tenant(dfsp_id) as tx:
        job = PosterBatch(dfsp_id=dfsp_id, page="A6", languages=["en"], total=total, skipped=[])
        return (await order(tx, kind or kind_of(), job)).id


async def read(service: Service, job_id: UUID) -> PosterBatch:
    async with service.db.system_reads() as tx:
        return await background.find(tx, kind_of(), HUB, job_id)


def file_of(service: Service, job_id: UUID) -> Path:
    return background.path_of(service, kind_of(), job_id, ".txt")


HUB = Actor(kind="service", id=ids.uuid7(), name="test", dfsp_id=None)


@pytest.fixture
def dfsp_id(world: World) -> UUID:
    return world.dfsp_ids["greenbankfsp"]


async def test_a_job_is_done_slice_by_slice_and_leaves_its_file(
    service: Service, dfsp_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch, kind_of())
    job_id = await store(service, dfsp_id)
    seen = []
    async with Worker(service).by_hand() as worker:
        while await worker.run_due():
            job = await read(service, job_id)
            seen.append((background.state_of(job), job.done, len(job.skipped)))
    assert seen == [("running", 1, 1), ("running", 2, 2), ("done", 3, 3)]
    assert background.finished_file(service, kind_of(), job, ".txt").read_text() == "line\n" * 3


async def test_nothing_is_stored_when_the_order_is_rolled_back(service: Service, dfsp_id: UUID) -> None:
    with pytest.raises(ZeroDivisionError):
        async with service.db.tenant(dfsp_id) as tx:
            await order(tx, kind_of(), PosterBatch(dfsp_id=dfsp_id, page="A6", total=1, skipped=[]))
            raise ZeroDivisionError
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM poster_batch") == 0
        assert await tx.fetchval("SELECT count(*) FROM outbox WHERE topic = $1", TOPIC) == 0


async def test_jobs_of_several_dfsps_take_turns(
    service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns: list[UUID] = []

    async def work(_: Service, job: PosterBatch) -> bool:
        turns.append(job.id)
        job.done += 1
        return job.done == job.total

    register(monkeypatch, kind_of(work))
    long = await store(service, world.dfsp_ids["greenbankfsp"], total=4)
    short = await store(service, world.dfsp_ids["lakemfi"], total=1)
    await builders.work(service)
    assert turns == [long, short, long, long, long]


async def test_a_dfsp_has_as_many_open_jobs_as_the_kind_allows_however_they_come(
    service: Service, world: World, dfsp_id: UUID
) -> None:
    answers = await asyncio.gather(*(store(service, dfsp_id) for _ in range(5)), return_exceptions=True)
    assert sorted(isinstance(answer, TooManyJobs) for answer in answers) == [False, False, False, True, True]
    await store(service, world.dfsp_ids["lakemfi"])
    done = next(answer for answer in answers if isinstance(answer, UUID))
    for _ in range(3):
        await run_slice(service, kind_of(), done)
    await store(service, dfsp_id)


async def test_a_slice_that_was_killed_goes_on_from_the_file(service: Service, dfsp_id: UUID) -> None:
    job_id = await store(service, dfsp_id)
    await run_slice(service, kind_of(), job_id)
    with files.open_growing(file_of(service, job_id)) as out:  # a slice wrote a line and was killed before it was saved
        out.seek(0, os.SEEK_END)
        out.write(b"line\n")
    assert (await read(service, job_id)).done == 1
    await run_slice(service, kind_of(), job_id)
    job = await read(service, job_id)
    assert (background.state_of(job), job.done) == ("done", 3)


async def test_progress_is_saved_while_a_slice_works(
    service: Service, dfsp_id: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "PROGRESS_EVERY_S", 0.01)
    go_on = threading.Event()

    async def work(_: Service, job: PosterBatch) -> bool:
        def in_a_thread() -> None:
            job.done = 2
            assert go_on.wait(30)

        await asyncio.to_thread(in_a_thread)
        return True

    job_id = await store(service, dfsp_id)
    working = asyncio.create_task(run_slice(service, kind_of(work), job_id))
    while not (job := await read(service, job_id)).done:
        await asyncio.sleep(0.01)
    assert (background.state_of(job), job.done) == ("running", 2)
    go_on.set()
    await working
    assert background.state_of(await read(service, job_id)) == "done"


@pytest.mark.parametrize(
    ("error", "problem"),
    [(Told("row 7 has no name"), "row 7 has no name."), (KeyError("secret"), background.FAILED)],
)
async def test_an_error_ends_the_job_and_only_a_told_one_is_shown(
    service: Service, dfsp_id: UUID, error: Exception, problem: str
) -> None:
    async def work(_: Service, job: PosterBatch) -> bool:
        raise error

    job_id = await store(service, dfsp_id)
    await run_slice(service, kind_of(work), job_id)
    job = await read(service, job_id)
    assert (background.state_of(job), job.problem) == ("failed", problem)
    with pytest.raises(background.NotFinished):
        background.finished_file(service, kind_of(), job, ".txt")


async def test_a_file_that_grows_too_large_ends_the_job(service: Service, dfsp_id: UUID) -> None:
    async def work(_: Service, job: PosterBatch) -> bool:
        files.write(file_of(service, job.id), b"x" * 101)
        return True

    job_id = await store(service, dfsp_id)
    await run_slice(service, kind_of(work), job_id)
    assert "larger than" in ((await read(service, job_id)).problem or "")


async def test_a_job_whose_file_is_busy_waits(
    service: Service, dfsp_id: UUID, monkeypatch: pytest.MonkeyPatch, move_clock: Move
) -> None:
    register(monkeypatch, kind_of())
    job_id = await store(service, dfsp_id)
    with files.open_growing(file_of(service, job_id)):
        await builders.work(service)
    assert background.state_of(await read(service, job_id)) == "waiting"
    move_clock(timedelta(minutes=1))
    await builders.work(service)
    assert background.state_of(await read(service, job_id)) == "done"


async def test_a_slice_that_never_comes_back_ends_the_job_after_some_tries(service: Service, dfsp_id: UUID) -> None:
    job_id = await store(service, dfsp_id)
    handle = background.job_kind(kind_of()).network
    assert handle is not None
    payload = msgspec.json.encode(background.SliceDue(job_id))
    job = Job(1, TOPIC, payload, attempts=background.MAX_ATTEMPTS + 1)
    await handle(service, None, HeldJob(job, None))  # type: ignore[arg-type]
    found = await read(service, job_id)
    assert (background.state_of(found), found.problem, found.done) == ("failed", background.FAILED, 0)
    assert background.MAX_ATTEMPTS < outbox.MAX_ATTEMPTS  # or the job would stay open behind a dead letter


async def test_a_finished_job_is_not_changed_by_a_late_slice(service: Service, dfsp_id: UUID) -> None:
    async def work(service: Service, job: PosterBatch) -> bool:
        await run_slice(service, kind_of(count_one), job.id)  # another worker finishes it meanwhile
        job.done = 99
        return False

    job_id = await store(service, dfsp_id, total=1)
    await run_slice(service, kind_of(work), job_id)
    finished = await read(service, job_id)
    assert (background.state_of(finished), finished.done) == ("done", 1)
    await run_slice(service, kind_of(work), job_id)
    assert await read(service, job_id) == finished


async def test_a_job_is_found_by_its_own_dfsp_and_merchant_only(service: Service, world: World, dfsp_id: UUID) -> None:
    job_id = await store(service, dfsp_id)
    own = msgspec.structs.replace(HUB, dfsp_id=dfsp_id)
    for actor, sees in (
        (own, True),
        (msgspec.structs.replace(own, merchant_id=ids.uuid7()), False),
        (msgspec.structs.replace(own, dfsp_id=world.dfsp_ids["lakemfi"]), False),
    ):
        async with service.db.tenant(actor.dfsp_id) as tx:
            listed = await background.list_page(tx, kind_of(), actor, Page())
            assert [job.id for job in listed] == ([job_id] if sees else [])
            if sees:
                assert (await background.find(tx, kind_of(), actor, job_id)).id == job_id
            else:
                with pytest.raises(errors.NotFound):
                    await background.find(tx, kind_of(), actor, job_id)


async def test_old_jobs_go_with_their_files_and_young_ones_stay(
    service: Service, dfsp_id: UUID, move_clock: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_PRUNED_AT_ONCE", 1)
    old = [await store(service, dfsp_id, total=1) for _ in range(2)]
    for job_id in old:
        await run_slice(service, kind_of(), job_id)
    now = move_clock(timedelta(days=1))
    young = await store(service, dfsp_id, total=1)
    await run_slice(service, kind_of(), young)
    os.utime(file_of(service, young), (now.timestamp(), now.timestamp()))
    move_clock(timedelta(days=1, minutes=1))
    await background.prune(service, kind_of())
    assert [file_of(service, job_id).exists() for job_id in (*old, young)] == [False, False, True]
    async with service.db.system_reads() as tx:
        assert [job.id for job in await background.list_page(tx, kind_of(), HUB, Page())] == [young]


async def test_a_file_that_is_gone_is_told(service: Service, dfsp_id: UUID) -> None:
    job_id = await store(service, dfsp_id, total=1)
    await run_slice(service, kind_of(), job_id)
    file_of(service, job_id).unlink()
    with pytest.raises(background.FileGone):
        background.finished_file(service, kind_of(), await read(service, job_id), ".txt")
