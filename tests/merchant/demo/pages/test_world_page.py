"""The demo's page: what it shows, what it refuses, and that none of it exists outside the demo."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import get_args
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from merchant.core.money import Money
from merchant.core.service import SchemeFacts, Service
from merchant.core.settings import Settings
from merchant.demo.pages import phones
from merchant.demo.pages.phones import CUSTOMERS, Keypad
from merchant.demo.payments import PAYERS
from merchant.demo.simulator.behaviours import Behaviour
from tests import builders
from tests.apps import app_on, client_on
from tests.builders import GATEWAY_SECRET, SECRET_KEY, World
from tests.merchant.portal.shops import DEMO_ROUTES, Shop, assert_safe, words_of

pytestmark = pytest.mark.anyio

AGREES = CUSTOMERS[0].msisdn
FORMS = ("/demo/ask", "/demo/shopper", "/demo/ussd")
PAGES = ("/demo/world", "/demo/news", f"/demo/inbox?payer={AGREES}")


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
    """A client of the application with the demo's routes."""
    async with client_on(app_on(service, DEMO_ROUTES)) as opened:
        yield opened


async def requests_of(service: Service) -> int:
    async with service.db.system_reads() as tx:
        return int(await tx.fetchval("SELECT count(*) FROM payment_request"))


async def test_outside_the_demo_its_pages_do_not_exist(service: Service) -> None:
    async with client_on(app_on(service)) as client:
        answers = [await client.get(path) for path in PAGES]
        answers += [await client.post(path, data={"a": "b"}) for path in FORMS]
        assert [answer.status_code for answer in answers] == [404] * 6
        assert "/demo" not in (await client.get("/")).text


async def test_the_page_shows_merchants_with_their_codes_and_all_forms(client: httpx.AsyncClient, shop: Shop) -> None:
    page = await client.get("/demo/world")
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert_safe(page)
    alias = shop.counter.alias
    assert "Mama Njeri &amp; Sons" in page.text
    assert f"{alias[:4]} {alias[4:]}" in words_of(page)
    assert page.text.count("<svg") == 1
    assert re.findall(r'<form method="post" action="([^"]+)"', page.text) == list(FORMS)
    assert all(customer.label in page.text for customer in CUSTOMERS)
    assert f'value="*384*123*{alias}#"' in page.text


async def test_without_merchants_the_page_says_what_is_going_on(client: httpx.AsyncClient, world: World) -> None:
    assert "No merchant has been approved yet" in (await client.get("/demo/world")).text
    assert "No merchant is called “&lt;b&gt;”" in (await client.get("/demo/world?q=<b>")).text
    news = await client.get("/demo/news")
    assert news.text.count('class="quiet"') == 4  # three empty lists, and that it is live


async def test_merchants_are_found_by_name_and_by_number_and_come_in_pages(
    client: httpx.AsyncClient, shop: Shop, service: Service, world: World
) -> None:
    for index in range(12):
        await builders.create_merchant(service, world, document=builders.seller(trading_name=f"Stall <{index}>"))
    first = await client.get("/demo/world")
    assert first.text.count("<svg") == 12
    assert "Mama Njeri" not in first.text
    assert "&lt;11&gt;" in first.text
    assert_safe(first)
    older = re.search(r'href="(/demo/world\?[^"]*before=[^"]*)#merchants"', first.text)
    assert older is not None
    assert "Mama Njeri" in (await client.get(older[1].replace("&amp;", "&"))).text
    assert (await client.get("/demo/world?q=njeri")).text.count("<svg") == 1
    alias = shop.counter.alias
    assert "Mama Njeri" in (await client.get(f"/demo/world?q={alias[:4]}+{alias[4:]}")).text
    assert (await client.get("/demo/world?before=nonsense")).status_code == 200


async def test_a_merchant_that_may_not_take_payments_is_not_shown(client: httpx.AsyncClient, shop: Shop) -> None:
    await shop.put_into("suspended")
    assert "Mama Njeri" not in (await client.get("/demo/world")).text
    assert "Mama Njeri" not in (await client.get(f"/demo/world?q={shop.counter.alias}")).text


