"""What the hub asks and tells: parties, payers that answer, payers that are not found."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest

from merchant.hub.fspiop.error_codes import FspiopError
from merchant.hub.fspiop.messages import (
    Party,
    PartyIdInfo,
    TransactionRequestsPost,
    TransactionType,
    WireMoney,
    encode_error,
)
from tests import builders
from tests.merchant.payments.stage import BANK, DFSP, HUB, MOBILE, PAYER, Sent, Stage, open_shop

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]


# --- who the merchant is ---------------------------------------------------------------------------------------------


async def party(stage: Stage, *parts: str, source: str = MOBILE) -> Sent:
    """What we answer to a question for a party."""
    path = "/parties/" + "/".join(quote(part, safe="") for part in parts)
    await stage.tell("GET", path, source=source)
    return stage.hub.to(path, "PUT")[-1]


async def test_a_number_tells_whose_it_is(stage: Stage) -> None:
    answer = await party(stage, "ALIAS", stage.counter.alias)
    assert answer.body["party"] == {
        "partyIdInfo": {"partyIdType": "ALIAS", "partyIdentifier": stage.counter.alias, "fspId": DFSP},
        "merchantClassificationCode": "5411",
        "name": stage.merchant.trading_name,
    }


@pytest.mark.parametrize(
    ("trading_name", "shown"),
    [("Mama & Sons (Nairobi)", "Mama and Sons Nairobi"), ("ဆိုင် Café №1", "ဆိုင် Café 1")],
)
async def test_a_name_is_written_as_strict_hubs_accept_it(stage: Stage, trading_name: str, shown: str) -> None:
    _, counter = await open_shop(stage.service, stage.world, builders.company(trading_name=trading_name))
    assert (await party(stage, "ALIAS", counter.alias)).body["party"]["name"] == shown


@pytest.mark.parametrize(
    "parts", [("ALIAS", "99999999"), ("BUSINESS", "99999999"), ("ALIAS", "no such"), ("MSISDN", PAYER)]
)
async def test_whom_we_do_not_know_is_said_to_be_unknown(stage: Stage, parts: tuple[str, ...]) -> None:
    assert (await party(stage, *parts)).error_code == "3204"


async def test_a_number_of_another_dfsp_is_unknown_here(stage: Stage) -> None:
    _, counters = await builders.create_merchant(stage.service, stage.world, "lakemfi")
    assert (await party(stage, "ALIAS", counters[0].alias)).error_code == "3204"


@pytest.mark.parametrize("state", ["suspended", "closed"])
async def test_a_shop_that_may_not_take_payments_is_not_to_be_paid(stage: Stage, state: str) -> None:
    await stage.rows("UPDATE merchant SET state = $1", state)
    assert (await party(stage, "ALIAS", stage.counter.alias)).error_code == "5400"


async def test_a_scanned_codes_sub_id_is_known_while_its_request_is_open(stage: Stage) -> None:
    request = await stage.ask(payer=None)
    reference = request["pay_url"].rsplit(".", 1)[-1]
    answer = await party(stage, "ALIAS", stage.counter.alias, reference)
    assert answer.body["party"]["partyIdInfo"]["partySubIdOrType"] == reference
    await stage.pay(sub_id=reference)
    assert (await party(stage, "ALIAS", stage.counter.alias, reference)).error_code == "3204"


@pytest.mark.parametrize("ending", ["expired", "cancelled"])
async def test_a_scanned_codes_sub_id_closes_with_its_request(stage: Stage, move_clock: Clock, ending: str) -> None:
    request = await stage.ask(payer=None, expires_in_s=60)
    if ending == "expired":
        move_clock(timedelta(seconds=61))
        await stage.tick()
    else:
        await stage.client.post(f"/api/v1/payment-requests/{request['id']}/cancel", headers=stage.key)
    reference = request["pay_url"].rsplit(".", 1)[-1]
    assert (await party(stage, "ALIAS", stage.counter.alias, reference)).error_code == "3204"


@pytest.mark.parametrize("sub_id", ["ZZZZZZZZ", "' OR 1=1", "ကျပ်"])
async def test_a_sub_id_that_no_request_has_is_unknown(stage: Stage, sub_id: str) -> None:
    assert (await party(stage, "ALIAS", stage.counter.alias, sub_id)).error_code == "3204"


async def test_the_same_question_is_answered_every_time(stage: Stage) -> None:
    first = await party(stage, "ALIAS", stage.counter.alias)
    second = await party(stage, "ALIAS", stage.counter.alias, source=BANK)
    assert first.raw == second.raw
    assert [sent.headers["fspiop-destination"] for sent in (first, second)] == [MOBILE, BANK]


# --- what the payer's DFSP says of a request -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "state"), [("RECEIVED", "awaiting_payer"), ("PENDING", "awaiting_payer"), ("ACCEPTED", "accepted")]
)
async def test_what_the_payer_says_is_shown(stage: Stage, said: str, state: str) -> None:
    request, transaction_id = await stage.asked(), str(uuid4())
    await stage.answer_request(request, said, transaction_id=transaction_id)
    shown = await stage.read(request)
    assert (shown["state"], shown["hub"]["transaction_id"]) == (state, transaction_id)


async def test_a_payer_who_says_no_ends_the_request(stage: Stage) -> None:
    request = await stage.asked()
    await stage.answer_request(request, "REJECTED")
    ended = await stage.read(request)
    assert (ended["state"], ended["reason"]["code"]) == ("rejected", "payer_rejected")


async def test_a_payer_may_say_no_after_the_quote(stage: Stage) -> None:
    request = await stage.asked()
    await stage.quote(request)
    await stage.answer_request(request, "REJECTED")
    assert await stage.state(request) == "rejected"


async def test_answers_in_the_wrong_order_lead_nowhere_back(stage: Stage) -> None:
    request = await stage.asked()
    for said in ("ACCEPTED", "RECEIVED", "PENDING"):
        await stage.answer_request(request, said)
    assert await stage.state(request) == "accepted"
    await stage.answer_request(request, "REJECTED")
    await stage.answer_request(request, "ACCEPTED", transaction_id=str(uuid4()))
    assert await stage.state(request) == "rejected"


async def test_an_answer_that_overtakes_the_hubs_202_counts(stage: Stage) -> None:
    stage.hub.statuses["transactionRequests"] = [(503, None)]
    request = await stage.asked()
    assert await stage.state(request) == "created"
    await stage.answer_request(request, "RECEIVED")
    assert await stage.state(request) == "awaiting_payer"


async def test_another_dfsp_cannot_answer_for_the_payer(stage: Stage) -> None:
    request = await stage.asked()
    await stage.answer_request(request, "REJECTED", source=BANK)
    assert await stage.state(request) == "sent"


async def test_an_answer_to_another_dfsps_request_changes_nothing(stage: Stage) -> None:
    request = await stage.asked()
    path = f"/transactionRequests/{request['hub']['transaction_request_id']}"
    body = b'{"transactionRequestState":"REJECTED"}'
    response = await stage.hub.say("PUT", path, body, destination="lakemfi")
    assert response.status_code == 200
    await stage.work()
    assert await stage.state(request) == "sent"


async def test_an_answer_about_an_unknown_request_is_no_matter(stage: Stage) -> None:
    await stage.tell("PUT", f"/transactionRequests/{uuid4()}", b'{"transactionRequestState":"RECEIVED"}')
    assert await stage.rows("SELECT 1 FROM outbox") == []


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        ("3201", "failed", "payer_dfsp_unreachable"),
        ("4001", "failed", "payer_cannot_pay"),
        ("4100", "rejected", "payer_rejected"),
        ("4101", "rejected", "payer_rejected"),
        ("4102", "failed", "payer_dfsp_unsupported"),
        ("4200", "failed", "payer_limit"),
        ("2001", "failed", "hub_busy"),
        ("3301", "failed", "request_expired"),
    ],
)
@pytest.mark.parametrize("source", [HUB, MOBILE])
async def test_an_error_about_a_request_ends_it(stage: Stage, code: str, state: str, reason: str, source: str) -> None:
    request = await stage.asked()
    await error_about(stage, request, code, source=source)
    ended = await stage.read(request)
    assert (ended["state"], ended["reason"]["code"]) == (state, reason)
    assert (await stage.history(request))[-1]["detail"].startswith(code)


async def error_about(stage: Stage, request: dict[str, Any], code: str, **how: Any) -> None:
    path = f"/transactionRequests/{request['hub']['transaction_request_id']}/error"
    await stage.tell("PUT", path, encode_error(FspiopError(code, "because")), **how)


@pytest.mark.parametrize("code", ["1001", "2003", "3100", "3201", "3301", "3340"])
async def test_a_hub_may_give_our_request_back_unsigned_with_our_own_headers(stage: Stage, code: str) -> None:
    request = await stage.asked()
    await error_about(stage, request, code, source=DFSP, destination=MOBILE, signed=False)
    assert await stage.state(request) == "failed"


async def test_an_error_while_the_money_moves_changes_nothing(stage: Stage) -> None:
    request = await stage.asked()
    transfer_id = await stage.reserved(request)
    await error_about(stage, request, "2001", source=HUB)
    assert await stage.state(request) == "accepted"
    await stage.end_transfer(transfer_id, "COMMITTED")
    assert await stage.state(request) == "paid"


async def test_money_after_an_error_is_welcome_and_late(stage: Stage) -> None:
    request = await stage.asked()
    await error_about(stage, request, "2001", source=HUB)
    await stage.pay(request)
    paid = await stage.read(request)
    assert (paid["state"], paid["late"]) == ("paid", True)


# --- what we do not do -----------------------------------------------------------------------------------------------


async def test_our_merchants_cannot_be_asked_to_pay(stage: Stage) -> None:
    request_id = str(uuid4())
    body = TransactionRequestsPost(
        transaction_request_id=request_id,
        payee=Party(PartyIdInfo("MSISDN", PAYER, None, MOBILE)),
        payer=PartyIdInfo("ALIAS", stage.counter.alias, None, DFSP),
        amount=WireMoney("KES", "10"),
        transaction_type=TransactionType("PAYMENT", "PAYEE", "BUSINESS"),
    )
    await stage.tell("POST", "/transactionRequests", body)
    assert stage.hub.to(f"/transactionRequests/{request_id}/error", "PUT")[-1].error_code == "4102"


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/transactionRequests/{}", "3206"),
        ("/authorizations/{}?authenticationType=OTP", "2002"),
        ("/transactions/{}", "2002"),
        ("/participants/ALIAS/{}", "2002"),
    ],
)
async def test_questions_that_we_cannot_answer_are_answered_so(stage: Stage, path: str, code: str) -> None:
    path = path.format(uuid4())
    await stage.tell("GET", path)
    bare = path.partition("?")[0]
    [sent] = stage.hub.sent
    assert (sent.method, sent.path, sent.error_code) == ("PUT", f"{bare}/error", code)


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", "/quotes/x"), ("PUT", "/participants/MSISDN/1"), ("PUT", "/participants/x")]
)
async def test_messages_that_mean_nothing_to_us_are_taken_and_left(stage: Stage, method: str, path: str) -> None:
    await stage.tell(method, path, b"{}" if method == "PUT" else None)
    assert stage.hub.sent == []
    assert await stage.rows("SELECT 1 FROM outbox") == []
