"""`merchant lei`: keep a copy of the register of legal entities (LEI), in which businesses are looked up."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from merchant.core.settings import Settings

T = TypeVar("T")


@click.group()
def lei() -> None:
    """The register of legal entities (LEI) that businesses are looked up in: load, show, status."""


@lei.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--country", "countries", multiple=True, metavar="CODE", help="Keep entities of this country only; repeatable."
)
@click.option("--force", is_flag=True, help="Also where the file holds less than half of what the one before held.")
@click.pass_obj
def load(settings: Settings, file: Path, countries: tuple[str, ...], force: bool) -> None:
    """Replace our copy by FILE: a golden copy of GLEIF in CSV (LEI-CDF), or the ZIP archive that holds one.

    All of it or nothing is loaded. The whole register has three million records; --country keeps a small machine small.
    """
    from merchant.core.access import SERVICE

    if unknown := [one for one in countries if not _is_country(one)]:
        raise click.UsageError(f"{unknown[0]!r} is no country's code of ISO 3166-1, such as KE.")

    def tell(count: int) -> None:
        click.echo(f"{count:,} records read", err=True)

    async def work(service: Any) -> Any:
        from merchant.compliance.registers import operations

        return await operations.load_golden_copy(service, SERVICE, file, countries, force=force, tell=tell)

    click.echo(_line(_run(settings, work)))


@lei.command()
@click.argument("number", metavar="LEI")
@click.pass_obj
def show(settings: Settings, number: str) -> None:
    """Show what our copy of the register says of an LEI; the exit status is 1 where it has no record."""

    async def work(service: Any) -> Any:
        from merchant.compliance.registers import queries

        async with service.db.system_reads() as tx:
            return await queries.find_record(tx, "".join(number.split()).upper())

    record = _run(settings, work)
    if record is None:
        raise click.ClickException("Our copy of the register has no such LEI; see `merchant lei status`.")
    renewal = record.next_renewal_on or "-"
    click.echo(f"{record.lei}  {record.legal_name}  {record.country}")
    click.echo(f"entity {record.entity_status}, registration {record.registration_status}, next renewal {renewal}")
    for name in record.other_names:
        click.echo(f"also {name}")


@lei.command()
@click.pass_obj
def status(settings: Settings) -> None:
    """Show how many records our copy has, from which file and since when, and whether the register itself is asked."""

    async def work(service: Any) -> Any:
        from merchant.compliance.registers import queries

        async with service.db.system_reads() as tx:
            return await queries.newest_load(tx)

    found = _run(settings, work)
    click.echo("No copy of the register is loaded." if found is None else _line(found))
    asked = settings.lei_url or "nowhere (MERCHANT_LEI_URL is not set)"
    click.echo(f"What the copy lacks is looked up at {asked}")


def _is_country(code: str) -> bool:
    from kyb import codes

    return code in codes.countries()


def _line(found: Any) -> str:
    from merchant.core import clock

    whose = ", ".join(found.countries) or "all countries"
    at, seen = clock.rfc3339(found.loaded_at), clock.rfc3339(found.checked_at)
    counts = f"{found.record_count:,} records of {whose}, of {found.file_count:,} in the file"
    return f"{counts}\nloaded {at}  seen current {seen}  sha256 {found.sha256}"


def _run(settings: Settings, work: Callable[[Any], Awaitable[T]]) -> T:
    """What the work answers; a file that is no golden copy ends the command with a sentence."""
    from kyb import BadGoldenCopy
    from merchant.core import logs
    from merchant.programs import runtime

    logs.configure("WARNING")
    answers: list[T] = []

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service:
            answers.append(await work(service))

    try:
        with runtime.open_database(settings) as url:
            runtime.run(main(url))
    except BadGoldenCopy as fault:
        raise click.ClickException(
            f"Not a golden copy of GLEIF as CSV: {fault}. Nothing was changed; fetch the file again."
        ) from None
    if not answers:
        raise click.Abort
    return answers[0]
