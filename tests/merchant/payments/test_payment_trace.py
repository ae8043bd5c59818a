"""The path of one payment in one view: by any of its ids, in order, masked, and with the look recorded."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from merchant.core import inbox
from merchant.core.access import SERVICE
from merchant.payments import payment_trace
from merchant.payments.payment_trace import NoSuchPayment, PaymentTrace, SeveralPayments, trace_payment
from tests.merchant.notify.conftest import listening
from tests.merchant.payments.stage import PAYER, Stage

pytestmark = pytest.mark.anyio
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
OTHER_PAYER = "254711000009"
Clock = Callable[[timedelta], datetime]


async def traced(stage: Stage, typed: Any) -> PaymentTrace:
    return await trace_payment(stage.service, SERVICE, str(typed), by="command line")


def told(path: PaymentTrace, *kinds: str) -> list[tuple[str, str, str | None]]:
    return [(line.kind, line.what, line.state) for line in path.lines if line.kind in kinds]


def jobs(path: PaymentTrace) -> list[tuple[str, str | None]]:
    return [(line.what, line.state) for line in path.lines if line.kind == "job"]


async def paid(stage: Stage, **body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A request that was paid in a trace of its hub's, and its payment."""
    request = await stage.asked(**body)
    stage.hub.traceparent = f"00-{TRACE}-00f067aa0ba902b7-00"
    await stage.answer_request(request, "RECEIVED")
    await stage.pay(request)
    stage.hub.traceparent = None
    return await stage.read(request), (await stage.payments())[0]


async def test_a_paid_request_is_told_whole_and_in_order(stage: Stage) -> None:
    async with listening() as ear:
        body = {"url": f"{ear.url}/hooks"}
        assert (await stage.client.post("/api/v1/webhook-endpoints", json=body, headers=stage.key)).status_code == 201
        request, payment = await paid(stage)
        await stage.work()
        assert ear.heard
    path = await traced(stage, payment["id"])
    assert str(path.payment_id) == payment["id"]
    assert str(path.request_id) == request["id"]
    assert (path.state, path.amount.amount, path.amount.currency) == ("paid", "10", "KES")
    assert path.hub.transfer_id == request["hub"]["transfer_id"]
    assert [line.at for line in path.lines] == sorted(line.at for line in path.lines)
    assert path.lines[0].gap_ms is None
    assert all(line.gap_ms is not None and line.gap_ms >= 0 for line in path.lines[1:])
    methods = [what.split(" ")[0] + what.split("/")[1] for _, what, _ in told(path, "in")]
    assert methods == ["PUTparties", "PUTtransactionRequests", "POSTquotes", "POSTtransfers", "PATCHtransfers"]
    assert {what.split("/")[1] for _, what, _ in told(path, "out")} == {
        "parties",
        "transactionRequests",
        "quotes",
        "transfers",
    }
    assert [state for _, _, state in told(path, "own")] == ["created", "sent", "awaiting_payer", "accepted", "paid"]
    assert sorted(told(path, "announced", "webhook", "text_message")) == [
        ("announced", "payment_request.paid", "paid"),
        ("text_message", "paid", "sent"),
        ("webhook", "payment_request.paid", "delivered"),
    ]
    assert TRACE in path.trace_ids
    assert {line.trace_id for line in path.lines if line.what == "POST /quotes"} == {TRACE}
    assert jobs(path) == []
    assert PAYER.encode() not in msgspec.json.encode(path)


async def test_every_id_of_it_leads_to_the_same_path(stage: Stage) -> None:
    request, payment = await paid(stage)
    hub = request["hub"]
    detail = (await stage.client.get(f"/api/v1/payments/{payment['id']}", headers=stage.key)).json()
    known = [
        request["id"],
        hub["transaction_request_id"],
        hub["transaction_id"],
        hub["transfer_id"],
        detail["receipt_number"],
        detail["receipt_number"].lower(),
        detail["short_ref"],
        f"  {payment['id'].upper()} ",
    ]
    first = await traced(stage, payment["id"])
    assert [await traced(stage, one) for one in known] == [first] * len(known)


async def test_a_payment_that_nobody_asked_for_is_told(stage: Stage) -> None:
    transfer_id = await stage.pay()
    path = await traced(stage, transfer_id)
    assert (path.request_id, path.state) == (None, "paid")
    assert told(path, "own", "announced", "text_message") == [
        ("own", "payment_received", "paid"),
        ("announced", "payment.received", None),
        ("text_message", "paid", "sent"),
    ]


async def test_another_payment_of_the_same_payer_merchant_and_amount_is_not_mixed_in(stage: Stage) -> None:
    request, _ = await paid(stage)
    before = await traced(stage, request["id"])
    other, _ = await paid(stage)
    assert await traced(stage, request["id"]) == before
    assert {line.id for line in (await traced(stage, other["id"])).lines if line.kind == "text_message"}.isdisjoint(
        {line.id for line in before.lines}
    )


