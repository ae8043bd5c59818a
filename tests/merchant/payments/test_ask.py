"""Asking the payer and sending letters: refused, unreachable, repeated with the same words."""

import json
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from merchant.core import clock
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.headers import check_headers
from merchant.hub.fspiop.jws import load_verify_key, verify
from merchant.hub.fspiop.messages import PartiesPut, Party, PartyIdInfo, encode_error
from merchant.payments import book_loading
from merchant.payments.participants import HubConnections
from tests.merchant.payments.stage import BANK, DFSP, HUB, MOBILE, PAYER, Stage

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]
LATER = timedelta(seconds=5)  # the first retry comes after two seconds or a little more


async def test_a_payer_is_looked_up_before_anything_is_asked(stage: Stage) -> None:
    request = await stage.ask(payer={"type": "MSISDN", "id": f"+{PAYER}"})
    [sent] = stage.hub.sent
    assert (sent.method, sent.path, sent.raw) == ("GET", f"/parties/MSISDN/{PAYER}", b"")
    assert "fspiop-destination" not in sent.headers, "the hub knows where, we do not"
    assert await stage.state(request) == "created"


async def test_the_payer_is_asked_in_words_that_hubs_accept(stage: Stage) -> None:
    request = await stage.asked(amount={"amount": "12.50", "currency": "KES"}, note="lunch", reference="table 4")
    [sent] = stage.hub.to("/transactionRequests", "POST")
    assert sent.body == {
        "transactionRequestId": request["hub"]["transaction_request_id"],
        "payee": {
            "partyIdInfo": {"partyIdType": "ALIAS", "partyIdentifier": stage.counter.alias, "fspId": DFSP},
            "merchantClassificationCode": "5411",
            "name": stage.merchant.trading_name,
        },
        "payer": {"partyIdType": "MSISDN", "partyIdentifier": PAYER, "fspId": MOBILE},
        "amount": {"amount": "12.5", "currency": "KES"},
        "transactionType": {"scenario": "PAYMENT", "initiator": "PAYEE", "initiatorType": "BUSINESS"},
        "note": "lunch",
        "expiration": request["expires_at"],
    }
    inbound = check_headers("POST", "transactionRequests", sent.headers)
    assert (inbound.source, inbound.destination) == (DFSP, MOBILE)
    assert await stage.state(request) == "sent"


async def test_what_we_send_is_signed_with_our_key(stage: Stage) -> None:
    await stage.asked()
    [sent] = stage.hub.to("/transactionRequests", "POST")
    [row] = await stage.rows("SELECT public_pem FROM scheme_key WHERE fsp_id = $1 AND purpose = 'jws_sign'", DFSP)
    key = load_verify_key(row["public_pem"], DFSP)
    verify(key, method="POST", path=sent.path, headers=sent.headers, body=sent.raw)


async def indexed_by_bare_digits(stage: Stage) -> None:
    """Store the payers as they were indexed before there was one spelling."""
    async with stage.service.db.system() as tx:
        await tx.execute("UPDATE payment_request SET payer_digest = $1", stage.service.vault.digest("phone", PAYER))


async def test_a_payer_indexed_before_there_was_one_spelling_is_still_asked(stage: Stage) -> None:
    request = await stage.ask()
    await indexed_by_bare_digits(stage)
    await stage.find_payer()
    assert await stage.state(request) == "sent"


async def test_a_payer_indexed_before_there_was_one_spelling_is_still_said_to_be_unknown(stage: Stage) -> None:
    request = await stage.ask()
    await indexed_by_bare_digits(stage)
    error = encode_error(FspiopError("3204", "no such party"))
    await stage.tell("PUT", f"/parties/MSISDN/{PAYER}/error", error, source=HUB)
    assert await stage.state(request) == "failed"


async def test_an_answer_about_something_that_is_no_number_concerns_nobody(stage: Stage) -> None:
    request = await stage.ask()
    party = PartiesPut(Party(PartyIdInfo("MSISDN", "alice", None, MOBILE)))
    await stage.tell("PUT", "/parties/MSISDN/alice", party)
    await stage.tell(
        "PUT", "/parties/MSISDN/alice/error", encode_error(FspiopError("3204", "no such party")), source=HUB
    )
    assert await stage.state(request) == "created"
    assert await stage.rows("SELECT 1 FROM outbox WHERE dead_at IS NOT NULL OR last_error IS NOT NULL") == []


