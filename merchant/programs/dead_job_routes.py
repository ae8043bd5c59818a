"""JSON routes of dead jobs, for operators of the hub: list, try again, discard."""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath
from msgspec import Meta, Struct

from merchant.core import outbox
from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.json import actor_of, answer, body, needs, service_of
from merchant.programs import dead_jobs
from merchant.programs.dead_jobs import NoSuchDeadJob

Req = Request[Any, Any, State]
Answer = Response[bytes]
_ID_DIGITS_MAX = 18  # fits PostgreSQL's bigint


class DeadJobView(Struct, frozen=True):
    """A job that failed too often and is tried no more. Its payload is not shown: it may hold personal data."""

    id: int
    topic: str
    dfsp_id: UUID | None
    attempts: int
    last_error: str | None
    created_at: str | None
    dead_at: str | None


class RetryDeadJobs(Struct, frozen=True, forbid_unknown_fields=True):
    """Which dead jobs to try again: those of one topic."""

    topic: Annotated[str, Meta(min_length=1, max_length=64)]


class DeadJobsRetried(Struct, frozen=True):
    """How many are tried again now. A call takes at most 1000, oldest first: repeat it until this is 0."""

    retried: int


class DiscardDeadJob(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a job need not be done any more; kept in the audit record."""

    reason: Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]


@get("/api/v1/dead-jobs", opt=needs(P.OPERATIONS_READ, listing=DeadJobView, query=("topic",)))
async def list_dead_jobs(request: Req) -> Answer:
    """Jobs that failed too often, newest first."""
    page = web.page_of(request)
    async with service_of(request).db.system_reads() as tx:
        rows = await outbox.dead(tx, page, request.query_params.get("topic"))
    return web.listing([_view(row) for row in rows], page, [UUID(int=row.id) for row in rows])


def _view(job: outbox.DeadJob) -> DeadJobView:
    created_at, dead_at = web.at(job.created_at), web.at(job.dead_at)
    return DeadJobView(job.id, job.topic, job.dfsp_id, job.attempts, job.last_error, created_at, dead_at)


@post(
    "/api/v1/dead-jobs/{job_id:str}/retry",
    status_code=200,
    opt=needs(P.OPERATIONS_WRITE, answer=DeadJobsRetried),
)
async def retry_dead_job(request: Req, job_id: FromPath[str]) -> Answer:
    """Try one dead job again, with all its attempts."""
    async with service_of(request).db.system() as tx:
        await dead_jobs.retry(tx, actor_of(request), _job_id(job_id))
    return answer(DeadJobsRetried(1))


@post(
    "/api/v1/dead-jobs/retry",
    status_code=200,
    opt=needs(P.OPERATIONS_WRITE, body=RetryDeadJobs, answer=DeadJobsRetried),
)
async def retry_dead_jobs(request: Req) -> Answer:
    """Try the dead jobs of one topic again, at most 1000 of them, oldest first."""
    given = await body(request, RetryDeadJobs)
    async with service_of(request).db.system() as tx:
        count = await dead_jobs.retry_many(tx, actor_of(request), given.topic)
    return answer(DeadJobsRetried(count))


@post("/api/v1/dead-jobs/{job_id:str}/discard", status_code=204, opt=needs(P.OPERATIONS_WRITE, body=DiscardDeadJob))
async def discard_dead_job(request: Req, job_id: FromPath[str]) -> None:
    """Delete a dead job for good; who, when and why stay in the audit record."""
    given = await body(request, DiscardDeadJob)
    async with service_of(request).db.system() as tx:
        await dead_jobs.discard(tx, actor_of(request), _job_id(job_id), given.reason)


def _job_id(text: str) -> int:
    """A job's id from a path. What is no number is simply not found. Raises NoSuchDeadJob."""
    if not (text.isascii() and text.isdigit() and len(text) <= _ID_DIGITS_MAX):
        raise NoSuchDeadJob
    return int(text)


ROUTES = [list_dead_jobs, retry_dead_job, retry_dead_jobs, discard_dead_job]
