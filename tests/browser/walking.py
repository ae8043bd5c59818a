"""What a person does with a page: fill its form, press, look again."""

import asyncio
from collections.abc import Mapping
from typing import Any

from tests.browser.windows import SLOW

PATIENCE_S = 60


async def on_2g(page: Any) -> None:
    """Make the line as slow as GPRS."""
    session = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    await session.send("Network.emulateNetworkConditions", SLOW)


async def fill(page: Any, fields: Mapping[str, str], press: str | None = None) -> None:
    """Fill the page's form and send it by its first button, or by the one of this name. A refusal is a failure."""
    for name, value in fields.items():
        field = page.locator(f'main form [name="{name}"]')
        if await field.first.get_attribute("type") == "radio":
            await page.locator(f'main form [name="{name}"][value="{value}"]').check()
        elif await field.first.evaluate("one => one.tagName") == "SELECT":
            await field.select_option(value)
        else:
            await field.fill(value)
    button = page.locator("main form button:not(.plain):not(.second)").first
    await (page.get_by_role("button", name=press) if press else button).click()
    await page.wait_for_load_state()
    refused = page.locator("main [role=alert]")
    assert await refused.count() == 0, await refused.first.inner_text()


async def reload_until(page: Any, words: str) -> None:
    """Look again, as a page without scripts does by itself, until it says so."""
    async with asyncio.timeout(PATIENCE_S):
        while words not in await page.inner_text("main"):
            await asyncio.sleep(0.2)
            await page.reload()
