"""Requests to pay through the simulated hub, each kind of customer, over real HTTP."""

import asyncio
from uuid import uuid4

import pytest

from merchant.core.money import Money
from merchant.hub.fspiop.jws import load_signing_key
from merchant.hub.fspiop.messages import (
    Party,
    PartyIdInfo,
    QuotesPost,
    TransactionRequestsPut,
    TransactionType,
    TransfersPatch,
    encode,
    to_wire,
)
from tests.merchant.demo.simulator.conftest import new_ec_key
from tests.stories.town import Town, until

pytestmark = pytest.mark.anyio

# The last digit chooses how a customer behaves (docs/contract.md, Simulator).
ACCEPT, REJECT, SILENT, LATE, TWICE, REORDER, AMOUNT, DROP, UNKNOWN = (f"25471100000{digit}" for digit in range(1, 10))


async def test_a_customer_agrees_and_the_shop_is_paid(town: Town) -> None:
    asked = await town.ask(ACCEPT)
    paid = await town.ends(asked, "paid")
    assert await town.route(asked) == ["created", "sent", "awaiting_payer", "accepted", "paid"]
    assert (paid["late"], paid["reason"], paid["payer"]["id"]) == (False, None, "2547*****001")
    [entry] = await town.ledger()
    assert entry["transaction_request_id"] == paid["hub"]["transaction_request_id"]
    assert entry["transfer_id"] == paid["hub"]["transfer_id"]
    assert entry["payee_alias"] == town.counter.alias
    assert town.merchant.trading_name in await town.phone_shows(ACCEPT, "asked")
    await town.books_agree()


async def test_a_customer_says_no(town: Town) -> None:
    asked = await town.ask(REJECT)
    ended = await town.ends(asked, "rejected")
    assert (ended["reason"]["code"], ended["reason"]["message"]) == ("payer_rejected", "The customer said no.")
    assert await town.ledger() == []


async def test_a_customer_never_answers(town: Town) -> None:
    asked = await town.ask(SILENT, expires_in_s=1)
    ended = await town.ends(asked, "expired")
    assert ended["reason"]["code"] == "request_expired"
    assert await town.ledger() == []


async def test_a_customer_pays_too_late_and_the_money_is_told_as_late(town: Town) -> None:
    asked = await town.ask(LATE, expires_in_s=1)
    paid = await town.ends(asked, "paid")
    assert paid["late"]
    assert "expired" in await town.route(asked)
    await town.books_agree()


async def test_a_hub_that_says_everything_twice_pays_once(town: Town) -> None:
    asked = await town.ask(TWICE)
    await town.ends(asked, "paid")
    await town.phone_shows(TWICE, "paid")
    assert (await town.route(asked)).count("paid") == 1
    assert len(await town.payments()) == 1
    await town.books_agree()


async def test_a_hub_that_says_things_in_the_wrong_order_is_understood(town: Town) -> None:
    asked = await town.ask(REORDER)
    await town.ends(asked, "paid")
    await town.books_agree()


async def test_a_bank_that_offers_another_amount_is_refused(town: Town) -> None:
    asked = await town.ask(AMOUNT)
    ended = await town.ends(asked, "failed")
    assert ended["reason"]["code"] == "amount_changed"
    await town.phone_shows(AMOUNT, "failed")
    assert await town.ledger() == []


async def test_a_lost_notice_is_in_doubt_until_the_hub_is_asked(town: Town) -> None:
    asked = await town.ask(DROP)
    paid = await town.ends(asked, "paid")
    assert (await town.route(asked))[-2:] == ["in_doubt", "paid"]
    assert not paid["late"]
    await town.books_agree()


async def test_a_number_that_the_hub_does_not_know(town: Town) -> None:
    ended = await town.ends(await town.ask(UNKNOWN), "failed")
    assert ended["reason"]["code"] == "payer_not_found"
    assert await town.ledger() == []


