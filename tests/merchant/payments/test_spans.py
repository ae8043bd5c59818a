"""The spans of one payment, as a collector gets them: requests, messages taken, batches, messages sent."""

from uuid import uuid4

import httpx
import pytest

from merchant.core import spans
from merchant.programs.app import with_doors
from tests.apps import app_on
from tests.builders import GATEWAY_SECRET
from tests.collector import Collector, collecting
from tests.merchant.payments.stage import DFSP, MOBILE, PAYER, Stage

pytestmark = pytest.mark.anyio
TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
HUBS, HUB_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


async def paid(stage: Stage) -> Collector:
    """What a collector gets of a request that is asked for, found, quoted and paid."""
    with collecting() as collector:
        with spans.exporting(collector.url):
            stage.key["traceparent"] = f"00-{TRACE}-{CALLER}-01"
            request = await stage.ask(note="for Amina")
            del stage.key["traceparent"]
            await stage.find_payer()
            stage.hub.traceparent = f"00-{HUBS}-{HUB_SPAN}-00"
            await stage.pay(request)
            assert await stage.state(request) == "paid"
        return collector


async def test_the_payments_spans_are_each_below_what_caused_them(stage: Stage) -> None:
    collector = await paid(stage)
    asked = collector.one("POST /api/v1/payment-requests")
    assert (asked.trace_id, asked.parent_id) == (TRACE, CALLER)
    assert asked.attributes == {
        "http.request.method": "POST",
        "http.route": "/api/v1/payment-requests",
        "http.response.status_code": 201,
    }
    looked_up = collector.one("send GET /parties")
    assert (looked_up.trace_id, looked_up.parent_id) == (TRACE, asked.span_id)
    quoted, answered = collector.one("take POST /quotes"), collector.one("send PUT /quotes")
    assert quoted.trace_id == answered.trace_id == HUBS
    assert answered.parent_id == quoted.span_id
    door = next(one for one in collector.spans if one.span_id == quoted.parent_id)
    assert (door.trace_id, door.parent_id, door.kind) == (HUBS, HUB_SPAN, 2)
    assert quoted.attributes == {
        "fspiop.method": "POST",
        "fspiop.resource": "quotes",
        "fspiop.source": MOBILE,
        "fspiop.destination": DFSP,
        "merchant.job.attempt": 1,
    }
    assert answered.attributes["http.response.status_code"] == 200
    assert answered.kind == 3
    [sent] = stage.hub.to("/quotes", "PUT")
    assert sent.headers["traceparent"].split("-")[1:3] == [HUBS, answered.span_id]


async def test_a_batch_tells_how_many_events_it_had_and_links_to_their_traces(stage: Stage) -> None:
    collector = await paid(stage)
    quoted = collector.one("take POST /quotes")
    batches = collector.named("decide a batch")
    assert all(one.attributes["merchant.batch.events"] >= 1 for one in batches)
    [of_quote] = [one for one in batches if (HUBS, quoted.parent_id) in one.links]
    assert (of_quote.parent_id, of_quote.attributes["merchant.batch.set_aside"]) == ("", 0)


async def test_two_messages_of_one_batch_are_one_batch_with_two_links(stage: Stage) -> None:
    with collecting() as collector:
        with spans.exporting(collector.url):
            for number in (1, 2):
                stage.hub.traceparent = f"00-{number:032x}-{HUB_SPAN}-01"
                await stage.hub.say("POST", "/quotes", stage.quote_body())
            await stage.work()
        [batch] = [one for one in collector.named("decide a batch") if one.attributes["merchant.batch.events"] == 2]
    assert {trace_id for trace_id, _ in batch.links} == {f"{1:032x}", f"{2:032x}"}


async def test_a_refusal_of_ours_and_one_of_the_hub_tell_their_codes(stage: Stage) -> None:
    with collecting() as collector:
        with spans.exporting(collector.url):
            request = await stage.asked()
            stage.hub.statuses["quotes"] = [(400, "3100")]
            await stage.hub.say("POST", "/quotes", stage.quote_body(request, amount="11"))
            await stage.work()
        taken, sent = collector.one("take POST /quotes"), collector.one("send PUT /quotes/error")
    assert (taken.attributes["fspiop.error_code"], taken.is_error) == ("5101", False)
    assert (sent.attributes["error.type"], sent.is_error) == ("3100", True)


async def test_a_hub_that_does_not_answer_and_a_message_that_fails_are_errors(stage: Stage) -> None:
    async with stage.service.db.system() as tx:
        await tx.execute("UPDATE dfsp SET hub_url = 'http://127.0.0.1:9'")
    with collecting() as collector:
        with spans.exporting(collector.url):
            await stage.ask()
        sent = collector.one("send GET /parties")
    assert (sent.is_error, sent.attributes["error.type"]) == (True, "HubUnreachable")


async def test_no_span_says_anything_of_a_person(stage: Stage) -> None:
    collector = await paid(stage)
    wire = b"".join(collector.bodies)
    for personal in (PAYER, PAYER[-9:], "Amina"):
        assert personal.encode() not in wire
    assert not [one for one in collector.spans if any(character.isdigit() for character in one.name.split("/v1")[-1])]


async def test_a_request_is_named_by_its_route_never_by_its_path(stage: Stage) -> None:
    transport = httpx.ASGITransport(with_doors(app_on(stage.service)), raise_app_exceptions=False)
    gate = {"x-gateway-secret": GATEWAY_SECRET}
    with collecting() as collector:
        with spans.exporting(collector.url):
            async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as client:
                await client.get(f"/api/v1/payment-requests/{uuid4()}", headers=stage.key)
                await client.get(f"/fspiop/parties/MSISDN/{PAYER}", headers=gate)
                await client.get(f"/oracle/participants/MSISDN/{PAYER}", headers=gate)
                await client.get(f"/no/such/page/{PAYER}")
                await client.request(f"X{PAYER}", "/health/live")
                await client.head("/health/live")
        names = [one.name for one in collector.spans]
        wire = b"".join(collector.bodies)
    assert names == [
        "GET /api/v1/payment-requests/{request_id}",
        "GET /fspiop/{path}",
        "GET /oracle/{path}",
        "GET",
        "HTTP",
        "HEAD /health/live",
    ]
    assert PAYER.encode() not in wire
