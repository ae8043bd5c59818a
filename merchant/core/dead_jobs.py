"""Jobs of the outbox that failed: what an operator may do with them. Every act is audited.

dead_job_routes.py and cli/outbox.py call these; the list itself is `stuck_jobs.dead`. A payload is never shown.
"""

from merchant.core import audit, errors, stuck_jobs
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.texts import _

# How many are retried at once: a hub that has just come back should not get a day's messages in one second.
RETRIED_AT_ONCE = 1_000


class NoSuchDeadJob(errors.NotFound):
    code, title = "no_such_dead_job", _("There is no dead job of this id; it may have been retried or discarded")


class NotInTheWay(errors.NotFound):
    code, title = "not_in_the_way", _("No job of this id holds back a lane; it may have been done or skipped")


async def skip(tx: Tx, actor: Actor, job_id: int, reason: str) -> None:
    """Delete a live job that failed and holds back its lane; who, when and why are audited. Raises NotInTheWay."""
    topic = await stuck_jobs.skip(tx, job_id)
    if topic is None:
        raise NotInTheWay
    await audit.record(tx, actor, "job.skipped", "job", job_id, dfsp_id=None, topic=topic, reason=reason)


async def retry(tx: Tx, actor: Actor, job_id: int) -> None:
    """Try a dead job again, with all its attempts. Raises NoSuchDeadJob."""
    if not await stuck_jobs.retry_dead(tx, job_id):
        raise NoSuchDeadJob
    await audit.record(tx, actor, "dead_job.retried", "job", job_id, dfsp_id=None)


async def retry_many(tx: Tx, actor: Actor, topic: str | None) -> int:
    """Try dead jobs again, of one topic or of all, oldest first; how many, at most RETRIED_AT_ONCE."""
    count = await stuck_jobs.retry_many_dead(tx, topic, RETRIED_AT_ONCE)
    if count:
        await audit.record(tx, actor, "dead_jobs.retried", "topic", topic or "*", dfsp_id=None, count=count)
    return count


async def discard(tx: Tx, actor: Actor, job_id: int, reason: str) -> None:
    """Delete a dead job for good, payload and all; the audit record keeps who, when and why. Raises NoSuchDeadJob."""
    topic = await stuck_jobs.discard(tx, job_id)
    if topic is None:
        raise NoSuchDeadJob
    await audit.record(tx, actor, "dead_job.discarded", "job", job_id, dfsp_id=None, topic=topic, reason=reason)
