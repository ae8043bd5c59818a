"""Asking for payment: a double press asks once, what was typed stays, price keys work without a script."""

import httpx
import pytest

from merchant.portal.merchant.order import typed_amount
from tests.builders import World
from tests.merchant.portal.merchant.conftest import Stall

pytestmark = pytest.mark.anyio
ASK = "/shop/ask"


async def test_a_cashier_asks_a_phone_and_waits_on_its_page(stall: Stall) -> None:
    browser = stall.browser(stall.cashier)
    await browser.open(ASK)
    await browser.send(
        ASK, amount__amount="250", amount__currency="KES", payer__id="0711000001", note="Tea", how="phone"
    )
    assert str(browser.page.url.path).startswith("/shop/requests/")
    assert "250.00 KES" in browser.words
    assert "2547*****001" in browser.words
    assert "0711000001" not in browser.page.text
    [asked] = await stall.asked()
    assert (asked["note"], asked["counter_id"]) == ("Tea", str(stall.counters[0].id))


async def test_a_form_that_is_sent_twice_asks_once(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open(ASK)
    form = browser.fields(ASK) | {"amount.amount": "250", "amount.currency": "KES", "how": "qr"}
    for _press in range(2):
        cookie = {"cookie": f"session={stall.owner.token}"}
        answer = await stall.client.post(ASK, data=form, headers=cookie)
        assert answer.status_code == 303
    assert len(await stall.asked()) == 1


async def test_a_form_that_was_changed_with_the_back_button_asks_for_a_second_press(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open(ASK)
    form = browser.fields(ASK) | {"amount.amount": "250", "amount.currency": "KES", "how": "qr"}
    cookie = {"cookie": f"session={stall.owner.token}"}
    await stall.client.post(ASK, data=form, headers=cookie)
    again = await stall.client.post(ASK, data=form | {"amount.amount": "300"}, headers=cookie)
    assert again.status_code == 409
    assert "Press again" in again.text
    assert form["once"] not in again.text
    assert len(await stall.asked()) == 1


async def test_a_script_that_sends_the_form_is_told_where_to_go_on(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open(ASK)
    form = browser.fields(ASK) | {"amount.amount": "250", "amount.currency": "KES", "how": "qr"}
    headers = {"cookie": f"session={stall.owner.token}", "x-sent-by": "script"}
    answer = await stall.client.post(ASK, data=form, headers=headers)
    assert answer.status_code == 201
    assert answer.headers["location"].startswith("/shop/requests/")


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"amount__amount": "", "how": "qr"}, "amount.amount"),
        ({"amount__amount": "0", "how": "qr"}, "amount.amount"),
        ({"amount__amount": "1,000", "how": "qr"}, "amount.amount"),
        ({"amount__amount": "5", "how": "phone", "payer__id": ""}, "payer.id"),
        ({"amount__amount": "5", "how": "phone", "payer__id": "not a phone"}, "payer.id"),
        ({"amount__amount": "5", "how": "", "payer__id": "12"}, "payer.id"),
    ],
)
async def test_what_cannot_be_asked_is_told_beside_its_field_and_what_was_typed_stays(
    stall: Stall, typed: dict[str, str], field: str
) -> None:
    browser = stall.browser()
    await browser.open(ASK)
    await browser.send(ASK, **({"note": "Two teas", "amount__currency": "KES"} | typed))
    assert browser.status == 422
    assert "<title>Error:" in browser.page.text
    assert f'id="w-{field}"' in browser.page.text
    assert 'value="Two teas"' in browser.page.text
    assert await stall.asked() == []


async def test_a_form_without_the_sessions_secret_asks_nobody(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open(ASK)
    await browser.send(ASK, amount__amount="5", how="qr", csrf="")
    assert browser.status == 403
    assert await stall.asked() == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("2,50", "2.50"),
        ("1 250", "1250"),
        ("1\u202f250,5", "1250.5"),
        ("٢٥٠", "250"),
        ("၂၅၀", "250"),
        ("12.5", "12.5"),
        ("1,000", "1,000"),
        ("1.000,50", "1.000,50"),
        ("²", "²"),
        ("-5", "-5"),
    ],
)
def test_amounts_are_read_as_people_type_them_and_never_guessed(typed: str, meant: str) -> None:
    assert typed_amount(typed) == meant


async def add_price(stall: Stall, label: str, amount: str, currency: str = "KES") -> str:
    body = {"label": label, "amount": {"amount": amount, "currency": currency}}
    made = await stall.client.post("/api/v1/price-keys", json=body, headers=stall.owner.headers)
    assert made.status_code == 201
    return str(made.json()["id"])


