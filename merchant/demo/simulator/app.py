"""The simulator as an application: routes wired, flows taken up again at start and stopped at the end.

`serve_simulator` is what the demo, the command and tests run; what arrives goes to fspiop_routes.py and
control_routes.py.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import aiohttp
from granian.constants import Interfaces
from granian.server.embed import Server
from litestar import Litestar
from litestar.datastructures import State

from merchant.demo.simulator.config import SimulatorConfig
from merchant.demo.simulator.control_routes import CONTROL_ROUTES
from merchant.demo.simulator.fspiop_routes import FSPIOP_ROUTES, answer_error
from merchant.demo.simulator.hub import notify_payee
from merchant.demo.simulator.payee import carry_refund
from merchant.demo.simulator.payer import run_attempt
from merchant.demo.simulator.simulation import Simulation
from merchant.hub.fspiop.error_codes import FspiopError

CONNECTIONS_MAX: Final = 64


def create_simulator(config: SimulatorConfig) -> Litestar:
    """The simulated world as an ASGI application. Reads the journal, and makes keys when it holds none."""
    simulation = Simulation(config)

    @asynccontextmanager
    async def running(_app: Litestar) -> AsyncIterator[None]:
        simulation.http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX))
        resume(simulation)
        try:
            yield
        finally:
            await simulation.close()

    return Litestar(
        route_handlers=[*FSPIOP_ROUTES, *CONTROL_ROUTES],
        exception_handlers={FspiopError: answer_error},
        lifespan=[running],
        state=State({"simulation": simulation}, deep_copy=False),
        openapi_config=None,
    )


def resume(sim: Simulation) -> None:
    """Take up what a stop interrupted: attempts without an end, and notices still owed."""
    for attempt in sim.world.attempts.values():
        if attempt.transaction_id not in sim.world.outcomes:
            sim.spawn(run_attempt(sim, attempt))
    for entry in list(sim.world.ledger.values()):
        if entry.state == "RESERVED" and entry.transaction_id in sim.world.returned:
            sim.spawn(carry_refund(sim, entry.transfer))
    for transfer_id, entry in sim.world.ledger.items():
        if entry.notice == "owed":
            sim.spawn(notify_payee(sim, transfer_id))


async def serve_simulator(config: SimulatorConfig, host: str, port: int) -> None:
    """Serve the simulated world in the running event loop until cancelled. Raises OSError for a taken port."""
    # granian shares a port that another process listens on; this bind does not.
    socket.create_server((host, port)).close()
    server = Server(create_simulator(config), host, port, interface=Interfaces.ASGI, log_enabled=False)
    serving = asyncio.ensure_future(server.serve())
    try:
        await asyncio.shield(serving)
    finally:
        server.interrupt_signal = True
        server.main_loop_interrupt.set()
        await serving
