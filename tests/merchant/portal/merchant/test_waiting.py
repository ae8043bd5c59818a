"""One request on its page: every state said truly, and paid only when the server says so."""

from datetime import timedelta
from uuid import uuid4

import pytest

from merchant.core import clock
from merchant.payments.states import RequestState
from tests import builders
from tests.builders import World
from tests.merchant.portal.merchant.conftest import Stall
from tests.merchant.portal.shops import read_code

pytestmark = pytest.mark.anyio
S = RequestState


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (S.ACCEPTED, "On its way"),
        (S.REJECTED, "The customer said no"),
        (S.EXPIRED, "Nobody paid in time"),
        (S.FAILED, "The payment did not go through"),
        (S.CANCELLED, "You took this back"),
        (S.IN_DOUBT, "We are asking the hub. Do not hand out the goods yet."),
    ],
)
async def test_each_state_is_said_truly_and_none_of_them_is_paid(stall: Stall, state: S, words: str) -> None:
    request_id = await stall.ask(state)
    browser = stall.browser()
    await browser.open(f"/shop/requests/{request_id}")
    assert words in browser.words
    assert "250.00 KES" in browser.words
    assert "whole paid" not in browser.page.text
    assert "data-say" not in browser.page.text


async def test_a_paid_request_fills_the_screen_with_amount_time_and_reference(stall: Stall) -> None:
    request_id = await stall.ask(S.PAID, reference="Table 7", note="2 × Tea")
    browser = stall.browser()
    page = await browser.open(f"/shop/requests/{request_id}")
    assert 'class="whole paid"' in page.text
    for words in ("Paid", "250.00 KES", "Table 7", "2 × Tea"):
        assert words in browser.words
    assert 'data-say="Paid: 250 Kenyan shillings"' in page.text
    assert "http-equiv" not in page.text


async def test_a_late_payment_says_that_it_came_late(stall: Stall) -> None:
    request_id = await stall.ask(S.EXPIRED)
    assert await builders.move_request(stall.service, request_id, S.PAID)
    browser = stall.browser()
    await browser.open(f"/shop/requests/{request_id}")
    assert "This came late" in browser.words


async def test_a_request_without_a_phone_shows_the_code_the_number_and_what_to_dial(stall: Stall) -> None:
    request_id = await stall.ask()
    browser = stall.browser()
    page = await browser.open(f"/shop/requests/{request_id}")
    read = await stall.client.get(f"/api/v1/payment-requests/{request_id}", headers=stall.owner.headers)
    assert read_code(page) == read.json()["qr_payload"]
    assert f"*384*123*{stall.counters[0].alias}*250#" in browser.words


async def test_a_page_that_waits_asks_again_by_itself_for_two_minutes_and_then_by_a_link(stall: Stall) -> None:
    request_id = await stall.ask()
    browser = stall.browser()
    page = await browser.open(f"/shop/requests/{request_id}")
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page.text
    async with stall.service.db.system() as tx:
        before = clock.now() - timedelta(minutes=2, seconds=1)
        await tx.execute("UPDATE payment_request SET created_at = $2 WHERE id = $1", builders.UUID(request_id), before)
    page = await browser.open(f"/shop/requests/{request_id}")
    assert "http-equiv" not in page.text
    assert "Look again" in browser.words


async def test_a_request_is_taken_back_by_one_press(stall: Stall) -> None:
    request_id = await stall.ask()
    browser = stall.browser()
    await browser.open(f"/shop/requests/{request_id}")
    await browser.send(f"/shop/requests/{request_id}/cancel")
    assert "Taken back" in browser.words
    assert (await stall.asked())[0]["state"] == "cancelled"
    assert f"amount=250&amp;currency=KES&amp;counter={stall.counters[0].id}" in browser.page.text


async def test_what_cannot_be_taken_back_any_more_says_why(stall: Stall) -> None:
    request_id = await stall.ask()
    browser = stall.browser()
    await browser.open(f"/shop/requests/{request_id}")
    fields = browser.fields(f"/shop/requests/{request_id}/cancel")
    async with stall.service.db.system() as tx:
        await tx.execute("UPDATE payment_request SET state = 'expired' WHERE id = $1", builders.UUID(request_id))
    cookie = {"cookie": f"session={stall.owner.token}"}
    refused = await stall.client.post(f"/shop/requests/{request_id}/cancel", data=fields, headers=cookie)
    assert refused.status_code == 409
    assert "Expired" in refused.text


