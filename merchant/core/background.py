"""Background jobs: long work in slices of some seconds, with progress, that survives a kill and leaves a file.

A kind of job declares a `Kind` and a table whose class is a `BackgroundJob`; its slice exports `job_kind(KIND)` in JOBS
and `timer(KIND)` in TIMERS. `order` stores a job and its first slice in the outbox; `run_slice` works for a while and
leaves the rest to a new outbox job behind those of all others. Posters are the first kind (channels/posters.py).
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar
from uuid import UUID

import aiohttp
import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import update
from sqlmodel import Field, SQLModel, select

from merchant.core import clock, columns, errors, files, outbox, paging
from merchant.core.access import Actor, scope_to
from merchant.core.db import Reads, Tx, forget
from merchant.core.locks import take_turn
from merchant.core.outbox import HeldJob
from merchant.core.pools import LONG_S
from merchant.core.service import Service
from merchant.core.slices import JobKind, Timer
from merchant.core.texts import _

PROGRESS_EVERY_S = 0.5
# A slice that takes its process down (out of memory, say) takes the next one down too.
MAX_ATTEMPTS = 6
FAILED = _("This failed on our side; order again.")
_PRUNE_EVERY_S = 3600.0
_PRUNED_AT_ONCE = 1_000
_log = structlog.get_logger()


class TooManyJobs(errors.TooManyRequests):
    code, title = "too_many_jobs", _("Too many jobs of this kind are under way; wait until one is done")


class NotFinished(errors.WrongState):
    code, title = "not_finished", _("This is not done, so it has no file; ask for its state")


class FileGone(errors.NotFound):
    code, title = "file_gone", _("The file is no longer kept; order again")


class BackgroundJob(SQLModel):
    """The columns that the table of every kind has. `done` and `total` count what the kind counts."""

    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    merchant_id: UUID | None = Field(default=None, foreign_key="merchant.id")
    done: int = 0
    total: int
    problem: str | None = None
    created_at: datetime = columns.instant()
    finished_at: datetime | None = columns.instant(nullable=True)


J = TypeVar("J", bound=BackgroundJob)


class Kind(Struct, Generic[J], frozen=True):
    """One kind of background job.

    `next_slice` works for a few seconds and says whether the job is done. It keeps `done` and the columns named in
    `results` on the row that it is handed, from any thread; they are saved every half second. Run again after a kill,
    it must go on from the job's file. It raises BlockingIOError while another process works on the job, and `told`
    errors for what whoever ordered may read; any error but BlockingIOError ends the job.
    """

    topic: str
    table: type[J]
    next_slice: Callable[[Service, J], Awaitable[bool]]
    results: tuple[str, ...]
    folder: files.Folder
    max_open: int  # jobs of one DFSP at a time; more is a loop in someone's script
    told: tuple[type[Exception], ...] = ()


class SliceDue(Struct, frozen=True, rename={"job_id": "batch_id"}):  # the key of rows queued before there were kinds
    """The payload in the outbox."""

    job_id: UUID


async def order(tx: Tx, kind: Kind[J], job: J) -> J:
    """Store a job and its first slice. Raises TooManyJobs."""
    table = kind.table.__tablename__
    # Two orders at the same moment would each count the other as absent.
    await take_turn(tx, f"{table} {job.dfsp_id}")
    whose = "dfsp_id IS NOT DISTINCT FROM $1"  # the hub's have none
    open_jobs = f"SELECT count(*) FROM {table} WHERE {whose} AND finished_at IS NULL"  # noqa: S608 - our names
    if await tx.fetchval(open_jobs, job.dfsp_id) >= kind.max_open:
        told = _("At most {most} jobs of this kind may be under way; wait until one is done.", most=kind.max_open)
        raise TooManyJobs(told)
    tx.session.add(job)
    await _leave_slice(tx, kind, job)
    return job


async def find(tx: Reads, kind: Kind[J], actor: Actor, job_id: UUID) -> J:
    """A job that the actor may see. Raises NotFound."""
    found: J = await tx.one(scope_to(actor, select(kind.table).where(kind.table.id == job_id), kind.table))
    return found


async def list_page(tx: Reads, kind: Kind[J], actor: Actor, wanted: paging.Page) -> list[J]:
    """Jobs that the actor may see, newest first; one more than the limit when there are more."""
    return await paging.page(tx, scope_to(actor, select(kind.table), kind.table), kind.table.id, wanted)


def state_of(job: BackgroundJob) -> Literal["waiting", "running", "done", "failed"]:
    """The state, as read from progress and outcome."""
    if job.finished_at is not None:
        return "done" if job.problem is None else "failed"
    return "running" if job.done else "waiting"


def path_of(service: Service, kind: Kind[J], job_id: UUID, suffix: str) -> Path:
    """Where a file of a job is or will be."""
    return kind.folder.path(service.settings.data_dir, job_id, suffix)


def finished_file(service: Service, kind: Kind[J], job: J, suffix: str) -> Path:
    """The file of a job that is done. Raises NotFinished, FileGone."""
    if job.finished_at is None or job.problem is not None:
        raise NotFinished
    path = path_of(service, kind, job.id, suffix)
    if not path.exists():
        raise FileGone
    return path


def job_kind(kind: Kind[J]) -> JobKind:
    """What works off the slices, for a slice's JOBS."""

    async def run(service: Service, _http: aiohttp.ClientSession, held: HeldJob) -> None:
        due = msgspec.json.decode(held.job.payload, type=SliceDue)
        await run_slice(service, kind, due.job_id, held.job.attempts)

    return JobKind(kind.topic, network=run, expected=(BlockingIOError,))


