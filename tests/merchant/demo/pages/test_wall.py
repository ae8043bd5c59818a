"""The demo's wall: what it shows, what its presses do, and that none of it exists outside the demo."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest

from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.demo.own_shops import STALL_PHONE
from merchant.demo.pages import cast, keypad, phones
from merchant.demo.pages.phones import CUSTOMERS, Keypad
from merchant.demo.payments import HELD_PHONE
from merchant.demo.world import DemoWorld
from tests.apps import app_on, client_on
from tests.builders import GATEWAY_SECRET, SECRET_KEY, World
from tests.merchant.demo.pages.people import demo_people
from tests.merchant.portal.shops import DEMO_ROUTES, words_of

pytestmark = pytest.mark.anyio

SHOWN = ("/demo", "/demo/live", "/ussd-phone", "/demo/tour/1", "/ui", "/ui/act")
PRESSES = ("/demo/wall/ask", "/demo/wall/answer", "/demo/phone", "/demo/sign-in-as")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a demo whose simulated hub does not answer."""
    return Settings(
        secret_key=SECRET_KEY,
        gateway_secret=GATEWAY_SECRET,
        data_dir=tmp_path,
        database_pool_size=4,
        hub_url="http://127.0.0.1:9",
        require_totp=False,
    )


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A visitor of a demo whose people are not there yet."""
    app = app_on(service, DEMO_ROUTES)
    app.state.demo = None
    async with client_on(app) as opened:
        yield opened


@pytest.fixture
async def known(client: httpx.AsyncClient, service: Service, world: World) -> AsyncIterator[DemoWorld]:
    """The demo's people, whom the visitor finds on the wall."""
    app = app_on(service, DEMO_ROUTES)
    app.state.demo = await demo_people(service, world)
    yield app.state.demo
    app.state.demo = None


def assert_own_scripts_only(page: httpx.Response) -> None:
    """Scripts are files of ours, and nothing stands in the page that a policy would have to allow."""
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert set(policy.values()) <= {"'none'", "'self'"}
    assert not re.search(r"<script(?![^>]* src=\"/static/)", page.text)
    assert not re.search(r" (?:style|on[a-z]+)=\"", page.text)


async def requests_of(service: Service) -> list[tuple[str, int, str]]:
    async with service.db.system_reads() as tx:
        rows = await tx.fetch("SELECT channel, amount_minor, currency FROM payment_request ORDER BY id")
    return [tuple(row) for row in rows]


async def test_outside_the_demo_none_of_it_exists(service: Service) -> None:
    async with client_on(app_on(service)) as client:
        answers = [await client.get(path) for path in SHOWN]
        answers += [await client.post(path, data={"who": cast.OPERATOR}) for path in PRESSES]
        assert [answer.status_code for answer in answers] == [404] * len(answers)


async def test_the_start_page_is_the_portal_s_with_a_way_to_the_demo(client: httpx.AsyncClient, world: World) -> None:
    page = await client.get("/")
    assert 'href="/sign-in"' in page.text
    assert 'href="/demo"' in page.text
    led = await client.get("/", headers={"cookie": f"session={world.maker.token}"})
    assert (led.status_code, led.headers["location"]) == (303, "/work")


async def test_before_its_people_are_there_the_wall_says_so(client: httpx.AsyncClient, service: Service) -> None:
    page = await client.get("/demo")
    assert page.status_code == 200
    assert "The stall is being signed up just now" in page.text
    assert "They are being made just now" in page.text
    assert "/demo/sign-in-as" in page.text
    for path in SHOWN:  # a step of the tour may lead on
        assert (await client.get(path)).status_code in (200, 303)
    asked = await client.post("/demo/wall/ask", data={"amount": "1.50", "once": "1"})
    assert asked.status_code == 422
    assert "no merchant yet" in asked.text
    assert await requests_of(service) == []
    assert (await client.post("/demo/sign-in-as", data={"who": cast.OPERATOR})).status_code == 404


async def test_the_wall_shows_five_panels_the_tour_and_the_people(client: httpx.AsyncClient, known: DemoWorld) -> None:
    page = await client.get("/demo")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert_own_scripts_only(page)
    assert re.findall(r'<section class="panel" id="([a-z]+)"', page.text) == ["shop", "phone", "ussd", "staff", "hub"]
    assert re.findall(r'href="(/demo/tour/\d)"', page.text) == [f"/demo/tour/{number}" for number in range(1, 8)]
    words = words_of(page)
    alias = known.merchants[0]["counters"][0]["alias"]
    assert f"{alias[:4]} {alias[4:]}" in words
    for said in (
        "Mama Amina Fruits",
        "Nothing asked yet",
        "does not answer just now",
        "0 wait for a decision",
        "In doubt",
    ):
        assert said in words
    for user in known.users:
        assert page.text.count(f'value="{user.email}"') >= 1
        assert user.password not in page.text
    assert (await client.get("/demo/live")).text.count('<div id="live-') == 4


