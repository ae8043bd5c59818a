"""Who may say what: a word counts only from the party that was asked, or from the hub, about what it was asked."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from msgspec.structs import replace
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from merchant.core import clock, inbox
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.headers import http_date
from merchant.hub.fspiop.jws import SigningKey, sign
from merchant.hub.fspiop.messages import (
    PartiesPut,
    Party,
    PartyIdInfo,
    TransactionRequestsPut,
    TransfersPatch,
    encode,
    encode_error,
)
from merchant.payments.callbacks import FRESHNESS_MAX
from merchant.payments.participants import HubConnections
from merchant.payments.requests import ANSWERED_WITHIN
from merchant.scheme import keys
from tests.builders import DFSPS, GATEWAY_SECRET
from tests.merchant.payments.stage import (
    BANK,
    DFSP,
    HUB,
    MOBILE,
    PAYER,
    SIGNING_KEYS,
    STRANGER,
    Sent,
    Stage,
    public_pem_of,
)

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]
UNKNOWN_TRANSFER = encode_error(FspiopError("3208", "no such transfer"))


def code_of(response: httpx.Response) -> str:
    return str(response.json()["errorInformation"]["errorCode"])


def signed_for(uri: str, body: bytes, source: str, method: str = "PUT") -> dict[str, str | None]:
    """The headers by which a participant signs one address."""
    signature = sign(SIGNING_KEYS[source], method=method, uri=uri, source=source, destination=DFSP, body=body)
    return {"fspiop-signature": signature, "fspiop-uri": uri, "fspiop-http-method": method}


def answer_path(request: dict[str, Any], end: str = "") -> str:
    return f"/transactionRequests/{request['hub']['transaction_request_id']}{end}"


# --- a signature covers what is acted upon ---------------------------------------------------------------------------


async def test_the_hubs_word_on_one_transfer_is_none_on_another(stage: Stage) -> None:
    victim, other = await stage.reserved(await stage.asked()), str(uuid4())
    uri = f"/transfers/{other}/error"
    for path in (
        f"/transfers/{victim}{uri}",
        f"/transfers/{victim}/{uri}",
        f"/transfers/{victim}%2Ftransfers/{other}/error",
        f"/transfers/{victim}?{uri}",
        f"/transfers/{victim}/error?{uri}",
    ):
        headers = signed_for(uri, UNKNOWN_TRANSFER, HUB)
        response = await stage.hub.say("PUT", path, UNKNOWN_TRANSFER, source=HUB, headers=headers)
        assert code_of(response) in ("3002", "3105"), path
    await stage.work()
    assert [row["state"] for row in await stage.rows("SELECT state FROM transfer")] == ["RESERVED"]


async def test_an_answer_to_one_request_is_none_to_another(stage: Stage) -> None:
    request, uri = await stage.asked(), f"/transactionRequests/{uuid4()}"
    body = encode(TransactionRequestsPut("REJECTED"))
    headers = signed_for(uri, body, MOBILE)
    response = await stage.hub.say("PUT", answer_path(request) + uri, body, headers=headers)
    assert response.status_code == 404
    assert await stage.state(request) == "sent"


# --- answers to a request to pay -------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [BANK, STRANGER])
@pytest.mark.parametrize("end", ["", "/error"])
async def test_a_dfsp_that_was_not_asked_ends_nothing(stage: Stage, source: str, end: str) -> None:
    async with stage.service.db.system() as tx:
        await keys.add_public(tx, STRANGER, public_pem_of(STRANGER))
    request = await stage.asked()
    body = encode_error(FspiopError("4101", "no")) if end else encode(TransactionRequestsPut("REJECTED"))
    with capture_logs() as logs:
        await stage.tell("PUT", answer_path(request, end), body, source=source)
    assert await stage.state(request) == "sent"
    assert [(entry["at"], entry["fsp_source"]) for entry in logs if entry["event"] == "message_refused"] == [
        ("answer", source)
    ]
    await stage.pay(request)
    assert await stage.state(request) == "paid"


async def test_a_request_whose_payer_is_not_known_yet_is_answered_by_nobody_but_the_hub(stage: Stage) -> None:
    request = await stage.ask()
    await stage.answer_request(request, "REJECTED")
    assert await stage.state(request) == "created"
    await stage.tell("PUT", answer_path(request, "/error"), encode_error(FspiopError("2001", "x")), source=HUB)
    assert await stage.state(request) == "failed"


RETURNED: list[tuple[str, str | None, str]] = [
    ("4101", MOBILE, "a hub cannot know that the customer said no"),
    ("4001", MOBILE, "nor what the payer's account holds"),
    ("5101", MOBILE, "nor what the payee decides"),
    ("1001", DFSP, "it was not for us"),
    ("1001", BANK, "nor for another"),
    ("1001", None, "nor for nobody"),
]


async def test_what_a_hub_returns_unsigned_is_to_whom_it_was_for_and_the_hubs_to_know(stage: Stage) -> None:
    request = await stage.asked()
    for code, destination, why in RETURNED:
        headers: dict[str, str | None] = {"fspiop-destination": destination}
        error = encode_error(FspiopError(code, "x"))
        path = answer_path(request, "/error")
        response = await stage.hub.say("PUT", path, error, source=DFSP, signed=False, headers=headers)
        assert code_of(response) == "3105", why
    stage.service.settings = replace(stage.service.settings, require_signatures=False)
    error = encode_error(FspiopError("4101", "x"))
    response = await stage.hub.say("PUT", answer_path(request, "/error"), error, source=DFSP, signed=False)
    assert code_of(response) == "3105", "and that is no matter of signatures"
    assert await stage.state(request) == "sent"


async def test_what_was_never_asked_of_a_dfsp_is_not_returned(stage: Stage) -> None:
    error = encode_error(FspiopError("1001", "x"))
    for request in (await stage.ask(), await stage.ask(payer=None)):
        path = answer_path(request, "/error")
        response = await stage.hub.say("PUT", path, error, source=DFSP, destination=MOBILE, signed=False)
        assert code_of(response) == "3203"
        assert await stage.state(request) == ("created" if request["payer"] else "awaiting_payer")


# --- answers to a look-up --------------------------------------------------------------------------------------------


def party(fsp_id: str) -> PartiesPut:
    return PartiesPut(Party(PartyIdInfo("MSISDN", PAYER, None, fsp_id)))


def contradictions(asked: str) -> float:
    return REGISTRY.get_sample_value("merchant_payer_contradictions_total", {"asked": asked}) or 0.0


async def test_an_answer_that_comes_before_the_question_is_none(stage: Stage) -> None:
    await stage.create()
    assert (await stage.hub.say("PUT", f"/parties/MSISDN/{PAYER}", party(BANK), source=BANK)).status_code == 200
    async with stage.service.db.system() as tx:
        await tx.execute("UPDATE outbox SET run_at = run_at + interval '1 hour' WHERE topic = 'payments.look_up'")
    await stage.work()
    assert [row["payer_fsp_id"] for row in await stage.rows("SELECT payer_fsp_id FROM payment_request")] == [None]


@pytest.mark.parametrize("source", [MOBILE, BANK])
async def test_an_answer_about_whom_no_request_names_changes_nothing_and_is_no_refusal(
    stage: Stage, source: str
) -> None:
    request, other = await stage.ask(), "254711000099"
    with capture_logs() as logs:
        await stage.find_payer(other, source)
    assert not {"message_refused", "payer_contradicted", "security_event"} & {entry["event"] for entry in logs}
    assert await stage.state(request) == "created"
    later = await stage.create(payer={"type": "MSISDN", "id": other})
    assert [row["payer_fsp_id"] for row in await stage.rows("SELECT payer_fsp_id FROM payment_request")] == [None] * 2
    await stage.work()
    assert await stage.state(later.json()) == "created"


async def test_an_answer_that_comes_long_after_the_question_is_none(stage: Stage, move_clock: Clock) -> None:
    request = await stage.ask(expires_in_s=3600)
    move_clock(ANSWERED_WITHIN + timedelta(seconds=1))
    with capture_logs() as logs:
        await stage.find_payer(fsp_id=BANK)
    assert "message_refused" in [entry["event"] for entry in logs]
    assert await stage.state(request) == "created"
    assert stage.hub.to("/transactionRequests", "POST") == []


async def test_an_answer_about_another_kind_of_party_finds_no_payer(stage: Stage) -> None:
    request = await stage.ask()
    for path in (f"/parties/ACCOUNT_ID/{PAYER}", f"/parties/MSISDN/{PAYER}/x"):
        await stage.tell("PUT", path, party(MOBILE), source=MOBILE)
    assert await stage.state(request) == "created"


async def test_two_dfsps_that_have_one_payer_end_what_was_not_asked_yet(stage: Stage) -> None:
    before = contradictions("no")
    stage.hub.statuses["transactionRequests"] = [(503, None)] * 9
    request = await stage.ask()
    await stage.find_payer()
    with capture_logs() as logs:
        await stage.find_payer(fsp_id=BANK)
    ended = await stage.read(request)
    assert (ended["state"], ended["reason"]["code"]) == ("failed", "payer_ambiguous")
    assert contradictions("no") == before + 1
    [entry] = [entry for entry in logs if entry["event"] == "payer_contradicted"]
    assert (entry["fsp_source"], entry["found_at"]) == (BANK, MOBILE)
    assert PAYER not in str(logs)


async def test_a_second_dfsp_that_comes_too_late_raises_the_alarm(stage: Stage) -> None:
    before = contradictions("yes")
    request = await stage.asked()
    with capture_logs() as logs:
        await stage.find_payer(fsp_id=BANK)
    assert await stage.state(request) == "sent"
    assert contradictions("yes") == before + 1
    assert {"payer_contradicted", "security_event"} <= {entry["event"] for entry in logs}
    await stage.pay(request)
    await stage.find_payer(fsp_id=BANK)
    assert contradictions("yes") == before + 1, "what has ended is nobody's matter any more"


# --- quotes and transfers --------------------------------------------------------------------------------------------


async def test_another_dfsp_cannot_quote_for_a_payer_who_was_not_found_yet(stage: Stage) -> None:
    request = await stage.ask()
    assert (await stage.quote(request)).error_code == "3200"
    await stage.find_payer()
    assert (await stage.quote(request, source=BANK)).error_code == "3200"
    assert (await stage.quote(request)).error_code is None


async def test_a_transaction_that_one_dfsp_told_is_not_quoted_by_another(stage: Stage) -> None:
    request, transaction_id = await stage.asked(), str(uuid4())
    await stage.answer_request(request, "RECEIVED", transaction_id=transaction_id)
    quoted = await stage.quote(transaction_id=transaction_id, source=BANK)
    transfer_id, _ = await stage.transfer(quoted, source=BANK)
    await stage.end_transfer(transfer_id, "COMMITTED")
    assert await stage.state(request) == "awaiting_payer"
    [payment] = await stage.payments()
    assert payment["payment_request_id"] is None


async def test_one_transfers_id_is_one_payers(stage: Stage) -> None:
    transfer_id = await stage.reserved()
    quoted = await stage.quote(source=BANK)
    _, answer = await stage.transfer(quoted, source=BANK, transfer_id=transfer_id)
    assert answer.error_code == "3106"
    await stage.end_transfer(transfer_id, "COMMITTED")
    [row] = await stage.rows("SELECT payer_fsp_id, state FROM transfer")
    assert tuple(row) == (MOBILE, "COMMITTED")
    await stage.tell("GET", f"/transfers/{transfer_id}", source=BANK)
    assert stage.hub.to(f"/transfers/{transfer_id}/error", "PUT")[-1].error_code == "3208"


# --- from one DFSP served here to another ----------------------------------------------------------------------------

OTHER = DFSPS[1]


async def own_key(stage: Stage, fsp_id: str) -> SigningKey:
    """The key by which the service signs for one of its DFSPs."""
    async with stage.service.db.system_reads() as tx:
        connection = await stage.service.shared(HubConnections).connection(tx, fsp_id)
    assert connection is not None
    assert connection.signing_key is not None
    return connection.signing_key


async def relay(stage: Stage, sent: Sent, **changed: str) -> httpx.Response:
    """What a hub does: what the service sent comes back to its door as it was, unless some of it is changed."""
    names = ("fspiop-", "date", "accept", "content-type")
    headers = {name: value for name, value in sent.headers.items() if name.startswith(names)}
    headers |= {"x-gateway-secret": GATEWAY_SECRET} | changed
    url = f"/fspiop{sent.path}"
    response = await stage.client.request(sent.method, url, content=sent.raw, headers=headers)
    await stage.work()
    return response


async def asked_of_own(stage: Stage, monkeypatch: pytest.MonkeyPatch, payer_fsp: str) -> tuple[dict[str, Any], Sent]:
    """A request to a customer of a DFSP that is served here too, and what left for the hub."""
    monkeypatch.setitem(SIGNING_KEYS, payer_fsp, await own_key(stage, payer_fsp))
    request = await stage.ask()
    await stage.find_payer(fsp_id=payer_fsp)
    [asked] = stage.hub.to("/transactionRequests", "POST")
    return request, asked


@pytest.mark.parametrize("payer_fsp", DFSPS)
async def test_a_customer_of_a_dfsp_served_here_pays_a_shop_of_one(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, payer_fsp: str
) -> None:
    request, asked = await asked_of_own(stage, monkeypatch, payer_fsp)
    assert asked.headers["fspiop-destination"] == payer_fsp
    await stage.answer_request(request, "RECEIVED", source=payer_fsp)
    transfer_id, answer = await stage.transfer(await stage.quote(request, source=payer_fsp), source=payer_fsp)
    assert answer.error_code is None, answer.body
    await stage.end_transfer(transfer_id, "COMMITTED")
    assert await stage.state(request) == "paid"


@pytest.mark.parametrize("payer_fsp", DFSPS)
async def test_our_own_refusal_comes_back_to_the_dfsp_that_asked(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, payer_fsp: str
) -> None:
    request, asked = await asked_of_own(stage, monkeypatch, payer_fsp)
    assert (await relay(stage, asked)).status_code == 202
    [refusal] = stage.hub.to(answer_path(request, "/error"), "PUT")
    assert (refusal.error_code, refusal.headers["fspiop-source"]) == ("4102", payer_fsp)
    assert code_of(await relay(stage, refusal, **{"fspiop-source": MOBILE})) == "3105"
    assert await stage.state(request) == "sent"
    assert (await relay(stage, refusal)).status_code == 200
    assert await stage.state(request) not in ("sent", "created")


@pytest.mark.parametrize("payer_fsp", DFSPS)
async def test_nobody_else_speaks_as_a_dfsp_served_here(stage: Stage, payer_fsp: str) -> None:
    request = await stage.asked()
    error = encode_error(FspiopError("4101", "x"))
    for key in (SIGNING_KEYS[MOBILE], SIGNING_KEYS[HUB], await own_key(stage, DFSPS[payer_fsp == DFSP]), None):
        how: dict[str, Any] = {"source": payer_fsp, "key": key, "signed": key is not None}
        for method, path, body in (
            ("PUT", f"/parties/MSISDN/{PAYER}", encode(party(payer_fsp))),
            ("PUT", answer_path(request), encode(TransactionRequestsPut("REJECTED"))),
            ("PUT", answer_path(request, "/error"), error),
            ("PUT", answer_path({"hub": {"transaction_request_id": str(uuid4())}}, "/error"), error),
            ("POST", "/quotes", encode(stage.quote_body(request, fsp_id=payer_fsp))),
        ):
            response = await stage.hub.say(method, path, body, **how)
            assert code_of(response) == "3105", (method, path, key)
    await stage.work()
    assert await stage.state(request) == "sent"


async def test_a_retired_key_of_ours_signs_for_nobody(stage: Stage, move_clock: Clock) -> None:
    key = await own_key(stage, OTHER)
    body = stage.quote_body(fsp_id=OTHER)
    assert (await stage.hub.say("POST", "/quotes", body, source=OTHER, key=key)).status_code == 202
    async with stage.service.db.system() as tx:
        await tx.execute("UPDATE scheme_key SET valid_until = $2 WHERE fsp_id = $1", OTHER, clock.now())
    move_clock(timedelta(minutes=1))
    again = stage.quote_body(fsp_id=OTHER)
    assert code_of(await stage.hub.say("POST", "/quotes", again, source=OTHER, key=key)) == "3105"


# --- how old ---------------------------------------------------------------------------------------------------------


def dated(by: timedelta) -> dict[str, str | None]:
    return {"date": http_date(clock.now() + by)}


@pytest.mark.parametrize("way", [-1, 1])
async def test_a_message_of_another_day_is_refused(stage: Stage, way: int) -> None:
    body, day = stage.quote_body(), timedelta(days=1)
    late = await stage.hub.say("POST", "/quotes", body, headers=dated(way * (day + timedelta(minutes=1))))
    assert code_of(late) == "3100"
    in_time = await stage.hub.say("POST", "/quotes", body, headers=dated(way * (day - timedelta(minutes=1))))
    assert in_time.status_code == 202


async def test_how_old_a_message_may_be_can_be_set(stage: Stage) -> None:
    body = stage.quote_body()
    for freshness_s, by, status in ((60, 90, 400), (120, 90, 202), (0, 86_400 * 365, 202)):
        stage.service.settings = replace(stage.service.settings, message_freshness_s=freshness_s)
        response = await stage.hub.say("POST", "/quotes", body, headers=dated(-timedelta(seconds=by)))
        assert response.status_code == status, (freshness_s, by)


def test_a_message_is_too_old_before_it_is_forgotten() -> None:
    assert FRESHNESS_MAX * 2 <= inbox.KEPT_FOR


# --- unsigned by rule ------------------------------------------------------------------------------------------------


async def test_the_hub_may_send_unsigned_what_the_setting_lists_and_no_more(stage: Stage) -> None:
    error = encode_error(FspiopError("3204", "x"))
    path = f"/parties/MSISDN/{PAYER}"
    rule = "PUT parties/error,  PATCH transfers"
    assert code_of(await stage.hub.say("PUT", f"{path}/error", error, source=HUB, signed=False)) == "3105"
    stage.service.settings = replace(stage.service.settings, unsigned_from_hub=rule)
    request = await stage.ask()
    for method, where, body, source in (
        ("PUT", path, encode(party(MOBILE)), HUB),
        ("PUT", f"{path}/error", error, MOBILE),
        ("PUT", f"/transfers/{uuid4()}", encode(TransfersPatch("ABORTED")), HUB),
    ):
        response = await stage.hub.say(method, where, body, source=source, signed=False)
        assert code_of(response) == "3105", (method, where, source)
    with capture_logs() as logs:
        await stage.tell("PUT", f"{path}/error", error, source=HUB, signed=False)
    assert [entry["kind"] for entry in logs if entry["event"] == "message_taken_unsigned"] == ["PUT parties/error"]
    assert await stage.state(request) == "failed"


async def test_a_wrong_signature_is_no_missing_one(stage: Stage) -> None:
    stage.service.settings = replace(stage.service.settings, unsigned_from_hub="PUT parties/error")
    error = encode_error(FspiopError("3204", "x"))
    path = f"/parties/MSISDN/{PAYER}/error"
    response = await stage.hub.say("PUT", path, error, source=HUB, key=SIGNING_KEYS[MOBILE])
    assert code_of(response) == "3105"


async def test_the_hubs_key_is_found_whatever_the_case_of_its_name(stage: Stage) -> None:
    error = encode_error(FspiopError("3204", "x"))
    request = await stage.ask()
    await stage.tell("PUT", f"/parties/MSISDN/{PAYER}/error", error, source="Hub", key=SIGNING_KEYS[HUB])
    assert await stage.state(request) == "failed"
    other = await stage.hub.say("POST", "/quotes", stage.quote_body(), source="MobileMoney", key=SIGNING_KEYS[MOBILE])
    assert code_of(other) == "3105", "a participant's name is written in one way"


# --- to whom, where nobody says so -----------------------------------------------------------------------------------


async def without_destination(
    stage: Stage, method: str, path: str, body: bytes | None = None, **how: Any
) -> httpx.Response:
    headers: dict[str, str | None] = {"fspiop-destination": None}
    if body:
        source = how.get("source", MOBILE)
        signature = sign(SIGNING_KEYS[source], method=method, uri=path, source=source, destination=None, body=body)
        headers["fspiop-signature"] = signature
    response = await stage.hub.say(method, path, body, headers=headers, **how)
    await stage.work()
    return response


async def test_a_payment_without_any_destination_is_paid(stage: Stage) -> None:
    request = await stage.asked()
    await without_destination(stage, "PUT", answer_path(request), encode(TransactionRequestsPut("RECEIVED")))
    assert await stage.state(request) == "awaiting_payer"
    quote = stage.quote_body(request)
    bare = json.loads(encode(quote))
    del bare["payee"]["partyIdInfo"]["fspId"]
    assert (await without_destination(stage, "POST", "/quotes", json.dumps(bare).encode())).status_code == 202
    quoted = stage.hub.to(f"/quotes/{quote.quote_id}", "PUT")[-1]
    assert (await without_destination(stage, "GET", f"/quotes/{quote.quote_id}")).status_code == 202
    transfer = stage.transfer_body(quoted)
    assert (await without_destination(stage, "POST", "/transfers", encode(transfer))).status_code == 202
    path = f"/transfers/{transfer.transfer_id}"
    assert (await without_destination(stage, "PATCH", path, encode(TransfersPatch("COMMITTED")), source=HUB)).is_success
    assert await stage.state(request) == "paid"


async def test_what_nothing_names_is_for_the_only_dfsp_or_for_nobody(stage: Stage) -> None:
    path = "/parties/ALIAS/unknown"
    assert code_of(await without_destination(stage, "GET", path)) == "3203"
    async with stage.service.db.system() as tx:
        await tx.execute("UPDATE dfsp SET enabled = false WHERE fsp_id <> $1", DFSP)
    assert (await without_destination(stage, "GET", path)).status_code == 202
    assert stage.hub.to(path, "PUT")[-1].error_code == "3204"


# --- what a switch writes of a transfer ------------------------------------------------------------------------------


@pytest.mark.parametrize("at", ["2026-11-29 01:59:05.501", "2026-11-29T01:59:05Z", "", None, 7, {}])
@pytest.mark.parametrize(("said", "state"), [("ABORTED", "failed"), ("COMMITTED", "paid"), ("SETTLED", "paid")])
async def test_an_outcome_counts_however_its_time_is_written(stage: Stage, at: Any, said: str, state: str) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    body = {"transferId": transfer_id, "completedTimestamp": at, "transferState": said}
    await stage.tell("PATCH", f"/transfers/{transfer_id}", json.dumps(body).encode(), source=HUB)
    assert await stage.state(request) == state
