"""A day's work without a mouse: everything is reached by Tab, and one always sees where one is."""

from typing import Any

import pytest

from tests.browser.windows import DESK, window
from tests.builders import PASSWORD, World
from tests.merchant.portal.shops import Shop

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
MOST_STEPS = 120
# What has the focus: its name as a screen reader says it, roughly, and whether one sees that it has it.
FOCUSED = """() => {
  const at = document.activeElement, style = getComputedStyle(at);
  const label = at.labels && at.labels[0] ? at.labels[0].innerText : '';
  return {
    name: (at.getAttribute('aria-label') || label || at.innerText || '').trim(),
    isVisible: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
    isBody: at === document.body,
  };
}"""


async def tab_to(page: Any, name: str) -> None:
    """Press Tab until what has this name has the focus; everything on the way shows its focus."""
    for _step in range(MOST_STEPS):
        await page.keyboard.press("Tab")
        at = await page.evaluate(FOCUSED)
        assert at["isBody"] or at["isVisible"], f"no focus to be seen on {at['name']!r} of {page.url}"
        if at["name"].startswith(name):
            return
    raise AssertionError(f"{name!r} is not reached by Tab on {page.url}")


async def press(page: Any, name: str, key: str = "Enter") -> None:
    """Go to it and press it."""
    await tab_to(page, name)
    await page.keyboard.press(key)
    await page.wait_for_load_state()


async def test_a_merchant_is_found_and_suspended_by_keyboard_alone(
    chromium: Any, base: str, world: World, shop: Shop
) -> None:
    async with window(chromium, base, width=DESK) as page:
        await page.goto("/sign-in")
        await tab_to(page, "E-mail")
        await page.keyboard.type(world["greenbankfsp"]["checker"].email)
        await tab_to(page, "Password")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/work")
        await press(page, "Skip to the content")
        await page.reload()
        await press(page, "Merchants")
        await page.wait_for_url("**/merchants")
        await press(page, shop.merchant.trading_name)
        await page.wait_for_url("**/merchants/*")
        await press(page, "Suspend")
        await page.wait_for_url("**/suspend")
        await tab_to(page, "Reason")
        await page.keyboard.type("The shop is closed for repairs.")
        await press(page, "Suspend")
        await page.get_by_text("suspended").first.wait_for()


async def test_the_first_press_of_tab_offers_the_way_past_the_head(chromium: Any, base: str, world: World) -> None:
    for language in ("en", "ar"):
        async with window(chromium, base, world["greenbankfsp"]["maker"], width=DESK) as page:
            await page.goto(f"/merchants?lang={language}")
            await page.keyboard.press("Tab")
            assert await page.evaluate("document.activeElement.className") == "skip"
            await page.keyboard.press("Enter")
            await page.keyboard.press("Tab")
            assert await page.evaluate("document.querySelector('main').contains(document.activeElement)")
