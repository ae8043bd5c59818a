"""`merchant seed` and `check`: what sets an installation up and looks whether it is sound."""

import asyncio
from typing import Any

import click

from merchant.core.settings import Settings


@click.command()
@click.option("--email", help="E-mail address of the first hub operator; needed with a password.")
@click.option(
    "--password",
    envvar="MERCHANT_SEED_PASSWORD",
    help="The operator's password, at least 12 characters, also from MERCHANT_SEED_PASSWORD; none: a link is printed.",
)
@click.option("--name", required=True, help="Name of the scheme, as every shopper sees it.")
@click.option("--domain", required=True, help="Internet domain of the scheme; QR codes carry it reversed.")
@click.option("--country", required=True, help="Country, ISO 3166-1 alpha-2.")
@click.option("--currency", "currencies", required=True, multiple=True, help="Currency, ISO 4217; may be repeated.")
@click.option("--time-zone", required=True, help="Time zone in which limits count days, for example Africa/Nairobi.")
@click.option("--ussd-code", default="", help="The scheme's USSD code, for example *384*123#.")
@click.pass_obj
def seed(settings: Settings, /, email: str | None, password: str | None, **scheme: Any) -> None:
    """Set up a new installation: the scheme and its first hub operator.

    Without a password it prints a link, which works once and for a day, by which the first operator makes their
    account; run again before they did, it prints a new one and changes nothing else.
    """
    from merchant.core import secret_key
    from merchant.programs import runtime
    from merchant.programs.seed import NewScheme, check_scheme, new_service, seed_scheme, seed_with_link

    password = password or None
    if password is not None and email is None:
        raise click.UsageError("say whose password it is: --email")
    new = NewScheme(**scheme | {"currencies": list(scheme["currencies"])})
    asyncio.run(check_scheme(new, email, password))
    printed: list[str] = []

    async def main(url: str) -> None:
        async with new_service(settings, url) as service:
            if password is None or email is None:
                printed.append(await seed_with_link(service, new, email))
            else:
                await seed_scheme(service, new, email, password)

    with runtime.open_database(settings, make=True) as url:
        runtime.run(main(url))
    if printed:
        click.echo("set up; the first operator makes their account here, once, within a day:")
        click.echo(printed[0])
    else:
        click.echo(f"set up; sign in as {email}")
    if not settings.secret_key:
        click.echo(
            f"the secret key is in {secret_key.path_of(settings)}: keep a copy apart from the backups of the database;"
            " without it the data cannot be read"
        )
