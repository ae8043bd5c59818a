"""Erasure of a person: refused while something has to be kept, done by two people, and then nothing is left."""

from datetime import timedelta

import httpx
import pytest

from merchant.compliance.cases.rights.find import Sought
from merchant.compliance.cases.rights.problems import LegalHoldStands
from merchant.core import audit
from merchant.core.access import Role
from merchant.core.service import Service
from merchant.programs import people
from tests import builders
from tests.builders import World
from tests.merchant.compliance.cases.rights.people import (
    A_DAY,
    FIVE_YEARS,
    Clock,
    actions,
    close_merchant,
    closed_seller,
    erase,
    everything_held,
    number_of,
)

pytestmark = pytest.mark.anyio


async def test_what_has_to_be_kept_is_refused_and_recorded(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock
) -> None:
    draft = builders.seller()
    await builders.create_application(service, world.maker, draft)
    merchant, document = await closed_seller(service, world)
    admin = world["greenbankfsp"]["admin"]
    is_open = await erase(client, admin, number_of(draft))
    assert (is_open.status_code, is_open.json()["code"]) == (409, "relationship_not_ended")
    early = await erase(client, admin, number_of(document))
    assert (early.status_code, early.json()["code"]) == (409, "retention_not_ended")
    move_clock(FIVE_YEARS + A_DAY)
    world = await builders.load_world(service)
    path = f"/api/v1/applications/{merchant.application_id}/hold"
    held = await client.post(path, json={"reason": "A court asks."}, headers=world.checker.headers)
    assert held.status_code == 201, held.text
    refused = await erase(client, world["greenbankfsp"]["admin"], number_of(document))
    assert (refused.status_code, refused.json()["code"]) == (409, "legal_hold")
    codes = [one["code"] for one in await actions(service, "application.erasure_refused")]
    assert codes == ["relationship_not_ended", "retention_not_ended", "legal_hold"]
    assert "Wanjiku" in await everything_held(service)
    again = await client.post(path, json={"reason": "Again."}, headers=world.checker.headers)
    assert (again.status_code, again.json()["code"]) == (409, "already_held")
    lifted = await client.post(f"{path}/lift", json={"reason": "It is over."}, headers=world.checker.headers)
    assert lifted.status_code == 200
    assert lifted.json()["lifted_by"] == str(world.checker.actor.id)
    twice = await client.post(f"{path}/lift", json={"reason": "Again."}, headers=world.checker.headers)
    assert (twice.status_code, twice.json()["code"]) == (409, "not_held")
    assert (await erase(client, world["greenbankfsp"]["admin"], number_of(document))).json()["state"] == "proposed"


async def test_two_people_erase_a_person_and_nothing_is_left_but_the_record(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock
) -> None:
    merchant, document = await closed_seller(service, world)
    number, path = number_of(document), f"/api/v1/applications/{merchant.application_id}"
    async with service.db.system_reads() as tx:
        aliases = await tx.fetch("SELECT alias FROM counter ORDER BY id")
    names = [number, "Njeri", "Wanjiku", document["business"]["trading_name"], document["contact"]["phone"]]
    digest = service.vault.digest("id_number", number).hex()
    before = await everything_held(service)
    assert [name for name in [*names, digest] if name not in before] == []
    move_clock(FIVE_YEARS + A_DAY)
    world = await builders.load_world(service)
    admin, checker = world["greenbankfsp"]["admin"], world.checker
    assert (await erase(client, world.maker, number)).status_code == 403
    assert (await erase(client, checker, number)).status_code == 403
    assert (await erase(client, world["lakemfi"]["admin"], number)).status_code == 404
    for _ in range(2):
        proposed = await erase(client, admin, number)
        assert proposed.json() == {"state": "proposed", "application_ids": [str(merchant.application_id)]}
    done = await erase(client, checker, number)
    assert (done.status_code, done.json()["state"]) == (200, "erased")
    held = await everything_held(service)
    assert [name for name in [*names, digest] if name in held] == []
    async with service.db.system() as tx:
        assert await tx.fetch("SELECT alias FROM counter ORDER BY id") == aliases
        [told] = await tx.fetch("SELECT * FROM erasure")
        for chain in await audit.chains(tx):
            assert (await audit.verify(tx, chain))[1] is None
        left = await tx.fetchval("SELECT count(*) FROM document WHERE erased_at IS NULL OR key_sealed IS NOT NULL")
    assert left == 0
    assert (told["requested_by"], told["confirmed_by"]) == (admin.actor.id, checker.actor.id)
    assert (told["merchant_id"], told["why"]) == (merchant.id, "person_asked")
    shown = await client.get(path, headers=checker.headers)
    assert shown.status_code == 200, shown.text
    assert shown.json()["erased_at"] is not None
    assert shown.json()["owners"] == []
    for more in ("/versions", "/versions/1", "/verifications", "/readings", "/documents", "/requirements"):
        assert (await client.get(path + more, headers=checker.headers)).status_code == 200, more
    assert (await client.get(f"/api/v1/merchants/{merchant.id}", headers=checker.headers)).status_code == 200
    assert (await erase(client, admin, number)).status_code == 404
    hold = await client.post(f"{path}/hold", json={"reason": "Late."}, headers=checker.headers)
    assert (hold.status_code, hold.json()["code"]) == (409, "already_erased")


