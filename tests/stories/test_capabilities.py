"""What a policy gives to higher tiers only is refused to lower ones wherever somebody tries it, and granted after."""

from collections.abc import Awaitable, Callable

import httpx
import pytest

from merchant.compliance.policies.in_force import forget
from merchant.core.access import Role
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.compliance.policies.desk import at

pytestmark = [pytest.mark.anyio, pytest.mark.database]
Publish = Callable[[str], Awaitable[None]]
LAYER = """
extends = "generic"
version = "2026.2-capable"
[capabilities]
{name} = "T1"
"""


@pytest.fixture
async def publish(client: httpx.AsyncClient, service: Service, world: World) -> Publish:
    """Publish a scheme's layer that gives one capability from T1 on."""
    await builders.add_person(service, "checker@hub.example", [Role.HUB_CHECKER])
    checker = at(client, await builders.signed_in(service, "checker@hub.example"))

    async def published(name: str) -> None:
        await checker.publish(await at(client, world.operator).propose(LAYER.format(name=name)))
        forget(service)

    return published


@pytest.mark.parametrize("name", ["receive_payment", "dynamic_qr", "api_keys"])
async def test_a_street_seller_on_the_lowest_tier_is_refused_and_a_company_is_not(
    client: httpx.AsyncClient, service: Service, world: World, publish: Publish, name: str
) -> None:
    documents = (builders.seller(), builders.company())
    shops = [await builders.create_merchant(service, world, document=one) for one in documents]
    admin = world["greenbankfsp"]["admin"]
    asks = await builders.issue_key(service, admin, ["payments:request"])
    await publish(name)
    codes = []
    for number, (merchant, [counter]) in enumerate(shops):
        if name == "api_keys":
            body = {"name": "till", "scopes": ["payments:request"], "merchant_id": str(merchant.id)}
            answer = await client.post("/api/v1/api-keys", json=body, headers=admin.headers)
        else:
            asked = {"counter_id": str(counter.id), "amount": {"amount": "1", "currency": "KES"}}
            headers = {**asks, "idempotency-key": f"k{number}"}
            answer = await client.post("/api/v1/payment-requests", json=asked, headers=headers)
        codes.append(answer.json().get("code", answer.status_code))
    assert codes == ["capability_missing", 201]


async def test_a_request_put_to_a_payer_needs_no_code_with_an_amount(
    client: httpx.AsyncClient, service: Service, world: World, publish: Publish
) -> None:
    _, [counter] = await builders.create_merchant(service, world, document=builders.seller())
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["payments:request"])
    await publish("dynamic_qr")
    asked = {
        "counter_id": str(counter.id),
        "amount": {"amount": "1", "currency": "KES"},
        "payer": {"type": "MSISDN", "id": "254711000001"},
    }
    answer = await client.post("/api/v1/payment-requests", json=asked, headers={**key, "idempotency-key": "k"})
    assert answer.status_code == 201, answer.text


async def test_a_second_place_is_not_approved_where_the_tier_has_none(
    client: httpx.AsyncClient, service: Service, world: World, publish: Publish
) -> None:
    await publish("sub_locations")
    document = builders.seller()
    document["locations"].append(document["locations"][0] | {"name": "Second"})
    made = await builders.create_application(service, world.maker, document, submitted=True)
    path = f"/api/v1/applications/{made.id}"
    seen = (await client.get(path, headers=world.checker.headers)).json()
    body = {"version_hash": seen["version_hash"]}
    refused = await client.post(f"{path}/approve", json=body, headers=world.checker.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "capability_missing")
    assert "T1" in refused.json()["detail"]
