"""`merchant evidence`: requests for registers as a file, and their answers taken from one."""

from pathlib import Path
from typing import IO, Any

import click

from merchant.cli.policies import run_service
from merchant.core.settings import Settings


@click.group()
def evidence() -> None:
    """What registers vouch for: export requests, import answers."""


@evidence.command("export")
@click.argument("folder", metavar="DIR|-")
@click.option("--attribute", "attributes", multiple=True, help="Only requests about this, such as tax; repeatable.")
@click.pass_obj
def export_command(settings: Settings, folder: str, attributes: tuple[str, ...]) -> None:
    """Write what cases under review want to know of registers to a CSV file in DIR, or to standard output.

    A row holds the facts of one request, so name the attributes that the register is for. The register fills in outcome
    (verified, rejected, inconclusive or unavailable), code, expires_on and reference, and drops the file in
    MERCHANT_EVIDENCE_INBOX. Only you can read the file that is written.
    """
    from merchant.compliance.providers.request_files import export_requests
    from merchant.compliance.providers.wanted import LOOKED_UP
    from merchant.core import clock, files

    if unknown := sorted(set(attributes) - LOOKED_UP):
        raise click.UsageError(f"There is no attribute {unknown[0]!r}; there are {', '.join(sorted(LOOKED_UP))}.")
    if folder != "-" and not Path(folder).is_dir():
        raise click.UsageError(f"{folder} is no folder.")

    async def work(service: Any) -> Any:
        return await export_requests(service, attributes)

    found = run_service(settings, work)
    if folder == "-":
        click.echo(found.text, nl=False)
    else:
        path = Path(folder) / f"evidence-requests-{clock.now():%Y%m%dT%H%M%S%f}.csv"
        files.write(path, found.text.encode())
        click.echo(path)
    click.echo(f"{found.requests} requests of {found.cases} cases", err=True)


@evidence.command("import")
@click.argument("file", type=click.File("rb"))
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Where to write each row's outcome.")
@click.pass_obj
def import_command(settings: Settings, file: IO[bytes], report: Path | None) -> None:
    """Take the answers in FILE at once, as the worker does with one in MERCHANT_EVIDENCE_INBOX. - is standard input.

    Exit status 1 when a row was refused. The same file again changes nothing.
    """
    from merchant.compliance.providers.answer_files import MAX_BYTES, BadAnswerFile, import_answers, report_text
    from merchant.core import files

    data = file.read(MAX_BYTES + 1)
    name = Path(file.name).name if file.name not in ("-", "<stdin>") else "standard input"

    async def work(service: Any) -> Any:
        try:
            return await import_answers(service, data, name)
        except BadAnswerFile as fault:
            return fault

    found = run_service(settings, work)
    if isinstance(found, BadAnswerFile):
        raise click.ClickException(str(found))
    if report is not None:
        files.write(report, report_text(found).encode())
    refused = [one for one in found if not one.is_done]
    for one in refused:
        click.echo(f"line {one.line}: {one.result}: {one.message}", err=True)
    counts = {result: sum(one.result == result for one in found) for result in ("recorded", "unchanged", "unavailable")}
    click.echo(f"{', '.join(f'{count} {result}' for result, count in counts.items())}, {len(refused)} refused")
    if refused:
        raise click.exceptions.Exit(1)
