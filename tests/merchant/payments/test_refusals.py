"""What is told of refused messages: enough to find the fault by, nothing of what they hold, and not too often."""

import json
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.messages import encode, encode_error
from merchant.payments.refusals import LINES_PER_MINUTE
from tests.merchant.payments.stage import BANK, DFSP, MOBILE, PAYER, STRANGER, Stage

pytestmark = pytest.mark.anyio


def counted(at: str, code: str) -> float:
    return REGISTRY.get_sample_value("merchant_hub_messages_refused_total", {"at": at, "code": code}) or 0.0


def lines(logs: list[Any], event: str = "message_refused") -> list[dict[str, Any]]:
    return [dict(entry) for entry in logs if entry["event"] == event]


async def test_a_refusal_says_who_what_and_why(stage: Stage) -> None:
    before = counted("door", "3105")
    with capture_logs() as logs:
        await stage.hub.say("POST", "/quotes", stage.quote_body(), source=STRANGER)
    [line] = lines(logs)
    assert {name: line[name] for name in ("at", "method", "resource", "fsp_source", "fsp_destination", "code")} == {
        "at": "door",
        "method": "POST",
        "resource": "quotes",
        "fsp_source": STRANGER,
        "fsp_destination": DFSP,
        "code": "3105",
    }
    assert "no key of this sender" in line["why"]
    assert counted("door", "3105") == before + 1
    [event] = lines(logs, "security_event")
    assert (event["security"], event["code"]) == ("message_refused", "3105")


async def test_every_kind_of_refusal_leaves_a_line(stage: Stage) -> None:
    body = stage.quote_body()
    cases: list[tuple[str, str, Any, dict[str, Any]]] = [
        ("PUT", "/transfers/1/transfers/2", b"{}", {"signed": False}),
        ("DELETE", "/quotes/1", b"", {}),
        ("POST", "/quotes", b"{", {}),
        ("POST", "/quotes", body, {"headers": {"date": "yesterday"}}),
        ("POST", "/quotes", body, {"headers": {"date": "Sun, 22 Nov 2001 00:00:00 GMT"}}),
        ("POST", "/quotes", body, {"destination": "nobody"}),
        ("POST", "/quotes", body, {"signed": False}),
        ("POST", "/quotes", body, {"headers": {"x-gateway-secret": "wrong"}}),
    ]
    for method, path, content, how in cases:
        with capture_logs() as logs:
            response = await stage.hub.say(method, path, content, **how)
        assert response.status_code >= 400
        assert len(lines(logs)) == 1, (method, path, how)


async def test_no_line_holds_what_a_message_says_or_whom_it_names(stage: Stage) -> None:
    quote = json.loads(encode(stage.quote_body()))
    with capture_logs() as logs:
        await stage.hub.say("GET", f"/parties/MSISDN/{PAYER}/a/b")
        for changed in ({"amountType": f"it is {PAYER}"}, {"quoteId": PAYER}, {"note": PAYER * 20}):
            await stage.hub.say("POST", "/quotes", json.dumps(quote | changed).encode())
        await stage.hub.say("PUT", f"/parties/MSISDN/{PAYER}/error", b'{"errorInformation":{"errorCode":"x"}}')
        await stage.hub.say("POST", f"/{PAYER}", b"{}", signed=False)
    assert len(lines(logs)) == 6
    assert PAYER not in str(logs)


async def test_a_senders_name_is_bounded_and_printable(stage: Stage) -> None:
    for name in ("x" * 500, "line\tfeed", "\x1b[31mred"):
        with capture_logs() as logs:
            await stage.hub.say("POST", "/quotes", stage.quote_body(), headers={"fspiop-source": name})
        [line] = lines(logs)
        assert len(line["fsp_source"]) <= 32
        assert line["fsp_source"].isprintable()


async def test_a_flood_of_refusals_is_counted_and_told_now_and_then(stage: Stage) -> None:
    before, body = counted("door", "3105"), stage.quote_body()
    with capture_logs() as logs:
        for _ in range(LINES_PER_MINUTE + 20):
            await stage.hub.say("POST", "/quotes", body, source=STRANGER)
    assert counted("door", "3105") == before + LINES_PER_MINUTE + 20
    assert LINES_PER_MINUTE <= len(lines(logs)) <= LINES_PER_MINUTE + 5
    with capture_logs() as logs:
        await stage.hub.say("POST", "/quotes", body, source=BANK, signed=False)
    [line] = lines(logs)
    assert line["not_told"] >= 15


async def test_a_request_that_is_refused_by_a_callback_leaves_a_line_too(stage: Stage) -> None:
    before = counted("request", "5106")
    with capture_logs() as logs:
        assert (await stage.quote(currency="JPY", amount="10")).error_code == "5106"
    assert [(line["at"], line["code"], line["fsp_source"]) for line in lines(logs)] == [("request", "5106", MOBILE)]
    assert lines(logs, "security_event") == [], "that is business"
    assert counted("request", "5106") == before + 1


async def test_an_outcome_that_is_not_the_hubs_to_say_leaves_a_line(stage: Stage) -> None:
    transfer_id = await stage.reserved()
    with capture_logs() as logs:
        await stage.tell("PATCH", f"/transfers/{transfer_id}", b'{"transferState":"COMMITTED"}')
        await stage.tell("PUT", f"/transfers/{uuid4()}/error", encode_error(FspiopError("3208", "x")))
    assert [(line["at"], line["fsp_source"]) for line in lines(logs)] == [("answer", MOBILE)] * 2