async def test_asking_stores_a_request_of_that_merchant_once(
    client: httpx.AsyncClient, shop: Shop, service: Service
) -> None:
    form = {"number": f" {shop.counter.alias} ", "amount": "7.50", "payer": AGREES, "once": "1"}
    first, again = [await client.post("/demo/ask", data=form) for _ in range(2)]
    assert first.status_code == again.status_code == 303
    assert first.headers["location"] == again.headers["location"]
    place = urlsplit(first.headers["location"])
    assert (place.path, place.fragment) == ("/demo/world", "ask")
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(
            "SELECT id, merchant_id, amount_minor, currency, payer_masked, channel FROM payment_request"
        )
    assert [str(row["id"]) for row in rows] == parse_qs(place.query)["asked"]
    assert tuple(rows[0])[1:] == (shop.merchant.id, 750, "USD", "2547*****001", "demo")
    page = await client.get(first.headers["location"])
    assert "asks for 7.50 USD" in words_of(page)
    assert AGREES not in (await client.get("/demo/news")).text
    changed = await client.post("/demo/ask", data=form | {"amount": "8"})
    assert changed.headers["location"] != first.headers["location"]
    assert await requests_of(service) == 2


async def test_asking_nobody_shows_a_code_to_scan(client: httpx.AsyncClient, shop: Shop) -> None:
    form = {"number": shop.counter.alias, "amount": "7.50", "payer": ""}
    page = await client.get((await client.post("/demo/ask", data=form)).headers["location"])
    link = re.search(r'href="(/q/[^"]+\.[^"]+)"', page.text)
    assert link is not None
    assert "7.50 USD" in (await client.get(link[1])).text
    assert "shows a code to scan" in words_of(await client.get("/demo/news"))


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"number": "40000002"}, "number", "No merchant with this number"),
        ({"number": ""}, "number", "No merchant with this number"),
        ({"number": "\x01" * 70}, "number", "No merchant with this number"),
        ({"amount": ""}, "amount", "must be digits"),
        ({"amount": "0"}, "amount", "more than zero"),
        ({"amount": "1.005"}, "amount", "finer than that"),
        ({"amount": "-5"}, "amount", "must be digits"),
        ({"amount": "9999999999"}, "amount", "is at most"),
        ({"payer": "254700000000"}, "payer", "Choose one of the customers"),
    ],
)
async def test_a_wrong_demand_is_told_beside_its_field_and_writes_nothing(
    client: httpx.AsyncClient, shop: Shop, service: Service, change: dict[str, str], field: str, words: str
) -> None:
    form = {"number": shop.counter.alias, "amount": "5", "payer": AGREES} | change
    page = await client.post("/demo/ask", data=form)
    assert page.status_code == 422
    assert "<title>Error: " in page.text
    assert words in page.text
    assert page.text.count("aria-invalid") == 1
    assert f'aria-describedby="ask-{field}-wrong"' in page.text
    assert f'id="ask-{field}-wrong"' in page.text
    assert await requests_of(service) == 0
    assert_safe(page)


async def test_a_suspended_merchant_cannot_ask(client: httpx.AsyncClient, shop: Shop, service: Service) -> None:
    await shop.put_into("suspended")
    page = await client.post("/demo/ask", data={"number": shop.counter.alias, "amount": "5", "payer": AGREES})
    assert page.status_code == 422
    assert await requests_of(service) == 0


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://test.local:81"},
        {"referer": "https://evil.example/test.local/"},
        {"sec-fetch-site": "cross-site", "origin": "http://test.local"},
        {"sec-fetch-site": "same-site"},
    ],
)
async def test_forms_of_other_sites_are_refused(
    client: httpx.AsyncClient, shop: Shop, service: Service, path: str, headers: dict[str, str]
) -> None:
    form = {"number": shop.counter.alias, "amount": "5", "payer": AGREES, "to": shop.counter.alias, "dial": "*384*123#"}
    page = await client.post(path, data=form, headers=headers)
    assert page.status_code == 403
    assert "page of another site" in page.text
    assert "set-cookie" not in page.headers
    assert await requests_of(service) == 0


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://test.local"}, {"referer": "http://test.local/?q=a"}, {"sec-fetch-site": "same-origin"}, {}],
)
async def test_forms_of_our_own_and_of_programs_are_taken(
    client: httpx.AsyncClient, shop: Shop, headers: dict[str, str]
) -> None:
    form = {"number": shop.counter.alias, "amount": "5", "payer": AGREES}
    assert (await client.post("/demo/ask", data=form, headers=headers)).status_code == 303


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b'{"number": "1"}', "application/json", 415),
        (b"number=1", "text/plain", 415),
        (b"number=%FF", "application/x-www-form-urlencoded", 400),
        (b"number=\xff", "application/x-www-form-urlencoded", 400),
        (b"number=%00", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=1"] * 300), "application/x-www-form-urlencoded", 400),
        (b"number=" + b"1" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"number=" + b"1" * 2_000_000, "application/x-www-form-urlencoded", 413),
    ],
)
async def test_what_is_no_form_of_ours_is_refused_in_words(
    client: httpx.AsyncClient, service: Service, content: bytes, media_type: str, status: int
) -> None:
    for path in FORMS:
        page = await client.post(path, content=content, headers={"content-type": media_type})
        assert page.status_code == status
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "<h1>" in page.text


