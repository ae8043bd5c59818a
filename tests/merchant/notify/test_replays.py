"""Events from a time on sent once more: what an endpoint had, what it never had, in order, and nothing of others."""

import asyncio
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from merchant.core import clock
from merchant.notify import replays
from tests import builders
from tests.apps import patiently
from tests.merchant.notify.conftest import ENDPOINTS, OURS, THEIRS, Telling

pytestmark = [pytest.mark.anyio, pytest.mark.database]
Move = Callable[[timedelta], datetime]
MINUTE = timedelta(minutes=1)
LONG_AGO = "2020-01-01T00:00:00Z"


async def replay(
    telling: Telling, endpoint: dict[str, Any], who: dict[str, str] | None = None, **asked: Any
) -> tuple[int, dict[str, Any]]:
    body = {"from": LONG_AGO} | asked
    path = f"{ENDPOINTS}/{endpoint['id']}/replay"
    response = await telling.client.post(path, json=body, headers=who or telling.key)
    return response.status_code, dict(response.json())


async def emptied(telling: Telling) -> None:
    """Forget what making the shop announced."""
    async with telling.service.db.system() as tx:
        await tx.execute("DELETE FROM announced_event")


def numbers(telling: Telling, path: str = "/hooks") -> list[int]:
    return [int(json.loads(one.body)["data"]["state"]) for one in telling.ear.at(path)]


async def test_an_endpoint_that_is_younger_than_the_events_gets_them_in_order_with_their_ids(
    telling: Telling,
) -> None:
    await emptied(telling)
    for number in range(3):
        await telling.announce(number=number)
    endpoint = await telling.listen()
    status, told = await replay(telling, endpoint)
    assert (status, told["count"], told["is_all"]) == (202, 3, True)
    await telling.work()
    assert numbers(telling) == [0, 1, 2]
    log = (await telling.client.get("/api/v1/event-log", headers=telling.key)).json()["items"]
    assert [one.headers["webhook-id"] for one in telling.ear.heard] == [one["id"] for one in log]
    assert [len(one["deliveries"]) for one in log] == [1, 1, 1]
    assert told["last_event_id"] == log[-1]["id"]


async def test_what_it_had_and_what_failed_is_sent_again_without_a_second_delivery(telling: Telling) -> None:
    await emptied(telling)
    endpoint = await telling.listen()
    telling.ear.answers["/hooks"] = [204, 500]
    for number in range(3):
        await telling.announce(number=number)
    await telling.work()
    assert numbers(telling) == [0, 1]
    telling.ear.heard.clear()
    assert (await replay(telling, endpoint))[1]["count"] == 3
    assert {one["state"] for one in await telling.deliveries(endpoint)} == {"pending"}
    async with telling.service.db.system() as tx:
        await tx.execute("UPDATE outbox SET run_at = now()")
    await telling.work()
    assert numbers(telling) == [1, 2, 0], "what waited goes first, and nothing twice"
    assert [one["state"] for one in await telling.deliveries(endpoint)] == ["delivered"] * 3


async def test_only_what_happened_between_two_times_and_after_a_known_event_is_sent(
    telling: Telling, move_clock: Move
) -> None:
    await emptied(telling)
    times = []
    for number in range(4):
        times.append(clock.rfc3339(move_clock(MINUTE)))
        await telling.announce(number=number)
    endpoint = await telling.listen()
    assert (await replay(telling, endpoint, **{"from": times[1], "to": times[3]}))[1]["count"] == 2
    await telling.work()
    assert numbers(telling) == [1, 2]
    log = (await telling.client.get("/api/v1/event-log", headers=telling.key)).json()["items"]
    telling.ear.heard.clear()
    assert (await replay(telling, endpoint, after=log[2]["id"]))[1]["count"] == 1
    await telling.work()
    assert numbers(telling) == [3]
    none = {"count": 0, "is_all": True, "last_event_id": None}
    assert await replay(telling, endpoint, **{"from": clock.rfc3339(move_clock(MINUTE))}) == (202, none)


async def test_more_than_goes_at_once_is_told_and_goes_on_after_the_last(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replays, "REPLAYED_AT_ONCE", 2)
    await emptied(telling)
    for number in range(3):
        await telling.announce(number=number)
    endpoint = await telling.listen()
    first = (await replay(telling, endpoint))[1]
    second = (await replay(telling, endpoint, after=first["last_event_id"]))[1]
    assert [(one["count"], one["is_all"]) for one in (first, second)] == [(2, False), (1, True)]
    await telling.work()
    assert numbers(telling) == [0, 1, 2]


