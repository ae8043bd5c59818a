"""How payments run, how merchants stand and how cases are decided: for those who may know, and counted rightly."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from merchant.compliance.cases import review
from merchant.compliance.cases.sealed_fields import RETURNED_ITEMS
from merchant.core import clock, outbox
from merchant.core.service import Service
from merchant.exchange.reports import merchants
from merchant.registry.merchants.models import Counter
from tests import builders
from tests.builders import World
from tests.merchant.exchange.reports.till import DAY, ask, rows, went_through

pytestmark = [pytest.mark.anyio, pytest.mark.database]
OPERATIONS = "/api/v1/reports/operations"


@pytest.fixture
async def till(service: Service) -> Counter:
    """The shop's counter."""
    return (await builders.find_shop(service))[1]


async def report(client: httpx.AsyncClient, headers: dict[str, str], path: str, **query: Any) -> dict[str, Any]:
    """A report that is one struct."""
    answer = await client.get(path, params=query, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_the_last_minutes_are_told_one_by_one_with_what_became_of_them(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    now = clock.now()
    for took_s in (1.0, 3.0, 9.0):
        await ask(service, till, "paid", now - timedelta(minutes=2), took_s=took_s)
    await ask(service, till, "expired", now - timedelta(minutes=3))
    await ask(service, till, "awaiting_payer", now - timedelta(minutes=3))
    await ask(service, till, "in_doubt", now - timedelta(hours=3))
    found = await report(client, world.operator.headers, OPERATIONS, minutes=30)
    assert (found["asked"], found["paid"], found["unsuccessful"], found["success_percent"]) == (5, 3, 1, 75.0)
    assert (found["median_s"], found["in_doubt"]) == (3.0, 1)
    assert found["p95_s"] == pytest.approx(8.4)
    assert len(found["minutes"]) == 30
    assert sum(one["asked"] for one in found["minutes"]) == 5
    by_name = {one["name"]: one for one in found["dfsps"]}
    assert (by_name["Greenbankfsp"]["asked"], by_name["Greenbankfsp"]["median_s"]) == (5, 3.0)
    assert (by_name["Lakemfi"]["asked"], by_name["Lakemfi"]["median_s"], by_name["Lakemfi"]["enabled"]) == (
        0,
        None,
        True,
    )


async def test_without_any_request_nothing_is_divided(client: httpx.AsyncClient, world: World) -> None:
    found = await report(client, world.operator.headers, OPERATIONS)
    assert (found["asked"], found["success_percent"], found["median_s"]) == (0, None, None)
    assert len(found["minutes"]) == 60


async def test_what_waits_and_what_was_given_up_is_counted(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    before = await report(client, world.operator.headers, OPERATIONS)
    made = await client.post(
        "/api/v1/webhook-endpoints",
        json={"url": "https://shop.example/x"},
        headers=world["greenbankfsp"]["admin"].headers,
    )
    endpoint_id = made.json()["id"]
    async with service.db.system() as tx:
        await outbox.add(tx, "test.topic", b"x", order_key=f"webhook:{endpoint_id}")
        await outbox.add(tx, "test.topic", b"x")
        await tx.execute("UPDATE outbox SET last_error = 'no' WHERE order_key = $1", f"webhook:{endpoint_id}")
        await tx.execute("UPDATE outbox SET dead_at = now() WHERE order_key IS NULL AND topic = 'test.topic'")
    found = await report(client, world.operator.headers, OPERATIONS)
    assert (found["failing_webhooks"], found["dead_jobs"] - before["dead_jobs"]) == (1, 1)
    assert found["outbox_depth"] - before["outbox_depth"] == 1


@pytest.mark.parametrize("query", ["minutes=0", "minutes=1441", "minutes=-1", "minutes=ten", "minutes=1e3", "minutes="])
async def test_minutes_that_are_none_are_refused(client: httpx.AsyncClient, world: World, query: str) -> None:
    answer = await client.get(f"{OPERATIONS}?{query}", headers=world.operator.headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_filter")


async def test_a_dfsp_does_not_watch_over_the_hub(client: httpx.AsyncClient, world: World) -> None:
    for path in ("", "/minutes", "/heat", "/funnel"):
        for who in (world["greenbankfsp"]["admin"], world.checker):
            assert (await client.get(OPERATIONS + path, headers=who.headers)).status_code == 403


async def test_the_minutes_are_a_list_of_their_own_and_a_file(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await ask(service, till, "paid", clock.now() - timedelta(minutes=2), took_s=1)
    found = await rows(client, world.operator, "operations/minutes", minutes=30)
    assert (len(found), sum(one["asked"] for one in found), sum(one["paid"] for one in found)) == (30, 1, 1)
    query = {"minutes": "10", "format": "csv"}
    file = await client.get(f"{OPERATIONS}/minutes", params=query, headers=world.operator.headers)
    assert len(file.text.splitlines()) == 11
    refused = await client.get(f"{OPERATIONS}/minutes", params={"minutes": "0"}, headers=world.operator.headers)
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_filter")


async def test_hours_are_those_of_the_schemes_time_zone(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    zone = await service.time_zone()
    now = clock.now()
    await ask(service, till, "paid", now, took_s=2)
    await ask(service, till, "failed", now - timedelta(days=8))
    [row] = await rows(client, world.operator, "operations/heat", days=7)
    local = now.astimezone(zone)
    assert (row["date"], row["hour"]) == (local.date().isoformat(), local.hour)
    assert (row["name"], row["asked"], row["paid"], row["p95_s"]) == ("Greenbankfsp", 1, 1, 2.0)


async def test_the_funnel_counts_how_far_each_request_came(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    paths = (
        ("created", "failed"),
        ("created", "sent", "rejected"),
        ("created", "sent", "awaiting_payer", "expired"),
        ("created", "sent", "awaiting_payer", "accepted", "in_doubt"),
        ("created", "sent", "expired", "paid"),
    )
    for states in paths:
        await went_through(service, till, await ask(service, till, states[-1]), *states)
    shown_only = await ask(service, till, "awaiting_payer", payer_type=None)
    await went_through(service, till, shown_only, "awaiting_payer")
    found = await rows(client, world.operator, "operations/funnel", **{"from": DAY, "to": DAY})
    assert [(one["step"], one["count"], one["percent"]) for one in found] == [
        ("asked", 5, 100.0),
        ("reached", 4, 80.0),
        ("accepted", 2, 40.0),
        ("paid", 1, 20.0),
    ]
    other = {"from": DAY, "to": DAY, "dfsp_id": str(world.dfsp_ids["lakemfi"])}
    assert {one["count"] for one in await rows(client, world.operator, "operations/funnel", **other)} == {0}


async def test_active_merchants_are_counted_by_tier_and_dfsp(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await builders.create_merchant(service, world, "lakemfi", builders.seller())
    stopped, _ = await builders.create_merchant(service, world)
    async with service.db.system() as tx:
        await tx.execute("UPDATE merchant SET state = 'suspended' WHERE id = $1", stopped.id)
    found = await rows(client, world.operator, "merchants/tiers")
    assert [(one["dfsp_name"], one["tier"], one["count"]) for one in found] == [
        ("Greenbankfsp", "T3", 1),
        ("Lakemfi", "T0", 1),
    ]
    assert [one["dfsp_name"] for one in await rows(client, world.maker, "merchants/tiers")] == ["Greenbankfsp"]
    other = str(world.dfsp_ids["lakemfi"])
    assert await rows(client, world.maker, "merchants/tiers", dfsp_id=other) == []


async def test_places_are_counted_and_tell_where_nobody_is(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for latitude in (-1.2, -1.4):
        document = builders.company()
        document["locations"][0] |= {"subdivision": "KE-30", "latitude": latitude, "longitude": 36.8}
        await builders.create_merchant(service, world, document=document)
    found = await rows(client, world.maker, "merchants/places")
    assert [(one["subdivision"], one["city"], one["count"], one["latitude"]) for one in found] == [
        ("KE-30", "Nairobi", 2, None),
        (None, "Nairobi", 1, None),
    ]
    monkeypatch.setattr(merchants, "LEAST_PLACES_OF_MEAN", 2)
    monkeypatch.setattr(merchants, "_READ_AT_ONCE", 1)
    first = (await rows(client, world.maker, "merchants/places"))[0]
    assert (first["latitude"], first["longitude"]) == (-1.3, 36.8)
    assert await rows(client, world["lakemfi"]["maker"], "merchants/places") == []


async def decide(service: Service, world: World, paths: list[str]) -> None:
    """Send an application back for some answers."""
    application = await builders.create_application(service, world.maker, submitted=True)
    items = [{"path": path, "reason": "Njeri is wrong."} for path in paths]
    async with service.db.tenant(application.dfsp_id) as tx:
        await review.return_for_changes(tx, world.checker.actor, application.id, items)


async def test_whoever_asks_for_anothers_decisions_is_told_of_none(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await decide(service, world, ["business.mcc"])
    await builders.create_application(service, world.maker, submitted=True)
    other = world.dfsp_ids["lakemfi"]
    found = await report(client, world.checker.headers, "/api/v1/reports/decisions", dfsp_id=other)
    assert (found["outcomes"]["decided"], found["waiting"]["total"]) == (0, 0)
    assert found["checkers"] == found["risks"] == found["reasons"] == []
    own = world.dfsp_ids["greenbankfsp"]
    found = await report(client, world.checker.headers, "/api/v1/reports/decisions", dfsp_id=own)
    assert (found["outcomes"]["decided"], found["waiting"]["total"]) == (2, 1)


async def test_decisions_are_counted_by_outcome_checker_risk_and_reason(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await decide(service, world, ["owners[0].birth_date", "business.mcc"])
    await decide(service, world, ["owners[0].birth_date"])
    rejected = await builders.create_application(service, world.maker, submitted=True)
    async with service.db.tenant(rejected.dfsp_id) as tx:
        await review.reject(tx, world["greenbankfsp"]["checker2"].actor, rejected.id, "No.")
    waiting = await builders.create_application(service, world.maker, submitted=True)
    async with service.db.system() as tx:
        await tx.execute("UPDATE application SET submitted_at = now() - interval '5 days' WHERE id = $1", waiting.id)
    found = await report(client, world.checker.headers, "/api/v1/reports/decisions")
    # One approval made the shop.
    outcomes = found["outcomes"]
    assert [outcomes[name] for name in ("decided", "approved", "returned", "rejected")] == [4, 1, 2, 1]
    assert 0 <= outcomes["median_hours"] <= outcomes["p90_hours"] < 24
    assert (found["waiting"]["total"], found["waiting"]["days_3_7"]) == (1, 1)
    assert [(one["checker"], one["decided"]) for one in found["checkers"]] == [("checker", 3), ("checker2", 1)]
    assert sum(one["decided"] for one in found["risks"]) == 4
    assert found["reasons"] == [
        {"path": "owners[].birth_date", "count": 2, "share_percent": 66.7, "cumulative_percent": 66.7},
        {"path": "business.mcc", "count": 1, "share_percent": 33.3, "cumulative_percent": 100.0},
    ]
    assert await rows(client, world.checker, "decisions/reasons") == found["reasons"]
    assert await rows(client, world.checker, "decisions/checkers") == found["checkers"]
    none = await report(client, world.checker.headers, "/api/v1/reports/decisions", kind="upgrade")
    assert (none["outcomes"]["decided"], none["outcomes"]["median_hours"], none["reasons"]) == (0, None, [])
    other = await report(client, world["lakemfi"]["checker"].headers, "/api/v1/reports/decisions")
    assert (other["outcomes"]["decided"], other["waiting"]["total"], other["checkers"]) == (0, 0, [])


async def test_decisions_of_other_days_are_not_counted(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    query = {"from": "2026-01-01", "to": "2026-01-31"}
    found = await report(client, world.checker.headers, "/api/v1/reports/decisions", **query)
    assert (found["since"], found["until"], found["outcomes"]["decided"]) == ("2026-01-01", "2026-01-31", 0)


async def test_reasons_in_words_are_in_no_report(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await decide(service, world, ["business.mcc"])
    for who in (world.checker, world.operator):
        answer = await client.get("/api/v1/reports/decisions", headers=who.headers)
        assert answer.json()["outcomes"]["returned"] == 1
        assert "Njeri" not in answer.text


async def test_a_release_before_kept_reasons_in_clear(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    await decide(service, world, ["business.mcc"])
    async with service.db.system() as tx:
        row = await tx.fetchrow(
            "SELECT id, returned_items_sealed FROM application WHERE returned_items_sealed IS NOT NULL"
        )
        assert row is not None
        opened = service.vault.open(row["returned_items_sealed"], RETURNED_ITEMS.format(id=row["id"]))
        await tx.execute(
            "UPDATE application SET returned_items = $2::jsonb, returned_items_sealed = NULL WHERE id = $1",
            row["id"],
            opened.decode(),
        )
    assert [one["path"] for one in await rows(client, world.checker, "decisions/reasons")] == ["business.mcc"]


async def test_a_merchants_people_read_no_decisions(
    client: httpx.AsyncClient, service: Service, world: World, till: Counter
) -> None:
    key = await builders.issue_key(
        service, world["greenbankfsp"]["admin"], ["merchants:read", "payments:read"], merchant_id=till.merchant_id
    )
    for path in ("decisions", "decisions/reasons", "decisions/checkers"):
        assert (await client.get(f"/api/v1/reports/{path}", headers=key)).status_code == 403
