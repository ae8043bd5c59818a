"""`merchant lists`: put a sanctions list in force, see which ones count, and what a file would change."""

from collections.abc import Awaitable, Callable
from typing import IO, Any, TypeVar
from uuid import UUID

import click

from merchant.core.settings import Settings

T = TypeVar("T")
_FORMS = ("un", "ofac_xml", "ofac_csv", "eu", "uk_csv", "uk_xml", "opensanctions", "own", "blocklist")
_FORM = click.option("--form", required=True, type=click.Choice(_FORMS), help="What kind of file it is.")
_SHOWN = 20  # of the latest versions


@click.group()
def lists() -> None:
    """Lists that names are screened against: put, show, diff, confirm, check-current."""


@lists.command()
@click.argument("file", type=click.File("rb"))
@_FORM
@click.pass_obj
def put(settings: Settings, file: IO[bytes], form: str) -> None:
    """Put FILE (plain or packed by gzip; - is standard input) in force.

    A published list counts within seconds. One that shrank or went back in date is refused, and the exit status is 1;
    MERCHANT_SCREENING_LIST_MAX_SHRINK_PERCENT says how much may go. A private one (own, blocklist) counts when a person
    of the hub confirms it. The same file again says that it is still current.
    """
    from merchant.core.access import SERVICE

    content = _content(file)

    async def work(service: Any) -> Any:
        from merchant.compliance.lists import operations

        prepared = await operations.prepare_list(service, form, content)
        async with service.db.system() as tx:
            version = await operations.put_list(tx, service, SERVICE, prepared)
        return version, prepared.problem

    version, problem = _run(settings, work)
    if version.problem is not None:
        raise click.ClickException(f"Refused ({version.problem}): {problem.message}")
    click.echo(f"{_line(version)}\n    {version.id}")


@lists.command()
@click.option("--all", "everything", is_flag=True, help="Also those that count no more, and those that were refused.")
@click.pass_obj
def show(settings: Settings, everything: bool) -> None:
    """Show the lists that count and those that wait for a second person."""

    async def work(service: Any) -> list[str]:
        from merchant.compliance.lists import ages, queries

        async with service.db.system_reads() as tx:
            if everything:
                return [f"{one.id}  {_line(one)}" for one in await queries.latest_versions(tx, _SHOWN)]
            versions = await queries.current_versions(tx)
        lines = []
        if queries.packaged_counts(versions):
            shipped = ages.packaged_age(service)
            lines.append(f"{shipped.source}  of {shipped.published_on}  {service.settings.screening_list}")
        for one in versions:
            stale = "  TOO OLD: not checked" if queries.is_stale(service.settings, one) else ""
            lines.append(f"{one.id}  {_line(one)}{stale}")
        return lines

    for line in _run(settings, work):
        click.echo(line)


@lists.command()
@click.argument("file", type=click.File("rb"))
@_FORM
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="How many ids to show.")
@click.pass_obj
def diff(settings: Settings, file: IO[bytes], form: str, limit: int) -> None:
    """Show what FILE would change, and put nothing: ids of entries with + (new), - (gone) or ~ (changed)."""
    content = _content(file)

    async def work(service: Any) -> Any:
        from merchant.compliance.lists import operations

        return await operations.prepare_list(service, form, content)

    prepared = _run(settings, work)
    found = prepared.found
    groups = (("+", found.added), ("-", found.removed), ("~", found.changed))
    marked = [f"{mark} {one}" for mark, ids in groups for one in ids]
    for line in marked[:limit]:
        click.echo(line)
    if len(marked) > limit:
        click.echo(f"there are more than {limit}; see --limit")
    click.echo(f"{len(found.added)} new, {len(found.removed)} gone, {len(found.changed)} changed")
    if prepared.problem is not None:
        raise click.ClickException(f"It would be refused ({prepared.problem.code}): {prepared.problem.message}")


@lists.command()
@click.argument("version_id", type=click.UUID)
@click.pass_obj
def confirm(settings: Settings, version_id: UUID) -> None:
    """Put a private list in force that a person of the hub has put; one put by this command another person confirms."""
    from merchant.core.access import SERVICE

    async def work(service: Any) -> Any:
        from merchant.compliance.lists import operations

        async with service.db.system() as tx:
            return await operations.confirm_list(tx, SERVICE, version_id)

    click.echo(_line(_run(settings, work)))


@lists.command("check-current")
@click.argument("source")
@click.pass_obj
def check_current(settings: Settings, source: str) -> None:
    """Say that the version of SOURCE in force is still the publisher's current one, such as un_consolidated."""
    from merchant.core.access import SERVICE

    async def work(service: Any) -> Any:
        from merchant.compliance.lists import operations

        async with service.db.system() as tx:
            return await operations.check_current(tx, SERVICE, source)

    click.echo(_line(_run(settings, work)))


def _content(file: IO[bytes]) -> bytes:
    """The file, no further than any list may be long."""
    from kyb.lists.reading import MAX_LIST_BYTES

    content = file.read(MAX_LIST_BYTES + 1)
    if len(content) > MAX_LIST_BYTES:
        raise click.ClickException(f"The file is larger than {MAX_LIST_BYTES >> 20} MiB.")
    return content


def _line(version: Any) -> str:
    from merchant.core import clock

    counts = f"{version.entry_count} entries, +{version.added_count} -{version.removed_count} ~{version.changed_count}"
    why = f" ({version.problem})" if version.problem else ""
    seen = clock.rfc3339(version.checked_at)
    return f"{version.source}  {version.state}{why}  of {version.published_on}  {counts}  seen current {seen}"


def _run(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    """What the work answers; a file that is no list, and a problem, end the command with a sentence."""
    from kyb import BadList
    from merchant.core import logs
    from merchant.core.errors import MerchantError, NotFound
    from merchant.programs import runtime

    logs.configure("WARNING")
    answers: list[T] = []
    faults: list[str] = []

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service:
            try:
                answers.append(await work(service))
            except BadList as fault:
                told = str(fault)
                faults.append(f"{told[:1].upper()}{told[1:]}.")
            except NotFound as fault:
                faults.append(f"{fault.detail}; see `merchant lists show`.")
            except MerchantError as fault:
                faults.append(str(fault.detail))

    with runtime.open_database(settings) as url:
        runtime.run(main(url))
    if faults:
        raise click.ClickException(faults[0])
    if not answers:
        raise click.Abort
    return answers[0]
