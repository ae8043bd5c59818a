"""A stall's first day on a telephone at the speed of 2G without scripts: signed up, approved, printed, paid, closed."""

import asyncio
import re
from typing import Any

import pytest

from merchant.core.service import Service
from tests.browser.windows import PHONE, SLOW, window
from tests.builders import Person, World
from tests.merchant.portal.shops import Shop

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
PATIENCE_S = 60
STALL_PHONE, CUSTOMER_WHO_AGREES = "+254722000111", "254711000001"


async def on_2g(page: Any) -> None:
    """Make the line as slow as GPRS."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Network.emulateNetworkConditions", SLOW)


async def fill(page: Any, **fields: str) -> None:
    """Fill the page's form and send it; `__` in a name is a dot, `_0_` an index."""
    for name, value in fields.items():
        path = name.replace("_0_", "[0].").replace("__", ".")
        field = page.locator(f'main form [name="{path}"]')
        kind = await field.first.get_attribute("type")
        if kind == "radio":
            await page.locator(f'main form [name="{path}"][value="{value}"]').check()
        elif await field.first.evaluate("one => one.tagName") == "SELECT":
            await field.select_option(value)
        else:
            await field.fill(value)
    await page.locator("main form button:not(.plain):not(.second)").first.click()
    await page.wait_for_load_state()


async def code_for(page: Any, base: str, operator: Person) -> str:
    """The newest code that was sent by text, from where the demo keeps what it does not send."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            kept = await page.context.request.get(f"{base}/api/v1/outgoing-mail", headers=operator.headers)
            for mail in (await kept.json())["items"]:
                if found := re.match(r"(\d{6}) ", mail["text"]):
                    return found[1]
            await asyncio.sleep(0.1)


async def reload_until(page: Any, words: str) -> None:
    """Look again, as a page without scripts does by itself, until it says so."""
    async with asyncio.timeout(PATIENCE_S):
        while words not in await page.inner_text("main"):
            await asyncio.sleep(0.2)
            await page.reload()


async def test_a_stall_is_signed_up_approved_paid_and_closes_its_day(
    chromium: Any, base: str, service: Service, world: World, shop: Shop
) -> None:
    staff = world["greenbankfsp"]
    async with (
        window(chromium, base, width=PHONE, scripts=False) as stall,
        window(chromium, base, staff["maker"], width=PHONE, scripts=False) as maker,
        window(chromium, base, staff["checker"], width=PHONE, scripts=False) as checker,
    ):
        await on_2g(stall)
        await stall.goto("/register/address")
        await fill(stall, phone=STALL_PHONE)
        await fill(stall, code=await code_for(stall, base, world.operator))
        await fill(stall, name="Njeri Wanjiku", dfsp_id=str(world.dfsp_ids["greenbankfsp"]))
        for name, answers in {
            "name": {"business__trading_name": "Njeri's Fruit"},
            "trade": {"business__mcc": "5499"},
            "kind": {"business__kind": "individual"},
            "you": {"owners_0_given_name": "Njeri", "owners_0_family_name": "Wanjiku"},
            "place": {"locations_0_city": "Nakuru"},
        }.items():
            await stall.goto(f"/my-application/{name}")
            await fill(stall, **answers)
        await stall.goto("/my-application/hand-in")
        await fill(stall)

        await maker.goto("/applications?handed_in=true")
        await maker.get_by_role("link", name="Njeri's Fruit").click()
        await maker.goto(maker.url + "/submit")
        await fill(maker)
        await checker.goto("/applications/queue")
        await reload_until(checker, "Njeri's Fruit")
        await checker.get_by_role("link", name="Njeri's Fruit").click()
        await checker.goto(checker.url.replace("/review", "/approve"))
        await fill(checker)

        await stall.goto("/my-application")
        await stall.goto("/shop/posters")
        await fill(stall)
        await stall.goto("/shop/ask")
        await fill(stall, amount="2.50", payer=CUSTOMER_WHO_AGREES)
        await reload_until(stall, "Paid")
        await stall.goto("/shop/day")
        assert "2.50" in await stall.inner_text("main")
        assert stall.trouble == maker.trouble == checker.trouble == []
