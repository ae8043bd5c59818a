"""The door: where signing in leads, what the browser is given to keep, and what is said of a forgotten password."""

from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest

from merchant.core.service import Service, open_service
from merchant.core.settings import Settings
from merchant.portal.ui.pages import own_path
from tests import builders
from tests.apps import app_on, client_on
from tests.builders import PASSWORD, World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
ELSEWHERE = (
    "https://evil.example/",
    "//evil.example/work",
    "/\\evil.example",
    "\\\\evil.example",
    "/\tevil.example",
    "/work\r\nset-cookie: session=x",
    "javascript:alert(1)",
    "work",
    "",
    "/" + "a" * 500,
)


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_a_path_that_is_not_ours_leads_nowhere(wanted: str) -> None:
    assert own_path(wanted) == ""


@pytest.mark.parametrize("wanted", ["/", "/work", "/merchants?q=a%20b&state=active", "/shop/payments?q=é"])
def test_a_path_of_ours_is_gone_on_to(wanted: str) -> None:
    assert own_path(wanted) == wanted


@pytest.mark.parametrize("wanted", ELSEWHERE)
async def test_signing_in_never_leads_to_another_site(client: httpx.AsyncClient, world: World, wanted: str) -> None:
    form = {"email": world.maker.email, "password": PASSWORD, "next": wanted}
    led = await client.post("/sign-in", data=form)
    assert (led.status_code, led.headers["location"]) == (303, "/")
    shown = await client.get("/sign-in", params={"next": wanted})
    assert 'name="next" value=""' in shown.text


async def test_whoever_was_sent_to_the_door_goes_on_where_they_wanted(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client)
    await browser.open("/merchants?state=active")
    assert browser.page.url.path == "/sign-in"
    await browser.send("/sign-in", email=world.maker.email, password=PASSWORD)
    assert browser.page.url.raw_path == b"/merchants?state=active"


async def test_a_wrong_password_is_told_as_an_unknown_address_is(client: httpx.AsyncClient, world: World) -> None:
    told = set()
    for email in (world.maker.email, "nobody@greenbankfsp.example"):
        browser = Browser(client)
        await browser.open("/sign-in")
        await browser.send("/sign-in", email=email, password="another one")
        assert browser.fields("/sign-in")["email"] == email
        assert "another one" not in browser.page.text
        assert "session" not in browser.cookies
        told.add((browser.status, browser.words.replace(email, "")))
    assert len(told) == 1
    assert told.pop()[0] == 401


async def test_another_sites_page_signs_nobody_in(client: httpx.AsyncClient, world: World) -> None:
    form = {"email": world.maker.email, "password": PASSWORD}
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "https://evil.example"}, {"origin": "null"}):
        refused = await client.post("/sign-in", data=form, headers=headers)
        assert (refused.status_code, "set-cookie" in refused.headers) == (403, False)


async def test_signing_out_takes_the_session_and_what_the_browser_kept(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client, world.maker)
    await browser.open("/account")
    form = {"csrf": browser.fields("/sign-out")["csrf"]}
    left = await client.post("/sign-out", data=form, headers={"cookie": f"session={world.maker.token}"})
    assert (left.status_code, left.headers["location"]) == (303, "/sign-in")
    assert left.headers["clear-site-data"] == '"cache", "storage"'
    assert cookies_of(left)["session"] == ("", {"httponly", "max-age=0", "path=/", "samesite=lax"})
    assert (await client.get("/api/v1/users/me", headers=world.maker.headers)).status_code == 401


