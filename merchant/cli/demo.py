"""`merchant demo`: what `make run` shows."""

import click

from merchant.core.errors import OperatorProblem
from merchant.core.settings import Settings


class NoDemo(OperatorProblem):
    """This is a production install, which has no packages for the demo."""


@click.command()
@click.pass_obj
def demo(settings: Settings) -> None:
    """Run everything with a made-up scheme and a simulated hub, show the main job, and stay up until Ctrl-C."""
    try:
        from merchant.demo.run import run_demo
    except ModuleNotFoundError as error:
        if error.name != "faker":
            raise
        raise NoDemo(
            "The demo needs the extra `demo`, which a production install leaves out: use `make run`."
        ) from None
    from merchant.programs import runtime

    run_demo(settings)
    runtime.leave()
