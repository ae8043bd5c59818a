"""`merchant rotate-keys`: everything that is sealed, sealed anew."""

import click

from merchant.core.settings import Settings


@click.command("rotate-keys")
@click.pass_obj
def rotate_keys(settings: Settings) -> None:
    """Encrypt everything anew under the first key of MERCHANT_SECRET_KEY; older keys may then be dropped."""
    from merchant.programs import runtime
    from merchant.programs.rotation import rotate

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service:
            async for table, done, total in rotate(service):
                click.echo(f"\r{table}: {done}/{total}", nl=done == total)

    with runtime.open_database(settings) as url:
        runtime.run(main(url))
