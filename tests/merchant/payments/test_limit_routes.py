"""A merchant's limits over the API: what its tier allows and how much is used."""

import httpx
import pytest

from merchant.core.access import Role
from merchant.core.money import Money
from merchant.core.service import Service
from tests import builders
from tests.builders import World

pytestmark = pytest.mark.anyio


async def test_an_owner_reads_what_the_tier_allows_and_what_is_used(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, counters = await builders.create_merchant(service, world, document=builders.seller())
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    await builders.add_person(service, "owner@stall.example", [Role.MERCHANT_OWNER], **place)
    owner = await builders.signed_in(service, "owner@stall.example")
    await builders.use_limit(service, merchant, Money(12_345, "KES"))
    read = await client.get(f"/api/v1/merchants/{merchant.id}/limits", headers=owner.headers)
    assert read.status_code == 200
    [found] = read.json()["limits"]
    assert (found["currency"], found["taken_today"], found["taken_this_month"], found["payments_today"]) == (
        "KES",
        "123.45",
        "123.45",
        1,
    )
    assert float(found["per_payment"]) <= float(found["per_day"]) <= float(found["per_month"])
    till = await builders.issue_key(
        service, world["greenbankfsp"]["admin"], ["merchants:read"], merchant_id=merchant.id, counter_id=counters[0].id
    )
    [of_till] = (await client.get(f"/api/v1/merchants/{merchant.id}/limits", headers=till)).json()["limits"]
    assert (of_till["per_day"], of_till["taken_today"], of_till["payments_today"]) == (found["per_day"], None, None)


async def test_another_dfsps_merchant_has_no_limits_to_read(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, _counters = await builders.create_merchant(service, world)
    other = world["lakemfi"]["maker"].headers
    assert (await client.get(f"/api/v1/merchants/{merchant.id}/limits", headers=other)).status_code == 404
