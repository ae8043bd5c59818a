"""`merchant audit`: the record of who did what, and its anchors outside the database."""

from pathlib import Path

import click

from merchant.core.settings import Settings


@click.group()
def audit() -> None:
    """The audit record."""


@audit.command()
@click.option(
    "--anchor",
    "anchors",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="An anchor file to hold the record against, besides MERCHANT_AUDIT_ANCHOR_FILE; may be repeated.",
)
@click.pass_obj
def verify(settings: Settings, anchors: tuple[Path, ...]) -> None:
    """Recompute every chain of the audit record; exit status 1 when one was tampered with."""
    from merchant.core import audit_anchors
    from merchant.core.pools import UNHURRIED_S
    from merchant.programs import runtime

    faults: list[str] = []
    paths = [*anchors, *([settings.anchor_path] if settings.anchor_path.exists() else [])]

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service, service.db.system(longest_s=UNHURRIED_S) as tx:
            anchored = audit_anchors.Anchored()
            for path in paths:
                for wrong in anchored.read(path, service.audit_keys):
                    faults.append(wrong.code)
                    click.echo(wrong.sentence)
            async for one in audit_anchors.verify_all(tx, anchored.heads):
                end = f"then entry {one.fault.seq}: {one.fault.problem}" if one.fault else "good"
                click.echo(f"{one.name}: {one.entries} entries {end}")
                faults.extend([one.name] if one.fault else [])

    with runtime.open_database(settings) as url:
        runtime.run(main(url))
    if not paths:
        click.echo(f"no anchors: {settings.anchor_path} is missing, so that what was cut off the end is not seen")
    if faults:
        raise click.ClickException("the audit record does not hold together")


@audit.command()
@click.pass_obj
def anchor(settings: Settings) -> None:
    """Append a signed head of every chain to MERCHANT_AUDIT_ANCHOR_FILE; the worker does it every hour."""
    from merchant.core import audit_anchors, logs
    from merchant.programs import runtime

    logs.configure(settings.log_level)

    async def main(url: str) -> None:
        async with runtime.ready_service(settings, url) as service:
            written = await audit_anchors.write_anchor(service)
        if written is None:
            raise click.ClickException("another process is writing the anchor file; try again")
        click.echo(f"{settings.anchor_path}: {len(written.heads)} chains anchored")

    with runtime.open_database(settings) as url:
        runtime.run(main(url))
