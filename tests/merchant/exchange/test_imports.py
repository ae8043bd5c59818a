"""Imports: every row becomes an application by the rules of a single one, or is refused alone, whatever is killed."""

import httpx
import pytest

from merchant.core.service import Service
from tests.builders import World
from tests.merchant.exchange.files import as_csv, as_xlsx, imported, report, seller

pytestmark = pytest.mark.anyio


async def test_rows_become_applications_of_whoever_sent_them(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    found = await imported(client, service, world.maker, as_csv([seller(1), seller(2)]))
    assert (found["state"], found["rows"], found["added"], found["existing"], found["failed"]) == ("done", 2, 2, 0, 0)
    rows = await report(client, world.maker, found["id"])
    assert [(row["row"], row["external_ref"], row["outcome"], row["problems"]) for row in rows] == [
        ("2", "R-1", "added", ""),
        ("3", "R-2", "added", ""),
    ]
    answer = await client.get(f"/api/v1/applications/{rows[0]['application_id']}", headers=world.maker.headers)
    application = answer.json()
    assert application["state"] == "draft"
    assert application["makers"] == [str(world.maker.actor.id)]
    assert application["business"]["trading_name"] == "Stall 1"
    assert application["locations"][0]["counters"] == [{"name": "Stall"}]


async def test_submitted_rows_are_screened_and_await_a_checker(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    found = await imported(client, service, world.maker, as_xlsx([seller(1), seller(2, phone="")]), submit="true")
    assert (found["added"], found["failed"]) == (1, 1)
    good, bad = await report(client, world.maker, found["id"])
    assert "phone" in bad["problems"]
    path = f"/api/v1/applications/{good['application_id']}"
    application = (await client.get(path, headers=world.maker.headers)).json()
    assert application["state"] == "in_review"
    assert application["report"]["screening"] == "clear"
    body = {"version_hash": application["version_hash"]}
    own = await client.post(f"{path}/approve", json=body, headers=world.maker.headers)
    assert own.status_code == 403
    approved = await client.post(f"{path}/approve", json=body, headers=world.checker.headers)
    assert approved.status_code == 200, approved.text
