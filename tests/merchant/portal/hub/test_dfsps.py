"""DFSPs on pages of the hub: added, changed, switched off and on, with their keys; nobody else has the pages."""

import re

import httpx
import pytest

from merchant.core.access import Role
from merchant.core.service import Service
from merchant.scheme.keys import new_private_pem, public_pem
from tests import builders
from tests.builders import World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio


@pytest.fixture
def browser(client: httpx.AsyncClient, world: World) -> Browser:
    """The operator's browser."""
    return Browser(client, world.operator)


async def test_a_dfsp_is_added_and_changed(client: httpx.AsyncClient, world: World, browser: Browser) -> None:
    await browser.open("/dfsps/add")
    await browser.send("/dfsps/add", fsp_id="hillbank", name="Hill Bank", transfer_mode="COMMITTED")
    assert "Hill Bank" in browser.words
    found = (await client.get("/api/v1/dfsps", headers=world.operator.headers)).json()["items"]
    [made] = [one for one in found if one["fsp_id"] == "hillbank"]
    assert made["transfer_mode"] == "COMMITTED"
    here = f"/dfsps/{made['id']}"
    await browser.open(f"{here}/change")
    assert browser.fields(f"{here}/change")["name"] == "Hill Bank"
    await browser.send(f"{here}/change", name="Hill Bank Ltd", hub_url="https://hub.example/")
    assert "Hill Bank is changed." in browser.words
    read = (await client.get(f"/api/v1{here}", headers=world.operator.headers)).json()
    assert (read["name"], read["transfer_mode"]) == ("Hill Bank Ltd", "COMMITTED")


async def test_a_dfsp_that_is_switched_off_signs_nobody_in_until_it_is_on_again(
    client: httpx.AsyncClient, world: World, browser: Browser
) -> None:
    here, maker = f"/dfsps/{world.dfsp_ids['greenbankfsp']}", world.maker
    alone = "There is no second person of the hub yet; it is on at once."
    for act, status, told in (("disable", 401, "is disabled."), ("enable", 200, alone)):
        await browser.open(f"{here}/{act}")
        await browser.send(f"{here}/{act}")
        assert told in browser.words
        signed = await client.post("/api/v1/sessions", json={"email": maker.email, "password": builders.PASSWORD})
        assert (signed.status_code == 201) == (status == 200)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"fsp_id": "greenbankfsp", "name": "Twice"}, None),
        ({"fsp_id": "no id!", "name": "Hill Bank"}, "fsp_id"),
        ({"fsp_id": "hillbank", "name": ""}, "name"),
        ({"fsp_id": "hillbank", "name": "Hill Bank", "hub_url": "nowhere"}, "hub_url"),
    ],
)
async def test_a_refused_form_keeps_what_was_typed(browser: Browser, typed: dict[str, str], field: str | None) -> None:
    await browser.open("/dfsps/add")
    await browser.send("/dfsps/add", **typed)
    assert (browser.status, 'id="problem"' in browser.page.text) == (422 if field else 409, True), browser.words
    assert field is None or f'id="w-{field}"' in browser.page.text
    kept = browser.fields("/dfsps/add")
    assert {name: kept[name] for name in typed} == typed


async def test_a_change_to_what_somebody_else_changed_meanwhile_is_refused(
    client: httpx.AsyncClient, world: World, browser: Browser
) -> None:
    here = f"/dfsps/{world.dfsp_ids['greenbankfsp']}"
    await browser.open(f"{here}/change")
    other = Browser(client, world.operator)
    await other.open(f"{here}/change")
    await other.send(f"{here}/change", name="Theirs")
    await browser.send(f"{here}/change", name="Mine")
    assert (browser.status, browser.fields(f"{here}/change")["name"]) == (412, "Mine")
    assert (await client.get(f"/api/v1{here}", headers=world.operator.headers)).json()["name"] == "Theirs"


async def test_keys_are_made_imported_and_retired(client: httpx.AsyncClient, world: World, browser: Browser) -> None:
    here = f"/dfsps/{world.dfsp_ids['greenbankfsp']}"
    await browser.open(f"{here}/keys/rotate")
    await browser.send(f"{here}/keys/rotate")
    assert "The new key is made" in browser.words
    pem = public_pem(new_private_pem())
    await browser.open("/hub-keys/import")
    await browser.send("/hub-keys/import", fsp_id="partnerfsp", public_pem="no key")
    assert (browser.status, browser.fields("/hub-keys/import")["public_pem"].strip()) == (422, "no key")
    await browser.send("/hub-keys/import", fsp_id="partnerfsp", public_pem=pem)
    assert "The key is imported." in browser.words
    keys = (await client.get("/api/v1/hub/keys?fsp_id=partnerfsp", headers=world.operator.headers)).json()["items"]
    await browser.open(f"/hub-keys/{keys[0]['id']}/retire")
    await browser.send(f"/hub-keys/{keys[0]['id']}/retire")
    assert "The key is retired." in browser.words


async def test_a_checker_of_the_hub_looks_and_staff_of_a_dfsp_have_no_such_page(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await builders.add_person(service, "second@hub.example", [Role.HUB_CHECKER])
    checker = Browser(client, await builders.signed_in(service, "second@hub.example"))
    here = f"/dfsps/{world.dfsp_ids['greenbankfsp']}"
    await checker.open(here)
    assert (checker.status, re.findall(rf"{here}/\w+", checker.page.text)) == (200, [])
    await checker.open(f"{here}/change")
    assert checker.status == 403
    admin = Browser(client, world["greenbankfsp"]["admin"])
    for path in ("/dfsps", here, "/scheme"):
        await admin.open(path)
        assert admin.status == 404
