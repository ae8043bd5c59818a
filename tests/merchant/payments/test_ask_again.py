"""Asking again: the same demand to the same customer, under the same reference; the earlier request ends."""

from typing import Any
from uuid import uuid4

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
