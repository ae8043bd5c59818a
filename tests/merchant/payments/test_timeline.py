"""A payment's timeline tells each message and step once, in order; the hub's staff read what is kept, masked."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from merchant.core import clock, inbox
from merchant.hub.adapter import masked
from merchant.hub.fspiop.messages import PartiesPut, Party, PartyIdInfo
from merchant.payments import outgoing
from tests.merchant.payments.stage import MOBILE, PAYER, Stage

pytestmark = pytest.mark.anyio


async def timeline(stage: Stage, path: str, who: dict[str, str] | None = None) -> list[dict[str, Any]]:
    response = await stage.client.get(f"/api/v1/{path}/timeline", headers=who or stage.key)
    assert response.status_code == 200, response.text
    return list(response.json()["items"])


async def read(stage: Stage, message_id: str, who: dict[str, str] | None = None) -> httpx.Response:
    headers = who or stage.world.operator.headers
    return await stage.client.get(f"/api/v1/hub-messages/{message_id}", headers=headers)


def lines(steps: list[dict[str, Any]]) -> list[str]:
    return [
        f"{step['direction']} {step['what'].rsplit('/', 1)[0] if '-' in step['what'] else step['what']}"
        for step in steps
    ]


async def test_a_paid_request_tells_every_message_and_step(stage: Stage) -> None:
    request = await stage.asked()
    await stage.answer_request(request, "RECEIVED")
    await stage.pay(request)
    steps = await timeline(stage, f"payment-requests/{request['id']}")
    told = lines(steps)
    assert sorted(told) == sorted(
        [
            "own api",
            "out GET /parties/MSISDN/2547*****001",
            "in PUT /parties/MSISDN/2547*****001",
            "out POST /transactionRequests",
            "own sent_to_hub",
            "in PUT /transactionRequests",
            "own payer_received",
            "in POST /quotes",
            "own quoted",
            "out PUT /quotes",
            "in POST /transfers",
            "out PUT /transfers",
            "in PATCH /transfers",
            "own patch_committed",
        ]
    )
    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)
    assert steps[0]["gap_ms"] is None
    assert all(step["gap_ms"] >= 0 for step in steps[1:])
    assert [step["state"] for step in steps if step["direction"] == "own"] == [
        "created",
        "sent",
        "awaiting_payer",
        "accepted",
        "paid",
    ]
    assert PAYER not in json.dumps(steps)
    [payment] = await stage.payments()
    assert await timeline(stage, f"payments/{payment['id']}") == steps


async def test_a_payment_that_nobody_asked_for_has_a_timeline(stage: Stage) -> None:
    await stage.pay()
    [payment] = await stage.payments()
    steps = await timeline(stage, f"payments/{payment['id']}")
    assert lines(steps) == [
        "in POST /quotes",
        "out PUT /quotes",
        "in POST /transfers",
        "out PUT /transfers",
        "in PATCH /transfers",
        "own payment_received",
    ]


async def test_what_was_refused_and_asked_is_told(stage: Stage) -> None:
    request = await stage.asked()
    refused = await stage.quote(request, amount="11")
    assert refused.error_code == "5101"
    steps = await timeline(stage, f"payment-requests/{request['id']}")
    [refusal] = [step for step in steps if step["what"].endswith("/error")]
    assert (refusal["direction"], refusal["detail"]) == ("out", "5101")
    told = (await read(stage, refusal["message_id"])).json()
    assert told["body"]["errorInformation"]["errorCode"] == "5101"
    assert (told["method"], told["headers"]["fspiop-destination"]) == ("PUT", MOBILE)


async def test_a_question_to_the_hub_is_told(stage: Stage) -> None:
    request = await stage.asked()
    await stage.reserved(request)
    asked = await stage.client.post(f"/api/v1/payment-requests/{request['id']}/check", headers=stage.key)
    assert asked.status_code == 202, asked.text
    steps = await timeline(stage, f"payment-requests/{request['id']}")
    assert [step["direction"] for step in steps if step["what"].startswith("GET /transfers/")] == ["out"]


async def test_a_repeated_message_is_counted_and_another_payers_request_is_not_told(stage: Stage) -> None:
    request = await stage.asked()
    other = await stage.ask(payer={"type": "MSISDN", "id": "254711000009"})
    body = stage.quote_body(request)
    await stage.send_quote(body)
    await stage.send_quote(body)
    steps = await timeline(stage, f"payment-requests/{request['id']}")
    assert [step["detail"] for step in steps if step["what"] == "POST /quotes"] == ["2 times"]
    others = await timeline(stage, f"payment-requests/{other['id']}")
    assert not [step for step in others if step["direction"] == "in"]


async def test_the_answer_to_another_dfsps_look_up_of_the_same_payer_is_not_told(stage: Stage) -> None:
    request = await stage.asked()
    before = await timeline(stage, f"payment-requests/{request['id']}")
    await stage.tell("PUT", f"/parties/MSISDN/{PAYER}", stage_party(), destination="lakemfi")
    assert await timeline(stage, f"payment-requests/{request['id']}") == before


def stage_party() -> Any:
    return PartiesPut(Party(PartyIdInfo("MSISDN", PAYER, None, MOBILE)))


async def test_messages_are_gone_after_a_week_and_steps_stay(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    request = await stage.asked()
    await stage.quote(request, amount="11")
    later = clock.now() + inbox.KEPT_FOR + timedelta(minutes=1)
    monkeypatch.setattr(clock, "source", lambda: later)
    async with stage.service.db.system() as tx:
        assert await outgoing.prune(tx, 100) == 1
        assert await inbox.prune(tx, 100) == 2
    steps = await timeline(stage, f"payment-requests/{request['id']}")
    assert {step["direction"] for step in steps if step["message_id"]} == set()
    assert [step["state"] for step in steps if step["direction"] == "own"] == ["created", "sent", "failed"]


async def test_each_kept_message_is_read_by_the_hubs_staff_without_the_payer_and_the_look_is_recorded(
    stage: Stage,
) -> None:
    request = await stage.asked(note="two coffees")
    await stage.pay(request)
    steps = await timeline(stage, f"payment-requests/{request['id']}", stage.world.operator.headers)
    kept = [step for step in steps if step["message_id"]]
    assert len(kept) == 6
    for step in kept:
        told = await read(stage, step["message_id"])
        assert told.status_code == 200, step
        assert PAYER not in told.text
        found = told.json()
        assert (found["direction"], found["method"]) == (step["direction"], step["what"].split(" ")[0])
        assert found["body"]
    records = await stage.rows("SELECT subject_id FROM audit_entry WHERE action = 'hub_message.read'")
    assert [row["subject_id"] for row in records] == [step["message_id"] for step in kept]


async def test_staff_of_a_dfsp_and_its_keys_read_no_message(stage: Stage) -> None:
    request = await stage.asked()
    steps = await timeline(stage, f"payment-requests/{request['id']}")
    [message_id] = [step["message_id"] for step in steps if step["message_id"]]
    for who in (
        stage.key,
        stage.world["greenbankfsp"]["admin"].headers,
        stage.world["greenbankfsp"]["auditor"].headers,
    ):
        assert (await read(stage, message_id, who)).status_code == 403


@pytest.mark.parametrize(
    "message_id",
    [
        "x",
        "in.00",
        f"in.{'0' * 32}",
        f"out.{'0' * 32}",
        "quotes.a.b",
        "transfers.a.b",
        "quotes..b",
        "in.%00",
        "..",
        "in",
    ],
)
async def test_a_message_that_is_not_there_is_not_found(stage: Stage, message_id: str) -> None:
    assert (await read(stage, message_id)).status_code in (400, 404)


def test_a_body_is_masked_by_what_its_fields_mean() -> None:
    body = {
        "quoteId": "12345678-1234-4234-8234-123456789012",
        "payer": {
            "partyIdInfo": {"partyIdType": "MSISDN", "partyIdentifier": "254711000001", "fspId": "mobilemoney"},
            "name": "Amina Odhiambo",
            "personalInfo": {"complexName": {"firstName": "Amina"}},
        },
        "payee": {"partyIdInfo": {"partyIdType": "ALIAS", "partyIdentifier": "8765"}, "name": "Shop"},
        "amount": {"amount": "12345678", "currency": "KES"},
        "note": "call +254711000001",
        "ilpPacket": "abc",
        "extensionList": {"extension": [{"key": "phone", "value": "0711000001"}]},
        "expiration": "2026-11-29T12:00:00.000Z",
    }
    told = masked(body)
    assert told["quoteId"] == body["quoteId"]
    assert told["payer"] == {
        "partyIdInfo": {"partyIdType": "MSISDN", "partyIdentifier": "2547*****001", "fspId": "mobilemoney"},
        "name": "****",
        "personalInfo": "****",
    }
    assert told["payee"]["partyIdInfo"]["partyIdentifier"] == "8765"
    assert told["amount"] == body["amount"]
    assert told["note"] == "call +2547*****001"
    assert told["ilpPacket"] == "****"
    assert told["extensionList"]["extension"][0]["value"] == "0711***001"
    assert told["expiration"] == body["expiration"]
