"""The demo's forms do what they say: a real server, the worker and the simulated world, over HTTP."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.demo.pages.phones import CUSTOMERS
from tests import builders
from tests.builders import World
from tests.merchant.portal.shops import Shop, demo_settings, running_demo, wire_bytes, words_of

pytestmark = pytest.mark.anyio

AGREES, SAYS_NO = CUSTOMERS[0].msisdn, CUSTOMERS[1].msisdn
PATIENCE_S = 15
SHOPPER_PAGE_BYTES, DEMO_PAGE_BYTES = 20_000, 50_000  # first load on the wire, all told


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a demo on free ports."""
    return demo_settings(tmp_path)


@pytest.fixture
async def browser(service: Service, shop: Shop, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Someone at the demo's page, while all of the demo runs."""
    async with (
        running_demo(service, tmp_path),
        httpx.AsyncClient(base_url=service.settings.base_url, follow_redirects=True, trust_env=False) as client,
    ):
        yield client


async def until(browser: httpx.AsyncClient, path: str, words: str) -> str:
    """Look at a page, as its refresh does, until it says something."""
    said = ""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while words not in said:
                said = words_of(await browser.get(path))
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"{path} does not say {words!r} but {said!r}")
    return said


def hidden(page: httpx.Response) -> dict[str, str]:
    """The dialogue that the page's keypad holds."""
    found = re.findall(r'<input type="hidden" name="(msisdn|session|typed)" value="([^"]*)"', page.text)
    return {name: html.unescape(value) for name, value in found}


def screen(page: httpx.Response) -> str:
    """What the keypad's screen shows."""
    found = re.search(r'<div class="screen" role="status">(.*?)</div>', page.text, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


async def test_a_merchant_asks_and_a_customer_agrees_or_says_no(browser: httpx.AsyncClient, shop: Shop) -> None:
    form = {"number": shop.counter.alias, "amount": "7.50", "payer": AGREES}
    page = await browser.post("/demo/ask", data=form)
    assert page.status_code == 200
    code = re.search(r'href="(/q/[^"]+\.[^"]+)"', page.text)
    assert code is not None
    assert "The shop has the money" in await until(browser, code[1], "Paid")
    await until(browser, "/demo/news", "7.50 USD from 2547*****001 · answer to a request")
    await until(browser, "/demo/news", "7.50 USD received from 2547*****001")
    await until(browser, f"/demo/inbox?payer={AGREES}", "You paid 7.5 USD to Mama Njeri")
    await browser.post("/demo/ask", data=form | {"payer": SAYS_NO})
    await until(browser, "/demo/news", "Declined")


async def test_a_shopper_pays_a_number_or_a_code_that_was_copied(browser: httpx.AsyncClient, shop: Shop) -> None:
    page = await browser.post("/demo/shopper", data={"payer": AGREES, "to": shop.counter.alias, "amount": "3"})
    assert "The shopper’s bank has the order" in page.text
    await until(browser, "/demo/news", "3.00 USD from 2547*****001 · started by the shopper")
    code = await shop.ask()
    payload = re.search(r'id="payload"[^>]* value="([^"]+)"', (await browser.get(f"/q/{code}")).text)
    assert payload is not None
    await browser.post("/demo/shopper", data={"payer": AGREES, "to": html.unescape(payload[1]), "amount": ""})
    await until(browser, f"/q/{code}", "Paid")


async def test_a_code_that_cannot_be_read_is_told_on_the_page(browser: httpx.AsyncClient) -> None:
    page = await browser.post("/demo/shopper", data={"payer": AGREES, "to": "00020101021126", "amount": "5"})
    assert page.status_code == 422
    assert "This code cannot be read" in page.text


async def test_a_number_that_nobody_has_is_told_on_the_phone(browser: httpx.AsyncClient) -> None:
    page = await browser.post("/demo/shopper", data={"payer": AGREES, "to": "40000002", "amount": "5"})
    assert page.status_code == 200
    await until(browser, f"/demo/inbox?payer={AGREES}", "Merchant 40000002 cannot be paid")


async def test_a_keypad_dials_confirms_and_pays(browser: httpx.AsyncClient, shop: Shop) -> None:
    page = await browser.post("/demo/ussd", data={"payer": AGREES, "dial": f"*384*123*{shop.counter.alias}*2.50#"})
    assert page.status_code == 200
    assert "Mama Njeri" in screen(page)
    assert "2.50" in screen(page)
    page = await browser.post("/demo/ussd", data=hidden(page) | {"reply": "1"})
    assert page.status_code == 200
    await until(browser, "/demo/news", "2.50 USD from 2547*****001 · answer to a request")
    page = await browser.post("/demo/ussd", data={"hang_up": "1"})
    assert screen(page).startswith("Dial *384*123#")
    assert 'name="dial"' in page.text


async def test_a_keypad_walks_the_menu(browser: httpx.AsyncClient) -> None:
    page = await browser.post("/demo/ussd", data={"payer": AGREES, "dial": "*384*123#"})
    first = screen(page)
    page = await browser.post("/demo/ussd", data=hidden(page) | {"reply": "1"})
    assert screen(page) != first
    assert hidden(page)["typed"] == "1"


async def weight(settings: Settings, path: str, *, gzip: bool = True) -> int:
    """The bytes of a first load: the page, its files and its frames."""
    total, answer = await wire_bytes(settings.host, settings.port, path, gzip=gzip)
    page = (await wire_bytes(settings.host, settings.port, path, gzip=False))[1].decode()
    loaded = re.findall(r'<(?:link|iframe|img|script)[^>]* (?:href|src)="([^"]+)"', page)
    assert len(loaded) >= 2
    assert answer.startswith(b"HTTP/1.1 200")
    for url in loaded:
        total += (await wire_bytes(settings.host, settings.port, html.unescape(url), gzip=gzip))[0]
    return total


async def test_the_pages_keep_to_their_budgets(
    browser: httpx.AsyncClient, shop: Shop, service: Service, world: World
) -> None:
    for index in range(12):
        document = builders.company(trading_name=f"A merchant with quite a long name indeed, number {index}")
        await builders.create_merchant(service, world, document=document)
    for amount in range(10):
        await browser.post("/demo/ask", data={"number": shop.counter.alias, "amount": f"{amount}.25", "payer": SAYS_NO})
    code = await shop.ask()
    assert await weight(service.settings, f"/q/{code}") <= 8_000
    assert await weight(service.settings, f"/q/{code}", gzip=False) <= SHOPPER_PAGE_BYTES
    assert await weight(service.settings, f"/q/{shop.counter.alias}", gzip=False) <= SHOPPER_PAGE_BYTES
    assert await weight(service.settings, "/demo/world") <= DEMO_PAGE_BYTES / 2
