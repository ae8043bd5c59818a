"""The FSPIOP door: what a hub may send, what is refused before it is kept, and that a message counts once."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from merchant.core.http.raw import MAX_BODY_BYTES
from merchant.hub.fspiop import base64url
from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.jws import fspiop_uri, sign
from merchant.hub.fspiop.messages import (
    PartiesPut,
    Party,
    PartyIdInfo,
    QuotesPost,
    TransactionRequestsPut,
    encode,
    encode_error,
)
from merchant.payments.callbacks import fspiop_door
from merchant.programs import runtime
from merchant.programs.app import create_app, with_doors
from tests.builders import GATEWAY_SECRET
from tests.merchant.demo.simulator.conftest import free_port
from tests.merchant.payments.stage import BANK, DFSP, HUB, MOBILE, PAYER, SIGNING_KEYS, STRANGER, Stage

pytestmark = pytest.mark.anyio
RECEIVED = TransactionRequestsPut("RECEIVED")
JSON, QUOTES = "application/json", "application/vnd.interoperability.quotes+json"
Headers = dict[str, str | None]


@pytest.fixture(params=["router", "front"])
async def doors(stage: Stage, request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """The stage, its hub knocking at the router's door and at the one before it."""
    if request.param == "router":
        yield stage
        return
    transport = httpx.ASGITransport(with_doors(create_app(stage.service, [fspiop_door])))
    async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as client:
        del client.headers["accept"]
        stage.hub.client = client
        yield stage


async def kept(stage: Stage) -> list[asyncpg.Record]:
    """The messages that were stored."""
    return await stage.rows("SELECT * FROM inbox ORDER BY received_at")


async def queued(stage: Stage) -> int:
    """How many messages wait to be interpreted."""
    return len(await stage.rows("SELECT 1 FROM outbox WHERE topic = 'hub.message'"))


def error_of(response: httpx.Response) -> tuple[int, str]:
    """The HTTP status and the FSPIOP code of a refusal, which must be well formed."""
    assert response.headers["content-type"] == "application/json"
    information = response.json()["errorInformation"]
    assert 0 < len(information["errorDescription"]) <= 128
    return response.status_code, information["errorCode"]


async def assert_nothing_kept(stage: Stage) -> None:
    assert (await kept(stage), await queued(stage)) == ([], 0)


# --- what is taken ---------------------------------------------------------------------------------------------------


async def test_requests_are_answered_202_and_answers_200_both_empty(doors: Stage) -> None:
    transfer = {"transferState": "COMMITTED", "completedTimestamp": "2026-01-01T00:00:00.000Z"}
    taken = [
        await doors.hub.say("POST", "/quotes", doors.quote_body()),
        await doors.hub.say("GET", f"/parties/ALIAS/{doors.counter.alias}"),
        await doors.hub.say("PUT", f"/transactionRequests/{uuid4()}", RECEIVED),
        await doors.hub.say("PATCH", f"/transfers/{uuid4()}", json.dumps(transfer).encode(), source=HUB),
    ]
    assert [(response.status_code, response.content) for response in taken] == [
        (202, b""),
        (202, b""),
        (200, b""),
        (200, b""),
    ]
    assert all("content-type" not in response.headers for response in taken)
    assert len(await kept(doors)) == await queued(doors) == 4


async def test_the_versions_that_hubs_speak_are_tolerated_and_answered_in_kind(stage: Stage) -> None:
    for version, answered in (("1.0", "1.0"), ("1.1", "1.1"), ("2.0", "2.0"), ("1", "1.1"), ("2", "2.0")):
        headers: Headers = dict.fromkeys(("content-type", "accept"), f"{QUOTES};version={version}")
        assert (await stage.hub.say("POST", "/quotes", stage.quote_body(), headers=headers)).status_code == 202
        await stage.work()
        answer = stage.hub.to("/quotes/", "PUT")[-1]
        assert answer.error_code is None
        assert answer.headers["content-type"] == f"{QUOTES};version={answered}"


async def test_a_look_up_may_lack_its_destination(doors: Stage) -> None:
    """Whoever looks a merchant up does not know its DFSP yet (FSPIOP 1.1, section 3.2.3.5)."""
    path = f"/parties/ALIAS/{doors.counter.alias}"
    taken = await doors.hub.say("GET", path, headers={"fspiop-destination": None})
    assert taken.status_code == 202
    await doors.work()
    assert doors.hub.to(path, "PUT")[0].body["party"]["partyIdInfo"]["fspId"] == DFSP


