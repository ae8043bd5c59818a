"""The shop's start page: today's takings, what needs the shop, and nothing of another counter or merchant."""

from datetime import timedelta

import httpx
import pytest

from merchant.core import clock
from merchant.core.money import Money
from merchant.payments.states import RequestState
from tests import builders
from tests.builders import World
from tests.merchant.exchange.reports import till
from tests.merchant.portal.browsing import Browser
from tests.merchant.portal.merchant.conftest import NAME, Stall

pytestmark = pytest.mark.anyio


async def test_an_owner_sees_todays_takings_in_each_currency(stall: Stall) -> None:
    await stall.pay(1_250_00)
    await stall.pay(100_00, counter=1)
    await stall.pay(9_50, "USD")
    browser = stall.browser()
    await browser.open("/shop")
    assert browser.status == 200
    for words in (NAME, "1,350.00 KES", "9.50 USD", "3 payments", "Ask for payment", "Show my QR", "2547*****001"):
        assert words in browser.words, words


async def test_what_was_given_back_today_stands_beside_what_was_taken(stall: Stall) -> None:
    payment = await till.pay(stall.service, stall.counters[0], clock.now(), 100_00)
    browser = stall.browser()
    await browser.open("/shop")
    assert "Given back" not in browser.words
    for minor, at in (
        (30_00, clock.now()),
        (12_50, clock.now()),
        (5_00, clock.now() - timedelta(days=2)),
        (1_00, None),
    ):
        await till.give_back(stall.service, payment, minor, at)
    for path in ("/shop", "/shop/day", "/shop/statement"):
        await browser.open(path)
        assert "100.00 KES" in browser.words, path
        if path != "/shop/statement":  # the month may have begun since
            assert "Given back: 42.50 KES. Left after refunds: 57.50 KES." in browser.words, path
    async with stall.service.db.system() as tx:
        assert await tx.execute("UPDATE payment SET received_at = received_at - interval '3 days'")
    await browser.open("/shop")
    assert "Given back: 42.50 KES. Left after refunds: -42.50 KES." in browser.words


async def test_a_shop_that_took_nothing_is_told_what_to_do(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open("/shop")
    assert "0.00 USD" in browser.words or "0.00 KES" in browser.words
    assert "No payment yet" in browser.words


async def test_a_cashier_who_is_bound_to_a_counter_sees_that_counter_only(stall: Stall) -> None:
    await stall.pay(1_000_00)
    await stall.pay(555_00, counter=1)
    browser = stall.browser(stall.bound)
    await browser.open("/shop")
    assert "1,000.00 KES" in browser.words
    assert "555" not in browser.words
    assert "Terrace" not in browser.words
    await browser.open("/shop/code")
    assert browser.page.text.count('class="code"') == 1


async def test_what_is_not_paid_yet_stands_on_the_start_page(stall: Stall) -> None:
    await stall.ask(RequestState.IN_DOUBT)
    await stall.ask(RequestState.CANCELLED)
    browser = stall.browser()
    await browser.open("/shop")
    assert "Not paid yet" in browser.words
    assert "In doubt" in browser.words
    assert "Cancelled" not in browser.words


@pytest.mark.parametrize(
    ("state", "words"),
    [("suspended", "You cannot take payments now"), ("restricted", "add no counters"), ("blocked", "is blocked")],
)
async def test_a_shop_that_is_stopped_is_told_in_words(stall: Stall, state: str, words: str) -> None:
    await stall.put_into(state)
    browser = stall.browser()
    await browser.open("/shop")
    assert words in browser.words
    assert ('href="/shop/ask">' in browser.page.text.split("big-ways")[1]) == (state == "restricted")


async def test_a_limit_that_is_reached_is_told(stall: Stall) -> None:
    read = await stall.client.get(f"/api/v1/merchants/{stall.merchant.id}/limits", headers=stall.owner.headers)
    limit = read.json()["limit"]
    assert limit["currency"] == stall.merchant.currencies[0]
    per_day = Money(int(float(limit["per_day"]) * 100), limit["currency"])
    browser = stall.browser()
    await builders.use_limit(stall.service, stall.merchant, Money(per_day.minor * 9 // 10, per_day.currency))
    await browser.open("/shop")
    assert "You are near the limit of the day" in browser.words
    assert "at most now." in browser.words
    await builders.use_limit(stall.service, stall.merchant, Money(per_day.minor // 10 + 1, per_day.currency))
    await browser.open("/shop")
    assert "The limit of the day is reached" in browser.words
    await browser.open("/shop/more")
    assert "a day and" in browser.words


async def test_the_limit_is_one_over_all_currencies(stall: Stall) -> None:
    """Half of the day in each of two currencies is the whole day."""
    read = await stall.client.get(f"/api/v1/merchants/{stall.merchant.id}/limits", headers=stall.owner.headers)
    rooms = read.json()["currencies"]
    assert len(rooms) > 1, "the shop takes several currencies"
    for one in rooms[:2]:
        half = Money(int(float(one["per_day"]) * 50), one["currency"])
        await builders.use_limit(stall.service, stall.merchant, half)
    browser = stall.browser()
    await browser.open("/shop")
    assert "The limit of the day is reached" in browser.words
    await browser.open("/shop/more")
    assert "It is one limit for all currencies" in browser.words
    for one in rooms[:2]:
        assert f"0.00 {one['currency']}" in browser.words, "what fits now"
    assert "Payments today 2 of" in browser.words


async def test_a_shop_that_took_as_many_payments_as_it_may_is_told(stall: Stall) -> None:
    browser = stall.browser()
    read = await stall.client.get(f"/api/v1/merchants/{stall.merchant.id}/limits", headers=stall.owner.headers)
    most = read.json()["limit"]["payments_per_day"]
    async with stall.service.db.system() as tx:
        await builders.use_limit(stall.service, stall.merchant, Money(1, "KES"))
        await tx.execute("UPDATE limit_usage SET payments = $1", most)
    await browser.open("/shop")
    assert f"You took {most} payments today, as many as the limit allows." in browser.words


async def test_a_bound_cashier_is_told_nothing_of_what_is_used(stall: Stall) -> None:
    browser = stall.browser(stall.bound)
    await browser.open("/shop/more")
    assert "Up to" in browser.words
    for words in ("Used today", "One payment now", "one limit for all"):
        assert words not in browser.words


@pytest.mark.parametrize("path", ["/shop", "/shop/ask", "/shop/payments", "/shop/code", "/shop/more", "/shop/day"])
async def test_the_shops_pages_are_no_pages_for_staff(client: httpx.AsyncClient, world: World, path: str) -> None:
    for person in (world["greenbankfsp"]["maker"], world["greenbankfsp"]["admin"], world.operator):
        browser = Browser(client, person)
        await browser.open(path)
        assert browser.status in (403, 404)


async def test_who_is_not_signed_in_is_asked(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client)
    await browser.open("/shop")
    assert "Sign in" in browser.words