async def test_jobs_that_are_not_done_are_told_and_those_of_others_are_not(stage: Stage) -> None:
    request = await stage.asked()
    other = await stage.ask(payer={"type": "MSISDN", "id": OTHER_PAYER})
    await stage.work()
    await stage.hub.say("POST", "/quotes", stage.quote_body(request))
    await stage.hub.say("POST", "/quotes", stage.quote_body(other, payer=OTHER_PAYER))
    path = await traced(stage, request["id"])
    assert jobs(path) == [("hub.message", "queued")]
    stage.hub.statuses["quotes"] = [(503, None)] * 2
    while await stage.worker.run_due():
        pass
    [job] = [line for line in (await traced(stage, request["id"])).lines if line.kind == "job"]
    assert (job.what, job.state) == ("hub.send", "failing")
    assert job.detail is not None
    assert "503" in job.detail
    async with stage.service.db.system_statements() as tx:
        await tx.execute("UPDATE outbox SET dead_at = now()")
    assert jobs(await traced(stage, request["id"])) == [("hub.send", "dead")]


async def test_a_request_on_its_way_tells_its_own_job_with_its_trace(stage: Stage) -> None:
    stage.key["traceparent"] = f"00-{TRACE}-00f067aa0ba902b7-01"
    response = await stage.create()
    path = await traced(stage, response.json()["id"])
    assert jobs(path) == [("payments.look_up", "queued")]
    assert path.trace_ids == [TRACE]
    assert (path.payment_id, path.receipt_number, path.state) == (None, None, "created")


async def test_a_job_that_cannot_be_read_stops_nothing(stage: Stage) -> None:
    request = await stage.asked()
    async with stage.service.db.system_statements() as tx:
        for payload in (b"secret", b"", b"\0" * 40):
            await tx.execute(
                "INSERT INTO outbox (topic, payload, attempts, run_at, created_at) VALUES ($1, $2, 0, now(), now())",
                inbox.TOPIC,
                payload,
            )
    assert jobs(await traced(stage, request["id"])) == []


async def test_more_jobs_than_are_looked_at_are_admitted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    request = await stage.asked()
    assert not (await traced(stage, request["id"])).jobs_not_looked_at
    monkeypatch.setattr(payment_trace, "JOBS_MAX", 1)
    for _ in range(2):
        await stage.hub.say("POST", "/quotes", stage.quote_body())
    assert (await traced(stage, request["id"])).jobs_not_looked_at


async def test_a_refusal_a_decline_and_an_expiry_are_told(stage: Stage, move_clock: Clock) -> None:
    request = await stage.asked()
    await stage.quote(request, amount="11")
    await stage.answer_request(request, "REJECTED")
    path = await traced(stage, request["id"])
    [refusal] = [line for line in path.lines if line.what.endswith("/error")]
    assert (refusal.kind, refusal.detail) == ("out", "5101")
    assert [what for _, what, _ in told(path, "announced")][-1:] == [f"payment_request.{path.state}"]
    late = await stage.asked(expires_in_s=60)
    move_clock(timedelta(seconds=400))
    await stage.tick()
    assert told(await traced(stage, late["id"]), "announced") == [("announced", "payment_request.expired", "expired")]


async def test_the_look_is_recorded_with_its_dfsp_and_without_what_was_typed(stage: Stage) -> None:
    request, payment = await paid(stage)
    await traced(stage, request["short_ref"] if "short_ref" in request else request["id"])
    [entry] = await stage.rows(
        "SELECT a.subject_type, a.subject_id, a.actor_kind, a.detail::text, d.fsp_id FROM audit_entry a"
        " JOIN dfsp d ON d.id = a.dfsp_id WHERE a.action = 'payment.traced'"
    )
    assert tuple(entry) == ("payment", payment["id"], "service", '{"by": "command line"}', "greenbankfsp")


UNKNOWN = "8300f639-51ad-4a07-bae1-6b17fb080220"


@pytest.mark.parametrize("typed", [UNKNOWN, "", " ", "x", PAYER, "10", "10 KES", "8765", "two coffees", "\0", "'"])
async def test_what_is_no_id_finds_nothing_and_leaves_no_record(stage: Stage, typed: str) -> None:
    await paid(stage, note="two coffees")
    with pytest.raises(NoSuchPayment, match="No payment or request"):
        await traced(stage, typed)
    assert await stage.rows("SELECT 1 FROM audit_entry WHERE action = 'payment.traced'") == []


async def test_an_id_that_two_have_names_both(stage: Stage) -> None:
    ids = [(await stage.ask(payer=None))["id"] for _ in range(2)]
    async with stage.service.db.system_statements() as tx:
        await tx.execute("UPDATE payment_request SET short_ref = '23456789'")
    with pytest.raises(SeveralPayments) as found:
        await traced(stage, "23456789")
    assert all(one in str(found.value) for one in ids)
