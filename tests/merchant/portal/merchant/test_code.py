"""The shop's codes: scanned from the screen, printed, never another counter's."""

import httpx
import pytest

from tests import builders
from tests.merchant.portal.merchant.conftest import Stall
from tests.merchant.portal.shops import read_code

pytestmark = pytest.mark.anyio


async def test_every_counter_shows_the_code_that_its_sticker_has(stall: Stall) -> None:
    browser = stall.browser(stall.cashier)
    page = await browser.open("/shop/code")
    for part, counter in zip(page.text.split('<div class="code">')[1:], stall.counters, strict=True):
        drawn = httpx.Response(200, text=part.partition("</div>")[0])
        read = await stall.client.get(f"/api/v1/counters/{counter.id}/qr?format=payload", headers=stall.owner.headers)
        assert read_code(drawn) == read.text
        assert f"*384*123*{counter.alias}#" in browser.words
        assert f"/q/{counter.alias}" in page.text
    assert page.headers["cache-control"] == "no-store"


async def test_a_blocked_shop_shows_no_code(stall: Stall) -> None:
    await stall.put_into("blocked")
    browser = stall.browser()
    page = await browser.open("/shop/code")
    assert "<svg xmlns" not in page.text
    assert "No code to show" in browser.words


async def test_posters_are_ordered_and_fetched(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open("/shop/posters")
    await browser.send("/shop/posters", page="A6", first="en", second="sw")
    assert str(browser.page.url.path).startswith("/shop/posters/")
    assert "Being made" in browser.words
    await builders.work(stall.service)
    await browser.open(browser.page.url.path)
    assert "2 codes on A6" in browser.words
    path = browser.page.text.split('href="/api/v1/poster-batches/')[1].partition('"')[0]
    fetched = await stall.client.get(f"/api/v1/poster-batches/{path}", headers=stall.owner.headers)
    assert fetched.content.startswith(b"%PDF")


async def test_posters_that_cannot_be_ordered_say_why(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open("/shop/posters")
    await browser.send("/shop/posters", page="A7", first="en", second="")
    assert browser.status == 422
    await browser.send("/shop/posters", page="A6", first="xx", second="")
    assert browser.status == 422


async def test_a_bound_cashier_orders_no_posters(stall: Stall) -> None:
    browser = stall.browser(stall.bound)
    await browser.open("/shop/posters")
    assert browser.status == 404
    await browser.open("/account")
    form = {"page": "A6", "first": "en", "second": "", "csrf": browser.fields("/sign-out")["csrf"]}
    cookie = {"cookie": f"session={stall.bound.token}"}
    assert (await stall.client.post("/shop/posters", data=form, headers=cookie)).status_code == 404
    listed = await stall.client.get("/api/v1/poster-batches", headers=stall.owner.headers)
    assert listed.json()["items"] == []
