"""Each page in a real browser: nothing sticks out, nothing comes from elsewhere, nobody is shut out."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import httpx
import pytest

from merchant.core import texts
from merchant.core.access import Role
from merchant.core.service import Service
from merchant.programs.app import create_app
from tests import builders
from tests.api.everything import make_things
from tests.browser import places
from tests.browser.places import Visit
from tests.browser.windows import DESK, faults, sticks_out, window
from tests.builders import Person, World
from tests.merchant.portal.shops import Shop

pytestmark = [pytest.mark.anyio, pytest.mark.browser]
NARROW = 320


@pytest.fixture
async def all_visits(service: Service, world: World, shop: Shop, base: str) -> list[Visit]:
    """Every page with somebody who may see it, and one of everything that a path can name."""
    staff = world["greenbankfsp"]
    transport = httpx.ASGITransport(create_app(service))
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        things = await make_things(service, client, world)
    merchant_id = str(things.ids["merchant_id"])
    dfsp_id = shop.merchant.dfsp_id
    email = "owner@shop.example"
    await builders.add_person(service, email, [Role.MERCHANT_OWNER], dfsp_id=dfsp_id, merchant_id=UUID(merchant_id))
    owner = await builders.signed_in(service, email)
    people = {name: staff[name] for name in ("maker", "checker", "admin", "auditor")}
    people |= {"operator": world.operator, "owner": owner, "applicant": await builders.applicant(service, world)}
    named = {
        **{name: str(one) for name, one in things.ids.items()},
        "alias": shop.counter.alias,
        "code": await shop.ask(),
    }
    return list(places.visits(people, named))


class Windows:
    """One window for each person, so that a walk over all pages opens few."""

    def __init__(self, chromium: Any, base: str, **more: Any) -> None:
        self._make = lambda person: window(chromium, base, person, **more)
        self._stack = AsyncExitStack()
        self._open: dict[Person | None, Any] = {}

    async def of(self, person: Person | None) -> Any:
        """The person's window."""
        if person not in self._open:
            self._open[person] = await self._stack.enter_async_context(self._make(person))
        return self._open[person]

    async def __aenter__(self) -> "Windows":
        return self

    async def __aexit__(self, *gone: object) -> None:
        await self._stack.aclose()


async def walk(windows: Windows, visits: list[Visit], query: str = "") -> AsyncIterator[tuple[Visit, Any]]:
    """Open page after page; at the end, name those that crashed."""
    crashed: list[str] = []
    for visit in visits:
        page = await windows.of(visit.person)
        page.trouble.clear()
        answer = await page.goto(visit.path + (("&" if "?" in visit.path else "?") + query if query else ""))
        if answer is not None and answer.status >= 500:
            crashed.append(visit.path)
        yield visit, page
    assert crashed == []


@pytest.mark.parametrize("language", list(texts.OFFERED))
async def test_nobody_is_shut_out_by_a_page_in_any_language(
    chromium: Any, base: str, all_visits: list[Visit], language: str
) -> None:
    found: list[str] = []
    async with Windows(chromium, base, width=DESK) as windows:
        async for visit, page in walk(windows, all_visits, f"lang={language}"):
            # The colours are the same in all languages.
            seen = await faults(page, colours=language == texts.SOURCE_LANGUAGE)
            found += [f"{visit.path}: {one}" for one in [*seen, *page.trouble]]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_nothing_sticks_out_of_a_narrow_window(
    chromium: Any, base: str, all_visits: list[Visit], scheme: str
) -> None:
    wide: list[str] = []
    async with Windows(chromium, base, width=NARROW, color_scheme=scheme) as windows:
        async for visit, page in walk(windows, all_visits):
            wide += [visit.path] if await sticks_out(page) else []
            wide += [f"{visit.path}: {one}" for one in await faults(page) if one.startswith("color-contrast")]
    assert not wide, "\n".join(wide)


async def test_at_twice_the_size_nothing_sticks_out(chromium: Any, base: str, all_visits: list[Visit]) -> None:
    wide: list[str] = []
    # 200 % of a window of 1280 is one of 640.
    async with Windows(chromium, base, width=DESK // 2, device_scale_factor=2) as windows:
        async for visit, page in walk(windows, all_visits):
            wide += [visit.path] if await sticks_out(page) else []
    assert wide == []


async def test_a_page_stays_within_the_window_from_right_to_left(
    chromium: Any, base: str, all_visits: list[Visit]
) -> None:
    wide: list[str] = []
    async with Windows(chromium, base, width=NARROW) as windows:
        async for visit, page in walk(windows, all_visits, "lang=ar"):
            wide += [visit.path] if await sticks_out(page) else []
    assert wide == []
