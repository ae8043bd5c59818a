"""Each page in a real browser: nothing sticks out, nothing comes from elsewhere, nobody is shut out."""

from collections.abc import Iterator
from typing import Any

import pytest

from merchant.core import texts
from tests.browser import places
from tests.browser.windows import DESK, faults, sticks_out, window
from tests.builders import Person, World
from tests.merchant.portal.shops import Shop

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
NARROW = 320


def visits(world: World, shop: Shop, code: str) -> Iterator[tuple[Person | None, str]]:
    """Who looks at which page."""
    staff = world["greenbankfsp"]
    names = {
        "alias": shop.counter.alias,
        "code": code,
        "merchant_id": shop.merchant.id,
        "dfsp_id": shop.merchant.dfsp_id,
    }
    for path in places.PUBLIC:
        yield None, path.format(**names)
    for path in places.STAFF:
        yield staff["checker"], path.format(**names)
    for role, paths in places.OF_ROLE.items():
        for path in paths:
            yield world.operator if role == "operator" else staff[role], path.format(**names)


@pytest.mark.parametrize("language", list(texts.OFFERED))
async def test_nobody_is_shut_out_by_a_page_in_any_language(
    chromium: Any, base: str, world: World, shop: Shop, language: str
) -> None:
    code, found = await shop.ask(), []
    for person, path in visits(world, shop, code):
        async with window(chromium, base, person, width=DESK) as page:
            await page.goto(f"{path}{'&' if '?' in path else '?'}lang={language}")
            found += [f"{path}: {one}" for one in await faults(page)]
            found += [f"{path}: {one}" for one in page.trouble]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_sticks_out_of_a_narrow_window(
    chromium: Any, base: str, world: World, shop: Shop, scheme: str
) -> None:
    code, wide, unread = await shop.ask(), [], []
    for person, path in visits(world, shop, code):
        async with window(chromium, base, person, width=NARROW, color_scheme=scheme) as page:
            await page.goto(path)
            wide += [path] if await sticks_out(page) else []
            unread += [f"{path}: {one}" for one in await faults(page) if one.startswith("color-contrast")]
    assert (wide, unread) == ([], [])


async def test_at_twice_the_size_nothing_sticks_out(chromium: Any, base: str, world: World, shop: Shop) -> None:
    code, wide = await shop.ask(), []
    for person, path in visits(world, shop, code):
        # 200 % of a window of 1280 is one of 640.
        async with window(chromium, base, person, width=DESK // 2, device_scale_factor=2) as page:
            await page.goto(path)
            wide += [path] if await sticks_out(page) else []
    assert wide == []
