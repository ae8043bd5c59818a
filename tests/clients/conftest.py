"""What a client's author has: the documents of this checkout, and a service that listens on a port.

Clients are generated while the tests run, from what `merchant openapi` writes, so they cannot lag behind the code.
"""

from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner

from merchant.cli.main import cli
from merchant.compliance.cases.routes import ROUTES as APPLICATION_ROUTES
from merchant.notify.routes import ROUTES as WEBHOOK_ROUTES
from merchant.people.slice import ROUTES as PEOPLE_ROUTES
from merchant.registry.merchants.routes import ROUTES as MERCHANT_ROUTES
from tests import builders
from tests.stories.conftest import key_setting, town
from tests.stories.town import Town

__all__ = ["key_setting", "town"]


class Served(NamedTuple):
    """A service with its worker and a simulated hub, and who may sign in to it."""

    town: Town
    base_url: str
    password: str

    def email(self, title: str) -> str:
        """The address of a member of staff: the maker, the checker, or who is both."""
        return f"{title}@{builders.DFSPS[0]}.example"


@pytest.fixture
def more_routes() -> list[Any]:
    """What the clients call besides what every story needs."""
    return [*PEOPLE_ROUTES, *APPLICATION_ROUTES, *MERCHANT_ROUTES, *WEBHOOK_ROUTES]


@pytest.fixture
def served(town: Town) -> Served:
    """The town, as a client sees it."""
    return Served(town, town.service.settings.base_url, builders.PASSWORD)


@pytest.fixture(scope="session")
def documents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the OpenAPI documents, as the code of this checkout describes itself."""
    folder = tmp_path_factory.mktemp("openapi")
    written = CliRunner().invoke(cli, ["openapi", str(folder)], catch_exceptions=False)
    assert written.exit_code == 0, written.output
    return folder
