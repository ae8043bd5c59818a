"""A stall's first day on a telephone at the speed of 2G, with scripts and without: from signing up to closing."""

import asyncio
import re
from typing import Any

import pytest

from tests.browser.walking import PATIENCE_S, fill, on_2g, reload_until
from tests.browser.windows import PHONE, window
from tests.builders import Person, World
from tests.merchant.portal.shops import Shop

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
NAME, STALL_PHONE, CUSTOMER_WHO_AGREES = "Njeri's Fruit", "+254722000111", "254711000001"
ANSWERS = {
    "name": {"business.trading_name": NAME},
    "trade": {"business.mcc": "5499"},
    "kind": {"business.kind": "individual"},
    "you": {
        "owners[0].given_name": "Njeri",
        "owners[0].family_name": "Wanjiku",
        "owners[0].id_type": "national_id",
        "owners[0].id_number": "27654321",
    },
    "place": {"locations[0].city": "Nakuru"},
}


async def code_for(page: Any, base: str, operator: Person) -> str:
    """The newest code that was sent by text, from where the demo keeps what it does not send."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            kept = await page.context.request.get(f"{base}/api/v1/outgoing-mail", headers=operator.headers)
            for mail in (await kept.json())["items"]:
                if found := re.match(r"(\d{6}) ", mail["text"]):
                    return found[1]
            await asyncio.sleep(0.1)


async def sign_up(stall: Any, base: str, world: World) -> None:
    """Register by a code to the telephone, answer page by page, and hand in."""
    await stall.goto("/register/address")
    await fill(stall, {"phone": STALL_PHONE})
    await fill(stall, {"code": await code_for(stall, base, world.operator)})
    await fill(stall, {"name": "Njeri Wanjiku", "dfsp_id": str(world.dfsp_ids["greenbankfsp"])})
    for page, answers in ANSWERS.items():
        await stall.goto(f"/my-application/{page}")
        await fill(stall, answers)
    await stall.goto("/my-application/hand-in")
    await fill(stall, {})


async def approve(maker: Any, checker: Any) -> None:
    """The maker finds it among what was handed in and submits it; somebody else decides."""
    await maker.goto("/applications?handed_in=true")
    await maker.get_by_role("link", name=NAME).click()
    await maker.wait_for_url("**/applications/*")
    await maker.goto(maker.url + "/submit")
    await fill(maker, {})
    await checker.goto("/applications/queue")
    await reload_until(checker, NAME)
    await checker.get_by_role("link", name=NAME).click()
    await checker.wait_for_url("**/review")
    await checker.goto(checker.url.replace("/review", "/approve"))
    await fill(checker, {})


async def print_poster(stall: Any) -> None:
    """Order posters and fetch their PDF."""
    await stall.goto("/shop/posters")
    await fill(stall, {})
    await reload_until(stall, "Fetch the PDF")
    address = await stall.get_by_role("link", name="Fetch the PDF").get_attribute("href")
    poster = await stall.context.request.get(address)
    assert (await poster.body()).startswith(b"%PDF-")


async def be_paid(stall: Any) -> None:
    """Ask a customer's telephone and see that it paid."""
    await stall.goto("/shop/ask")
    await fill(stall, {"amount.amount": "2.50", "payer.id": CUSTOMER_WHO_AGREES}, press="Ask this phone")
    await stall.wait_for_url("**/shop/requests/*")
    await reload_until(stall, "Paid")


@pytest.mark.parametrize("scripts", [False, True], ids=["without scripts", "with scripts"])
async def test_a_stall_is_signed_up_approved_paid_and_closes_its_day(
    chromium: Any, base: str, world: World, shop: Shop, scripts: bool
) -> None:
    staff = world["greenbankfsp"]
    async with (
        window(chromium, base, width=PHONE, scripts=scripts) as stall,
        window(chromium, base, staff["maker"], width=PHONE, scripts=scripts) as maker,
        window(chromium, base, staff["checker"], width=PHONE, scripts=scripts) as checker,
    ):
        await on_2g(stall)
        await sign_up(stall, base, world)
        await approve(maker, checker)
        await stall.goto("/my-application")
        await print_poster(stall)
        await be_paid(stall)
        await stall.goto("/shop/day")
        assert "2.50" in await stall.inner_text("main")
        assert stall.trouble == maker.trouble == checker.trouble == []