async def test_what_a_hub_wrote_anew_on_its_way_is_still_its_senders(stage: Stage) -> None:
    body = stage.quote_body()
    signed = headers_of_signed(body)
    rewritten = json.dumps(json.loads(encode(body)), separators=(",", ":")).encode()
    response = await stage.hub.say("POST", "/quotes", rewritten, headers={"fspiop-signature": signed})
    assert response.status_code == 202


def headers_of_signed(body: QuotesPost, **changed: Any) -> str:
    """The signature that MOBILE makes of a quote, or of something else."""
    how: dict[str, Any] = {
        "method": "POST",
        "uri": "/quotes",
        "source": MOBILE,
        "destination": DFSP,
        "body": encode(body),
    }
    return sign(changed.pop("key", SIGNING_KEYS[MOBILE]), **(how | changed))


async def test_the_hubs_own_error_comes_in_our_name_without_a_signature(doors: Stage) -> None:
    request = await doors.asked()
    path = f"/transactionRequests/{request['hub']['transaction_request_id']}/error"
    error = encode_error(FspiopError("1001", "Destination communication error"))
    taken = await doors.hub.say("PUT", path, error, source=DFSP, destination=MOBILE, signed=False)
    assert taken.status_code == 200
    await doors.work()
    failed = await doors.read(request)
    assert (failed["state"], failed["reason"]["code"]) == ("failed", "payer_dfsp_unreachable")


# --- what is refused -------------------------------------------------------------------------------------------------

HEADER_CASES: list[tuple[Headers, int, str]] = [
    ({"date": None}, 400, "3102"),
    ({"fspiop-source": None}, 400, "3102"),
    ({"content-type": None}, 400, "3102"),
    ({"accept": None}, 400, "3102"),
    ({"date": ""}, 400, "3102"),
    ({"date": "yesterday"}, 400, "3101"),
    ({"fspiop-source": "mobile money"}, 400, "3101"),
    ({"fspiop-source": "m" * 33}, 400, "3101"),
    ({"fspiop-destination": "d" * 33}, 400, "3101"),
    ({"content-type": JSON}, 400, "3101"),
    ({"content-type": f"{QUOTES.replace('quotes', 'transfers')};version=1.1"}, 400, "3101"),
    ({"content-type": f"{QUOTES}; version=1.1; charset=latin-1"}, 400, "3101"),
    ({"content-type": f"{QUOTES};version=3.0"}, 406, "3001"),
    ({"content-type": f"{QUOTES};version=1.2"}, 406, "3001"),
    ({"accept": "*/*"}, 400, "3101"),
    ({"accept": JSON}, 400, "3101"),
    ({"accept": f"{QUOTES};version=3"}, 406, "3001"),
    ({"accept": f"{QUOTES};version=0.9"}, 406, "3001"),
    ({"fspiop-encryption": '{"encryptedFields":[{"fieldName":"payer"}]}'}, 400, "3100"),
    ({"fspiop-destination": None}, 400, "3105"),
    ({"fspiop-destination": "nobody"}, 400, "3203"),
    ({"fspiop-destination": DFSP.upper()}, 400, "3203"),
]


async def test_headers_that_are_missing_or_wrong_are_refused(doors: Stage) -> None:
    body = doors.quote_body()
    for headers, status, code in HEADER_CASES:
        response = await doors.hub.say("POST", "/quotes", body, headers=headers)
        assert error_of(response) == (status, code), headers
    await assert_nothing_kept(doors)


async def test_a_refused_version_names_those_that_are_spoken(stage: Stage) -> None:
    headers: Headers = {"accept": f"{QUOTES};version=3"}
    response = await stage.hub.say("POST", "/quotes", stage.quote_body(), headers=headers)
    spoken = response.json()["errorInformation"]["extensionList"]["extension"]
    assert spoken == [{"key": "1", "value": "0"}, {"key": "1", "value": "1"}, {"key": "2", "value": "0"}]


