"""`merchant database`: what an administrator of one's own PostgreSQL needs."""

import click

from merchant.core.settings import Settings


@click.group()
def database() -> None:
    """One's own PostgreSQL."""


@database.command()
@click.option("--database", "name", default="merchant", help="Name of the database.", show_default=True)
@click.option("--owner", default="merchant_owner", help="The login that migrates.", show_default=True)
@click.option("--login", default="merchant_login", help="The login that serves.", show_default=True)
@click.pass_obj
def roles(settings: Settings, name: str, owner: str, login: str) -> None:
    """Print the SQL that an administrator runs once, with psql, to make roles and a database.

    The names of the service's two roles are MERCHANT_DATABASE_APP_ROLE and MERCHANT_DATABASE_SYSTEM_ROLE.
    """
    from merchant.programs.database_roles import script

    click.echo(script(name, owner, login, settings.database_app_role, settings.database_system_role), nl=False)
