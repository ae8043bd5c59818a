"""Any payment is found by what a person knows of it, by those who may see it."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from merchant.core import clock
from merchant.core.access import Role
from merchant.payments import receipt_numbers
from tests import builders
from tests.merchant.payments.stage import PAYER, Stage

pytestmark = pytest.mark.anyio
OTHER_PAYER = "254711000009"


async def get(stage: Stage, path: str, who: dict[str, str] | None = None, **query: Any) -> httpx.Response:
    return await stage.client.get(f"/api/v1/{path}", params=query, headers=who or stage.key)


async def items(stage: Stage, path: str, who: dict[str, str] | None = None, **query: Any) -> list[dict[str, Any]]:
    response = await get(stage, path, who, **query)
    assert response.status_code == 200, response.text
    return list(response.json()["items"])


async def search(stage: Stage, q: str, who: dict[str, str] | None = None, **query: Any) -> list[dict[str, Any]]:
    return await items(stage, "payment-search", who, q=q, **query)


async def paid(stage: Stage, **body: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """A request that was paid, and its payment."""
    request = await stage.asked(**body)
    await stage.pay(request)
    return await stage.read(request), (await stage.payments())[0]


async def lone(stage: Stage, **quoted: Any) -> dict[str, Any]:
    """A payment that nobody asked for."""
    await stage.pay(**quoted)
    return (await stage.payments())[0]


def rfc3339(**ago: float) -> str:
    return clock.rfc3339(clock.now() - timedelta(**ago))


# --- the search ------------------------------------------------------------------------------------------------------


async def test_a_paid_request_is_one_row_and_is_found_by_every_id(stage: Stage) -> None:
    request, payment = await paid(stage, reference="INV-77", note="two coffees")
    detail = (await get(stage, f"payments/{payment['id']}")).json()
    known = {
        payment["id"]: "id",
        request["id"]: "id",
        request["hub"]["transaction_request_id"]: "id",
        payment["hub"]["transaction_id"].upper(): "id",
        payment["hub"]["transfer_id"]: "id",
        detail["short_ref"].lower(): "short_ref",
        detail["receipt_number"]: "receipt_number",
        detail["receipt_number"].replace("-", " ").lower(): "receipt_number",
        stage.counter.alias: "merchant_number",
        f"{stage.counter.alias[:4]} {stage.counter.alias[4:]}": "merchant_number",
        "0711 000 001": "payer",
        f"+{PAYER}": "payer",
        "10": "amount",
        "10.00 kes": "amount",
        "KES 10": "amount",
        "inv-77": "reference",
        "coffees TWO": "note",
    }
    for q, matched_by in known.items():
        found = await search(stage, q)
        assert [(one["kind"], one["payment_id"], one["request_id"]) for one in found] == [
            ("payment", payment["id"], request["id"])
        ], q
        assert found[0]["matched_by"] == matched_by, q
    assert found[0]["payer"] == "2547*****001"
    assert found[0]["merchant_name"] == stage.merchant.trading_name


async def test_a_payment_that_nobody_asked_for_is_found_by_every_id_too(stage: Stage) -> None:
    payment = await lone(stage, amount="12.5", note="for the rent of May")
    detail = (await get(stage, f"payments/{payment['id']}")).json()
    assert (detail["request_state"], detail["reference"], detail["late"]) == (None, None, False)
    for q in (
        payment["id"],
        payment["hub"]["transaction_id"],
        payment["hub"]["transfer_id"],
        detail["receipt_number"],
        f"+{PAYER}",
        "12.50",
        "rent may",
    ):
        assert [one["id"] for one in await search(stage, q)] == [payment["id"]], q
    for q in (f"+{OTHER_PAYER}", "12.51", "12.50 USD", str(uuid4()), "rent June", "", "  ", "x"):
        assert await search(stage, q) == [], q


async def test_a_request_that_was_not_paid_is_found_as_one(stage: Stage) -> None:
    request = await stage.ask(reference="INV-78")
    [found] = await search(stage, "INV-78")
    assert (found["kind"], found["id"], found["payment_id"]) == ("payment_request", request["id"], None)
    assert (found["state"], found["receipt_number"]) == ("created", None)
    assert [one["id"] for one in await search(stage, f"+{PAYER}")] == [request["id"]]


async def test_the_search_is_narrowed_as_a_list_is(stage: Stage) -> None:
    request, payment = await paid(stage)
    opened = await stage.ask()
    merchant, counter = str(stage.merchant.id), str(stage.counter.id)
    assert [one["id"] for one in await search(stage, "10")] == [opened["id"], payment["id"]]
    assert [one["id"] for one in await search(stage, "10", state="paid")] == [payment["id"]]
    assert [one["id"] for one in await search(stage, "10", state="created")] == [opened["id"]]
    assert len(await search(stage, "10", merchant_id=merchant, counter_id=counter)) == 2
    assert await search(stage, "10", merchant_id=str(uuid4())) == []
    assert await search(stage, stage.counter.alias, counter_id=str(uuid4())) == []
    assert await search(stage, "10", to=rfc3339(hours=1)) == []
    assert len(await search(stage, "10", **{"from": rfc3339(hours=1)})) == 2
    assert request["state"] == "paid"


async def test_another_tenant_merchant_and_counter_find_nothing(stage: Stage) -> None:
    request, payment = await paid(stage, reference="INV-79", note="two coffees")
    detail = (await get(stage, f"payments/{payment['id']}")).json()
    other, counters = await builders.create_merchant(stage.service, stage.world)
    admin = stage.world["greenbankfsp"]["admin"]
    scopes = ["payments:read"]
    others = [
        stage.world["lakemfi"]["admin"].headers,
        await builders.issue_key(stage.service, admin, scopes, merchant_id=other.id),
        await builders.issue_key(stage.service, admin, scopes, merchant_id=other.id, counter_id=counters[0].id),
    ]
    owner = "owner@elsewhere.example"
    await builders.add_person(stage.service, owner, [Role.MERCHANT_OWNER], dfsp_id=other.dfsp_id, merchant_id=other.id)
    others.append((await builders.signed_in(stage.service, owner)).headers)
    for who in others:
        for q in (
            *(payment["id"], request["id"], request["hub"]["transaction_request_id"]),
            *(payment["hub"]["transfer_id"], payment["hub"]["transaction_id"]),
            *(detail["short_ref"], detail["receipt_number"], stage.counter.alias, f"+{PAYER}", "10"),
            *("INV-79", "two coffees"),
        ):
            assert await search(stage, q, who) == [], q
        assert await items(stage, "payments", who, id=payment["id"]) == []
        assert await items(stage, "payment-requests", who, payer=f"+{PAYER}") == []
        for path in (
            f"payments/{payment['id']}",
            f"payments/{payment['id']}/timeline",
            f"payments/{payment['id']}/receipt",
            f"payment-requests/{request['id']}/timeline",
        ):
            assert (await get(stage, path, who)).status_code == 404, path
    hub = stage.world.operator.headers
    assert [one["id"] for one in await search(stage, "INV-79", hub)] == [payment["id"]]
    assert [one["id"] for one in await search(stage, "10", hub)] == [payment["id"]]
    assert [one["id"] for one in await items(stage, "payments", hub, reference="INV-79")] == [payment["id"]]


async def test_who_may_not_read_payments_may_not_search(stage: Stage) -> None:
    key = await builders.issue_key(stage.service, stage.world["greenbankfsp"]["admin"], ["merchants:read"])
    assert (await get(stage, "payment-search", key, q="10")).status_code == 403


async def test_the_25_newest_are_told(stage: Stage) -> None:
    for _ in range(26):
        assert (await stage.create(reference="many")).status_code == 201
    found = await search(stage, "many")
    assert len(found) == 25
    assert [one["id"] for one in found] == sorted((one["id"] for one in found), reverse=True)


# --- the lists -------------------------------------------------------------------------------------------------------


async def test_each_filter_narrows_both_lists(stage: Stage) -> None:
    request, payment = await paid(stage, reference="INV-80", note="two coffees")
    await stage.ask(payer={"type": "MSISDN", "id": OTHER_PAYER}, amount={"amount": "11", "currency": "USD"})
    merchant = str(stage.merchant.id)
    for query in (
        {"payer": "0711000001"},
        {"amount": "10"},
        {"amount": "10.00", "currency": "KES"},
        {"currency": "KES"},
        {"reference": "inv-80"},
        {"note": "COFFEE", "merchant_id": merchant},
        {"note": "coffee", "counter_id": str(stage.counter.id)},
        {"note": "coffee", "from": rfc3339(days=30)},
        {"note": "coffee", "from": rfc3339(days=40), "to": rfc3339(days=-1), "merchant_id": merchant},
        {"id": payment["id"]},
        {"id": request["id"]},
        {"id": request["hub"]["transaction_request_id"]},
        {"id": payment["hub"]["transfer_id"]},
        {"id": payment["hub"]["transaction_id"]},
        {"id": receipt_numbers.number_of(UUID(payment["id"]))},
        {"state": "paid"},
        {"state": "paid", "amount": "10", "payer": f"+{PAYER}", "reference": "INV-80", "merchant_id": merchant},
    ):
        assert [one["id"] for one in await items(stage, "payments", **query)] == [payment["id"]], query
        assert [one["id"] for one in await items(stage, "payment-requests", **query)] == [request["id"]], query
    for query in (
        {"payer": "0711000005"},
        {"amount": "10", "currency": "USD"},
        {"reference": "INV-8"},
        {"note": "tea", "merchant_id": merchant},
        {"id": "nothing of ours"},
        {"id": str(uuid4())},
        {"state": "expired"},
        {"from": rfc3339(days=-1)},
        {"to": rfc3339(days=1)},
        {"counter_id": str(uuid4())},
    ):
        assert await items(stage, "payments", **query) == [], query
        assert await items(stage, "payment-requests", **query) == [], query


async def test_a_code_that_anybody_may_scan_is_found_by_who_paid_it(stage: Stage) -> None:
    request = await stage.ask(payer=None)
    [row] = await stage.rows("SELECT short_ref FROM payment_request WHERE id = $1", UUID(request["id"]))
    await stage.pay(sub_id=row["short_ref"])
    assert [one["id"] for one in await items(stage, "payment-requests", payer=f"+{PAYER}")] == [request["id"]]
    [found] = await search(stage, f"+{PAYER}")
    assert (found["kind"], found["request_id"]) == ("payment", request["id"])


async def test_a_payment_from_before_there_were_digests_is_found_by_its_request(stage: Stage) -> None:
    _request, payment = await paid(stage)
    await stage.rows("UPDATE payment SET payer_digest = NULL RETURNING id")
    assert [one["id"] for one in await items(stage, "payments", payer=f"+{PAYER}")] == [payment["id"]]
    assert [one["id"] for one in await search(stage, f"+{PAYER}")] == [payment["id"]]


@pytest.mark.parametrize(
    "query",
    [
        {"payer": "nobody"},
        {"payer": ""},
        {"amount": "ten"},
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "10.001", "currency": "KES"},
        {"currency": "KSH"},
        {"note": "coffee"},
        {"note": "coffee", "from": "2026-01-01T00:00:00Z", "to": "2026-02-03T00:00:00Z"},
        {"note": "coffee", "to": "2026-02-03T00:00:00Z"},
        {"note": "x" * 141, "merchant_id": str(uuid4())},
        {"id": "x" * 141},
        {"from": "yesterday"},
        {"to": "2026-02-03"},
        {"counter_id": "till"},
        {"state": "gone"},
    ],
)
async def test_a_filter_that_cannot_be_read_is_told_so(stage: Stage, query: dict[str, str]) -> None:
    for path in ("payments", "payment-requests"):
        refused = await get(stage, path, **query)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_filter"), path


async def test_instants_at_the_ends_of_time_are_no_fault(stage: Stage) -> None:
    _request, payment = await paid(stage)
    for path in ("payments", "payment-requests"):
        ends = {"from": "0001-01-01T00:00:00Z", "to": "9999-12-31T23:59:59Z"}
        assert len(await items(stage, path, **ends)) == 1
    assert payment["amount"] == {"amount": "10", "currency": "KES"}


async def test_a_list_of_one_amount_is_read_page_by_page(stage: Stage) -> None:
    made = [(await stage.create()).json()["id"] for _ in range(5)]
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await get(stage, "payment-requests", amount="10", limit=2, cursor=cursor)).json()
        found += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert found == made[::-1]
