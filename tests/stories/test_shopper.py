"""Shoppers who pay of their own accord: by number, by printed code, by the code of a request."""

import pytest

from tests.stories.town import Town

pytestmark = pytest.mark.anyio
SHOPPER, OTHER, ALTERING, LOSING = "254711000001", "254711000011", "254711000007", "254711000008"


async def test_a_shopper_types_the_merchants_number(town: Town) -> None:
    transaction_id = await town.scan(SHOPPER, alias=town.counter.alias, amount="4.20", currency="USD", note="2 papayas")
    payment = await town.payment_of(transaction_id)
    assert payment["amount"] == {"amount": "4.2", "currency": "USD"}
    assert (payment["note"], payment["payer"], payment["payment_request_id"]) == ("2 papayas", "2547*****001", None)
    assert town.merchant.trading_name in await town.phone_shows(SHOPPER, "paid")
    await town.books_agree()


async def test_a_shopper_scans_the_printed_code_of_a_counter(town: Town) -> None:
    code = await town.counter_code()
    payment = await town.payment_of(await town.scan(SHOPPER, qr_payload=code, amount="250", currency="USD"))
    assert (payment["counter_id"], payment["amount"]["amount"]) == (str(town.counter.id), "250")
    await town.books_agree()


async def test_a_shopper_scans_the_code_of_a_request_and_it_is_paid(town: Town) -> None:
    asked = await town.ask(None, "7.75")
    transaction_id = await town.scan(SHOPPER, qr_payload=asked["qr_payload"])
    paid = await town.ends(asked, "paid")
    assert (paid["hub"]["transaction_id"], paid["late"]) == (transaction_id, False)
    payment = await town.payment_of(transaction_id)
    assert payment["payment_request_id"] == asked["id"]
    await town.books_agree()


async def test_the_code_of_a_request_is_paid_once(town: Town) -> None:
    asked = await town.ask(None)
    await town.scan(SHOPPER, qr_payload=asked["qr_payload"])
    await town.ends(asked, "paid")
    await town.scan(OTHER, qr_payload=asked["qr_payload"])
    assert "cannot be paid" in await town.phone_shows(OTHER, "failed")
    assert len(await town.payments()) == 1
    await town.books_agree()


async def test_two_shoppers_at_once_pay_a_code_once(town: Town) -> None:
    asked = await town.ask(None)
    for shopper in (SHOPPER, OTHER):
        await town.scan(shopper, qr_payload=asked["qr_payload"])
    await town.ends(asked, "paid")
    [payment] = await town.payments()
    quick, slow = sorted((SHOPPER, OTHER), key=lambda shopper: not payment["payer"].endswith(shopper[-3:]))
    await town.phone_shows(quick, "paid")
    await town.phone_shows(slow, "failed")
    assert len(await town.payments()) == 1
    await town.books_agree()


async def test_shoppers_at_one_counter_at_once_all_pay(town: Town) -> None:
    shoppers = [f"25471100{number:02}{bank}1" for bank in (0, 1) for number in range(4)]
    transactions = [await town.scan(each, alias=town.counter.alias, amount="1", currency="USD") for each in shoppers]
    for transaction_id in transactions:
        await town.payment_of(transaction_id)
    assert len(await town.payments()) == len(shoppers)
    await town.books_agree()


async def test_a_mistyped_amount_on_a_requests_code_leaves_it_open(town: Town) -> None:
    asked = await town.ask(None, "7.75")
    await town.scan(OTHER, qr_payload=asked["qr_payload"], amount="77.5", currency="USD")
    await town.phone_shows(OTHER, "failed")
    assert (await town.request(asked))["state"] == "awaiting_payer"
    await town.scan(SHOPPER, qr_payload=asked["qr_payload"])
    await town.ends(asked, "paid")
    await town.books_agree()


async def test_a_code_of_a_request_whose_time_is_over_cannot_be_paid(town: Town) -> None:
    asked = await town.ask(None, expires_in_s=1)
    await town.ends(asked, "expired")
    await town.scan(SHOPPER, qr_payload=asked["qr_payload"])
    assert "cannot be paid" in await town.phone_shows(SHOPPER, "failed")
    assert await town.payments() == []


async def test_a_bank_that_transfers_another_amount_than_quoted_is_refused(town: Town) -> None:
    await town.scan(ALTERING, alias=town.counter.alias, amount="4", currency="USD")
    await town.phone_shows(ALTERING, "failed")
    assert [entry["state"] for entry in await town.ledger()] == ["ABORTED"]
    await town.books_agree()


async def test_a_payment_whose_notice_is_lost_arrives_when_the_hub_is_asked(town: Town) -> None:
    transaction_id = await town.scan(LOSING, alias=town.counter.alias, amount="4", currency="USD")
    await town.payment_of(transaction_id)
    await town.books_agree()


@pytest.mark.parametrize("alias", ["99999999", "no-such-shop"])
async def test_a_number_that_nobody_has_cannot_be_paid(town: Town, alias: str) -> None:
    await town.scan(SHOPPER, alias=alias, amount="4", currency="USD")
    assert "cannot be paid" in await town.phone_shows(SHOPPER, "failed")
    assert await town.ledger() == []


async def test_a_currency_that_the_shop_does_not_take_cannot_be_paid(town: Town) -> None:
    await town.scan(SHOPPER, alias=town.counter.alias, amount="400", currency="JPY")
    await town.phone_shows(SHOPPER, "failed")
    assert await town.ledger() == []


async def test_a_payment_over_the_shops_limit_does_not_go_through(town: Town) -> None:
    await town.scan(SHOPPER, alias=town.counter.alias, amount="10000.01", currency="USD")
    assert "limit" in await town.phone_shows(SHOPPER, "failed")
    assert await town.payments() == []
