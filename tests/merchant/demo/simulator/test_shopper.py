"""Payments that a shopper starts: by number, by static and by dynamic code, over real HTTP."""

from typing import Any

import pytest

import qr
from merchant.demo.simulator.shopper import BadPurchase, Purchase, Scanned, read_purchase
from merchant.hub.fspiop.messages import WireMoney
from tests.merchant.demo.simulator.conftest import IMPATIENT
from tests.merchant.demo.simulator.stub_dfsp import ALIAS, StubDfsp

pytestmark = pytest.mark.anyio

ACCEPTS, REJECTS, SILENT, LATE = "255700000001", "255700000002", "255700000003", "255700000004"
TWICE, REORDERS, ALTERS, DROPS = "255700000005", "255700000006", "255700000007", "255700000008"


def code(**changes: Any) -> str:
    """The payload of a Mojaloop code for the stub's counter."""
    fields: dict[str, Any] = {
        "domain": "pay.example.org",
        "identifier": ALIAS,
        "name": "Corner Shop",
        "city": "Nairobi",
        "country": "KE",
        "currency": "KES",
        "mcc": "5411",
    }
    return qr.encode(qr.mojaloop_code(**fields | changes))


async def start(stub: StubDfsp, msisdn: str, **purchase: str) -> tuple[int, Any]:
    url = f"{stub.simulator_url}/shoppers/{msisdn}/pay"
    async with stub.http.post(url, json=purchase) as response:
        return response.status, await response.json()


async def pay_number(stub: StubDfsp, msisdn: str, **changes: str) -> str:
    purchase = {"alias": ALIAS, "amount": "12.50", "currency": "KES"} | changes
    status, started = await start(stub, msisdn, **purchase)
    assert status == 202
    return str(started["transaction_id"])


async def test_a_shopper_pays_a_number(stub: StubDfsp) -> None:
    transaction_id = await pay_number(stub, ACCEPTS, note="two teas")
    await stub.seen("PATCH", "/transfers/")
    row = await stub.ledger_state("COMMITTED")
    assert (row["transaction_id"], row["amount"]) == (transaction_id, "12.5")
    assert "transaction_request_id" not in row
    assert stub.oracle_queries == [{"currency": "KES", "secret": "gate"}]
    assert [f"{each.method} {each.path}".rsplit("/", 1)[0] for each in stub.arrivals] == [
        "GET /parties/ALIAS",
        "POST ",
        "POST ",
        "PATCH /transfers",
    ]
    quote = (await stub.seen("POST", "/quotes"))[0].body
    assert quote["transactionType"] == {"scenario": "PAYMENT", "initiator": "PAYER", "initiatorType": "CONSUMER"}
    assert quote["payee"]["partyIdInfo"]["fspId"] == "shopbank"
    assert (quote["note"], quote["transactionId"]) == ("two teas", transaction_id)
    assert "transactionRequestId" not in quote
    assert (await stub.phone_shows(ACCEPTS, "paid"))["text"] == "You paid 12.5 KES to Corner Shop."


async def test_a_dynamic_code_brings_amount_sub_id_and_reference(stub: StubDfsp) -> None:
    payload = code(amount="75", sub_id="AB2CD3EF", reference_label="AB2CD3EF")
    status, _ = await start(stub, ACCEPTS, qr_payload=payload)
    assert status == 202
    await stub.ledger_state("COMMITTED")
    assert stub.oracle_queries[0]["partySubIdOrType"] == "AB2CD3EF"
    assert (await stub.seen("GET", "/parties/"))[0].path == f"/parties/ALIAS/{ALIAS}/AB2CD3EF"
    quote = (await stub.seen("POST", "/quotes"))[0].body
    assert quote["amount"] == {"amount": "75", "currency": "KES"}
    assert quote["payee"]["partyIdInfo"]["partySubIdOrType"] == "AB2CD3EF"
    assert quote["extensionList"] == {"extension": [{"key": "QrReference", "value": "AB2CD3EF"}]}


@pytest.mark.parametrize(("msisdn", "kind"), [(REJECTS, "rejected"), (SILENT, None)])
async def test_a_shopper_who_does_not_confirm_leaves_a_quote_and_no_transfer(
    stub: StubDfsp, msisdn: str, kind: str | None
) -> None:
    await pay_number(stub, msisdn)
    await stub.until(lambda: len(stub.put_results) == 2)  # party and quote are answered
    if kind:
        await stub.phone_shows(msisdn, kind)
    await pay_number(stub, ACCEPTS)
    await stub.ledger_state("COMMITTED")
    assert len(await stub.seen("POST", "/transfers")) == 1


