"""`python -m merchant.demo.simulator`: the simulated world as a process of its own.

`merchant demo` serves the same world beside the service; this is for a service that runs elsewhere.
"""

import asyncio
import os
import sys
from pathlib import Path

import click

from merchant.demo.simulator.app import serve_simulator
from merchant.demo.simulator.config import SimulatorConfig


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8001, show_default=True, help="Port to listen on.")
@click.option("--service-url", required=True, help="Base URL of the merchant service.")
@click.option(
    "--journal",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="File that keeps the ledger, the payers and the keys.",
)
@click.option(
    "--gateway-secret", envvar="MERCHANT_GATEWAY_SECRET", default="", help="Sent as x-gateway-secret to the service."
)
def main(host: str, port: int, service_url: str, journal: Path, gateway_secret: str) -> None:
    """Simulate a Mojaloop hub, two payer DFSPs and their customers' phones."""
    config = SimulatorConfig(service_url=service_url, journal_path=journal, gateway_secret=gateway_secret)
    click.echo(f"simulator on http://{host}:{port}")
    try:
        asyncio.run(serve_simulator(config, host, port))
    except KeyboardInterrupt:
        click.echo("stopped")
        sys.stdout.flush()
        # A thread of granian may still wind down; an interpreter that goes first is aborted by it.
        os._exit(0)


if __name__ == "__main__":
    main()