async def test_asking_goes_through_the_api_as_the_owner_and_once(
    client: httpx.AsyncClient, known: DemoWorld, service: Service
) -> None:
    form = {"amount": "1.50", "once": "abc"}
    for _ in range(2):
        pressed = await client.post("/demo/wall/ask", data=form)
        assert (pressed.status_code, pressed.headers["location"]) == (303, "/demo#shop")
    assert await requests_of(service) == [("api", 150, "USD")]
    assert "1.50 USD" in (await client.get("/demo")).text
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT payer_masked FROM payment_request") == "2547*****010"
    assert HELD_PHONE not in (await client.get("/demo/live")).text


@pytest.mark.parametrize("amount", ["", "abc", "0", "-1", "1.005", "100.01", "9999999999", "1" * 40])
async def test_a_wrong_amount_is_told_beside_its_field(
    client: httpx.AsyncClient, known: DemoWorld, service: Service, amount: str
) -> None:
    page = await client.post("/demo/wall/ask", data={"amount": amount, "once": "1"})
    assert page.status_code == 422
    assert "<title>Error: " in page.text
    assert 'id="amount-wrong"' in page.text
    assert f'value="{amount}"' in page.text
    assert await requests_of(service) == []


async def test_when_the_shopper_s_bank_is_away_the_wall_says_so(client: httpx.AsyncClient, known: DemoWorld) -> None:
    page = await client.post("/demo/wall/answer", data={"request": "1", "answer": "accept"})
    assert page.status_code == 422
    assert "does not answer just now" in page.text


@pytest.mark.parametrize("path", PRESSES)
@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
async def test_presses_of_other_sites_are_refused(
    client: httpx.AsyncClient, known: DemoWorld, service: Service, path: str, headers: dict[str, str]
) -> None:
    form = {"amount": "1", "who": cast.OPERATOR, "press": "1"}
    page = await client.post(path, data=form, headers=headers)
    assert page.status_code == 403
    assert "set-cookie" not in page.headers
    assert await requests_of(service) == []


@pytest.mark.parametrize("email", [cast.OPERATOR, cast.MAKER, cast.CHECKER, cast.SECOND_CHECKER, cast.STALL_OWNER])
async def test_one_press_signs_in_as_each_of_them(client: httpx.AsyncClient, known: DemoWorld, email: str) -> None:
    pressed = await client.post("/demo/sign-in-as", data={"who": email, "next": "/account"})
    assert (pressed.status_code, pressed.headers["location"]) == (303, "/account")
    session = re.search(r"session=([^;]+)", pressed.headers["set-cookie"])
    assert session is not None
    assert "HttpOnly" in pressed.headers["set-cookie"]
    me = (await client.get("/api/v1/users/me", headers={"cookie": f"session={session[1]}"})).json()
    user = known.person(email)
    assert user is not None
    assert me["roles"] == user.roles


@pytest.mark.parametrize("wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", ""])
async def test_the_press_leads_to_pages_of_ours_only(client: httpx.AsyncClient, known: DemoWorld, wanted: str) -> None:
    pressed = await client.post("/demo/sign-in-as", data={"who": cast.MAKER, "next": wanted})
    assert pressed.headers["location"] == "/"


@pytest.mark.parametrize("who", ["", "nobody@hub.example", "' OR 1=1", "auditor@greenbankfsp.example"])
async def test_nobody_else_is_signed_in_as(client: httpx.AsyncClient, known: DemoWorld, who: str) -> None:
    page = await client.post("/demo/sign-in-as", data={"who": who})
    assert page.status_code == 404
    assert "session=" not in page.headers.get("set-cookie", "")


async def test_a_step_of_another_person_s_takes_a_press(client: httpx.AsyncClient, known: DemoWorld) -> None:
    page = await client.get("/demo/tour/2")
    assert page.status_code == 200
    assert_own_scripts_only(page)
    assert f'name="who" value="{cast.CHECKER}"' in page.text
    assert "session=" not in page.headers["set-cookie"]
    poster = await client.get("/demo/tour/3")
    assert f'value="{cast.STALL_OWNER}"' in poster.text


