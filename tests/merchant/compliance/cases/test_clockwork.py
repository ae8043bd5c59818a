"""What time does to merchants: a provisional tier lapses, a document runs out, a review falls overdue."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from merchant.compliance.cases import clockwork
from merchant.core.service import Service
from tests import builders
from tests.builders import World

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]


async def state_of(service: Service, merchant_id: Any) -> tuple[str, str, str | None]:
    await clockwork.check_all(service)
    async with service.db.system_reads() as tx:
        row = await tx.fetchrow("SELECT state, tier, stopped_for FROM merchant WHERE id = $1", merchant_id)
    assert row is not None
    return row["state"], row["tier"], row["stopped_for"]


async def headers_of(service: Service, name: str) -> dict[str, str]:
    """Someone of the DFSP who signs in now, since a session does not outlive the days that pass here."""
    return (await builders.signed_in(service, f"{name}@greenbankfsp.example")).headers


async def notices(service: Service) -> int:
    async with service.db.system_reads() as tx:
        found: int = await tx.fetchval(
            "SELECT count(*) FROM webhook_delivery WHERE event_type LIKE '%requirements_due'"
        )
    return found


async def test_a_provisional_merchant_without_more_evidence_takes_nothing_after_thirty_days(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock
) -> None:
    merchant, _ = await builders.create_merchant(service, world, document=builders.seller())
    admin = world["greenbankfsp"]["admin"]
    hook = {"url": "https://bank.example/hooks"}
    made = await client.post("/api/v1/webhook-endpoints", json=hook, headers=admin.headers)
    assert made.status_code == 201, made.text
    told = []
    for day in range(1, 32):
        move_clock(timedelta(days=1))
        found = await state_of(service, merchant.id)
        told.append(await notices(service))
        assert found == (("active", "T0", None) if day < 30 else ("suspended", "T0", "requirements.past_due")), day
    assert [told[at] for at in (21, 22, 28, 29)] == [0, 1, 2, 2]  # a week and a day before
    path = f"/api/v1/merchants/{merchant.id}/requirements"
    needs = (await client.get(path, headers=await headers_of(service, "checker"))).json()
    assert (needs["disabled_reason"], needs["capabilities"]) == ("suspended", [])
    assert {one["path"] for one in needs["past_due"]} == {"owners[0].birth_date", "owners[0]"}


async def test_raising_a_merchant_that_lapsed_brings_it_back(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock
) -> None:
    document = builders.seller()
    merchant, _ = await builders.create_merchant(service, world, document=document)
    move_clock(timedelta(days=40))
    assert (await state_of(service, merchant.id))[0] == "suspended"
    owner = document["owners"][0] | {"birth_date": "1984-05-17"}
    body = {"kind": "upgrade", "target_tier": "T1", "owners": [owner]}
    path = f"/api/v1/merchants/{merchant.id}/cases"
    case = (await client.post(path, json=body, headers=await headers_of(service, "maker"))).json()
    await client.post(f"/api/v1/cases/{case['id']}/submit", headers=await headers_of(service, "maker"))
    await builders.work(service)
    body = {"version_hash": case["version_hash"]}
    approved = await client.post(
        f"/api/v1/cases/{case['id']}/approve", json=body, headers=await headers_of(service, "checker")
    )
    assert approved.status_code == 200, approved.text
    assert await state_of(service, merchant.id) == ("active", "T1", None)


async def test_a_merchant_whose_licence_ran_out_falls_to_the_tier_that_still_stands_after_the_grace(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock
) -> None:
    document = builders.seller(kind="sole_proprietor", tax_id="A123456789")
    document["owners"][0]["birth_date"] = "1984-05-17"
    document["settlement_account"] = {"account_id": "AC-1", "account_name": "Njeri"}
    merchant, _ = await builders.create_merchant(service, world, document=document)
    assert merchant.tier == "T2"
    move_clock(timedelta(days=735))
    assert await state_of(service, merchant.id) == ("active", "T2", None)
    path = f"/api/v1/merchants/{merchant.id}/requirements"
    needs = (await client.get(path, headers=await headers_of(service, "checker"))).json()
    assert [(one["path"], one["code"]) for one in needs["past_due"]] == [("business", "expired")]
    move_clock(timedelta(days=30))
    assert (await state_of(service, merchant.id))[1] == "T1"


async def test_a_review_that_nobody_makes_restricts_and_then_suspends_and_making_it_restores(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock
) -> None:
    merchant, _ = await builders.create_merchant(service, world)  # a company: reviewed every year
    move_clock(timedelta(days=365 + 29))
    assert await state_of(service, merchant.id) == ("active", "T3", None)
    move_clock(timedelta(days=2))
    assert await state_of(service, merchant.id) == ("restricted", "T3", "review_overdue")
    move_clock(timedelta(days=60))
    assert await state_of(service, merchant.id) == ("suspended", "T3", "review_overdue")
    path = f"/api/v1/merchants/{merchant.id}/cases"
    case = (await client.post(path, json={"kind": "review"}, headers=await headers_of(service, "maker"))).json()
    await client.post(f"/api/v1/cases/{case['id']}/submit", headers=await headers_of(service, "maker"))
    await builders.work(service)
    body = {"version_hash": case["version_hash"]}
    approved = await client.post(
        f"/api/v1/cases/{case['id']}/approve", json=body, headers=await headers_of(service, "checker")
    )
    assert approved.status_code == 200, approved.text
    assert await state_of(service, merchant.id) == ("active", "T3", None)
