"""`merchant backup` and `restore`: one file, and an installation made of it again; `reconcile`: with the hub after."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from merchant.core.settings import Settings


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def backup(settings: Settings, file: Path) -> None:
    """Write everything in the database to FILE while programs run. The secret keys are not in it."""
    from merchant.core import secret_key
    from merchant.programs import runtime
    from merchant.programs.backup import summary, write_backup

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service:
            manifest = await write_backup(service, url, file)
            click.echo(f"{file}: {summary(manifest.rows)}")
            where = "MERCHANT_SECRET_KEY" if settings.secret_key else secret_key.path_of(settings)
            click.echo(
                f"sealed under the key {', '.join(manifest.key_ids)} of {where}, which is not in it: keep a copy apart"
            )

    with runtime.open_database(settings) as url:
        runtime.run(main(url))


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.pass_obj
def restore(settings: Settings, file: Path) -> None:
    """Make an empty database what it was when FILE was written; the secret key must be here already.

    The next `serve` first asks the hub about the transfers that were under way, and takes no payment until then.
    """
    from merchant.programs import restore as restoring
    from merchant.programs import runtime
    from merchant.programs.backup import summary

    manifest = restoring.check_backup(settings, file)

    async def main(url: str) -> None:
        found = await restoring.restore(settings, url, file, manifest)
        click.echo(f"restored to {manifest.taken_at.isoformat()}: {summary(found)}")
        click.echo("what the hub did since then is not in it; `merchant serve` asks before it takes payments")

    with runtime.open_database(settings, make=True) as url:
        runtime.run(main(url))


@click.command()
@click.option(
    "--ledger",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Only compare with the hub's report, as CSV with the columns transfer_id, amount, currency, perhaps state.",
)
@click.option("--since", type=click.DateTime(["%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"]), help="Of the report, in UTC.")
@click.pass_obj
def reconcile(settings: Settings, ledger: Path | None, since: datetime | None) -> None:
    """Make ready a database that pg_restore, pgBackRest or a promoted copy gave back, before programs start on it.

    The next `serve` asks the hub about the transfers that were under way, and takes no payment until then. With
    --ledger nothing is written: it names money that the hub's report and we do not agree on, with exit status 1. With
    --since that is also what was paid here from then on and the report lacks.
    """
    from merchant.core import money
    from merchant.programs import runtime
    from merchant.programs.reconciling import compare, mark_restored

    differences = 0

    async def main(url: str) -> None:
        nonlocal differences
        async with runtime.ready_service(settings, url) as service:
            if ledger is None:
                count = await mark_restored(service)
                click.echo(f"marked as restored; `merchant serve` asks the hub about {count} transfers first")
                return
            async for one in compare(service, ledger, since.replace(tzinfo=UTC) if since else None):
                differences += 1
                amount = f"{money.format_decimal(one.amount)} {one.amount.currency}"
                click.echo(f"{one.transfer_id}  {amount}  {one.what}")
            click.echo(f"{differences or 'no'} differences")

    with runtime.open_database(settings) as url:
        runtime.run(main(url))
    if differences:
        sys.exit(1)
