"""What is announced: every event that docs/contract.md names, told once, without personal data."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from merchant.compliance.cases import review
from merchant.core import clock
from merchant.core.service import Service
from merchant.notify import events
from merchant.registry.merchants import lifecycle
from tests import builders
from tests.builders import World
from tests.merchant.notify.conftest import Telling
from tests.merchant.payments.stage import DFSP, PAYER, Stage

pytestmark = pytest.mark.anyio
CONTRACT = {
    "payment_request.paid",
    "payment_request.rejected",
    "payment_request.expired",
    "payment_request.failed",
    "payment_request.cancelled",
    "payment_request.in_doubt",
    "payment.received",
    "refund.pending_approval",
    "refund.created",
    "refund.refunded",
    "refund.rejected",
    "refund.failed",
    "refund.in_doubt",
    "application.submitted",
    "application.handed_in",
    "application.returned",
    "application.approved",
    "application.rejected",
    "merchant.suspended",
    "merchant.restricted",
    "merchant.reinstated",
    "merchant.closed",
    "merchant.blocked",
    "merchant.claimed",
    "merchant.left",
    "merchant.joined",
    "merchant.requirements_due",
    "test.ping",
}


def test_the_events_are_those_of_the_contract() -> None:
    assert {kind.value for kind in events.EventType} == CONTRACT


async def told(service: Service, dfsp_id: UUID) -> list[dict[str, Any]]:
    """What the DFSP's endpoint is owed, oldest first."""
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(
            "SELECT body FROM webhook_delivery WHERE dfsp_id = $1 ORDER BY created_at, event_id", dfsp_id
        )
    return [json.loads(row["body"]) for row in rows]


async def test_the_steps_of_applications_and_merchants_are_told(telling: Telling) -> None:
    await telling.listen()
    service, world = telling.service, telling.world
    admin, maker, checker = (world[DFSP][name].actor for name in ("admin", "maker", "checker"))
    merchant, _ = await builders.create_merchant(service, world)
    async with service.db.tenant(admin.dfsp_id) as tx:
        await lifecycle.suspend(tx, admin, merchant.id, "a complaint")
        await lifecycle.reinstate(tx, admin, merchant.id)
        await lifecycle.restrict(tx, admin, merchant.id, "Amina is away")
        await lifecycle.close(tx, admin, merchant.id, "Amina left")
    returned, rejected = [
        await builders.create_application(service, world[DFSP]["maker"], submitted=True) for _ in range(2)
    ]
    async with service.db.tenant(checker.dfsp_id) as tx:
        await review.return_for_changes(tx, checker, returned.id, [{"path": "business.mcc", "reason": "Amina lied."}])
        await review.reject(tx, checker, rejected.id, "Amina Odhiambo is unknown here.")
    heard = await told(service, telling.merchant.dfsp_id)
    assert [event["type"] for event in heard] == [
        "application.submitted",
        "application.approved",
        "merchant.suspended",
        "merchant.reinstated",
        "merchant.restricted",
        "merchant.closed",
        "application.submitted",
        "application.submitted",
        "application.returned",
        "application.rejected",
    ]
    assert heard[1]["data"]["merchant_id"] == heard[2]["data"]["merchant_id"] == str(merchant.id)
    assert "Amina" not in json.dumps(heard)
    assert maker.name not in json.dumps(heard[-1]["data"])


async def listen(stage: Stage) -> None:
    response = await stage.client.post(
        "/api/v1/webhook-endpoints", json={"url": "https://shop.example/hooks"}, headers=stage.key
    )
    assert response.status_code == 201


async def payment_events(stage: Stage) -> list[tuple[str, dict[str, Any]]]:
    return [(event["type"], event["data"]) for event in await told(stage.service, stage.merchant.dfsp_id)]