async def test_the_gateways_secret_is_demanded_before_anything_else(doors: Stage) -> None:
    for given in (None, "", "wrong", GATEWAY_SECRET + "x", GATEWAY_SECRET.upper()):
        response = await doors.hub.say("POST", "/quotes", b"x", headers={"x-gateway-secret": given, "date": None})
        assert error_of(response) == (401, "3000")
    await assert_nothing_kept(doors)


async def test_without_a_secret_only_this_machine_is_let_in(stage: Stage) -> None:
    stage.service.settings = replace(stage.service.settings, gateway_secret="")
    for client, status in (("127.0.0.1", 202), ("::1", 202), ("10.0.0.7", 403), ("203.0.113.9", 403), ("", 403)):
        transport = httpx.ASGITransport(create_app(stage.service, [fspiop_door]), client=(client, 4711))
        async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as stage.hub.client:
            response = await stage.hub.say("POST", "/quotes", stage.quote_body())
            assert response.status_code == status, client


def forgeries(body: QuotesPost) -> dict[str, Headers]:
    """Signature headers that do not prove that MOBILE said this here."""
    good = json.loads(headers_of_signed(body))
    nothing = base64url.encode(b"")
    unsigned = base64url.encode(json.dumps({"alg": "none"}).encode())
    parts = {
        "unsigned": None,
        "empty": "",
        "no JSON": "signed, honestly",
        "half": json.dumps({"signature": good["signature"]}),
        "signature of nothing": json.dumps(good | {"signature": nothing}),
        "signature cut": json.dumps(good | {"signature": good["signature"][:-4]}),
        "no algorithm": json.dumps({"protectedHeader": unsigned, "signature": nothing}),
        "deep": '{"protectedHeader":' + "[" * 5000,
        "another body": headers_of_signed(replace(body, note="another")),
        "another method": headers_of_signed(body, method="PUT"),
        "another address": headers_of_signed(body, uri="/transfers"),
        "another source": headers_of_signed(body, source=BANK),
        "another destination": headers_of_signed(body, destination="lakemfi"),
        "no destination": headers_of_signed(body, destination=None),
        "another's key": headers_of_signed(body, key=SIGNING_KEYS[BANK]),
        "the hub's key": headers_of_signed(body, key=SIGNING_KEYS[HUB]),
        "an unknown key": headers_of_signed(body, key=SIGNING_KEYS[STRANGER]),
        "another date": headers_of_signed(body, date="Sun, 22 Nov 2026 00:00:00 GMT"),
    }
    cases: dict[str, Headers] = {name: {"fspiop-signature": value} for name, value in parts.items()}
    return cases | {
        "header of another address": {"fspiop-uri": "/transfers"},
        "no address": {"fspiop-uri": None},
        "header of another method": {"fspiop-http-method": "PUT"},
        "no method": {"fspiop-http-method": None},
        "in another's name": {"fspiop-source": BANK},
        "to another": {"fspiop-destination": "lakemfi"},
    }


async def test_a_message_that_is_not_truly_its_senders_is_refused(doors: Stage) -> None:
    body = doors.quote_body()
    for name, headers in forgeries(body).items():
        response = await doors.hub.say("POST", "/quotes", body, headers=headers)
        assert error_of(response) == (400, "3105"), name
    await assert_nothing_kept(doors)


async def test_a_body_altered_on_its_way_is_refused(doors: Stage) -> None:
    body = doors.quote_body(amount="10")
    signature = headers_of_signed(body)
    for altered in (
        encode(body).replace(b'"10"', b'"11"'),
        encode(body).replace(b'"10"', b'"10.0"'),
        encode(body)[:-1] + b',"note":"x"}',
        encode(body)[:-1] + b',"amount":{"currency":"KES","amount":"9"}}',
    ):
        response = await doors.hub.say("POST", "/quotes", altered, headers={"fspiop-signature": signature})
        assert error_of(response) == (400, "3105"), altered
    await assert_nothing_kept(doors)


async def test_a_signature_for_one_address_opens_no_other(stage: Stage) -> None:
    first, second = [f"/transactionRequests/{uuid4()}" for _ in range(2)]
    signature = sign(
        SIGNING_KEYS[MOBILE],
        method="PUT",
        uri=fspiop_uri(first),
        source=MOBILE,
        destination=DFSP,
        body=encode(RECEIVED),
    )
    response = await stage.hub.say("PUT", second, RECEIVED, headers={"fspiop-signature": signature})
    assert error_of(response) == (400, "3105")


