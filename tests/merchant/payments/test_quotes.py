"""Quotes: promised terms, every refusal with its code, and which request a quote pays."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from merchant.core import clock
from merchant.hub.fspiop import ilp
from merchant.hub.fspiop.messages import PartyIdInfo, TransactionType, WireMoney, parse_datetime
from merchant.payments.quotes import QUOTE_LIFE
from tests import builders
from tests.merchant.payments.stage import BANK, DFSP, MOBILE, Stage, in_s

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]


# --- terms ------------------------------------------------------------------------------------------------------------


async def test_terms_promise_the_amount_asked_for_without_a_fee(stage: Stage) -> None:
    quoted = await stage.quote(await stage.asked(amount={"amount": "12.50", "currency": "USD"}))
    assert quoted.path.endswith(quoted.path.rsplit("/", 1)[-1])
    wanted = {"amount": "12.5", "currency": "USD"}
    assert (quoted.body["transferAmount"], quoted.body["payeeReceiveAmount"]) == (wanted, wanted)


async def test_the_packet_holds_what_both_sides_agreed_on(stage: Stage) -> None:
    body = stage.quote_body(note="two papayas")
    quoted = await stage.send_quote(body)
    packet = ilp.parse_packet(quoted.body["ilpPacket"])
    assert packet.amount_minor == 1000
    agreed = packet.transaction
    assert (agreed["quoteId"], agreed["transactionId"], agreed["note"]) == (
        body.quote_id,
        body.transaction_id,
        "two papayas",
    )
    assert agreed["payee"]["partyIdInfo"]["fspId"] == DFSP
    assert agreed["payer"]["partyIdInfo"]["fspId"] == MOBILE
    assert agreed["expiration"] == quoted.body["expiration"]


async def test_how_long_a_quote_is_good_is_ours_to_say_however_long_the_payer_waits_for_it(
    stage: Stage, move_clock: Clock
) -> None:
    for seconds in (1, 20, 3600):
        expires_at = parse_datetime((await stage.quote(expiration=in_s(seconds))).body["expiration"])
        assert abs(expires_at - clock.now() - QUOTE_LIFE) < timedelta(milliseconds=1)
    quoted = await stage.quote(expiration=in_s(5))
    move_clock(timedelta(seconds=6))
    _, answer = await stage.transfer(quoted)
    assert answer.error_code is None


@pytest.mark.parametrize("scenario", ["WITHDRAWAL", "DEPOSIT", "REFUND"])
async def test_what_is_no_payment_is_refused_by_name(stage: Stage, scenario: str) -> None:
    kind = TransactionType(scenario, "PAYER", "CONSUMER")  # type: ignore[arg-type]
    refused = await stage.quote(transaction_type=kind)
    assert refused.error_code == "5102"
    assert "payments" in refused.body["errorInformation"]["errorDescription"]


async def test_a_transfer_between_people_to_a_shop_is_a_payment(stage: Stage) -> None:
    quoted = await stage.quote(transaction_type=TransactionType("TRANSFER", "PAYER", "CONSUMER"))
    assert quoted.error_code is None


async def test_a_payee_at_another_dfsp_is_not_quoted_for(stage: Stage) -> None:
    body = stage.quote_body()
    elsewhere = msgspec.structs.replace(body.payee.party_id_info, fsp_id="lakemfi")
    changed = msgspec.structs.replace(body, payee=msgspec.structs.replace(body.payee, party_id_info=elsewhere))
    assert (await stage.send_quote(changed)).error_code == "3203"


async def test_the_same_quote_again_gets_the_same_answer(stage: Stage) -> None:
    body = stage.quote_body(await stage.asked())
    first, again = await stage.send_quote(body), await stage.send_quote(body)
    assert first.raw == again.raw
    assert len(await stage.rows("SELECT 1 FROM quote")) == 1


async def test_copies_of_a_quote_at_once_are_one_quote(stage: Stage) -> None:
    body = stage.quote_body(await stage.asked())
    for _ in range(4):
        await stage.hub.say("POST", "/quotes", body)
    await stage.work()
    assert len({sent.raw for sent in stage.hub.to(f"/quotes/{body.quote_id}", "PUT")}) == 1
    assert await stage.rows("SELECT 1 FROM outbox") == []


async def test_a_question_for_a_quote_gets_its_answer_again(stage: Stage) -> None:
    body = stage.quote_body()
    first = await stage.send_quote(body)
    await stage.tell("GET", f"/quotes/{body.quote_id}")
    assert stage.hub.to(f"/quotes/{body.quote_id}", "PUT")[-1].raw == first.raw


@pytest.mark.parametrize("source", [MOBILE, BANK])
async def test_an_unknown_or_anothers_quote_is_said_to_be_unknown(stage: Stage, source: str) -> None:
    quote_id = str(uuid4())
    if source == BANK:
        quote_id = (await stage.quote()).path.rsplit("/", 1)[-1]
    await stage.tell("GET", f"/quotes/{quote_id}", source=source)
    assert stage.hub.to(f"/quotes/{quote_id}/error", "PUT")[-1].error_code == "3205"


async def test_terms_are_not_sent_once_nobody_can_use_them(stage: Stage, move_clock: Clock) -> None:
    body = stage.quote_body()
    stage.hub.statuses["quotes"] = [(503, None)]
    await stage.send_quote(body)
    move_clock(timedelta(minutes=4))
    await stage.work()
    assert len(stage.hub.to(f"/quotes/{body.quote_id}")) == 1
    assert await stage.rows("SELECT 1 FROM outbox") == []


@pytest.mark.parametrize(
    ("kind", "fees", "arrives"),
    [("SEND", "1", "9"), ("SEND", "0.01", "9.99"), ("SEND", "0", "10"), ("RECEIVE", "1", "10"), ("SEND", None, "10")],
)
async def test_what_arrives_of_an_amount_that_is_sent_is_less_by_the_disclosed_fees(
    stage: Stage, kind: str, fees: str | None, arrives: str
) -> None:
    quoted = await stage.quote(amount_type=kind, fees=fees and WireMoney("KES", fees))
    wanted = {"amount": arrives, "currency": "KES"}
    assert (quoted.body["transferAmount"], quoted.body["payeeReceiveAmount"]) == (wanted, wanted)
    await stage.end_transfer((await stage.transfer(quoted))[0], "COMMITTED")
    [paid] = await stage.payments()
    assert paid["amount"] == wanted


async def test_a_request_is_paid_by_what_arrives_of_an_amount_that_is_sent(stage: Stage) -> None:
    request, reference = await scannable(stage)
    amount = WireMoney("KES", "12")
    fees = WireMoney("KES", "2")
    assert request["amount"]["amount"] == "10"
    await stage.pay(sub_id=reference, amount="12", fees=fees)
    assert (await stage.read(request))["state"] == "paid"
    other, reference = await scannable(stage)
    assert (await stage.quote(sub_id=reference, amount=amount.amount)).error_code == "5101"
    assert (await stage.read(other))["state"] != "paid"


# --- refusals ---------------------------------------------------------------------------------------------------------


async def refused(stage: Stage, code: str, request: dict[str, Any] | None = None, **more: Any) -> None:
    """A quote is refused with this code, and nothing is promised."""
    answer = await stage.quote(request, **more)
    assert answer.error_code == code, answer.body
    assert await stage.rows("SELECT 1 FROM quote") == []


async def test_a_number_that_nobody_has_is_refused(stage: Stage) -> None:
    await refused(stage, "3204", alias="99999999")


async def test_a_number_of_another_type_is_refused(stage: Stage) -> None:
    body = stage.quote_body()
    payee = msgspec.structs.replace(body.payee, party_id_info=PartyIdInfo("BUSINESS", stage.counter.alias, None, DFSP))
    assert (await stage.send_quote(msgspec.structs.replace(body, payee=payee))).error_code == "3204"


async def test_a_number_of_another_dfsp_is_refused(stage: Stage) -> None:
    _, counters = await builders.create_merchant(stage.service, stage.world, "lakemfi")
    await refused(stage, "3204", alias=counters[0].alias)


@pytest.mark.parametrize("state", ["suspended", "closed"])
async def test_a_shop_that_may_not_take_payments_is_refused(stage: Stage, state: str) -> None:
    await stage.rows("UPDATE merchant SET state = $1", state)
    await refused(stage, "5400")


async def test_a_currency_the_shop_does_not_take_is_refused(stage: Stage) -> None:
    await refused(stage, "5106", currency="JPY")


@pytest.mark.parametrize(("amount", "currency"), [("10000.01", "USD"), ("999999999", "USD")])
async def test_an_amount_over_the_shops_limit_is_refused(stage: Stage, amount: str, currency: str) -> None:
    await refused(stage, "5200", amount=amount, currency=currency)


@pytest.mark.parametrize("fees", [WireMoney("KES", "10"), WireMoney("KES", "10.01"), WireMoney("USD", "1")])
async def test_fees_that_are_no_part_of_the_amount_are_refused(stage: Stage, fees: WireMoney) -> None:
    await refused(stage, "3100", fees=fees)


@pytest.mark.parametrize("amount", ["0", "1.001"])
async def test_an_invalid_amount_is_refused(stage: Stage, amount: str) -> None:
    await refused(stage, "3100", amount=amount)


async def test_a_quote_that_expired_before_it_came_is_refused(stage: Stage) -> None:
    await refused(stage, "3302", expiration=in_s(-1))


async def test_a_date_that_the_calendar_lacks_is_refused(stage: Stage) -> None:
    await refused(stage, "3101", expiration="2027-02-29T00:00:00.000Z")


async def test_a_request_that_nobody_made_is_refused(stage: Stage) -> None:
    await refused(stage, "3200", transaction_request_id=str(uuid4()))


async def test_a_request_of_another_counter_is_refused(stage: Stage) -> None:
    request = await stage.asked()
    _, counters = await builders.create_merchant(stage.service, stage.world)
    await refused(stage, "3200", request, alias=counters[0].alias)


async def test_the_same_id_with_other_content_is_refused(stage: Stage) -> None:
    body = stage.quote_body()
    first = await stage.send_quote(body)
    answer = await stage.send_quote(msgspec.structs.replace(body, note="changed"))
    assert answer.error_code == "3106"
    await stage.tell("GET", f"/quotes/{body.quote_id}")
    assert stage.hub.to(f"/quotes/{body.quote_id}", "PUT")[-1].raw == first.raw


async def test_the_same_id_of_another_payer_dfsp_is_another_quote(stage: Stage) -> None:
    body = stage.quote_body()
    await stage.send_quote(body)
    assert (await stage.send_quote(body, source=BANK)).error_code is None


@pytest.mark.parametrize("amount", ["9.99", "10.01", "1000"])
async def test_another_amount_than_asked_for_fails_the_request_with_a_reason(stage: Stage, amount: str) -> None:
    request = await stage.asked()
    await refused(stage, "5101", request, amount=amount)
    failed = await stage.read(request)
    assert (failed["state"], failed["reason"]["code"]) == ("failed", "amount_changed")
    assert "refused" in failed["reason"]["message"]


async def test_another_currency_than_asked_for_fails_the_request(stage: Stage) -> None:
    request = await stage.asked()
    await refused(stage, "5101", request, currency="USD")
    assert (await stage.read(request))["reason"]["code"] == "amount_changed"


async def test_the_right_amount_after_a_wrong_one_is_still_welcome(stage: Stage) -> None:
    request = await stage.asked()
    await stage.quote(request, amount="11")
    await stage.pay(request)
    paid = await stage.read(request)
    assert (paid["state"], paid["late"], paid["reason"]) == ("paid", True, None)


async def test_a_wrong_amount_does_not_fail_a_request_whose_money_is_in_doubt(stage: Stage, move_clock: Clock) -> None:
    request = await stage.asked()
    await stage.reserved(request)
    move_clock(timedelta(seconds=11))
    await stage.tick()
    await stage.quote(request, amount="11")
    assert await stage.state(request) == "in_doubt"


async def test_a_request_that_was_paid_takes_no_other_quote(stage: Stage) -> None:
    request = await stage.asked()
    await stage.pay(request)
    assert (await stage.quote(request)).error_code == "5101"


@pytest.mark.parametrize("ending", ["cancelled", "rejected"])
async def test_a_request_that_was_taken_back_or_refused_takes_no_quote(stage: Stage, ending: str) -> None:
    request = await stage.asked()
    if ending == "cancelled":
        await stage.client.post(f"/api/v1/payment-requests/{request['id']}/cancel", headers=stage.key)
    else:
        await stage.answer_request(request, "REJECTED")
    await refused(stage, "5101", request)
    assert await stage.state(request) == ending


# --- which request a quote pays (docs/contract.md, Payments) ---------------------------------------------------------


async def scannable(stage: Stage, **body: Any) -> tuple[dict[str, Any], str]:
    """A request without a payer, and the short reference that its code carries."""
    request = await stage.ask(payer=None, **body)
    assert request["state"] == "awaiting_payer"
    return request, request["pay_url"].rsplit(".", 1)[-1]


async def test_a_scanned_code_pays_its_request_by_sub_id(stage: Stage) -> None:
    request, reference = await scannable(stage)
    await stage.pay(sub_id=reference)
    paid = await stage.read(request)
    assert paid["state"] == "paid"
    assert paid["hub"]["transaction_id"] is not None


@pytest.mark.parametrize("text", ["{}", "order {}", "{}.", "ref:{}/7"])
async def test_a_note_that_holds_the_reference_pays_the_request(stage: Stage, text: str) -> None:
    request, reference = await scannable(stage)
    await stage.pay(note=text.format(reference))
    assert await stage.state(request) == "paid"


async def test_the_qr_reference_extension_pays_the_request(stage: Stage) -> None:
    request, reference = await scannable(stage)
    await stage.pay(reference=reference)
    assert await stage.state(request) == "paid"


async def test_the_transaction_id_told_at_received_pays_the_request(stage: Stage) -> None:
    request, transaction_id = await stage.asked(), str(uuid4())
    await stage.answer_request(request, "RECEIVED", transaction_id=transaction_id)
    await stage.pay(transaction_id=transaction_id)
    assert await stage.state(request) == "paid"


async def test_the_hints_are_heard_in_the_contracts_order(stage: Stage) -> None:
    requests = [await scannable(stage) for _ in range(4)]
    by_id, by_sub_id, by_note, by_extension = (request for request, _ in requests)
    hints: dict[str, Any] = {"sub_id": requests[1][1], "note": requests[2][1], "reference": requests[3][1]}
    await stage.pay(by_id, **hints)
    assert await stage.state(by_id) == "paid"
    await stage.pay(**hints)
    assert await stage.state(by_sub_id) == "paid"
    await stage.pay(note=hints["note"], reference=hints["reference"])
    assert await stage.state(by_note) == "paid"
    await stage.pay(note=hints["note"], reference=hints["reference"])
    assert await stage.state(by_extension) == "paid", "a reference that is paid already is no hint any more"


@pytest.mark.parametrize("hint", ["note", "reference"])
async def test_a_hint_that_does_not_fit_makes_a_payment_of_its_own(stage: Stage, hint: str) -> None:
    request, reference = await scannable(stage)
    await stage.pay(amount="7", **{hint: reference})
    assert await stage.state(request) == "awaiting_payer"
    [payment] = await stage.payments()
    assert (payment["payment_request_id"], payment["amount"]["amount"]) == (None, "7")


async def test_a_payment_without_any_hint_is_one_of_its_own(stage: Stage) -> None:
    request, _ = await scannable(stage)
    transfer_id = await stage.pay(note="two papayas")
    assert await stage.state(request) == "awaiting_payer"
    [payment] = await stage.payments()
    assert (payment["payment_request_id"], payment["note"], payment["hub"]["transfer_id"]) == (
        None,
        "two papayas",
        transfer_id,
    )


async def test_a_sub_id_that_no_request_has_is_refused(stage: Stage) -> None:
    await refused(stage, "3204", sub_id="ZZZZZZZZ")


async def test_a_sub_id_of_another_counter_is_refused(stage: Stage) -> None:
    _, reference = await scannable(stage)
    _, counters = await builders.create_merchant(stage.service, stage.world)
    await refused(stage, "3204", alias=counters[0].alias, sub_id=reference)


async def test_another_amount_on_a_scanned_code_leaves_its_request_open(stage: Stage) -> None:
    request, reference = await scannable(stage)
    await refused(stage, "5101", sub_id=reference, amount="11")
    assert await stage.state(request) == "awaiting_payer"


async def test_a_code_scanned_after_its_time_is_paid_late(stage: Stage, move_clock: Clock) -> None:
    request, reference = await scannable(stage, expires_in_s=10)
    move_clock(timedelta(seconds=11))
    await stage.tick()
    assert await stage.state(request) == "expired"
    await stage.pay(sub_id=reference)
    paid = await stage.read(request)
    assert (paid["state"], paid["late"]) == ("paid", True)


async def test_only_the_dfsp_that_was_asked_may_quote_for_its_customer(stage: Stage) -> None:
    request = await stage.asked()
    quoted = await stage.quote(request, source=BANK)
    assert quoted.error_code == "3200"
    assert await stage.state(request) == "sent"


async def test_a_request_to_one_customer_may_be_paid_by_another_of_the_same_dfsp(stage: Stage) -> None:
    request = await stage.asked()
    await stage.pay(request, payer="254722000000")
    assert await stage.state(request) == "paid"
    [payment] = await stage.payments()
    assert payment["payer"] == "2547*****000"