# --- the hub refuses, or cannot be reached ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        ("3204", "failed", "payer_not_found"),
        ("3201", "failed", "payer_dfsp_unreachable"),
        ("2005", "failed", "hub_busy"),
        ("4101", "rejected", "payer_rejected"),
        ("4103", "failed", "payer_currency"),
        ("5200", "failed", "payee_limit"),
        ("3999", "failed", "request_refused"),
        (None, "failed", "request_refused"),
    ],
)
async def test_a_refused_request_ends_with_a_reason_for_the_shopkeeper(
    stage: Stage, code: str | None, state: str, reason: str
) -> None:
    stage.hub.statuses["transactionRequests"] = [(400, code)]
    request = await stage.asked()
    ended = await stage.read(request)
    assert (ended["state"], ended["reason"]["code"]) == (state, reason)
    assert ended["reason"]["message"].endswith(".")


async def test_a_refused_look_up_fails_the_request(stage: Stage) -> None:
    stage.hub.statuses["parties"] = [(400, "3204")]
    request = await stage.ask()
    assert (await stage.read(request))["reason"]["code"] == "payer_not_found"


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
async def test_a_hub_in_trouble_is_asked_again_with_the_same_words(
    stage: Stage, move_clock: Clock, status: int
) -> None:
    stage.hub.statuses["transactionRequests"] = [(status, "2001")]
    request = await stage.asked()
    assert await stage.state(request) == "created"
    move_clock(LATER)
    await stage.work()
    first, second = stage.hub.to("/transactionRequests", "POST")
    assert first.raw == second.raw
    assert await stage.state(request) == "sent"


async def test_a_look_up_is_made_again_when_the_hub_is_in_trouble(stage: Stage, move_clock: Clock) -> None:
    stage.hub.statuses["parties"] = [(503, None)]
    await stage.ask()
    move_clock(LATER)
    await stage.work()
    first, second = stage.hub.to("/parties/", "GET")
    assert first.path == second.path


async def test_a_hub_that_is_down_is_asked_again_until_the_request_is_over(stage: Stage, move_clock: Clock) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    await stage.rows("UPDATE dfsp SET hub_url = $1", f"http://127.0.0.1:{port}")
    request = await stage.ask(expires_in_s=60)
    assert await stage.state(request) == "created"
    move_clock(LATER)
    await stage.work()
    assert await stage.state(request) == "created", "silence is no refusal"
    move_clock(timedelta(seconds=60))
    await stage.tick()
    assert await stage.state(request) == "expired"
    move_clock(timedelta(hours=10))
    await stage.tick()
    assert await stage.rows("SELECT 1 FROM outbox") == [], "nothing is left to do"


async def test_a_hub_that_cuts_the_line_after_taking_the_request_hears_it_again(
    stage: Stage, move_clock: Clock
) -> None:
    stage.hub.statuses["transactionRequests"] = [(504, None)]
    request = await stage.asked()
    await stage.answer_request(request, "RECEIVED")
    assert await stage.state(request) == "awaiting_payer"
    move_clock(LATER)
    await stage.work()
    assert len(stage.hub.to("/transactionRequests", "POST")) == 1, "it was heard the first time"


async def test_answers_are_sent_again_until_the_hub_takes_them(stage: Stage, move_clock: Clock) -> None:
    stage.hub.statuses["quotes"] = [(503, None), (503, None)]
    body = stage.quote_body()
    await stage.send_quote(body)
    for _ in range(2):
        move_clock(timedelta(seconds=10))
        await stage.work()
    answers = stage.hub.to(f"/quotes/{body.quote_id}", "PUT")
    assert len(answers) == 3
    assert len({sent.raw for sent in answers}) == 1


async def test_an_answer_that_the_hub_refuses_is_not_sent_again(stage: Stage, move_clock: Clock) -> None:
    stage.hub.statuses["quotes"] = [(400, "3100")]
    body = stage.quote_body()
    await stage.send_quote(body)
    move_clock(timedelta(minutes=1))
    await stage.work()
    assert len(stage.hub.to(f"/quotes/{body.quote_id}", "PUT")) == 1


# --- what the look-up found ------------------------------------------------------------------------------------------


async def not_found(stage: Stage, code: str, payer: str = PAYER, **how: Any) -> None:
    error = encode_error(FspiopError(code, "no such party"))
    await stage.tell("PUT", f"/parties/MSISDN/{payer}/error", error, **({"source": HUB} | how))


async def test_a_participant_cannot_say_that_another_has_the_account(stage: Stage) -> None:
    request = await stage.ask()
    party = Party(PartyIdInfo("MSISDN", PAYER, None, BANK))
    await stage.tell("PUT", f"/parties/MSISDN/{PAYER}", PartiesPut(party), source=MOBILE)
    assert await stage.state(request) == "created"
    assert stage.hub.to("/transactionRequests", "POST") == []