async def test_the_tour_ticks_what_was_done(client: httpx.AsyncClient, known: DemoWorld) -> None:
    first = await client.get("/demo/tour/4")
    assert (first.status_code, first.headers["location"]) == (303, "/demo#shop")
    assert (await client.get("/demo/tour/6")).headers["location"] == "/ussd-phone"
    page = await client.get("/demo", headers={"cookie": "tour=4-6"})
    assert page.text.count('<li class="done">') == 2


@pytest.mark.parametrize("number", ["0", "8", "x", "-1", "1.0", "٣"])
async def test_the_tour_has_seven_steps(client: httpx.AsyncClient, known: DemoWorld, number: str) -> None:
    assert (await client.get(f"/demo/tour/{number}")).status_code == 404


@pytest.mark.parametrize("cookie", ["", "x", "1-x-99999999999", "-", "٣", "1" * 4000])
async def test_a_strange_tour_cookie_ticks_nothing_that_is_not_there(client: httpx.AsyncClient, cookie: str) -> None:
    page = await client.get("/demo", headers={"cookie": f"tour={cookie}".encode()})
    assert page.status_code == 200
    assert page.text.count('<li class="done">') <= 1


async def test_the_drawn_keys_write_without_a_script(client: httpx.AsyncClient, known: DemoWorld) -> None:
    entry, cookie = "", ""
    for key in "*384":
        form = {"press": key, "entry": entry, "payer": CUSTOMERS[0].msisdn, "back": "/ussd-phone"}
        pressed = await client.post("/demo/phone", data=form, headers={"cookie": cookie})
        assert (pressed.status_code, pressed.headers["location"]) == (303, "/ussd-phone")
        cookie = unquote(pressed.headers["set-cookie"].partition(";")[0])
        page = await client.get("/ussd-phone", headers={"cookie": cookie})
        found = re.search(r'name="entry" value="([^"]*)"', page.text)
        assert found is not None
        entry = found[1]
    assert entry == "*384"


@pytest.mark.parametrize("payer", ["", "254700000000", "<b>"])
async def test_only_the_demo_s_phones_dial(client: httpx.AsyncClient, known: DemoWorld, payer: str) -> None:
    form = {"entry": "*384*123#", "payer": payer, "back": "/ussd-phone"}
    page = await client.post("/demo/phone", data=form)
    assert page.status_code == 422
    assert "Choose one of the phones." in page.text
    assert "<b>" not in page.text


async def test_a_code_that_the_network_does_not_know_is_told_on_the_page(
    client: httpx.AsyncClient, known: DemoWorld
) -> None:
    for back, title in (("/demo", "The demo"), ("/ussd-phone", "A phone without apps")):
        form = {"entry": "*100#", "payer": STALL_PHONE, "back": back}
        page = await client.post("/demo/phone", data=form)
        assert page.status_code == 422
        assert f"<title>Error: {title}" in page.text
        assert "Dial *384*123#" in page.text


async def test_the_phone_tells_what_its_screen_costs_and_how_long_it_lasts(
    client: httpx.AsyncClient, known: DemoWorld
) -> None:
    for screen, used, encoding in (("Pay 5 € to <b>?", "16 of 160", "GSM-7"), ("ရွှေဝါ", "6 of 70", "UCS-2")):
        cookie = phones.to_cookie(Keypad(STALL_PHONE, "s", "", screen, begun=2**40))
        page = await client.get("/ussd-phone", headers={"cookie": f"{keypad.COOKIE}={cookie}"})
        assert used in words_of(page)
        assert encoding in words_of(page)
        assert "<b>" not in page.text
    over = phones.to_cookie(Keypad(STALL_PHONE, "s", "", "Amount?", begun=1))
    page = await client.get("/ussd-phone", headers={"cookie": f"{keypad.COOKIE}={over}"})
    assert "Session over" in page.text
    assert ">Dial</label>" in page.text


async def test_the_gallery_shows_every_part_in_each_language(client: httpx.AsyncClient) -> None:
    for language in ("en", "fr", "sw"):
        for path in ("/ui", "/ui/act", "/ui/list", "/ui/empty"):
            page = await client.get(path, params={"lang": language})
            assert page.status_code == 200
            assert_own_scripts_only(page)
    assert (await client.get("/ui/nothing")).status_code == 404
