"""`merchant outbox`: the jobs that failed."""

from collections.abc import Callable, Coroutine
from typing import Any

import click

from merchant.core.settings import Settings


@click.group()
def outbox() -> None:
    """Jobs that failed: list, try again, discard, skip."""


@outbox.command("list")
@click.option("--topic", help="Only jobs of this topic.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="How many at most.")
@click.pass_obj
def list_jobs(settings: Settings, topic: str | None, limit: int) -> None:
    """Show dead jobs, newest first, one a line."""
    from merchant.core import clock
    from merchant.core import stuck_jobs as jobs
    from merchant.core.paging import Page
    from merchant.programs import runtime

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service, service.db.system_reads() as tx:
            found = await jobs.dead(tx, Page(limit), topic)
        for job in found[:limit]:
            click.echo(f"{job.id}  {job.topic}  dead since {clock.rfc3339(job.dead_at)}  {job.last_error}")
        if len(found) > limit:
            click.echo(f"there are more than {limit}; see --limit and --topic")
        elif not found:
            click.echo("no dead jobs")

    _run(settings, main)


@outbox.command("retry")
@click.argument("job_id", type=click.IntRange(1, 2**63 - 1), required=False)
@click.option("--topic", help="All dead jobs of this topic.")
@click.option("--all", "everything", is_flag=True, help="All dead jobs.")
@click.pass_obj
def retry_jobs(settings: Settings, job_id: int | None, topic: str | None, everything: bool) -> None:
    """Try dead jobs again: one by its id, those of a topic, or all. Exit status 1 when there is none."""
    from merchant.core import dead_jobs
    from merchant.core.access import SERVICE
    from merchant.programs import runtime

    if sum((job_id is not None, topic is not None, everything)) != 1:
        raise click.UsageError("Give one of JOB_ID, --topic and --all.")
    retried: list[int] = []

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service:
            if job_id is not None:
                async with service.db.system() as tx:
                    await dead_jobs.retry(tx, SERVICE, job_id)
                retried.append(1)
                return
            while True:
                async with service.db.system() as tx:
                    count = await dead_jobs.retry_many(tx, SERVICE, topic)
                retried.append(count)
                if count < dead_jobs.RETRIED_AT_ONCE:
                    return

    _run(settings, main)
    if not sum(retried):
        raise click.ClickException("There are no such dead jobs.")
    click.echo(f"{sum(retried)} to be tried again")


@outbox.command("discard")
@click.argument("job_id", type=click.IntRange(1, 2**63 - 1))
@click.option("--reason", required=True, help="Why it need not be done; kept in the audit record.")
@click.pass_obj
def discard_job(settings: Settings, job_id: int, reason: str) -> None:
    """Delete a dead job for good. Exit status 1 when there is none of this id."""
    from merchant.core import dead_jobs
    from merchant.core.access import SERVICE
    from merchant.programs import runtime

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service, service.db.system() as tx:
            await dead_jobs.discard(tx, SERVICE, job_id, reason)

    _run(settings, main)
    click.echo("discarded")


@outbox.command("lanes")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000), help="How many at most.")
@click.pass_obj
def list_lanes(settings: Settings, limit: int) -> None:
    """Show what is done in order and cannot go on, because its first job fails, one a line."""
    from merchant.core import clock
    from merchant.core import stuck_jobs as jobs
    from merchant.core.paging import Page
    from merchant.programs import runtime

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service, service.db.system_reads() as tx:
            found = await jobs.blocked_lanes(tx, Page(limit))
        for lane in found[:limit]:
            click.echo(
                f"{lane.job_id}  {lane.topic}  failed attempts: {lane.attempts}, next try"
                f" {clock.rfc3339(lane.next_try_at)}, behind it: {lane.waiting}  {lane.last_error}"
            )
        if len(found) > limit:
            click.echo(f"there are more than {limit}; see --limit")
        elif not found:
            click.echo("no blocked lanes")

    _run(settings, main)


@outbox.command("skip")
@click.argument("job_id", type=click.IntRange(1, 2**63 - 1))
@click.option("--reason", required=True, help="Why it need not be done; kept in the audit record.")
@click.pass_obj
def skip_job(settings: Settings, job_id: int, reason: str) -> None:
    """Delete a failing job that holds back those behind it. Exit status 1 when it does not."""
    from merchant.core import dead_jobs
    from merchant.core.access import SERVICE
    from merchant.programs import runtime

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service, service.db.system() as tx:
            await dead_jobs.skip(tx, SERVICE, job_id, reason)

    _run(settings, main)
    click.echo("skipped")


def _run(settings: Settings, main: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    """Run a command's coroutine on the database; what the operator asked in vain ends it with a sentence."""
    from merchant.core.errors import MerchantError
    from merchant.programs import runtime

    try:
        with runtime.open_database(settings) as url:
            runtime.run(main(url))
    except MerchantError as error:
        raise click.ClickException(error.detail) from None
