"""A town: the service with its worker and the simulated hub, each served on a port of its own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from merchant.channels.qr import ROUTES as QR_ROUTES
from merchant.core.service import open_service
from merchant.core.settings import Settings
from merchant.demo.hub import exchange_keys
from merchant.demo.simulator import SimulatorConfig
from merchant.payments.callbacks import fspiop_door
from merchant.payments.routes import ROUTES as PAYMENT_ROUTES
from merchant.programs.app import create_app, with_doors
from merchant.programs.runtime import serving
from merchant.programs.worker import Worker
from merchant.registry.oracle.routes import oracle_door
from tests import builders
from tests.builders import GATEWAY_SECRET, SECRET_KEY
from tests.merchant.demo.simulator.conftest import FAST, free_port, new_journal, running_simulator
from tests.stories.town import Town

SCOPES = ["merchants:read", "payments:read", "payments:request", "payments:refund"]
# What every story needs; Litestar takes 10 ms of CPU for each route it registers.
ROUTES = [*PAYMENT_ROUTES, *QR_ROUTES, fspiop_door, oracle_door]


@pytest.fixture
def more_routes() -> list[Any]:
    """What the stories of a module need besides; a module may override it."""
    return []


@pytest.fixture
def key_setting(tmp_path: Path) -> str:
    """MERCHANT_SECRET_KEY; a module may override it with none, and put the keys into the data folder."""
    return SECRET_KEY


@pytest.fixture
async def town(database_url: str, tmp_path: Path, more_routes: list[Any], key_setting: str) -> AsyncIterator[Town]:
    """A town with a worker in this process."""
    opening = open_town(database_url, tmp_path, ROUTES + more_routes, key_setting)
    async with opening as opened, Worker(opened.service).running():
        yield opened


@asynccontextmanager
async def open_town(
    database_url: str, tmp_path: Path, routes: list[Any], key_setting: str = SECRET_KEY
) -> AsyncIterator[Town]:
    """A shop that takes US dollars and Kenya shillings, and customers who pay as their numbers' last digits say."""
    hub_port = free_port()
    settings = Settings(
        secret_key=key_setting,
        gateway_secret=GATEWAY_SECRET,
        data_dir=tmp_path,
        port=free_port(),
        hub_url=f"http://127.0.0.1:{hub_port}",
        database_pool_size=6,
        worker_poll_s=0.05,
        settle_check_s=0.5,
        settle_grace_s=1,
        webhook_loopback=True,
        require_totp=False,
    )
    config = SimulatorConfig(
        service_url=settings.base_url, journal_path=new_journal(tmp_path), gateway_secret=GATEWAY_SECRET, timings=FAST
    )
    async with open_service(settings, database_url) as service:
        world = await builders.load_world(service)
        merchant, counters = await builders.create_merchant(service, world)
        key = await builders.issue_key(service, world["greenbankfsp"]["admin"], SCOPES)
        async with (
            serving(with_doors(create_app(service, routes)), settings.host, settings.port),
            running_simulator(config, hub_port) as hub_url,
            aiohttp.ClientSession() as http,
        ):
            await exchange_keys(service, http, hub_url)
            yield Town(service, http, hub_url, config.journal_path, merchant, counters[0], key)
