"""Payments, the day and the month: found, added up, taken along; nothing of another counter or merchant."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from merchant.core import money
from merchant.payments.states import RequestState
from tests import builders
from tests.builders import World
from tests.merchant.exchange.reports.till import pay
from tests.merchant.portal.merchant.conftest import Stall, id_at

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


async def test_days_and_months_add_up_what_the_payments_come_to(stall: Stall) -> None:
    """Across midnight in the scheme's time zone, and in several currencies; more payments than a list's page has."""
    midnight = datetime(2026, 3, 31, 21, tzinfo=UTC)  # in Nairobi April begins
    before, after = midnight - timedelta(microseconds=1), midnight
    for number in range(30):
        one, other = stall.counters[number % 2], stall.counters[0]
        many, few = ("KES", "USD", "JPY")[number % 3], ("KES", "USD")[number % 2]
        await pay(stall.service, one, before, 1_000 + number, many, id=id_at(before))
        await pay(stall.service, other, after, 7, few, id=id_at(after))
    browser = stall.browser()
    for path, query, span in (
        ("/shop/day", {"date": "2026-03-31"}, ("2026-03-30T21:00:00Z", "2026-03-31T21:00:00Z")),
        ("/shop/day", {"date": "2026-04-01"}, ("2026-03-31T21:00:00Z", "2026-04-01T21:00:00Z")),
        ("/shop/statement", {"month": "2026-03"}, ("2026-02-28T21:00:00Z", "2026-03-31T21:00:00Z")),
        ("/shop/statement", {"month": "2026-04"}, ("2026-03-31T21:00:00Z", "2026-04-30T21:00:00Z")),
    ):
        listed = await stall.client.get(
            "/api/v1/payments",
            params={"from": span[0], "to": span[1], "limit": "100"},
            headers=stall.owner.headers,
        )
        sums: dict[str, int] = {}
        for one in listed.json()["items"]:
            amount = money.parse_shown(one["amount"]["amount"], one["amount"]["currency"])
            sums[amount.currency] = sums.get(amount.currency, 0) + amount.minor
        assert len(listed.json()["items"]) == 30
        await browser.open(path, **query)
        assert browser.status == 200
        for currency, minor in sums.items():
            assert money.display(money.Money(minor, currency), "en") in browser.words, (path, query, currency)
        assert ("JPY" in browser.words) == ("JPY" in sums)


async def test_a_day_tells_each_counter_that_took_something_and_none_that_only_asked(stall: Stall) -> None:
    await stall.pay(100_00)
    await stall.pay(40_00)
    await stall.ask()
    async with stall.service.db.system() as tx:
        await tx.execute("UPDATE payment_request SET counter_id = $1", stall.counters[1].id)
    browser = stall.browser()
    await browser.open("/shop/day")
    assert "140.00 KES" in browser.words
    assert stall.counters[0].name in browser.words
    assert stall.counters[1].name not in browser.words
    bound = stall.browser(stall.bound)
    await bound.open("/shop")
    assert "140.00 KES" in bound.words
    assert "2 payments" in bound.words
