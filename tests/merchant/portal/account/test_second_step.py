"""Signing in with a browser: what is no passkey, the second step, and where a press leads back to."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pyotp
import pytest

from merchant.core import clock
from merchant.core.service import Service
from merchant.portal.account import sign_in
from merchant.portal.ui.pages import own_path
from tests.builders import PASSWORD, World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
_DEEP = ["[" * 20_000, "{" * 20_000, "[" * 900 + "]" * 900, '{"a":' * 900 + "1" + "}" * 900, "[" * 101]
DEEP = [*_DEEP, "", "x", "[", "1", "null"]


@pytest.mark.parametrize("credential", DEEP, ids=range(len(DEEP)))
async def test_what_is_no_passkey_is_refused_and_never_a_fault_of_ours(
    client: httpx.AsyncClient, world: World, credential: str
) -> None:
    answer = await client.post("/sign-in/passkey", data={"credential": credential})
    assert answer.status_code == 422
    assert "The browser sent no passkey" in answer.text
    browser = Browser(client, world.maker)
    await browser.open("/account/passkeys")
    form = browser.fields("/account/passkeys") | {"credential": credential, "name": "Phone"}
    await browser.send_as_it_was("/account/passkeys/add", form)
    assert browser.status == 422


@pytest.fixture
async def secret(client: httpx.AsyncClient, world: World) -> str:
    """The maker's authenticator app."""
    begun = await client.post("/api/v1/users/me/totp", json={"password": PASSWORD}, headers=world.maker.headers)
    assert begun.is_success, begun.text
    made = begun.json()["secret"]
    confirmed = await client.post(
        "/api/v1/users/me/totp/confirm", json={"code": code_of(made)}, headers=world.maker.headers
    )
    assert confirmed.is_success, confirmed.text
    return str(made)


def code_of(secret: str, steps: int = 0) -> str:
    """The app's code now, or some steps of 30 s later."""
    return pyotp.TOTP(secret).at(int(clock.now().timestamp()) + 30 * steps)


def kept(service: Service, browser: Browser) -> Any:
    """What the page that asks for a code keeps."""
    [sealed] = re.findall(r'name="proved" value="([^"]+)"', browser.page.text)
    return sign_in._proved(service, sealed)


async def test_a_wrong_code_moves_no_end_and_keeps_no_other_password(
    client: httpx.AsyncClient,
    service: Service,
    world: World,
    secret: str,
    move_clock: Callable[[timedelta], datetime],
) -> None:
    browser = Browser(client)
    await browser.open("/sign-in")
    await browser.send("/sign-in", email=world.maker.email, password=PASSWORD)
    assert "Enter the code" in browser.words
    first = kept(service, browser)
    move_clock(timedelta(minutes=4))
    await browser.send("/sign-in", code="000000", password="another one", email="else@example.org")
    assert browser.status == 401
    again = kept(service, browser)
    assert (again.until, again.password, again.email) == (first.until, PASSWORD, world.maker.email)
    assert PASSWORD not in browser.page.text
    move_clock(timedelta(minutes=1))
    await browser.send("/sign-in", code=code_of(secret, 1))
    assert browser.status in (401, 422)
    assert 'name="password"' in browser.page.text, "its time is over: the password is asked for again"


@pytest.mark.parametrize("form", [{"password": "wrong"}, {"password": PASSWORD, "code": "123456"}, {"proved": "x"}])
async def test_a_password_that_nobody_proved_is_never_kept(
    client: httpx.AsyncClient, world: World, form: dict[str, str]
) -> None:
    """Also of who has no second factor and sends a code."""
    answer = await client.post("/sign-in", data={"email": world.checker.email, **form})
    assert answer.status_code >= 400
    assert 'name="proved"' not in answer.text


async def test_the_right_code_signs_in(client: httpx.AsyncClient, world: World, secret: str) -> None:
    browser = Browser(client)
    await browser.open("/sign-in", next="/applications")
    await browser.send("/sign-in", email=world.maker.email, password=PASSWORD)
    await browser.send("/sign-in", code=code_of(secret, 1))
    assert (browser.status, browser.page.url.path) == (200, "/applications")


@pytest.mark.parametrize(
    "wanted",
    ["", "x", "//evil.example", "https://evil.example", "/\\evil.example", "/a\nb", "/" * 501, "/" + "a" * 500],
)
def test_no_other_sites_address_is_gone_on_to(wanted: str) -> None:
    assert own_path(wanted) == ""
