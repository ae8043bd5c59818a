"""Taking a payment request back: when it may be done, what it stops, and what comes all the same."""

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests import builders
from tests.merchant.payments.stage import DFSP, Stage

pytestmark = pytest.mark.anyio


async def cancel(stage: Stage, request: dict[str, Any], who: dict[str, str] | None = None) -> httpx.Response:
    return await stage.client.post(f"/api/v1/payment-requests/{request['id']}/cancel", headers=who or stage.key)


async def test_an_open_request_is_taken_back(stage: Stage) -> None:
    request = await stage.ask(payer=None)
    cancelled = await cancel(stage, request)
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert cancelled.json() == request | {"state": "cancelled"}
    assert (await stage.history(request))[-1]["cause"] == "cancelled_by_merchant"


async def test_a_request_may_be_taken_back_at_every_step_before_the_money_moves(stage: Stage) -> None:
    sent = await stage.asked()
    awaiting = await stage.asked()
    await stage.answer_request(awaiting, "RECEIVED")
    accepted = await stage.asked()
    await stage.quote(accepted)
    before = [await stage.state(request) for request in (sent, awaiting, accepted)]
    assert before == ["sent", "awaiting_payer", "accepted"]
    for request in (sent, awaiting, accepted):
        assert (await cancel(stage, request)).json()["state"] == "cancelled"


async def test_a_request_taken_back_before_it_left_asks_nobody(stage: Stage) -> None:
    request = (await stage.create()).json()
    assert request["state"] == "created"
    await cancel(stage, request)
    await stage.work()
    assert stage.hub.sent == []


async def test_a_request_is_not_taken_back_while_it_is_being_paid(stage: Stage) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    refused = await cancel(stage, request)
    assert (refused.status_code, refused.json()["code"]) == (409, "being_paid")
    assert await stage.state(request) == "accepted"
    await stage.end_transfer(transfer_id, "COMMITTED")
    paid = await stage.read(request)
    assert (paid["state"], paid["late"]) == ("paid", False)


async def test_a_request_whose_transfer_was_called_off_has_ended_by_itself(stage: Stage) -> None:
    request = await stage.asked()
    await stage.end_transfer(await stage.reserved(request), "ABORTED")
    refused = await cancel(stage, request)
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    assert await stage.state(request) == "failed"


async def test_a_request_that_has_ended_is_not_taken_back(stage: Stage, move_clock: Any) -> None:
    paid, rejected, cancelled = [await stage.asked() for _ in range(3)]
    await stage.pay(paid)
    await stage.answer_request(rejected, "REJECTED")
    await cancel(stage, cancelled)
    expired = await stage.ask(payer=None, expires_in_s=1)
    move_clock(timedelta(seconds=2))
    await stage.tick()
    states = []
    for request in (paid, rejected, cancelled, expired):
        before = await stage.history(request)
        refused = await cancel(stage, request)
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
        assert await stage.history(request) == before
        states.append(await stage.state(request))
    assert states == ["paid", "rejected", "cancelled", "expired"]


async def test_a_cancelled_request_is_neither_quoted_nor_found_by_its_code(stage: Stage) -> None:
    request = await stage.asked()
    await cancel(stage, request)
    assert (await stage.quote(request)).error_code == "5101"
    dynamic = await stage.ask(payer=None)
    short_ref = dynamic["pay_url"].rsplit(".", 1)[1]
    await cancel(stage, dynamic)
    assert (await stage.quote(dynamic, sub_id=short_ref, transaction_request_id=None)).error_code == "5101"
    path = f"/parties/ALIAS/{stage.counter.alias}/{short_ref}"
    await stage.tell("GET", path)
    assert stage.hub.to(path, "PUT")[-1].error_code == "3204"


async def test_a_quote_that_was_promised_before_is_not_taken_after(stage: Stage) -> None:
    request = await stage.asked()
    quoted = await stage.quote(request)
    await cancel(stage, request)
    _, answer = await stage.transfer(quoted)
    assert answer.error_code == "5104"
    assert await stage.state(request) == "cancelled"
    assert await stage.payments() == []


async def test_what_the_payer_says_after_changes_nothing(stage: Stage) -> None:
    request = await stage.asked()
    await cancel(stage, request)
    for said in ("RECEIVED", "ACCEPTED", "REJECTED"):
        await stage.answer_request(request, said)
    assert await stage.state(request) == "cancelled"


async def test_cancelling_and_paying_at_once_end_in_one_truth(stage: Stage) -> None:
    """Whoever comes first: either the transfer is refused, or the request is being paid."""
    for _ in range(3):
        request = await stage.asked()
        body = stage.transfer_body(await stage.quote(request))
        assert (await stage.hub.say("POST", "/transfers", body)).status_code == 202
        cancelled, _ = await asyncio.gather(cancel(stage, request), stage.work())
        answer = stage.hub.to(f"/transfers/{body.transfer_id}", "PUT")[-1]
        if cancelled.status_code == 200:
            assert (answer.error_code, await stage.state(request)) == ("5104", "cancelled")
        else:
            assert (cancelled.json()["code"], answer.error_code) == ("being_paid", None)
            await stage.end_transfer(body.transfer_id, "COMMITTED")
            assert await stage.state(request) == "paid"


async def test_ten_cancels_at_once_make_one_step_of_history(stage: Stage) -> None:
    request = await stage.ask(payer=None)
    answers = await asyncio.gather(*(cancel(stage, request) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200, *[409] * 9]
    assert [step["state"] for step in await stage.history(request)] == ["awaiting_payer", "cancelled"]


async def test_only_who_may_ask_for_money_may_take_a_request_back(stage: Stage) -> None:
    request = await stage.ask(payer=None)
    reader = await builders.issue_key(stage.service, stage.world[DFSP]["admin"], ["payments:read"])
    for who in (reader, stage.world[DFSP]["maker"].headers, stage.world.operator.headers):
        assert (await cancel(stage, request, who)).status_code == 403
    assert (await cancel(stage, request, {"x-api-key": "nobody"})).status_code == 401
    assert await stage.state(request) == "awaiting_payer"
