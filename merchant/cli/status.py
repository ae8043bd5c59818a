"""`merchant status`: what the installation does right now."""

import click

from merchant.core.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.option("--watch", is_flag=True, help="Again and again until Ctrl-C.")
@click.option(
    "--every",
    default=5.0,
    show_default=True,
    type=click.FloatRange(1, 3600),
    help="Seconds between two looks of --watch.",
)
@click.pass_obj
def status(settings: Settings, as_json: bool, watch: bool, every: float) -> None:
    """Show the outbox, open requests, the last payment, workers, the way to the hub and versions; writes nothing.

    Exit status 1 when the service is not ready, as /health/ready tells it.
    """
    import asyncio

    import msgspec

    from merchant.core import logs
    from merchant.programs import runtime
    from merchant.programs.status import read_status, tell

    logs.configure("CRITICAL")
    ready: list[bool] = []

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service:
            while True:
                found = await read_status(service, url)
                if watch and not as_json:
                    click.clear()
                text = msgspec.json.encode(found).decode() if as_json else "\n".join(tell(found))
                click.echo(text)
                ready.append(found.ready)
                if not watch:
                    return
                await asyncio.sleep(every)

    with runtime.open_database(settings) as url:
        runtime.run(main(url))
    raise SystemExit(0 if ready and ready[-1] else 1)