async def test_a_paid_request_is_told_once_with_what_a_till_needs(stage: Stage) -> None:
    await listen(stage)
    request = await stage.asked(reference="order 7")
    transfer_id = await stage.pay(request)
    await stage.end_transfer(transfer_id, "COMMITTED", "PUT")
    [(event_type, data)] = await payment_events(stage)
    [payment] = await stage.payments()
    assert event_type == "payment_request.paid"
    assert data.pop("paid_at") == (await stage.read(request))["paid_at"] is not None
    assert data == {
        "payment_request_id": request["id"],
        "dfsp_id": str(stage.merchant.dfsp_id),
        "merchant_id": str(stage.merchant.id),
        "counter_id": str(stage.counter.id),
        "amount": {"amount": "10", "currency": "KES"},
        "reference": "order 7",
        "payer": "2547*****001",
        "state": "paid",
        "late": False,
        "reason": None,
        "payment_id": payment["id"],
        "transfer_id": transfer_id,
        "transaction_id": payment["hub"]["transaction_id"],
        "transaction_request_id": request["hub"]["transaction_request_id"],
        "created_at": request["created_at"],
        "expires_at": request["expires_at"],
    }
    assert PAYER not in json.dumps(data)


async def test_money_that_a_shopper_sends_unasked_is_told(stage: Stage) -> None:
    await listen(stage)
    await stage.pay(amount="12.5", currency="KES")
    [(event_type, data)] = await payment_events(stage)
    [payment] = await stage.payments()
    assert event_type == "payment.received"
    assert data == {
        "payment_id": payment["id"],
        "dfsp_id": str(stage.merchant.dfsp_id),
        "merchant_id": str(stage.merchant.id),
        "counter_id": str(stage.counter.id),
        "amount": {"amount": "12.5", "currency": "KES"},
        "payer": "2547*****001",
        "transfer_id": payment["hub"]["transfer_id"],
        "transaction_id": payment["hub"]["transaction_id"],
        "received_at": payment["received_at"],
    }


async def test_every_other_end_is_told_and_late_money_after_it_too(stage: Stage, move_clock: Any) -> None:
    await listen(stage)
    rejected = await stage.asked()
    await stage.answer_request(rejected, "REJECTED")
    cancelled = await stage.ask(payer=None)
    await stage.client.post(f"/api/v1/payment-requests/{cancelled['id']}/cancel", headers=stage.key)
    expired = await stage.ask(payer=None, expires_in_s=1)
    move_clock(timedelta(seconds=2))
    await stage.tick()
    doubtful = await stage.asked()
    transfer_id = await stage.reserved(doubtful)
    move_clock(timedelta(minutes=1))
    await stage.tick()
    await stage.end_transfer(transfer_id, "ABORTED")
    await stage.pay(expired)
    heard = await payment_events(stage)
    assert [(kind, data["payment_request_id"], data["late"]) for kind, data in heard] == [
        ("payment_request.rejected", rejected["id"], False),
        ("payment_request.cancelled", cancelled["id"], False),
        ("payment_request.expired", expired["id"], False),
        ("payment_request.in_doubt", doubtful["id"], False),
        ("payment_request.failed", doubtful["id"], False),
        ("payment_request.paid", expired["id"], True),
    ]
    assert heard[0][1]["reason"] == {"code": "payer_rejected", "message": "The customer said no."}
    assert [data["reason"] and data["reason"]["code"] for _, data in heard] == [
        "payer_rejected",
        None,
        "request_expired",
        "checking",
        "aborted_by_network",
        None,
    ]


async def test_a_step_that_is_no_end_is_told_to_nobody(stage: Stage) -> None:
    await listen(stage)
    request = await stage.asked()
    await stage.answer_request(request, "RECEIVED")
    await stage.quote(request)
    assert await stage.state(request) == "accepted"
    assert await payment_events(stage) == []


async def test_only_a_known_type_can_be_announced(service: Service, world: World) -> None:
    dfsp_id = world.maker.actor.own_dfsp()
    async with service.db.tenant(dfsp_id) as tx:
        with pytest.raises(ValueError, match="payed"):
            await events.announce(tx, "payment_request.payed", dfsp_id, None, {})


async def test_only_data_of_the_documented_shape_can_be_announced(service: Service, world: World) -> None:
    dfsp_id = world.maker.actor.own_dfsp()
    async with service.db.tenant(dfsp_id) as tx:
        for data in ({}, {"merchant_id": "x", "state": "active"}, {"merchant_id": dfsp_id}):
            with pytest.raises(msgspec.ValidationError):
                await events.announce(tx, "merchant.suspended", dfsp_id, None, data)


async def test_an_event_is_dated_by_the_services_clock(telling: Telling, move_clock: Any) -> None:
    await telling.listen()
    now: datetime = move_clock(timedelta(days=1))
    await telling.announce()
    [event] = await told(telling.service, telling.merchant.dfsp_id)
    assert event["created_at"] == clock.rfc3339(now)
