"""What an endpoint's owner does with it: tries it, pauses it, gives it a new secret; and one address stands once."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from merchant import __version__
from merchant.core import clock
from merchant.notify import endpoints, webhook
from tests import builders
from tests.apps import patiently
from tests.merchant.notify.conftest import ENDPOINTS, OURS, THEIRS, Heard, Telling

pytestmark = pytest.mark.anyio


async def do(telling: Telling, endpoint: dict[str, Any], what: str, who: dict[str, str] | None = None) -> Any:
    return await telling.client.post(f"{ENDPOINTS}/{endpoint['id']}/{what}", headers=who or telling.key)


async def shown(telling: Telling, endpoint: dict[str, Any]) -> dict[str, Any]:
    listed = (await telling.client.get(ENDPOINTS, headers=telling.key)).json()["items"]
    return next(dict(one) for one in listed if one["id"] == endpoint["id"])


def signatures(heard: Heard, *secrets: str) -> list[str]:
    at_s = int(heard.headers["webhook-timestamp"])
    return [webhook.signature(secret, heard.headers["webhook-id"], at_s, heard.body) for secret in secrets]


@pytest.mark.parametrize("what", ["test", "rotate", "pause"])
async def test_only_its_owner_may(telling: Telling, what: str) -> None:
    endpoint = await telling.listen()
    theirs = await builders.issue_key(telling.service, telling.world[THEIRS]["admin"], ["webhooks:write"])
    reader = await builders.issue_key(telling.service, telling.world[OURS]["admin"], ["events:read"])
    scopes = ["webhooks:write"]
    other, _ = await builders.create_merchant(telling.service, telling.world)
    place = {"merchant_id": other.id}
    neighbour = await builders.issue_key(telling.service, telling.world[OURS]["admin"], scopes, **place)
    assert (await do(telling, endpoint, what, theirs)).status_code == 404
    assert (await do(telling, endpoint, what, neighbour)).status_code == 404
    assert (await do(telling, endpoint, what, reader)).status_code == 403
    await telling.client.delete(f"{ENDPOINTS}/{endpoint['id']}", headers=telling.key)
    removed = await do(telling, endpoint, what)
    assert (removed.status_code, removed.json()["code"]) == (409, "endpoint_removed")


class TestTrying:
    async def test_a_test_arrives_signed_whatever_types_were_asked_for(self, telling: Telling) -> None:
        endpoint = await telling.listen(event_types=["payment.received"])
        sent = await do(telling, endpoint, "test")
        assert (sent.status_code, sent.json()["state"]) == (202, "pending")
        await telling.work()
        [heard] = telling.ear.heard
        body = json.loads(heard.body)
        assert (body["type"], body["data"]) == (
            "test.ping",
            {"endpoint_id": endpoint["id"], "dfsp_id": str(telling.merchant.dfsp_id)},
        )
        assert body["id"] == heard.headers["webhook-id"]
        assert heard.headers["webhook-signature"] == signatures(heard, endpoint["secret"])[0]
        [delivery] = await telling.deliveries(endpoint)
        assert (delivery["id"], delivery["event_type"]) == (sent.json()["id"], "test.ping")
        assert (delivery["state"], delivery["response_status"]) == ("delivered", 204)

    async def test_only_the_endpoint_that_is_tried_hears_it(self, telling: Telling) -> None:
        endpoint, _other = await telling.listen("/a"), await telling.listen("/b")
        await do(telling, endpoint, "test")
        await telling.work()
        assert [heard.path for heard in telling.ear.heard] == ["/a"]

    async def test_a_test_that_fails_is_tried_once_and_no_alarm(
        self, telling: Telling, move_clock: Callable[[timedelta], datetime]
    ) -> None:
        endpoint = await telling.listen()
        telling.ear.answers["/hooks"] = [500, 500]
        await do(telling, endpoint, "test")
        for _ in range(3):
            await telling.work()
            move_clock(timedelta(hours=3))
        assert len(telling.ear.heard) == 1
        [delivery] = await telling.deliveries(endpoint)
        assert (delivery["state"], delivery["attempts"], delivery["response_status"]) == ("failed", 1, 500)
        assert (await shown(telling, endpoint))["undelivered"] == {"retrying": 0, "given_up": 0}

    async def test_a_test_does_not_wait_behind_what_is_retried(self, telling: Telling) -> None:
        endpoint = await telling.listen()
        telling.ear.answers["/hooks"] = [500]
        await telling.announce()
        await telling.work()
        await do(telling, endpoint, "test")
        await telling.work()
        assert [json.loads(heard.body)["type"] for heard in telling.ear.heard] == ["merchant.suspended", "test.ping"]

    async def test_a_paused_endpoint_is_not_tried(self, telling: Telling) -> None:
        endpoint = await telling.listen()
        await do(telling, endpoint, "pause")
        refused = await do(telling, endpoint, "test")
        assert (refused.status_code, refused.json()["code"]) == (409, "endpoint_paused")

    async def test_nobody_makes_us_knock_without_end(self, telling: Telling) -> None:
        endpoint, other = await telling.listen("/a"), await telling.listen("/b")
        answers = [(await do(telling, endpoint, "test")).status_code for _ in range(11)]
        assert answers == [202] * 10 + [429]
        assert (await do(telling, other, "test")).status_code == 202


class TestPausing:
    async def test_a_paused_endpoint_hears_nothing_until_it_is_resumed(self, telling: Telling) -> None:
        endpoint = await telling.listen()
        paused = await do(telling, endpoint, "pause")
        assert paused.status_code == 200
        assert (paused.json()["paused"], paused.json()["pause_reason"]) == (True, "asked")
        await telling.announce()
        await telling.work()
        assert telling.ear.heard == []
        [missed] = await telling.deliveries(endpoint)
        assert missed["state"] == "failed"
        assert (await do(telling, endpoint, "resume")).json()["paused"] is False
        await do(telling, endpoint, f"deliveries/{missed['id']}/resend")
        await telling.work()
        assert len(telling.ear.heard) == 1

    async def test_pausing_what_is_paused_keeps_why_it_was(self, telling: Telling) -> None:
        endpoint = await telling.listen()
        telling.ear.answers["/hooks"] = [410]
        await telling.announce()
        await telling.work()
        again = (await do(telling, endpoint, "pause")).json()
        assert again["pause_reason"] == "answered_410"


class TestRotating:
    async def test_for_a_day_both_secrets_sign_and_then_the_new_one_alone(
        self, telling: Telling, move_clock: Callable[[timedelta], datetime]
    ) -> None:
        endpoint = await telling.listen()
        now = move_clock(timedelta())
        rotated = (await do(telling, endpoint, "rotate")).json()
        old, new = endpoint["secret"], rotated["secret"]
        assert new.startswith("whsec_") and new != old
        assert rotated["old_secret_until"] == clock.rfc3339(now + endpoints.SECRET_OVERLAP)
        assert (await shown(telling, endpoint))["secret"] is None
        for wait, secrets in ((timedelta(hours=23), (new, old)), (timedelta(hours=1), (new,))):
            move_clock(wait)
            await telling.announce()
            await telling.work()
            heard = telling.ear.heard[-1]
            assert heard.headers["webhook-signature"].split(" ") == signatures(heard, *secrets)

    async def test_of_three_secrets_the_first_signs_no_more(self, telling: Telling) -> None:
        endpoint = await telling.listen()
        second, third = [(await do(telling, endpoint, "rotate")).json()["secret"] for _ in range(2)]
        await telling.announce()
        await telling.work()
        [heard] = telling.ear.heard
        assert heard.headers["webhook-signature"].split(" ") == signatures(heard, third, second)

    async def test_a_secret_that_signs_no_more_is_forgotten(
        self, telling: Telling, move_clock: Callable[[timedelta], datetime]
    ) -> None:
        endpoint = await telling.listen()
        move_clock(timedelta())
        await do(telling, endpoint, "rotate")
        for wait, forgotten in ((timedelta(hours=23), 0), (timedelta(hours=2), 1), (timedelta(), 0)):
            move_clock(wait)
            async with telling.service.db.system() as tx:
                assert await endpoints.forget_old_secrets(tx, 10) == forgotten
        async with telling.service.db.system_reads() as tx:
            kept = await tx.fetchval("SELECT count(*) FROM webhook_endpoint WHERE old_secret_sealed IS NOT NULL")
        assert kept == 0

    async def test_neither_secret_is_to_be_read_in_the_database(self, telling: Telling) -> None:
        endpoint = await telling.listen()
        new = (await do(telling, endpoint, "rotate")).json()["secret"]
        async with telling.service.db.system_reads() as tx:
            row = await tx.fetchrow("SELECT * FROM webhook_endpoint")
        assert row is not None
        assert not [one for one in row.values() if new in str(one) or endpoint["secret"] in str(one)]


class TestAddresses:
    async def test_the_same_address_twice_is_refused_however_it_is_written(self, telling: Telling) -> None:
        await telling.listen("/hooks")
        for url in ("{url}/hooks", "{url}/./hooks", "{url}/%68ooks"):
            body = {"url": url.format(url=telling.ear.url)}
            again = await telling.client.post(ENDPOINTS, json=body, headers=telling.key)
            assert (again.status_code, again.json()["code"]) == (409, "endpoint_exists"), url
        await telling.listen("/hooks?shop=1")

    async def test_once_it_is_removed_the_address_is_free_and_a_merchants_is_its_own(self, telling: Telling) -> None:
        endpoint = await telling.listen()
        place = {"merchant_id": telling.merchant.id}
        admin = telling.world[OURS]["admin"]
        merchants = await builders.issue_key(telling.service, admin, ["webhooks:write"], **place)
        await telling.listen(who=merchants)
        await telling.client.delete(f"{ENDPOINTS}/{endpoint['id']}", headers=telling.key)
        await telling.listen()

    async def test_of_ten_at_once_one_is_made(self, telling: Telling) -> None:
        body = {"url": f"{telling.ear.url}/hooks"}
        post = partial(telling.client.post, ENDPOINTS, json=body, headers=telling.key)
        answers = await asyncio.gather(*(patiently(post) for _ in range(10)))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 9}


async def test_whoever_is_called_is_told_by_which_product(telling: Telling) -> None:
    await telling.listen()
    await telling.announce()
    await telling.work()
    [heard] = telling.ear.heard
    assert heard.headers["user-agent"] == f"merchant/{__version__} (webhooks)"
