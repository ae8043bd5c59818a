"""`merchant import` and `merchant export`: files of merchants that come in, and lists that go out."""

from __future__ import annotations

import io
import sys
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, BinaryIO

import click

from merchant.core.settings import Settings

_FORMATS = ("csv", "xlsx", "pdf")
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group("import")
def imports() -> None:
    """Make applications of a table of merchants, or of another registry's export."""


def _order_options(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option("--report", type=_FILE, help="Where to write what became of each row, as CSV."),
        click.option("--submit", is_flag=True, help="Submit and screen each complete row; a checker decides."),
        click.option("--dry-run", is_flag=True, help="Only tell what would become of each row."),
        click.option("--maker", help="E-mail address of the maker in whose name; the service's own unless given."),
        click.option("--dfsp", "fsp_id", required=True, help="FSP id of the DFSP whose merchants they are."),
    ):
        command = option(command)
    return command


@imports.command()
@click.argument("file", type=click.File("rb"))
@_order_options
@click.pass_obj
def merchants(settings: Settings, /, file: BinaryIO, **options: Any) -> None:
    """Import a CSV or XLSX file with the columns of the template. Exit status 1 when a row failed."""
    _import(settings, lambda _digits: (file, Path(file.name).name), options)


@imports.command()
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option("--rows", "table", type=_FILE, help="Write the rows to this file instead of importing them.")
@click.option("--remarks", type=_FILE, help="Where to write what has no place here, as CSV.")
@_order_options
@click.pass_obj
def incumbent(settings: Settings, /, source: Path, table: Path | None, remarks: Path | None, **options: Any) -> None:
    """Import what mojaloop/merchant-registry-svc exported: its tables in a folder, or its workbook.

    A table is NAME.csv with a header, or what `mysqldump --tab` writes. Everything is written anew here, and no number
    is taken over that could be taken for one of ours.
    """
    from merchant.exchange.tables.csv_table import csv_text
    from merchant.programs import importing

    def read(digits: int) -> tuple[BinaryIO, str] | None:
        mapped = importing.read_incumbent(source, digits, options["fsp_id"])
        for field, count in sorted(Counter(one.field for one in mapped.remarks).items()):
            click.echo(f"{field}: {count} remarks", err=True)
        if remarks is not None:
            lines = [[one.merchant_id, one.field, one.remark] for one in mapped.remarks]
            remarks.write_text(csv_text([["merchant", "field", "remark"], *lines]), "utf-8")
        content = importing.as_table(mapped)
        if table is not None:
            table.write_bytes(content)
            click.echo(f"{len(mapped.rows)} rows in {table}")
            return None
        return io.BytesIO(content), source.name

    _import(settings, read, options)


def _import(settings: Settings, read: Callable[[int], tuple[BinaryIO, str] | None], options: dict[str, Any]) -> None:
    from merchant.programs import importing

    report = options.pop("report")
    order = importing.Order(**options)
    failed: list[int] = []

    def tell(job: Any) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{job.added + job.existing + job.failed} of {job.total} rows ", nl=False, err=True)

    async def main(url: str) -> None:
        from merchant.programs import runtime

        async with runtime.ready_service(settings, url) as service:
            given = read((await service.scheme()).alias_length)
            if given is None:
                return
            job = await importing.import_file(service, *given, order, tell)
            if report is not None:
                await importing.write_report(service, job.id, report)
            if job.problem is not None:
                raise click.ClickException(job.problem)
            told = "would be added" if job.dry_run else "added"
            click.echo(f"{job.added} {told}, {job.existing} there already, {job.failed} failed")
            failed.append(job.failed)

    _run(settings, main)
    if sum(failed):
        sys.exit(1)


@click.command("export")
@click.argument("name", metavar="LIST")
@click.option("--format", "kind", type=click.Choice(_FORMATS), default="csv", show_default=True)
@click.option("--dfsp", "fsp_id", help="FSP id of one DFSP; all of them unless given.")
@click.option("--filter", "filters", multiple=True, metavar="NAME=VALUE", help="As in the list's query; repeatable.")
@click.option("-o", "--output", type=click.File("wb", lazy=True), default="-", show_default=True, help="The file.")
@click.pass_obj
def export(settings: Settings, name: str, kind: str, fsp_id: str | None, filters: tuple[str, ...], output: Any) -> None:
    """Write a LIST of the API to a file, whole: applications, merchants, payments and so on."""
    from merchant.programs import exporting

    if name not in (known := exporting.lists()):
        raise click.UsageError(f"There is no list {name!r}; there are {', '.join(sorted(known))}.")
    if bad := [one for one in filters if "=" not in one]:
        raise click.UsageError(f"A filter is NAME=VALUE, not {bad[0]!r}.")
    named = dict(one.split("=", 1) for one in filters)

    async def main(url: str) -> None:
        from merchant.programs import runtime

        async with runtime.ready_service(settings, url) as service:
            await exporting.export_list(service, name, kind, fsp_id, named, output)

    _run(settings, main)


def _run(settings: Settings, main: Callable[[str], Coroutine[Any, Any, None]]) -> None:
    """Run a command's coroutine on the database; what was asked in vain ends it with its sentences."""
    from merchant.core.errors import MerchantError
    from merchant.programs import runtime

    try:
        with runtime.open_database(settings) as url:
            runtime.run(main(url))
    except MerchantError as error:
        lines = [f"{one.path}: {one.message}" for one in error.errors]
        raise click.ClickException("\n".join([error.detail, *lines])) from None
