"""`make simulate SEED=n PAYMENTS=m`: exit status 1 and the seed, with what is untrue, when anything is."""

import random
import sys

import click

from tests.simulation.run import Run
from tests.simulation.truth import Untrue


@click.command()
@click.option("--seed", type=int, default=None, help="A run's number; a fresh one unless given.")
@click.option("--payments", type=click.IntRange(1), default=20_000, show_default=True)
def main(seed: int | None, payments: int) -> None:
    """Live through payments with faults, and compare the books."""
    seed = random.SystemRandom().randrange(10**9) if seed is None else seed
    click.echo(f"seed {seed}, {payments:,} payments")
    try:
        result = Run(seed, payments).go()
    except Untrue as why:
        click.echo(f"UNTRUE {why}\nrun it again: make simulate SEED={seed} PAYMENTS={payments}", err=True)
        sys.exit(1)
    ends = ", ".join(f"{count:,} {state}" for state, count in sorted(result.ends.items()))
    back = ", ".join(f"{count:,} {state}" for state, count in sorted(result.refunds.items()))
    click.echo(
        f"{result.payments:,} begun, {result.committed:,} committed by the hub and paid here, {ends}\n"
        f"of refunds {back}\n"
        f"{result.events:,} events in {result.took_s:.0f} s of CPU; log {result.log_hash[:16]}"
    )


if __name__ == "__main__":
    main()
