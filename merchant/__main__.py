"""The `merchant` command: serve, worker, migrate, seed, demo, audit, rotate-keys, check, openapi.

Exit status tells the truth: 0 done, 1 failed with a sentence on standard error, 2 wrong usage. Each command imports
what it needs when it runs, so that `--help` is instant.
"""

import contextlib
import gc
import os
import sys
from pathlib import Path
from typing import Any

import click

from merchant import __version__
from merchant.channels.qr_commands import qr_commands
from merchant.errors import OperatorProblem
from merchant.settings import BadSettings, Settings, load, with_secret_key


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.pass_context
def cli(context: click.Context) -> None:
    """Merchant registry and payments for Mojaloop hubs. Settings come from MERCHANT_* variables; see README."""
    context.obj = load(os.environ)


@cli.command()
@click.option("--worker/--no-worker", default=True, help="Run the background worker in the same process.")
@click.pass_obj
def serve(settings: Settings, worker: bool) -> None:
    """Serve HTTP (and work off the outbox) until Ctrl-C."""
    from merchant import runtime
    from merchant.app import configure_logs, create_app, with_doors
    from merchant.worker import Worker

    configure_logs(settings.log_level)

    async def main(url: str) -> None:
        async with contextlib.AsyncExitStack() as stack:
            service = await stack.enter_async_context(runtime.ready_service(settings, url))
            await stack.enter_async_context(
                runtime.serving(with_doors(create_app(service)), settings.host, settings.port)
            )
            if worker:
                await stack.enter_async_context(Worker(service).running())
            click.echo(f"ready {settings.base_url}")
            await runtime.forever()

    with runtime.open_database(settings) as url:
        runtime.run(main(url))


@cli.command()
@click.pass_obj
def worker(settings: Settings) -> None:
    """Work off the outbox until Ctrl-C; any number of workers may run."""
    from merchant import runtime
    from merchant.app import configure_logs
    from merchant.worker import Worker

    configure_logs(settings.log_level)

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service, Worker(service).running():
            click.echo("working")
            await runtime.forever()

    with runtime.open_database(settings) as url:
        runtime.run(main(url))


@cli.command()
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema."""
    from merchant import migrations, runtime

    with runtime.open_database(settings) as url:
        runtime.run(migrations.upgrade(url))
    click.echo("the schema is current")


@cli.command()
@click.option("--email", required=True, help="E-mail address of the first hub operator.")
@click.password_option(envvar="MERCHANT_SEED_PASSWORD", help="The operator's password, at least 12 characters.")
@click.option("--name", default="Merchant scheme", show_default=True, help="Name of the scheme.")
@click.option("--domain", required=True, help="Internet domain of the scheme; QR codes carry it reversed.")
@click.option("--country", required=True, help="Country, ISO 3166-1 alpha-2.")
@click.option("--currency", "currencies", required=True, multiple=True, help="Currency, ISO 4217; may be repeated.")
@click.option("--time-zone", required=True, help="Time zone in which limits count days, for example Africa/Nairobi.")
@click.option("--ussd-code", default="", help="The scheme's USSD code, for example *384*123#.")
@click.pass_obj
def seed(settings: Settings, /, email: str, password: str, **scheme: Any) -> None:
    """Set up a new installation: the scheme and its first hub operator."""
    from merchant import runtime
    from merchant.seeds.scheme import NewScheme, seed_scheme

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service:
            await seed_scheme(
                service, NewScheme(**scheme | {"currencies": list(scheme["currencies"])}), email, password
            )

    with runtime.open_database(settings) as url:
        runtime.run(main(url))
    click.echo(f"set up; sign in as {email}")


@cli.command()
@click.pass_obj
def demo(settings: Settings) -> None:
    """Run everything with a made-up scheme and a simulated hub, show the main job, and stay up until Ctrl-C."""
    from merchant.demo.run import run_demo

    run_demo(settings)


@cli.group()
def audit() -> None:
    """The audit record."""


@audit.command()
@click.pass_obj
def verify(settings: Settings) -> None:
    """Recompute every chain of the audit record; exit status 1 when one was tampered with."""
    from merchant import audit as record
    from merchant import runtime

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


@cli.command("rotate-keys")
@click.pass_obj
def rotate_keys(settings: Settings) -> None:
    """Encrypt everything anew under the first key of MERCHANT_SECRET_KEY; older keys may then be dropped."""
    from merchant import runtime
    from merchant.rotation import rotate

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service:
            async for table, done, total in rotate(service):
                click.echo(f"\r{table}: {done}/{total}", nl=done == total)

    with runtime.open_database(settings) as url:
        runtime.run(main(url))


@cli.command()
@click.pass_obj
def check(settings: Settings) -> None:
    """Check settings, database, roles, schema and screening list; say what is wrong."""
    from merchant import runtime
    from merchant.registry.screening import screening_index

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


@cli.command()
@click.option("--check", is_flag=True, help="Write nothing; fail when a document is stale.")
@click.argument("folder", default="openapi", type=click.Path(file_okay=False, path_type=Path))
def openapi(check: bool, folder: Path) -> None:
    """Write the OpenAPI documents into FOLDER."""
    from merchant import openapi as documents
    from merchant.app import ROUTES

    if not check:
        documents.write(ROUTES, folder)
    elif stale := documents.stale(ROUTES, folder):
        raise click.ClickException(f"stale: {', '.join(stale)}; run `make openapi`")


cli.add_command(qr_commands)


def main() -> None:
    """Entry point. Problems with a known way out are told in one sentence."""
    # Loading makes objects that stay; looking through them for garbage as often as usual takes a tenth of the start.
    gc.set_threshold(50_000, 20, 20)
    try:
        cli(prog_name="merchant")
    except (OperatorProblem, BadSettings) as error:
        click.echo(f"merchant: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