async def test_a_form_without_fields_is_told_what_lacks(client: httpx.AsyncClient, shop: Shop) -> None:
    for path in FORMS:
        page = await client.post(path, content=b"", headers={"content-type": "application/x-www-form-urlencoded"})
        assert page.status_code == 422


async def test_when_the_simulated_world_is_away_the_page_says_so(client: httpx.AsyncClient, shop: Shop) -> None:
    page = await client.post("/demo/shopper", data={"payer": AGREES, "to": shop.counter.alias, "amount": "5"})
    assert page.status_code == 422
    assert "does not answer just now" in page.text
    inbox = await client.get(f"/demo/inbox?payer={AGREES}")
    assert inbox.status_code == 200
    assert "does not answer just now" in inbox.text
    assert_safe(inbox, ancestors="'self'")


async def test_nobody_reads_the_inbox_of_a_phone_outside_the_demo(client: httpx.AsyncClient) -> None:
    for payer in ("254700000000", "", "../ledger"):
        assert (await client.get("/demo/inbox", params={"payer": payer})).status_code == 404


async def test_the_news_refresh_unless_paused_and_may_stand_in_our_frames_only(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    await shop.ask(Money(1250, "USD"), payer=AGREES)
    news = await client.get("/demo/news")
    assert '<meta http-equiv="refresh" content="3">' in news.text
    assert "12.50 USD" in news.text
    assert_safe(news, ancestors="'self'")
    assert "http-equiv" not in (await client.get("/demo/news?paused=1")).text


@pytest.mark.parametrize("dial", ["", "*100#", "*384*123", "*384*1234#", "384*123#", "*384*123#x", "*384*123 9#"])
async def test_an_unknown_code_is_not_dialled(client: httpx.AsyncClient, dial: str) -> None:
    page = await client.post("/demo/ussd", data={"payer": AGREES, "dial": dial})
    assert page.status_code == 422
    assert "Dial *384*123#" in page.text


@pytest.mark.parametrize(
    "fields",
    [
        {"msisdn": "254700000000", "session": "1", "typed": ""},
        {"msisdn": AGREES, "session": "x" * 65, "typed": ""},
        {"msisdn": AGREES, "session": "1", "typed": "1" * 1001},
        {"msisdn": "1" * 16, "session": "1", "typed": ""},
    ],
)
async def test_a_forged_dialogue_is_not_sent(client: httpx.AsyncClient, fields: dict[str, str]) -> None:
    assert (await client.post("/demo/ussd", data=fields | {"reply": "1"})).status_code == 422


@pytest.mark.parametrize("cookie", ["", "x", "%00", "e30", "bnVsbA", "A" * 4000])
async def test_a_strange_cookie_is_no_dialogue(client: httpx.AsyncClient, cookie: str) -> None:
    page = await client.get("/demo/world", headers={"cookie": f"keypad={cookie}"})
    assert page.status_code == 200
    assert 'name="dial"' in page.text


async def test_the_screen_of_a_phone_is_only_text(client: httpx.AsyncClient) -> None:
    cookie = phones.to_cookie(Keypad(AGREES, '"><script>', "<i>", "<script>alert(1)</script>"))
    page = await client.get("/demo/world", headers={"cookie": f"keypad={cookie}"})
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page.text
    assert_safe(page)


SCHEME = SchemeFacts("S", "d", "ALIAS", 8, ("USD",), "KE", "Africa/Nairobi", "*384*123#", 300, 604_800)


@pytest.mark.parametrize(
    ("dial", "typed"),
    [("*384*123#", ""), ("*384*123*40217756#", "40217756"), (" *384*123*4021 7756*2.50# ", "40217756*2.50")],
)
def test_dialling_hands_the_gateway_what_stands_behind_the_code(dial: str, typed: str) -> None:
    keypad = phones.dialled(SCHEME, AGREES, dial)
    assert keypad.typed == typed
    assert phones.replied(keypad, "1").typed == (f"{typed}*1" if typed else "1")
    assert phones.from_cookie(phones.to_cookie(keypad)) == keypad


def test_the_customers_are_those_of_the_simulator_and_of_the_demo() -> None:
    assert [customer.msisdn for customer in CUSTOMERS] == [PAYERS[behaviour] for behaviour in get_args(Behaviour)]
