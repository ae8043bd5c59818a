"""The first operator's link, as a browser without JavaScript sees it, and what the hub's page asks of them then."""

import re

import httpx
import pytest

from merchant.core.service import Service
from merchant.people import set_up
from tests import builders
from tests.builders import OPERATOR, PASSWORD, World
from tests.merchant.portal.browsing import Browser
from tests.merchant.portal.shops import words_of

pytestmark = pytest.mark.anyio
NEW = "seven quiet baobabs"
BROWSER = {"sec-fetch-site": "same-origin", "origin": "null", "accept": "text/html"}
FORM = {"name": "Amina Otieno", "email": "amina@hub.example", "password": NEW, "again": NEW}


@pytest.fixture
async def link(service: Service) -> str:
    """The path of the link, as if nobody had made an account yet."""
    async with service.db.system() as tx:
        await tx.execute("UPDATE app_user SET password_hash = '!', email = NULL WHERE email = $1", OPERATOR)
        return (await set_up.new_link(tx, service)).removeprefix(service.settings.base_url)


async def send(client: httpx.AsyncClient, path: str, **typed: str) -> httpx.Response:
    return await client.post(path, data=FORM | typed, headers=BROWSER)


async def test_the_first_operator_makes_an_account_signs_in_and_is_told_what_to_do(
    client: httpx.AsyncClient, link: str
) -> None:
    shown = await client.get(link)
    assert (shown.status_code, shown.headers["referrer-policy"]) == (200, "no-referrer")
    assert shown.headers["cache-control"] == "no-store"
    assert link.rpartition("/")[2] not in shown.text  # the form goes where it came from
    assert "<script" not in shown.text
    done = await send(client, link)
    assert (done.status_code, "Your account is ready" in done.text) == (200, True)
    browser = Browser(client)
    await browser.open("/sign-in")
    await browser.send("/sign-in", email="amina@hub.example", password=NEW)
    assert str(browser.page.url.path) in ("/", "/hub")
    assert "Make two more operators to come 2 more operators must have accepted" in browser.words
    assert "Connect the hub to come" in browser.words
    assert "Enable a DFSP done" in browser.words
    assert 'href="/users/invite"' in browser.page.text


async def test_an_operator_who_is_alone_invites_the_next_on_the_page(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    browser = Browser(client, world.operator)
    await browser.open("/users/invite")
    typed = {"name": "Brian", "email": "brian@hub.example", "roles__hub_operator": "yes"}
    await browser.send("/users/invite", **typed)
    assert browser.status == 200
    listed = (await client.get("/api/v1/users", headers=world.operator.headers)).json()["items"]
    assert (listed[0]["name"], listed[0]["state"], listed[0]["roles"]) == ("Brian", "invited", ["hub_operator"])


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"again": "another"}, "The two passwords differ"),
        ({"password": "short", "again": "short"}, "at least 12|12 characters"),
        ({"password": "password1234", "again": "password1234"}, "easily guessed"),
        ({"email": "nobody"}, "Must be an e-mail address"),
        ({"name": ""}, "needs another look"),
        ({"email": "maker@greenbankfsp.example"}, "Someone with this e-mail address exists"),
    ],
)
async def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    client: httpx.AsyncClient, world: World, link: str, typed: dict[str, str], sentence: str
) -> None:
    refused = await send(client, link, **typed)
    assert refused.status_code in (409, 422)
    assert re.search(sentence, words_of(refused))
    assert NEW not in refused.text
    assert f'value="{typed.get("name", "Amina Otieno")}"' in refused.text
    assert (await send(client, link)).status_code == 200


async def test_a_link_that_was_used_or_is_wrong_says_so(client: httpx.AsyncClient, link: str) -> None:
    assert (await send(client, link)).status_code == 200
    for path in (link, "/set-up/wrong"):
        assert (await client.get(path)).status_code == 404
        over = await send(client, path)
        assert (over.status_code, "This link does not work" in over.text) == (404, True)


async def test_the_list_goes_away_when_all_is_done(client: httpx.AsyncClient, service: Service, world: World) -> None:
    for number in range(2):
        await builders.add_person(service, f"o{number}@hub.example", ["hub_operator"])
    browser = Browser(client, world.operator)
    await browser.open("/hub")
    assert "Make two more operators done" in browser.words
    async with service.db.system() as tx:
        await tx.execute("UPDATE dfsp SET hub_url = 'https://hub.example'")
        first = "(SELECT min(id::text)::uuid FROM scheme_key WHERE purpose = 'jws_sign')"
        await tx.execute(f"UPDATE scheme_key SET purpose = 'jws_verify', dfsp_id = NULL WHERE id = {first}")
    await browser.open("/hub")
    assert "Make two more operators" not in browser.words


async def test_an_account_is_closed_with_the_password_once_two_others_can_act(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    browser = Browser(client, world.operator)
    await browser.open("/account")
    assert 'href="/account/close"' in browser.page.text
    await browser.open("/account/close")
    await browser.send("/account/close", password=PASSWORD)
    assert "The hub keeps two operators who can act" in browser.words
    for number in range(2):
        await builders.add_person(service, f"o{number}@hub.example", ["hub_operator"])
    await browser.open("/account/close")
    await browser.send("/account/close", password=PASSWORD)
    signed = await client.post("/api/v1/sessions", json={"email": OPERATOR, "password": PASSWORD})
    assert signed.status_code == 401


async def test_people_of_a_dfsp_are_not_offered_to_close_their_account(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client, world.maker)
    await browser.open("/account")
    assert "/account/close" not in browser.page.text
    await browser.open("/account/close")
    assert browser.status == 404


async def test_a_checker_of_the_hub_starts_at_the_dfsps(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await builders.add_person(service, "checker@hub.example", ["hub_checker"])
    browser = Browser(client)
    await browser.open("/sign-in")
    await browser.send("/sign-in", email="checker@hub.example", password=PASSWORD)
    assert (browser.status, browser.page.url.path) == (200, "/dfsps")
