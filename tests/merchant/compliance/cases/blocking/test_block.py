"""The hub blocks a merchant: one person stops it, a second blocks it, and two others let it go."""

import asyncio
from typing import Any

import httpx
import pytest

from merchant.core.audit import HUB_CHAIN
from merchant.core.service import Service
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.builders import GATEWAY_SECRET, World
from tests.merchant.compliance.cases.blocking.stage import (
    LET_GO,
    WHY,
    Hub,
    list_blocked,
    open_hub,
    recorded,
    seller,
    state_of,
    submit,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def hub(client: httpx.AsyncClient, service: Service, world: World) -> Hub:
    return await open_hub(client, service, world)


@pytest.fixture
async def shop(service: Service, world: World) -> Merchant:
    merchant, _ = await builders.create_merchant(service, world, document=seller())
    return merchant


async def identifiers_of(service: Service, merchant: Merchant) -> int:
    async with service.db.system_reads() as tx:
        found: int = await tx.fetchval("SELECT count(*) FROM blocked_identifier WHERE merchant_id = $1", merchant.id)
    return found


async def move(client: httpx.AsyncClient, world: World, merchant: Merchant, name: str, who: str = "checker") -> Any:
    headers = world["greenbankfsp"][who].headers
    return await client.post(f"/api/v1/merchants/{merchant.id}/{name}", json=LET_GO, headers=headers)


async def test_the_first_person_stops_a_merchant_at_once_and_blocks_nobody(
    hub: Hub, client: httpx.AsyncClient, service: Service, world: World, shop: Merchant
) -> None:
    proposed = await hub.block(shop, 0)
    assert (proposed.status_code, proposed.json()["state"]) == (200, "proposed")
    assert await state_of(service, shop) == "suspended"
    again = await hub.block(shop, 0)
    assert again.json() == proposed.json()  # saying it again makes no second person
    assert (await state_of(service, shop), await identifiers_of(service, shop)) == ("suspended", 0)
    [told] = await recorded(service, "merchant.suspended", shop.dfsp_id)
    assert told["actor_kind"] == "service"
    [own] = await recorded(service, "merchant.block_proposed", HUB_CHAIN)
    assert own["actor_id"] == hub.people[0].actor.id
    assert "excessive_fraud" in own["detail"]
    for name in ("reinstate", "close"):  # neither is a way out
        refused = await move(client, world, shop, name)
        assert (refused.status_code, refused.json()["code"]) == (409, "stopped_by_hub"), name
    for kind in ("reinstatement", "closure"):
        path, body = f"/api/v1/merchants/{shop.id}/cases", {"kind": kind, "reason": "Please."}
        refused = await client.post(path, json=body, headers=world.maker.headers)
        assert (refused.status_code, refused.json()["code"]) == (409, "stopped_by_hub"), kind


async def test_a_second_person_blocks_and_nothing_of_the_merchant_is_left_alive(
    hub: Hub, client: httpx.AsyncClient, service: Service, world: World, shop: Merchant
) -> None:
    admin, checker = world["greenbankfsp"]["admin"], world.checker
    key = await builders.issue_key(service, admin, ["payments:request", "merchants:read"], merchant_id=shop.id)
    merchant = f"/api/v1/merchants/{shop.id}"
    counter = (await client.get(merchant, headers=checker.headers)).json()["counters"][0]
    await hub.blocked(shop)
    seen = await client.get(merchant, headers=checker.headers)
    assert seen.json()["state"] == "blocked"
    needs = (await client.get(f"{merchant}/requirements", headers=checker.headers)).json()
    assert (needs["disabled_reason"], needs["capabilities"]) == ("blocked", [])
    assert (await client.get(merchant, headers=key)).status_code == 401
    gateway = {"x-gateway-secret": GATEWAY_SECRET}
    asked = await client.get(f"/oracle/participants/ALIAS/{counter['alias']}", headers=gateway)
    assert asked.json()["partyList"] == []
    code = await client.get(f"/api/v1/counters/{counter['id']}/qr?format=payload", headers=checker.headers)
    assert (code.status_code, code.json()["code"]) == (409, "wrong_state")
    assert (await client.get(f"/q/{counter['alias']}")).status_code == 404
    stickers = await client.get(f"/api/v1/counters/{counter['id']}/stickers", headers=checker.headers)
    assert [one["standing"] for one in stickers.json()["items"]] == ["current", "revoked"]
    for name in ("reinstate", "suspend", "restrict", "close"):
        refused = await move(client, world, shop, name)
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state"), name
    for kind in ("reinstatement", "change", "closure", "review"):
        body = {"kind": kind} | ({"reason": "Please."} if kind in ("reinstatement", "closure") else {})
        refused = await client.post(f"{merchant}/cases", json=body, headers=world.maker.headers)
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state"), kind
        assert "blocked" in refused.json()["detail"]
    found = await client.get("/api/v1/merchants?state=blocked", headers=checker.headers)
    assert [one["id"] for one in found.json()["items"]] == [str(shop.id)]
    assert await identifiers_of(service, shop) == 3


async def test_who_asks_twice_or_as_a_third_changes_nothing_and_two_at_once_are_one(
    hub: Hub, client: httpx.AsyncClient, service: Service, world: World, shop: Merchant
) -> None:
    admin = world["greenbankfsp"]["admin"].headers
    hook = {"url": "https://shop.example/hooks"}
    assert (await client.post("/api/v1/webhook-endpoints", json=hook, headers=admin)).status_code == 201
    await hub.block(shop, 0)
    both = await asyncio.gather(hub.block(shop, 1), hub.block(shop, 2))
    assert sorted(one.status_code for one in both) == [200, 409]
    [lost] = [one for one in both if one.status_code == 409]
    assert lost.json()["code"] == "already_blocked"
    winner = 1 if both[0].status_code == 200 else 2
    for who in (0, winner):
        assert (await hub.block(shop, who)).json()["state"] == "blocked"
    assert len(await recorded(service, "merchant.blocked", shop.dfsp_id)) == 1
    assert len(await recorded(service, "merchant.blocked", HUB_CHAIN)) == 1
    async with service.db.system_reads() as tx:
        sent = [row["event_type"] for row in await tx.fetch("SELECT event_type FROM webhook_delivery ORDER BY id")]
        words = str(await tx.fetch("SELECT body FROM webhook_delivery"))
        audited = str(await tx.fetch("SELECT detail FROM audit_entry WHERE dfsp_id = $1", shop.dfsp_id))
    assert sent[-2:] == ["merchant.suspended", "merchant.blocked"]
    for told in (words, audited):  # neither why, nor by whom
        assert "fraud" not in told
        assert str(hub.people[0].actor.id) not in told


async def test_two_must_name_the_same_reason_and_who_left_the_hub_is_no_first_person(
    hub: Hub, service: Service, shop: Merchant
) -> None:
    await hub.block(shop, 1, reason_code="collusion")
    differs = await hub.block(shop, 2)
    assert (differs.status_code, differs.json()["code"]) == (409, "other_block_reason")
    assert (await hub.block(shop, 1, reason_code="greed")).status_code == 422
    assert (await hub.block(shop, 1)).json()["reason_code"] == "excessive_fraud"
    async with service.db.system() as tx:
        await tx.execute("UPDATE app_user SET enabled = false WHERE id = $1", hub.people[1].actor.id)
    assert (await hub.block(shop, 2)).json()["state"] == "proposed"
    assert (await hub.block(shop, 3)).json()["state"] == "blocked"


@pytest.mark.parametrize("who", ["checker", "admin", "maker", "auditor"])
async def test_nobody_of_a_dfsp_blocks_or_lets_go(
    client: httpx.AsyncClient, service: Service, world: World, shop: Merchant, who: str
) -> None:
    for fsp_id in ("greenbankfsp", "lakemfi"):
        headers = world[fsp_id][who].headers
        for name, body in (("block", WHY), ("unblock", LET_GO)):
            answer = await client.post(f"/api/v1/merchants/{shop.id}/{name}", json=body, headers=headers)
            assert answer.status_code in (403, 404), (fsp_id, name)
        assert (await client.get("/api/v1/merchant-blocks", headers=headers)).status_code == 403
    assert await state_of(service, shop) == "active"


async def test_two_others_let_a_merchant_go_which_stays_suspended_until_its_dfsp_reinstates_it(
    hub: Hub, client: httpx.AsyncClient, service: Service, world: World, shop: Merchant
) -> None:
    assert (await hub.unblock(shop, 2)).json()["code"] == "not_blocked"
    await hub.blocked(shop)
    for who in (0, 1):
        refused = await hub.unblock(shop, who)
        assert (refused.status_code, refused.json()["code"]) == (403, "blocked_by_you")
    assert (await hub.unblock(shop, 2)).json()["state"] == "unblock_proposed"
    assert (await hub.unblock(shop, 2)).json()["state"] == "unblock_proposed"
    assert (await state_of(service, shop), await identifiers_of(service, shop)) == ("blocked", 3)
    listed = await client.get(f"/api/v1/merchant-blocks?merchant_id={shop.id}", headers=hub.people[3].headers)
    assert [one["state"] for one in listed.json()["items"]] == ["unblock_proposed"]
    let_go = await hub.unblock(shop, 3)
    assert (let_go.status_code, let_go.json()["state"]) == (200, "ended")
    assert (await state_of(service, shop), await identifiers_of(service, shop)) == ("suspended", 0)
    assert (await hub.unblock(shop, 3)).json() == let_go.json()  # a repeat
    assert (await move(client, world, shop, "reinstate")).json()["state"] == "active"
    assert (await submit(client, service, world.maker, seller())).status_code == 200
    assert (await hub.block(shop, 0)).json()["state"] == "proposed"  # and it may be blocked again
    standing = await client.get("/api/v1/merchant-blocks?standing=true", headers=hub.people[3].headers)
    assert [one["state"] for one in standing.json()["items"]] == ["proposed"]


async def test_a_proposal_is_withdrawn_and_the_dfsp_has_its_merchant_again(
    hub: Hub, client: httpx.AsyncClient, world: World, shop: Merchant
) -> None:
    await move(client, world, shop, "suspend")
    await hub.block(shop, 0)
    assert (await move(client, world, shop, "reinstate")).json()["code"] == "stopped_by_hub"
    assert (await hub.unblock(shop, 1)).json()["state"] == "ended"
    assert (await move(client, world, shop, "reinstate")).json()["state"] == "active"


async def test_a_closed_or_unknown_merchant_is_not_blocked(
    hub: Hub, client: httpx.AsyncClient, service: Service, world: World, shop: Merchant
) -> None:
    await move(client, world, shop, "close")
    refused = await hub.block(shop, 0)
    assert (refused.status_code, refused.json()["code"]) == (409, "cannot_be_blocked")
    shop.id = world.operator.actor.id
    assert (await hub.block(shop, 0)).status_code == 404


async def test_a_change_that_was_open_when_the_hub_blocked_comes_to_nothing(
    hub: Hub, client: httpx.AsyncClient, service: Service, world: World, shop: Merchant
) -> None:
    path, new = f"/api/v1/merchants/{shop.id}/cases", {"contact": {"phone": "+254722999000"}}
    opened = await client.post(path, json={"kind": "change", **new}, headers=world.maker.headers)
    case = f"/api/v1/cases/{opened.json()['id']}"
    assert (await client.post(f"{case}/submit", headers=world.maker.headers)).status_code == 200
    await builders.work(service)
    await hub.blocked(shop)
    read = (await client.get(case, headers=world.checker.headers)).json()
    approval = {"version_hash": read["version_hash"], "reason": "Why not."}
    refused = await client.post(f"{case}/approve", json=approval, headers=world.checker.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "doubt_refused")


async def test_what_identified_the_owner_when_it_was_proposed_is_blocked_although_it_was_changed(
    hub: Hub, client: httpx.AsyncClient, service: Service, world: World, shop: Merchant
) -> None:
    await hub.block(shop, 0)
    before = (await client.get(f"/api/v1/applications/{shop.application_id}", headers=world.maker.headers)).json()
    path, new = f"/api/v1/merchants/{shop.id}/cases", {"contact": {"phone": "+254722999000"}}
    opened = await client.post(path, json={"kind": "change", **new}, headers=world.maker.headers)
    case = f"/api/v1/cases/{opened.json()['id']}"
    await client.post(f"{case}/submit", headers=world.maker.headers)
    await builders.work(service)
    read = (await client.get(case, headers=world.checker.headers)).json()
    approval = {"version_hash": read["version_hash"], "reason": "She moved."}
    approved = await client.post(f"{case}/approve", json=approval, headers=world.checker.headers)
    assert approved.status_code == 200, approved.text
    assert await state_of(service, shop) == "suspended"  # a change is no way out
    assert (await hub.block(shop, 1)).json()["state"] == "blocked"
    for phone in (before["contact"]["phone"], "+254722999000"):
        document = seller("0999-111222")
        document["contact"]["phone"] = phone
        refused = await submit(client, service, world["lakemfi"]["maker"], document)
        assert [one["path"] for one in refused.json()["errors"]] == ["contact.phone"]


async def test_a_reinstatement_by_one_person_asks_the_block_list_too(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document = seller()
    shop, _ = await builders.create_merchant(service, world, document=document)
    await move(client, world, shop, "suspend")
    await list_blocked(service, f"account,{document['settlement_account']['account_id']},10")
    refused = await move(client, world, shop, "reinstate")
    assert (refused.status_code, refused.json()["code"]) == (422, "block_listed")
    assert await state_of(service, shop) == "suspended"
