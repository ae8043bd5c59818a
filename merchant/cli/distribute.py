"""`merchant distribute`: an installation's tables put on several machines."""

import click

from merchant.core.settings import Settings


@click.command()
@click.option("--yes", is_flag=True, help="Do it; without this, what would be done is printed.")
@click.pass_obj
def distribute(settings: Settings, yes: bool) -> None:
    """Put the tables of an installation on several machines (Citus), as the owner of the database.

    Stop every program first, and take a backup. It is done whole or not at all, and cannot be undone but by a restore.
    """
    import asyncpg

    from merchant import migrations
    from merchant.programs import distributing, runtime

    async def main(url: str) -> None:
        roles = runtime.roles_of(settings)
        migrations.check_schema(await migrations.read_schema(url, roles))
        connection = await asyncpg.connect(url)
        try:
            workers = await distributing.look(connection, roles.app, roles.system)
            click.echo(f"Citus {workers.version} with {len(workers.addresses)} workers: {', '.join(workers.addresses)}")
            if not yes:
                for statement in await distributing.statements(connection):
                    click.echo(f"{' '.join(statement.split())};")
                click.echo("nothing was changed; with --yes this is done, in one transaction")
                return
            count = await distributing.distribute(connection, roles.app, roles.system)
            click.echo(f"distributed by {count} statements; `merchant serve` finds it so")
        finally:
            await connection.close()

    with runtime.open_database(settings) as url:
        runtime.run(main(url))
