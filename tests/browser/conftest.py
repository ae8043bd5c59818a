"""The service as it runs, and a Chromium beside it, for what only a browser can show.

`make browser` runs these: Playwright and Chromium are not among what `make install` fetches.
"""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from merchant.core.service import Service
from merchant.core.settings import Settings
from tests import builders
from tests.builders import World
from tests.merchant.portal.shops import Shop, demo_settings, running_demo

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
collect_ignore_glob = [] if CHROMIUM else ["test_*.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return demo_settings(tmp_path)


@pytest.fixture
async def shop(service: Service, world: World) -> Shop:
    document = builders.company(trading_name="Grossunternehmensbeteiligungsverwaltungsgesellschaft ကုမ္ပဏီ")
    merchant, counters = await builders.create_merchant(service, world, document=document)
    return Shop(service, merchant, counters[0])


@pytest.fixture
async def base(service: Service, shop: Shop, tmp_path: Path) -> AsyncIterator[str]:
    """The address of the running service, its worker and its simulated hub."""
    async with running_demo(service, tmp_path):
        yield service.settings.base_url


@pytest.fixture
async def chromium() -> AsyncIterator[Any]:
    """A browser, without any page yet."""
    playwright = pytest.importorskip("playwright.async_api", reason="run these by `make browser`")
    async with playwright.async_playwright() as started:
        opened = await started.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield opened
        await opened.close()
