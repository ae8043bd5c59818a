"""What was taken and what is settled: added up by day in the scheme's time zone, and nobody else's."""

import csv
import io
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from merchant.core import clock
from merchant.core.access import COUNTER_KEY_SCOPES, Role
from merchant.core.db import APP_ROLE
from merchant.core.service import Service
from merchant.registry.merchants.lifecycle import add_counter
from merchant.registry.merchants.models import Counter
from tests import builders
from tests.builders import World
from tests.merchant.exchange.reports.till import DAY, NOON, ask, give_back, pay, reserve, rows

pytestmark = [pytest.mark.anyio, pytest.mark.database]
REPORTS = ("daily", "takings", "takings/hours", "settlement", "settlement/totals", "settlement/payments")
A_DAY = timedelta(days=1)
NONE_GIVEN_BACK = {"refunds": 0, "refunded": "0"}


@pytest.fixture
async def till(service: Service) -> Counter:
    """The shop's counter."""
    return (await builders.find_shop(service))[1]


def on(report: str, day: str = DAY) -> dict[str, str]:
    """The query for one day."""
    return {"from": day, "to": day} if report == "takings" else {"date": day}


async def second_till(service: Service, world: World, till: Counter) -> Counter:
    """Another counter of the shop."""
    async with service.db.tenant(till.dfsp_id) as tx:
        return await add_counter(tx, service, world.maker.actor, till.merchant_id, till.location_id, "Till 2", None)