async def test_a_participant_whose_keys_nobody_knows_is_refused(stage: Stage) -> None:
    assert error_of(await stage.hub.say("POST", "/quotes", stage.quote_body(), source=STRANGER)) == (400, "3105")


async def test_nothing_but_the_hubs_own_error_may_come_unsigned(stage: Stage) -> None:
    request = f"/transactionRequests/{uuid4()}"
    error = encode_error(FspiopError("1001", "x"))
    for path, body, source in (
        (request, RECEIVED, DFSP),
        (f"{request}/error", error, MOBILE),
        (f"/transfers/{uuid4()}", RECEIVED, DFSP),
    ):
        response = await stage.hub.say("PUT", path, body, source=source, signed=False)
        assert error_of(response) == (400, "3105"), path
    await assert_nothing_kept(stage)


async def test_signatures_are_not_looked_at_where_the_setting_says_so(stage: Stage) -> None:
    stage.service.settings = replace(stage.service.settings, require_signatures=False)
    assert (await stage.hub.say("POST", "/quotes", stage.quote_body(), signed=False)).status_code == 202


async def disable(stage: Stage) -> None:
    async with stage.service.db.system() as tx:
        await tx.execute("UPDATE dfsp SET enabled = false WHERE fsp_id = $1", DFSP)


async def test_a_disabled_participant_takes_no_new_payment(stage: Stage) -> None:
    await disable(stage)
    party = PartiesPut(Party(PartyIdInfo("MSISDN", PAYER, None, MOBILE)))
    for method, path, body in (
        ("POST", "/quotes", stage.quote_body()),
        ("GET", f"/parties/ALIAS/{stage.counter.alias}", None),
        ("PUT", f"/parties/MSISDN/{PAYER}", party),
    ):
        assert error_of(await stage.hub.say(method, path, body)) == (400, "3203"), path
    await assert_nothing_kept(stage)


@pytest.mark.parametrize(
    ("method", "word", "state"),
    [
        ("PATCH", "COMMITTED", "paid"),
        ("PUT", "COMMITTED", "paid"),
        ("PATCH", "ABORTED", "failed"),
    ],
)
async def test_money_under_way_of_a_disabled_participant_is_settled_and_told(
    stage: Stage, method: str, word: str, state: str
) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    await disable(stage)
    await stage.end_transfer(transfer_id, word, method)
    assert await stage.rows("SELECT state FROM payment_request") == [(state,)]


async def test_the_customers_no_reaches_a_disabled_participant(stage: Stage) -> None:
    request = await stage.asked()
    await disable(stage)
    await stage.tell(
        "PUT",
        f"/transactionRequests/{request['hub']['transaction_request_id']}",
        TransactionRequestsPut("REJECTED"),
        source=MOBILE,
    )
    assert await stage.rows("SELECT state FROM payment_request") == [("rejected",)]


PLACES = [
    ("GET", "/"),
    ("GET", ""),
    ("GET", "/nothing/1"),
    ("GET", "/Quotes/1"),
    ("POST", "/bulkQuotes"),
    ("GET", "/quotes"),
    ("PUT", "/quotes"),
    ("PUT", "/quotes/"),
    ("PUT", "/quotes//error"),
    ("GET", "/parties"),
    ("GET", "/parties/MSISDN"),
    ("PUT", "/parties/MSISDN/"),
    ("GET", "/quotes/" + "x" * 129),
    ("GET", "/quotes/a/b/c/d/e"),
    ("GET", "/quotes/%00"),
    ("GET", "/quotes/%2F"),
    ("GET", "/parties/ALIAS%2Fx"),
    ("PUT", "/parties/MSISDN%2F254733000001"),
    ("GET", "/parties/ALIAS/a%2Fb"),
]


async def test_a_place_that_is_none_is_not_found(doors: Stage) -> None:
    for method, path in PLACES:
        response = await doors.hub.client.request(
            method, f"/fspiop{path}", headers={"x-gateway-secret": GATEWAY_SECRET}
        )
        assert error_of(response) == (404, "3002"), path
    await assert_nothing_kept(doors)