def timer(kind: Kind[J]) -> Timer:
    """What deletes old jobs and their files, for a slice's TIMERS."""

    async def run(service: Service) -> None:
        await prune(service, kind)

    return Timer(f"{kind.topic}.prune", run, _PRUNE_EVERY_S)


async def run_slice(service: Service, kind: Kind[J], job_id: UUID, attempt: int = 1) -> None:
    """Work on a job for some seconds; finish it, or leave its next slice. Repeating it does no harm.

    Raises BlockingIOError while another process or thread works on the job.
    """
    job = await _unfinished(service, kind, job_id)
    if job is None:
        return
    if attempt > MAX_ATTEMPTS:
        _log.error("background_job_gave_up", topic=kind.topic, job=str(job_id), attempts=attempt)
        await _finish(service, kind, job, FAILED)
        return
    working = asyncio.ensure_future(kind.next_slice(service, job))
    while not working.done():
        await asyncio.wait({working}, timeout=PROGRESS_EVERY_S)
        async with service.db.system_statements() as tx:
            await _save(tx, kind, job)
    try:
        is_done = await working
        files.check_sizes(kind.folder, service.settings.data_dir, job_id)
    except BlockingIOError:
        raise
    except Exception as error:
        # Whatever it is: tried again and again, it would hold up everybody's jobs.
        _log.error("background_job_failed", topic=kind.topic, job=str(job_id), exc_info=error)
        is_told = isinstance(error, (*kind.told, files.FileTooLarge))
        await _finish(service, kind, job, f"{error}." if is_told else FAILED)
        return
    if is_done:
        await _finish(service, kind, job, None)
    else:
        async with service.db.system() as tx:
            await _leave_slice(tx, kind, job)


async def prune(service: Service, kind: Kind[J]) -> None:
    """Delete jobs and files that were kept long enough. Each process deletes the files of its own data folder."""
    now = clock.now()
    count = _PRUNED_AT_ONCE
    while count == _PRUNED_AT_ONCE:
        async with service.db.system(longest_s=LONG_S) as tx:
            table = str(kind.table.__tablename__)
            count = await forget(tx, table, "id", "created_at", now - kind.folder.kept_for, _PRUNED_AT_ONCE)
    await asyncio.to_thread(files.delete_old, kind.folder, service.settings.data_dir, now)


async def _unfinished(service: Service, kind: Kind[J], job_id: UUID) -> J | None:
    statement: Any = select(kind.table).where(kind.table.id == job_id)
    async with service.db.system_reads() as tx:
        found: J | None = (await tx.session.exec(statement)).one_or_none()
        if found is None or found.finished_at is not None:
            return None
        tx.session.expunge(found)  # a thread will write to it
        return found


async def _leave_slice(tx: Tx, kind: Kind[J], job: J) -> None:
    # One slice of a kind at a time, and a job's next slice after those of all others.
    await outbox.add(tx, kind.topic, SliceDue(job.id), dfsp_id=job.dfsp_id, order_key=kind.topic)


async def _save(tx: Tx, kind: Kind[J], job: J, **outcome: Any) -> None:
    values = {name: getattr(job, name) for name in ("done", *kind.results)} | outcome
    table: Any = kind.table
    changed = update(table).where(table.id == job.id, table.finished_at.is_(None)).values(values)
    await tx.session.exec(changed, execution_options={"synchronize_session": False})


async def _finish(service: Service, kind: Kind[J], job: J, problem: str | None) -> None:
    async with service.db.system() as tx:
        await _save(tx, kind, job, problem=problem, finished_at=clock.now())
