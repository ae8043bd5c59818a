"""The routes of policies, and two people of the hub."""

from collections.abc import AsyncIterator

import httpx
import pytest

from merchant.compliance.slice import ROUTES
from merchant.core.access import Role
from merchant.core.service import Service
from tests import builders
from tests.apps import app_on, client_on
from tests.builders import World
from tests.merchant.compliance.policies.desk import Desk, at


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the compliance slice alone: each further route costs 10 ms."""
    async with client_on(app_on(service, ROUTES)) as opened:
        yield opened


@pytest.fixture
def operator(client: httpx.AsyncClient, world: World) -> Desk:
    """The hub's operator."""
    return at(client, world.operator)


@pytest.fixture
async def hub_checker(client: httpx.AsyncClient, service: Service) -> Desk:
    """The hub's checker."""
    await builders.add_person(service, "checker@hub.example", [Role.HUB_CHECKER])
    return at(client, await builders.signed_in(service, "checker@hub.example"))
