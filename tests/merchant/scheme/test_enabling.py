"""Enabling a DFSP over the API: one person of the hub proposes it, another one lets it take part."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from merchant.core.access import SERVICE, Role
from merchant.core.service import Service
from merchant.people import operations, users
from tests import builders
from tests.builders import PASSWORD, Person, World

pytestmark = pytest.mark.anyio
DFSPS = "/api/v1/dfsps"


@pytest.fixture
async def checker(service: Service, world: World) -> Person:
    """A second person of the hub, who may confirm and nothing else of a DFSP."""
    await builders.add_person(service, "checker@hub.example", [Role.HUB_CHECKER], name="Second")
    return await builders.signed_in(service, "checker@hub.example")


@pytest.fixture
async def operator2(service: Service, world: World) -> Person:
    """A second operator of the hub."""
    await builders.add_person(service, "operator2@hub.example", [Role.HUB_OPERATOR], name="Other operator")
    return await builders.signed_in(service, "operator2@hub.example")


async def add(client: httpx.AsyncClient, who: Person) -> dict[str, Any]:
    made = await client.post(DFSPS, json={"fsp_id": "newfsp", "name": "New"}, headers=who.headers)
    assert made.status_code == 201, made.text
    return dict(made.json())


async def patch(client: httpx.AsyncClient, who: Person, dfsp: dict[str, Any], **body: Any) -> httpx.Response:
    headers = who.headers | {"if-match": f'"{dfsp["version"]}"'}
    return await client.patch(f"{DFSPS}/{dfsp['id']}", json=body, headers=headers)


async def read(client: httpx.AsyncClient, who: Person, dfsp: dict[str, Any]) -> dict[str, Any]:
    return dict((await client.get(f"{DFSPS}/{dfsp['id']}", headers=who.headers)).json())


async def audited(client: httpx.AsyncClient, who: Person, dfsp: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    found = await client.get("/api/v1/audit", params={"subject_id": dfsp["id"]}, headers=who.headers)
    return [(one["action"], one["detail"]) for one in found.json()["items"]]


def refused(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


async def test_one_adds_it_and_it_is_off_until_a_second_enables_it(
    client: httpx.AsyncClient, service: Service, world: World, checker: Person
) -> None:
    made = await add(client, world.operator)
    assert (made["enabled"], made["proposed_enabled"], made["notice"], made["version"]) == (False, True, None, 1)
    assert (made["proposed_by"], made["proposed_by_name"]) == (
        str(world.operator.actor.id),
        world.operator.actor.name,
    )
    await builders.add_person(service, "new@x.example", ["dfsp_maker"], dfsp_id=UUID(made["id"]))
    person = {"email": "new@x.example", "password": PASSWORD}
    assert (await client.post("/api/v1/sessions", json=person)).status_code == 401
    enabled = await patch(client, checker, made, enabled=True)
    assert enabled.status_code == 200, enabled.text
    view = enabled.json()
    assert (view["enabled"], view["proposed_enabled"], view["proposed_by"], view["notice"]) == (True, False, None, None)
    assert (await client.post("/api/v1/sessions", json=person)).status_code == 201
    entries = await audited(client, world.operator, made)
    assert [action for action, _detail in entries[:2]] == ["dfsp.enabled", "dfsp.enabling_proposed"]
    assert entries[0][1] == {"proposed_by": str(world.operator.actor.id)}


async def test_whoever_is_alone_at_the_hub_enables_at_once_and_is_told_so(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    async with service.db.system() as tx:  # whoever was invited and never came is nobody to wait for
        given: dict[str, Any] = {"email": "invited@hub.example", "name": "Invited", "roles": [Role.HUB_CHECKER]}
        await users.create_user(tx, service, SERVICE, **given)
    made = await add(client, world.operator)
    assert (made["enabled"], made["proposed_enabled"]) == (True, False)
    assert made["notice"] == "There is no second person of the hub yet; it is on at once."
    assert ("dfsp.enabled", {"alone": True}) in await audited(client, world.operator, made)
    off = (await patch(client, world.operator, made, enabled=False)).json()
    again = (await patch(client, world.operator, off, enabled=True)).json()
    assert (again["enabled"], again["notice"]) == (True, made["notice"])
    assert (await read(client, world.operator, made))["notice"] is None, "it is told once"


async def test_disabling_takes_one_and_enabling_again_takes_two(
    client: httpx.AsyncClient, world: World, operator2: Person
) -> None:
    dfsp = await read(client, world.operator, {"id": str(world.dfsp_ids["lakemfi"])})
    off = (await patch(client, world.operator, dfsp, enabled=False)).json()
    assert (off["enabled"], off["proposed_enabled"]) == (False, False)
    proposed = (await patch(client, world.operator, off, enabled=True)).json()
    assert (proposed["enabled"], proposed["proposed_enabled"]) == (False, True)
    assert (await patch(client, operator2, proposed, enabled=True)).json()["enabled"] is True


async def test_nobody_confirms_their_own_proposal(client: httpx.AsyncClient, world: World, checker: Person) -> None:
    made = await add(client, world.operator)
    assert refused(await patch(client, world.operator, made, enabled=True)) == (409, "own_proposal")
    assert (await read(client, checker, made))["enabled"] is False


async def test_a_confirmation_of_what_has_changed_since_is_refused(
    client: httpx.AsyncClient, world: World, checker: Person
) -> None:
    made = await add(client, world.operator)
    moved = (await patch(client, world.operator, made, hub_url="https://elsewhere.example")).json()
    assert moved["proposed_enabled"] is True
    assert refused(await patch(client, checker, made, enabled=True)) == (412, "stale_version")
    assert (await patch(client, checker, moved, enabled=True)).json()["enabled"] is True


async def test_of_two_who_confirm_at_once_one_comes_too_late(
    client: httpx.AsyncClient, world: World, checker: Person, operator2: Person
) -> None:
    made = await add(client, world.operator)
    answers = await asyncio.gather(*(patch(client, who, made, enabled=True) for who in (checker, operator2)))
    assert sorted(one.status_code for one in answers) == [200, 412]
    actions = [action for action, _detail in await audited(client, world.operator, made)]
    assert actions.count("dfsp.enabled") == 1


async def test_a_checker_of_the_hub_confirms_and_does_nothing_else(
    client: httpx.AsyncClient, world: World, checker: Person
) -> None:
    new = {"fsp_id": "newfsp", "name": "New"}
    assert (await client.post(DFSPS, json=new, headers=checker.headers)).status_code == 403
    made = await add(client, world.operator)
    for body in ({"enabled": False}, {"name": "Mine"}, {"enabled": True, "hub_url": "https://mine.example"}, {}):
        assert refused(await patch(client, checker, made, **body)) == (403, "not_allowed"), body
    withdrawn = (await patch(client, world.operator, made, enabled=False)).json()
    assert (withdrawn["proposed_enabled"], withdrawn["version"]) == (False, 2)
    assert refused(await patch(client, checker, withdrawn, enabled=True)) == (409, "nothing_to_confirm")
    entries = await audited(client, world.operator, made)
    assert entries[0][0] == "dfsp.enabling_withdrawn"


@pytest.mark.parametrize(
    "ended",
    [
        "UPDATE app_user SET enabled = false WHERE email = 'operator2@hub.example'",
        "UPDATE app_user SET roles = '{hub_checker}' WHERE email = 'operator2@hub.example'",
        "UPDATE dfsp SET proposed_at = proposed_at - interval '7 days'",
    ],
)
async def test_a_proposal_ends_with_its_time_and_with_its_person(
    client: httpx.AsyncClient, service: Service, world: World, checker: Person, operator2: Person, ended: str
) -> None:
    made = await add(client, operator2)
    async with service.db.system() as tx:
        await tx.execute(ended)
    assert refused(await patch(client, checker, made, enabled=True)) == (409, "nothing_to_confirm")
    anew = (await patch(client, world.operator, made, enabled=True)).json()
    assert (anew["enabled"], anew["proposed_by"]) == (False, str(world.operator.actor.id))
    assert (await patch(client, checker, anew, enabled=True)).json()["enabled"] is True


async def test_a_checker_who_is_left_alone_enables_nothing(
    client: httpx.AsyncClient, service: Service, world: World, checker: Person
) -> None:
    made = await add(client, world.operator)
    async with service.db.system() as tx:
        await tx.execute("UPDATE app_user SET enabled = false WHERE dfsp_id IS NULL AND id <> $1", checker.actor.id)
    assert refused(await patch(client, checker, made, enabled=True)) == (409, "nothing_to_confirm")


async def test_the_machines_operator_acts_alone(
    client: httpx.AsyncClient, service: Service, world: World, checker: Person
) -> None:
    async with service.db.system() as tx:
        made = await operations.create_dfsp(tx, service, SERVICE, "newfsp", "New")
    assert (await read(client, checker, {"id": str(made.id)}))["enabled"] is True


async def test_the_list_tells_what_waits_for_a_second_person(
    client: httpx.AsyncClient, service: Service, world: World, checker: Person
) -> None:
    async def listed(state: str) -> set[str]:
        found = await client.get(DFSPS, params={"state": state}, headers=checker.headers)
        return {one["fsp_id"] for one in found.json()["items"]}

    made = await add(client, world.operator)
    lake = await read(client, world.operator, {"id": str(world.dfsp_ids["lakemfi"])})
    await patch(client, world.operator, lake, enabled=False)
    assert [await listed(state) for state in ("enabled", "proposed", "disabled")] == [
        {"greenbankfsp"},
        {"newfsp"},
        {"lakemfi"},
    ]
    async with service.db.system() as tx:
        await tx.execute("UPDATE dfsp SET proposed_at = proposed_at - interval '7 days'")
    assert (await listed("proposed"), await listed("disabled")) == (set(), {"newfsp", "lakemfi"})
    assert (await read(client, checker, made))["proposed_by_name"] is None
    unknown = await client.get(DFSPS, params={"state": "on"}, headers=checker.headers)
    assert refused(unknown)[1] == "invalid_filter"


async def test_a_dfsps_own_people_confirm_nothing(client: httpx.AsyncClient, world: World, checker: Person) -> None:
    made = await add(client, world.operator)
    assert (await patch(client, world["greenbankfsp"]["admin"], made, enabled=True)).status_code == 403