async def test_a_day_adds_up_by_counter_and_currency(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    other = await second_till(service, world, till)
    await pay(service, till, NOON, 1_050)
    await pay(service, till, NOON + timedelta(hours=2), 200)
    await pay(service, till, NOON, 500, "JPY")
    await pay(service, other, NOON, 70)
    found = await rows(client, world.maker, "daily", date=DAY)
    assert [(one["counter_name"], one["currency"], one["count"], one["amount"]) for one in found] == [
        ("Till 1", "JPY", 1, "500"),
        ("Till 1", "KES", 2, "12.5"),
        ("Till 2", "KES", 1, "0.7"),
    ]
    first = found[1]
    assert (first["counter_id"], first["merchant_id"]) == (str(till.id), str(till.merchant_id))
    assert (first["merchant_name"], first["alias"]) == ("Shop 1000", till.alias)
    assert (first["first_at"], first["last_at"]) == ("2026-03-02T09:00:00.000Z", "2026-03-02T11:00:00.000Z")
    assert (first["open_requests"], first["unsuccessful"]) == (0, 0)


async def test_a_day_begins_and_ends_at_midnight_of_the_schemes_time_zone(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    midnight = NOON - timedelta(hours=12)  # 21:00 UTC of the day before
    for minor, at in ((1, midnight - timedelta(microseconds=1)), (20, midnight), (300, midnight + A_DAY)):
        await pay(service, till, at, minor)
    for report in ("daily", "takings", "settlement", "settlement/totals", "settlement/payments"):
        assert [one["amount"] for one in await rows(client, world.maker, report, **on(report))] == ["0.2"], report
    assert {one["hour"] for one in await rows(client, world.maker, "takings/hours", date=DAY) if one["count"]} == {0}


async def test_without_a_day_it_is_today_there(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await pay(service, till, clock.now(), 300)
    await pay(service, till, clock.now() - 2 * A_DAY, 5)
    assert [one["amount"] for one in await rows(client, world.maker, "daily")] == ["3"]
    assert [one["amount"] for one in await rows(client, world.maker, "takings")] == ["0.05", "3"]


async def test_requests_that_were_not_paid_are_counted_even_without_a_payment(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    for state in ("awaiting_payer", "in_doubt", "rejected", "expired", "failed", "cancelled", "paid"):
        await ask(service, till, state)
    await ask(service, till, "rejected", NOON - A_DAY)
    [row] = await rows(client, world.maker, "daily", date=DAY)
    assert (row["count"], row["amount"], row["first_at"]) == (0, "0", None)
    assert (row["open_requests"], row["unsuccessful"]) == (2, 4)


async def test_takings_have_a_row_for_each_day_with_payments_oldest_first(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await pay(service, till, NOON + 2 * A_DAY, 100)
    await pay(service, till, NOON, 100)
    await pay(service, till, NOON + timedelta(hours=1), 150)
    found = await rows(client, world.maker, "takings", **{"from": "2026-02-01", "to": "2026-03-31"})
    assert found == [
        {"date": DAY, "currency": "KES", "count": 2, "amount": "2.5"} | NONE_GIVEN_BACK | {"net": "2.5"},
        {"date": "2026-03-04", "currency": "KES", "count": 1, "amount": "1"} | NONE_GIVEN_BACK | {"net": "1"},
    ]


async def test_an_hour_stands_beside_what_is_usual_on_such_a_weekday(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await pay(service, till, NOON, 500)
    await pay(service, till, NOON - 7 * A_DAY, 100)
    await pay(service, till, NOON - 56 * A_DAY - timedelta(hours=1), 300)
    for none_of_them in (NOON - 6 * A_DAY, NOON - 63 * A_DAY, NOON + 7 * A_DAY):
        await pay(service, till, none_of_them, 9_999)
    found = await rows(client, world.maker, "takings/hours", date=DAY)
    assert [one["hour"] for one in found] == list(range(24))
    assert {
        one["hour"]: (one["count"], one["amount"], one["usual_amount"]) for one in found if one["hour"] in (11, 12)
    } == {
        11: (0, "0", "1.5"),
        12: (1, "5", "0.5"),
    }
    assert {one["usual_amount"] for one in found if one["hour"] not in (11, 12)} == {"0"}


async def test_one_day_before_says_nothing_of_what_is_usual(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await pay(service, till, NOON, 500)
    await pay(service, till, NOON - 7 * A_DAY, 100)
    assert {one["usual_amount"] for one in await rows(client, world.maker, "takings/hours", date=DAY)} == {None}


async def test_the_statement_tells_what_is_owed_late_and_unconfirmed(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    late = await ask(service, till, "paid", NOON - 9 * A_DAY, took_s=9 * 86_400, late=True)
    await pay(service, till, NOON, 250, request_id=late)
    await pay(service, till, NOON, 50, request_id=await ask(service, till, "paid", took_s=1))
    await reserve(service, till)
    await reserve(service, till, NOON - A_DAY)
    await reserve(service, till, state="ABORTED")
    [row] = await rows(client, world.maker, "settlement", date=DAY)
    assert row == {
        "merchant_id": str(till.merchant_id),
        "merchant_name": "Shop 1000",
        "numbers": [till.alias],
        "settlement_account": "****00",
        "currency": "KES",
        "count": 2,
        "amount": "3",
        "refunds": 0,
        "refunded": "0",
        "net": "3",
        "late": 1,
        "unconfirmed": 1,
    }
    assert await rows(client, world.maker, "settlement/totals", date=DAY) == [
        {"currency": "KES", "merchants": 1, "count": 2, "amount": "3", "late": 1, "unconfirmed": 1}
        | NONE_GIVEN_BACK
        | {"net": "3"}
    ]
    assert sorted(one["late"] for one in await rows(client, world.maker, "settlement/payments", date=DAY)) == [
        False,
        True,
    ]


async def test_a_transfer_without_a_payment_is_in_the_statement_all_the_same(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await reserve(service, till)
    [row] = await rows(client, world.maker, "settlement", date=DAY)
    assert (row["count"], row["amount"], row["unconfirmed"]) == (0, "0", 1)


async def test_the_hub_sees_no_account(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await pay(service, till)
    [row] = await rows(client, world.operator, "settlement", date=DAY)
    assert (row["amount"], row["settlement_account"]) == ("1", None)


async def test_the_payments_of_a_day_come_page_by_page_each_once(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    made = [await pay(service, till, NOON + timedelta(minutes=minute // 2)) for minute in range(5)]
    await pay(service, till, NOON - A_DAY)
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"date": DAY, "limit": 2}
    while True:
        answer = await client.get("/api/v1/reports/settlement/payments", params=query, headers=world.maker.headers)
        found += answer.json()["items"]
        if answer.json()["next_cursor"] is None:
            break
        query["cursor"] = answer.json()["next_cursor"]
    assert [UUID(one["id"]) for one in found] == [
        one.id for one in sorted(made, key=lambda one: (one.received_at, one.id), reverse=True)
    ]
    assert found[0].keys() >= {"transfer_id", "amount", "received_at"}


async def test_another_dfsp_and_another_merchant_find_none_of_it(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await pay(service, till)
    await ask(service, till, "rejected")
    await reserve(service, till)
    neighbour, _ = await builders.create_merchant(service, world)
    await builders.add_person(
        service, "o@x.example", [Role.MERCHANT_OWNER], dfsp_id=till.dfsp_id, merchant_id=neighbour.id
    )
    owner = await builders.signed_in(service, "o@x.example")
    for report in REPORTS:
        assert await rows(client, world["lakemfi"]["maker"], report, **on(report)) == [], report
        assert await rows(client, owner, report, **on(report)) == [], report
    for report in ("daily", "takings", "takings/hours", "settlement/payments"):
        for who in (world["lakemfi"]["maker"], owner):
            asked = on(report) | {"merchant_id": str(till.merchant_id)}
            assert await rows(client, who, report, **asked) == [], report
    for report in REPORTS:
        asked = on(report) | {"dfsp_id": str(till.dfsp_id)}
        assert await rows(client, world["lakemfi"]["maker"], report, **asked) == [], report


async def test_a_merchants_people_see_their_own_takings_and_a_counters_key_its_own(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    other = await second_till(service, world, till)
    await pay(service, till, minor=100)
    await pay(service, other, minor=20)
    await builders.add_person(
        service, "o@x.example", [Role.MERCHANT_CASHIER], dfsp_id=till.dfsp_id, merchant_id=till.merchant_id
    )
    cashier = await builders.signed_in(service, "o@x.example")
    assert [one["amount"] for one in await rows(client, cashier, "takings", **on("takings"))] == ["1.2"]
    assert [one["amount"] for one in await rows(client, cashier, "settlement", date=DAY)] == ["1.2"]
    admin = world["greenbankfsp"]["admin"]
    key = await builders.issue_key(service, admin, sorted(COUNTER_KEY_SCOPES), counter_id=other.id)
    for report in ("daily", "takings", "settlement/payments"):
        assert [one["amount"] for one in await rows(client, key, report, **on(report))] == ["0.2"], report
    assert await rows(client, key, "daily", date=DAY, counter_id=str(till.id)) == []
    for report in ("settlement", "settlement/totals"):
        assert await rows(client, key, report, date=DAY) == []


async def test_a_counter_a_merchant_and_a_dfsp_narrow_it(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    other = await second_till(service, world, till)
    _, [foreign] = await builders.create_merchant(service, world, "lakemfi")
    for counter, minor in ((till, 100), (other, 20), (foreign, 3)):
        await pay(service, counter, minor=minor)

    async def amounts(**query: Any) -> list[str]:
        return sorted(one["amount"] for one in await rows(client, world.operator, "daily", date=DAY, **query))

    assert await amounts() == ["0.03", "0.2", "1"]
    assert await amounts(counter_id=str(other.id)) == ["0.2"]
    assert await amounts(merchant_id=str(till.merchant_id)) == ["0.2", "1"]
    assert await amounts(dfsp_id=str(foreign.dfsp_id)) == ["0.03"]
    assert await amounts(dfsp_id=str(foreign.dfsp_id), merchant_id=str(till.merchant_id)) == []


async def test_money_of_a_merchant_that_went_to_another_dfsp_stays_in_the_statement(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await pay(service, till)
    async with service.db.system() as tx:
        for table in ("counter", "merchant"):
            await tx.execute(f"UPDATE {table} SET dfsp_id = $1", world.dfsp_ids["lakemfi"])
    for report in ("daily", "settlement"):
        [row] = await rows(client, world.maker, report, date=DAY)
        assert (row["amount"], row["merchant_name"]) == ("1", "")
        assert await rows(client, world["lakemfi"]["maker"], report, date=DAY) == []


async def test_a_report_is_a_file_as_well(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await pay(service, till)
    for report in REPORTS:
        answer = await client.get(
            f"/api/v1/reports/{report}", params=on(report) | {"format": "csv"}, headers=world.maker.headers
        )
        assert answer.status_code == 200, answer.text
        written = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        shown = await rows(client, world.maker, report, **on(report))
        assert [one["amount"] for one in written] == [str(one["amount"]) for one in shown], report


async def test_what_a_merchant_owes_is_a_number_in_the_file_of_the_settlement(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    """A day may give back more than it took: a program that adds the column up reads the sign."""
    payment = await pay(service, till, NOON - A_DAY, 3_050)
    await give_back(service, payment, 3_050, NOON)
    for report in ("settlement", "settlement/totals"):
        answer = await client.get(
            f"/api/v1/reports/{report}", params={"date": DAY, "format": "csv"}, headers=world.maker.headers
        )
        [row] = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
        assert (row["amount"], row["refunded"], row["net"]) == ("0", "30.5", "-30.5"), report


@pytest.mark.parametrize(
    ("report", "query"),
    [
        ("daily", "date=yesterday"),
        ("daily", "date=20260302"),
        ("daily", "date=2026-02-30"),
        ("daily", "date=1999-12-31"),
        ("daily", "date=9999-12-31"),
        ("daily", "date=2026-03-02T00:00:00Z"),
        ("daily", "merchant_id=1"),
        ("takings", "from=2026-03-02&to=2026-03-01"),
        ("takings", "from=2026-01-01&to=2026-04-03"),
        ("takings/hours", "date="),
    ],
)
async def test_days_that_are_none_or_too_many_are_refused(
    client: httpx.AsyncClient, world: World, report: str, query: str
) -> None:
    answer = await client.get(f"/api/v1/reports/{report}?{query}", headers=world.maker.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_filter")


async def test_a_quarter_is_not_too_long(client: httpx.AsyncClient, world: World) -> None:
    assert await rows(client, world.maker, "takings", **{"from": "2026-01-01", "to": "2026-04-02"}) == []


async def test_who_may_not_read_payments_reads_no_report(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["merchants:read"])
    for report in REPORTS:
        assert (await client.get(f"/api/v1/reports/{report}", headers=key)).status_code == 403, report


async def test_the_views_wall_tenants_off(database_url: str, service: Service, world: World, till: Counter) -> None:
    await pay(service, till)
    await ask(service, till, "rejected")
    views = ("payment_reportable", "payment_request_reportable")
    for dfsp_id, count in ((till.dfsp_id, 1), (world.dfsp_ids["lakemfi"], 0), (None, 1)):
        async with service.db.tenant(dfsp_id) as tx:
            assert [await tx.fetchval(f"SELECT count(*) FROM {view}") for view in views] == [count, count]
    connection = await asyncpg.connect(database_url, server_settings={"role": APP_ROLE})
    try:
        assert [await connection.fetchval(f"SELECT count(*) FROM {view}") for view in views] == [0, 0]
    finally:
        await connection.close()
