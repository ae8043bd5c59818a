"""Finding merchants: which words lead to whom, in which order, and who sees what."""

from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import World

pytestmark = pytest.mark.anyio


async def found(client: httpx.AsyncClient, headers: dict[str, str], **query: str) -> list[str]:
    """The trading names of the merchants that a query finds, in their order."""
    response = await client.get("/api/v1/merchants", params=query, headers=headers)
    assert response.status_code == 200, response.text
    return [item["trading_name"] for item in response.json()["items"]]


@pytest.mark.anyio
async def test_smoke(client: httpx.AsyncClient, service: Service, world: World) -> None:
    doc = builders.company(trading_name="Café Mama Njeri")
    m, counters = await builders.create_merchant(service, world, document=doc)
    h = world.maker.headers
    print(doc)
    for q in ("cafe", "CAFE njeri", "njeri café mama", "caf", "njerri", "mamma", "zzz", "", "🍎", counters[0].alias, "odhiambo", doc["owners"][0]["given_name"], "nairobi", "%", "mama zzz"):
        print(repr(q), await found(client, h, q=q))
    for f in ({"city": "NAIROBI"}, {"city":"Nakuru"}, {"added_by": str(world.maker.actor.id)}, {"approved_by": str(world.maker.actor.id)}, {"approved_by": str(world.checker.actor.id)}, {"country":"ke"}, {"mcc": doc["business"]["mcc"]}, {"risk":"low"}, {"from":"2020-01-01T00:00:00Z"}, {"to":"2020-01-01T00:00:00Z"}, {"state":"active","q":"mama"}, {"state":"closed","q":"mama"}):
        print(f, await found(client, h, **f))