async def test_once_the_payer_is_found_an_error_or_the_same_answer_changes_nothing(stage: Stage) -> None:
    stage.hub.statuses["transactionRequests"] = [(503, None)]
    request = await stage.ask()
    await stage.find_payer()
    await not_found(stage, "3204")
    await stage.find_payer()
    assert await stage.state(request) == "created", "it is on its way"
    [row] = await stage.rows("SELECT payer_fsp_id FROM payment_request")
    assert row["payer_fsp_id"] == MOBILE


async def test_an_answer_reads_no_other_payers_requests_even_in_a_database_without_statistics(stage: Stage) -> None:
    await stage.ask()
    copied = """
    INSERT INTO payment_request SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(),
      'transaction_request_id', gen_random_uuid(), 'payer_digest', decode(md5(n::text), 'hex')))).*
    FROM payment_request p, generate_series(1, 2000) n
    """
    digests, dfsp_id, now = [b"1", b"2", b"3"], stage.merchant.dfsp_id, clock.now()
    nothing: tuple[list[Any], ...] = ([], [], [], [])
    async with stage.service.db.system() as tx:
        await tx.execute(copied)
        for sql, values in (
            (book_loading._REQUESTS, ([], [], [dfsp_id] * 3, digests, now, *nothing)),
            (book_loading._ONCE_LOOKED_UP, (digests, dfsp_id)),
        ):
            plan = str(await tx.fetch(f"EXPLAIN {sql}", *values))
            assert "ix_payment_request_payer_digest" in plan, plan
            assert "payment_request_listed" not in plan, plan


@pytest.mark.parametrize(
    ("code", "reason"),
    [("3204", "payer_not_found"), ("3200", "request_refused"), ("1001", "payer_dfsp_unreachable")],
)
async def test_an_unknown_payer_fails_the_request(stage: Stage, code: str, reason: str) -> None:
    request = await stage.ask()
    await not_found(stage, code)
    ended = await stage.read(request)
    assert (ended["state"], ended["reason"]["code"]) == ("failed", reason)


async def test_one_answer_serves_all_requests_to_that_payer_and_no_other(stage: Stage) -> None:
    first, second = await stage.ask(), await stage.ask(amount={"amount": "20", "currency": "KES"})
    other = await stage.ask(payer={"type": "MSISDN", "id": "254711000011"})
    await stage.find_payer()
    assert [await stage.state(request) for request in (first, second, other)] == ["sent", "sent", "created"]


async def test_an_unknown_payer_fails_no_request_that_was_already_put(stage: Stage) -> None:
    request = await stage.asked()
    await not_found(stage, "3204")
    assert await stage.state(request) == "sent"


async def test_a_look_up_answered_twice_asks_once(stage: Stage) -> None:
    request = await stage.asked()
    await stage.find_payer()
    assert len(stage.hub.to("/transactionRequests", "POST")) == 1
    assert await stage.state(request) == "sent"


async def test_a_payers_new_home_is_heard_at_the_next_request(stage: Stage) -> None:
    await stage.asked()
    await stage.ask()
    await stage.find_payer(fsp_id=BANK)
    assert [sent.headers["fspiop-destination"] for sent in stage.hub.to("/transactionRequests", "POST")] == [
        MOBILE,
        BANK,
    ]


async def test_an_answer_to_no_question_of_ours_is_no_matter(stage: Stage) -> None:
    await stage.find_payer("254711000077")
    assert stage.hub.sent == []
    assert await stage.rows("SELECT 1 FROM outbox") == []


async def test_a_request_taken_back_during_the_look_up_is_never_put(stage: Stage) -> None:
    request = await stage.ask()
    await stage.client.post(f"/api/v1/payment-requests/{request['id']}/cancel", headers=stage.key)
    await stage.find_payer()
    assert stage.hub.to("/transactionRequests") == []


async def test_a_request_that_expired_during_the_look_up_is_never_put(stage: Stage, move_clock: Clock) -> None:
    request = await stage.ask(expires_in_s=5)
    move_clock(timedelta(seconds=6))
    await stage.find_payer()
    assert stage.hub.to("/transactionRequests") == []
    await stage.tick()
    assert await stage.state(request) == "expired"


# --- a hub that cannot be reached is told as such --------------------------------------------------------------------


async def closed_url() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}"


async def set_url(stage: Stage, url: str, **urls: str) -> None:
    async with stage.service.db.system() as tx:
        await tx.execute("UPDATE dfsp SET hub_url = $1, hub_urls = $2::jsonb", url, json.dumps(urls))


