"""One of everything at the first DFSP, for the tests that walk over all routes."""

import httpx
import pytest

from merchant.core.service import Service
from tests.api.everything import Things, make_things
from tests.builders import World


@pytest.fixture
async def things(service: Service, client: httpx.AsyncClient, world: World) -> Things:
    """What greenbankfsp has."""
    return await make_things(service, client, world)
