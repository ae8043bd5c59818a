"""A shop, a hub in the test's hands, and a worker whose rounds the test runs."""

from collections.abc import AsyncIterator

import httpx
import pytest

from merchant.core.http.context import with_context
from merchant.core.service import Service
from merchant.exchange.receipt_routes import ROUTES as RECEIPT_ROUTES
from merchant.notify.routes import ROUTES as WEBHOOK_ROUTES
from merchant.payments.callbacks import fspiop_door
from merchant.payments.finding_routes import ROUTES as FINDING_ROUTES
from merchant.payments.refunds.routes import ROUTES as REFUND_ROUTES
from merchant.payments.routes import ROUTES as PAYMENT_ROUTES
from merchant.programs.worker import Worker
from tests import builders
from tests.apps import app_on
from tests.builders import World
from tests.merchant.payments.stage import Stage, connect, running_hub

# Litestar takes 10 ms of CPU for each route it registers.
ROUTES = [*PAYMENT_ROUTES, *FINDING_ROUTES, *RECEIPT_ROUTES, *REFUND_ROUTES, *WEBHOOK_ROUTES, fspiop_door]
SCOPES = ["payments:read", "payments:request", "payments:resolve", "payments:refund", "webhooks:write"]


@pytest.fixture(scope="session")
def template(shop_template: str) -> str:
    return shop_template


@pytest.fixture
async def stage(service: Service, world: World) -> AsyncIterator[Stage]:
    """A shop of tier T3 that takes USD and KES, asked for and paid through a stub hub."""
    transport = httpx.ASGITransport(with_context(app_on(service, ROUTES)), raise_app_exceptions=False)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://test.local") as client,
        running_hub(client) as hub,
        Worker(service).by_hand() as worker,
    ):
        # Headers are what a test says they are, and nothing beside.
        del client.headers["accept"]
        await connect(service, hub)
        merchant, counter = await builders.find_shop(service)
        key = await builders.issue_key(service, world["greenbankfsp"]["admin"], SCOPES)
        yield Stage(service, world, client, hub, worker, merchant, counter, key)
