"""Reports on pages: the right figures for the right people, by names, with files, and a day to choose."""

import re
from datetime import timedelta

import httpx
import pytest

from merchant.core import clock
from merchant.core.access import Role
from merchant.core.service import Service
from merchant.portal.staff import reports
from merchant.registry.merchants.models import Counter
from tests import builders
from tests.builders import World
from tests.merchant.exchange.reports.till import DAY, NOON, ask, pay
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
PATHS = tuple(path for path, _label, _needed in reports.TABS)


@pytest.fixture
async def till(service: Service, world: World) -> Counter:
    document = builders.company(trading_name="Mama Njeri")
    return (await builders.create_merchant(service, world, document=document))[1][0]


@pytest.mark.parametrize("path", PATHS)
async def test_every_report_is_a_page_for_staff_with_and_without_rows(
    client: httpx.AsyncClient, service: Service, world: World, path: str
) -> None:
    for who in (world["greenbankfsp"]["auditor"], world.operator):
        browser = Browser(client, who)
        await browser.open(path)
        assert browser.status == 200
    merchant, [counter] = await builders.create_merchant(service, world)
    await pay(service, counter, clock.now(), 500)
    page = await browser.open(path)
    assert browser.status == 200
    assert str(counter.id) not in page.text
    assert str(merchant.id) not in browser.words


