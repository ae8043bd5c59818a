"""Reading the audit record: narrowed by what an auditor asks, with the names of those who acted."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from merchant.core import clock
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
    new = {"email": "x@example.org", "name": "X", "password": builders.PASSWORD, "roles": ["dfsp_auditor"]}
    dfsp_id = str(world.dfsp_ids["greenbankfsp"])
    hub = world.operator.headers
    created = await client.post("/api/v1/users", json=new | {"dfsp_id": dfsp_id}, headers=hub)
    if created.status_code == 201:
        [entry] = await entries(client, world, subject_id=created.json()["id"])
        assert entry["actor_name"] is None


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
