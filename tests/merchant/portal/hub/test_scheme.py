"""The scheme's settings on pages: one person of the hub proposes, another sends the same and it counts."""

from typing import Any

import httpx
import pytest

from merchant.core.access import Role
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio


async def scheme(client: httpx.AsyncClient, world: World) -> dict[str, Any]:
    """The scheme as the API tells it."""
    found: dict[str, Any] = (await client.get("/api/v1/scheme", headers=world.operator.headers)).json()
    return found


async def change(browser: Browser, **typed: str) -> None:
    """Send the form with what is to be another."""
    await browser.open("/scheme/change")
    await browser.send("/scheme/change", **typed)


async def test_a_change_counts_when_a_second_person_sends_the_same(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    first = Browser(client, world.operator)
    await change(first, name="Another scheme")
    assert "Waits for a second person" in first.words and "Another scheme" in first.words
    await change(first, name="Another scheme")
    assert (await scheme(client, world))["name"] == "Test scheme", "nobody confirms their own"
    await builders.add_person(service, "second@hub.example", [Role.HUB_CHECKER])
    second = Browser(client, await builders.signed_in(service, "second@hub.example"))
    await change(second, name="A third scheme")
    assert (await scheme(client, world))["name"] == "Test scheme", "another change is another proposal"
    await change(first, name="A third scheme")
    assert (await scheme(client, world))["name"] == "A third scheme"
    await first.open("/scheme")
    assert "Waits for a second person" not in first.words


@pytest.mark.parametrize(
    ("field", "wrong"), [("time_zone", "Mars/Olympus"), ("domain", "no domain"), ("name", "x" * 300)]
)
async def test_a_refused_form_keeps_what_was_typed(
    client: httpx.AsyncClient, world: World, field: str, wrong: str
) -> None:
    browser = Browser(client, world.operator)
    await change(browser, **{"name": "Another scheme", field: wrong})
    assert (browser.status, f'id="w-{field}"' in browser.page.text) == (422, True), browser.words
    assert browser.fields("/scheme/change")[field] == wrong
    assert (await scheme(client, world))["proposed"] is None
