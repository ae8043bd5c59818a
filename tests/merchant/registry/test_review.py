"""The checker's decisions: four eyes by version, approval bound to the frozen hash."""

import httpx

from merchant.service import Service
from tests import builders
from tests.builders import World


async def test_an_approved_application_gives_every_counter_a_number(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    application = await builders.create_application(service, world.maker, submitted=True)
    response = await client.post(
        f"/api/v1/applications/{application.id}/approve",
        json={"version_hash": application.version_hash},
        headers=world.checker.headers,
    )
    assert response.status_code == 200, response.text
    body = response.json()
    assert body["tier"] == "T3"
    assert [len(counter["alias"]) for counter in body["counters"]] == [8]


async def test_a_maker_of_the_version_may_not_approve_it(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    both = world["greenbankfsp"]["both"]
    application = await builders.create_application(service, both, submitted=True)
    response = await client.post(
        f"/api/v1/applications/{application.id}/approve",
        json={"version_hash": application.version_hash},
        headers=both.headers,
    )
    assert (response.status_code, response.json()["code"]) == (403, "checker_is_maker")
