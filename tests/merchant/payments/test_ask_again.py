"""Asking again: the same demand to the same customer, under the same reference; the earlier request ends."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from tests import builders
from tests.merchant.payments.stage import PAYER, Stage

pytestmark = pytest.mark.anyio


async def ask_again(stage: Stage, request: dict[str, Any], key: str | None = None, **headers: str) -> httpx.Response:
    path = f"/api/v1/payment-requests/{request['id']}/ask-again"
    return await stage.client.post(path, headers=stage.key | {"idempotency-key": key or uuid4().hex} | headers)


async def test_an_open_request_ends_and_the_customer_is_asked_anew(stage: Stage) -> None:
    request = await stage.asked(reference="order 7", note="two papayas")
    answer = await ask_again(stage, request)
    assert answer.status_code == 201, answer.text
    again = answer.json()
    for name in ("amount", "counter_id", "payer", "reference", "note"):
        assert again[name] == request[name]
    assert again["id"] != request["id"]
    earlier = await stage.read(request)
    assert (earlier["state"], earlier["reason"]["code"], earlier["reference"]) == (
        "cancelled",
        "asked_again",
        "order 7",
    )
    await stage.work()
    await stage.find_payer()
    asked = stage.hub.to("/transactionRequests", "POST")
    assert [sent.body["payer"]["partyIdentifier"] for sent in asked] == [PAYER, PAYER]
    assert len({sent.body["transactionRequestId"] for sent in asked}) == 2
    await stage.pay(again)
    assert (await stage.state(again), await stage.state(request)) == ("paid", "cancelled")


async def test_one_that_was_refused_may_be_asked_again_and_stays_as_it_ended(stage: Stage) -> None:
    request = await stage.asked()
    await stage.answer_request(request, "REJECTED")
    assert (await ask_again(stage, request)).status_code == 201
    assert await stage.state(request) == "rejected"


async def test_a_code_to_scan_may_be_shown_anew(stage: Stage) -> None:
    request = (await stage.create(payer=None)).json()
    again = (await ask_again(stage, request)).json()
    assert again["payer"] is None
    assert again["qr_payload"] != request["qr_payload"]


async def test_the_same_call_again_asks_once(stage: Stage) -> None:
    request = await stage.asked()
    first, second = [await ask_again(stage, request, "one-key") for _ in range(2)]
    assert first.json() == second.json()
    assert len(await stage.rows("SELECT 1 FROM payment_request")) == 2


async def test_what_was_paid_is_not_asked_again(stage: Stage) -> None:
    request = await stage.asked()
    await stage.pay(request)
    refused = await ask_again(stage, request)
    assert refused.status_code == 409
    assert len(await stage.rows("SELECT 1 FROM payment_request")) == 1


async def test_nobody_is_asked_twice_while_the_money_is_on_its_way(stage: Stage) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    refused = await ask_again(stage, request)
    assert (refused.status_code, refused.json()["code"]) == (409, "being_paid")
    await stage.end_transfer(transfer_id, "COMMITTED")
    assert await stage.state(request) == "paid"


async def test_a_merchant_that_may_not_take_payments_asks_nobody_and_its_request_stays(stage: Stage) -> None:
    request = await stage.asked()
    await stage.rows("UPDATE merchant SET state = 'suspended'")
    assert (await ask_again(stage, request)).status_code == 409
    assert await stage.state(request) == "sent"


async def test_anothers_request_is_not_found(stage: Stage) -> None:
    request = await stage.asked()
    other = await builders.issue_key(stage.service, stage.world["lakemfi"]["admin"], ["payments:request"])
    path = f"/api/v1/payment-requests/{request['id']}/ask-again"
    answer = await stage.client.post(path, headers=other | {"idempotency-key": uuid4().hex})
    assert answer.status_code == 404
    assert await stage.state(request) == "sent"


# --- a request that was asked again before ---------------------------------------------------------------------------

OPEN = "SELECT id FROM payment_request WHERE state IN ('created', 'sent', 'awaiting_payer', 'accepted')"


async def test_an_older_request_leads_to_the_one_that_took_its_place(stage: Stage) -> None:
    request = await stage.asked(reference="order 7")
    second = (await ask_again(stage, request)).json()
    third = (await ask_again(stage, second)).json()
    for earlier in (request, second):
        answer = await ask_again(stage, earlier)
        assert (answer.status_code, answer.json()["id"]) == (201, third["id"])
    assert [row["id"] for row in await stage.rows(OPEN)] == [UUID(third["id"])]


async def test_a_refused_request_leads_to_the_one_that_took_its_place(stage: Stage) -> None:
    request = await stage.asked()
    await stage.answer_request(request, "REJECTED")
    again = (await ask_again(stage, request)).json()
    assert (await ask_again(stage, request)).json()["id"] == again["id"]
    assert len(await stage.rows("SELECT 1 FROM payment_request")) == 2


async def test_when_all_have_ended_the_customer_is_asked_once_more(stage: Stage) -> None:
    request = await stage.asked()
    again = (await ask_again(stage, request)).json()
    path = f"/api/v1/payment-requests/{again['id']}/cancel"
    assert (await stage.client.post(path, headers=stage.key)).status_code == 200
    third = (await ask_again(stage, request)).json()
    assert third["id"] not in (request["id"], again["id"])
    assert (await ask_again(stage, again)).json()["id"] == third["id"]
    assert len(await stage.rows(OPEN)) == 1


async def test_one_whose_time_is_over_is_not_taken_for_open(stage: Stage) -> None:
    request = await stage.asked()
    again = (await ask_again(stage, request)).json()
    await stage.rows("UPDATE payment_request SET expires_at = created_at WHERE id = $1", UUID(again["id"]))
    third = (await ask_again(stage, request)).json()
    assert third["id"] != again["id"]
    assert await stage.state(again) == "cancelled"


async def test_nobody_is_asked_again_for_what_a_later_request_has_brought(stage: Stage) -> None:
    request = await stage.asked()
    await stage.answer_request(request, "REJECTED")
    again = (await ask_again(stage, request)).json()
    await stage.work()
    await stage.find_payer()
    transfer_id = await stage.reserved(again)
    refused = await ask_again(stage, request)
    assert (refused.status_code, refused.json()["code"]) == (409, "being_paid")
    await stage.end_transfer(transfer_id, "COMMITTED")
    refused = await ask_again(stage, request)
    assert refused.status_code == 409
    assert "paid" in refused.json()["detail"]
    assert not await stage.rows(OPEN)


async def test_nobody_is_asked_again_for_what_an_earlier_request_has_brought_late(stage: Stage) -> None:
    request = await stage.asked()
    await stage.rows("UPDATE payment_request SET state = 'expired', expires_at = created_at")
    again = (await ask_again(stage, request)).json()
    await stage.pay(request)  # the customer took their time
    assert await stage.state(request) == "paid"
    path = f"/api/v1/payment-requests/{again['id']}/cancel"
    assert (await stage.client.post(path, headers=stage.key)).status_code == 200
    refused = await ask_again(stage, again)
    assert refused.status_code == 409
    assert "paid" in refused.json()["detail"]
    assert not await stage.rows(OPEN)


async def test_the_newest_of_several_is_put_again_while_it_is_open(stage: Stage) -> None:
    request = await stage.asked()
    again = (await ask_again(stage, request)).json()
    third = (await ask_again(stage, again)).json()
    assert third["id"] != again["id"]
    assert (await stage.state(again), await stage.state(third)) == ("cancelled", "created")


@pytest.mark.parametrize("ends_first", [False, True], ids=["still open", "rejected"])
async def test_several_presses_at_once_make_one_request(stage: Stage, ends_first: bool) -> None:
    request = await stage.asked(reference="order 7")
    if ends_first:
        await stage.answer_request(request, "REJECTED")
    answers = await asyncio.gather(*(ask_again(stage, request) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await stage.rows(OPEN)) == 1


async def test_presses_at_once_on_an_older_and_on_the_newest_request_make_one(stage: Stage) -> None:
    request = await stage.asked()
    again = (await ask_again(stage, request)).json()
    path = f"/api/v1/payment-requests/{again['id']}/cancel"
    assert (await stage.client.post(path, headers=stage.key)).status_code == 200
    answers = await asyncio.gather(*(ask_again(stage, one) for one in (request, again, request, again)))
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(await stage.rows(OPEN)) == 1


async def test_where_no_new_request_can_be_made_none_takes_the_place(stage: Stage) -> None:
    request = await stage.asked()
    await stage.rows("UPDATE merchant SET state = 'suspended'")
    assert (await ask_again(stage, request)).status_code == 409
    await stage.rows("UPDATE merchant SET state = 'active'")
    assert (await ask_again(stage, request)).json()["id"] != request["id"]
    assert len(await stage.rows(OPEN)) == 1