async def test_merchants_people_have_no_such_pages(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await builders.add_person(
        service,
        "owner@shop.example",
        [Role.MERCHANT_OWNER],
        dfsp_id=till.dfsp_id,
        merchant_id=till.merchant_id,
        name="Owner",
    )
    owner = await builders.signed_in(service, "owner@shop.example")
    browser = Browser(client, owner)
    for path in PATHS:
        await browser.open(path)
        assert browser.status in (403, 404), path


async def test_a_hub_checker_sees_the_reports_that_it_may_and_no_others(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await builders.add_person(service, "checker@hub.example", [Role.HUB_CHECKER], name="Checker")
    checker = await builders.signed_in(service, "checker@hub.example")
    browser = Browser(client, checker)
    page = await browser.open("/reports")
    assert "Decisions" in browser.words
    assert "/reports/daily" not in page.text
    await browser.open("/reports/daily")
    assert browser.status == 403


async def test_daily_totals_are_by_counter_with_a_sum_for_each_currency(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    for minor, currency in ((1_250, "KES"), (750, "KES"), (300, "USD")):
        await pay(service, till, NOON, minor, currency)
    browser = Browser(client, world["greenbankfsp"]["auditor"])
    page = await browser.open("/reports/daily", date=DAY)
    assert "In all, KES 20.00 KES 2 payments In all, USD 3.00 USD 1 payment" in browser.words
    assert "Mama Njeri" in browser.words
    assert "2 Mar 2026" in browser.words
    assert "/reports/daily?date=2026-03-01" in page.text
    assert "/reports/daily?date=2026-03-03" in page.text
    assert f"/api/v1/reports/daily?date={DAY}&amp;format=xlsx" in page.text
    await browser.open("/reports/daily")
    assert "Nothing was taken on this day" in browser.words
    assert "The day after" not in browser.words


async def test_a_merchant_is_chosen_by_name_or_number_and_a_doubtful_name_is_asked_about(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    _other, [counter] = await builders.create_merchant(
        service, world, document=builders.company(trading_name="Mama Achieng")
    )
    for one in (till, counter):
        await pay(service, one, NOON, 1_000)
    browser = Browser(client, world["greenbankfsp"]["auditor"])
    await browser.open("/reports/daily", date=DAY, merchant=till.alias)
    assert "Only Mama Njeri ." in browser.words
    assert "Mama Achieng" not in browser.words
    page = await browser.open("/reports/daily", date=DAY, merchant="Mama")
    assert "Which of these do you mean?" in browser.words
    [link] = re.findall(r'href="(/reports/daily\?merchant_id=[^"]+)"><bdi>Mama Achieng', page.text)
    await browser.open(link.replace("&amp;", "&"))
    assert "Only Mama Achieng ." in browser.words
    assert "In all, KES 10.00 KES 1 payment" in browser.words
    await browser.open("/reports/daily", date=DAY, merchant="Nobody Whatever")
    assert "No merchant fits" in browser.words


@pytest.mark.parametrize("path", ["/reports/daily", "/reports/takings", "/reports/settlement/payments"])
async def test_another_dfsps_merchant_cannot_be_chosen(
    client: httpx.AsyncClient, world: World, till: Counter, path: str
) -> None:
    browser = Browser(client, world["lakemfi"]["auditor"])
    await browser.open(path, merchant_id=str(till.merchant_id))
    assert browser.status == 404
    await browser.open(path, merchant_id="nonsense")
    assert browser.status in (400, 404)
    await browser.open("/reports/daily", date=DAY, merchant=till.alias)
    assert "No merchant fits" in browser.words


@pytest.mark.parametrize("date", ["yesterday", "2026-13-01", "0001-01-01", "9999-12-31", ""])
async def test_no_day_breaks_a_page(client: httpx.AsyncClient, world: World, date: str) -> None:
    browser = Browser(client, world["greenbankfsp"]["auditor"])
    for path in ("/reports/daily", "/reports/takings", "/reports/settlement", "/reports/settlement/payments"):
        await browser.open(path, date=date)
        assert browser.status in (200, 422), (path, date)
    await browser.open("/reports/decisions", **{"from": date, "to": date})
    assert browser.status == 200


async def test_takings_are_drawn_by_day_and_by_hour_with_their_tables(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    now = clock.now()
    for back in (0, 3):
        await pay(service, till, now - timedelta(days=back), 1_000)
    browser = Browser(client, world["greenbankfsp"]["auditor"])
    page = await browser.open(f"/merchants/{till.merchant_id}/takings", days="7")
    assert "20.00 KES · 2 payments" in browser.words
    assert page.text.count('role="img"') == 2
    assert "takings?merchant_id=" in page.text
    await browser.open("/reports/takings", merchant_id=str(till.merchant_id), counter_id="nonsense")
    assert browser.status == 200
    stranger = Browser(client, world["lakemfi"]["auditor"])
    await stranger.open(f"/merchants/{till.merchant_id}/takings")
    assert stranger.status == 404


async def test_the_settlement_statement_can_be_signed_and_leads_to_its_payments(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    payment = await pay(service, till, NOON, 4_200)
    browser = Browser(client, world["greenbankfsp"]["auditor"])
    page = await browser.open("/reports/settlement", date=DAY)
    assert "Test scheme · Greenbankfsp" in browser.words
    assert "Africa/Nairobi" in browser.words
    assert "Place, date, signature" in browser.words
    assert "42.00 KES" in browser.words
    [link] = re.findall(r'<th[^>]*><a href="([^"]+)"><bdi>Mama Njeri', page.text)
    await browser.open(link.replace("&amp;", "&"))
    assert "Only Mama Njeri ." in browser.words
    assert payment.transfer_id in browser.words.replace(" ", "")
    assert f'href="/payments/{payment.id}"' in browser.page.text


async def test_the_hub_chooses_a_dfsp_by_name(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await pay(service, till, NOON, 4_200)
    browser = Browser(client, world.operator)
    page = await browser.open("/reports/settlement", date=DAY)
    [lake] = re.findall(r'<option value="([^"]+)">Lakemfi', page.text)
    await browser.open("/reports/settlement", date=DAY, dfsp_id=lake)
    assert "Nothing is owed for this day" in browser.words


async def test_decisions_tell_who_decided_and_how(client: httpx.AsyncClient, world: World, till: Counter) -> None:
    browser = Browser(client, world["greenbankfsp"]["auditor"])
    await browser.open("/reports/decisions")
    assert "Decided 1 Approved 1 Returned 0" in browser.words.replace("  ", " ")
    assert "checker 1 1 0 0" in browser.words
    await browser.open("/reports/decisions", kind="nonsense")
    assert browser.status == 200
    await browser.open("/reports/decisions", **{"from": "2020-01-01", "to": "2026-01-01"})
    assert "span 366 days at most" in browser.words


async def test_more_rows_than_a_page_holds_are_told(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "ROWS_SHOWN", 1)
    for currency in ("KES", "USD"):
        await pay(service, till, NOON, 100, currency)
    browser = Browser(client, world["greenbankfsp"]["auditor"])
    await browser.open("/reports/daily", date=DAY)
    assert "The first 1 of 2 rows; a file has them all." in browser.words
    assert "In all, USD" in browser.words


async def test_what_was_asked_for_and_not_paid_is_no_takings(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await ask(service, till, "expired")
    browser = Browser(client, world["greenbankfsp"]["auditor"])
    await browser.open("/reports/daily", date=DAY)
    assert "0.00 KES" in browser.words and "2.50 KES" not in browser.words
