"""The desk at which the scenarios are acted."""

import httpx
import pytest

from merchant.core.service import Service
from tests.builders import World
from tests.scenarios.desk import Desk


@pytest.fixture
def desk(client: httpx.AsyncClient, service: Service, world: World) -> Desk:
    """The staff of greenbankfsp."""
    return Desk(client, service, world)
