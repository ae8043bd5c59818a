"""Lists and details of money name the merchant and the counter, within the walls, in one statement for all rows."""

from typing import Any

import httpx
import pytest

from merchant.core import clock
from merchant.core.service import Service
from merchant.payments import queries
from tests import builders
from tests.builders import World
from tests.merchant.exchange.reports.till import ask, pay

pytestmark = pytest.mark.anyio
NAMES = ("merchant_name", "counter_name")


def named(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in NAMES}


async def test_payments_and_requests_are_named_for_all_who_see_them(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, counters = await builders.create_merchant(
        service, world, document=builders.company(trading_name="Mama Njeri")
    )
    counter, admin = counters[0], world["greenbankfsp"]["admin"]
    wanted = {"merchant_name": "Mama Njeri", "counter_name": counter.name}
    await pay(service, counter, clock.now())
    request_id = await ask(service, counter, "created", clock.now())
    place = {"merchant_id": merchant.id, "counter_id": counter.id}
    key = await builders.issue_key(service, admin, ["payments:read"], **place)
    for headers in (admin.headers, world.operator.headers, key):
        for path in ("payments", "payment-requests"):
            [row] = (await client.get(f"/api/v1/{path}", headers=headers)).json()["items"]
            assert named(row) == wanted
        one = await client.get(f"/api/v1/payment-requests/{request_id}", headers=headers)
        assert named(one.json()) == wanted
        settled = await client.get("/api/v1/reports/settlement/payments", headers=headers)
        assert [named(row) for row in settled.json()["items"]] == [wanted]
    for path in ("payments", "payment-requests"):
        other = await client.get(f"/api/v1/{path}", headers=world["lakemfi"]["admin"].headers)
        assert other.json()["items"] == []


async def test_money_of_a_merchant_that_went_to_another_dfsp_has_no_name(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant, counters = await builders.create_merchant(service, world)
    await pay(service, counters[0], clock.now())
    async with service.db.system() as tx:
        for table in ("merchant", "counter"):
            column = "id" if table == "merchant" else "merchant_id"
            await tx.execute(
                f"UPDATE {table} SET dfsp_id = $2 WHERE {column} = $1", merchant.id, world.dfsp_ids["lakemfi"]
            )
    [row] = (await client.get("/api/v1/payments", headers=world["greenbankfsp"]["admin"].headers)).json()["items"]
    assert named(row) == {"merchant_name": "", "counter_name": ""}


async def test_names_are_looked_up_by_their_keys(service: Service, world: World) -> None:
    """Whatever a DFSP has of them: no list of all names is read for some rows."""
    async with service.db.tenant(world.maker.actor.dfsp_id) as tx:
        for text in (queries._PAYMENTS, queries._REQUESTS):
            await tx.fetchrow("SELECT set_config('enable_seqscan', 'off', true)")
            plan = "\n".join(row[0] for row in await tx.fetch(f"EXPLAIN {text}", []))
            assert "Seq Scan" not in plan
            assert "counter_pkey" in plan and "merchant_pkey" in plan
