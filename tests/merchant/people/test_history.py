"""The whole history of a merchant: everything about it, each once, newest first, for staff alone."""

import base64
from typing import Any
from uuid import UUID

import httpx
import pytest

from merchant.compliance.cases.blocking.block import block_merchant
from merchant.compliance.cases.blocking.reasons import BlockReason
from merchant.compliance.cases.models import Application
from merchant.core.access import Role
from merchant.core.service import Service
from merchant.registry.codes.stickers import Standing, replace_sticker
from merchant.registry.merchants import lifecycle
from tests import builders
from tests.builders import World

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def history(
    client: httpx.AsyncClient, headers: dict[str, str], merchant_id: UUID, **query: Any
) -> list[dict[str, Any]]:
    answer = await client.get(
        f"/api/v1/merchants/{merchant_id}/history", params={"limit": 100} | query, headers=headers
    )
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def a_life(service: Service, world: World) -> UUID:
    """A merchant with a second counter, a new sticker, and a stop that was lifted by nobody."""
    merchant, [counter] = await builders.create_merchant(service, world)
    async with service.db.tenant(merchant.dfsp_id) as tx:
        await lifecycle.add_counter(tx, service, world.maker.actor, merchant.id, counter.location_id, "Till 2", None)
        await replace_sticker(tx, world.maker.actor, counter.id, "Worn.", Standing.REPLACED)
        await lifecycle.suspend(tx, world.checker.actor, merchant.id, "Njeri complained.")
    return merchant.id


async def test_it_holds_everything_with_names_newest_first(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant_id = await a_life(service, world)
    await a_life(service, world)
    found = await history(client, world.maker.headers, merchant_id)
    told = [(one["action"], one["actor_name"]) for one in found]
    assert told[:3] == [("merchant.suspended", "checker"), ("sticker.replaced", "maker"), ("counter.added", "maker")]
    assert told[-1] == ("application.opened", "maker")
    assert ("application.approved", "checker") in told
    assert found[0]["detail"]["reason"] == "Njeri complained."
    assert [one["at"] for one in found] == sorted((one["at"] for one in found), reverse=True)
    names = {(one["subject_type"], one["subject_name"]) for one in found}
    assert {name for kind, name in names if kind == "counter"} == {"Till 1", "Till 2"}
    [shop] = {name for kind, name in names if kind in ("merchant", "application")}
    assert shop.startswith("Shop ")


async def test_cases_and_documents_belong_to_it(client: httpx.AsyncClient, service: Service, world: World) -> None:
    merchant, _ = await builders.create_merchant(service, world)
    path = f"/api/v1/merchants/{merchant.id}/cases"
    body = {"kind": "change", "contact": {"phone": "+254711999000"}}
    opened = await client.post(path, json=body, headers={**world.maker.headers, "idempotency-key": "k"})
    assert opened.status_code == 201, opened.text
    async with service.db.tenant(merchant.dfsp_id) as tx:
        application = await tx.session.get(Application, merchant.application_id)
    assert application is not None
    await builders.create_document(service, world.maker, application)
    actions = {one["action"] for one in await history(client, world.maker.headers, merchant.id)}
    assert {"case.opened", "document.added"} <= actions


async def test_pages_hold_every_entry_once(client: httpx.AsyncClient, service: Service, world: World) -> None:
    merchant_id = await a_life(service, world)
    for who in (world.maker, world.operator):
        whole = await history(client, who.headers, merchant_id)
        found: list[dict[str, Any]] = []
        query: dict[str, Any] = {"limit": 2}
        while True:
            answer = await client.get(f"/api/v1/merchants/{merchant_id}/history", params=query, headers=who.headers)
            found += answer.json()["items"]
            if answer.json()["next_cursor"] is None:
                break
            query["cursor"] = answer.json()["next_cursor"]
        assert found == whole


async def test_a_cursor_of_another_list_begins_at_the_newest_end(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant_id = await a_life(service, world)
    whole = await history(client, world.maker.headers, merchant_id)
    for other in (merchant_id, UUID(int=2**128 - 1)):
        cursor = base64.urlsafe_b64encode(other.bytes).decode().rstrip("=")
        assert await history(client, world.maker.headers, merchant_id, cursor=cursor) == whole


async def test_blocks_are_the_hubs_to_read_and_words_the_dfsps(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant_id = await a_life(service, world)
    async with service.db.system() as tx:
        await block_merchant(tx, world.operator.actor, merchant_id, BlockReason.EXCESSIVE_FRAUD, "Forty shoppers.")
    seen = await history(client, world.operator.headers, merchant_id)
    [block] = [one for one in seen if one["action"] == "merchant.block_proposed"]
    assert (block["actor_name"], block["detail"]["reason"]) == (world.operator.actor.name, "Forty shoppers.")
    [stop] = [one for one in seen if one["action"] == "merchant.suspended" and one["actor_name"] == "checker"]
    assert "reason" not in stop["detail"]
    own = await history(client, world.maker.headers, merchant_id)
    assert "merchant.block_proposed" not in {one["action"] for one in own}
    assert world.operator.actor.name not in {one["actor_name"] for one in own}


async def test_nobody_else_reads_it(client: httpx.AsyncClient, service: Service, world: World) -> None:
    merchant_id = await a_life(service, world)
    path = f"/api/v1/merchants/{merchant_id}/history"
    dfsp_id = world.dfsp_ids["greenbankfsp"]
    neighbour, _ = await builders.create_merchant(service, world)
    for role, of in ((Role.MERCHANT_OWNER, merchant_id), (Role.MERCHANT_CASHIER, neighbour.id)):
        await builders.add_person(service, f"{role}@x.example", [role], dfsp_id=dfsp_id, merchant_id=of)
    owner = await builders.signed_in(service, f"{Role.MERCHANT_OWNER}@x.example")
    stranger = await builders.signed_in(service, f"{Role.MERCHANT_CASHIER}@x.example")
    assert (await client.get(path, headers=owner.headers)).status_code == 403
    assert (await client.get(path, headers=stranger.headers)).status_code == 404
    assert (await client.get(path, headers=world["lakemfi"]["admin"].headers)).status_code == 404
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["payments:read"])
    assert (await client.get(path, headers=key)).status_code == 403


async def test_a_key_that_reads_no_applications_reads_no_reasons(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant_id = await a_life(service, world)
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["merchants:read"])
    found = await history(client, key, merchant_id)
    assert found[0]["action"] == "merchant.suspended"
    assert all("reason" not in one["detail"] for one in found)
