"""`merchant serve`, `worker` and `migrate`: what runs the service."""

import contextlib

import click

from merchant.core.settings import Settings


@click.command()
@click.option("--worker/--no-worker", default=True, help="Run the background worker in the same process.")
@click.pass_obj
def serve(settings: Settings, worker: bool) -> None:
    """Serve HTTP (and work off the outbox) until Ctrl-C."""
    from merchant.core import logs
    from merchant.programs import runtime, safety
    from merchant.programs.app import create_app, with_doors
    from merchant.programs.worker import Worker

    safety.check_safe(settings)
    logs.configure(settings.log_level)

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
    runtime.leave()


@click.command()
@click.pass_obj
def worker(settings: Settings) -> None:
    """Work off the outbox until Ctrl-C; any number of workers may run."""
    from merchant.core import logs
    from merchant.programs import runtime, safety
    from merchant.programs.worker import Worker

    safety.check_safe(settings)
    logs.configure(settings.log_level)

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service, Worker(service).running():
            click.echo("working")
            await runtime.forever()

    with runtime.open_database(settings) as url:
        runtime.run(main(url))


@click.command()
@click.pass_obj
def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema."""
    from merchant import migrations
    from merchant.programs import runtime

    with runtime.open_database(settings) as url:
        runtime.run(migrations.upgrade(url))
    click.echo("the schema is current")
