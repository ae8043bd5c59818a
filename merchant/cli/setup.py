"""`merchant seed` and `check`: what sets an installation up and looks whether it is sound."""

from typing import Any

import click

from merchant.core.settings import Settings, with_secret_key


@click.command()
@click.option("--email", required=True, help="E-mail address of the first hub operator.")
@click.password_option(
    envvar="MERCHANT_SEED_PASSWORD",
    help="The operator's password, at least 12 characters; asked for, unless MERCHANT_SEED_PASSWORD or this gives it.",
)
@click.option("--name", default="Merchant scheme", show_default=True, help="Name of the scheme.")
@click.option("--domain", required=True, help="Internet domain of the scheme; QR codes carry it reversed.")
@click.option("--country", required=True, help="Country, ISO 3166-1 alpha-2.")
@click.option("--currency", "currencies", required=True, multiple=True, help="Currency, ISO 4217; may be repeated.")
@click.option("--time-zone", required=True, help="Time zone in which limits count days, for example Africa/Nairobi.")
@click.option("--ussd-code", default="", help="The scheme's USSD code, for example *384*123#.")
@click.pass_obj
def seed(settings: Settings, /, email: str, password: str, **scheme: Any) -> None:
    """Set up a new installation: the scheme and its first hub operator."""
    from merchant.programs import runtime
    from merchant.programs.seed import NewScheme, seed_scheme

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service:
            await seed_scheme(
                service, NewScheme(**scheme | {"currencies": list(scheme["currencies"])}), email, password
            )

    with runtime.open_database(settings) as url:
        runtime.run(main(url))
    click.echo(f"set up; sign in as {email}")


@click.command()
@click.pass_obj
def check(settings: Settings) -> None:
    """Check settings, database, roles and screening list, on a schema brought up to date; say what is wrong."""
    from merchant.compliance.lists import screening_index
    from merchant.programs import runtime

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service:
            scheme = await service.scheme()
            click.echo(f"database   good\nscheme     {scheme.name}, {', '.join(scheme.currencies)}, {scheme.time_zone}")

    with_secret_key(settings)
    with runtime.open_database(settings) as url:
        runtime.run(main(url))
    index = screening_index(settings.screening_list)
    click.echo(
        f"screening  {f'{index.entry_count} entries' if index else 'NOT AVAILABLE: ' + str(settings.screening_list)}"
    )
    if index is None:
        raise click.ClickException("new applications would be 'not checked'")
