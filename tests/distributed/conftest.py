"""One distributed database for the tests of this folder: made of a filled one, as an operator would."""

import asyncio
import uuid
from collections.abc import Iterator

import pytest

from merchant.core.service import open_service
from merchant.core.settings import Settings
from tests import builders
from tests.builders import SECRET_KEY
from tests.citus import Cluster, cluster_url
from tests.merchant.payments.conftest import stage

__all__ = ["stage"]


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """The Citus cluster that the environment names; the test is skipped when it names none."""
    return Cluster(cluster_url())


@pytest.fixture(scope="session")
def distributed_database(cluster: Cluster) -> Iterator[str]:
    """A database with a shop, distributed after it was filled."""

    async def fill(url: str) -> None:
        async with open_service(Settings(secret_key=SECRET_KEY, require_totp=False), url) as service:
            await builders.seed_world(service)
            await builders.open_shop(service, await builders.load_world(service))

    name = f"test_{uuid.uuid4().hex}"
    asyncio.run(cluster.make(name, fill))
    yield name
    asyncio.run(cluster.drop(name))


@pytest.fixture
def database_url(cluster: Cluster, distributed_database: str) -> str:
    """The distributed database, as the service's login reaches it."""
    return cluster.url(distributed_database)
