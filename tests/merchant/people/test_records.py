"""Reading the audit record: narrowed by what an auditor asks, with the names of those who acted."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from merchant.core import clock
from merchant.core.db import Reads
from merchant.core.service import Service
from tests import builders
from tests.builders import World

pytestmark = pytest.mark.anyio
AUDIT = "/api/v1/audit"


async def entries(client: httpx.AsyncClient, world: World, **query: Any) -> list[dict[str, Any]]:
    auditor = world["greenbankfsp"]["auditor"].headers
    response = await client.get(AUDIT, params={"limit": 100} | query, headers=auditor)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["items"]
    return found


async def test_who_did_what_to_one_thing_is_found_with_names(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await builders.create_application(service, world["greenbankfsp"]["maker2"])
    application = await builders.create_application(service, world.maker, submitted=True)
    about = await entries(client, world, subject_id=application.id)
    assert [(one["action"], one["actor_name"]) for one in about] == [
        ("application.screened", None),
        ("application.submitted", "maker"),
        ("application.opened", "maker"),
    ]
    opened = await entries(client, world, action="application.opened")
    assert [one["actor_name"] for one in opened] == ["maker", "maker2"]
    assert await entries(client, world, action="application.opened", actor_id=world.maker.actor.id) == opened[:1]


async def test_a_key_is_named_and_staff_of_the_hub_is_not_named_to_a_dfsp(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["applications:write"])
    headers = {**key, "idempotency-key": "k1"}
    assert (await client.post("/api/v1/applications", json={}, headers=headers)).status_code == 201
    [opened] = await entries(client, world, action="application.opened")
    assert (opened["actor_kind"], opened["actor_name"]) == ("api_key", "test key")
    dfsp_id = str(world.dfsp_ids["greenbankfsp"])
    new = {"email": "x@example.org", "name": "X", "roles": ["dfsp_auditor"], "dfsp_id": dfsp_id}
    created = await client.post("/api/v1/users", json=new, headers=world.operator.headers)
    assert created.status_code == 201, created.text
    found = await entries(client, world, subject_id=created.json()["id"])
    assert {one["actor_name"] for one in found} == {"Hub staff"}
    assert {one["subject_name"] for one in found} == {"X"}


async def test_the_hub_sees_who_of_its_own_staff_acted(client: httpx.AsyncClient, world: World) -> None:
    dfsp_id = world.dfsp_ids["lakemfi"]
    changed = await client.patch(
        f"/api/v1/dfsps/{dfsp_id}", json={"name": "Lake"}, headers={**world.operator.headers, "if-match": '"1"'}
    )
    assert changed.status_code == 200, changed.text
    listed = await client.get(AUDIT, params={"subject_id": str(dfsp_id)}, headers=world.operator.headers)
    newest = listed.json()["items"][0]
    assert (newest["actor_name"], newest["subject_name"]) == (world.operator.actor.name, "Lake")


async def test_things_are_told_by_what_they_are_called(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, [counter] = await builders.create_merchant(service, world)
    admin = world["greenbankfsp"]["admin"]
    await builders.issue_key(service, admin, ["payments:read"])
    hook = {"url": "https://shop.example/hooks?secret=1"}
    assert (await client.post("/api/v1/webhook-endpoints", json=hook, headers=admin.headers)).status_code == 201
    layer = {"layer": "dfsp", "text": "grace = '29d'"}
    policy = await client.post("/api/v1/policies", json=layer, headers=admin.headers)
    assert policy.status_code == 201, policy.text
    listed = await client.get("/api/v1/applications?format=csv", headers=admin.headers)
    assert listed.status_code == 200
    path = f"/api/v1/counters/{counter.id}"
    assert (await client.patch(path, json={"name": "By the door"}, headers=world.maker.headers)).status_code == 200
    found = await entries(client, world)
    names = {(one["subject_type"], one["subject_name"]) for one in found}
    assert names >= {
        ("application", merchant.trading_name),
        ("api_key", "test key"),
        ("webhook_endpoint", "shop.example"),
        ("counter", "By the door"),
        ("list", "applications"),
        ("dfsp", "Greenbankfsp"),
    }
    [told] = {one["subject_name"] for one in found if one["subject_type"] == "policy_layer"}
    assert "@" in told


async def test_names_are_read_in_one_statement_a_type(
    client: httpx.AsyncClient, service: Service, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await builders.create_application(service, world.maker)
    asked: list[str] = []
    fetch = Reads.fetch

    async def counted(tx: Reads, sql: str, *values: Any) -> Any:
        asked.append(sql)
        return await fetch(tx, sql, *values)

    monkeypatch.setattr(Reads, "fetch", counted)
    assert len(await entries(client, world, action="application.opened")) == 3
    assert len([sql for sql in asked if "trading_name AS name FROM application " in sql]) == 1


async def test_a_time_narrows_the_record(client: httpx.AsyncClient, service: Service, world: World) -> None:
    now = clock.now()
    await builders.create_application(service, world.maker)
    [since] = await entries(client, world, **{"from": now.isoformat()})
    assert since["action"] == "application.opened"
    before = await entries(client, world, to=now.isoformat())
    assert "application.opened" not in {one["action"] for one in before}
    assert await entries(client, world, **{"from": (now + timedelta(days=1)).isoformat()}) == []


@pytest.mark.parametrize(
    "query",
    ["from=yesterday", "to=2026-11-29", "from=2026-11-29T08:00:00", "from=0001-01-01T00:00:00%2B14:00", "actor_id=1"],
)
async def test_a_filter_that_says_nothing_is_refused(client: httpx.AsyncClient, world: World, query: str) -> None:
    answered = await client.get(f"{AUDIT}?{query}", headers=world["greenbankfsp"]["auditor"].headers)
    assert (answered.status_code, answered.json()["code"]) == (400, "invalid_filter")


@pytest.mark.parametrize("query", ["subject=1", "actor=1", "since=2026-11-29T08:00:00Z"])
async def test_an_unknown_filter_is_refused(client: httpx.AsyncClient, world: World, query: str) -> None:
    answered = await client.get(f"{AUDIT}?{query}", headers=world["greenbankfsp"]["auditor"].headers)
    assert (answered.status_code, answered.json()["code"]) == (400, "unknown_filter")