async def expired(stage: Stage, request: dict[str, Any], move_clock: Clock) -> tuple[str, str]:
    """How a request ended whose time is over, and what its merchant is told."""
    move_clock(timedelta(seconds=60))
    await stage.tick()
    ended = await stage.read(request)
    assert ended["state"] == "expired"
    return ended["reason"]["code"], ended["reason"]["message"]


async def test_a_hub_that_cannot_be_reached_is_told_as_such(stage: Stage, move_clock: Clock) -> None:
    await set_url(stage, await closed_url())
    request = await stage.ask(expires_in_s=60)
    assert await expired(stage, request, move_clock) == (
        "hub_unreachable",
        "The hub could not be reached; the customer was not asked.",
    )


async def test_a_hub_that_is_down_when_the_customer_is_to_be_asked_is_told_as_such(
    stage: Stage, move_clock: Clock
) -> None:
    await set_url(stage, stage.hub.url, transactionRequests=await closed_url())
    request = await stage.asked(expires_in_s=60)
    code, message = await expired(stage, request, move_clock)
    assert (code, "was not asked" in message) == ("hub_unreachable", True)


@pytest.mark.parametrize("status", [500, 503, 504])
async def test_a_hub_that_may_have_passed_the_request_on_is_not_told_otherwise(
    stage: Stage, move_clock: Clock, status: int
) -> None:
    stage.hub.statuses["transactionRequests"] = [(status, None)]
    request = await stage.asked(expires_in_s=60)
    await set_url(stage, await closed_url())
    move_clock(timedelta(seconds=31))
    await stage.tick()
    assert await expired(stage, request, move_clock) == (
        "hub_unreachable",
        "The hub did not answer; the customer may not have been asked.",
    )


async def test_a_hub_that_came_back_and_a_customer_who_does_not_answer(stage: Stage, move_clock: Clock) -> None:
    stage.hub.statuses["parties"] = [(503, None)]
    request = await stage.ask(expires_in_s=60)
    move_clock(LATER)
    await stage.tick()
    await stage.find_payer()
    assert await stage.state(request) == "sent"
    assert (await expired(stage, request, move_clock))[0] == "request_expired"


async def test_a_hub_that_never_says_who_has_the_customer_is_not_the_customers_silence(
    stage: Stage, move_clock: Clock
) -> None:
    request = await stage.ask(expires_in_s=60)
    assert (await expired(stage, request, move_clock))[0] == "payer_not_asked"


async def test_a_dfsp_without_a_hub_is_told_once_in_plain_words(stage: Stage, move_clock: Clock) -> None:
    await set_url(stage, "")
    with capture_logs() as logs:
        requests = [await stage.ask(expires_in_s=60) for _ in range(3)]
        codes = {(await expired(stage, request, move_clock))[0] for request in requests[:1]}
    assert codes == {"hub_unreachable"}
    [line] = [entry for entry in logs if entry["event"] == "hub_url_missing"]
    assert (line["fsp_id"], "MERCHANT_HUB_URL" in line["what_to_do"]) == (DFSP, True)


async def test_each_resource_may_have_a_host_of_its_own(stage: Stage) -> None:
    await set_url(stage, await closed_url(), parties=stage.hub.url, transactionRequests=f"{stage.hub.url}/trs/")
    request = await stage.asked()
    assert await stage.state(request) == "sent"
    assert [sent.path for sent in stage.hub.sent] == [f"/parties/MSISDN/{PAYER}", "/trs/transactionRequests"]


async def test_what_became_of_each_call_is_counted(stage: Stage) -> None:
    def calls(result: str) -> float:
        labels = {"dfsp": DFSP, "resource": "parties", "result": result}
        return REGISTRY.get_sample_value("merchant_hub_calls_total", labels) or 0.0

    before = {result: calls(result) for result in ("accepted", "refused", "busy", "unreachable", "no_url")}
    stage.hub.statuses["parties"] = [(202, None), (400, "3204"), (503, None)]
    for _ in range(3):
        await stage.ask()
    await set_url(stage, await closed_url())
    stage.service.shared(HubConnections)._connections._values.clear()
    await stage.ask()
    await set_url(stage, "")
    stage.service.shared(HubConnections)._connections._values.clear()
    await stage.ask()
    assert {result: calls(result) - count for result, count in before.items()} == dict.fromkeys(before, 1.0)
    timed = REGISTRY.get_sample_value("merchant_hub_call_seconds_count", {"dfsp": DFSP, "resource": "parties"})
    assert timed and timed >= 3
