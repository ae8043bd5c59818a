"""`merchant demo`: what `make run` shows."""

import click

from merchant.core.settings import Settings


@click.command()
@click.pass_obj
def demo(settings: Settings) -> None:
    """Run everything with a made-up scheme and a simulated hub, show the main job, and stay up until Ctrl-C."""
    from merchant.demo.run import run_demo

    run_demo(settings)
