"""One trace id runs from a caller's request through our jobs to the hub, back from it, and to the shop's webhook."""

from typing import Any
from uuid import uuid4

import msgspec
import pytest
from structlog.testing import capture_logs

from merchant.core import inbox, logs
from tests.merchant.notify.conftest import Heard, listening
from tests.merchant.payments.stage import PAYER, Sent, Stage

pytestmark = pytest.mark.anyio
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER = "0af7651916cd43dd8448eb211c80319c"


def parent(trace_id: str, flags: str = "01") -> str:
    return f"00-{trace_id}-00f067aa0ba902b7-{flags}"


def trace_of(sent: Sent | Heard) -> tuple[str, str]:
    """Trace id and flags of a message that we sent, which has a parent of its own."""
    version, trace_id, span_id, flags = sent.headers["traceparent"].split("-")
    assert version == "00"
    assert span_id != "00f067aa0ba902b7"
    return trace_id, flags


async def ask(stage: Stage, traceparent: str | None) -> dict[str, Any]:
    body = {
        "counter_id": str(stage.counter.id),
        "payer": {"type": "MSISDN", "id": PAYER},
        "amount": {"amount": "10", "currency": "KES"},
    }
    headers = stage.key | {"idempotency-key": uuid4().hex}
    if traceparent is not None:
        headers["traceparent"] = traceparent
    response = await stage.client.post("/api/v1/payment-requests", json=body, headers=headers)
    assert response.status_code == 201, response.text
    await stage.work()
    return dict(response.json())


async def test_every_message_of_a_payment_and_its_webhook_are_of_the_callers_trace(stage: Stage) -> None:
    async with listening() as ear:
        body = {"url": f"{ear.url}/hooks"}
        assert (await stage.client.post("/api/v1/webhook-endpoints", json=body, headers=stage.key)).status_code == 201
        request = await ask(stage, parent(TRACE))
        # A hub and a payer's DFSP that carry the trace on, as the standard asks.
        stage.hub.traceparent = parent(TRACE)
        await stage.find_payer()
        await stage.pay(request)
        await stage.work()
        assert await stage.state(request) == "paid"
    sent = {f"{one.method} {one.path.split('/')[1]}" for one in stage.hub.sent}
    assert sent == {"GET parties", "POST transactionRequests", "PUT quotes", "PUT transfers"}
    assert {trace_of(one) for one in stage.hub.sent} == {(TRACE, "01")}
    assert ear.heard
    assert {trace_of(one) for one in ear.heard} == {(TRACE, "01")}


async def test_an_answer_is_of_the_trace_of_its_question(stage: Stage) -> None:
    request = await ask(stage, parent(TRACE))
    await stage.find_payer()
    stage.hub.traceparent = parent(OTHER, "00")
    quoted = await stage.quote(request)
    assert trace_of(quoted) == (OTHER, "00")
    rows = await stage.rows("SELECT sealed FROM inbox WHERE resource = 'quotes'")
    message = msgspec.json.decode(stage.service.vault.open(rows[0]["sealed"], inbox.TOPIC), type=inbox.Message)
    assert message.traceparent is not None
    assert message.traceparent.split("-")[1] == OTHER


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "nonsense",
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"00-{TRACE.upper()}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-00f067aa0ba902b7-01-more",
    ],
)
async def test_a_trace_that_is_missing_or_malformed_is_replaced_by_a_new_one(stage: Stage, given: str | None) -> None:
    await ask(stage, given)
    [sent] = stage.hub.sent
    trace_id, flags = trace_of(sent)
    assert len(trace_id) == 32
    assert trace_id.lower() not in (TRACE, "0" * 32)
    assert flags == "00"


async def test_a_job_that_comes_again_keeps_its_trace_and_its_log_lines_name_it(stage: Stage) -> None:
    stage.hub.statuses["parties"] = [(503, None)]
    with capture_logs([logs.tell_context]) as lines:
        await ask(stage, parent(TRACE))
    [failed] = [line for line in lines if line["event"] == "job_failed"]
    assert failed["trace_id"] == TRACE
    assert "request_id" not in failed
    async with stage.service.db.system_statements() as tx:
        await tx.execute("UPDATE outbox SET run_at = created_at")
    await stage.work()
    assert [trace_of(one) for one in stage.hub.to("/parties")] == [(TRACE, "01")] * 2


async def test_work_of_a_timer_has_a_trace_of_its_own(stage: Stage) -> None:
    request = await ask(stage, parent(TRACE))
    await stage.find_payer()
    await stage.reserved(request)
    stage.hub.sent.clear()
    async with stage.service.db.system_statements() as tx:
        await tx.execute("UPDATE transfer SET check_at = now()")
    await stage.tick()
    [question] = stage.hub.to("/transfers", "GET")
    trace_id, _ = trace_of(question)
    assert trace_id != TRACE
