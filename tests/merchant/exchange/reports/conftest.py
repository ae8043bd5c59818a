"""A database with a shop."""

import pytest


@pytest.fixture(scope="session")
def template(shop_template: str) -> str:
    return shop_template
