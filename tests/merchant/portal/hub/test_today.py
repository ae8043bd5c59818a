"""The hub's day on pages: figures that call for somebody, charts beside their tables, and the wall."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import httpx
import pytest

from merchant.core import clock
from merchant.core.access import Role
from merchant.core.service import Service
from merchant.exchange.reports import merchants
from merchant.exchange.reports.operations import HourCounted
from merchant.portal.hub import today
from merchant.registry.merchants.models import Counter
from tests import builders
from tests.builders import World
from tests.merchant.exchange.reports.till import ask, pay, went_through
from tests.merchant.portal.browsing import Browser
from tests.merchant.portal.shops import words_of

pytestmark = pytest.mark.anyio
PAGES = ("/hub", "/hub/charts", "/hub/wall")


@pytest.fixture
async def till(service: Service, world: World) -> Counter:
    document = builders.company(trading_name="Mama Njeri")
    return (await builders.create_merchant(service, world, document=document))[1][0]


async def test_the_figures_of_the_hour_call_for_somebody_where_one_is_needed(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    now = clock.now()
    for took_s in (1.0, 3.0, 9.0):
        await ask(service, till, "paid", now - timedelta(minutes=2), took_s=took_s)
    await ask(service, till, "in_doubt", now - timedelta(minutes=3))
    browser = Browser(client, world.operator)
    page = await browser.open("/hub")
    assert browser.status == 200
    assert "Asked 4 requests for payment Paid 3 of those asked Success 100 %" in browser.words
    assert "Half are paid within 3.0 s" in browser.words
    assert '<div class="figure bad"><p class="over">In doubt</p>' in page.text
    assert 'href="/queues/doubt">1</a>' in page.text
    assert '<div class="figure "><p class="over">Failed jobs</p>' in page.text
    assert "Greenbankfsp" in browser.words


def test_two_dfsps_of_one_name_have_strips_of_their_own() -> None:
    day = clock.now().date()
    rows = [HourCounted(UUID(int=number), "Lake", day, 8, asked=number, paid=0, p95_s=None) for number in (1, 2)]
    view: Any = SimpleNamespace(spoken=SimpleNamespace(language="en"))
    found = today._heat_of(view, rows)
    assert [(name, [strip.values[8] for strip in strips]) for name, strips in found] == [("Lake", [1]), ("Lake", [2])]


async def test_an_hour_without_a_request_is_a_page_too(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client, world.operator)
    for path in PAGES:
        await browser.open(path)
        assert browser.status == 200, path
    assert "No payment yet" in browser.words


async def test_a_day_is_told_by_quarters_of_an_hour(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await ask(service, till, "expired", clock.now() - timedelta(hours=20))
    browser = Browser(client, world.operator)
    page = await browser.open("/hub", minutes="1440")
    assert "Requests by quarter of an hour" in browser.words
    assert page.text.count('<th scope="row">') == 96
    assert "minutes=1440&amp;format=csv" in page.text
    assert "Asked 1 requests" in browser.words
    await browser.open("/hub", minutes="many")
    assert "Requests by minute" in browser.words


async def test_figures_are_asked_for_again_unless_the_browser_saves_data(
    client: httpx.AsyncClient, world: World
) -> None:
    cookie = {"cookie": f"session={world.operator.token}"}
    for path in ("/hub", "/hub/wall"):
        assert 'hx-trigger="every 15s"' in (await client.get(path, headers=cookie)).text
        saving = (await client.get(path, headers=cookie | {"save-data": "on"})).text
        assert "hx-get" not in saving
        assert "Your browser saves data" in saving


async def test_charts_stand_beside_tables_of_the_same_figures_and_their_files(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    request = await ask(service, till, "rejected", clock.now())
    await went_through(service, till, request, "created", "sent", "rejected")
    browser = Browser(client, world.operator)
    page = await browser.open("/hub/charts", days="1")
    assert "Reached the customer" in browser.words
    assert page.text.count('role="img"') == page.text.count("As a table</summary>") == 4
    for name in ("funnel", "heat", "tiers", "places"):
        assert f"{name}?" in page.text, name
    assert page.text.count("format=csv") == 4


async def test_a_report_that_fails_is_told_in_its_place_and_the_others_stand(
    client: httpx.AsyncClient, world: World, till: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merchants, "MAX_PLACES", 0)
    browser = Browser(client, world.operator)
    await browser.open("/hub/charts")
    assert browser.status == 200
    assert "There are more than 0 places" in browser.words
    assert "Merchants by tier" in browser.words
    assert browser.page.text.count('role="img"') == 1


async def test_the_wall_names_merchants_and_no_id(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    payment = await pay(service, till, clock.now(), 1_250)
    browser = Browser(client, world.operator)
    page = await browser.open("/hub/wall")
    assert "12.50 KES to Mama Njeri" in browser.words
    assert str(till.merchant_id) not in page.text
    assert str(payment.id) not in page.text


async def test_who_does_not_run_the_hub_sees_none_of_it(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await builders.add_person(service, "checker@hub.example", [Role.HUB_CHECKER], name="Checker")
    checker = await builders.signed_in(service, "checker@hub.example")
    for path in PAGES:
        for who in (world["greenbankfsp"]["admin"], world.maker, checker):
            browser = Browser(client, who)
            await browser.open(path)
            assert browser.status == 403, (path, who.email)
    browser = Browser(client, checker)
    await browser.open("/")
    assert (browser.status, browser.page.url.path) == (200, "/dfsps")


async def test_the_page_says_everything_without_a_script(client: httpx.AsyncClient, world: World) -> None:
    page = await client.get("/hub", headers={"cookie": f"session={world.operator.token}"})
    assert " style=" not in page.text
    assert "hx-on" not in page.text
    assert "js:" not in page.text
    assert "Asked 0" in words_of(page)
