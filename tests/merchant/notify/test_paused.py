"""An endpoint that answers 410 Gone is paused at once and says so; what it missed is kept until it is resumed."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from merchant.core import outbox
from tests import builders
from tests.merchant.notify.conftest import ENDPOINTS, OURS, THEIRS, Telling

pytestmark = pytest.mark.anyio
LONG = timedelta(hours=3)  # beyond every pause between two tries


async def shown(telling: Telling, endpoint: dict[str, object]) -> dict[str, object]:
    """The endpoint as it is listed, and as it is read by itself."""
    listed = (await telling.client.get(ENDPOINTS, headers=telling.key)).json()["items"]
    read = (await telling.client.get(f"{ENDPOINTS}/{endpoint['id']}", headers=telling.key)).json()
    assert read in listed
    return dict(read)


async def resume(telling: Telling, endpoint: dict[str, object]) -> int:
    return (await telling.client.post(f"{ENDPOINTS}/{endpoint['id']}/resume", headers=telling.key)).status_code


async def test_a_410_is_asked_once_and_the_endpoint_is_paused(
    telling: Telling, move_clock: Callable[[timedelta], datetime]
) -> None:
    gone, other = await telling.listen("/gone"), await telling.listen("/other")
    telling.ear.answers["/gone"] = [410]
    for number in range(3):
        await telling.announce(number=number)
    for _ in range(5):
        await telling.work()
        move_clock(LONG)
    assert (len(telling.ear.at("/gone")), len(telling.ear.at("/other"))) == (1, 3)
    view = await shown(telling, gone)
    assert (view["enabled"], view["paused"], view["pause_reason"]) == (True, True, "answered_410")
    assert view["paused_at"] is not None
    assert view["undelivered"] == {"retrying": 0, "given_up": 3}
    deliveries = await telling.deliveries(gone)
    assert {one["state"] for one in deliveries} == {"failed"}
    assert sorted((one["attempts"], one["response_status"]) for one in deliveries if one["attempts"]) == [(1, 410)]
    assert (await shown(telling, other))["paused"] is False


async def test_what_it_missed_is_sent_again_once_it_is_resumed(telling: Telling) -> None:
    gone = await telling.listen("/gone")
    telling.ear.answers["/gone"] = [410]
    for number in range(2):
        await telling.announce(number=number)
        await telling.work()
    [missed, _first] = await telling.deliveries(gone)
    path = f"{ENDPOINTS}/{gone['id']}/deliveries/{missed['id']}/resend"
    refused = await telling.client.post(path, headers=telling.key)
    assert (refused.status_code, refused.json()["code"]) == (409, "endpoint_paused")
    assert await resume(telling, gone) == 200
    assert (await telling.client.post(path, headers=telling.key)).status_code == 202
    await telling.announce(number=2)
    await telling.work()
    assert [(await shown(telling, gone))[name] for name in ("paused", "paused_at", "pause_reason")] == [
        False,
        None,
        None,
    ]
    assert len(telling.ear.at("/gone")) == 3
    assert {one["state"] for one in (await telling.deliveries(gone))[:2]} == {"delivered"}


async def test_other_refusals_pause_nothing_and_are_counted_until_they_are_given_up(
    telling: Telling, move_clock: Callable[[timedelta], datetime]
) -> None:
    endpoint = await telling.listen("/down")
    telling.ear.answers["/down"] = [404] * outbox.MAX_ATTEMPTS
    await telling.announce()
    await telling.work()
    view = await shown(telling, endpoint)
    assert (view["paused"], view["undelivered"]) == (False, {"retrying": 1, "given_up": 0})
    for _ in range(outbox.MAX_ATTEMPTS):
        move_clock(LONG)
        await telling.work()
    assert (await shown(telling, endpoint))["undelivered"] == {"retrying": 0, "given_up": 1}


async def test_only_its_owner_resumes_it_and_a_removed_one_stays_removed(telling: Telling) -> None:
    endpoint = await telling.listen("/gone")
    theirs = await builders.issue_key(telling.service, telling.world[THEIRS]["admin"], ["webhooks:write"])
    path = f"{ENDPOINTS}/{endpoint['id']}"
    assert (await telling.client.post(f"{path}/resume", headers=theirs)).status_code == 404
    reader = await builders.issue_key(telling.service, telling.world[OURS]["admin"], ["events:read"])
    assert (await telling.client.post(f"{path}/resume", headers=reader)).status_code == 403
    assert await resume(telling, endpoint) == 200  # it was not paused: nothing to do
    await telling.client.delete(path, headers=telling.key)
    assert await resume(telling, endpoint) == 409
