"""What the shop asked for: every request with its state, and the button that asks again where nothing was paid."""

import pytest

from merchant.payments.states import RequestState
from tests.builders import World
from tests.merchant.portal.browsing import Browser
from tests.merchant.portal.merchant.conftest import Stall

pytestmark = pytest.mark.anyio
S = RequestState


def buttons(browser: Browser) -> int:
    return browser.page.text.count('/ask-again" class="press"')


async def test_every_request_is_listed_and_what_lacks_money_has_the_button(stall: Stall) -> None:
    asked = {state: await stall.ask(state) for state in (None, S.REJECTED, S.EXPIRED, S.FAILED, S.PAID, S.IN_DOUBT)}
    for person in (stall.owner, stall.cashier, stall.bound):
        browser = stall.browser(person)
        await browser.open("/shop/requests")
        for words in ("Declined", "Expired", "Failed", "Paid", "In doubt", "Waiting for the customer"):
            assert words in browser.words
        assert buttons(browser) == 4
        for state, request_id in asked.items():
            assert (f"/shop/requests/{request_id}/ask-again" in browser.page.text) == (
                state not in (S.PAID, S.IN_DOUBT)
            )


async def test_one_press_in_the_list_leads_to_the_new_request(stall: Stall) -> None:
    await stall.ask(S.REJECTED)
    request_id = await stall.ask(S.EXPIRED, reference="Table 7")
    browser = stall.browser()
    await browser.open("/shop/requests")
    await browser.send(f"/shop/requests/{request_id}/ask-again")
    assert "Asked again." in browser.words
    assert (await stall.asked())[0]["reference"] == "Table 7"
    await browser.open("/shop")
    assert buttons(browser) == 3, "the start page has what waits, and what ended today without money"


async def test_the_list_is_narrowed_to_a_state_and_says_what_it_does_not_know(stall: Stall) -> None:
    await stall.ask(S.REJECTED)
    await stall.ask(S.EXPIRED)
    browser = stall.browser()
    await browser.open("/shop/requests", state="rejected")
    assert buttons(browser) == 1
    await browser.open("/shop/requests", state="failed")
    assert "Nothing fits these filters" in browser.words
    await browser.open("/shop/requests", state="nonsense")
    assert browser.status == 422
    await browser.open("/shop/requests", cursor="nonsense")
    assert browser.status == 422


async def test_many_requests_are_read_page_by_page(stall: Stall) -> None:
    for _number in range(26):
        await stall.ask()
    browser = stall.browser()
    page = await browser.open("/shop/requests")
    assert buttons(browser) == 25
    following = page.text.split('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
    await browser.open(following)
    assert buttons(browser) == 1
    assert "To the beginning" in browser.words


async def test_what_a_search_finds_unpaid_has_the_button_too(stall: Stall) -> None:
    request_id = await stall.ask(S.EXPIRED, reference="Table 7")
    await stall.ask(S.PAID, reference="Table 7")
    browser = stall.browser()
    await browser.open("/shop/payments", q="Table 7")
    assert buttons(browser) == 1
    await browser.send(f"/shop/requests/{request_id}/ask-again")
    assert "Asked again." in browser.words


async def test_a_bound_cashier_sees_the_requests_of_one_counter(stall: Stall) -> None:
    await stall.ask(counter_id=str(stall.counters[1].id))
    browser = stall.browser(stall.bound)
    await browser.open("/shop/requests")
    assert "You have asked nobody yet" in browser.words


async def test_the_list_is_no_page_for_staff(stall: Stall, world: World) -> None:
    for person in (world["greenbankfsp"]["admin"], world.operator):
        browser = stall.browser(person)
        await browser.open("/shop/requests")
        assert browser.status == 404
