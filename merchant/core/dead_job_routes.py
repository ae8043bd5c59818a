"""JSON routes of jobs that failed, for operators of the hub: dead ones, and live ones that hold back a lane."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from merchant.core import dead_jobs, stuck_jobs
from merchant.core.access import Permission as P
from merchant.core.dead_jobs import NoSuchDeadJob, NotInTheWay
from merchant.core.http import json as web
from merchant.core.http.fields import Instant, ReasonText
from merchant.core.http.route import Call, Filter, Listed, route
from merchant.core.paging import BY_AGE


class DeadJobView(Struct, frozen=True):
    """A job that failed too often and is tried no more. Its payload is not shown: it may hold personal data."""

    id: int
    topic: str
    dfsp_id: UUID | None
    attempts: int
    last_error: str | None
    created_at: Instant
    dead_at: Instant


class RetryDeadJobs(Struct, frozen=True, forbid_unknown_fields=True):
    """Which dead jobs to try again: those of one topic."""

    topic: Annotated[str, Meta(min_length=1, max_length=64)]


class DeadJobsRetried(Struct, frozen=True):
    """How many are tried again now. A call takes at most 1000, oldest first: repeat it until this is 0."""

    retried: int


class DiscardDeadJob(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a job need not be done any more; kept in the audit record."""

    reason: ReasonText


@route(
    "GET",
    "/api/v1/dead-jobs",
    permission=P.OPERATIONS_READ,
    items=DeadJobView,
    paged=True,
    sorts=BY_AGE,
    filters=(Filter("topic", "Only those of this topic."),),
    transaction=False,
)
async def list_dead_jobs(call: Call[None]) -> Listed:
    """List jobs that failed too often, newest first."""
    async with call.service.db.system_reads() as tx:
        rows = await stuck_jobs.dead(tx, call.page, call.filters["topic"])
    return Listed([_view(row) for row in rows], [UUID(int=row.id) for row in rows])


def _view(job: stuck_jobs.DeadJob) -> DeadJobView:
    created_at, dead_at = web.at(job.created_at), web.at(job.dead_at)
    return DeadJobView(job.id, job.topic, job.dfsp_id, job.attempts, job.last_error, created_at, dead_at)


@route(
    "POST",
    "/api/v1/dead-jobs/{job_id}/retry",
    permission=P.OPERATIONS_WRITE,
    answer=DeadJobsRetried,
    transaction=False,
    raises=(NoSuchDeadJob,),
)
async def retry_dead_job(call: Call[None], job_id: int) -> DeadJobsRetried:
    """Try one dead job again, with all its attempts."""
    async with call.service.db.system() as tx:
        await dead_jobs.retry(tx, call.actor, job_id)
    return DeadJobsRetried(1)


@route(
    "POST",
    "/api/v1/dead-jobs/retry",
    permission=P.OPERATIONS_WRITE,
    body=RetryDeadJobs,
    answer=DeadJobsRetried,
    transaction=False,
)
async def retry_dead_jobs(call: Call[RetryDeadJobs]) -> DeadJobsRetried:
    """Try the dead jobs of one topic again, at most 1000 of them, oldest first."""
    async with call.service.db.system() as tx:
        return DeadJobsRetried(await dead_jobs.retry_many(tx, call.actor, call.body.topic))


@route(
    "POST",
    "/api/v1/dead-jobs/{job_id}/discard",
    permission=P.OPERATIONS_WRITE,
    body=DiscardDeadJob,
    status=204,
    transaction=False,
    raises=(NoSuchDeadJob,),
)
async def discard_dead_job(call: Call[DiscardDeadJob], job_id: int) -> None:
    """Delete a dead job for good; who, when and why stay in the audit record."""
    async with call.service.db.system() as tx:
        await dead_jobs.discard(tx, call.actor, job_id, call.body.reason)


class BlockedLaneView(Struct, frozen=True):
    """A job that failed and holds back all that wait behind it. Its payload is not shown."""

    job_id: int
    kind: str
    topic: str
    dfsp_id: UUID | None
    attempts: int
    next_try_at: Instant
    last_error: str
    waiting: int


class SkipJob(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a job need not be done any more; kept in the audit record."""

    reason: ReasonText


@route(
    "GET",
    "/api/v1/blocked-lanes",
    permission=P.OPERATIONS_READ,
    items=BlockedLaneView,
    paged=True,
    sorts=BY_AGE,
    transaction=False,
)
async def list_blocked_lanes(call: Call[None]) -> Listed:
    """List what is done in order and cannot go on, because its first job fails and is tried again later."""
    async with call.service.db.system_reads() as tx:
        rows = await stuck_jobs.blocked_lanes(tx, call.page)
    return Listed([_lane_view(row) for row in rows], [UUID(int=row.job_id) for row in rows])


def _lane_view(lane: stuck_jobs.BlockedLane) -> BlockedLaneView:
    return BlockedLaneView(
        job_id=lane.job_id,
        kind=lane.kind,
        topic=lane.topic,
        dfsp_id=lane.dfsp_id,
        attempts=lane.attempts,
        next_try_at=web.at(lane.next_try_at),
        last_error=lane.last_error,
        waiting=lane.waiting,
    )


@route(
    "POST",
    "/api/v1/blocked-lanes/{job_id}/skip",
    permission=P.OPERATIONS_WRITE,
    body=SkipJob,
    status=204,
    transaction=False,
    raises=(NotInTheWay,),
)
async def skip_blocking_job(call: Call[SkipJob], job_id: int) -> None:
    """Delete the job that is in the way for good, so that the next goes on; the audit record keeps who and why."""
    async with call.service.db.system() as tx:
        await dead_jobs.skip(tx, call.actor, job_id, call.body.reason)


ROUTES = [list_dead_jobs, retry_dead_job, retry_dead_jobs, discard_dead_job, list_blocked_lanes, skip_blocking_job]
