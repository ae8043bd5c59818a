"""One's own account on pages: the password, the second factor, and where one is signed in."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import pyotp
import pytest

from merchant.core import clock
from merchant.core.service import Service
from tests import builders
from tests.builders import PASSWORD, Person, World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
Move = Callable[[timedelta], datetime]
NEW = "seven quiet baobabs"
FACTOR = "/account/second-factor"


@pytest.fixture
async def maker(service: Service, world: World) -> Person:
    """A maker with a session of their own, under the test's clock."""
    return await builders.signed_in(service, world.maker.email)


async def signs_in(client: httpx.AsyncClient, password: str) -> int:
    body = {"email": "maker@greenbankfsp.example", "password": password}
    return (await client.post("/api/v1/sessions", json=body)).status_code


def code(secret: str) -> str:
    """What the authenticator app shows now."""
    return pyotp.TOTP(secret).at(clock.now())


async def enrol(browser: Browser) -> tuple[str, list[str]]:
    """Set up an app on the pages: its secret, and the recovery codes that are shown once."""
    await browser.open(FACTOR)
    await browser.send(FACTOR, password=PASSWORD)
    [secret] = re.findall(r'id="secret"[^>]*value="(\w+)"', browser.page.text)
    await browser.send(f"{FACTOR}/confirm", code=code(secret))
    assert "Your recovery codes" in browser.words
    return secret, re.findall(r"<li>([^<]+)</li>", browser.page.text.partition('<ol class="mono">')[2])


class TestPassword:
    async def test_a_new_one_is_set_and_the_old_one_opens_nothing(
        self, client: httpx.AsyncClient, maker: Person
    ) -> None:
        browser = Browser(client, maker)
        await browser.open("/account/password")
        await browser.send("/account/password", current=PASSWORD, new=NEW)
        assert "Your password is changed." in browser.words
        assert (await signs_in(client, PASSWORD), await signs_in(client, NEW)) == (401, 201)

    @pytest.mark.parametrize(("current", "new"), [("wrong", NEW), (PASSWORD, "short"), ("", NEW), (PASSWORD, "")])
    async def test_what_is_wrong_is_said_and_no_password_is_shown_again(
        self, client: httpx.AsyncClient, maker: Person, current: str, new: str
    ) -> None:
        browser = Browser(client, maker)
        await browser.open("/account/password")
        await browser.send("/account/password", current=current, new=new)
        assert browser.status in (401, 403, 422), browser.words
        assert 'id="problem"' in browser.page.text
        assert all(f'value="{one}"' not in browser.page.text for one in (current, new) if one)
        assert await signs_in(client, PASSWORD) == 201


class TestSecondFactor:
    async def test_it_is_set_up_asked_for_and_turned_off_again(
        self, client: httpx.AsyncClient, service: Service, maker: Person, move_clock: Move
    ) -> None:
        browser = Browser(client, await builders.signed_in(service, maker.email))
        secret, codes = await enrol(browser)
        assert len(set(codes)) == 10
        move_clock(timedelta(seconds=30))
        door = Browser(client)
        await door.open("/sign-in")
        await door.send("/sign-in", email=maker.email, password=PASSWORD)
        assert (door.status, "Enter the code" in door.words) == (401, True)
        assert PASSWORD not in door.page.text, "the password is not sent back in the page"
        await door.send("/sign-in", code=code(secret))
        assert door.page.url.path == "/work", door.words
        move_clock(timedelta(seconds=30))
        await door.open(f"{FACTOR}/remove")
        await door.send(f"{FACTOR}/remove", code=code(secret))
        assert "The second factor is off." in door.words
        assert await signs_in(client, PASSWORD) == 201

    async def test_a_recovery_code_opens_the_door_once(
        self, client: httpx.AsyncClient, service: Service, maker: Person, move_clock: Move
    ) -> None:
        _, codes = await enrol(Browser(client, await builders.signed_in(service, maker.email)))
        for status in (200, 401):
            door = Browser(client)
            await door.open("/sign-in")
            await door.send("/sign-in", email=maker.email, password=PASSWORD)
            await door.send("/sign-in", code=codes[0])
            assert door.status == status

    async def test_a_wrong_password_or_code_sets_nothing_up(self, client: httpx.AsyncClient, maker: Person) -> None:
        browser = Browser(client, maker)
        await browser.open(FACTOR)
        await browser.send(FACTOR, password="another one")
        assert (browser.status >= 400, 'id="secret"' in browser.page.text) == (True, False)
        await browser.send(FACTOR, password=PASSWORD)
        await browser.send(f"{FACTOR}/confirm", code="000000")
        assert (browser.status >= 400, "Turn it on" in browser.words) == (True, True)
        assert await signs_in(client, PASSWORD) == 201

    async def test_a_wrong_code_does_not_turn_it_off(self, client: httpx.AsyncClient, maker: Person) -> None:
        browser = Browser(client, maker)
        await enrol(browser)
        await browser.open(f"{FACTOR}/remove")
        await browser.send(f"{FACTOR}/remove", code="000000")
        assert browser.status in (401, 403, 422), browser.words
        assert await signs_in(client, PASSWORD) == 401


class TestSessions:
    async def test_one_signs_out_elsewhere_and_stays_in_here(
        self, client: httpx.AsyncClient, service: Service, maker: Person
    ) -> None:
        elsewhere = await builders.signed_in(service, maker.email)
        browser = Browser(client, maker)
        await browser.open("/account")
        action = f"/account/sessions/{elsewhere.actor.session_id}/end"
        assert action in browser.page.text
        assert f"/account/sessions/{maker.actor.session_id}/end" not in browser.page.text, "not where one is"
        await browser.send(action)
        assert "Signed out there." in browser.words
        assert (await client.get("/api/v1/users/me", headers=elsewhere.headers)).status_code == 401
        assert (await client.get("/api/v1/users/me", headers=maker.headers)).status_code == 200

    async def test_nobody_ends_anothers_session(self, client: httpx.AsyncClient, world: World, maker: Person) -> None:
        browser = Browser(client, world.checker)
        await browser.open("/account")
        own = re.findall(r"/account/sessions/([^/]+)/end", browser.page.text)
        assert str(maker.actor.session_id) not in own
        await browser.open("/account/sign-out-everywhere")
        await browser.send("/account/sign-out-everywhere")
        assert browser.page.url.path == "/sign-in"
        assert (await client.get("/api/v1/users/me", headers=maker.headers)).status_code == 200

    async def test_one_signs_out_everywhere_and_here(
        self, client: httpx.AsyncClient, service: Service, maker: Person
    ) -> None:
        elsewhere = await builders.signed_in(service, maker.email)
        browser = Browser(client, maker)
        await browser.open("/account/sign-out-everywhere")
        await browser.send("/account/sign-out-everywhere")
        assert browser.page.url.path == "/sign-in"
        for person in (maker, elsewhere):
            assert (await client.get("/api/v1/users/me", headers=person.headers)).status_code == 401


async def test_a_stranger_is_led_to_the_sign_in(client: httpx.AsyncClient) -> None:
    for path in ("/account", "/account/password", FACTOR, "/account/passkeys"):
        browser = Browser(client)
        await browser.open(path)
        assert (browser.page.url.path, browser.page.url.params["next"]) == ("/sign-in", path)