async def test_methods_that_the_wire_lacks_are_refused(doors: Stage) -> None:
    for method in ("DELETE", "OPTIONS", "TRACE", "PROPFIND"):
        headers = {"x-gateway-secret": GATEWAY_SECRET}
        response = await doors.hub.client.request(method, "/fspiop/quotes/1", headers=headers)
        assert error_of(response) == (405, "3000"), method


BODIES = [
    b"",
    b" ",
    b"null",
    b"[]",
    b"[null]",
    b'"text"',
    b"{}",
    b"{",
    b"\xff\xfe",
    b'{"quoteId":"\xff"}',
    b"{" * 100_000,
    b"[" * 100_000,
    b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    b'{"quoteId": NaN}',
    b"\x00",
    b"1" * 5000,
]


async def test_a_body_that_cannot_be_understood_is_refused_while_its_sender_listens(doors: Stage) -> None:
    for body in BODIES:
        status, code = error_of(await doors.hub.say("POST", "/quotes", body))
        assert (status, code) in ((400, "3101"), (400, "3102")), body[:40]
    await assert_nothing_kept(doors)


async def test_a_known_body_with_a_bad_field_is_refused_by_the_fields_name(stage: Stage) -> None:
    good = json.loads(encode(stage.quote_body()))
    cases: list[tuple[dict[str, Any], str]] = [
        ({"quoteId": "not-an-id"}, "3101"),
        ({"quoteId": None}, "3101"),
        ({"amountType": "BOTH"}, "3100"),
        ({"amount": {"currency": "KES", "amount": "10.00"}}, "3101"),
        ({"amount": {"currency": "POC", "amount": "10"}}, "3100"),
        ({"fees": {"currency": "ZZZ", "amount": "1"}}, "3100"),
        ({"note": "x" * 129}, "3101"),
        ({"note": "a\x00b"}, "3101"),
        ({"expiration": "tomorrow"}, "3101"),
        ({"extensionList": {"extension": [{"key": "k", "value": "v"}] * 17}}, "3103"),
    ]
    for changed, code in cases:
        response = await stage.hub.say("POST", "/quotes", json.dumps(good | changed).encode())
        assert error_of(response) == (400, code), changed
        assert next(iter(changed)) in response.text
    del good["amount"]
    assert error_of(await stage.hub.say("POST", "/quotes", json.dumps(good).encode())) == (400, "3102")
    await assert_nothing_kept(stage)


async def test_a_body_larger_than_the_wire_allows_is_refused_unread(doors: Stage) -> None:
    whole = await doors.hub.say("POST", "/quotes", b"x" * (MAX_BODY_BYTES + 1), signed=False)
    assert error_of(whole) == (413, "3104")
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield b"x" * 1_000_000

    headers = {"x-gateway-secret": GATEWAY_SECRET}
    chunked = await doors.hub.client.post("/fspiop/quotes", content=endless(), headers=headers)
    assert error_of(chunked) == (413, "3104")
    assert sent <= MAX_BODY_BYTES // 1_000_000 + 2
    await assert_nothing_kept(doors)


# --- kept once -------------------------------------------------------------------------------------------------------


async def test_a_repeated_answer_is_kept_once_counted_and_worked_on_once(doors: Stage) -> None:
    path = f"/transactionRequests/{uuid4()}"
    for _ in range(3):
        assert (await doors.hub.say("PUT", path, RECEIVED)).status_code == 200
    [row] = await kept(doors)
    assert (row["times"], row["method"], row["resource"], row["source"]) == (3, "PUT", "transactionRequests", MOBILE)
    assert await queued(doors) == 1


async def test_a_repeated_request_is_kept_once_and_answered_each_time(doors: Stage) -> None:
    body = doors.quote_body()
    for _ in range(3):
        assert (await doors.hub.say("POST", "/quotes", body)).status_code == 202
        await doors.work()
    assert [row["times"] for row in await kept(doors)] == [3]
    answers = doors.hub.to(f"/quotes/{body.quote_id}", "PUT")
    assert len(answers) == 3
    assert len({answer.raw for answer in answers}) == 1


async def test_ten_copies_at_once_are_one_message(stage: Stage) -> None:
    path = f"/transactionRequests/{uuid4()}"
    taken = await asyncio.gather(*(stage.hub.say("PUT", path, RECEIVED) for _ in range(10)))
    assert {response.status_code for response in taken} == {200}
    assert [row["times"] for row in await kept(stage)] == [10]
    assert await queued(stage) == 1


