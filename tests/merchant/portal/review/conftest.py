"""Cases that wait for a checker."""

import pytest

from merchant.compliance.cases.models import Application
from merchant.core.service import Service
from tests import builders
from tests.api.everything import listed_company
from tests.builders import World


@pytest.fixture
async def shop(service: Service, world: World) -> Application:
    """A company under review, with nothing open."""
    return await builders.create_application(
        service, world.maker, builders.company(trading_name="Mama Njeri"), submitted=True
    )


@pytest.fixture
async def listed(service: Service, world: World) -> Application:
    """A company whose owner bears a listed name."""
    document = listed_company()
    document["business"]["trading_name"] = "Listed Traders"
    return await builders.create_application(service, world.maker, document, submitted=True)


async def make_low(service: Service, *ids: object) -> None:
    """Let these be of low risk, as if assessed so."""
    async with service.db.system() as tx:
        await tx.execute("UPDATE application SET risk = 'low' WHERE id = ANY($1)", list(ids))