async def test_a_customer_who_thinks_for_long_finds_the_request_taken_back(town: Town) -> None:
    await town.behave(ACCEPT, "accept", delay_s=1)
    asked = await town.ask(ACCEPT)
    await town.ends(asked, "awaiting_payer")
    url = f"{town.service.settings.base_url}/api/v1/payment-requests/{asked['id']}/cancel"
    async with town.http.post(url, headers=town.key) as response:
        assert response.status == 200
    await town.phone_shows(ACCEPT, "failed")
    assert (await town.request(asked))["state"] == "cancelled"
    assert await town.payments() == []


async def test_many_customers_at_once_are_all_told_apart(town: Town) -> None:
    ends = {
        ACCEPT: "paid",
        REJECT: "rejected",
        TWICE: "paid",
        REORDER: "paid",
        AMOUNT: "failed",
        DROP: "paid",
        UNKNOWN: "failed",
        "254711000011": "paid",
    }
    asked = [(await town.ask(payer, f"{number + 1}.25"), end) for number, (payer, end) in enumerate(ends.items())]
    await asyncio.gather(*(town.ends(request, end) for request, end in asked))
    await town.books_agree()
    assert sorted(one["amount"]["amount"] for one in await town.payments()) == ["1.25", "3.25", "4.25", "6.25", "8.25"]


# --- forgers ---------------------------------------------------------------------------------------------------------


async def test_a_forged_notice_pays_nothing(town: Town) -> None:
    await town.behave(ACCEPT, "silent")
    asked = await town.ask(ACCEPT, expires_in_s=2)
    await town.ends(asked, "awaiting_payer")
    quote = encode(
        QuotesPost(
            quote_id=str(uuid4()),
            transaction_id=str(uuid4()),
            amount_type="RECEIVE",
            payee=Party(PartyIdInfo("ALIAS", town.counter.alias, None, "greenbankfsp")),
            payer=Party(PartyIdInfo("MSISDN", ACCEPT, None, "mobilemoney")),
            amount=to_wire(Money(1250, "USD")),
            transaction_type=TransactionType("PAYMENT", "PAYEE", "BUSINESS"),
            transaction_request_id=asked["hub"]["transaction_request_id"],
        )
    )
    forger, real = load_signing_key(new_ec_key(), "forger"), town.stolen_key("mobilemoney")
    assert await town.say("POST", "/quotes", quote, "mobilemoney", forger) == (400, "3105")
    assert await town.say("POST", "/quotes", quote, "mobilemoney", None) == (400, "3105")
    # A real signature, but the amount was changed on the way.
    altered = quote.replace(b'"12.5"', b'"1.25"')
    assert altered != quote
    assert await town.say("POST", "/quotes", quote, "mobilemoney", real, sent_body=altered) == (400, "3105")
    assert (await town.request(asked))["state"] == "awaiting_payer"
    await town.ends(asked, "expired")
    assert await town.ledger() == []


async def test_a_forged_refusal_ends_nothing(town: Town) -> None:
    await town.behave(ACCEPT, "accept", delay_s=0.5)
    asked = await town.ask(ACCEPT)
    await town.ends(asked, "awaiting_payer")
    path = f"/transactionRequests/{asked['hub']['transaction_request_id']}"
    no = encode(TransactionRequestsPut("REJECTED"))
    assert await town.say("PUT", path, no, "mobilemoney", load_signing_key(new_ec_key(), "f")) == (400, "3105")
    # Another participant's own good signature does not make it the payer's bank.
    assert await town.say("PUT", path, no, "savingsbank", town.stolen_key("savingsbank")) == (200, None)
    assert (await town.ends(asked, "paid"))["reason"] is None


async def test_a_forged_commit_of_a_transfer_under_way_is_refused(town: Town) -> None:
    asked = await town.ask(DROP)

    async def transfer_id() -> str | None:
        return (await town.request(asked))["hub"]["transfer_id"]

    path = f"/transfers/{await until(transfer_id, 'the transfer comes')}"
    word = encode(TransfersPatch("COMMITTED"))
    assert await town.say("PATCH", path, word, "hub", load_signing_key(new_ec_key(), "f")) == (400, "3105")
    assert await town.say("PATCH", path, word, "hub", None) == (400, "3105")
    await town.ends(asked, "paid")
    assert "in_doubt" in await town.route(asked), "only the hub's own answer settled it"
    await town.books_agree()
