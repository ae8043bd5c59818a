"""Refunds at a hub: the money goes back to whom it came from, in full, once, and never more than was paid."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from merchant.core import clock
from merchant.hub.fspiop.messages import TransfersPatch, WireMoney, encode
from tests.merchant.payments.refunds import payee
from tests.merchant.payments.stage import BANK, DFSP, HUB, MOBILE, PAYER, STRANGER, Stage, in_s
from tests.merchant.payments.test_senders import without_destination

pytestmark = pytest.mark.anyio


async def age(stage: Stage, refund: dict[str, Any], by: timedelta) -> None:
    """Let time pass for a refund."""
    await stage.rows(
        "UPDATE refund SET expires_at = expires_at - $2::interval, check_at = check_at - $2::interval"
        " WHERE id = $1 RETURNING id",
        refund["id"],
        by,
    )


# --- money goes back -------------------------------------------------------------------------------------------------


async def test_the_whole_payment_goes_back_to_the_dfsp_and_the_account_it_came_from(stage: Stage) -> None:
    payment = await payee.paid(stage)
    refund = await payee.asked(stage, payment)
    assert (refund["amount"], refund["payment_id"]) == ({"amount": "10", "currency": "KES"}, payment["id"])
    asked = payee.quote_of(stage, refund)
    assert (asked.headers["fspiop-destination"], asked.headers["fspiop-source"]) == (MOBILE, DFSP)
    assert asked.body["transactionType"] == {
        "scenario": "REFUND",
        "initiator": "PAYER",
        "initiatorType": "BUSINESS",
        "refundInfo": {"originalTransactionId": payment["hub"]["transaction_id"], "refundReason": "CUST"},
    }
    assert asked.body["payee"]["partyIdInfo"] == {
        "partyIdType": "MSISDN",
        "partyIdentifier": PAYER,
        "fspId": MOBILE,
    }
    assert (asked.body["amountType"], asked.body["amount"]) == ("RECEIVE", {"amount": "10", "currency": "KES"})
    assert (await payee.read(stage, refund))["state"] == "sent"
    await payee.answer_quote(stage, refund)
    transfer = payee.transfer_of(stage, refund)
    assert transfer is not None
    assert (transfer.body["payerFsp"], transfer.body["payeeFsp"]) == (DFSP, MOBILE)
    assert transfer.body["amount"] == {"amount": "10", "currency": "KES"}
    assert (await payee.read(stage, refund))["state"] == "accepted"
    await payee.end(stage, refund)
    done = await payee.read(stage, refund)
    assert (done["state"], done["late"], done["ended_because"]) == ("refunded", False, None)
    assert done["refunded_at"] is not None


async def test_parts_go_back_one_after_another_until_nothing_is_left(stage: Stage) -> None:
    payment = await payee.paid(stage)
    await payee.refunded(stage, payment, "4")
    await payee.refunded(stage, payment, "1.50")
    rest = await payee.refunded(stage, payment)
    assert rest["amount"]["amount"] == "4.5"
    over = await payee.ask_for(stage, payment)
    assert (over.status_code, over.json()["code"]) == (422, "over_refundable")
    listed = await stage.client.get(f"/api/v1/payments/{payment['id']}/refunds", headers=stage.key)
    assert [one["amount"]["amount"] for one in listed.json()["items"]] == ["4.5", "1.5", "4"]


async def test_a_scanned_payment_without_a_request_is_given_back_too(stage: Stage) -> None:
    await stage.pay(None)
    payment = (await stage.payments())[0]
    assert payment["payment_request_id"] is None
    await payee.refunded(stage, payment)


async def test_one_of_an_early_release_goes_to_the_payer_of_its_request(stage: Stage) -> None:
    payment = await payee.paid(stage)
    await stage.rows("UPDATE payment SET payer_sealed = NULL RETURNING id")
    refund = await payee.asked(stage, payment)
    assert payee.quote_of(stage, refund).body["payee"]["partyIdInfo"]["partyIdentifier"] == PAYER


async def test_whose_payer_is_not_kept_says_so(stage: Stage) -> None:
    await stage.pay(None)
    payment = (await stage.payments())[0]
    await stage.rows("UPDATE payment SET payer_sealed = NULL RETURNING id")
    refused = await payee.ask_for(stage, payment)
    assert (refused.status_code, refused.json()["code"]) == (409, "payer_not_kept")


@pytest.mark.parametrize(
    ("amount", "currency", "status", "code"),
    [
        ("10.01", "KES", 422, "over_refundable"),
        ("5", "USD", 422, "over_refundable"),
        ("0", "KES", 422, "invalid_fields"),
        ("1.005", "KES", 422, "invalid_fields"),
        ("-1", "KES", 422, "invalid_fields"),
        ("1", "XXQ", 422, "invalid_fields"),
    ],
)
async def test_other_amounts_are_refused(stage: Stage, amount: str, currency: str, status: int, code: str) -> None:
    payment = await payee.paid(stage)
    refused = await payee.ask_for(stage, payment, amount, currency)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert await stage.rows("SELECT 1 FROM refund") == []


async def test_ten_at_once_give_no_more_than_was_paid(stage: Stage) -> None:
    payment = await payee.paid(stage)
    answers = await asyncio.gather(*(payee.ask_for(stage, payment, "4") for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, *[422] * 8]


async def test_the_same_call_again_gives_once(stage: Stage) -> None:
    payment = await payee.paid(stage)
    first, second = [await payee.ask_for(stage, payment, "4", key="one-key") for _ in range(2)]
    assert first.json() == second.json()
    assert len(await stage.rows("SELECT 1 FROM refund")) == 1


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [("DUPL", "DUPL", None), ("AM09", "AM09", None), ("broken eggs", "NARR", "broken eggs")],
)
async def test_a_reason_is_a_code_of_iso_20022_or_words(
    stage: Stage, reason: str, code: str, words: str | None
) -> None:
    payment = await payee.paid(stage)
    refund = await payee.asked(stage, payment, reason=reason)
    assert (refund["reason"], refund["words"]) == (code, words)
    told = payee.quote_of(stage, refund).body["transactionType"]["refundInfo"]["refundReason"]
    assert told == (words or code)


async def test_an_old_payment_is_not_given_back(stage: Stage) -> None:
    payment = await payee.paid(stage)
    await stage.rows("UPDATE payment SET received_at = $1 RETURNING id", clock.now() - timedelta(days=180, minutes=1))
    refused = await payee.ask_for(stage, payment)
    assert (refused.status_code, refused.json()["code"]) == (409, "refund_window_closed")


# --- the quote -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        {"transfer_amount": WireMoney("KES", "11")},
        {"payee_receive_amount": WireMoney("KES", "9")},
        {"transfer_amount": WireMoney("USD", "10")},
        {"ilp_packet": "AQAA"},
    ],
)
async def test_an_answer_by_which_less_would_arrive_moves_no_money(stage: Stage, answer: dict[str, Any]) -> None:
    refund = await payee.asked(stage, await payee.paid(stage))
    await payee.answer_quote(stage, refund, **answer)
    assert payee.transfer_of(stage, refund) is None
    failed = await payee.read(stage, refund)
    assert failed["state"] == "failed"
    assert "No money has moved" in failed["ended_because"]["message"]


async def test_what_failed_may_be_given_again(stage: Stage) -> None:
    payment = await payee.paid(stage)
    refund = await payee.asked(stage, payment)
    await payee.refuse_quote(stage, refund, "5103")
    assert (await payee.read(stage, refund))["state"] == "failed"
    await payee.refunded(stage, payment)


async def test_a_busy_hub_is_asked_again_with_the_same_quote(stage: Stage) -> None:
    refund = await payee.asked(stage, await payee.paid(stage))
    await payee.refuse_quote(stage, refund, "2003", HUB)
    assert (await payee.read(stage, refund))["state"] == "sent"
    await age(stage, refund, timedelta(seconds=31))
    await stage.tick()
    asked = stage.hub.to("/quotes", "POST")
    assert len(asked) == 2
    assert len({one.body["quoteId"] for one in asked}) == 1
    await payee.answer_quote(stage, refund)
    await payee.end(stage, refund)
    assert (await payee.read(stage, refund))["state"] == "refunded"


async def test_a_quote_that_nobody_answers_is_given_up_and_moves_no_money(stage: Stage) -> None:
    refund = await payee.asked(stage, await payee.paid(stage))
    await age(stage, refund, timedelta(minutes=11))
    await stage.tick()
    failed = await payee.read(stage, refund)
    assert (failed["state"], failed["ended_because"]["code"]) == ("failed", "no_answer")
    await payee.answer_quote(stage, refund)
    assert payee.transfer_of(stage, refund) is None


async def test_an_answer_that_comes_twice_sends_one_transfer(stage: Stage) -> None:
    refund = await payee.sent(stage, await payee.paid(stage))
    await payee.answer_quote(stage, refund)
    assert len(stage.hub.to("/transfers", "POST")) == 1


async def test_another_dfsp_answers_no_quote_of_ours(stage: Stage) -> None:
    refund = await payee.asked(stage, await payee.paid(stage))
    await payee.answer_quote(stage, refund, source=BANK)
    assert payee.transfer_of(stage, refund) is None
    assert (await payee.read(stage, refund))["state"] == "sent"


async def test_a_quote_that_the_hub_refuses_at_once_fails(stage: Stage) -> None:
    payment = await payee.paid(stage)
    stage.hub.statuses["quotes"] = [(400, "3201")]
    refund = await payee.asked(stage, payment)
    assert (await payee.read(stage, refund))["state"] == "failed"


# --- the transfer ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [MOBILE, HUB])
async def test_the_payees_proof_or_the_hubs_word_ends_it(stage: Stage, source: str) -> None:
    refund = await payee.sent(stage, await payee.paid(stage))
    await payee.end(stage, refund, source=source)
    assert (await payee.read(stage, refund))["state"] == "refunded"


@pytest.mark.parametrize("proof", [None, "A" * 43])
async def test_a_payee_without_the_right_proof_is_not_believed(stage: Stage, proof: str | None) -> None:
    refund = await payee.sent(stage, await payee.paid(stage))
    await payee.end(stage, refund, proof=proof)
    assert (await payee.read(stage, refund))["state"] == "accepted"
    await payee.end(stage, refund, source=HUB, proof=None)
    assert (await payee.read(stage, refund))["state"] == "refunded"


async def test_another_dfsp_ends_no_transfer_of_ours(stage: Stage) -> None:
    refund = await payee.sent(stage, await payee.paid(stage))
    await payee.end(stage, refund, source=BANK)
    assert (await payee.read(stage, refund))["state"] == "accepted"


@pytest.mark.parametrize(("code", "source"), [("5104", MOBILE), ("4001", HUB), ("5200", HUB), ("2001", MOBILE)])
async def test_a_transfer_that_is_refused_moves_no_money_and_may_be_given_again(
    stage: Stage, code: str, source: str
) -> None:
    payment = await payee.paid(stage)
    refund = await payee.sent(stage, payment)
    await payee.fail_transfer(stage, refund, code, source)
    assert (await payee.read(stage, refund))["state"] == "failed"
    await payee.refunded(stage, payment)


async def test_an_aborted_transfer_moves_no_money(stage: Stage) -> None:
    refund = await payee.sent(stage, await payee.paid(stage))
    await payee.end(stage, refund, "ABORTED", source=HUB)
    failed = await payee.read(stage, refund)
    assert (failed["state"], failed["ended_because"]["code"]) == ("failed", "not_moved")


@pytest.mark.parametrize("code", ["2001", "3208", "3303"])
async def test_an_error_that_says_nothing_for_certain_ends_nothing(stage: Stage, code: str) -> None:
    payment = await payee.paid(stage)
    refund = await payee.sent(stage, payment)
    await payee.fail_transfer(stage, refund, code)
    assert (await payee.read(stage, refund))["state"] == "accepted"
    again = await payee.ask_for(stage, payment)
    assert again.json()["code"] == "over_refundable"


async def test_silence_is_doubt_and_the_hub_is_asked_until_it_says(stage: Stage) -> None:
    payment = await payee.paid(stage)
    refund = await payee.sent(stage, payment)
    await age(stage, refund, timedelta(minutes=30))
    await stage.tick()
    assert (await payee.read(stage, refund))["state"] == "in_doubt"
    assert len(stage.hub.to(f"/transfers/{refund['hub']['transfer_id']}", "GET")) == 1
    assert (await payee.ask_for(stage, payment)).json()["code"] == "over_refundable"
    await payee.fail_transfer(stage, refund, "2001")
    assert (await payee.read(stage, refund))["state"] == "in_doubt"
    await payee.fail_transfer(stage, refund, "3208")
    assert (await payee.read(stage, refund))["state"] == "failed"


async def test_late_truth_wins_and_is_flagged(stage: Stage) -> None:
    refund = await payee.sent(stage, await payee.paid(stage))
    await payee.end(stage, refund, "ABORTED", source=HUB)
    await payee.end(stage, refund, "COMMITTED", source=HUB)
    done = await payee.read(stage, refund)
    assert (done["state"], done["late"]) == ("refunded", True)


async def test_a_transfer_that_the_hub_refuses_at_once_is_in_doubt_until_it_says(stage: Stage) -> None:
    refund = await payee.asked(stage, await payee.paid(stage))
    stage.hub.statuses["transfers"] = [(400, "3100")]
    await payee.answer_quote(stage, refund)
    assert (await payee.read(stage, refund))["state"] == "in_doubt"
    await payee.end(stage, refund, source=HUB)
    assert (await payee.read(stage, refund))["state"] == "refunded"


async def test_the_hubs_word_that_comes_twice_changes_nothing(stage: Stage) -> None:
    payment = await payee.paid(stage)
    refund = await payee.refunded(stage, payment)
    await payee.end(stage, refund)
    await payee.end(stage, refund, "ABORTED", source=HUB)
    again = await payee.read(stage, refund)
    assert (again["state"], again["refunded_at"]) == ("refunded", refund["refunded_at"])
    used = await stage.rows("SELECT taken_minor, payments FROM limit_usage WHERE currency = 'KES'")
    assert {(row["taken_minor"], row["payments"]) for row in used} == {(0, 1)}


# --- limits, history, words ------------------------------------------------------------------------------------------


async def test_a_refund_frees_the_limits_but_not_the_number_of_payments(stage: Stage) -> None:
    payment = await payee.paid(stage)
    await payee.refunded(stage, payment, "4")
    used = await stage.rows("SELECT period, taken_minor, payments FROM limit_usage WHERE currency = 'KES'")
    assert {(row["taken_minor"], row["payments"]) for row in used} == {(600, 1)}
    assert len(used) == 2


async def test_one_of_an_earlier_day_frees_that_day_and_not_today(stage: Stage) -> None:
    payment = await payee.paid(stage)
    await stage.rows("UPDATE transfer SET usage_day = '2026-01-31' RETURNING transfer_id")
    await payee.refunded(stage, payment)
    used = await stage.rows("SELECT period, taken_minor FROM limit_usage ORDER BY period")
    assert [(row["period"], row["taken_minor"]) for row in used[:2]] == [("2026-01", -1000), ("2026-01-31", -1000)]
    assert {row["taken_minor"] for row in used[2:]} == {1000}


async def test_its_history_names_each_step(stage: Stage) -> None:
    refund = await payee.refunded(stage, await payee.paid(stage))
    answer = await stage.client.get(f"/api/v1/refunds/{refund['id']}/events", headers=stage.key)
    assert [step["state"] for step in answer.json()["items"]] == ["created", "sent", "accepted", "refunded"]


async def test_what_happens_to_it_is_announced_without_the_payers_number(stage: Stage) -> None:
    await payee.refunded(stage, await payee.paid(stage))
    told = await stage.rows("SELECT event_type, body FROM announced_event WHERE event_type LIKE 'refund.%' ORDER BY id")
    assert [row["event_type"] for row in told] == ["refund.created", "refund.refunded"]
    assert all(PAYER.encode() not in row["body"] for row in told)


async def test_the_payer_is_sealed_at_rest(stage: Stage) -> None:
    await payee.asked(stage, await payee.paid(stage))
    rows = await stage.rows("SELECT r::text AS refund, p::text AS payment FROM refund r JOIN payment p ON true")
    assert rows
    assert all(PAYER not in row["refund"] + row["payment"] for row in rows)


async def test_without_a_destination_the_answers_find_their_refund(stage: Stage) -> None:
    refund = await payee.asked(stage, await payee.paid(stage))
    sent = payee.quote_of(stage, refund)
    await without_destination(stage, "PUT", f"/quotes/{sent.body['quoteId']}", encode(payee.answer_of(sent)))
    assert (await payee.read(stage, refund))["state"] == "accepted"
    done = TransfersPatch("COMMITTED", in_s(0))
    await without_destination(stage, "PUT", f"/transfers/{refund['hub']['transfer_id']}", encode(done), source=HUB)
    assert (await payee.read(stage, refund))["state"] == "refunded"


async def test_a_stranger_is_not_heard(stage: Stage) -> None:
    refund = await payee.asked(stage, await payee.paid(stage))
    sent = payee.quote_of(stage, refund)
    path = f"/quotes/{sent.body['quoteId']}"
    refused = await stage.hub.say("PUT", path, payee.answer_of(sent), source=STRANGER)
    assert refused.status_code == 400
    assert (await payee.read(stage, refund))["state"] == "sent"
