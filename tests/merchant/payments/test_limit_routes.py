"""A merchant's limits over the API: one over all currencies and an owner's merchants, and what still fits of it."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from merchant.core.access import Role
from merchant.core.money import Money
from merchant.core.service import Service
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.builders import DFSPS, World

pytestmark = pytest.mark.anyio


async def read(client: httpx.AsyncClient, merchant: Merchant, headers: dict[str, str]) -> dict[str, Any]:
    """The limits as the API tells them."""
    answer = await client.get(f"/api/v1/merchants/{merchant.id}/limits", headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def room(found: dict[str, Any]) -> dict[str, str | None]:
    """The most that one payment may be now, by currency."""
    return {one["currency"]: one["fits_now"] for one in found["currencies"]}


async def ask(
    client: httpx.AsyncClient, headers: dict[str, str], counter_id: object, amount: str, currency: str
) -> Any:
    body = {"counter_id": str(counter_id), "amount": {"amount": amount, "currency": currency}}
    key = {"idempotency-key": str(uuid4())}
    return await client.post("/api/v1/payment-requests", json=body, headers=headers | key)


async def test_an_owner_reads_what_the_tier_allows_and_what_is_used(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, counters = await builders.create_merchant(service, world, document=builders.seller())
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    await builders.add_person(service, "owner@stall.example", [Role.MERCHANT_OWNER], **place)
    owner = await builders.signed_in(service, "owner@stall.example")
    await builders.use_limit(service, merchant, Money(12_345, "KES"))
    found = await read(client, merchant, owner.headers)
    limit = found["limit"]
    assert (limit["currency"], limit["taken_today"], limit["taken_this_month"], limit["payments_today"]) == (
        "KES",
        "123.45",
        "123.45",
        1,
    )
    assert float(limit["per_payment"]) <= float(limit["per_day"]) <= float(limit["per_month"])
    assert room(found) == {"KES": limit["per_payment"]}
    till = await builders.issue_key(
        service, world["greenbankfsp"]["admin"], ["merchants:read"], merchant_id=merchant.id, counter_id=counters[0].id
    )
    of_till = await read(client, merchant, till)
    told = [of_till["limit"][name] for name in ("per_day", "taken_today", "taken_this_month", "payments_today")]
    assert told == [limit["per_day"], None, None, None]
    assert room(of_till) == {"KES": None}


async def test_what_is_taken_in_one_currency_is_missing_in_every_other(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document = builders.seller(currencies=["KES", "USD"])
    merchant, [counter] = await builders.create_merchant(service, world, document=document)
    maker = world["greenbankfsp"]["maker"].headers
    before = await read(client, merchant, maker)
    assert {one["currency"]: one["per_day"] for one in before["currencies"]} == {"KES": "7800", "USD": "60"}
    await builders.use_limit(service, merchant, Money(45_00, "USD"))
    found = await read(client, merchant, maker)
    limit = found["limit"]
    assert (limit["currency"], limit["per_day"], limit["taken_today"]) == ("KES", "7800", "5850"), "three quarters"
    assert limit["payments_today"] == 1
    assert room(found) == {"KES": "1950", "USD": "15"}
    await builders.use_limit(service, merchant, Money(10_00, "KES"))
    found = await read(client, merchant, maker)
    assert (found["limit"]["taken_today"], found["limit"]["payments_today"]) == ("5860", 2)
    assert room(found) == {"KES": "1940", "USD": "14.92"}, "what is left is rounded down"
    key = await builders.issue_key(
        service, world["greenbankfsp"]["admin"], ["payments:request"], merchant_id=merchant.id
    )
    for currency, fits in room(found).items():
        over = f"{float(fits or 0) + 0.01:.2f}"
        refused = await ask(client, key, counter.id, over, currency)
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "over_limit")
        assert (await ask(client, key, counter.id, str(fits), currency)).status_code == 201


@pytest.mark.parametrize(("count", "minor"), [(30, 1), (3, 20_00)])
async def test_nothing_fits_once_the_payments_or_the_money_of_a_day_are_used_up(
    client: httpx.AsyncClient, service: Service, world: World, count: int, minor: int
) -> None:
    document = builders.seller(currencies=["USD", "KES"])
    merchant, _counters = await builders.create_merchant(service, world, document=document)
    for _number in range(count):
        await builders.use_limit(service, merchant, Money(minor, "USD"))
    found = await read(client, merchant, world["greenbankfsp"]["maker"].headers)
    assert found["limit"]["payments_today"] == count
    assert room(found) == {"USD": "0", "KES": "0"}


async def test_what_an_owners_other_merchant_took_at_another_dfsp_is_missing_here(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    """The rows of a group are the oldest merchant's, which another DFSP cannot see."""
    oldest, _counters = await builders.create_merchant(service, world, DFSPS[0], builders.seller(currencies=["USD"]))
    document = builders.seller(currencies=["USD", "KES"])
    younger, [counter] = await builders.create_merchant(service, world, DFSPS[1], document)
    async with service.db.system() as tx:
        await tx.execute("UPDATE merchant SET limit_group = $1 WHERE id = $2", oldest.id, younger.id)
    await builders.use_limit(service, oldest, Money(50_00, "USD"))
    for merchant, fsp_id in ((oldest, DFSPS[0]), (younger, DFSPS[1])):
        found = await read(client, merchant, world[fsp_id]["maker"].headers)
        assert (found["limit"]["taken_today"], room(found)["USD"]) == ("50", "10")
        assert (await read(client, merchant, world.operator.headers)) == found, "the hub's staff see the same"
    key = await builders.issue_key(service, world[DFSPS[1]]["admin"], ["payments:request"], merchant_id=younger.id)
    refused = await ask(client, key, counter.id, "10.01", "USD")
    assert refused.status_code == 422
    assert "at most 10.00 USD fits now" in refused.json()["errors"][0]["message"]
    assert (await ask(client, key, counter.id, "10", "USD")).status_code == 201


async def test_a_currency_without_limits_is_left_out(client: httpx.AsyncClient, service: Service, world: World) -> None:
    merchant, _counters = await builders.create_merchant(service, world, document=builders.seller())
    async with service.db.system() as tx:
        await tx.execute("UPDATE merchant SET currencies = '{XTS,KES}' WHERE id = $1", merchant.id)
    maker = world["greenbankfsp"]["maker"].headers
    found = await read(client, merchant, maker)
    assert (found["limit"]["currency"], list(room(found))) == ("KES", ["KES"])
    async with service.db.system() as tx:
        await tx.execute("UPDATE merchant SET currencies = '{XTS}' WHERE id = $1", merchant.id)
    found = await read(client, merchant, maker)
    assert (found["limit"], found["currencies"]) == (None, [])


async def test_another_dfsps_merchant_has_no_limits_to_read(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, _counters = await builders.create_merchant(service, world)
    other = world["lakemfi"]["maker"].headers
    assert (await client.get(f"/api/v1/merchants/{merchant.id}/limits", headers=other)).status_code == 404
