"""Who may go on listening: streams are counted by actor, and end within seconds of losing the right."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any
from uuid import UUID

import aiohttp
import pytest
from msgspec.structs import replace

from merchant.core import errors, ids
from merchant.core.access import Actor
from merchant.core.service import Service
from merchant.notify import events, live
from merchant.notify.live import Live
from merchant.people import sessions
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.builders import World
from tests.merchant.notify.conftest import OURS, THEIRS
from tests.merchant.notify.test_live import (
    OPEN,
    QUICK_S,
    heard,
    http,
    merchant,
    next_of,
    opened,
    screens,
    served,
    status_with,
    tell,
    ticket_of,
    url,
)

__all__ = ["http", "merchant", "screens", "served", "url"]
pytestmark = pytest.mark.anyio
SCOPES = ["events:read"]


@pytest.fixture
def _reviewed_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "REVIEW_S", 0.02)


async def change(service: Service, statement: str, *values: Any) -> None:
    async with service.db.system() as tx:
        await tx.execute(statement, *values)


def reviewed(screens: Live, service: Service, actor: Actor) -> AsyncIterator[bytes]:
    return screens.stream(actor, partial(sessions.find_actors, service))


async def ends(stream: AsyncIterator[bytes]) -> bool:
    async with asyncio.timeout(QUICK_S):
        return [text async for text in stream] == []


LOSSES: dict[str, tuple[str, str]] = {
    "disabled": ("user", "UPDATE app_user SET enabled = false WHERE id = $1"),
    "other roles": ("user", "UPDATE app_user SET roles = '{dfsp_admin}' WHERE id = $1"),
    "a DFSP disabled": (
        "user",
        "UPDATE dfsp SET enabled = false WHERE id = (SELECT dfsp_id FROM app_user WHERE id = $1)",
    ),
    "a key revoked": ("key", "UPDATE api_key SET revoked_at = now() WHERE id = $1"),
    "a key expired": ("key", "UPDATE api_key SET expires_at = now() - interval '1 s' WHERE id = $1"),
    "a key without the scope": ("key", "UPDATE api_key SET scopes = '{payments:read}' WHERE id = $1"),
    "a key's DFSP disabled": (
        "key",
        "UPDATE dfsp SET enabled = false WHERE id = (SELECT dfsp_id FROM api_key WHERE id = $1)",
    ),
    "a key bound elsewhere": (
        "key",
        "UPDATE api_key SET merchant_id = (SELECT id FROM merchant LIMIT 1) WHERE id = $1",
    ),
}


@pytest.mark.usefixtures("_reviewed_often")
@pytest.mark.parametrize("loss", LOSSES)
async def test_whoever_loses_the_right_loses_the_stream_and_no_other(
    service: Service, world: World, merchant: Merchant, screens: Live, loss: str
) -> None:
    kind, statement = LOSSES[loss]
    key = await builders.issue_key(service, world[OURS]["admin"], SCOPES)
    actor = world.maker.actor if kind == "user" else await sessions.key_actor(service, key["x-api-key"])
    stream, other = reviewed(screens, service, actor), reviewed(screens, service, world[THEIRS]["maker"].actor)
    assert [await anext(each) for each in (stream, other)] == [OPEN, OPEN]
    await change(service, statement, actor.id)
    assert await ends(stream)
    async with service.db.tenant(world[THEIRS]["maker"].actor.dfsp_id) as tx:
        submitted = {"application_id": ids.uuid7(), "version": 1}
        await events.announce(tx, "application.submitted", world.dfsp_ids[THEIRS], None, submitted)
    assert (await heard(other))["type"] == "application.submitted"


@pytest.mark.usefixtures("_reviewed_often")
async def test_rights_that_stay_keep_the_stream(
    service: Service, world: World, merchant: Merchant, screens: Live
) -> None:
    calls = 0

    async def counted(held: Any) -> dict[UUID, Actor]:
        nonlocal calls
        calls += 1
        return await sessions.find_actors(service, held)

    stream = screens.stream(world.maker.actor, counted)
    assert await anext(stream) == OPEN
    await change(service, "UPDATE app_user SET name = 'Another' WHERE id = $1", world.maker.actor.id)
    async with asyncio.timeout(QUICK_S):
        while calls < 3:
            await asyncio.sleep(0.01)
    await tell(service, merchant, number=7)
    assert (await heard(stream))["data"]["state"] == "7"


@pytest.mark.usefixtures("_reviewed_often")
async def test_rights_that_cannot_be_read_for_long_end_every_stream(
    world: World, screens: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: Any) -> dict[UUID, Actor]:
        raise OSError

    stream = screens.stream(world.maker.actor, away)
    assert await anext(stream) == OPEN
    monkeypatch.setattr(live, "RIGHTS_KNOWN_S", 0.1)
    assert await ends(stream)


async def test_the_twenty_first_stream_of_an_actor_is_one_too_many_however_they_come(
    world: World, screens: Live
) -> None:
    streams = [screens.stream(world.maker.actor) for _ in range(live.MAX_STREAMS_OF_ACTOR)]
    with pytest.raises(errors.TooManyRequests, match="20 screens"):
        screens.stream(world.maker.actor)
    assert await anext(screens.stream(world.checker.actor)) == OPEN
    assert await anext(streams[0]) == OPEN
    await streams[0].aclose()  # type: ignore[attr-defined]
    assert await anext(screens.stream(world.maker.actor)) == OPEN


@pytest.mark.usefixtures("_reviewed_often")
async def test_a_stream_that_never_began_gives_its_place_back(
    world: World, screens: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "START_S", 0.0)
    never = [screens.stream(world.maker.actor) for _ in range(live.MAX_STREAMS_OF_ACTOR)]
    async with asyncio.timeout(QUICK_S):
        while True:
            try:
                screens.stream(world.maker.actor)
                break
            except errors.TooManyRequests:
                await asyncio.sleep(0.01)
    assert len(never) == live.MAX_STREAMS_OF_ACTOR


async def test_a_key_of_a_counter_hears_of_its_counter_alone(service: Service, world: World, screens: Live) -> None:
    """Each kind of event, at its counter, at another of the same merchant, and of what has no counter."""
    shop, counter = await builders.find_shop(service)
    other = ids.uuid7()
    bound = replace(world.maker.actor, merchant_id=shop.id, counter_id=counter.id)
    stream, whole = await opened(screens, bound), await opened(screens, replace(bound, counter_id=None))
    for kind in events.EventType:
        for place in (other, counter.id):
            async with service.db.tenant(shop.dfsp_id) as tx:
                await events.announce(tx, kind, shop.dfsp_id, shop.id, data_of(kind, shop, place))
    said = [await heard(whole) for _ in range(2 * len(events.EventType))]
    assert {one["type"] for one in said} == set(events.EventType)
    await screens.close()
    texts = [text.decode() async for text in stream]
    assert {text.split("event: ")[1].split("\n")[0] for text in texts} == {
        kind for kind in events.EventType if kind.startswith(("payment", "refund"))
    }
    assert not [text for text in texts if str(other) in text]


def data_of(kind: events.EventType, shop: Merchant, counter_id: UUID) -> dict[str, Any]:
    """The least that an event of this kind says."""
    values: dict[str, Any] = {
        "application_id": ids.uuid7(),
        "version": 1,
        "payment_id": ids.uuid7(),
        "payment_request_id": ids.uuid7(),
        "refund_id": ids.uuid7(),
        "reason_code": "CUST",
        "merchant_id": shop.id,
        "counter_id": counter_id,
        "amount": {"amount": "1", "currency": "USD"},
        "state": "paid",
        "late": False,
        "endpoint_id": ids.uuid7(),
    }
    return {name: values[name] for name in events.EVENT_DATA[kind].__struct_fields__ if name in values}


# --- over HTTP -------------------------------------------------------------------------------------------------------


async def test_a_ticket_is_worth_what_its_owner_may_now(
    service: Service, world: World, url: str, http: aiohttp.ClientSession
) -> None:
    owner = world.maker
    for statement, back, status in (
        ("enabled = false", "enabled = true", 401),
        ("roles = '{}'", "roles = '{dfsp_maker}'", 403),
    ):
        ticket = await ticket_of(http, url, owner.headers)
        await change(service, f"UPDATE app_user SET {statement} WHERE id = $1", owner.actor.id)
        assert await status_with(http, url, ticket) == status
        await change(service, f"UPDATE app_user SET {back} WHERE id = $1", owner.actor.id)
    key = await builders.issue_key(service, world[OURS]["admin"], SCOPES)
    ticket = await ticket_of(http, url, key)
    await change(service, "UPDATE api_key SET revoked_at = now()")
    assert await status_with(http, url, ticket) == 401


async def test_a_ticket_holds_no_rights(service: Service, world: World, url: str, http: aiohttp.ClientSession) -> None:
    await ticket_of(http, url, world.maker.headers)
    async with service.db.system_reads() as tx:
        kept = bytes(await tx.fetchval("SELECT actor FROM event_ticket"))
    assert str(world.maker.actor.id).encode() in kept
    assert b"events:read" not in kept
    assert str(world.maker.actor.dfsp_id).encode() not in kept


@pytest.mark.usefixtures("_reviewed_often")
async def test_a_disabled_persons_open_stream_ends(
    service: Service, world: World, url: str, http: aiohttp.ClientSession
) -> None:
    async with http.get(url, headers=world.maker.headers) as response:
        assert await next_of(response) == OPEN
        await change(service, "UPDATE app_user SET enabled = false WHERE id = $1", world.maker.actor.id)
        assert await response.read() == b""


async def test_one_actors_streams_leave_room_for_everyone_else(
    world: World, url: str, http: aiohttp.ClientSession
) -> None:
    opened_ = [await http.get(url, headers=world.maker.headers) for _ in range(25)]
    assert sorted(response.status for response in opened_) == [200] * 20 + [429] * 5
    async with http.get(url, headers=world.checker.headers) as response:
        assert await next_of(response) == OPEN
    for response in opened_:
        response.close()
