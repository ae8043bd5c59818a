"""A case's people, its hits beside their entries, and its owners: who sees what of them."""

from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.api.everything import listed_company
from tests.builders import Person, World

pytestmark = pytest.mark.anyio


async def read(client: httpx.AsyncClient, person: Person, path: str) -> Any:
    response = await client.get(path, headers=person.headers)
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture
async def path(service: Service, world: World) -> str:
    """An application whose owner bears a listed name."""
    made = await builders.create_application(service, world.maker, listed_company(), submitted=True)
    return f"/api/v1/applications/{made.id}"


async def test_a_hit_stands_beside_its_entry_and_the_subject_stays_masked(
    client: httpx.AsyncClient, world: World, path: str
) -> None:
    [hit, *_] = (await read(client, world.checker, path + "/hits"))["items"]
    assert hit["subject"]["birth_date"] == "1951-**-**"
    assert all(one["number"].startswith("****") for one in hit["subject"]["identifiers"])
    assert "1951-06-19" in hit["listed"]["birth_dates"]
    assert hit["listed"]["entry_id"] == hit["hit"]["entry_id"]
    assert (hit["changed"], hit["decision"], hit["state"]) == (False, None, None)
    assert hit["list_version"]["published_on"]


async def test_a_decision_stands_with_the_hit_with_its_reason(
    client: httpx.AsyncClient, world: World, path: str
) -> None:
    [hit, *_] = (await read(client, world.checker, path + "/hits"))["items"]
    body = {"decision": "false_positive", "reason": "Another face."}
    await client.post(f"{path}/hits/{hit['id']}", json=body, headers=world.checker.headers)
    [hit, *_] = (await read(client, world.checker, path + "/hits"))["items"]
    assert (hit["state"], hit["decision"], hit["reason"]) == ("proposed", "false_positive", "Another face.")
    assert hit["released_by"] == str(world.checker.actor.id)


async def test_the_hub_sees_neither_side_of_a_hit_and_no_owners(
    client: httpx.AsyncClient, world: World, path: str
) -> None:
    [hit, *_] = (await read(client, world.operator, path + "/hits"))["items"]
    assert (hit["subject"], hit["listed"], hit["hit"]["matched_name"]) == (None, None, "****")
    assert hit["hit"]["pieces"] == []
    refused = await client.get(path + "/ownership", headers=world.operator.headers)
    assert refused.status_code == 403


async def test_hits_of_what_was_never_screened_are_none(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    draft = await builders.create_application(service, world.maker)
    assert (await read(client, world.maker, f"/api/v1/applications/{draft.id}/hits"))["items"] == []


async def test_people_are_told_by_name_with_who_works_on_it(client: httpx.AsyncClient, world: World, path: str) -> None:
    await client.post(path + "/claim", headers=world.checker.headers)
    told = await read(client, world.checker, path + "/people")
    assert [one["name"] for one in told["people"]] == ["checker", "maker"]
    assert (told["claimed_by"], told["locked"]) == (str(world.checker.actor.id), None)
    assert (await read(client, world.maker, path + "/people"))["locked"] == "maker"


async def test_owners_are_told_with_their_shares_and_what_is_not_known(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document = builders.company()
    document["owners"][0]["ownership_percent"] = 60
    made = await builders.create_application(service, world.maker, document)
    told = await read(client, world.checker, f"/api/v1/applications/{made.id}/ownership")
    assert float(told["known_percent"]) == 60.0
    assert float(told["unknown_percent"]) == 40.0
    assert [one["code"] for one in told["gaps"]] == ["shares_below_100"]


@pytest.mark.parametrize("part", ["hits", "people", "ownership"])
async def test_another_dfsps_case_is_not_found_and_the_twin_answers_the_same(
    client: httpx.AsyncClient, world: World, path: str, part: str
) -> None:
    refused = await client.get(f"{path}/{part}", headers=world["lakemfi"]["checker"].headers)
    assert refused.status_code == 404
    twin = path.replace("applications", "cases")
    assert await read(client, world.checker, f"{twin}/{part}") == await read(client, world.checker, f"{path}/{part}")
