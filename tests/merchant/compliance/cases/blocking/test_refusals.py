"""Whoever is block-listed is refused wherever they apply, by a code and a path, and the attempt is recorded."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from merchant.compliance.cases import review
from merchant.compliance.cases.blocking import block
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.rights.erase import erase_case
from merchant.core.audit import HUB_CHAIN
from merchant.core.service import Service
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.builders import World
from tests.merchant.compliance.cases.blocking.stage import (
    WHY,
    Hub,
    another,
    list_blocked,
    open_hub,
    recorded,
    seller,
    state_of,
    submit,
)
from tests.merchant.compliance.cases.rights.people import Clock, erase, everything_held, number_of
from tests.merchant.exchange.files import as_csv, imported, report
from tests.merchant.exchange.files import seller as row_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def blocked(client: httpx.AsyncClient, service: Service, world: World) -> tuple[Merchant, dict[str, Any]]:
    """A merchant of greenbankfsp that the hub blocked, and its owner's answers."""
    document = seller()
    merchant, _ = await builders.create_merchant(service, world, document=document)
    await (await open_hub(client, service, world)).blocked(merchant)
    return merchant, document


async def test_a_block_listed_phone_is_refused_at_another_dfsp_by_a_code_and_nothing_else(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document = seller()
    await list_blocked(service, f"msisdn,{document['contact']['phone']},13")
    maker = world["lakemfi"]["maker"]
    refused = await submit(client, service, maker, document)
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (422, "block_listed")
    assert [(one["path"], one["code"]) for one in problem["errors"]] == [("contact.phone", "block_listed")]
    told = json.dumps(problem).lower()
    assert not [word for word in ("greenbank", "illegal", "13", document["contact"]["phone"][1:]) if word in told]
    made = (await client.get("/api/v1/applications", headers=maker.headers)).json()["items"]
    assert [one["state"] for one in made] == ["draft"]
    [own] = await recorded(service, "block_list.refused", world.dfsp_ids["lakemfi"])
    assert (own["actor_id"], own["subject_id"]) == (maker.actor.id, made[0]["id"])
    assert json.loads(own["detail"]) == {"code": "block_listed", "paths": ["contact.phone"], "version": 1}
    [hubs] = await recorded(service, "block_list.refused", HUB_CHAIN)
    assert json.loads(hubs["detail"])["reason_codes"] == ["13"]
    assert document["contact"]["phone"][1:] not in await everything_held_in_audit(service)


async def everything_held_in_audit(service: Service) -> str:
    async with service.db.system_reads() as tx:
        return str(await tx.fetch("SELECT * FROM audit_entry"))


@pytest.mark.parametrize("fsp_id", ["greenbankfsp", "lakemfi"])
async def test_the_owner_of_a_blocked_merchant_is_refused_at_the_same_and_at_another_dfsp(
    client: httpx.AsyncClient,
    service: Service,
    world: World,
    blocked: tuple[Merchant, dict[str, Any]],
    fsp_id: str,
) -> None:
    maker = world[fsp_id]["maker"]
    for kept, path in (
        ("owner", "owners[0].id_number"),
        ("phone", "contact.phone"),
        ("account", "settlement_account.account_id"),
    ):
        refused = await submit(client, service, maker, another(blocked[1], kept))
        assert [one["path"] for one in refused.json()["errors"]] == [path], kept
        assert WHY["reason_code"] not in refused.text
    assert (await submit(client, service, maker, another(blocked[1]))).status_code == 200


async def test_a_change_of_another_merchant_to_the_blocked_account_is_refused(
    client: httpx.AsyncClient, service: Service, world: World, blocked: tuple[Merchant, dict[str, Any]]
) -> None:
    other, _ = await builders.create_merchant(service, world, "lakemfi", seller("0999-111222"))
    maker, new = world["lakemfi"]["maker"], {"settlement_account": blocked[1]["settlement_account"]}
    path = f"/api/v1/merchants/{other.id}/cases"
    opened = await client.post(path, json={"kind": "change", **new}, headers=maker.headers)
    refused = await client.post(f"/api/v1/cases/{opened.json()['id']}/submit", headers=maker.headers)
    assert (refused.status_code, refused.json()["code"]) == (422, "block_listed")
    assert refused.json()["errors"][0]["path"] == "settlement_account.account_id"
    assert await state_of(service, other) == "active"


@pytest.mark.parametrize("dry_run", ["false", "true"])
async def test_a_row_of_an_import_is_refused_alone_and_recorded_by_its_number(
    client: httpx.AsyncClient,
    service: Service,
    world: World,
    blocked: tuple[Merchant, dict[str, Any]],
    dry_run: str,
) -> None:
    rows = [row_of(1), row_of(2, id_number=number_of(blocked[1])), row_of(3)]
    maker = world["lakemfi"]["maker"]
    found = await imported(client, service, maker, as_csv(rows), submit="true", dry_run=dry_run)
    assert (found["added"], found["failed"]) == (2, 1)
    told = await report(client, maker, found["id"])
    assert [row["outcome"] for row in told] == ["added", "failed", "added"]
    assert "owners[0].id_number" in told[1]["problems"]
    assert WHY["reason_code"] not in told[1]["problems"]
    [own] = await recorded(service, "block_list.refused", world.dfsp_ids["lakemfi"])
    assert (own["subject_type"], own["subject_id"]) == ("import", found["id"])
    assert json.loads(own["detail"]) == {"code": "block_listed", "paths": ["owners[0].id_number"], "row": 3}


async def test_rows_that_are_not_submitted_are_drafts_which_are_refused_later(
    client: httpx.AsyncClient, service: Service, world: World, blocked: tuple[Merchant, dict[str, Any]]
) -> None:
    content = as_csv([row_of(1, id_number=number_of(blocked[1]))])
    found = await imported(client, service, world.maker, content)
    assert (found["added"], found["failed"]) == (1, 0)
    [row] = await report(client, world.maker, found["id"])
    path = f"/api/v1/applications/{row['application_id']}/submit"
    assert (await client.post(path, headers=world.maker.headers)).json()["code"] == "block_listed"


async def test_the_owner_may_apply_again_once_five_years_are_over_and_the_rows_are_forgotten(
    client: httpx.AsyncClient,
    service: Service,
    world: World,
    blocked: tuple[Merchant, dict[str, Any]],
    move_clock: Clock,
) -> None:
    move_clock(timedelta(days=1825))
    world = await builders.load_world(service)
    assert (await submit(client, service, world.maker, another(blocked[1], "owner"))).status_code == 422
    move_clock(timedelta(days=2))
    world = await builders.load_world(service)
    assert (await submit(client, service, world.maker, another(blocked[1], "owner"))).status_code == 200
    assert await state_of(service, blocked[0]) == "blocked"  # the merchant itself stays what it is
    async with service.db.system() as tx:
        assert await block.prune(tx, 2) == 2  # some at a time
        assert await block.prune(tx, 100) == 1
        assert await tx.fetchval("SELECT count(*) FROM blocked_identifier") == 0


async def test_erasing_the_person_leaves_the_hashes_which_name_nobody_until_they_expire(
    client: httpx.AsyncClient, service: Service, world: World, blocked: tuple[Merchant, dict[str, Any]]
) -> None:
    merchant, document = blocked
    early = await erase(client, world["greenbankfsp"]["admin"], number_of(document))
    assert (early.status_code, early.json()["code"]) == (409, "retention_not_ended")  # its clock runs since the block
    async with service.db.system() as tx:
        case = await tx.session.get(Application, merchant.application_id)
        assert case is not None
        await erase_case(tx, world["greenbankfsp"]["admin"].actor, case, "authority_ordered")
    held = await everything_held(service)
    assert not [word for word in ("Wanjiku", number_of(document), document["contact"]["phone"]) if word in held]
    assert (await submit(client, service, world.maker, another(document, "owner"))).status_code == 422
    hub = await open_people(client, service)
    await hub.unblock(merchant, 2)
    refused = await hub.unblock(merchant, 3)
    assert (refused.status_code, refused.json()["code"]) == (409, "answers_erased")


async def open_people(client: httpx.AsyncClient, service: Service) -> Hub:
    names = (builders.OPERATOR, "second@hub.example", "third@hub.example", "fourth@hub.example")
    return Hub(client, [await builders.signed_in(service, name) for name in names])


@pytest.mark.parametrize("after", ["submission", "screening"])
async def test_what_is_listed_after_it_was_submitted_is_not_approved(
    client: httpx.AsyncClient, service: Service, world: World, after: str
) -> None:
    document = seller()
    made = await builders.create_application(service, world.maker, document)
    path = f"/api/v1/applications/{made.id}"
    assert (await client.post(f"{path}/submit", headers=world.maker.headers)).status_code == 200
    if after == "screening":
        await builders.screen(service, made.id)
    await list_blocked(service, f"id_number,{number_of(document)},3")
    if after == "submission":
        await builders.screen(service, made.id)
    read = (await client.get(path, headers=world.checker.headers)).json()
    if after == "submission":
        assert ("block_listed", "refuse") in {(one["code"], one["strictness"]) for one in read["report"]["doubts"]}
    approval = {"version_hash": read["version_hash"], "reason": "She is honest."}
    refused = await client.post(f"{path}/approve", json=approval, headers=world.checker.headers)
    assert (refused.status_code, refused.json()["code"]) == (409, "doubt_refused")
    seen = (await client.get(path, headers=world.checker.headers)).text
    assert "block_listed" in seen
    assert "launder" not in seen


async def test_what_was_taken_off_the_list_since_may_be_approved(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document = seller()
    made = await builders.create_application(service, world.maker, document)
    path = f"/api/v1/applications/{made.id}"
    await client.post(f"{path}/submit", headers=world.maker.headers)
    await list_blocked(service, f"id_number,{number_of(document)},3")
    await builders.screen(service, made.id)
    await list_blocked(service, "id_number,99999999,3")
    read = (await client.get(path, headers=world.checker.headers)).json()
    approval = {"version_hash": read["version_hash"]}
    approved = await client.post(f"{path}/approve", json=approval, headers=world.checker.headers)
    assert approved.status_code == 200, approved.text


async def test_of_a_listed_name_alone_a_person_decides_and_says_why(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    await list_blocked(service, "name,Wanjiku Njeri,14")
    made = await builders.create_application(service, world.maker, seller(), submitted=True)
    told = {(one["code"], one["strictness"]) for one in builders.report_of(made)["doubts"]}
    assert ("block_listed_name", "review") in told
    path, approval = f"/api/v1/applications/{made.id}/approve", {"version_hash": made.version_hash}
    asked = await client.post(path, json=approval, headers=world.checker.headers)
    assert (asked.status_code, asked.json()["code"]) == (409, "doubt_needs_reason")
    approval["reason"] = "The hub says it is another person."
    assert (await client.post(path, json=approval, headers=world.checker.headers)).status_code == 200


class TestLiveMerchants:
    async def test_a_list_that_brings_the_phone_of_a_live_merchant_restricts_it_and_opens_a_review(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        document, bystander = seller(), seller("0999-111222")
        merchant, _ = await builders.create_merchant(service, world, document=document)
        other, _ = await builders.create_merchant(service, world, document=bystander)
        await builders.work(service)
        await list_blocked(service, f"phone,{document['contact']['phone']},13")
        await builders.work(service)
        assert (await state_of(service, merchant), await state_of(service, other)) == ("restricted", "active")
        headers = world.checker.headers
        cases = (await client.get(f"/api/v1/cases?merchant_id={merchant.id}&kind=review", headers=headers)).json()
        [found] = cases["items"]
        case = (await client.get(f"/api/v1/cases/{found['id']}", headers=headers)).json()
        assert (case["state"], case["trigger"]) == ("in_review", "list_hit")
        [told] = await recorded(service, "merchant.restricted", merchant.dfsp_id)
        assert "13" not in json.loads(told["detail"]).values()
        approval = {"version_hash": case["version_hash"], "reason": "She is honest."}
        refused = await client.post(f"/api/v1/cases/{found['id']}/approve", json=approval, headers=headers)
        assert refused.json()["code"] == "doubt_refused"
        back = await client.post(f"/api/v1/merchants/{merchant.id}/reinstate", headers=headers)
        assert back.json()["code"] == "block_listed"
        await list_blocked(service, f"phone,{document['contact']['phone']},13", "account,77-1234,3")
        await builders.work(service)  # the same entry again is nothing new
        again = (await client.get(f"/api/v1/cases?merchant_id={merchant.id}&kind=review", headers=headers)).json()
        assert len(again["items"]) == 1

    async def test_one_that_is_approved_at_the_moment_of_a_block_is_stopped_after_its_approval(
        self, service: Service, world: World
    ) -> None:
        document = seller()
        made = await builders.create_application(service, world.maker, document, submitted=True)
        await list_blocked(service, f"phone,{document['contact']['phone']},13")
        async with service.db.tenant(made.dfsp_id) as tx:  # its report was read before
            approved = await review.approve(tx, service, world.checker.actor, made.id, made.version_hash)
        assert approved.merchant is not None
        assert await state_of(service, approved.merchant) == "active"
        async with service.db.system() as tx:  # the job of the list has gone by already
            await tx.execute("DELETE FROM outbox WHERE topic = 'compliance.rescreen'")
        await builders.work(service)
        assert await state_of(service, approved.merchant) == "restricted"

    async def test_another_shop_of_the_owner_of_a_blocked_one_is_restricted_at_its_own_dfsp(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        document = seller()
        merchant, _ = await builders.create_merchant(service, world, document=document)
        second, _ = await builders.create_merchant(service, world, "lakemfi", another(document, "owner"))
        third, _ = await builders.create_merchant(service, world, "lakemfi", seller("0777-111222"))
        spelled = another(document, "owner")
        spelled["owners"][0]["id_number"] = " ".join(spelled["owners"][0]["id_number"])
        fourth, _ = await builders.create_merchant(service, world, document=spelled)
        await (await open_hub(client, service, world)).blocked(merchant)
        await builders.work(service)
        assert [await state_of(service, one) for one in (merchant, second, third, fourth)] == [
            "blocked",
            "restricted",
            "active",
            "restricted",
        ]
        headers = world["lakemfi"]["checker"].headers
        cases = (await client.get("/api/v1/cases?kind=review", headers=headers)).json()["items"]
        assert [one["merchant_id"] for one in cases] == [str(second.id)]
        seen = (await client.get(f"/api/v1/cases/{cases[0]['id']}", headers=headers)).text
        assert not [word for word in ("greenbank", str(merchant.id), "fraud") if word in seen]
        assert '"block_listed"' in seen  # and the report was read
