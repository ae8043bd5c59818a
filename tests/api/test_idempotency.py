"""Idempotency-Key on the routes that create: one effect, the first answer again, misuse refused."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import pytest

from merchant.core import idempotency
from merchant.core.service import Service
from tests import builders
from tests.api.everything import Things, call, walled_routes
from tests.builders import World

pytestmark = pytest.mark.anyio
APPLICATIONS = "/api/v1/applications"


async def apply(client: httpx.AsyncClient, who: dict[str, str], key: str | None, body: object = None) -> httpx.Response:
    headers = who if key is None else {**who, "idempotency-key": key}
    return await client.post(APPLICATIONS, json={} if body is None else body, headers=headers)


async def count(service: Service, table: str = "application") -> int:
    async with service.db.system() as tx:
        found: int = await tx.fetchval(f"SELECT count(*) FROM {table}")
        return found


async def test_a_repeat_answers_what_the_first_call_answered_and_says_so(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document = builders.company()
    first, second = [await apply(client, world.maker.headers, "k", document) for _ in range(2)]
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert first.headers["etag"] == second.headers["etag"] == '"1"'
    assert await count(service) == 1


async def test_a_repeat_answers_the_first_state_even_when_things_moved_on(
    client: httpx.AsyncClient, world: World
) -> None:
    first = await apply(client, world.maker.headers, "k")
    path = f"{APPLICATIONS}/{first.json()['id']}"
    await client.post(f"{path}/withdraw", headers=world.maker.headers)
    assert (await apply(client, world.maker.headers, "k")).json()["state"] == "draft"


async def test_every_creating_route_demands_a_key(
    client: httpx.AsyncClient, service: Service, world: World, things: Things
) -> None:
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["payments:request"])
    creating = [route for route in walled_routes(service) if route.declared.idempotency_key == "required"]
    assert {route.path for route in creating} >= {APPLICATIONS, "/api/v1/payment-requests"}
    for route in creating:
        who = key if route.permission == "payments:request" else world.maker.headers
        body = things.body(route)
        response = await client.request(route.method, things.path(route), json=body, headers=who)
        assert (response.status_code, response.json()["code"]) == (400, "idempotency_key_missing"), str(route)
        first, again = [await call(client, route, things, who, json=body) for _ in range(2)]
        assert first.is_success, (str(route), first.text)
        assert (first.status_code, first.content) == (again.status_code, again.content), str(route)
        assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize("key", ["", " ", "a b", "k" * 65, "ключ".encode(), "a/b", "k;k", "a\u00e9".encode("latin-1")])
async def test_a_malformed_key_is_refused(client: httpx.AsyncClient, world: World, key: str | bytes) -> None:
    headers = {b"authorization": world.maker.headers["authorization"].encode(), b"idempotency-key": key}
    response = await client.post(APPLICATIONS, json={}, headers=headers)
    assert (response.status_code, response.json()["code"]) == (400, "idempotency_key_malformed")


@pytest.mark.parametrize("key", ["k", "K" * 64, "0-9_aZ"])
async def test_a_well_formed_key_is_taken(client: httpx.AsyncClient, world: World, key: str) -> None:
    assert (await apply(client, world.maker.headers, key)).status_code == 201


async def test_the_same_json_in_another_order_is_the_same_input(client: httpx.AsyncClient, world: World) -> None:
    headers = {**world.maker.headers, "idempotency-key": "k1", "content-type": "application/json"}
    texts = [
        '{"external_ref": "R1", "business": {"trading_name": "Asha"}}',
        '{"business":{"trading_name":"Asha"},"external_ref":"R1"}',
    ]
    first, again = [await client.post(APPLICATIONS, content=text, headers=headers) for text in texts]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json()["id"] == first.json()["id"]


async def test_the_same_key_with_another_input_is_refused(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await apply(client, world.maker.headers, "k", {"external_ref": "A"})
    response = await apply(client, world.maker.headers, "k", {"external_ref": "B"})
    assert (response.status_code, response.json()["code"]) == (409, "idempotency_key_reused")
    assert await count(service) == 1


async def test_a_key_belongs_to_the_person_who_made_it(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    staff = world["greenbankfsp"]
    ids = {(await apply(client, staff[name].headers, "k")).json()["id"] for name in ("maker", "maker2")}
    assert len(ids) == 2


async def test_a_refused_input_uses_no_key_up(client: httpx.AsyncClient, service: Service, world: World) -> None:
    bad = await apply(client, world.maker.headers, "k", {"business": {"mcc": "0000"}})
    assert bad.status_code == 422
    good = await apply(client, world.maker.headers, "k", {"business": {"mcc": "5411"}})
    assert good.status_code == 201
    assert await count(service, "idempotency_key") == 1


async def test_a_conflict_uses_no_key_up(client: httpx.AsyncClient, service: Service, world: World) -> None:
    await apply(client, world.maker.headers, "k1", {"external_ref": "A"})
    assert (await apply(client, world.maker.headers, "k2", {"external_ref": "A"})).status_code == 409
    assert await count(service, "idempotency_key") == 1


async def test_twenty_calls_with_one_key_at_once_make_one_application(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document = builders.company()
    answers = await asyncio.gather(*(apply(client, world.maker.headers, "k", document) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert await count(service) == 1


async def test_twenty_calls_with_one_key_and_two_inputs_at_once_make_one_application(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    answers = await asyncio.gather(
        *(apply(client, world.maker.headers, "k", {"external_ref": "AB"[number % 2]}) for number in range(20))
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] * 10 + [409] * 10
    assert await count(service) == 1


async def test_keys_are_kept_for_a_day_at_least_and_then_forgotten(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Callable[[timedelta], datetime]
) -> None:
    await apply(client, world.maker.headers, "k")
    move_clock(timedelta(hours=24))
    async with service.db.system() as tx:
        assert await idempotency.prune(tx, 100) == 0
    again = await apply(client, {"authorization": (await _fresh_token(service, world))}, "k")
    assert again.headers["idempotency-replayed"] == "true"
    move_clock(timedelta(days=30))
    async with service.db.system() as tx:
        assert await idempotency.prune(tx, 100) == 1


async def _fresh_token(service: Service, world: World) -> str:
    return (await builders.load_world(service)).maker.headers["authorization"]


async def test_adding_a_counter_takes_a_key_but_does_not_demand_one(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, counters = await builders.create_merchant(service, world)
    path = f"/api/v1/merchants/{merchant.id}/counters"
    body = {"location_id": str(counters[0].location_id), "name": "Till 2"}
    keyed = {**world.maker.headers, "idempotency-key": "k"}
    first, second = [await client.post(path, json=body, headers=keyed) for _ in range(2)]
    assert first.json()["alias"] == second.json()["alias"]
    assert (await client.post(path, json=body, headers=world.maker.headers)).status_code == 201
    assert await count(service, "counter") == 3
