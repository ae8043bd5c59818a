"""Every test has the shop to pay."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.merchant.portal.shops import open_shop


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("shop_to_pay", open_shop)
