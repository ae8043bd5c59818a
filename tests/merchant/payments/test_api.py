"""The payment request API as docs/contract.md words it: shapes, amounts, payers, keys, lists, walls."""

import asyncio
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

import qr
from merchant.compliance.policies.in_force import policy_of
from merchant.registry.merchants.lifecycle import add_counter
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.merchant.payments.stage import DFSP, PAYER, Stage, open_shop

pytestmark = pytest.mark.anyio
REQUESTS = "/api/v1/payment-requests"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
CASH = {"amount": "10", "currency": "KES"}


async def made(stage: Stage, who: dict[str, str] | None = None, **body: Any) -> dict[str, Any]:
    """A payment request that was made with these credentials."""
    response = await post(stage, {"amount": CASH} | body, who)
    assert response.status_code == 201, response.text
    return dict(response.json())


async def post(stage: Stage, body: Any, who: dict[str, str] | None = None, key: str | None = None) -> httpx.Response:
    headers = (who or stage.key) | {"idempotency-key": key or uuid4().hex}
    return await stage.client.post(REQUESTS, json=body, headers=headers)


async def get(stage: Stage, path: str, who: dict[str, str] | None = None) -> httpx.Response:
    return await stage.client.get(path, headers=who or stage.key)


async def refused(stage: Stage, field: str, **body: Any) -> None:
    """A request with something wrong is refused by the field's name, and nothing is kept of it."""
    response = await stage.create(**body)
    assert response.status_code == 422, (body, response.text)
    assert response.headers["content-type"] == "application/problem+json"
    [error] = response.json()["errors"]
    assert error["path"] == field, (body, error)
    assert await stage.rows("SELECT 1 FROM payment_request") == []
    assert await stage.rows("SELECT 1 FROM idempotency_key") == []


async def second_counter(stage: Stage) -> str:
    """The id of another counter of the same shop."""
    maker = stage.world[DFSP]["maker"].actor
    async with stage.service.db.tenant(maker.dfsp_id) as tx:
        counter = await add_counter(
            tx, stage.service, maker, stage.merchant.id, stage.counter.location_id, "Till 2", None
        )
    return str(counter.id)


async def key_of(stage: Stage, merchant: Merchant | None = None, counter_id: str | None = None) -> dict[str, str]:
    """The credentials of one merchant, or of one of its counters."""
    place: dict[str, Any] = {"merchant_id": (merchant or stage.merchant).id}
    if counter_id is not None:
        place["counter_id"] = UUID(counter_id)
    scopes = ["payments:read", "payments:request"]
    return await builders.issue_key(stage.service, stage.world[DFSP]["admin"], scopes, **place)


# --- shapes ----------------------------------------------------------------------------------------------------------


async def test_a_request_with_a_payer_has_the_contracts_shape(stage: Stage) -> None:
    request = await made(
        stage,
        counter_id=str(stage.counter.id),
        payer={"type": "MSISDN", "id": f"+{PAYER}"},
        reference="order 7",
        note="Two loaves",
        expires_in_s=120,
    )
    fixed = {
        "state": "created",
        "amount": CASH,
        "counter_id": str(stage.counter.id),
        "counter_name": stage.counter.name,
        "merchant_id": str(stage.merchant.id),
        "merchant_name": stage.merchant.trading_name,
        "payer": {"type": "MSISDN", "id": "2547*****001"},
        "reference": "order 7",
        "note": "Two loaves",
        "paid_at": None,
        "late": False,
        "reason": None,
    }
    assert {name: request[name] for name in fixed} == fixed
    assert set(request) - set(fixed) == {"id", "created_at", "expires_at", "qr_payload", "pay_url", "hub"}
    assert UUID(request["id"]).version == 7
    assert request["hub"] | {"transaction_request_id": None} == dict.fromkeys(
        ("transaction_request_id", "transaction_id", "transfer_id")
    )
    wire_id = request["hub"]["transaction_request_id"]
    assert (str(UUID(wire_id)), UUID(wire_id).version) == (wire_id, 4)
    created, expires = (datetime.fromisoformat(request[name]) for name in ("created_at", "expires_at"))
    assert all(TIME.fullmatch(request[name]) for name in ("created_at", "expires_at"))
    assert expires - created == timedelta(seconds=120)
    assert (await get(stage, f"{REQUESTS}/{request['id']}")).json() == request


