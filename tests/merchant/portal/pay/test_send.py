"""The shop's request sent to the shopper's own phone: once for a form, seldom for a phone, never for a stopped shop."""

from typing import Any

import httpx
import pytest

from merchant.core.phone import Msisdn
from merchant.portal.pay import send
from tests.merchant.portal.browsing import Browser
from tests.merchant.portal.shops import Shop, assert_safe, words_of

pytestmark = pytest.mark.anyio
PHONE = "+254711000001"


async def asked(shop: Shop) -> list[dict[str, Any]]:
    """The requests that the page made."""
    async with shop.service.db.system() as tx:
        rows = await tx.fetch(
            "SELECT state, amount_minor, payer_masked, expires_at - created_at AS lives FROM payment_request"
            " WHERE channel = 'page' ORDER BY id"
        )
    return [dict(row) for row in rows]


async def ask(client: httpx.AsyncClient, shop: Shop, **form: str) -> httpx.Response:
    """Send the form."""
    given = {"once": "a", "amount": "3.20", "phone": PHONE} | form
    return await client.post(f"/q/{shop.counter.alias}/phone", data=given)


async def test_it_makes_a_request_of_the_shops_and_leads_to_its_page(client: httpx.AsyncClient, shop: Shop) -> None:
    browser = Browser(client)
    await browser.open(f"/q/{shop.counter.alias}/phone", amount="3.20")
    assert_safe(browser.page)
    await browser.send(f"/q/{shop.counter.alias}/phone", phone="0711 000 001")
    assert browser.status == 200
    assert "Look at your phone" in browser.words
    assert "3.20 USD" in browser.words
    assert "711000001" not in browser.page.text
    [made] = await asked(shop)
    assert (made["state"], made["amount_minor"]) == ("created", 320)
    assert made["payer_masked"].startswith("2547")
    assert made["lives"].total_seconds() == send.LIVES_S


async def test_a_form_that_is_sent_twice_asks_once_and_a_changed_one_asks_again(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    first, again = await ask(client, shop), await ask(client, shop)
    assert (first.status_code, first.headers["location"]) == (303, again.headers["location"])
    changed = await ask(client, shop, amount="4")
    assert changed.headers["location"] != first.headers["location"]
    assert len(await asked(shop)) == 2


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"phone": "hello"}, "phone"),
        ({"phone": ""}, "phone"),
        ({"phone": "12"}, "phone"),
        ({"amount": "0"}, "amount"),
        ({"amount": ""}, "amount"),
        ({"amount": "x"}, "amount"),
        ({"amount": "9999999"}, "amount"),  # over the shop's limit
    ],
)
async def test_what_is_wrong_is_told_beside_the_field_and_what_was_typed_is_kept(
    client: httpx.AsyncClient, shop: Shop, form: dict[str, str], field: str
) -> None:
    page = await ask(client, shop, **form)
    assert page.status_code == 422
    assert f'id="w-{field}"' in page.text
    assert 'name="once" value="a"' in page.text
    kept = PHONE if field == "amount" else form["phone"]
    assert f'value="{kept}"' in page.text
    assert await asked(shop) == []


async def test_a_phone_is_not_rung_more_than_thrice_at_once(client: httpx.AsyncClient, shop: Shop) -> None:
    answers = [await ask(client, shop, once=str(number)) for number in range(send.PER_PHONE + 1)]
    assert [answer.status_code for answer in answers] == [303] * send.PER_PHONE + [429]
    assert int(answers[-1].headers["retry-after"]) >= 1
    assert answers[-1].headers["content-type"].startswith("text/html")
    assert len(await asked(shop)) == send.PER_PHONE


async def test_nor_more_than_six_times_in_ten_minutes_by_all_processes_together(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    for _ in range(send.PER_PHONE_AT_MOST):
        await shop.ask(payer=PHONE, channel=send.CHANNEL)
    assert (await ask(client, shop)).status_code == 429
    assert (await ask(client, shop, phone="+254711000002")).status_code == 303
    assert len(await asked(shop)) == send.PER_PHONE_AT_MOST + 1


async def test_a_source_may_not_ring_many_phones(client: httpx.AsyncClient, shop: Shop) -> None:
    form = {"amount": "x", "once": "a", "phone": PHONE}  # wrong forms count too
    path = f"/q/{shop.counter.alias}/phone"
    answers = [(await client.post(path, data=form)).status_code for _ in range(send.PER_SOURCE + 5)]
    assert answers[: send.PER_SOURCE] == [422] * send.PER_SOURCE
    assert 429 in answers[send.PER_SOURCE :]


async def test_many_sources_do_not_make_a_tills_list_grow_without_end(
    client: httpx.AsyncClient, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = iter(f"192.0.2.{number}" for number in range(255))
    monkeypatch.setattr(send, "source_of", lambda _request: next(sources))
    answers = [
        await ask(client, shop, once=str(number), phone=f"+2547110001{number:02}")
        for number in range(send.PER_COUNTER + 1)
    ]
    assert [answer.status_code for answer in answers] == [303] * send.PER_COUNTER + [429]
    assert len(await asked(shop)) == send.PER_COUNTER


async def test_another_sites_page_sends_nothing(client: httpx.AsyncClient, shop: Shop) -> None:
    headers = {"origin": "https://evil.example", "sec-fetch-site": "cross-site"}
    form = {"once": "a", "amount": "1", "phone": PHONE}
    answer = await client.post(f"/q/{shop.counter.alias}/phone", data=form, headers=headers)
    assert answer.status_code == 403
    assert await asked(shop) == []


async def test_a_stopped_shop_an_unknown_code_and_a_request_offer_no_form(
    client: httpx.AsyncClient, shop: Shop
) -> None:
    code = await shop.ask()
    for path in ("/q/40000002/phone", f"/q/{code}/phone"):
        page = await client.get(path)
        assert (page.status_code, 'name="phone"' in page.text) == (404, False)
    await shop.put_into("suspended")
    page = await client.get(f"/q/{shop.counter.alias}/phone")
    assert (page.status_code, "Stop. Do not pay here." in words_of(page)) == (404, True)
    assert (await ask(client, shop)).status_code == 404
    assert await asked(shop) == []


async def test_the_number_is_nowhere_in_clear(client: httpx.AsyncClient, shop: Shop) -> None:
    await ask(client, shop)
    digits = Msisdn.of(PHONE).digits
    async with shop.service.db.system() as tx:
        for table in ("payment_request", "idempotency_key", "security_event", "outbox"):
            rows = await tx.fetch(f"SELECT t::text AS told FROM {table} t")
            assert not [row for row in rows if digits in row["told"]], table
