"""The review queue: what waits for a decision, in order, with who made it, who holds it and whether it is one's own."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from merchant.compliance.cases.models import Application
from merchant.core import clock
from merchant.core.service import Service
from tests import builders
from tests.api.everything import listed_company
from tests.builders import Person, World

pytestmark = pytest.mark.anyio
QUEUE = "/api/v1/review-queue"


async def waiting(service: Service, world: World, risk: str = "low", days: int = 0, **business: Any) -> Application:
    """An application under review, of a risk, submitted some days ago."""
    made = await builders.create_application(service, world.maker, builders.company(**business), submitted=True)
    async with service.db.system() as tx:
        since = clock.now() - timedelta(days=days)
        await tx.execute("UPDATE application SET risk = $2, submitted_at = $3 WHERE id = $1", made.id, risk, since)
    return made


async def listed(client: httpx.AsyncClient, person: Person, **query: str) -> list[Any]:
    response = await client.get(QUEUE, params=query, headers=person.headers)
    assert response.status_code == 200, response.text
    items: list[Any] = response.json()["items"]
    return items


async def test_the_riskiest_stands_first_and_then_the_oldest(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    young = await waiting(service, world, "low", 1)
    old = await waiting(service, world, "low", 9)
    high = await waiting(service, world, "high", 0)
    worst = await waiting(service, world, "unacceptable", 0)
    ids = [str(one.id) for one in (worst, high, old, young)]
    assert [row["id"] for row in await listed(client, world.checker)] == ids
    by_age = [str(one.id) for one in (old, young, high, worst)]
    assert [row["id"] for row in await listed(client, world.checker, sort="oldest")] == by_age
    assert [row["id"] for row in await listed(client, world.checker, sort="newest")] == by_age[::-1]


@pytest.mark.parametrize("order", ["risk", "oldest", "newest"])
async def test_pages_follow_each_other_in_every_order_even_when_the_last_one_was_decided(
    client: httpx.AsyncClient, service: Service, world: World, order: str
) -> None:
    for number, risk in enumerate(["low", "high", "low", "medium", "high"]):
        await waiting(service, world, risk, number)
    whole = [row["id"] for row in await listed(client, world.checker, sort=order)]
    first = (await client.get(QUEUE, params={"limit": "2", "sort": order}, headers=world.checker.headers)).json()
    assert [row["id"] for row in first["items"]] == whole[:2]
    rejected = await client.post(
        f"/api/v1/applications/{whole[1]}/reject", json={"reason": "No."}, headers=world.checker.headers
    )
    assert rejected.status_code == 200
    query = {"limit": "100", "sort": order, "cursor": first["next_cursor"]}
    rest = (await client.get(QUEUE, params=query, headers=world.checker.headers)).json()
    assert [row["id"] for row in rest["items"]] == whole[2:]


async def test_drafts_and_what_is_decided_do_not_wait(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await builders.create_application(service, world.maker)
    await builders.create_merchant(service, world)
    assert await listed(client, world.checker) == []


async def test_a_row_names_its_makers_and_what_stands_in_the_way(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await builders.create_application(service, world.maker, listed_company(), submitted=True)
    [row] = await listed(client, world.checker)
    assert (row["maker_names"], row["makers"]) == (["maker"], [str(world.maker.actor.id)])
    assert (row["screening"], row["locked"], row["kind"]) == ("review", None, "onboarding")
    assert row["hits_open"] >= 1


async def test_own_work_is_locked_for_its_makers_and_for_who_issued_their_key(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    staff = world["greenbankfsp"]
    await builders.create_application(service, staff["both"], submitted=True)
    [row] = await listed(client, staff["both"])
    assert row["locked"] == "maker"
    [row] = await listed(client, staff["checker"])
    assert row["locked"] is None


async def test_claims_narrow_the_queue_until_they_lapse(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    mine, free = await waiting(service, world), await waiting(service, world)
    staff = world["greenbankfsp"]
    claimed = await client.post(f"/api/v1/applications/{mine.id}/claim", headers=staff["checker"].headers)
    assert claimed.status_code == 200

    async def ids(who: str, claim: str) -> list[str]:
        return [row["id"] for row in await listed(client, staff[who], claimed=claim)]

    assert (await ids("checker", "me"), await ids("checker2", "me")) == ([str(mine.id)], [])
    assert (await ids("checker", "nobody"), await ids("checker2", "others")) == ([str(free.id)], [str(mine.id)])
    [row] = await listed(client, staff["checker2"], claimed="others")
    assert row["claimed_by_name"] == "checker"
    async with service.db.system() as tx:
        await tx.execute("UPDATE application SET claimed_until = $1", clock.now() - timedelta(minutes=1))
    assert await ids("checker2", "others") == []
    assert {row["claimed_by_name"] for row in await listed(client, staff["checker2"])} == {None}


@pytest.mark.parametrize("query", [{"sort": "size"}, {"risk": "deadly"}, {"claimed": "them"}, {"kind": "x"}])
async def test_a_filter_with_another_value_is_refused(
    client: httpx.AsyncClient, world: World, query: dict[str, str]
) -> None:
    response = await client.get(QUEUE, params=query, headers=world.checker.headers)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_filter")


async def test_another_dfsp_waits_for_nothing_of_it_and_the_hub_sees_all(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    made = await waiting(service, world)
    assert await listed(client, world["lakemfi"]["checker"]) == []
    assert [row["id"] for row in await listed(client, world.operator)] == [str(made.id)]


async def test_who_may_not_read_applications_reads_no_queue(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["payments:read"])
    assert (await client.get(QUEUE, headers=key)).status_code == 403


async def test_the_queue_as_a_file_has_the_same_rows(client: httpx.AsyncClient, service: Service, world: World) -> None:
    made = await waiting(service, world, trading_name="Mama Njeri")
    response = await client.get(QUEUE, params={"format": "csv"}, headers=world.checker.headers)
    assert response.status_code == 200
    assert str(made.id) in response.text
    assert "Mama Njeri" in response.text


async def test_one_case_is_read_as_the_queue_shows_it_while_it_waits(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    made = await waiting(service, world)
    await waiting(service, world)
    path, checker = f"{QUEUE}/{made.id}", world.checker.headers
    [shown] = [row for row in await listed(client, world.checker) if row["id"] == str(made.id)]
    assert (await client.get(path, headers=checker)).json() == shown
    assert (await client.get(path, headers=world.maker.headers)).json()["locked"] == "maker"
    assert (await client.get(path, headers=world["lakemfi"]["checker"].headers)).status_code == 404
    await client.post(f"/api/v1/applications/{made.id}/reject", json={"reason": "No."}, headers=checker)
    draft = await builders.create_application(service, world.maker)
    for gone in (made.id, draft.id):
        assert (await client.get(f"{QUEUE}/{gone}", headers=checker)).status_code == 404