async def test_price_keys_make_the_amount_and_the_note_without_a_script(stall: Stall) -> None:
    tea, bread = await add_price(stall, "Tea", "50"), await add_price(stall, "Bread", "65.50")
    browser = stall.browser()
    await browser.open(ASK)
    once = browser.fields(ASK)["once"]
    for key in (tea, tea, bread):
        pressed = {name: text for name, text in browser.fields(ASK).items() if name not in ("less", "how")}
        browser.page = await stall.client.post(
            ASK, data=pressed | {"add": key}, headers={"cookie": f"session={stall.owner.token}"}
        )
    fields = browser.fields(ASK)
    assert (fields["amount.amount"], fields["amount.currency"], fields["note"]) == ("165.50", "KES", "2 × Tea, Bread")
    assert fields["once"] == once
    assert await stall.asked() == []


async def test_a_line_is_taken_off_and_a_note_of_ones_own_stays(stall: Stall) -> None:
    tea = await add_price(stall, "Tea", "50")
    cookie = {"cookie": f"session={stall.owner.token}"}
    browser = stall.browser()
    await browser.open(ASK)
    form = {"csrf": browser.fields(ASK)["csrf"], f"line.{tea}": "2", "note": "For Asha", "less": tea}
    page = await stall.client.post(ASK, data=form, headers=cookie)
    assert 'value="50.00"' in page.text
    assert 'value="For Asha"' in page.text
    assert f'name="line.{tea}" value="1"' in page.text


async def test_a_key_of_another_currency_begins_a_new_order(stall: Stall) -> None:
    tea, tour = await add_price(stall, "Tea", "50"), await add_price(stall, "Tour", "20", "USD")
    browser = stall.browser()
    await browser.open(ASK)
    form = {"csrf": browser.fields(ASK)["csrf"], f"line.{tea}": "2", "note": "2 × Tea", "add": tour}
    page = await stall.client.post(ASK, data=form, headers={"cookie": f"session={stall.owner.token}"})
    assert f"line.{tea}" not in page.text
    assert 'value="20.00"' in page.text
    assert 'value="Tour"' in page.text


@pytest.mark.parametrize("count", ["0", "-1", "100", "x", "9999999999999999999999"])
async def test_nonsense_in_the_lines_of_an_order_is_no_line(stall: Stall, count: str) -> None:
    tea = await add_price(stall, "Tea", "50")
    browser = stall.browser()
    await browser.open(ASK)
    form = {"csrf": browser.fields(ASK)["csrf"], f"line.{tea}": count, "line.x": "1", "add": "nothing"}
    page = await stall.client.post(ASK, data=form, headers={"cookie": f"session={stall.owner.token}"})
    assert page.status_code == 200
    assert "order-line" not in page.text


async def test_a_suspended_shop_is_told_and_has_no_form(stall: Stall) -> None:
    await stall.put_into("suspended")
    browser = stall.browser()
    await browser.open(ASK)
    assert "You cannot take payments now" in browser.words
    assert "data-ask" not in browser.page.text


async def test_an_address_begins_the_form_but_never_with_a_phone(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open(ASK, amount="12.5", currency="KES", note="Tea", payer="254711000001")
    fields = browser.fields(ASK)
    assert (fields["amount.amount"], fields["note"], fields["payer.id"]) == ("12.5", "Tea", "")


async def test_an_owner_adds_changes_and_removes_a_price(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open("/shop/prices")
    assert "No prices yet" in browser.words
    await browser.open("/shop/prices/add")
    await browser.send("/shop/prices/add", label="Tea", amount__amount="50,50", amount__currency="KES")
    assert "The price is added." in browser.words
    assert "50.50 KES" in browser.words
    [key] = (await stall.client.get("/api/v1/price-keys", headers=stall.owner.headers)).json()["items"]
    await browser.open(f"/shop/prices/{key['id']}/change")
    await browser.send(f"/shop/prices/{key['id']}/change", label="", amount__amount="x")
    assert browser.status == 422
    await browser.send(f"/shop/prices/{key['id']}/change", label="Chai", amount__amount="60")
    assert "Chai" in browser.words
    await browser.open(f"/shop/prices/{key['id']}/remove")
    await browser.send(f"/shop/prices/{key['id']}/remove")
    assert "No prices yet" in browser.words


async def test_a_cashier_sees_prices_and_changes_none(stall: Stall) -> None:
    key = await add_price(stall, "Tea", "50")
    browser = stall.browser(stall.cashier)
    await browser.open("/shop/prices")
    assert "Tea" in browser.words
    assert "/change" not in browser.page.text
    await browser.open("/shop/prices/add")
    await browser.send("/shop/prices/add", label="Free", amount__amount="1", amount__currency="KES")
    assert browser.status == 403
    await browser.open(f"/shop/prices/{key}/remove")
    await browser.send(f"/shop/prices/{key}/remove")
    assert browser.status == 403


async def test_staff_ask_for_nothing_here(client: httpx.AsyncClient, world: World) -> None:
    cookie = {"cookie": f"session={world['greenbankfsp']['maker'].token}"}
    refused = await client.post(ASK, data={"amount.amount": "5"}, headers=cookie)
    assert refused.status_code in (403, 404)
