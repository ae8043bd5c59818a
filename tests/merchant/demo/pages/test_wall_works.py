"""The wall's presses do what they say: a real server, the worker and the simulated world, over HTTP."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.demo.pages.phones import CUSTOMERS
from tests.builders import World
from tests.merchant.demo.pages.people import demo_people
from tests.merchant.portal.shops import demo_settings, running_demo, wire_bytes, words_of

pytestmark = pytest.mark.anyio

PATIENCE_S = 15
WALL_BYTES = 25_000  # first load on the wire, all told


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a demo on free ports."""
    return demo_settings(tmp_path)


@pytest.fixture
async def browser(service: Service, world: World, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Someone at the wall, while all of the demo runs."""
    known = await demo_people(service, world)
    async with (
        running_demo(service, tmp_path, known),
        httpx.AsyncClient(base_url=service.settings.base_url, follow_redirects=True, trust_env=False) as client,
    ):
        yield client


async def until(browser: httpx.AsyncClient, words: str) -> httpx.Response:
    """Look at what changes by itself until it says something."""
    said = ""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                page = await browser.get("/demo/live")
                said = words_of(page)
                if words in said:
                    return page
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"the wall does not say {words!r} but {said!r}")


async def ask(browser: httpx.AsyncClient, amount: str) -> dict[str, str]:
    """Ask as the stall; the form with which the shopper's phone answers."""
    assert (await browser.post("/demo/wall/ask", data={"amount": amount, "once": "1"})).status_code == 200
    page = await until(browser, "Accept Decline")
    assert f"asks you to pay {amount} USD" in words_of(page)
    found = re.search(r'name="request" value="([^"]+)"', page.text)
    assert found is not None
    return {"request": found[1], "back": "/demo"}


async def test_the_stall_asks_the_shopper_accepts_and_the_shop_turns_green(browser: httpx.AsyncClient) -> None:
    form = await ask(browser, "2.75")
    await until(browser, "Waiting for the customer")
    assert (await browser.post("/demo/wall/answer", data=form | {"answer": "accept"})).status_code == 200
    page = await until(browser, "Umelipwa 2.75 USD.")
    assert re.search(r'class="till paid" data-paid="[0-9a-f-]{36}"', page.text)
    await until(browser, "You paid 2.75 USD to Mama Amina Fruits")
    again = await browser.post("/demo/wall/answer", data=form | {"answer": "decline"})
    assert again.status_code == 422
    assert "does not wait for an answer" in again.text


async def test_a_shopper_who_declines_is_told_at_the_shop(browser: httpx.AsyncClient) -> None:
    form = await ask(browser, "3")
    await browser.post("/demo/wall/answer", data=form | {"answer": "decline"})
    await until(browser, "Declined")


async def test_the_drawn_phone_pays_the_stall(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/ussd-phone")
    dialled = re.search(r'name="entry" value="(\*384\*123\*\d+#)"', page.text)
    assert dialled is not None
    form = {"back": "/ussd-phone", "payer": CUSTOMERS[0].msisdn}
    page = await browser.post("/demo/phone", data=form | {"entry": dialled[1]})
    assert "1 USD" in page.text
    page = await browser.post("/demo/phone", data=form | {"entry": "1"})
    assert "Enter the amount in USD" in page.text
    assert "of 160" in page.text
    page = await browser.post("/demo/phone", data=form | {"entry": "2.50"})
    assert "Pay 2.50 USD to Mama Amina, " in page.text
    page = await browser.post("/demo/phone", data=form | {"entry": "1"})
    assert "Session over" in page.text
    await until(browser, "Umelipwa 2.50 USD.")
    page = await browser.post("/demo/phone", data={"back": "/ussd-phone", "hang_up": "1"})
    assert "*384*123#" in page.text


async def test_the_wall_is_light(browser: httpx.AsyncClient, service: Service) -> None:
    total, page = await wire_bytes(service.settings.host, service.settings.port, "/demo")
    text = (await browser.get("/demo")).text
    for url in re.findall(r'<(?:link rel="stylesheet"|script) (?:href|src)="([^"]+)"', text):
        total += (await wire_bytes(service.settings.host, service.settings.port, url))[0]
    assert page.startswith(b"HTTP/1.1 200")
    assert total <= WALL_BYTES


async def test_the_phone_speaks_the_scheme_s_languages(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/ussd-phone")
    dials = re.findall(r'name="dial" value="([^"]+)" class="plain" lang="([a-z]+)"', page.text)
    assert [language for _dial, language in dials] == ["en", "sw", "fr", "rw", "my", "ar"]
    form = {"back": "/ussd-phone", "payer": CUSTOMERS[0].msisdn}
    page = await browser.post("/demo/phone", data=form | {"dial": dials[1][0]})
    assert "Nambari" in page.text or "Lipa" in page.text