async def test_a_request_without_a_payer_waits_for_a_shopper_to_scan_it(stage: Stage) -> None:
    request = await made(stage, counter_id=str(stage.counter.id))
    assert (request["state"], request["payer"], request["reference"], request["note"]) == (
        "awaiting_payer",
        None,
        None,
        None,
    )
    code = qr.explain(request["qr_payload"])
    assert (code.strict, code.initiation, code.amount) == (True, "dynamic", "10.00 is asked")
    assert code.currency is not None and code.currency.alpha == "KES"
    assert stage.counter.alias in request["qr_payload"]
    assert (await get(stage, f"{REQUESTS}/{request['id']}")).json() == request
    parts = urlsplit(request["pay_url"])
    assert re.fullmatch(rf"/q/{stage.counter.alias}\.[0-9A-Z]{{8}}", parts.path)
    assert f"{parts.scheme}://{parts.netloc}" == stage.service.settings.base_url
    assert await stage.rows("SELECT 1 FROM outbox WHERE topic LIKE 'payments.%'") == []


async def test_a_paid_request_says_when_and_by_which_ids(stage: Stage) -> None:
    request = await stage.asked()
    transfer_id = await stage.pay(request)
    paid = await stage.read(request)
    assert TIME.fullmatch(paid["paid_at"])
    assert paid["hub"]["transfer_id"] == transfer_id
    assert paid["hub"]["transaction_id"] is not None
    changed = {name for name in paid if paid[name] != request[name]}
    assert changed == {"state", "paid_at", "hub"}


async def test_no_answer_holds_the_payers_number(stage: Stage) -> None:
    request = await stage.asked()
    await stage.pay(request)
    path = f"{REQUESTS}/{request['id']}"
    for place in (path, f"{path}/events", REQUESTS, "/api/v1/payments"):
        assert PAYER not in (await get(stage, place)).text


async def test_a_request_lives_five_minutes_unless_it_says_otherwise(stage: Stage) -> None:
    for given, lives_s in ((None, 300), (1, 1), (604_800, 604_800)):
        request = await made(stage, counter_id=str(stage.counter.id), **({"expires_in_s": given} if given else {}))
        created, expires = (datetime.fromisoformat(request[name]) for name in ("created_at", "expires_at"))
        assert expires - created == timedelta(seconds=lives_s)


# --- amounts, payers and other fields --------------------------------------------------------------------------------


async def test_amounts_are_answered_without_trailing_zeros(stage: Stage) -> None:
    taken = {
        "10": "10",
        "10.5": "10.5",
        "10.50": "10.5",
        "10.00": "10",
        "10.0000": "10",
        "0.01": "0.01",
        "0.10": "0.1",
        "0010": "10",
        "00.5": "0.5",
        "1000": "1000",
    }
    for given, answered in taken.items():
        request = await made(stage, counter_id=str(stage.counter.id), amount={"amount": given, "currency": "USD"})
        assert request["amount"] == {"amount": answered, "currency": "USD"}


async def test_a_currency_without_decimals_takes_only_zeros_behind_the_point(stage: Stage) -> None:
    document = builders.company(currencies=["JPY"])
    _, counter = await open_shop(stage.service, stage.world, document)
    yen = {"amount": "500.00", "currency": "JPY"}
    assert (await made(stage, counter_id=str(counter.id), amount=yen))["amount"]["amount"] == "500"
    response = await post(stage, {"counter_id": str(counter.id), "amount": yen | {"amount": "500.5"}})
    assert response.json()["errors"][0]["path"] == "amount.amount"


