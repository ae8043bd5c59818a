"""The log of events: all that was announced, with what became of it, and nothing of anyone else."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from merchant.core import clock, ids
from merchant.notify import events
from tests import builders
from tests.merchant.notify.conftest import OURS, THEIRS, Telling

pytestmark = pytest.mark.anyio
LOG = "/api/v1/event-log"


async def read(telling: Telling, who: dict[str, str] | None = None, **query: Any) -> list[dict[str, Any]]:
    response = await telling.client.get(LOG, params=query, headers=who or telling.key)
    assert response.status_code == 200, response.text
    return list(response.json()["items"])


async def emptied(telling: Telling) -> None:
    """Forget what making the shop announced."""
    async with telling.service.db.system() as tx:
        await tx.execute("DELETE FROM announced_event")


async def test_an_event_is_logged_though_nobody_listens(telling: Telling) -> None:
    await emptied(telling)
    await telling.announce(number=7)
    [logged] = await read(telling)
    assert logged.pop("created_at").endswith("Z")
    assert logged == {
        "id": logged["id"],
        "type": "merchant.suspended",
        "merchant_id": str(telling.merchant.id),
        "merchant_name": telling.merchant.trading_name,
        "data": {
            "merchant_id": str(telling.merchant.id),
            "dfsp_id": str(telling.merchant.dfsp_id),
            "state": "7",
        },
        "deliveries": [],
    }


async def test_each_event_tells_what_became_of_it_everywhere(telling: Telling) -> None:
    await emptied(telling)
    endpoints = [await telling.listen(path) for path in ("/a", "/b")]
    telling.ear.answers["/b"] = [500]
    await telling.announce()
    await telling.work()
    [logged] = await read(telling)
    listed = [(await telling.deliveries(endpoint))[0] for endpoint in endpoints]
    assert {one["event_id"] for one in listed} == {logged["id"]}
    fields = ("id", "state", "attempts", "response_status", "delivered_at")
    assert sorted(logged["deliveries"], key=lambda one: str(one["endpoint_id"])) == sorted(
        (
            {"endpoint_id": endpoint["id"]} | {name: delivery[name] for name in fields}
            for endpoint, delivery in zip(endpoints, listed, strict=True)
        ),
        key=lambda one: str(one["endpoint_id"]),
    )
    assert {one["state"] for one in logged["deliveries"]} == {"delivered", "failed"}


async def test_whoever_was_away_goes_on_after_the_last_event_they_know(telling: Telling) -> None:
    await emptied(telling)
    for number in range(5):
        await telling.announce(number=number)
    first, second, *_ = await read(telling)
    assert [one["data"]["state"] for one in await read(telling, after=second["id"])] == ["2", "3", "4"]
    seen: list[dict[str, Any]] = []
    query: dict[str, Any] = {"limit": 2, "after": first["id"]}
    while True:
        page = (await telling.client.get(LOG, params=query, headers=telling.key)).json()
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert [one["data"]["state"] for one in seen] == ["1", "2", "3", "4"]
    assert await read(telling, after=seen[-1]["id"]) == []


async def test_it_is_narrowed_by_type_and_time(telling: Telling, move_clock: Callable[[timedelta], datetime]) -> None:
    await emptied(telling)
    start = move_clock(timedelta())
    await telling.announce()
    later = move_clock(timedelta(minutes=5))
    await telling.announce("merchant.reinstated")
    at = {"from": clock.rfc3339(later)}, {"to": clock.rfc3339(later)}, {"type": "merchant.reinstated"}
    found = [[one["type"] for one in await read(telling, **query)] for query in at]
    assert found == [["merchant.reinstated"], ["merchant.suspended"], ["merchant.reinstated"]]
    assert await read(telling, to=clock.rfc3339(start)) == []


@pytest.mark.parametrize(
    "query", [{"after": "x"}, {"from": "yesterday"}, {"type": "merchant.dissolved"}, {"limit": 101}, {"who": "x"}]
)
async def test_wrong_filters_are_refused(telling: Telling, query: dict[str, str]) -> None:
    assert (await telling.client.get(LOG, params=query, headers=telling.key)).status_code == 400


async def test_a_file_holds_the_whole_log(telling: Telling) -> None:
    await emptied(telling)
    for number in range(3):
        await telling.announce(number=number)
    response: httpx.Response = await telling.client.get(f"{LOG}?format=csv", headers=telling.key)
    assert response.status_code == 200
    assert len(response.text.strip().splitlines()) == 4


async def test_nobody_reads_what_happened_elsewhere(telling: Telling) -> None:
    await emptied(telling)
    service, world = telling.service, telling.world
    other, _ = await builders.create_merchant(service, world)
    await emptied(telling)
    await telling.listen("/dfsp")
    await telling.announce()
    keys = {
        merchant.id: await builders.issue_key(
            service, world[OURS]["admin"], ["webhooks:write"], merchant_id=merchant.id
        )
        for merchant in (telling.merchant, other)
    }
    [own] = await read(telling, keys[telling.merchant.id])
    assert own["deliveries"] == []  # the endpoint is the DFSP's
    assert await read(telling, keys[other.id]) == []
    [known] = await read(telling)
    assert len(known["deliveries"]) == 1
    theirs = await builders.issue_key(service, world[THEIRS]["admin"], ["webhooks:write"])
    assert await read(telling, theirs) == []
    assert await read(telling, theirs, after=ids.uuid7()) == []
    reader = await builders.issue_key(service, world[OURS]["admin"], ["events:read"])
    assert (await telling.client.get(LOG, headers=reader)).status_code == 403


async def test_one_event_is_read_by_whoever_may_see_it_in_the_log(telling: Telling) -> None:
    await emptied(telling)
    await telling.listen("/dfsp")
    await telling.announce(number=7)
    [logged] = await read(telling)
    path = f"{LOG}/{logged['id']}"
    one = await telling.client.get(path, headers=telling.key)
    assert (one.status_code, one.json()) == (200, logged)
    service, world = telling.service, telling.world
    admin = world[OURS]["admin"]
    of_merchant = await builders.issue_key(service, admin, ["webhooks:write"], merchant_id=telling.merchant.id)
    own = (await telling.client.get(path, headers=of_merchant)).json()
    assert (own["id"], own["deliveries"]) == (logged["id"], []), "the endpoint is the DFSP's"
    other, _ = await builders.create_merchant(service, world)
    of_other = await builders.issue_key(service, admin, ["webhooks:write"], merchant_id=other.id)
    theirs = await builders.issue_key(service, world[THEIRS]["admin"], ["webhooks:write"])
    reader = await builders.issue_key(service, admin, ["events:read"])
    for who, status in ((of_other, 404), (theirs, 404), (reader, 403)):
        assert (await telling.client.get(path, headers=who)).status_code == status
    assert (await telling.client.get(f"{LOG}/{ids.uuid7()}", headers=telling.key)).status_code == 404
    assert (await telling.client.get(f"{LOG}/nonsense", headers=telling.key)).status_code == 404


async def test_a_test_is_no_event(telling: Telling) -> None:
    await emptied(telling)
    endpoint = await telling.listen()
    await telling.client.post(f"/api/v1/webhook-endpoints/{endpoint['id']}/test", headers=telling.key)
    assert await read(telling) == []


async def test_what_was_rolled_back_is_not_logged_and_what_is_old_is_forgotten(
    telling: Telling, move_clock: Callable[[timedelta], datetime]
) -> None:
    await emptied(telling)
    move_clock(timedelta())
    data = builders.suspended(telling.merchant.id)
    with pytest.raises(ZeroDivisionError):
        async with telling.service.db.tenant(telling.merchant.dfsp_id) as tx:
            await events.announce(tx, "merchant.suspended", telling.merchant.dfsp_id, telling.merchant.id, data)
            raise ZeroDivisionError
    assert await read(telling) == []
    await telling.announce()
    for wait, forgotten in ((events.KEPT - timedelta(hours=1), 0), (timedelta(hours=2), 1)):
        move_clock(wait)
        async with telling.service.db.system() as tx:
            assert await events.prune(tx, 10) == forgotten
