"""A day of other people, with scripts and without: a shopper, an operator of the hub, an owner, an administrator."""

from typing import Any

import pytest

from merchant.core.access import Role
from merchant.core.service import Service
from tests import builders
from tests.browser.walking import fill, on_2g, reload_until
from tests.browser.windows import DESK, PHONE, window
from tests.builders import World
from tests.merchant.portal.shops import Shop

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
both = pytest.mark.parametrize("scripts", [False, True], ids=["without scripts", "with scripts"])
SHOPPER = "254711000001"  # agrees to what is asked


async def pay(page: Any, shop: Shop, amount: str) -> str:
    """Pay a shop as a shopper with a phone that knows the web; the number of the receipt."""
    await page.goto(f"/q/{shop.counter.alias}")
    await fill(page, {"amount": amount}, press="Put the amount into the code")
    assert amount in await page.inner_text("main")
    await page.get_by_role("link", name="Send the request to my phone").click()
    await page.wait_for_url("**/phone*")
    await fill(page, {"phone": SHOPPER})
    await reload_until(page, "Paid")
    await page.get_by_role("link", name="Keep this receipt").click()
    await page.wait_for_url("**/r/*")
    number: str = await page.locator("dd").first.inner_text()
    return number.strip()


@both
async def test_a_shopper_pays_and_keeps_a_receipt(chromium: Any, base: str, shop: Shop, scripts: bool) -> None:
    async with window(chromium, base, width=PHONE, scripts=scripts) as page:
        await on_2g(page)
        await pay(page, shop, "3.20")
        words = await page.inner_text("main")
        assert "3.20" in words and SHOPPER not in words
        assert page.trouble == []


@both
async def test_an_operator_finds_a_payment_by_what_somebody_reads_out(
    chromium: Any, base: str, world: World, shop: Shop, scripts: bool
) -> None:
    async with window(chromium, base, width=PHONE) as page:
        number = await pay(page, shop, "4.75")
    async with window(chromium, base, world.operator, width=DESK, scripts=scripts) as page:
        await page.goto(f"/payments?q={number}")
        await page.locator(".found a").first.click()
        await page.wait_for_url("**/payments/*")
        words = await page.inner_text("main")
        assert "4.75" in words and shop.merchant.trading_name in words
        assert page.trouble == []


@both
async def test_an_owner_adds_a_cashier_and_shuts_them_out_again(
    chromium: Any, base: str, service: Service, shop: Shop, scripts: bool
) -> None:
    merchant, email = shop.merchant, "owner@shop.example"
    await builders.add_person(service, email, [Role.MERCHANT_OWNER], dfsp_id=merchant.dfsp_id, merchant_id=merchant.id)
    async with window(chromium, base, await builders.signed_in(service, email), width=PHONE, scripts=scripts) as page:
        await page.goto("/shop/people/add")
        await fill(page, {"name": "Zawadi Otieno", "email": "zawadi@shop.example"})
        assert "Zawadi Otieno" in await page.inner_text("main")
        await page.get_by_role("link", name="Shut Zawadi Otieno out").click()
        await page.wait_for_url("**/shut-out")
        await fill(page, {})
        assert "Zawadi Otieno is shut out." in await page.inner_text("main")
        assert page.trouble == []


@both
async def test_an_administrator_invites_a_colleague_and_sees_them_in_the_record(
    chromium: Any, base: str, world: World, scripts: bool
) -> None:
    admin = world["greenbankfsp"]["admin"]
    async with window(chromium, base, admin, width=DESK, scripts=scripts) as page:
        await page.goto("/users/invite")
        await page.check('[name="roles.dfsp_maker"]')
        await fill(page, {"name": "Wanjiru Mwangi", "email": "wanjiru@greenbankfsp.example"})
        assert "Wanjiru Mwangi" in await page.inner_text("main")
        await page.goto("/audit")
        assert "Wanjiru Mwangi" in await page.inner_text("main")
        assert page.trouble == []
