"""DFSPs on pages: one person of the hub adds one, a second enables it, as the page showed it."""

import re
from typing import Any

import httpx
import pytest

from merchant.core.access import Role
from merchant.core.service import Service
from tests import builders
from tests.builders import Person, World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
NEW = {"fsp_id": "newfsp", "name": "Newbank"}


@pytest.fixture
async def checker(service: Service, world: World) -> Person:
    await builders.add_person(service, "checker@hub.example", [Role.HUB_CHECKER], name="Second Person")
    return await builders.signed_in(service, "checker@hub.example")


async def dfsp_of(client: httpx.AsyncClient, who: Person, fsp_id: str = "newfsp") -> dict[str, Any]:
    listed = (await client.get("/api/v1/dfsps", headers=who.headers)).json()["items"]
    return next(dict(one) for one in listed if one["fsp_id"] == fsp_id)


async def added(client: httpx.AsyncClient, who: Person) -> Browser:
    """Whoever added a DFSP on the page, on the page it leads to."""
    browser = Browser(client, who)
    await browser.open("/dfsps/add")
    await browser.send("/dfsps/add", **NEW)
    assert browser.status == 200
    return browser


async def test_one_adds_it_and_the_other_enables_what_the_page_shows(
    client: httpx.AsyncClient, world: World, checker: Person
) -> None:
    first = await added(client, world.operator)
    assert "Exchange keys with it next, and have a second person of the hub enable it." in first.words
    path = f"/dfsps/{(await dfsp_of(client, checker))['id']}"
    await first.open(path)
    assert "Waits for a second person" in first.words
    assert "Another operator or checker of the hub must enable it" in first.words
    assert "Enable it" not in first.words
    second = Browser(client, checker)
    await second.open(path)
    assert f"{world.operator.actor.name} proposed to enable it" in second.words
    assert "Withdraw" not in second.words
    assert f'href="{path}/change"' not in second.page.text
    assert second.fields(f"{path}/confirm")["revision"] == "1"
    await second.send(f"{path}/confirm")
    assert "It is enabled." in second.words
    assert (await dfsp_of(client, checker))["enabled"] is True


async def test_without_a_second_person_it_is_on_at_once_and_the_page_says_so(
    client: httpx.AsyncClient, world: World
) -> None:
    browser = await added(client, world.operator)
    assert "There is no second person of the hub yet; it is on at once." in browser.words
    assert (await dfsp_of(client, world.operator))["enabled"] is True


async def test_what_changed_after_the_page_was_shown_is_not_enabled(
    client: httpx.AsyncClient, world: World, checker: Person
) -> None:
    await added(client, world.operator)
    found = await dfsp_of(client, checker)
    path, second = f"/dfsps/{found['id']}", Browser(client, checker)
    await second.open(path)
    moved = {"hub_url": "https://elsewhere.example"}
    headers = world.operator.headers | {"if-match": '"1"'}
    assert (await client.patch(f"/api/v1{path}", json=moved, headers=headers)).status_code == 200
    await second.send(f"{path}/confirm")
    assert second.status == 412
    assert "https://elsewhere.example" in second.words
    assert (await dfsp_of(client, checker))["enabled"] is False
    await second.send(f"{path}/confirm")
    assert (await dfsp_of(client, checker))["enabled"] is True


async def test_the_first_takes_it_back_and_may_not_press_for_the_second(
    client: httpx.AsyncClient, world: World, checker: Person
) -> None:
    first = await added(client, world.operator)
    path = f"/dfsps/{(await dfsp_of(client, checker))['id']}"
    await first.open(path)
    form = first.fields(f"{path}/withdraw")
    cookie = {"cookie": f"session={world.operator.token}"}
    own = await client.post(f"{path}/confirm", data=form, headers=cookie)
    assert own.status_code == 409
    assert "another person of the hub must confirm it" in own.text
    without = await client.post(f"{path}/confirm", data={"revision": "1"}, headers=cookie)
    assert without.status_code == 403
    await first.send(f"{path}/withdraw")
    assert "The proposal is withdrawn." in first.words
    assert f'href="{path}/enable"' in first.page.text
    await first.open(f"{path}/enable")
    await first.send(f"{path}/enable")
    assert "Proposed; Newbank is on when a second person of the hub enables it." in first.words


async def test_a_press_after_the_first_left_is_ones_own_proposal(
    client: httpx.AsyncClient, service: Service, world: World, checker: Person
) -> None:
    await builders.add_person(service, "other@hub.example", [Role.HUB_OPERATOR], name="Other")
    await added(client, await builders.signed_in(service, "other@hub.example"))
    path = f"/dfsps/{(await dfsp_of(client, checker))['id']}"
    browser = Browser(client, world.operator)
    await browser.open(path)
    async with service.db.system() as tx:
        await tx.execute("UPDATE app_user SET enabled = false WHERE email = 'other@hub.example'")
    await browser.send(f"{path}/confirm")
    assert "it is your proposal now" in browser.words
    assert (await dfsp_of(client, checker))["enabled"] is False


async def test_what_waits_stands_where_the_hub_looks(client: httpx.AsyncClient, world: World, checker: Person) -> None:
    browser = Browser(client, world.operator)
    for path in ("/hub", "/queues"):
        await browser.open(path)
        assert "DFSPs to enable 0" in browser.words, path
    await added(client, world.operator)
    for path in ("/hub", "/queues"):
        page = await browser.open(path)
        assert "DFSPs to enable 1" in browser.words, path
        assert 'href="/dfsps?state=proposed"' in page.text, path
    second = Browser(client, checker)
    await second.open("/dfsps", state="proposed")
    assert "Newbank" in second.words
    assert "Greenbankfsp" not in second.words
    assert re.search(r'class="badge wait">.*?Waits for a second person', second.page.text, re.DOTALL)


async def test_who_is_not_of_the_hub_presses_nothing(client: httpx.AsyncClient, world: World, checker: Person) -> None:
    await added(client, world.operator)
    path = f"/dfsps/{(await dfsp_of(client, checker))['id']}"
    for who in (world["greenbankfsp"]["admin"], world.maker):
        for press in ("confirm", "withdraw"):
            response = await client.post(
                f"{path}/{press}", data={"revision": "1"}, headers={"cookie": f"session={who.token}"}
            )
            assert response.status_code in (403, 404), (who.email, press)
    sent = await client.post(f"{path}/withdraw", data={"x": "1"}, headers={"cookie": f"session={checker.token}"})
    assert sent.status_code == 403
