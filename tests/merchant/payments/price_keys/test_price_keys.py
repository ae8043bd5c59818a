"""Price keys over the API: the owner keeps them, cashiers press them, nobody else sees them."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest

from merchant.core.access import Role
from merchant.core.service import Service
from merchant.payments.price_keys.operations import MAX_KEYS
from merchant.registry.merchants.models import Counter
from tests import builders
from tests.builders import Person, World

pytestmark = pytest.mark.anyio
KEYS = "/api/v1/price-keys"
TEA: dict[str, Any] = {"label": "Tea", "amount": {"amount": "50", "currency": "KES"}}


class Stall(msgspec.Struct):
    """A merchant of one DFSP with its people."""

    merchant_id: str
    counter: Counter
    owner: Person
    cashier: Person


async def open_stall(service: Service, world: World, name: str) -> Stall:
    merchant, counters = await builders.create_merchant(service, world)
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    await builders.add_person(service, f"owner@{name}.example", [Role.MERCHANT_OWNER], **place)
    await builders.add_person(service, f"cashier@{name}.example", [Role.MERCHANT_CASHIER], **place)
    owner, cashier = [await builders.signed_in(service, f"{one}@{name}.example") for one in ("owner", "cashier")]
    return Stall(str(merchant.id), counters[0], owner, cashier)


@pytest.fixture
async def stall(service: Service, world: World) -> Stall:
    return await open_stall(service, world, "stall")


async def test_an_owner_keeps_prices_and_a_cashier_reads_them_in_order(client: httpx.AsyncClient, stall: Stall) -> None:
    made = await client.post(KEYS, json=TEA, headers=stall.owner.headers)
    assert made.status_code == 201
    bread = {"label": "  White   bread ", "amount": {"amount": "65.50", "currency": "KES"}, "position": 1}
    await client.post(KEYS, json=bread, headers=stall.owner.headers)
    listed = (await client.get(KEYS, headers=stall.cashier.headers)).json()["items"]
    assert [(one["label"], one["amount"]["amount"]) for one in listed] == [("Tea", "50"), ("White bread", "65.5")]
    one = f"{KEYS}/{made.json()['id']}"
    changed = await client.patch(
        one, json={"amount": {"amount": "1.20", "currency": "USD"}, "position": 9}, headers=stall.owner.headers
    )
    assert changed.json()["amount"] == {"amount": "1.2", "currency": "USD"}
    assert [item["label"] for item in (await client.get(KEYS, headers=stall.cashier.headers)).json()["items"]] == [
        "White bread",
        "Tea",
    ]
    assert (await client.delete(one, headers=stall.owner.headers)).status_code == 204
    assert (await client.delete(one, headers=stall.owner.headers)).status_code == 404


async def test_a_merchants_own_key_keeps_prices_and_a_counters_key_does_not(
    client: httpx.AsyncClient, service: Service, world: World, stall: Stall
) -> None:
    admin, scopes = world["greenbankfsp"]["admin"], ["payments:read", "payments:request"]
    whole = await builders.issue_key(service, admin, scopes, merchant_id=stall.counter.merchant_id)
    till = await builders.issue_key(
        service, admin, scopes, merchant_id=stall.counter.merchant_id, counter_id=stall.counter.id
    )
    assert (await client.post(KEYS, json=TEA, headers=whole)).status_code == 201
    assert (await client.post(KEYS, json=TEA, headers=till)).status_code == 403
    assert len((await client.get(KEYS, headers=till)).json()["items"]) == 1


async def test_a_cashier_changes_no_price(client: httpx.AsyncClient, stall: Stall) -> None:
    made = (await client.post(KEYS, json=TEA, headers=stall.owner.headers)).json()
    one, cashier = f"{KEYS}/{made['id']}", stall.cashier.headers
    assert (await client.post(KEYS, json=TEA, headers=cashier)).status_code == 403
    assert (await client.patch(one, json={"label": "Free"}, headers=cashier)).status_code == 403
    assert (await client.delete(one, headers=cashier)).status_code == 403


async def test_another_merchants_key_is_not_found(
    client: httpx.AsyncClient, service: Service, world: World, stall: Stall
) -> None:
    other = await open_stall(service, world, "other")
    made = (await client.post(KEYS, json=TEA, headers=stall.owner.headers)).json()
    one = f"{KEYS}/{made['id']}"
    assert (await client.get(KEYS, headers=other.owner.headers)).json()["items"] == []
    assert (await client.get(KEYS, params={"merchant_id": stall.merchant_id}, headers=other.owner.headers)).json()[
        "items"
    ] == []
    assert (await client.patch(one, json={"label": "Mine"}, headers=other.owner.headers)).status_code == 404
    assert (await client.delete(one, headers=other.owner.headers)).status_code == 404


async def test_staff_name_a_merchant_of_their_own_dfsp(client: httpx.AsyncClient, world: World, stall: Stall) -> None:
    await client.post(KEYS, json=TEA, headers=stall.owner.headers)
    mine, theirs = world["greenbankfsp"]["maker"].headers, world["lakemfi"]["maker"].headers
    of_merchant = {"merchant_id": stall.merchant_id}
    assert (await client.get(KEYS, headers=mine)).status_code == 400
    assert len((await client.get(KEYS, params=of_merchant, headers=mine)).json()["items"]) == 1
    assert (await client.get(KEYS, params=of_merchant, headers=theirs)).json()["items"] == []
    assert (await client.post(KEYS, json=TEA, headers=mine)).status_code == 403


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"label": "   "}, "label"),
        ({"label": "x" * 41}, "label"),
        ({"label": "a\nb"}, "label"),
        ({"amount": {"amount": "0", "currency": "KES"}}, "amount.amount"),
        ({"amount": {"amount": "1,5", "currency": "KES"}}, "amount.amount"),
        ({"amount": {"amount": "5", "currency": "EUR"}}, "amount.currency"),
        ({"amount": {"amount": "5", "currency": "XXX"}}, "amount.currency"),
        ({"counter_id": str(uuid4())}, "counter_id"),
        ({"position": 0}, "position"),
    ],
)
async def test_what_is_no_price_is_refused_beside_its_field(
    client: httpx.AsyncClient, stall: Stall, change: dict[str, Any], path: str
) -> None:
    refused = await client.post(KEYS, json=TEA | change, headers=stall.owner.headers)
    assert refused.status_code == 422
    assert [one["path"] for one in refused.json()["errors"]] == [path]


async def test_another_merchants_counter_is_no_place_for_a_key(
    client: httpx.AsyncClient, service: Service, world: World, stall: Stall
) -> None:
    other = await open_stall(service, world, "other")
    foreign = TEA | {"counter_id": str(other.counter.id)}
    assert (await client.post(KEYS, json=foreign, headers=stall.owner.headers)).status_code == 422
    mine = TEA | {"counter_id": str(stall.counter.id)}
    made = (await client.post(KEYS, json=mine, headers=stall.owner.headers)).json()
    everywhere = await client.patch(f"{KEYS}/{made['id']}", json={"counter_id": None}, headers=stall.owner.headers)
    assert everywhere.json()["counter_id"] is None


async def test_the_last_free_key_is_given_once(client: httpx.AsyncClient, service: Service, stall: Stall) -> None:
    async with service.db.system() as tx:
        await tx.execute(
            "INSERT INTO price_key SELECT gen_random_uuid(), dfsp_id, id, NULL, 'Tea', 1, 'KES', 1 FROM merchant,"
            " generate_series(1, $2) WHERE id = $1",
            stall.counter.merchant_id,
            MAX_KEYS - 1,
        )
    answers = await asyncio.gather(*(client.post(KEYS, json=TEA, headers=stall.owner.headers) for _ in range(4)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409, 409]
