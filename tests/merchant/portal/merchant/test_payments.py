"""Payments, the day and the month: found, added up, taken along; nothing of another counter or merchant."""

from uuid import uuid4

import pytest

from merchant.payments.states import RequestState
from tests import builders
from tests.builders import World
from tests.merchant.portal.merchant.conftest import Stall

pytestmark = pytest.mark.anyio


async def test_the_payments_of_today_are_listed_and_lead_to_their_page(stall: Stall) -> None:
    payment_id = await stall.pay(250_00)
    browser = stall.browser()
    await browser.open("/shop/payments")
    assert "250.00 KES" in browser.words
    assert f'href="/shop/payments/{payment_id}"' in browser.page.text
    assert "format=csv" in browser.page.text
    await browser.open(f"/shop/payments/{payment_id}")
    for words in ("250.00 KES", "2547*****001", "Till 1", "Receipt number"):
        assert words in browser.words
    assert str(stall.counters[0].id) not in browser.words


async def test_a_payment_of_another_day_is_found_by_its_days(stall: Stall) -> None:
    await stall.pay(250_00, days_ago=1)
    browser = stall.browser()
    for days, there in (("today", False), ("yesterday", True), ("week", True), ("month", True), ("nonsense", False)):
        await browser.open("/shop/payments", days=days)
        assert ("250.00 KES" in browser.words) == there, days
    assert "No payments in these days" in browser.words


async def test_a_search_finds_a_payment_by_its_amount_and_says_when_it_finds_nothing(stall: Stall) -> None:
    await stall.pay(253_00)
    await stall.ask(RequestState.CANCELLED)
    browser = stall.browser()
    await browser.open("/shop/payments", q="253")
    assert "253.00 KES" in browser.words
    await browser.open("/shop/payments", q="250")
    assert "/shop/requests/" in browser.page.text
    await browser.open("/shop/payments", q="nothing like this")
    assert "Nothing found" in browser.words
    await browser.open("/shop/payments", q="x" * 141)
    assert browser.status == 422


async def test_a_page_that_is_none_is_told_and_no_crash(stall: Stall) -> None:
    browser = stall.browser()
    for query in ({"cursor": "nonsense"}, {"counter_id": "nonsense"}):
        await browser.open("/shop/payments", **query)
        assert browser.status == 422


async def test_a_bound_cashier_finds_nothing_of_another_counter(stall: Stall) -> None:
    payment_id = await stall.pay(777_00, counter=1)
    browser = stall.browser(stall.bound)
    for path in ("/shop/payments", "/shop/payments?q=777", "/shop/day", "/shop/statement"):
        await browser.open(path)
        assert browser.status == 200
        assert "777.00" not in browser.words
    await browser.open(f"/shop/payments/{payment_id}")
    assert browser.status == 404


async def test_anothers_payment_is_no_page(stall: Stall, world: World) -> None:
    merchant, _counters = await builders.create_merchant(stall.service, world)
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    await builders.add_person(stall.service, "owner@other.example", ["merchant_owner"], **place)
    browser = stall.browser(await builders.signed_in(stall.service, "owner@other.example"))
    for path in (await stall.pay(100), str(uuid4()), "nonsense"):
        await browser.open(f"/shop/payments/{path}")
        assert browser.status == 404


async def test_the_day_is_closed_by_counter_and_currency(stall: Stall) -> None:
    await stall.pay(100_00)
    await stall.pay(50_00)
    await stall.pay(30_00, counter=1)
    await stall.pay(2_00, "USD")
    browser = stall.browser()
    await browser.open("/shop/day")
    for words in ("180.00 KES", "150.00 KES", "30.00 KES", "2.00 USD", "Till 1", "Terrace", "so far"):
        assert words in browser.words
    assert "Day after" not in browser.words


@pytest.mark.parametrize("date", ["nonsense", "9999-12-31", "0001-01-01", "2026-02-30"])
async def test_a_day_that_is_none_is_another_one_and_no_crash(stall: Stall, date: str) -> None:
    browser = stall.browser()
    await browser.open("/shop/day", date=date)
    assert browser.status == 200
    await browser.open("/shop/statement", month=date)
    assert browser.status == 200


async def test_the_statement_adds_a_month_up_day_by_day(stall: Stall) -> None:
    await stall.pay(100_00)
    await stall.pay(50_00, counter=1)
    browser = stall.browser()
    await browser.open("/shop/statement")
    assert browser.words.count("150.00 KES") == 2
    assert "format=pdf" in browser.page.text


async def test_the_payments_of_some_days_stand_in_the_order_that_is_chosen(stall: Stall) -> None:
    for minor in (300_00, 900_00, 500_00):
        await stall.pay(minor)
    browser = stall.browser()
    orders = {"": "500 900 300", "newest": "500 900 300", "oldest": "300 900 500", "amount": "900 500 300"}
    for sort, wanted in orders.items():
        await browser.open("/shop/payments", sort=sort)
        assert browser.status == 200
        places = [browser.words.index(f"{one}.00 KES") for one in wanted.split()]
        assert places == sorted(places), sort
    assert "sort=amount" in browser.page.text  # of the other days, and of the files
    await browser.open("/shop/payments", sort="name")
    assert browser.status == 422
