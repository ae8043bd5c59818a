"""`merchant serve`, `worker` and `migrate`: what runs the service."""

import contextlib

import click

from merchant.core.settings import Settings

_migrate = click.option("--migrate", is_flag=True, help="First bring the database to the newest schema.")


@click.command()
@click.option("--worker/--no-worker", default=True, help="Run the background worker in the same process.")
@_migrate
@click.pass_obj
def serve(settings: Settings, worker: bool, migrate: bool) -> None:
    """Serve HTTP (and work off the outbox) until Ctrl-C."""
    from merchant.channels.ussd import centres
    from merchant.core import logs, spans
    from merchant.programs import health, runtime, safety
    from merchant.programs.app import create_app, with_doors
    from merchant.programs.worker import Worker

    safety.check_safe(settings)
    logs.configure(settings.log_level)

    async def main(url: str) -> None:
        async with contextlib.AsyncExitStack() as stack:
            service = await stack.enter_async_context(runtime.ready_service(settings, url, migrate=migrate))
            await stack.enter_async_context(
                runtime.serving(with_doors(create_app(service)), settings.host, settings.port)
            )
            if worker:
                await stack.enter_async_context(Worker(service).running())
                await stack.enter_async_context(centres.held(service))
            else:
                await stack.enter_async_context(health.clock_followed(service))
            click.echo(f"ready {settings.base_url}")
            await runtime.forever()

    with spans.exporting(settings.otlp_url), runtime.open_database(settings) as url:
        runtime.run(main(url))
    runtime.leave()


@click.command()
@_migrate
@click.pass_obj
def worker(settings: Settings, migrate: bool) -> None:
    """Work off the outbox until Ctrl-C; any number of workers may run."""
    from merchant.channels.ussd import centres
    from merchant.core import logs, spans
    from merchant.core.http.context import with_context
    from merchant.programs import runtime, safety
    from merchant.programs.app import create_app
    from merchant.programs.system import WATCHED
    from merchant.programs.worker import Worker

    safety.check_safe(settings)
    logs.configure(settings.log_level)

    async def main(url: str) -> None:
        async with contextlib.AsyncExitStack() as stack:
            service = await stack.enter_async_context(runtime.ready_service(settings, url, migrate=migrate))
            await stack.enter_async_context(Worker(service).running())
            await stack.enter_async_context(centres.held(service))
            if settings.worker_port:
                app = create_app(service, list(WATCHED))
                await stack.enter_async_context(
                    runtime.serving(with_context(app, settings), settings.host, settings.worker_port)
                )
            click.echo("working")
            await runtime.forever()

    with spans.exporting(settings.otlp_url), runtime.open_database(settings) as url:
        runtime.run(main(url))


@click.command()
@click.option("--check", is_flag=True, help="Change nothing; exit status 1 when this program needs a newer schema.")
@click.pass_obj
def migrate(settings: Settings, check: bool) -> None:
    """Bring the database to the newest schema."""
    from merchant import migrations
    from merchant.programs import runtime

    async def main(url: str) -> None:
        if check:
            migrations.check_schema(await migrations.read_schema(url, runtime.roles_of(settings)))
            click.echo("the schema suits this program")
            return
        schema = await migrations.upgrade(url, runtime.roles_of(settings))
        migrations.check_schema(schema)
        click.echo(
            f"the schema is of a newer release (revision {schema.revision}); there is nothing to do"
            if schema.is_ahead
            else "the schema is current"
        )

    with runtime.open_database(settings, make=not check) as url:
        runtime.run(main(url))