async def test_invalid_amounts_are_refused(stage: Stage) -> None:
    for text in (
        "",
        "0",
        "0.0",
        "0.0000",
        "-1",
        "+1",
        "1e3",
        "1.",
        ".5",
        "1,000",
        "1 000",
        " 1",
        "1 ",
        "1\n",
        "0x10",
        "NaN",
        "Infinity",
        "1.00001",
        "10.001",
        "\u0663",
        "1" * 14,
        "9" * 18,
        "ten",
        "1.2.3",
        "1_000",
    ):
        await refused(stage, "amount.amount", amount={"amount": text, "currency": "KES"})
    for number in (10, 10.5, None, ["10"], True):
        await refused(stage, "amount.amount", amount={"amount": number, "currency": "KES"})


async def test_currencies_that_are_none_or_are_not_taken_are_refused(stage: Stage) -> None:
    for currency in ("kes", "KE", "KESS", "", "K\u0415S", "404", None, "KES\n"):
        await refused(stage, "amount.currency", amount={"amount": "10", "currency": currency})
    for currency in ("EUR", "JPY", "XXX", "ZZZ", "XAU"):
        await refused(stage, "amount.currency", amount={"amount": "10", "currency": currency})


async def test_an_amount_over_the_tiers_limit_is_refused_and_the_limit_itself_is_taken(stage: Stage) -> None:
    most = (await policy_of(stage.service, stage.merchant.dfsp_id)).limits(stage.merchant.tier, "USD").per_payment_minor
    whole, cents = divmod(most + 1, 100)
    await refused(stage, "amount.amount", amount={"amount": f"{whole}.{cents:02}", "currency": "USD"})
    assert (await stage.create(amount={"amount": str(most // 100), "currency": "USD"})).status_code == 201


async def test_a_number_is_understood_with_or_without_plus_and_as_people_write_it(stage: Stage) -> None:
    for written in (PAYER, f"+{PAYER}", "+254 711 000 001", "254-711-000-001", "0711000001", "0711 000 001"):
        stage.hub.sent.clear()
        await stage.ask(payer={"type": "MSISDN", "id": written})
        assert [sent.path for sent in stage.hub.sent] == [f"/parties/MSISDN/{PAYER}"], written


async def test_a_number_of_another_country_stays_one(stage: Stage) -> None:
    await stage.ask(payer={"type": "MSISDN", "id": "+256772000001"})
    assert stage.hub.sent[-1].path == "/parties/MSISDN/256772000001"


async def test_payers_that_are_none_are_refused(stage: Stage) -> None:
    for written in (
        "abcd",
        "+",
        "++++",
        "1234",
        "+1",
        "0",
        "2547110000011111",
        "+254711000001;ext=5",
        "+254711000001 x5",
        "call me",
        "+٢٥٤",
        "<script>",
        "++254711000001",
        "٢٥٤٧١١٠٠٠٠٠١",
        "254711000003\n",
        "-254711000001",
    ):
        response = await stage.create(payer={"type": "MSISDN", "id": written})
        assert (response.status_code, response.json()["errors"][0]["path"]) == (422, "payer.id"), written
    for payer in (
        {"type": "ALIAS", "id": PAYER},
        {"type": "msisdn", "id": PAYER},
        {"type": "MSISDN"},
        {"id": PAYER},
        PAYER,
    ):
        assert (await stage.create(payer=payer)).status_code == 422, payer
    assert await stage.rows("SELECT 1 FROM payment_request") == []


async def test_texts_that_are_too_long_or_hold_control_characters_are_refused(stage: Stage) -> None:
    for field, most in (("reference", 35), ("note", 128)):
        assert (await stage.create(**{field: "é" * most})).status_code == 201
        for text in ("x" * (most + 1), "", "a\nb", "a\x1fb", 7, *((" ",) if field == "reference" else ())):
            response = await stage.create(**{field: text})
            assert (response.status_code, response.json()["errors"][0]["path"]) == (422, field), text
        assert (await stage.create(**{field: "a\x00b"})).status_code == 400


async def test_lives_that_are_too_short_or_too_long_are_refused(stage: Stage) -> None:
    for seconds in (0, -1, 604_801, 10**12, 1.5, "60", True):
        await refused(stage, "expires_in_s", expires_in_s=seconds)


async def test_a_field_that_the_contract_lacks_is_refused(stage: Stage) -> None:
    for more in ({"state": "paid"}, {"merchant_id": str(stage.merchant.id)}, {"counterId": "x"}):
        assert (await stage.create(**more)).status_code == 422
    amount = {"amount": "10", "currency": "KES", "minor": 1000}
    assert (await stage.create(amount=amount)).status_code == 422


async def test_a_merchant_that_may_not_take_payments_asks_for_none(stage: Stage) -> None:
    async with stage.service.db.system() as tx:
        await tx.execute("UPDATE merchant SET state = 'suspended'")
    response = await stage.create()
    assert (response.status_code, response.json()["code"]) == (409, "merchant_not_active")
    assert await stage.rows("SELECT 1 FROM payment_request") == []


# --- idempotency -----------------------------------------------------------------------------------------------------


async def test_a_repeat_answers_the_same_and_asks_once(stage: Stage) -> None:
    body = {"counter_id": str(stage.counter.id), "amount": CASH, "payer": {"type": "MSISDN", "id": PAYER}}
    first, again = [await post(stage, body, key="till-1-0001") for _ in range(2)]
    assert (first.status_code, first.content) == (again.status_code, again.content)
    assert again.headers["idempotency-replayed"] == "true"
    await stage.work()
    assert len(stage.hub.sent) == 1


async def test_ten_calls_with_one_key_at_once_ask_once(stage: Stage) -> None:
    body = {"counter_id": str(stage.counter.id), "amount": CASH, "payer": {"type": "MSISDN", "id": PAYER}}
    answers = await asyncio.gather(*(post(stage, body, key="k") for _ in range(10)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    await stage.work()
    assert len(stage.hub.sent) == 1


async def test_a_key_with_another_amount_is_refused(stage: Stage) -> None:
    body = {"counter_id": str(stage.counter.id), "amount": CASH}
    await post(stage, body, key="k")
    misused = await post(stage, body | {"amount": CASH | {"amount": "11"}}, key="k")
    assert (misused.status_code, misused.json()["code"]) == (409, "idempotency_key_reused")
    assert len(await stage.rows("SELECT 1 FROM payment_request")) == 1


async def test_a_call_without_a_key_makes_nothing(stage: Stage) -> None:
    body = {"counter_id": str(stage.counter.id), "amount": CASH}
    response = await stage.client.post(REQUESTS, json=body, headers=stage.key)
    assert (response.status_code, response.json()["code"]) == (400, "idempotency_key_missing")


# --- keys of a merchant and of a counter -----------------------------------------------------------------------------


async def test_a_merchants_key_need_not_name_its_only_counter_but_must_choose_among_several(stage: Stage) -> None:
    key = await key_of(stage)
    assert (await made(stage, key))["counter_id"] == str(stage.counter.id)
    other = await second_counter(stage)
    response = await post(stage, {"amount": CASH}, key)
    assert (response.status_code, response.json()["errors"][0]["path"]) == (422, "counter_id")
    assert (await made(stage, key, counter_id=other))["counter_id"] == other


async def test_a_dfsps_key_must_name_the_counter(stage: Stage) -> None:
    response = await post(stage, {"amount": CASH})
    assert (response.status_code, response.json()["errors"][0]["path"]) == (422, "counter_id")


async def test_a_counters_key_asks_for_and_sees_that_counter_only(stage: Stage) -> None:
    other = await second_counter(stage)
    own, others = await key_of(stage, counter_id=str(stage.counter.id)), await key_of(stage, counter_id=other)
    request = await made(stage, own)
    assert request["counter_id"] == str(stage.counter.id)
    assert (await post(stage, {"amount": CASH, "counter_id": other}, own)).status_code == 404
    path = f"{REQUESTS}/{request['id']}"
    for place in (path, f"{path}/events"):
        assert (await get(stage, place, others)).status_code == 404
    assert (await stage.client.post(f"{path}/cancel", headers=others)).status_code == 404
    assert (await get(stage, REQUESTS, others)).json()["items"] == []
    assert [seen["id"] for seen in (await get(stage, REQUESTS, own)).json()["items"]] == [request["id"]]


async def test_another_merchant_of_the_same_dfsp_finds_nothing(stage: Stage) -> None:
    neighbour, _ = await open_shop(stage.service, stage.world)
    stranger = await key_of(stage, neighbour)
    request = await stage.asked()
    await stage.pay(request)
    await assert_stranger(stage, request, stranger)


async def test_another_dfsp_finds_nothing(stage: Stage) -> None:
    scopes = ["payments:read", "payments:request", "payments:resolve"]
    stranger = await builders.issue_key(stage.service, stage.world["lakemfi"]["admin"], scopes)
    request = await stage.asked()
    await stage.pay(request)
    await assert_stranger(stage, request, stranger)
    checked = await stage.client.post(f"{REQUESTS}/{request['id']}/check", headers=stranger)
    assert (checked.status_code, checked.json()["code"]) == (404, "not_found")


async def assert_stranger(stage: Stage, request: dict[str, Any], stranger: dict[str, str]) -> None:
    """Someone who may not know that the request exists."""
    path = f"{REQUESTS}/{request['id']}"
    unknown = f"{REQUESTS}/{uuid4()}"
    named = stranger | {"x-request-id": "one"}
    for method, suffix in (("GET", ""), ("GET", "/events"), ("POST", "/cancel")):
        answers = [await stage.client.request(method, place + suffix, headers=named) for place in (path, unknown)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
    assert (await post(stage, {"amount": CASH, "counter_id": str(stage.counter.id)}, stranger)).status_code == 404
    for place in (REQUESTS, "/api/v1/payments"):
        for query in ("", f"?counter_id={stage.counter.id}", f"?merchant_id={stage.merchant.id}"):
            assert (await get(stage, place + query, stranger)).json() == {"items": [], "next_cursor": None}


async def test_an_id_that_is_none_is_not_found(stage: Stage) -> None:
    for text in (str(uuid4()), "1", "x" * 300, "%00", "null"):
        assert (await get(stage, f"{REQUESTS}/{text}")).status_code in (400, 404)


# --- lists and history -----------------------------------------------------------------------------------------------


async def test_lists_are_newest_first_and_filtered_by_their_query(stage: Stage) -> None:
    other = await second_counter(stage)
    neighbour, counter = await open_shop(stage.service, stage.world)
    first = await made(stage, counter_id=str(stage.counter.id), reference="A")
    second = await made(stage, counter_id=other, reference="B")
    third = await made(stage, counter_id=str(counter.id), reference="A")
    await stage.client.post(f"{REQUESTS}/{second['id']}/cancel", headers=stage.key)
    queries = {
        "": [third, second, first],
        "?reference=A": [third, first],
        "?state=cancelled": [second],
        "?state=awaiting_payer&reference=B": [],
        f"?counter_id={other}": [second],
        f"?merchant_id={stage.merchant.id}": [second, first],
        f"?merchant_id={neighbour.id}&reference=A": [third],
        f"?counter_id={uuid4()}": [],
        "?reference=a": [third, first],
        "?reference=aa": [],
        "?limit=1": [third],
    }
    for query, expected in queries.items():
        found = (await get(stage, REQUESTS + query)).json()["items"]
        assert [one["id"] for one in found] == [one["id"] for one in expected], query


async def test_pages_follow_one_another_without_gaps_though_new_requests_come(stage: Stage) -> None:
    ids = [(await made(stage, counter_id=str(stage.counter.id)))["id"] for _ in range(5)]
    seen: list[str] = []
    cursor = ""
    for _ in range(3):
        page = (await get(stage, f"{REQUESTS}?limit=2{cursor}")).json()
        seen += [item["id"] for item in page["items"]]
        cursor = f"&cursor={page['next_cursor']}"
        await made(stage, counter_id=str(stage.counter.id))
    assert page["next_cursor"] is None
    assert seen == ids[::-1]


async def test_pages_that_are_none_are_refused(stage: Stage) -> None:
    for place in (REQUESTS, "/api/v1/payments"):
        for query in (
            "limit=0",
            "limit=101",
            "limit=x",
            "limit=",
            "cursor=x",
            "cursor=%21%21",
            "cursor=AAAA",
            "cursor=%ff",
        ):
            assert (await get(stage, f"{place}?{query}")).status_code == 400, (place, query)


async def test_payments_are_listed_with_what_they_paid(stage: Stage) -> None:
    request = await stage.asked()
    first = await stage.pay(request)
    second = await stage.pay(amount="3", currency="USD", note="for bread")
    newest, oldest = await stage.payments()
    assert (newest["payment_request_id"], oldest["payment_request_id"]) == (None, request["id"])
    assert (newest["hub"]["transfer_id"], oldest["hub"]["transfer_id"]) == (second, first)
    assert (newest["amount"], newest["note"]) == ({"amount": "3", "currency": "USD"}, "for bread")
    assert oldest["payer"] == "2547*****001"
    assert TIME.fullmatch(newest["received_at"])
    for query, count in ((f"counter_id={stage.counter.id}", 2), (f"counter_id={uuid4()}", 0), ("limit=1", 1)):
        assert len((await get(stage, f"/api/v1/payments?{query}")).json()["items"]) == count


async def test_the_history_tells_every_step_in_order(stage: Stage, move_clock: Callable[[timedelta], datetime]) -> None:
    request = await stage.asked()
    await stage.answer_request(request, "RECEIVED")
    move_clock(timedelta(seconds=1))
    await stage.pay(request)
    steps = await stage.history(request)
    assert [(step["seq"], step["state"]) for step in steps] == [
        (1, "created"),
        (2, "sent"),
        (3, "awaiting_payer"),
        (4, "accepted"),
        (5, "paid"),
    ]
    assert all(set(step) == {"seq", "at", "state", "cause", "detail"} for step in steps)
    assert all(TIME.fullmatch(step["at"]) and step["cause"] for step in steps)
    assert [step["at"] for step in steps] == sorted(step["at"] for step in steps)


async def test_a_failed_request_says_why_in_the_history_and_to_the_shopkeeper(stage: Stage) -> None:
    stage.hub.statuses["parties"] = [(400, "3204")]
    request = await stage.ask()
    failed = await stage.read(request)
    assert failed["reason"] == {
        "code": "payer_not_found",
        "message": "No account was found for this customer. Check the number.",
    }
    assert (await stage.history(request))[-1]["detail"].startswith("3204 ")
    for language, message in (
        ("fr", "Aucun compte trouvé pour ce client. Vérifiez le numéro."),
        ("sw", "Hakuna akaunti ya mteja huyu. Kagua namba."),
    ):
        headers = stage.key | {"accept-language": language}
        told = (await stage.client.get(f"{REQUESTS}/{request['id']}", headers=headers)).json()
        assert told["reason"] == {"code": "payer_not_found", "message": message}


# --- asking the hub again --------------------------------------------------------------------------------------------


async def test_staff_ask_the_hub_what_became_of_a_request_and_a_merchant_may_not(stage: Stage) -> None:
    request = await stage.asked()
    path = f"{REQUESTS}/{request['id']}/check"
    early = await stage.client.post(path, headers=stage.key)
    assert (early.status_code, early.json()["code"]) == (409, "wrong_state")
    transfer_id = await stage.reserved(request)
    assert (await stage.client.post(path, headers=await key_of(stage))).status_code == 403
    for who in (stage.key, stage.world[DFSP]["admin"].headers, stage.world.operator.headers):
        asked = await stage.client.post(path, headers=who)
        assert (asked.status_code, asked.json()["id"]) == (202, request["id"])
    await stage.work()
    assert len(stage.hub.to(f"/transfers/{transfer_id}", "GET")) == 3
    assert len(await stage.rows("SELECT 1 FROM audit_entry WHERE action = 'payment_request.checked'")) == 3
    await stage.end_transfer(transfer_id, "COMMITTED", "PUT")
    assert await stage.state(request) == "paid"


async def test_hub_staff_see_every_dfsps_requests_and_make_none(stage: Stage) -> None:
    request = await made(stage, counter_id=str(stage.counter.id))
    operator = stage.world.operator.headers
    assert (await get(stage, f"{REQUESTS}/{request['id']}", operator)).json() == request
    response = await post(stage, {"amount": CASH, "counter_id": str(stage.counter.id)}, operator)
    assert response.status_code == 403