async def test_a_late_shopper_transfers_on_an_expired_quote(stub: StubDfsp) -> None:
    stub.quote_life_s, stub.transfer_refusal = 0.2, "3302"
    await pay_number(stub, LATE)
    await stub.ledger_state("ABORTED")
    assert "(3302)" in (await stub.phone_shows(LATE, "failed"))["text"]


async def test_an_altering_shopper_transfers_more_than_quoted(stub: StubDfsp) -> None:
    stub.transfer_refusal = "3106"
    await pay_number(stub, ALTERS)
    quote = (await stub.seen("POST", "/quotes"))[0].body
    transfer = (await stub.seen("POST", "/transfers"))[0].body
    assert (quote["amount"]["amount"], transfer["amount"]["amount"]) == ("12.5", "13.5")
    await stub.ledger_state("ABORTED")


@pytest.mark.parametrize(("msisdn", "patches"), [(TWICE, 2), (REORDERS, 1), (DROPS, 0)])
async def test_the_hub_s_ways_hold_for_shoppers_too(stub: StubDfsp, msisdn: str, patches: int) -> None:
    await pay_number(stub, msisdn)
    await stub.ledger_state("COMMITTED")
    await stub.phone_shows(msisdn, "paid")
    assert len(await stub.seen("PATCH", "/transfers/", patches)) == patches


async def test_a_number_the_oracle_does_not_know_cannot_be_paid(stub: StubDfsp) -> None:
    transaction_id = await pay_number(stub, ACCEPTS, alias="99999999")
    message = await stub.phone_shows(ACCEPTS, "failed")
    assert "3204" in message["text"]
    assert message["transaction_id"] == transaction_id
    assert stub.arrivals == []


async def test_a_refused_quote_is_shown_on_the_phone(stub: StubDfsp) -> None:
    stub.quote_refusal = "5200"
    await pay_number(stub, ACCEPTS)
    text = (await stub.phone_shows(ACCEPTS, "failed"))["text"]
    assert text == "Your payment of 12.5 KES to Corner Shop did not go through: the stub refuses (5200)."


@pytest.mark.parametrize("timings", [IMPATIENT])
async def test_a_dfsp_that_does_not_say_who_the_party_is_ends_the_payment(stub: StubDfsp) -> None:
    stub.status_of = lambda method, _: 202 if method == "GET" else None
    await pay_number(stub, ACCEPTS)
    assert "never answered" in (await stub.phone_shows(ACCEPTS, "failed"))["text"]


@pytest.mark.parametrize(
    "purchase",
    [
        {"alias": ALIAS, "amount": "5"},
        {"alias": ALIAS, "amount": "0", "currency": "KES"},
        {"alias": ALIAS, "amount": "1.234", "currency": "KES"},
        {"amount": "5", "currency": "KES"},
        {"alias": ALIAS, "qr_payload": "x", "amount": "5", "currency": "KES"},
        {"qr_payload": "000201", "amount": "5", "currency": "KES"},
        {"alias": ALIAS, "amount": "5", "currency": "KES", "tip": "1"},
        {"alias": "", "amount": "5", "currency": "KES"},
    ],
)
async def test_a_purchase_that_cannot_be_understood_is_400(stub: StubDfsp, purchase: dict[str, str]) -> None:
    status, answer = await start(stub, ACCEPTS, **purchase)
    assert status == 400
    assert answer["detail"]


@pytest.mark.parametrize("msisdn", ["1", "abc", "+", "2557000000011111111"])
async def test_what_is_no_phone_number_is_400(stub: StubDfsp, msisdn: str) -> None:
    status, _ = await start(stub, msisdn, alias=ALIAS, amount="5", currency="KES")
    assert status == 400


async def test_a_static_code_takes_the_amount_that_is_keyed_in() -> None:
    assert read_purchase(Purchase(qr_payload=code(), amount="5.00")) == Scanned(
        "ALIAS", ALIAS, None, WireMoney("KES", "5"), None, None
    )


async def test_a_code_of_another_currency_or_scheme_is_refused() -> None:
    with pytest.raises(BadPurchase, match="KES"):
        read_purchase(Purchase(qr_payload=code(), amount="5", currency="USD"))
    foreign = qr.MerchantCode(
        accounts=(qr.Account(tag="02", text="4000123456789012"),),
        mcc="5411",
        currency="404",
        country="KE",
        name="Other",
        city="Nairobi",
    )
    with pytest.raises(BadPurchase, match="scheme"):
        read_purchase(Purchase(qr_payload=qr.encode(foreign), amount="5"))
