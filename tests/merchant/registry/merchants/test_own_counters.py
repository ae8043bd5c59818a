"""A merchant's owner and the merchant's counters: added, renamed, closed, and given new stickers without the DFSP."""

from typing import Any

import httpx
import pytest

from merchant.core import ids
from merchant.core.access import Role
from merchant.core.service import Service
from merchant.registry.merchants import lifecycle
from tests import builders
from tests.builders import DFSPS, World

pytestmark = pytest.mark.anyio


class Owner:
    """An owner of a merchant of greenbankfsp, and a shop next door."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str], shop: Any, neighbour: Any) -> None:
        self.client, self.headers = client, headers
        self.merchant, [self.counter] = shop
        self.neighbour, [self.next_door] = neighbour

    async def add(self, who: dict[str, str] | None = None, merchant_id: Any = None, **changes: Any) -> httpx.Response:
        body = {"location_id": str(self.counter.location_id), "name": "Till 2", **changes}
        path = f"/api/v1/merchants/{merchant_id or self.merchant.id}/counters"
        return await self.client.post(path, json=body, headers=who or self.headers)


@pytest.fixture
async def owner(client: httpx.AsyncClient, service: Service, world: World) -> Owner:
    shop, neighbour = [await builders.create_merchant(service, world) for _ in range(2)]
    place: dict[str, Any] = {"dfsp_id": shop[0].dfsp_id, "merchant_id": shop[0].id}
    await builders.add_person(service, "owner@shop.example", [Role.MERCHANT_OWNER], **place)
    person = await builders.signed_in(service, "owner@shop.example")
    return Owner(client, person.headers, shop, neighbour)


async def test_an_owner_adds_renames_and_closes_a_counter_and_the_dfsp_sees_who(owner: Owner, world: World) -> None:
    added = await owner.add()
    assert added.status_code == 201, added.text
    path = f"/api/v1/counters/{added.json()['id']}"
    renamed = await owner.client.patch(path, json={"name": "Door"}, headers=owner.headers)
    assert (renamed.status_code, renamed.json()["name"]) == (200, "Door")
    sticker = {"reason": "It was worn."}
    headers = {**owner.headers, "idempotency-key": "k"}
    assert (await owner.client.post(f"{path}/stickers", json=sticker, headers=headers)).status_code == 201
    closed = await owner.client.post(f"{path}/close", json={"reason": "moved"}, headers=owner.headers)
    assert closed.status_code == 200
    audit = await owner.client.get(
        f"/api/v1/audit?subject_id={added.json()['id']}", headers=world["greenbankfsp"]["auditor"].headers
    )
    me = (await owner.client.get("/api/v1/users/me", headers=owner.headers)).json()
    assert [(one["action"], one["actor_id"]) for one in audit.json()["items"]] == [
        (action, me["id"]) for action in ("counter.closed", "sticker.replaced", "counter.changed", "counter.added")
    ]


async def test_an_owner_orders_posters_of_the_own_counters(owner: Owner) -> None:
    headers = {**owner.headers, "idempotency-key": "k"}
    ordered = await owner.client.post("/api/v1/poster-batches", json={"page": "A6"}, headers=headers)
    assert (ordered.status_code, ordered.json()["total"]) == (202, 1)


async def test_the_next_merchants_counters_are_not_found(owner: Owner) -> None:
    assert (await owner.add(merchant_id=owner.neighbour.id)).status_code == 404
    path = f"/api/v1/counters/{owner.next_door.id}"
    headers = {**owner.headers, "idempotency-key": "k"}
    for method, what, body in (
        ("PATCH", "", {"name": "Mine"}),
        ("POST", "/close", {"reason": "x"}),
        ("POST", "/stickers", {"reason": "x"}),
    ):
        response = await owner.client.request(method, path + what, json=body, headers=headers)
        assert response.status_code == 404, (what, response.text)


async def test_a_place_of_the_next_merchant_is_unknown(owner: Owner) -> None:
    refused = await owner.add(location_id=str(owner.next_door.location_id))
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "location_id")
    path = f"/api/v1/counters/{owner.counter.id}"
    body = {"location_id": str(owner.next_door.location_id)}
    assert (await owner.client.patch(path, json=body, headers=owner.headers)).status_code == 422


async def test_a_number_of_ones_own_choice_is_the_dfsps_to_give(owner: Owner, world: World) -> None:
    refused = await owner.add(own_alias="BEST-SHOP")
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert (await owner.add(world.maker.headers, own_alias="BEST-SHOP")).status_code == 201


async def test_an_owner_adds_some_and_the_dfsp_adds_more(
    owner: Owner, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lifecycle.MAX_COUNTERS_ADDED_BY_MERCHANT == 20
    monkeypatch.setattr(lifecycle, "MAX_COUNTERS_ADDED_BY_MERCHANT", 2)
    assert (await owner.add(world.maker.headers)).status_code == 201  # does not count
    added = [await owner.add() for _ in range(2)]
    assert {one.status_code for one in added} == {201}
    # A number is never given again, so closing makes no room.
    closing = f"/api/v1/counters/{added[0].json()['id']}/close"
    assert (await owner.client.post(closing, json={"reason": "x"}, headers=owner.headers)).status_code == 200
    refused = await owner.add()
    assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
    assert "provider adds more" in refused.json()["detail"]
    assert (await owner.add(world.maker.headers)).status_code == 201


async def test_a_merchant_that_is_suspended_gets_no_counters_from_its_owner(owner: Owner, world: World) -> None:
    path = f"/api/v1/merchants/{owner.merchant.id}/suspend"
    assert (await owner.client.post(path, json={"reason": "x"}, headers=world.checker.headers)).status_code == 200
    assert (await owner.add()).status_code == 409


async def test_neither_cashiers_nor_keys_of_the_merchant_add_counters(
    owner: Owner, service: Service, world: World
) -> None:
    place: dict[str, Any] = {"dfsp_id": owner.merchant.dfsp_id, "merchant_id": owner.merchant.id}
    await builders.add_person(service, "cash@shop.example", [Role.MERCHANT_CASHIER], **place)
    cashier = await builders.signed_in(service, "cash@shop.example")
    assert (await owner.add(cashier.headers)).status_code == 403
    body = {"name": "x", "scopes": ["own-counters:write"], "merchant_id": str(owner.merchant.id)}
    admin = world[DFSPS[0]]["admin"].headers
    assert (await owner.client.post("/api/v1/api-keys", json=body, headers=admin)).status_code == 403


async def test_an_owner_still_neither_suspends_nor_closes_the_merchant(owner: Owner) -> None:
    for move in ("suspend", "restrict", "close"):
        path = f"/api/v1/merchants/{owner.merchant.id}/{move}"
        assert (await owner.client.post(path, json={"reason": "x"}, headers=owner.headers)).status_code == 403
    unknown = await owner.client.post(
        f"/api/v1/merchants/{ids.uuid7()}/counters",
        json={"location_id": str(ids.uuid7()), "name": "x"},
        headers=owner.headers,
    )
    assert unknown.status_code == 404
