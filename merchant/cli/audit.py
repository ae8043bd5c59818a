"""`merchant audit`: the record of who did what."""

import click

from merchant.core.settings import Settings


@click.group()
def audit() -> None:
    """The audit record."""


@audit.command()
@click.pass_obj
def verify(settings: Settings) -> None:
    """Recompute every chain of the audit record; exit status 1 when one was tampered with."""
    from merchant.core import audit as record
    from merchant.programs import runtime

    broken: list[record.ChainBroken] = []

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service, service.db.system() as tx:
            for chain in await record.chains(tx):
                count, fault = await record.verify(tx, chain)
                click.echo(
                    f"{chain}: {count} entries " + (f"then entry {fault.seq}: {fault.problem}" if fault else "good")
                )
                broken.extend([fault] if fault else [])

    with runtime.open_database(settings) as url:
        runtime.run(main(url))
    if broken:
        raise click.ClickException("the audit record does not hold together")
