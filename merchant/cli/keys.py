"""`merchant rotate-keys`: a new secret key in front, everything sealed anew under it, the old one dropped."""

import click

from merchant.core.settings import Settings

# Running programs look at the file once a second while they write.
_KNOWN_AFTER_S = 2.0


@click.command("rotate-keys")
@click.option("--new", is_flag=True, help="First make a new key and put it in front, in the file of the keys.")
@click.option("--drop-old", is_flag=True, help="Drop the older keys from the file once nothing is sealed under them.")
@click.option(
    "--all-know",
    is_flag=True,
    help="With keys in MERCHANT_SECRET_KEY: every running program was started with the new key, too.",
)
@click.pass_obj
def rotate_keys(settings: Settings, new: bool, drop_old: bool, all_know: bool) -> None:
    """Encrypt everything anew under the first secret key, while programs run; older keys may then be dropped."""
    if new and drop_old:
        raise click.UsageError("--new and --drop-old are two steps: look that all is well between them.")
    (_drop if drop_old else _rotate)(settings, *([] if drop_old else [new, all_know]))


def _rotate(settings: Settings, new: bool, all_know: bool) -> None:
    import asyncio

    from merchant.core import secret_key
    from merchant.programs import runtime
    from merchant.programs.rotation import check_programs, rotate
    from merchant.programs.sealing import seal_all

    async def main(url: str) -> None:
        if settings.secret_key and not all_know:
            await check_programs(settings, url)
        async with runtime.ready_service(settings, url) as service:
            if new:
                click.echo(f"the new key is {secret_key.put_in_front(settings)}")
                service.vault.look_again()
                await asyncio.sleep(_KNOWN_AFTER_S)
            await seal_all(service)
            async for table, done, total in rotate(service):
                click.echo(f"\r{table}: {done}/{total}", nl=done == total)

    with runtime.open_database(settings) as url:
        runtime.run(main(url))
    click.echo("everything is sealed under the first key; run `merchant rotate-keys --drop-old` to drop the others")


def _drop(settings: Settings) -> None:
    from merchant.core import secret_key
    from merchant.programs import runtime
    from merchant.programs.rotation import check_unused

    secret_key.check_age(settings)
    dropped: list[str] = []

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service:
            await check_unused(service)
            dropped.extend(secret_key.drop_all_but_first(settings))

    with runtime.open_database(settings) as url:
        runtime.run(main(url))
    click.echo(f"dropped {', '.join(dropped)}" if dropped else "there is only one key")
