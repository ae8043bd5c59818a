"""Webhook endpoints over the API: who may have them, what they hear, what is listed, what is sent again."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from merchant.core import ids
from merchant.notify import events
from merchant.notify.endpoints import MAX_ENDPOINTS
from tests import builders
from tests.apps import patiently
from tests.merchant.notify.conftest import ENDPOINTS, OURS, THEIRS, Telling

pytestmark = pytest.mark.anyio


async def merchant_key(telling: Telling, merchant_id: UUID) -> dict[str, str]:
    """The credentials of one merchant."""
    admin = telling.world[OURS]["admin"]
    return await builders.issue_key(telling.service, admin, ["webhooks:write"], merchant_id=merchant_id)


async def listed(telling: Telling, who: dict[str, str]) -> list[dict[str, Any]]:
    response = await telling.client.get(ENDPOINTS, headers=who)
    assert response.status_code == 200, response.text
    return list(response.json()["items"])


# --- made, listed, removed -------------------------------------------------------------------------------------------


async def test_the_secret_is_shown_when_the_endpoint_is_made_and_never_again(telling: Telling) -> None:
    made = await telling.listen(event_types=["payment.received"])
    assert made["secret"].startswith("whsec_")
    [seen] = await listed(telling, telling.key)
    assert seen == made | {"secret": None}
    shown = {"id", "url", "event_types", "enabled", "created_at", "paused", "paused_at", "pause_reason", "undelivered"}
    assert set(made) == shown | {"secret", "old_secret_until", "failing_since"}


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://shop.example/hooks"},
        {"url": "https://10.0.0.1/hooks"},
        {"url": "https://shop.example/" + "x" * 500},
        {"url": "https://"},
        {"url": "https://shop.example/hooks", "event_types": ["payment_request.payed"]},
        {"url": "https://shop.example/hooks", "event_types": ["payment.received"] * 51},
        {"url": "https://shop.example/hooks", "event_types": "payment.received"},
        {"url": "https://shop.example/hooks", "secret": "whsec_mine"},
        {"event_types": []},
    ],
)
async def test_a_wrong_endpoint_is_refused_by_field_and_nothing_is_kept(telling: Telling, body: Any) -> None:
    response = await telling.client.post(ENDPOINTS, json=body, headers=telling.key)
    assert (response.status_code, response.headers["content-type"]) == (422, "application/problem+json")
    assert response.json()["errors"]
    assert await listed(telling, telling.key) == []


async def test_there_is_a_limit_to_endpoints_and_removing_one_makes_room(telling: Telling) -> None:
    made = [await telling.listen(f"/{number}") for number in range(MAX_ENDPOINTS)]
    full = await telling.client.post(ENDPOINTS, json={"url": telling.ear.url + "/one-more"}, headers=telling.key)
    assert (full.status_code, full.json()["code"]) == (409, "too_many_endpoints")
    await telling.client.delete(f"{ENDPOINTS}/{made[0]['id']}", headers=telling.key)
    await telling.listen("/one-more")


async def test_forty_made_at_once_are_no_more_than_the_limit(telling: Telling) -> None:
    urls = [{"url": f"{telling.ear.url}/{number}"} for number in range(40)]
    answers = await asyncio.gather(
        *(patiently(partial(telling.client.post, ENDPOINTS, json=url, headers=telling.key)) for url in urls)
    )
    assert Counter(answer.status_code for answer in answers) == {201: MAX_ENDPOINTS, 409: 40 - MAX_ENDPOINTS}
    assert len(await listed(telling, telling.key)) == MAX_ENDPOINTS


async def test_the_endpoints_of_merchants_take_no_room_from_their_dfsp(telling: Telling) -> None:
    key = await merchant_key(telling, telling.merchant.id)
    for number in range(MAX_ENDPOINTS):
        await telling.listen(f"/{number}", who=key)
    await telling.listen()
    listed = await telling.client.get(ENDPOINTS, headers=telling.key)
    assert len(listed.json()["items"]) == MAX_ENDPOINTS + 1


async def test_a_removed_endpoint_gets_nothing_more_and_keeps_its_list(
    telling: Telling, later: Callable[[timedelta], None]
) -> None:
    endpoint = await telling.listen()
    telling.ear.answers["/hooks"] = [500]
    await telling.announce(number=1)
    await telling.work()
    removed = await telling.client.delete(f"{ENDPOINTS}/{endpoint['id']}", headers=telling.key)
    assert (removed.status_code, removed.content) == (204, b"")
    later(timedelta(hours=2))
    await telling.announce(number=2)
    await telling.work()
    assert len(telling.ear.heard) == 1
    assert len(await telling.deliveries(endpoint)) == 1
    assert [seen["enabled"] for seen in await listed(telling, telling.key)] == [False]


# --- what an endpoint hears ------------------------------------------------------------------------------------------


async def test_an_endpoint_hears_only_the_types_it_asked_for_and_all_when_it_asked_for_none(telling: Telling) -> None:
    await telling.listen("/all")
    await telling.listen("/some", event_types=["merchant.reinstated", "payment.received"])
    for event_type in ("merchant.suspended", "merchant.reinstated"):
        await telling.announce(event_type)
    await telling.work()
    assert types_at(telling, "/all") == ["merchant.suspended", "merchant.reinstated"]
    assert types_at(telling, "/some") == ["merchant.reinstated"]


def types_at(telling: Telling, path: str) -> list[str]:
    return [json.loads(heard.body)["type"] for heard in telling.ear.at(path)]


async def test_a_merchants_endpoint_hears_of_that_merchant_only_and_the_dfsps_of_all(telling: Telling) -> None:
    other, _ = await builders.create_merchant(telling.service, telling.world)
    foreign, _ = await builders.create_merchant(telling.service, telling.world, THEIRS)
    await telling.listen("/dfsp")
    await telling.listen("/foreign-dfsp", who=telling.world[THEIRS]["admin"].headers)
    for merchant, path in ((telling.merchant, "/own"), (other, "/other")):
        await telling.listen(path, who=await merchant_key(telling, merchant.id))
    for merchant in (telling.merchant, other, foreign):
        async with telling.service.db.tenant(merchant.dfsp_id) as tx:
            about = builders.suspended(merchant.id)
            await events.announce(tx, "merchant.suspended", merchant.dfsp_id, merchant.id, about)
    async with telling.service.db.tenant(telling.merchant.dfsp_id) as tx:
        about = {"application_id": ids.uuid7(), "version": 1}
        await events.announce(tx, "application.submitted", telling.merchant.dfsp_id, None, about)
    await telling.work()
    heard = {
        path: [json.loads(one.body)["data"]["merchant_id"] for one in telling.ear.at(path)]
        for path in ("/dfsp", "/foreign-dfsp", "/own", "/other")
    }
    ours, others = str(telling.merchant.id), str(other.id)
    assert heard == {
        "/dfsp": [ours, others, None],
        "/foreign-dfsp": [str(foreign.id)],
        "/own": [ours],
        "/other": [others],
    }


# --- the list of deliveries, and sending again -----------------------------------------------------------------------


async def test_a_delivery_is_listed_with_what_came_of_it_newest_first(telling: Telling) -> None:
    endpoint = await telling.listen()
    await telling.announce("merchant.suspended")
    await telling.announce("merchant.reinstated")
    waiting = await telling.deliveries(endpoint)
    assert [(one["event_type"], one["state"], one["attempts"]) for one in waiting] == [
        ("merchant.reinstated", "pending", 0),
        ("merchant.suspended", "pending", 0),
    ]
    await telling.work()
    newest = (await telling.deliveries(endpoint))[0]
    assert newest["event_id"] == telling.ear.heard[-1].headers["webhook-id"]
    assert {name: newest[name] for name in ("state", "attempts", "response_status", "response_start")} == {
        "state": "delivered",
        "attempts": 1,
        "response_status": 204,
        "response_start": "",
    }
    assert newest["created_at"] <= newest["delivered_at"]
    limited = await telling.client.get(f"{ENDPOINTS}/{endpoint['id']}/deliveries?limit=1", headers=telling.key)
    assert limited.json()["items"] == [newest]


@pytest.mark.parametrize("limit", ["0", "101", "x", "-1", "1.5", "\u0661"])
async def test_a_wrong_limit_is_refused(telling: Telling, limit: str) -> None:
    endpoint = await telling.listen()
    path = f"{ENDPOINTS}/{endpoint['id']}/deliveries"
    response = await telling.client.get(path, params={"limit": limit}, headers=telling.key)
    assert response.status_code == 400


async def resend(
    telling: Telling, endpoint: dict[str, Any], delivery_id: str, who: dict[str, str] | None = None
) -> int:
    path = f"{ENDPOINTS}/{endpoint['id']}/deliveries/{delivery_id}/resend"
    return (await telling.client.post(path, headers=who or telling.key)).status_code


async def test_an_event_sent_again_has_the_same_id_and_body_and_a_signature_of_now(
    telling: Telling, later: Callable[[timedelta], None]
) -> None:
    endpoint = await telling.listen()
    await telling.announce()
    await telling.work()
    [delivery] = await telling.deliveries(endpoint)
    later(timedelta(minutes=10))
    assert await resend(telling, endpoint, delivery["id"]) == 202
    assert (await telling.deliveries(endpoint))[0]["state"] == "pending"
    await telling.work()
    first, second = telling.ear.heard
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]
    [again] = await telling.deliveries(endpoint)
    assert (again["id"], again["state"], again["attempts"]) == (delivery["id"], "delivered", 2)


async def test_an_event_sent_again_twice_before_it_left_arrives_once(telling: Telling) -> None:
    endpoint = await telling.listen()
    await telling.announce()
    [delivery] = await telling.deliveries(endpoint)
    for _ in range(2):
        assert await resend(telling, endpoint, delivery["id"]) == 202
    await telling.work()
    assert len(telling.ear.heard) == 1


async def test_nothing_is_sent_again_to_a_removed_endpoint(telling: Telling) -> None:
    endpoint = await telling.listen()
    await telling.announce()
    await telling.work()
    [delivery] = await telling.deliveries(endpoint)
    await telling.client.delete(f"{ENDPOINTS}/{endpoint['id']}", headers=telling.key)
    assert await resend(telling, endpoint, delivery["id"]) == 409
    assert (await telling.deliveries(endpoint))[0]["state"] == "delivered"


async def test_only_a_delivery_of_that_endpoint_is_sent_again(telling: Telling) -> None:
    one, other = await telling.listen("/one"), await telling.listen("/other")
    await telling.announce()
    [delivery] = await telling.deliveries(one)
    for wrong in (str(uuid4()), "1", delivery["id"].upper() + "0"):
        assert await resend(telling, one, wrong) == 404
    assert await resend(telling, other, delivery["id"]) == 404


# --- walls -----------------------------------------------------------------------------------------------------------


async def test_another_dfsp_and_another_merchant_find_nothing(telling: Telling) -> None:
    other, _ = await builders.create_merchant(telling.service, telling.world)
    own_key = await merchant_key(telling, telling.merchant.id)
    endpoint = await telling.listen(who=own_key)
    await telling.announce()
    [delivery] = await telling.deliveries(endpoint)
    path = f"{ENDPOINTS}/{endpoint['id']}"
    for stranger in (telling.world[THEIRS]["admin"].headers, await merchant_key(telling, other.id)):
        assert await listed(telling, stranger) == []
        for method, place in (("DELETE", path), ("GET", f"{path}/deliveries")):
            response = await telling.client.request(method, place, headers=stranger)
            assert (response.status_code, response.json()["code"]) == (404, "not_found")
        assert await resend(telling, endpoint, delivery["id"], stranger) == 404
    assert [seen["enabled"] for seen in await listed(telling, own_key)] == [True]


async def test_a_merchant_does_not_see_its_dfsps_endpoints_and_the_dfsp_sees_both(telling: Telling) -> None:
    key = await merchant_key(telling, telling.merchant.id)
    dfsps, merchants = await telling.listen("/dfsp"), await telling.listen("/merchant", who=key)
    assert [seen["id"] for seen in await listed(telling, key)] == [merchants["id"]]
    assert [seen["id"] for seen in await listed(telling, telling.key)] == [dfsps["id"], merchants["id"]]


@pytest.mark.parametrize("name", ["maker", "checker", "auditor"])
async def test_staff_without_the_permission_manage_no_endpoints(telling: Telling, name: str) -> None:
    response = await telling.client.get(ENDPOINTS, headers=telling.world[OURS][name].headers)
    assert response.status_code == 403


async def test_hub_staff_have_no_endpoints(telling: Telling) -> None:
    response = await telling.client.post(
        ENDPOINTS, json={"url": "https://hub.example/hooks"}, headers=telling.world.operator.headers
    )
    assert response.status_code == 403