class TestForgotten:
    async def test_the_answer_is_the_same_for_every_address_and_a_link_comes_to_those_we_know(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        told = set()
        for email in (world.maker.email, "nobody@greenbankfsp.example"):
            browser = Browser(client)
            await browser.open("/forgotten")
            await browser.send("/forgotten", email=email)
            assert "If we know this address" in browser.words
            told.add((browser.status, browser.page.text))
        assert len(told) == 1
        await builders.work(service)
        mails = (await client.get("/api/v1/outgoing-mail", headers=world.operator.headers)).json()["items"]
        assert [mail["link"].rpartition("/")[0].rpartition("/")[2] for mail in mails] == ["password-resets"]

    @pytest.mark.parametrize("email", ["a" * 300 + "@x.example"])
    async def test_what_is_too_long_for_an_address_is_told_so(self, client: httpx.AsyncClient, email: str) -> None:
        browser = Browser(client)
        await browser.open("/forgotten")
        await browser.send("/forgotten", email=email)
        assert (browser.status, 'role="alert"' in browser.page.text) == (422, True)


# --- what the browser keeps ------------------------------------------------------------------------------------------


def cookies_of(answer: httpx.Response) -> dict[str, tuple[str, set[str]]]:
    """The cookies that an answer sets: value, and attributes without those that tell an age."""
    found = {}
    for raw in answer.headers.get_list("set-cookie"):
        pair, *attributes = [part.strip() for part in raw.split(";")]
        name, _, value = pair.partition("=")
        kept = {one.lower() for one in attributes}
        if value.strip('"'):
            assert any(one.startswith("max-age=") for one in kept), f"{name} goes with the window"
            kept = {one for one in kept if not one.startswith(("max-age=", "expires="))}
        found[name] = (value.strip('"'), kept)
    return found


@pytest.fixture
async def over_https(database_url: str, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The same service as browsers reach it in production."""
    public = msgspec.structs.replace(settings, public_url="https://test.local")
    async with open_service(public, database_url) as service, client_on(app_on(service)) as opened:
        yield opened


async def test_over_https_only_we_can_set_cookies_and_no_script_reads_them(
    over_https: httpx.AsyncClient, world: World
) -> None:
    form = {"email": world.maker.email, "password": PASSWORD}
    signed = cookies_of(await over_https.post("/sign-in", data=form))
    assert set(signed) == {"__Host-session", "__Host-device"}
    for _, attributes in signed.values():
        assert attributes == {"httponly", "secure", "samesite=lax", "path=/"}, "and no domain"
    session = signed["__Host-session"][0]
    for name, status in (("__Host-session", 200), ("session", 303)):  # one that another host of the domain could set
        page = await over_https.get("/account", headers={"cookie": f"{name}={session}"})
        assert page.status_code == status


async def test_without_tls_the_names_are_plain_and_the_rest_is_the_same(
    client: httpx.AsyncClient, world: World
) -> None:
    signed = cookies_of(await client.post("/sign-in", data={"email": world.maker.email, "password": PASSWORD}))
    assert set(signed) == {"session", "device"}
    for _, attributes in signed.values():
        assert attributes == {"httponly", "samesite=lax", "path=/"}


async def test_a_language_that_was_chosen_is_kept_and_nothing_else_is(
    over_https: httpx.AsyncClient, world: World
) -> None:
    chosen = await over_https.get("/sign-in?lang=fr")
    assert cookies_of(chosen) == {"__Host-lang": ("fr", {"httponly", "secure", "samesite=lax", "path=/"})}
    asked = {"accept-language": "sw"}
    for kept, language in (("__Host-lang=fr", "fr"), ("__Host-lang=de", "sw"), ("lang=fr", "sw"), ("", "sw")):
        page = await over_https.get("/sign-in", headers={**asked, "cookie": kept})
        assert page.headers["content-language"] == language, kept
        assert "set-cookie" not in page.headers
    again = await over_https.get("/sign-in?lang=en", headers={"cookie": "__Host-lang=fr"})
    assert (again.headers["content-language"], cookies_of(again)["__Host-lang"][0]) == ("en", "en")


@pytest.mark.parametrize("path", ["/q?lang=fr", "/sign-in?lang=de", "/sign-in?lang="])
async def test_pages_that_caches_share_and_languages_that_are_not_offered_set_no_cookie(
    client: httpx.AsyncClient, path: str
) -> None:
    assert "set-cookie" not in (await client.get(path)).headers
