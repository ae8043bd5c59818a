"""Live events: what is heard, by whom, when a screen is cut off, and how a browser gets in without a header."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import asyncpg
import pytest
from msgspec.structs import replace

from merchant.core import ids
from merchant.core.access import Actor
from merchant.core.service import Service
from merchant.notify import events, live
from merchant.notify.live import Live
from merchant.programs import runtime
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.apps import app_on
from tests.builders import World
from tests.merchant.demo.simulator.conftest import free_port
from tests.merchant.notify.conftest import OURS, THEIRS

pytestmark = pytest.mark.anyio
OPEN = b": open\n\n"
HEARTBEAT = b": still here\n\n"
QUICK_S = 5.0  # far less than a heartbeat


@pytest.fixture
async def merchant(service: Service, world: World) -> Merchant:
    return (await builders.find_shop(service))[0]


@pytest.fixture
async def screens(service: Service) -> AsyncIterator[Live]:
    opened = Live(service)
    yield opened
    await opened.close()


async def tell(service: Service, merchant: Merchant, number: int = 0) -> None:
    async with service.db.tenant(merchant.dfsp_id) as tx:
        await events.announce(
            tx, "merchant.suspended", merchant.dfsp_id, merchant.id, builders.suspended(merchant.id, number)
        )


async def opened(screens: Live, actor: Actor) -> AsyncGenerator[bytes, None]:
    """A stream that has begun."""
    stream = screens.stream(actor)
    assert await asyncio.wait_for(anext(stream), QUICK_S) == OPEN
    return stream  # type: ignore[return-value]


async def heard(stream: AsyncIterator[bytes]) -> dict[str, Any]:
    """The data of the next event."""
    text = (await asyncio.wait_for(anext(stream), QUICK_S)).decode()
    found = re.fullmatch(r"id: (\S+)\nevent: (\S+)\ndata: (.+)\n\n", text)
    assert found, text
    document: dict[str, Any] = json.loads(found[3])
    assert (document["id"], document["type"]) == (found[1], found[2])
    return document


# --- what is heard ---------------------------------------------------------------------------------------------------


async def test_a_screen_hears_what_happens_from_the_moment_it_is_told_that_it_is_open(
    service: Service, world: World, merchant: Merchant, screens: Live
) -> None:
    stream = await opened(screens, world.maker.actor)
    for number in range(3):
        await tell(service, merchant, number=number)
    events_heard = [await heard(stream) for _ in range(3)]
    assert [event["data"]["state"] for event in events_heard] == ["0", "1", "2"]
    assert {event["type"] for event in events_heard} == {"merchant.suspended"}
    assert set(events_heard[0]) == {"id", "type", "data"}


async def test_a_transaction_that_is_rolled_back_is_not_heard(
    service: Service, world: World, merchant: Merchant, screens: Live
) -> None:
    stream = await opened(screens, world.maker.actor)
    with pytest.raises(RuntimeError, match="it did not happen"):
        async with service.db.tenant(merchant.dfsp_id) as tx:
            await events.announce(
                tx, "merchant.suspended", merchant.dfsp_id, merchant.id, builders.suspended(merchant.id, 1)
            )
            raise RuntimeError("it did not happen")
    await tell(service, merchant, number=2)
    assert (await heard(stream))["data"]["state"] == "2"


async def test_nothing_is_heard_before_the_commit(
    service: Service, world: World, merchant: Merchant, screens: Live
) -> None:
    stream = await opened(screens, world.maker.actor)
    async with service.db.tenant(merchant.dfsp_id) as tx:
        await events.announce(
            tx, "merchant.suspended", merchant.dfsp_id, merchant.id, builders.suspended(merchant.id, 1)
        )
        await tell(service, merchant, number=2)
        assert (await heard(stream))["data"]["state"] == "2"
    assert (await heard(stream))["data"]["state"] == "1"


async def test_a_screen_hears_only_of_its_own_dfsp_and_merchant(
    service: Service, world: World, merchant: Merchant, screens: Live
) -> None:
    other, _ = await builders.create_merchant(service, world)
    foreign, _ = await builders.create_merchant(service, world, THEIRS)
    maker = world.maker.actor
    actors = {
        "dfsp": maker,
        "foreign dfsp": world[THEIRS]["maker"].actor,
        "hub": world.operator.actor,
        "merchant": replace(maker, merchant_id=merchant.id),
        "other merchant": replace(maker, merchant_id=other.id),
    }
    streams = {name: await opened(screens, actor) for name, actor in actors.items()}
    shops = {str(shop.id): name for name, shop in (("own", merchant), ("other", other), ("foreign", foreign))}
    for shop in (merchant, other, foreign):
        await tell(service, shop)
    async with service.db.tenant(merchant.dfsp_id) as tx:
        await events.announce(
            tx, "application.submitted", merchant.dfsp_id, None, {"application_id": ids.uuid7(), "version": 1}
        )
    hub = streams.pop("hub")
    # All streams of a process are served at once: when the hub has heard everything, so have the others.
    said = {"hub": [shops.get((await heard(hub))["data"]["merchant_id"]) for _ in range(4)]}
    await screens.close()
    for name, stream in streams.items():
        said[name] = [
            shops.get(json.loads(text.decode().partition("data: ")[2])["data"]["merchant_id"]) async for text in stream
        ]
    assert said == {
        "dfsp": ["own", "other", None],
        "foreign dfsp": ["foreign"],
        "hub": ["own", "other", "foreign", None],
        "merchant": ["own"],
        "other merchant": ["other"],
    }


async def test_several_processes_hear_the_same(service: Service, world: World, merchant: Merchant) -> None:
    processes = [Live(service) for _ in range(3)]
    streams = [await opened(each, world.maker.actor) for each in processes]
    await tell(service, merchant)
    ids = {(await heard(stream))["id"] for stream in streams}
    assert len(ids) == 1
    for each in processes:
        await each.close()


# --- silence, slowness, loss -----------------------------------------------------------------------------------------


async def test_a_silent_stream_is_kept_alive(
    world: World, screens: Live, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_S", 0.01)
    stream = await opened(screens, world.maker.actor)
    assert [await anext(stream) for _ in range(3)] == [HEARTBEAT] * 3


async def test_a_screen_that_lags_too_far_behind_is_cut_off_and_no_other(
    service: Service, world: World, merchant: Merchant, screens: Live
) -> None:
    slow, quick = await opened(screens, world.maker.actor), await opened(screens, world.maker.actor)
    for number in range(150):
        await tell(service, merchant, number=number)
        assert (await heard(quick))["data"]["state"] == str(number)
    assert len([text async for text in slow]) == live.MAX_LAG
    await tell(service, merchant, number=150)
    assert (await heard(quick))["data"]["state"] == "150"


async def test_screens_are_ended_when_events_may_have_been_missed(
    service: Service, world: World, merchant: Merchant, screens: Live, database_url: str
) -> None:
    """They connect again and read the state anew."""
    stream = await opened(screens, world.maker.actor)
    killed = await kill_listeners(database_url)
    assert killed == 1
    async with asyncio.timeout(QUICK_S):
        assert [text async for text in stream] == []
    again = await opened(screens, world.maker.actor)
    await tell(service, merchant, number=1)
    assert (await heard(again))["data"]["state"] == "1"


async def kill_listeners(database_url: str) -> int:
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query ILIKE 'LISTEN%live%'"
        )
        return len(rows)
    finally:
        await connection.close()


async def test_a_stream_ends_after_a_while_so_that_the_right_to_hear_is_looked_at_anew(
    service: Service, world: World, merchant: Merchant, screens: Live, later: Callable[[timedelta], None]
) -> None:
    stream = await opened(screens, world.maker.actor)
    later(live.STREAM_LIFE)
    await tell(service, merchant)
    assert [text async for text in stream] == []


async def test_closing_ends_every_stream_at_once(world: World, screens: Live) -> None:
    streams = [await opened(screens, world.maker.actor) for _ in range(3)]
    async with asyncio.timeout(QUICK_S):
        await screens.close()
        assert [[text async for text in stream] for stream in streams] == [[], [], []]


# --- over HTTP -------------------------------------------------------------------------------------------------------


@pytest.fixture
async def served(service: Service) -> AsyncIterator[tuple[str, Live]]:
    """The service on a free port: the address of its events, and its open streams."""
    port = free_port()
    app = app_on(service, live.ROUTES)
    async with runtime.serving(app, "127.0.0.1", port):
        yield f"http://127.0.0.1:{port}/api/v1/events", service.shared(Live)
        # Before the server stops, since it waits for what is still open.
        await service.shared(Live).close()


@pytest.fixture
def url(served: tuple[str, Live]) -> str:
    return served[0]


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=QUICK_S)) as session:
        yield session


async def next_of(response: aiohttp.ClientResponse) -> bytes:
    return await response.content.readuntil(b"\n\n")


async def ticket_of(http: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> str:
    async with http.post(url.replace("events", "event-tickets"), headers=headers) as response:
        assert response.status == 201
        document = await response.json()
    assert set(document) == {"ticket", "expires_at"}
    return str(document["ticket"])


async def status_with(http: aiohttp.ClientSession, url: str, ticket: str) -> int:
    async with http.get(url, params={"ticket": ticket}) as response:
        return response.status


async def test_a_person_a_key_a_browser_and_a_ticket_open_the_stream(
    service: Service, world: World, merchant: Merchant, url: str, http: aiohttp.ClientSession
) -> None:
    key = await builders.issue_key(service, world[OURS]["admin"], ["events:read"], merchant_id=merchant.id)
    ticket = await ticket_of(http, url, key)
    doors: list[tuple[dict[str, str], dict[str, str]]] = [
        (world.maker.headers, {}),
        (key, {}),
        ({}, {"ticket": ticket}),
        ({"cookie": f"session={world.maker.token}"}, {}),
    ]
    for headers, params in doors:
        async with http.get(url, headers=headers, params=params) as response:
            assert response.status == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            assert response.headers["cache-control"] == "no-store"
            assert await next_of(response) == OPEN
            await tell(service, merchant)
            assert b"event: merchant.suspended\n" in await next_of(response)


async def test_a_ticket_sees_what_its_owner_sees(
    service: Service, world: World, merchant: Merchant, url: str, http: aiohttp.ClientSession
) -> None:
    other, _ = await builders.create_merchant(service, world)
    key = await builders.issue_key(service, world[OURS]["admin"], ["events:read"], merchant_id=merchant.id)
    ticket = await ticket_of(http, url, key)
    async with http.get(url, params={"ticket": ticket}) as response:
        assert await next_of(response) == OPEN
        await tell(service, other, number=1)
        await tell(service, merchant, number=2)
        assert b'"state":"2"' in await next_of(response)


async def test_a_ticket_opens_one_stream_only_even_when_used_at_once(
    world: World, url: str, http: aiohttp.ClientSession
) -> None:
    ticket = await ticket_of(http, url, world.maker.headers)
    statuses = await asyncio.gather(*(status_with(http, url, ticket) for _ in range(5)))
    assert sorted(statuses) == [200, 401, 401, 401, 401]
    assert await status_with(http, url, ticket) == 401


async def test_a_ticket_lives_for_a_minute(
    world: World, url: str, http: aiohttp.ClientSession, later: Callable[[timedelta], None]
) -> None:
    in_time, too_late = [await ticket_of(http, url, world.maker.headers) for _ in range(2)]
    later(timedelta(seconds=59))
    assert await status_with(http, url, in_time) == 200
    later(timedelta(seconds=2))
    assert await status_with(http, url, too_late) == 401


async def test_a_forged_ticket_opens_nothing(world: World, url: str, http: aiohttp.ClientSession) -> None:
    ticket = await ticket_of(http, url, world.maker.headers)
    for forged in ("", "x", ticket[:-1], ticket + "=", ticket.swapcase(), "\x00", "x" * 4000):
        assert await status_with(http, url, forged) in (400, 401), forged
    assert await status_with(http, url, ticket) == 200


async def test_a_ticket_is_not_to_be_read_in_the_database(
    service: Service, world: World, url: str, http: aiohttp.ClientSession
) -> None:
    ticket = await ticket_of(http, url, world.maker.headers)
    async with service.db.system_reads() as tx:
        [row] = await tx.fetch("SELECT * FROM event_ticket")
    assert ticket not in repr(tuple(row))


async def test_nobody_comes_in_without_the_right_credentials(
    service: Service, world: World, url: str, http: aiohttp.ClientSession
) -> None:
    key = await builders.issue_key(service, world[OURS]["admin"], ["payments:read"])
    tickets = url.replace("events", "event-tickets")
    for headers, expected in (({}, 401), ({"authorization": "Bearer x"}, 401), ({"x-api-key": "x"}, 401), (key, 403)):
        for method, path in (("GET", url), ("POST", tickets)):
            async with http.request(method, path, headers=headers) as response:
                assert response.status == expected
                assert response.content_type == "application/problem+json"


async def test_a_full_process_sends_screens_away_until_one_leaves(
    world: World, url: str, http: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "MAX_STREAMS", 1)
    response = await http.get(url, headers=world.maker.headers)
    assert await next_of(response) == OPEN
    async with http.get(url, headers=world.maker.headers) as refused:
        assert (refused.status, refused.headers["retry-after"]) == (429, "30")
    response.close()
    async with asyncio.timeout(QUICK_S):
        while True:
            async with http.get(url, headers=world.maker.headers) as again:
                if again.status == 200:
                    break
            await asyncio.sleep(0.01)


async def test_closing_ends_the_screens_of_a_server_so_that_it_can_stop(
    served: tuple[str, Live], world: World, http: aiohttp.ClientSession
) -> None:
    url, screens = served
    async with http.get(url, headers=world.maker.headers) as response:
        assert await next_of(response) == OPEN
        await screens.close()
        assert await response.read() == b""
