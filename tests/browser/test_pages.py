"""The pages in a real browser without JavaScript: nothing sticks out, nothing comes from elsewhere, forms work."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.demo.pages.phones import CUSTOMERS
from tests import builders
from tests.browser.chromium import BINARY, Tab, browsing
from tests.builders import World
from tests.merchant.portal.shops import Shop, demo_settings, running_demo

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(BINARY is None, reason="there is no Chromium here (on Debian: apt-get install chromium)"),
]
PATIENCE_S = 20
WIDTHS = (320, 768, 1280)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return demo_settings(tmp_path)


@pytest.fixture
async def shop(service: Service, world: World) -> Shop:
    document = builders.company(trading_name="Grossunternehmensbeteiligungsverwaltungsgesellschaft ကုမ္ပဏီ")
    merchant, counters = await builders.create_merchant(service, world, document=document)
    return Shop(service, merchant, counters[0])


@pytest.fixture
async def tab(service: Service, shop: Shop, tmp_path: Path) -> AsyncIterator[Tab]:
    """A browser beside a running demo."""
    async with running_demo(service, tmp_path), browsing() as opened:
        yield opened


async def test_nothing_sticks_out_and_nothing_comes_from_elsewhere(tab: Tab, service: Service, shop: Shop) -> None:
    base = service.settings.base_url
    code = await shop.ask(payer=CUSTOMERS[2].msisdn)
    paths = [
        "/",
        "/demo",
        "/demo/world",
        "/demo/tour/2",
        "/ussd-phone",
        "/ui",
        "/ui/act",
        "/ui/list",
        f"/q/{shop.counter.alias}",
        f"/q/{code}",
        f"/q/{code}?lang=fr",
        f"/q/{code}?lang=sw",
        "/q/nothing",
        "/demo/news",
        "/demo/inbox?payer=" + CUSTOMERS[0].msisdn,
        "/docs",
        "/docs/errors",
        "/docs/merchant/applications_open_application",
        "/docs/webhooks/payment_request_paid",
    ]
    for width in WIDTHS:
        await tab.look(width)
        for path in paths:
            await tab.open(base + path)
            content, window = await tab.widths()
            assert (path, content) == (path, window)
    # The browser draws the button of a date field itself, from an address of its own.
    asked = [url for url in tab.requests if not url.startswith("data:")]
    assert {url.split("/")[2] for url in asked} == {base.split("/")[2]}


async def test_a_person_without_javascript_asks_for_money_and_dials(tab: Tab, service: Service, shop: Shop) -> None:
    base = service.settings.base_url
    await tab.look(1280)
    await tab.open(base + "/demo/world")
    await tab.type("#ask-amount", "abc")
    await tab.press_enter()
    assert "Error:" in await tab.html("title")
    await tab.type("#ask-amount", "7.25")
    await tab.press_enter()
    assert "asks for" in await tab.html("#ask .notice")
    await tab.type("#ussd-dial", f"*384*123*{shop.counter.alias}*2.50#")
    await tab.press_enter()
    assert "2.50" in await tab.html("#ussd .screen")
    await tab.type("#reply", "1")
    await tab.press_enter()
    async with asyncio.timeout(PATIENCE_S):
        news = ""
        while not re.search(r"(?s)Payments.*2\.50 USD.*7\.25 USD", news):
            await tab.open(base + "/demo/news")
            news = await tab.html()
