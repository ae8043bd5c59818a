"""An endpoint that takes nothing for days is paused with a reason; what it missed is kept, and one call sends it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from merchant.core import clock
from merchant.notify.webhook import PAUSED_AFTER, PAUSED_AFTER_ATTEMPTS
from tests import builders
from tests.merchant.notify.conftest import ENDPOINTS, OURS, Telling, hang_up

pytestmark = [pytest.mark.anyio, pytest.mark.database]
Move = Callable[[timedelta], datetime]
AN_HOUR = timedelta(hours=1, minutes=30)  # beyond the longest pause between two tries


async def shown(telling: Telling, endpoint: dict[str, Any]) -> dict[str, Any]:
    response = await telling.client.get(f"{ENDPOINTS}/{endpoint['id']}", headers=telling.key)
    return dict(response.json())


async def press(telling: Telling, endpoint: dict[str, Any], what: str) -> dict[str, Any]:
    response = await telling.client.post(f"{ENDPOINTS}/{endpoint['id']}/{what}", headers=telling.key)
    assert response.status_code in (200, 202), response.text
    return dict(response.json())


async def fail_on(telling: Telling, move_clock: Move, rounds: int = PAUSED_AFTER_ATTEMPTS) -> None:
    """Some tries, each of which fails."""
    telling.ear.answers["/down"] = [500] * 1000
    for _ in range(rounds):
        await telling.work()
        move_clock(AN_HOUR)


async def notices(telling: Telling) -> list[str]:
    async with telling.service.db.system_reads() as tx:
        rows = await tx.fetch("SELECT text FROM email_message WHERE kind = 'webhook_paused' ORDER BY id")
        return [str(row["text"]) for row in rows]


async def test_days_without_one_delivery_pause_it_and_say_why(telling: Telling, move_clock: Move) -> None:
    admin = telling.world[OURS]["admin"]
    async with telling.service.db.system() as tx:
        chosen = "INSERT INTO notification_choice (id, dfsp_id, user_id, sms_kinds, email_kinds, changed_at)"
        place = (telling.merchant.dfsp_id, admin.actor.id, clock.now())
        await tx.execute(f"{chosen} VALUES (gen_random_uuid(), $1, $2, '{{}}', '{{webhook_paused}}', $3)", *place)
    endpoint, other = await telling.listen("/down"), await telling.listen("/other")
    began = move_clock(timedelta())
    await telling.announce()
    await fail_on(telling, move_clock)
    view = await shown(telling, endpoint)
    assert (view["paused"], view["failing_since"]) == (False, clock.rfc3339(began))
    move_clock(PAUSED_AFTER)
    await fail_on(telling, move_clock)
    view = await shown(telling, endpoint)
    assert (view["enabled"], view["paused"], view["pause_reason"]) == (True, True, "failing")
    assert view["failing_since"] == clock.rfc3339(began)
    assert (await shown(telling, other))["paused"] is False
    tried = len(telling.ear.at("/down"))
    await telling.announce(number=1)
    await fail_on(telling, move_clock)
    assert len(telling.ear.at("/down")) == tried, "nothing is sent while it is paused"
    [told] = await notices(telling)
    assert "has taken nothing for days" in told


async def test_what_it_missed_is_sent_once_it_is_resumed_and_its_days_count_anew(
    telling: Telling, move_clock: Move
) -> None:
    endpoint = await telling.listen("/down")
    await telling.announce()
    await fail_on(telling, move_clock)
    move_clock(PAUSED_AFTER)
    await fail_on(telling, move_clock)
    await telling.announce(number=1)
    await telling.work()
    resumed = await press(telling, endpoint, "resume")
    assert (resumed["paused"], resumed["pause_reason"], resumed["failing_since"]) == (False, None, None)
    assert (await press(telling, endpoint, "resend-failed"))["count"] == 2
    await fail_on(telling, move_clock)
    assert (await shown(telling, endpoint))["paused"] is False
    telling.ear.answers["/down"] = []
    await telling.work()
    move_clock(AN_HOUR)
    await telling.work()
    assert {one["state"] for one in await telling.deliveries(endpoint)} == {"delivered"}
    assert (await shown(telling, endpoint))["failing_since"] is None


async def test_one_delivery_in_between_and_its_days_count_anew(telling: Telling, move_clock: Move) -> None:
    endpoint = await telling.listen("/down")
    await telling.announce()
    await fail_on(telling, move_clock)
    move_clock(PAUSED_AFTER)
    telling.ear.answers["/down"] = []
    await telling.work()
    assert (await shown(telling, endpoint))["failing_since"] is None
    await telling.announce(number=1)
    await fail_on(telling, move_clock)
    view = await shown(telling, endpoint)
    assert (view["paused"], view["failing_since"] is not None) == (False, True)


async def test_one_hiccup_after_days_of_silence_pauses_nothing(telling: Telling, move_clock: Move) -> None:
    endpoint = await telling.listen("/down")
    telling.ear.answers["/down"] = [hang_up]
    await telling.announce()
    await telling.work()
    async with telling.service.db.system() as tx:
        await tx.execute("DELETE FROM outbox")
    move_clock(PAUSED_AFTER * 2)
    telling.ear.answers["/down"] = [hang_up]
    await telling.announce(number=1)
    await telling.work()
    assert (await shown(telling, endpoint))["paused"] is False
    move_clock(AN_HOUR)
    await telling.work()
    view = await shown(telling, endpoint)
    assert (view["paused"], view["failing_since"]) == (False, None)


async def test_a_test_that_fails_begins_no_days_and_one_that_arrives_ends_them(
    telling: Telling, move_clock: Move
) -> None:
    endpoint = await telling.listen("/down")
    telling.ear.answers["/down"] = [500, 500]
    await press(telling, endpoint, "test")
    await telling.work()
    assert (await shown(telling, endpoint))["failing_since"] is None
    await telling.announce()
    await telling.work()
    assert (await shown(telling, endpoint))["failing_since"] is not None
    await press(telling, endpoint, "test")
    await telling.work()
    assert (await shown(telling, endpoint))["failing_since"] is None


async def test_a_merchants_own_is_paused_too_and_nobody_of_the_dfsp_is_written_to(
    telling: Telling, move_clock: Move
) -> None:
    admin = telling.world[OURS]["admin"]
    place = {"merchant_id": telling.merchant.id}
    own = await builders.issue_key(telling.service, admin, ["webhooks:write"], **place)
    endpoint = await telling.listen("/down", own)
    await telling.announce()
    await fail_on(telling, move_clock)
    move_clock(PAUSED_AFTER)
    await fail_on(telling, move_clock)
    assert (await shown(telling, endpoint))["pause_reason"] == "failing"
    assert await notices(telling) == []