async def test_only_the_types_that_the_endpoint_asks_for_are_sent(telling: Telling) -> None:
    await emptied(telling)
    await telling.announce(number=0)
    await telling.announce("merchant.reinstated", number=1)
    endpoint = await telling.listen(event_types=["merchant.reinstated"])
    assert (await replay(telling, endpoint))[1]["count"] == 1
    await telling.work()
    assert numbers(telling) == [1]


async def test_a_merchants_endpoint_gets_what_happened_to_the_merchant_alone(telling: Telling) -> None:
    service, world = telling.service, telling.world
    other, _ = await builders.create_merchant(service, world)
    await emptied(telling)
    await telling.announce(number=7)
    admin = world[OURS]["admin"]
    key = await builders.issue_key(service, admin, ["webhooks:write"], merchant_id=other.id)
    endpoint = await telling.listen("/other", key)
    assert (await replay(telling, endpoint, key))[1]["count"] == 0
    theirs = await builders.issue_key(service, world[THEIRS]["admin"], ["webhooks:write"])
    foreign = await telling.listen("/theirs", theirs)
    assert (await replay(telling, foreign, theirs))[1]["count"] == 0
    await telling.work()
    assert telling.ear.heard == []


async def test_only_its_owner_may(telling: Telling) -> None:
    endpoint = await telling.listen()
    theirs = await builders.issue_key(telling.service, telling.world[THEIRS]["admin"], ["webhooks:write"])
    reader = await builders.issue_key(telling.service, telling.world[OURS]["admin"], ["events:read"])
    assert (await replay(telling, endpoint, theirs))[0] == 404
    assert (await replay(telling, endpoint, reader))[0] == 403
    assert (await replay(telling, {"id": str(uuid4())}))[0] == 404


async def test_a_paused_or_removed_one_is_refused(telling: Telling) -> None:
    endpoint = await telling.listen()
    await telling.client.post(f"{ENDPOINTS}/{endpoint['id']}/pause", headers=telling.key)
    status, problem = await replay(telling, endpoint)
    assert (status, problem["code"]) == (409, "endpoint_paused")
    await telling.client.delete(f"{ENDPOINTS}/{endpoint['id']}", headers=telling.key)
    status, problem = await replay(telling, endpoint)
    assert (status, problem["code"]) == (409, "endpoint_removed")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"from": None},
        {"from": "yesterday"},
        {"from": "2026-03-02"},
        {"from": "2026-03-02T00:00:00"},
        {"from": "2026-13-02T00:00:00Z"},
        {"from": "9999-12-31T23:59:59-14:00"},
        {"from": LONG_AGO, "to": ""},
        {"from": LONG_AGO, "to": "tomorrow"},
        {"from": LONG_AGO, "after": "x"},
        {"from": LONG_AGO, "until": LONG_AGO},
        {"from": 0},
        [],
    ],
)
async def test_wrong_times_are_refused_and_nothing_is_sent(telling: Telling, body: Any) -> None:
    endpoint = await telling.listen()
    path = f"{ENDPOINTS}/{endpoint['id']}/replay"
    assert (await telling.client.post(path, json=body, headers=telling.key)).status_code in (400, 422)
    await telling.work()
    assert telling.ear.heard == []


async def test_of_five_replays_at_once_each_event_comes_once(telling: Telling) -> None:
    await emptied(telling)
    for number in range(3):
        await telling.announce(number=number)
    endpoint = await telling.listen()

    async def post() -> Any:
        path = f"{ENDPOINTS}/{endpoint['id']}/replay"
        return await telling.client.post(path, json={"from": LONG_AGO}, headers=telling.key)

    answers = await asyncio.gather(*(patiently(post) for _ in range(5)))
    assert {one.status_code for one in answers} == {202}
    assert len(await telling.deliveries(endpoint)) == 3
    await telling.work()
    assert numbers(telling) == [0, 1, 2]


async def test_it_is_in_the_audit_record(telling: Telling) -> None:
    await emptied(telling)
    await telling.announce()
    endpoint = await telling.listen()
    await replay(telling, endpoint)
    async with telling.service.db.system_reads() as tx:
        row = await tx.fetchrow("SELECT detail FROM audit_entry WHERE action = 'webhook.replayed'")
    assert row is not None
    assert row["detail"] == {"count": 1, "from": "2020-01-01T00:00:00.000Z"}
