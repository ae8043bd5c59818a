"""A shop whose line goes away: the codes stay, an ask waits with its id, and nothing is called paid."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from merchant.core.access import Role
from merchant.core.service import Service
from tests import builders
from tests.browser.windows import PHONE, window
from tests.builders import Person, World
from tests.merchant.portal.shops import Shop

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
PATIENCE_S, TOO_LATE_MS = 30, 6 * 60_000
CUSTOMER_WHO_AGREES = "254711000001"
# The pages that the worker keeps, as it keeps them.
KEPT = """async () => {
  const names = (await caches.keys()).filter(name => name.startsWith('shop-pages'));
  const kept = await Promise.all(names.map(async name => (await (await caches.open(name)).keys()).map(one => one.url)));
  return kept.flat().map(url => new URL(url).pathname).sort();
}"""


@pytest.fixture
async def owner(service: Service, world: World, shop: Shop) -> Person:
    merchant, email = shop.merchant, "owner@shop.example"
    await builders.add_person(service, email, [Role.MERCHANT_OWNER], dfsp_id=merchant.dfsp_id, merchant_id=merchant.id)
    return await builders.signed_in(service, email)


@pytest.fixture
async def till(chromium: Any, base: str, owner: Person) -> AsyncIterator[Any]:
    """The shop's page, once the telephone keeps what it needs without a line."""
    async with window(chromium, base, owner, width=PHONE) as page:
        await page.goto("/shop")
        async with asyncio.timeout(PATIENCE_S):
            while await page.evaluate(KEPT) != ["/shop/ask", "/shop/code", "/shop/offline"]:
                await asyncio.sleep(0.1)
        yield page


async def ask_without_a_line(till: Any) -> None:
    """Ask a customer while nothing can be sent."""
    await till.context.set_offline(True)
    await till.goto("/shop/ask")
    await till.locator("[data-keypad]").wait_for()  # which the script shows
    await till.fill('[name="amount.amount"]', "2.50")
    await till.fill('[name="payer.id"]', CUSTOMER_WHO_AGREES)
    await till.get_by_role("button", name="Ask this phone").click()
    await till.get_by_text("Not sent yet: 2.50").wait_for()


async def asked(till: Any, base: str, owner: Person) -> list[Any]:
    """The requests that the service knows."""
    told = await till.context.request.get(f"{base}/api/v1/payment-requests", headers=owner.headers)
    items: list[Any] = (await told.json())["items"]
    return items


async def test_the_code_is_shown_without_a_line(till: Any, shop: Shop) -> None:
    await till.context.set_offline(True)
    await till.goto("/shop/code")
    assert await till.locator("main svg").first.is_visible()
    assert shop.counter.alias[:4] in await till.inner_text("main")


async def test_a_page_that_needs_a_line_says_so_and_never_that_something_is_paid(till: Any) -> None:
    await till.context.set_offline(True)
    for path in ("/shop", "/shop/payments", "/shop/day"):
        await till.goto(path)
        assert "Paid" not in await till.inner_text("main")
        assert await till.locator("main h1").count() == 1


async def test_an_ask_without_a_line_is_sent_once_when_the_line_is_back(till: Any, base: str, owner: Person) -> None:
    await ask_without_a_line(till)
    assert "Paid" not in await till.inner_text("main")
    await till.context.set_offline(False)
    await till.wait_for_url("**/shop/requests/*")
    await till.get_by_text("Paid", exact=False).first.wait_for()
    assert len(await asked(till, base, owner)) == 1


async def test_an_ask_that_waited_more_than_five_minutes_is_dropped(till: Any, base: str, owner: Person) -> None:
    await ask_without_a_line(till)
    later = await till.evaluate("Date.now()") + TOO_LATE_MS
    await till.clock.set_system_time(later)
    await till.context.set_offline(False)
    await till.get_by_text("Not sent: 2.50").wait_for()
    assert await asked(till, base, owner) == []


async def test_what_a_telephone_kept_is_forgotten_when_its_owner_signs_out(till: Any) -> None:
    await till.locator("header .menu summary").click()
    await till.get_by_role("button", name="Sign out").click()
    await till.wait_for_load_state()
    await till.context.set_offline(True)
    assert await till.evaluate(KEPT) == []
