"""People on pages: invited, changed, and a proposal confirmed by a second person as they saw it."""

from typing import Any

import httpx
import pytest

from merchant.core.access import Role
from merchant.core.service import Service
from tests import builders
from tests.builders import DFSPS, Person, World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio


@pytest.fixture
async def second(service: Service, world: World) -> Person:
    """Another administrator of the first DFSP."""
    email = "second.admin@people.example"
    await builders.add_person(service, email, [Role.DFSP_ADMIN], dfsp_id=world.dfsp_ids["greenbankfsp"])
    return await builders.signed_in(service, email)


async def read(client: httpx.AsyncClient, person: Person, user_id: Any) -> tuple[dict[str, Any], str]:
    """A person as the API tells them, and the revision."""
    told = await client.get(f"/api/v1/users/{user_id}", headers=person.headers)
    return told.json(), told.headers["etag"]


async def propose(client: httpx.AsyncClient, person: Person, user_id: Any, roles: list[str]) -> None:
    """Propose roles for a colleague."""
    _, revision = await read(client, person, user_id)
    told = await client.patch(
        f"/api/v1/users/{user_id}", json={"roles": roles}, headers={**person.headers, "if-match": revision}
    )
    assert told.status_code == 200


async def test_a_second_person_confirms_what_the_page_shows(
    client: httpx.AsyncClient, world: World, second: Person
) -> None:
    staff = world["greenbankfsp"]
    maker_id = staff["maker"].actor.id
    await propose(client, staff["admin"], maker_id, ["dfsp_checker"])
    browser = Browser(client, second)
    await browser.open(f"/users/{maker_id}")
    assert "Waits for a second person" in browser.words and "Checker" in browser.words
    await browser.send(f"/users/{maker_id}/confirm")
    assert "Confirmed; it counts from now on." in browser.words
    assert (await read(client, second, maker_id))[0]["roles"] == ["dfsp_checker"]


async def test_what_was_proposed_anew_since_the_page_was_opened_is_not_confirmed(
    client: httpx.AsyncClient, world: World, second: Person
) -> None:
    staff = world["greenbankfsp"]
    maker_id = staff["maker"].actor.id
    await propose(client, staff["admin"], maker_id, ["dfsp_checker"])
    browser = Browser(client, second)
    await browser.open(f"/users/{maker_id}")
    await propose(client, staff["admin"], maker_id, ["dfsp_admin"])
    await browser.send(f"/users/{maker_id}/confirm")
    assert browser.status == 412
    found, _ = await read(client, second, maker_id)
    assert (found["roles"], found["proposed_roles"]) == (["dfsp_maker"], ["dfsp_admin"])
    assert "Administrator" in browser.words, "the page shows what is proposed now"


async def test_nobody_confirms_their_own_proposal(client: httpx.AsyncClient, world: World) -> None:
    staff = world["greenbankfsp"]
    maker_id = staff["maker"].actor.id
    await propose(client, staff["admin"], maker_id, ["dfsp_checker"])
    browser = Browser(client, staff["admin"])
    await browser.open(f"/users/{maker_id}")
    assert "You proposed it; a colleague must confirm it." in browser.words
    assert f'action="/users/{maker_id}/confirm"' not in browser.page.text


@pytest.mark.parametrize("who", ["maker", "checker", "auditor"])
async def test_only_administrators_see_people(client: httpx.AsyncClient, world: World, who: str) -> None:
    browser = Browser(client, world["greenbankfsp"][who])
    for path in ("/users", f"/users/{world['greenbankfsp']['maker'].actor.id}"):
        await browser.open(path)
        assert browser.status == 403


async def test_another_dfsps_person_is_not_found(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client, world[DFSPS[1]]["admin"])
    await browser.open(f"/users/{world['greenbankfsp']['maker'].actor.id}")
    assert browser.status == 404