async def test_the_same_words_of_two_senders_or_about_two_things_are_two_messages(stage: Stage) -> None:
    path, other = (f"/transactionRequests/{uuid4()}" for _ in range(2))
    await stage.hub.say("PUT", path, RECEIVED)
    await stage.hub.say("PUT", path, RECEIVED, source=BANK)
    await stage.hub.say("PUT", other, RECEIVED)
    await stage.hub.say("PUT", path, TransactionRequestsPut("REJECTED"))
    assert [row["times"] for row in await kept(stage)] == [1, 1, 1, 1]


async def test_what_is_kept_names_no_payer(stage: Stage) -> None:
    await stage.hub.say("POST", "/quotes", stage.quote_body())
    await stage.hub.say("GET", f"/parties/MSISDN/{PAYER}")
    stored = [*await kept(stage), *await stage.rows("SELECT * FROM outbox")]
    assert len(stored) >= 4
    assert not any(PAYER.encode() in repr(tuple(row)).encode() for row in stored)


async def test_a_message_that_could_not_be_kept_is_sent_away_and_may_come_again(
    doors: Stage, database_url: str
) -> None:
    path = f"/transactionRequests/{uuid4()}"
    async with away(database_url, "inbox"):
        with capture_logs() as logs:
            assert error_of(await doors.hub.say("PUT", path, RECEIVED)) == (503, "2003")
    assert [entry["event"] for entry in logs] == ["message_not_stored"]
    assert (await doors.hub.say("PUT", path, RECEIVED)).status_code == 200
    assert [row["times"] for row in await kept(doors)] == [1]


@contextlib.asynccontextmanager
async def away(database_url: str, table: str) -> AsyncIterator[None]:
    """A table that is not there."""
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute(f"ALTER TABLE {table} RENAME TO away")
        yield
        await connection.execute(f"ALTER TABLE away RENAME TO {table}")
    finally:
        await connection.close()


async def test_a_message_without_a_handler_is_taken_and_changes_nothing(stage: Stage) -> None:
    request = await stage.asked()
    for method, path in (
        ("PUT", f"/quotes/{uuid4()}"),
        ("PUT", f"/transactions/{uuid4()}"),
    ):
        assert (await stage.hub.say(method, path, b'{"x":1}')).status_code in (200, 202)
    await stage.work()
    assert await stage.state(request) == "sent"
    assert await queued(stage) == 0


@pytest.mark.parametrize("path", ["/participants", "/participants/ALIAS/1001", "/authorizations"])
async def test_what_nobody_here_could_answer_is_refused_at_once(stage: Stage, path: str) -> None:
    response = await stage.hub.say("POST", path, b'{"requestId":"59e331fa-345f-4554-aac8-fcd8833f7d50"}')
    assert error_of(response) == (501, "2002")
    await assert_nothing_kept(stage)


# --- over a socket ---------------------------------------------------------------------------------------------------


async def test_the_door_works_over_a_socket(stage: Stage) -> None:
    port = free_port()
    app = with_doors(create_app(stage.service, [fspiop_door]))
    async with (
        runtime.serving(app, "127.0.0.1", port),
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as stage.hub.client,
    ):
        path = f"/parties/ALIAS/{stage.counter.alias}"
        assert (await stage.hub.say("GET", path)).status_code == 202
        assert (await stage.hub.say("POST", "/quotes", stage.quote_body())).status_code == 202
        assert error_of(await stage.hub.say("POST", "/quotes", b"[" * 50_000)) == (400, "3101")
        assert error_of(await stage.hub.say("GET", "/nothing/1")) == (404, "3002")
        assert await too_large_by_its_own_word(port) == 413
    await stage.work()
    assert stage.hub.to(path, "PUT")[0].error_code is None


async def too_large_by_its_own_word(port: int) -> int:
    """The status of a message that says it is too large; its body is never sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST /fspiop/quotes HTTP/1.1\r\nhost: x\r\nx-gateway-secret: %s\r\ncontent-length: %d\r\n\r\n"
        % (GATEWAY_SECRET.encode(), MAX_BODY_BYTES + 1)
    )
    status_line = await asyncio.wait_for(reader.readline(), 10)
    writer.close()
    return int(status_line.split()[1])
