"""The first operator: a link that makes their account once, and what is left to do then."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from merchant.core import clock
from merchant.core.service import Service
from merchant.people import links, set_up
from merchant.people.problems import AlreadySetUp
from tests import builders
from tests.builders import OPERATOR, World

pytestmark = pytest.mark.anyio
SET_UP = "/api/v1/set-up"
NEW = "seven quiet baobabs"
FIRST = {"name": "Amina Otieno", "email": "Amina@hub.example", "password": NEW}


async def new_link(service: Service) -> str:
    async with service.db.system() as tx:
        return (await set_up.new_link(tx, service)).removeprefix(service.settings.base_url)


@pytest.fixture
async def link(service: Service) -> str:
    """The path of the link, as if nobody had made an account yet."""
    async with service.db.system() as tx:
        await tx.execute("UPDATE app_user SET password_hash = '!', email = NULL WHERE email = $1", OPERATOR)
    return await new_link(service)


async def make(client: httpx.AsyncClient, link: str, **changes: str) -> httpx.Response:
    return await client.put(f"/api/v1{link}", json=FIRST | changes)


async def test_the_link_makes_one_account_once(client: httpx.AsyncClient, service: Service, link: str) -> None:
    assert link.startswith("/set-up/")
    assert (await make(client, link)).status_code == 204
    signed = await client.post("/api/v1/sessions", json={"email": "amina@hub.example", "password": NEW})
    assert (signed.status_code, signed.json()["user"]["name"]) == (201, "Amina Otieno")
    assert signed.json()["user"]["roles"] == ["hub_operator"]
    again = await make(client, link, email="other@hub.example")
    assert (again.status_code, again.json()["code"]) == (404, "link_invalid")
    with pytest.raises(AlreadySetUp):
        await new_link(service)
    async with service.db.system_reads() as tx:
        actions = [row["action"] for row in await tx.fetch("SELECT action FROM audit_entry ORDER BY at DESC LIMIT 2")]
        stored = await tx.fetchval("SELECT string_agg(digest::text, ' ') FROM account_token")
    assert actions == ["user.set_up", "user.operated"]
    assert link.rpartition("/")[2] not in stored


async def test_a_new_link_ends_the_one_before(client: httpx.AsyncClient, service: Service, link: str) -> None:
    newer = await new_link(service)
    assert (await make(client, link)).status_code == 404
    assert (await make(client, newer)).status_code == 204


async def test_the_link_ends_after_a_day(client: httpx.AsyncClient, service: Service, link: str) -> None:
    async with service.db.system() as tx:
        left = await tx.fetchval("SELECT expires_at FROM account_token WHERE kind = 'set_up'") - clock.now()
        assert timedelta(hours=23) < left <= timedelta(hours=24)
        await tx.execute("UPDATE account_token SET expires_at = $1", clock.now())
    assert (await make(client, link)).status_code == 404


async def test_the_link_ends_when_another_operator_has_come(
    client: httpx.AsyncClient, service: Service, link: str
) -> None:
    await builders.add_person(service, "second@hub.example", ["hub_operator"])
    assert (await make(client, link)).status_code == 404
    with pytest.raises(AlreadySetUp):
        await new_link(service)


async def test_of_two_at_once_one_makes_the_account(client: httpx.AsyncClient, link: str) -> None:
    answers = await asyncio.gather(make(client, link), make(client, link, email="other@hub.example"))
    assert sorted(one.status_code for one in answers) == [204, 404]


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"password": "short"}, "password"),
        ({"password": "password1234"}, "password"),
        ({"password": "amina otieno amina"}, "password"),
        ({"password": "amina@hub.example"}, "password"),
        ({"name": " "}, "name"),
        ({"name": "a\u202eb"}, "name"),
        ({"email": "nobody"}, "email"),
        ({"roles": "hub_checker"}, "roles"),
    ],
)
async def test_what_is_wrong_is_told_and_leaves_the_link_good(
    client: httpx.AsyncClient, link: str, changes: dict[str, str], path: str
) -> None:
    refused = await make(client, link, **changes)
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, path)
    assert (await make(client, link)).status_code == 204


async def test_an_address_that_someone_has_is_refused_and_leaves_the_link_good(
    client: httpx.AsyncClient, world: World, link: str
) -> None:
    assert (await make(client, link, email=world.maker.email)).status_code == 409
    assert (await make(client, link)).status_code == 204


async def test_links_of_other_kinds_do_not_set_up_nor_the_other_way_round(
    client: httpx.AsyncClient, service: Service, world: World, link: str
) -> None:
    token = link.rpartition("/")[2]
    for path in ("invitations", "password-resets"):
        assert (await client.put(f"/api/v1/{path}/{token}", json={"password": NEW})).status_code == 404
    body = {"email": "new@x.example", "name": "New", "roles": ["dfsp_maker"]}
    admin = world["greenbankfsp"]["admin"].headers
    await client.post("/api/v1/users", json=body, headers=admin)
    mail = (await client.get("/api/v1/outgoing-mail", headers=admin)).json()["items"][0]
    assert (await make(client, f"/set-up/{mail['link'].rpartition('/')[2]}")).status_code == 404


@pytest.mark.usefixtures("link")
async def test_guessing_links_is_slow(client: httpx.AsyncClient) -> None:
    statuses = [(await make(client, f"/set-up/guess{number}")).status_code for number in range(60)]
    assert set(statuses) == {404, 429}


@pytest.mark.usefixtures("link")
async def test_nobody_mails_an_invitation_to_one_without_an_address(
    client: httpx.AsyncClient, service: Service
) -> None:
    await builders.add_person(service, "second@hub.example", ["hub_operator"])
    async with service.db.system_reads() as tx:
        first = await tx.fetchval("SELECT id FROM app_user WHERE email IS NULL AND phone_digest IS NULL")
    second = await builders.signed_in(service, "second@hub.example")
    refused = await client.post(f"/api/v1/users/{first}/invitation", headers=second.headers)
    assert refused.status_code == 409


class TestWhatIsLeft:
    async def test_operators_are_told_how_far_the_set_up_is(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        found = (await client.get(SET_UP, headers=world.operator.headers)).json()
        assert (found["complete"], found["operators"], found["operators_least"]) == (False, 1, 3)
        assert found["dfsps_enabled"] == 2
        for number in range(2):
            await builders.add_person(service, f"o{number}@hub.example", ["hub_operator"])
        async with service.db.system() as tx:
            await tx.execute("UPDATE dfsp SET hub_url = 'https://hub.example'")
            await tx.execute(
                "UPDATE scheme_key SET purpose = 'jws_verify', dfsp_id = NULL"
                " WHERE id = (SELECT min(id::text)::uuid FROM scheme_key WHERE purpose = 'jws_sign')"
            )
        found = (await client.get(SET_UP, headers=world.operator.headers)).json()
        assert (found["complete"], found["hub_address_known"], found["hub_key_known"]) == (True, True, True)

    async def test_nobody_else_is(self, client: httpx.AsyncClient, service: Service, world: World) -> None:
        await builders.add_person(service, "checker@hub.example", ["hub_checker"])
        checker = await builders.signed_in(service, "checker@hub.example")
        for who in (world.maker, world["greenbankfsp"]["admin"], checker):
            assert (await client.get(SET_UP, headers=who.headers)).status_code == 403
        assert (await client.get(SET_UP)).status_code == 401


@pytest.mark.usefixtures("link")
async def test_links_that_are_over_are_forgotten(service: Service) -> None:
    async with service.db.system() as tx:
        await tx.execute("UPDATE account_token SET expires_at = $1", clock.now() - timedelta(days=8))
        assert await links.prune(tx, 10) == 1
    assert (await new_link(service)).startswith("/set-up/")
