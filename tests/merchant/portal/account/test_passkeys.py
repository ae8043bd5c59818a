"""One's passkeys on pages: added with the password, listed, removed; the browser's own part is played in software."""

import html
import json
import re

import httpx
import pytest

from tests.authenticator import Authenticator
from tests.builders import PASSWORD, World
from tests.merchant.people.passkey_calls import ORIGIN, OWN, add, knock
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
PAGE = "/account/passkeys"


async def test_a_passkey_is_added_signs_in_and_is_removed(client: httpx.AsyncClient, world: World) -> None:
    device, browser = Authenticator(ORIGIN), Browser(client, world.maker)
    await browser.open(PAGE)
    await browser.send(PAGE, password=PASSWORD)
    [options] = re.findall(r'data-public-key="([^"]+)"', browser.page.text)
    created = json.dumps(device.create(json.loads(html.unescape(options))))
    await browser.send(f"{PAGE}/add", credential=created, name="The old phone")
    assert "The passkey is added." in browser.words and "The old phone" in browser.words

    door = Browser(client)
    await door.open("/sign-in", next="/merchants")
    await door.send("/sign-in/passkey", credential=json.dumps(device.get(await knock(client))))
    assert (door.status, door.page.url.path) == (200, "/merchants")

    [found] = (await client.get(OWN, headers=world.maker.headers)).json()["items"]
    await browser.open(f"{PAGE}/{found['id']}/remove")
    assert "Remove the passkey The old phone" in browser.words
    await browser.send(f"{PAGE}/{found['id']}/remove", password="another one")
    assert (browser.status >= 400, 'id="problem"' in browser.page.text) == (True, True)
    await browser.send(f"{PAGE}/{found['id']}/remove", password=PASSWORD)
    assert "The passkey is removed." in browser.words and "The old phone" not in browser.words


@pytest.mark.parametrize("credential", ["", "{}", "no JSON", "[" * 20_000, '{"id": "AAAA"}'])
async def test_what_no_device_made_is_refused_and_adds_nothing(
    client: httpx.AsyncClient, world: World, credential: str
) -> None:
    browser = Browser(client, world.maker)
    await browser.open(PAGE)
    await browser.send(PAGE, password=PASSWORD)
    await browser.send(f"{PAGE}/add", credential=credential, name="Phone")
    assert 400 <= browser.status < 500, browser.words
    assert (await client.get(OWN, headers=world.maker.headers)).json()["items"] == []


@pytest.mark.parametrize("credential", ["", "{}", "no JSON", "[" * 20_000])
async def test_the_door_does_not_open_to_what_is_no_passkey(client: httpx.AsyncClient, credential: str) -> None:
    door = Browser(client)
    await door.open("/sign-in")
    await door.send("/sign-in/passkey", credential=credential)
    assert (door.status, "The browser sent no passkey" in door.words) == (422, True)


async def test_a_wrong_password_begins_nothing(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client, world.maker)
    await browser.open(PAGE)
    await browser.send(PAGE, password="another one")
    assert (browser.status >= 400, "data-public-key" in browser.page.text) == (True, False)


async def test_nobody_sees_or_removes_anothers(client: httpx.AsyncClient, world: World) -> None:
    await add(client, world.maker)
    [found] = (await client.get(OWN, headers=world.maker.headers)).json()["items"]
    browser = Browser(client, world.checker)
    await browser.open(PAGE)
    assert found["id"] not in browser.page.text
    await browser.open(f"{PAGE}/{found['id']}/remove")
    await browser.send(f"{PAGE}/{found['id']}/remove", password=PASSWORD)
    assert browser.status == 404
    assert len((await client.get(OWN, headers=world.maker.headers)).json()["items"]) == 1
