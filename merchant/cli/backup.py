"""`merchant backup` and `restore`: one file, and an installation made of it again."""

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
