"""Where one is signed in, and how that ends: here, there, everywhere, by itself."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

import httpx
import msgspec
import pytest

from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.people import sessions
from tests import builders
from tests.builders import PASSWORD, Person, World

pytestmark = pytest.mark.anyio
Move = Callable[[timedelta], datetime]
ME, SESSIONS = "/api/v1/users/me", "/api/v1/sessions"
EMAIL = "maker@greenbankfsp.example"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return msgspec.structs.replace(settings, session_idle_s=1800)


async def again(service: Service) -> Person:
    """The maker, signed in once more."""
    return await builders.signed_in(service, EMAIL)


async def status(client: httpx.AsyncClient, person: Person) -> int:
    return (await client.get(ME, headers=person.headers)).status_code


async def test_sessions_are_listed_with_what_tells_them_apart(client: httpx.AsyncClient, world: World) -> None:
    browser = {
        "user-agent": "Browser/1\x00\u2028 (phone)".replace("\x00", "").encode("latin-1", "ignore").decode() * 30
    }
    body = {"email": EMAIL, "password": PASSWORD}
    signed = await client.post(SESSIONS, json=body, headers=browser)
    headers = {"authorization": f"Bearer {signed.json()['access_token']}"}
    listed = (await client.get(SESSIONS, headers=headers)).json()
    assert [row["current"] for row in listed["items"]] == [True, False]
    newest = listed["items"][0]
    assert newest["user_agent"].startswith("Browser/1")
    assert len(newest["user_agent"]) <= 200
    assert newest["created_at"] == newest["last_seen_at"] < newest["expires_at"]
    assert set(newest) == {"id", "created_at", "last_seen_at", "expires_at", "user_agent", "current"}


async def test_signing_out_here_ends_this_session_only_and_at_once(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    here, there = world.maker, await again(service)
    assert (await client.delete(f"{SESSIONS}/current", headers=here.headers)).status_code == 204
    assert (await status(client, here), await status(client, there)) == (401, 200)
    assert (await client.delete(f"{SESSIONS}/current", headers=here.headers)).status_code == 401


async def test_another_session_of_ones_own_is_ended_by_its_id(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    here, there = world.maker, await again(service)
    path = f"{SESSIONS}/{there.actor.session_id}"
    assert (await client.delete(path, headers=here.headers)).status_code == 204
    assert (await status(client, here), await status(client, there)) == (200, 401)
    assert (await client.delete(path, headers=here.headers)).status_code == 404


async def test_nobody_ends_anothers_session(client: httpx.AsyncClient, world: World) -> None:
    for who in (world.checker, world["greenbankfsp"]["admin"], world["lakemfi"]["maker"], world.operator):
        path = f"{SESSIONS}/{world.maker.actor.session_id}"
        assert (await client.delete(path, headers=who.headers)).status_code == 404
    assert await status(client, world.maker) == 200


@pytest.mark.parametrize("name", ["x", "0", "current%20", "00000000-0000-0000-0000-000000000000", "CURRENT"])
async def test_a_session_that_is_none_is_not_found(client: httpx.AsyncClient, world: World, name: str) -> None:
    assert (await client.delete(f"{SESSIONS}/{name}", headers=world.maker.headers)).status_code == 404


async def test_signing_out_everywhere_ends_all_here_too_and_no_one_elses(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    here, there = world.maker, await again(service)
    assert (await client.delete(SESSIONS, headers=here.headers)).status_code == 204
    assert [await status(client, one) for one in (here, there, world.checker)] == [401, 401, 200]
    assert await status(client, await again(service)) == 200


async def test_a_session_that_ended_meanwhile_is_not_carried_on_by_a_change_of_credentials(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    thief, owner = world.maker, await again(service)
    assert (await client.delete(SESSIONS, headers=owner.headers)).status_code == 204
    # The change was under way, with the session as it was, when its owner signed out everywhere.
    async with service.db.system() as tx:
        await sessions.end_other_sessions(tx, thief.actor.id, thief.actor.session_id)
    assert await status(client, thief) == 401


async def test_a_change_of_credentials_carries_on_the_session_that_made_it_only(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    here, there = world.maker, await again(service)
    for _ in range(2):
        async with service.db.system() as tx:
            await sessions.end_other_sessions(tx, here.actor.id, here.actor.session_id)
        assert [await status(client, one) for one in (here, there)] == [200, 401]


async def test_a_session_that_rests_ends_and_one_that_is_used_goes_on(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Move
) -> None:
    used, resting = await again(service), await again(service)
    for _ in range(2):
        move_clock(timedelta(seconds=1000))
        assert await status(client, used) == 200
    assert await status(client, resting) == 401
    listed = (await client.get(SESSIONS, headers=used.headers)).json()["items"]
    assert [row["id"] for row in listed] == [str(used.actor.session_id)]


async def test_use_is_written_down_once_a_minute_at_most(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Move
) -> None:
    person = await again(service)
    seen = set()
    for _ in range(5):
        move_clock(timedelta(seconds=20))
        await status(client, person)
        async with service.db.system_reads() as tx:
            seen.add(await tx.fetchval("SELECT last_seen_at FROM user_session WHERE id = $1", person.actor.session_id))
    assert len(seen) == 2


async def test_people_and_machines_are_known_while_slow_reads_hold_all_connections_for_reading(
    service: Service, world: World
) -> None:
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["payments:read"])
    async with AsyncExitStack() as stack:
        for _ in range(service.db.pools["reads"].size):
            await stack.enter_async_context(service.db.system_reads())
        for headers in (world.maker.headers, key):
            async with asyncio.timeout(1):
                assert (await sessions.authenticate(service, headers)).dfsp_id == world.dfsp_ids["greenbankfsp"]


async def test_machines_have_no_sessions(client: httpx.AsyncClient, service: Service, world: World) -> None:
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["merchants:read"])
    for method, path in (
        ("GET", SESSIONS),
        ("DELETE", SESSIONS),
        ("DELETE", f"{SESSIONS}/current"),
    ):
        assert (await client.request(method, path, headers=key)).status_code == 403, (method, path)
    assert (await client.post(f"{ME}/totp", json={"password": PASSWORD}, headers=key)).status_code == 403
    change = {"current": PASSWORD, "new": "seven quiet baobabs"}
    assert (await client.put(f"{ME}/password", json=change, headers=key)).status_code == 403


async def test_sessions_that_are_long_over_are_forgotten(service: Service, world: World, move_clock: Move) -> None:
    async with service.db.system() as tx:
        count = await tx.fetchval("SELECT count(*) FROM user_session")
        assert await sessions.prune(tx, 100) == 0
    move_clock(timedelta(days=2))
    async with service.db.system() as tx:
        assert await sessions.prune(tx, 100) == count