@pytest.mark.parametrize("state", [None, S.SENT, S.REJECTED, S.EXPIRED, S.FAILED, S.CANCELLED])
async def test_what_is_not_paid_is_asked_again_by_one_press(stall: Stall, state: S | None) -> None:
    payer = {"type": "MSISDN", "id": "+254711000001"}
    request_id = await stall.ask(state, payer=payer, reference="Table 7", note="2 × Tea")
    browser = stall.browser(stall.cashier)
    await browser.open(f"/shop/requests/{request_id}")
    assert "puts the same amount to the same customer once more" in browser.words
    assert "The reference stays." in browser.words
    assert ("This request then ends." in browser.words) == (state in (None, S.SENT))
    page = await browser.send(f"/shop/requests/{request_id}/ask-again")
    assert (page.status_code, page.url.path == f"/shop/requests/{request_id}") == (200, False)
    assert "Asked again. This is the request that counts now; the earlier one has ended." in browser.words
    assert "Waiting" in browser.words
    again, earlier = await stall.asked()
    assert page.url.path == f"/shop/requests/{again['id']}"
    for name in ("amount", "payer", "reference", "note", "counter_id"):
        assert again[name] == earlier[name]
    assert earlier["state"] == (state if state not in (None, S.SENT) else S.CANCELLED)


async def test_a_second_press_on_the_older_request_leads_to_the_one_that_is_open(stall: Stall) -> None:
    request_id = await stall.ask(S.REJECTED, payer={"type": "MSISDN", "id": "+254711000001"}, reference="Table 7")
    browser = stall.browser(stall.cashier)
    await browser.open(f"/shop/requests/{request_id}")
    first = await browser.send(f"/shop/requests/{request_id}/ask-again")
    other = stall.browser()  # whose page still shows the button
    await other.open(f"/shop/requests/{request_id}")
    second = await other.send(f"/shop/requests/{request_id}/ask-again")
    assert second.url.path == first.url.path != f"/shop/requests/{request_id}"
    assert len(await stall.asked()) == 2


async def test_a_request_that_was_asked_again_says_so_and_has_no_button(stall: Stall) -> None:
    request_id = await stall.ask()
    browser = stall.browser()
    await browser.open(f"/shop/requests/{request_id}")
    await browser.send(f"/shop/requests/{request_id}/ask-again")
    page = await browser.open(f"/shop/requests/{request_id}")
    assert "You asked once more. The newer request counts." in browser.words
    assert "You took this back" not in browser.words
    assert f"{request_id}/ask-again" not in page.text


async def test_a_form_that_is_sent_twice_asks_once(stall: Stall) -> None:
    request_id = await stall.ask(S.EXPIRED)
    browser = stall.browser()
    action = f"/shop/requests/{request_id}/ask-again"
    await browser.open(f"/shop/requests/{request_id}")
    fields = browser.fields(action)
    first = await browser.send_as_it_was(action, fields)
    second = await browser.send_as_it_was(action, fields)
    assert first.url.path == second.url.path
    assert len(await stall.asked()) == 2


async def test_what_may_not_be_asked_again_is_refused_in_words(stall: Stall) -> None:
    request_id = await stall.ask()
    browser = stall.browser()
    action = f"/shop/requests/{request_id}/ask-again"
    await browser.open(f"/shop/requests/{request_id}")
    fields = browser.fields(action)
    await stall.put_into("suspended")
    await browser.send_as_it_was(action, fields)
    assert browser.status == 409
    assert "This merchant may not take payments now" in browser.words
    await stall.put_into("active")
    assert await builders.move_request(stall.service, request_id, S.PAID)
    await browser.send_as_it_was(action, fields)
    assert browser.status == 409
    assert "A request that is paid cannot be asked again." in browser.words
    assert [one["state"] for one in await stall.asked()] == ["paid"]
    assert (await browser.send_as_it_was(action, {"once": "1"})).status_code == 403, "without the session's secret"


async def test_a_paid_request_and_one_in_doubt_have_no_button(stall: Stall) -> None:
    for state in (S.PAID, S.IN_DOUBT):
        request_id = await stall.ask(state)
        page = await stall.browser().open(f"/shop/requests/{request_id}")
        assert "ask-again" not in page.text


async def test_anothers_request_is_not_asked_again(stall: Stall, world: World) -> None:
    other = await stall.ask(S.EXPIRED, counter_id=str(stall.counters[1].id))
    own = await stall.ask(S.EXPIRED)
    browser = stall.browser(stall.bound)
    await browser.open(f"/shop/requests/{own}")
    fields = browser.fields(f"/shop/requests/{own}/ask-again")
    assert (await browser.send_as_it_was(f"/shop/requests/{other}/ask-again", fields)).status_code == 404
    assert len(await stall.asked()) == 2


async def test_anothers_request_is_no_page(stall: Stall, world: World) -> None:
    merchant, _counters = await builders.create_merchant(stall.service, world)
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    await builders.add_person(stall.service, "owner@other.example", ["merchant_owner"], **place)
    other = await builders.signed_in(stall.service, "owner@other.example")
    request_id = await stall.ask()
    for person, path in ((other, request_id), (stall.owner, str(uuid4()))):
        browser = stall.browser(person)
        await browser.open(f"/shop/requests/{path}")
        assert browser.status == 404


async def test_a_bound_cashier_sees_no_request_of_another_counter(stall: Stall) -> None:
    request_id = await stall.ask(counter_id=str(stall.counters[1].id))
    browser = stall.browser(stall.bound)
    await browser.open(f"/shop/requests/{request_id}")
    assert browser.status == 404