async def test_a_proposal_of_someone_who_left_has_to_be_made_anew(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock
) -> None:
    _, document = await closed_seller(service, world)
    dfsp_id = world.maker.actor.dfsp_id
    await builders.add_person(service, "admin2@greenbankfsp.example", [Role.DFSP_ADMIN], dfsp_id=dfsp_id)
    move_clock(FIVE_YEARS + A_DAY)
    world = await builders.load_world(service)
    staff = world["greenbankfsp"]
    assert (await erase(client, staff["admin"], number_of(document))).json()["state"] == "proposed"
    async with service.db.system() as tx:
        await tx.execute("UPDATE app_user SET enabled = false WHERE id = $1", staff["admin"].actor.id)
    assert (await erase(client, world.checker, number_of(document))).status_code == 403
    assert (await erase(client, staff["admin2"], number_of(document))).json()["state"] == "proposed"
    assert (await erase(client, world.checker, number_of(document))).json()["state"] == "erased"


async def test_a_rejected_case_that_was_erased_cannot_be_appealed(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock
) -> None:
    document = builders.company()
    application = await builders.create_application(service, world.maker, document, submitted=True)
    path = f"/api/v1/applications/{application.id}"
    reason = {"reason": "Amina Odhiambo was not there."}
    rejected = await client.post(f"{path}/reject", json=reason, headers=world.checker.headers)
    assert rejected.status_code == 200, rejected.text
    move_clock(timedelta(days=731))
    world = await builders.load_world(service)
    await erase(client, world["greenbankfsp"]["admin"], number_of(document))
    assert (await erase(client, world.checker, number_of(document))).json()["state"] == "erased"
    assert "Amina" not in await everything_held(service)
    appealed = await client.post(
        f"{path}/appeal", json={"reason": "No."}, headers=world["greenbankfsp"]["maker2"].headers
    )
    assert (appealed.status_code, appealed.json()["code"]) == (409, "not_rejected")


async def test_nobody_is_named_by_nothing(client: httpx.AsyncClient, world: World) -> None:
    headers = world["greenbankfsp"]["admin"].headers
    answer = await client.post("/api/v1/people/erase", json={"reason": "person_asked"}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "missing")


async def test_the_command_erases_alone_and_a_hold_on_another_case_of_the_merchant_stops_it(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock
) -> None:
    merchant, _ = await builders.create_merchant(service, world, document=(document := builders.seller()))
    change = {"kind": "change", "contact": {"phone": "+254711999000"}}
    opened = await client.post(f"/api/v1/merchants/{merchant.id}/cases", json=change, headers=world.maker.headers)
    path = f"/api/v1/cases/{opened.json()['id']}"
    assert (await client.post(f"{path}/withdraw", headers=world.maker.headers)).status_code == 200
    held = await client.post(f"{path}/hold", json={"reason": "A court."}, headers=world.checker.headers)
    assert held.status_code == 201, held.text
    await close_merchant(service, world.checker, merchant)
    move_clock(FIVE_YEARS + A_DAY)
    sought = Sought(id_number=number_of(document))
    with pytest.raises(LegalHoldStands):
        await people.erase(service, "greenbankfsp", sought, "authority_ordered")
    world = await builders.load_world(service)
    lifted = await client.post(f"{path}/hold/lift", json={"reason": "Over."}, headers=world.checker.headers)
    assert lifted.status_code == 200
    done = await people.erase(service, "greenbankfsp", sought, "authority_ordered")
    assert done["state"] == "erased"
    assert {one["by"] for one in await actions(service, "application.erased")} == {"command line"}
    assert number_of(document) not in await everything_held(service)
