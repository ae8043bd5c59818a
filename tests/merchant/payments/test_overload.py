"""Under overload new work is refused at once, then promises; what is under way goes on."""

import asyncio
import time

import pytest

from merchant.core.pressure import NEW_WORK_LATE_S, PROMISES_LATE_S, Pressure
from tests.merchant.payments.stage import HUB, Stage

pytestmark = pytest.mark.anyio


def late(stage: Stage, late_s: float) -> None:
    stage.service.shared(Pressure).queued_s = late_s


async def test_a_request_for_money_is_refused_at_once_with_when_to_come_again_and_nothing_is_kept(stage: Stage) -> None:
    late(stage, NEW_WORK_LATE_S + 0.1)
    refused = await stage.create()
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (429, "overloaded", "2")
    assert await stage.rows("SELECT 1 FROM payment_request") == []
    late(stage, NEW_WORK_LATE_S - 0.1)
    assert (await stage.create()).status_code == 201


async def test_a_refused_request_may_be_repeated_under_its_key(stage: Stage) -> None:
    body = {"counter_id": str(stage.counter.id), "amount": {"amount": "10", "currency": "KES"}}
    headers = stage.key | {"idempotency-key": "again-and-again"}
    late(stage, 60)
    assert (await stage.client.post("/api/v1/payment-requests", json=body, headers=headers)).status_code == 429
    late(stage, 0)
    assert (await stage.client.post("/api/v1/payment-requests", json=body, headers=headers)).status_code == 201


async def test_quotes_are_refused_later_than_requests_and_transfers_never(stage: Stage) -> None:
    request = await stage.asked()
    late(stage, PROMISES_LATE_S - 0.1)
    quoted = await stage.quote(request)
    late(stage, PROMISES_LATE_S + 60)
    refused = await stage.hub.say("POST", "/quotes", stage.quote_body())
    assert (refused.status_code, refused.json()["errorInformation"]["errorCode"]) == (503, "2003")
    transfer_id, answer = await stage.transfer(quoted)
    assert answer.error_code is None
    await stage.end_transfer(transfer_id, "COMMITTED")
    assert await stage.state(request) == "paid"


async def test_the_hub_is_heard_and_a_request_cancelled_whatever_the_crowd(stage: Stage) -> None:
    request = await stage.asked()
    late(stage, 60)
    await stage.answer_request(request, "RECEIVED")
    assert await stage.state(request) == "awaiting_payer"
    path = f"/api/v1/payment-requests/{request['id']}/cancel"
    assert (await stage.client.post(path, headers=stage.key)).status_code == 200
    assert (await stage.hub.say("GET", f"/parties/ALIAS/{stage.counter.alias}", source=HUB)).status_code == 202


async def test_a_loop_that_is_blocked_shows_as_late_and_recovers(stage: Stage) -> None:
    pressure = stage.service.shared(Pressure)
    watching = asyncio.create_task(pressure.watch())
    try:
        await asyncio.sleep(0)
        async with asyncio.timeout(10):
            while pressure.loop_s < 0.05:
                time.sleep(0.3)
                await asyncio.sleep(0)
            assert pressure.late_s >= 0.05
            while pressure.loop_s > 0.04:
                await asyncio.sleep(0.05)
            assert not pressure.refuses_new_work
    finally:
        watching.cancel()
