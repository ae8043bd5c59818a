"""Everything that failed at an endpoint, sent again by one call: what it missed while it was paused, oldest first."""

import pytest

from merchant.notify import endpoints
from tests import builders
from tests.merchant.notify.conftest import ENDPOINTS, OURS, THEIRS, Telling

pytestmark = pytest.mark.anyio


async def do(
    telling: Telling, endpoint: dict[str, object], what: str, who: dict[str, str] | None = None
) -> tuple[int, dict[str, object]]:
    response = await telling.client.post(f"{ENDPOINTS}/{endpoint['id']}/{what}", headers=who or telling.key)
    return response.status_code, dict(response.json())


async def missing(telling: Telling, path: str = "/hooks", count: int = 3) -> dict[str, object]:
    """An endpoint that was paused while some events happened, and is resumed."""
    endpoint = await telling.listen(path)
    await do(telling, endpoint, "pause")
    for number in range(count):
        await telling.announce(number=number)
    await telling.work()
    assert telling.ear.at(path) == []
    await do(telling, endpoint, "resume")
    return endpoint


async def test_what_it_missed_while_it_was_paused_comes_oldest_first_with_its_ids(telling: Telling) -> None:
    endpoint = await missing(telling)
    ids = [one["event_id"] for one in reversed(await telling.deliveries(endpoint))]
    assert await do(telling, endpoint, "resend-failed") == (202, {"count": 3, "is_all": True})
    assert {one["state"] for one in await telling.deliveries(endpoint)} == {"pending"}
    await telling.work()
    heard = telling.ear.at("/hooks")
    assert [one.headers["webhook-id"] for one in heard] == ids
    assert {one["state"] for one in await telling.deliveries(endpoint)} == {"delivered"}
    assert await do(telling, endpoint, "resend-failed") == (202, {"count": 0, "is_all": True})


async def test_more_than_goes_at_once_is_told_and_goes_the_next_time(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoints, "RESENT_AT_ONCE", 2)
    endpoint = await missing(telling)
    assert await do(telling, endpoint, "resend-failed") == (202, {"count": 2, "is_all": False})
    assert await do(telling, endpoint, "resend-failed") == (202, {"count": 1, "is_all": True})
    await telling.work()
    assert len(telling.ear.at("/hooks")) == 3


async def test_one_that_is_still_tried_comes_once(telling: Telling) -> None:
    endpoint = await telling.listen()
    telling.ear.answers["/hooks"] = [500]
    await telling.announce()
    await telling.work()
    assert (await do(telling, endpoint, "resend-failed"))[1]["count"] == 1
    async with telling.service.db.system() as tx:
        await tx.execute("UPDATE outbox SET run_at = now()")
    await telling.work()
    assert len(telling.ear.at("/hooks")) == 2, "the one that failed, and the one that arrived"


async def test_tests_old_ones_and_those_of_other_endpoints_stay_where_they_are(telling: Telling) -> None:
    other, endpoint = await missing(telling, "/other", 1), await telling.listen()
    telling.ear.answers["/hooks"] = [500]
    await do(telling, endpoint, "test")
    await telling.work()
    assert (await do(telling, endpoint, "resend-failed"))[1]["count"] == 0
    async with telling.service.db.system() as tx:
        await tx.execute("UPDATE webhook_delivery SET created_at = created_at - interval '31 days'")
    assert (await do(telling, other, "resend-failed"))[1]["count"] == 0


async def test_a_paused_or_removed_one_and_a_strangers_are_refused(telling: Telling) -> None:
    endpoint = await missing(telling)
    theirs = await builders.issue_key(telling.service, telling.world[THEIRS]["admin"], ["webhooks:write"])
    reader = await builders.issue_key(telling.service, telling.world[OURS]["admin"], ["events:read"])
    assert (await do(telling, endpoint, "resend-failed", theirs))[0] == 404
    assert (await do(telling, endpoint, "resend-failed", reader))[0] == 403
    await do(telling, endpoint, "pause")
    status, problem = await do(telling, endpoint, "resend-failed")
    assert (status, problem["code"]) == (409, "endpoint_paused")
    await telling.client.delete(f"{ENDPOINTS}/{endpoint['id']}", headers=telling.key)
    status, problem = await do(telling, endpoint, "resend-failed")
    assert (status, problem["code"]) == (409, "endpoint_removed")
