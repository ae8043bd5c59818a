"""The timer that erases what nobody has to keep any more: on its day, by the policy's clocks, and nothing held."""

from datetime import timedelta

import httpx
import pytest

from merchant.compliance.cases.rights import forget
from merchant.compliance.policies import in_force
from merchant.core.service import Service
from merchant.programs import policies as desk
from merchant.programs.slices import TIMERS
from tests import builders
from tests.builders import World
from tests.merchant.compliance.cases.rights.people import A_DAY, FIVE_YEARS, Clock, actions, closed_seller

pytestmark = pytest.mark.anyio


async def erased(service: Service) -> list[bool]:
    async with service.db.system_reads() as tx:
        rows = await tx.fetch("SELECT erased_at IS NOT NULL AS gone FROM application ORDER BY id")
    return [row["gone"] for row in rows]


async def withdrawn(client: httpx.AsyncClient, service: Service, world: World) -> str:
    application = await builders.create_application(service, world.maker, builders.seller())
    path = f"/api/v1/applications/{application.id}"
    answer = await client.post(f"{path}/withdraw", headers={**world.maker.headers, "if-match": '"1"'})
    assert answer.status_code == 200, answer.text
    return path


async def test_what_was_withdrawn_goes_on_its_day_unless_it_is_held_or_open(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock
) -> None:
    await builders.create_application(service, world.maker)
    await withdrawn(client, service, world)
    held = await withdrawn(client, service, world)
    path = f"{held}/hold"
    assert (await client.post(path, json={"reason": "A court."}, headers=world.checker.headers)).status_code == 201
    move_clock(timedelta(days=90) - A_DAY)
    await forget.forget_all_due(service)
    assert await erased(service) == [False, False, False]
    move_clock(A_DAY * 2)
    await forget.forget_all_due(service)
    await forget.forget_all_due(service)
    assert await erased(service) == [False, True, False]
    [told] = await actions(service, "application.erased")
    assert told["why"] == "retention_over"
    world = await builders.load_world(service)
    lifted = await client.post(f"{path}/lift", json={"reason": "Over."}, headers=world.checker.headers)
    assert lifted.status_code == 200
    await forget.forget_all_due(service)
    assert await erased(service) == [False, True, True]


async def test_a_merchants_case_waits_for_five_years_after_its_closing_and_longer_where_a_policy_says_so(
    service: Service, world: World, move_clock: Clock
) -> None:
    await builders.create_merchant(service, world)
    await closed_seller(service, world)
    text = "[retention_days]\napproved = 1900"
    await desk.publish_text(service, text, "dfsp", "greenbankfsp", None, "seven years")
    in_force.forget(service)
    move_clock(FIVE_YEARS + A_DAY)
    await forget.forget_all_due(service)
    assert await erased(service) == [False, False]
    move_clock(timedelta(days=1900 - 1826))
    await forget.forget_all_due(service)
    assert await erased(service) == [False, True]


async def test_pictures_of_faces_go_before_the_rest(service: Service, world: World, move_clock: Clock) -> None:
    await closed_seller(service, world)
    draft = await builders.create_application(service, world.maker)
    await builders.create_document(service, world.maker, draft)
    await closed_seller(service, world)
    async with service.db.system() as tx:
        await tx.execute(
            "UPDATE document SET purpose = 'selfie' WHERE id <> (SELECT max(id::text)::uuid FROM document)"
        )
    move_clock(timedelta(days=91))
    await forget.forget_all_due(service)
    async with service.db.system_reads() as tx:
        rows = await tx.fetch("SELECT purpose, erased_at IS NOT NULL AS gone FROM document ORDER BY id")
    assert [tuple(row) for row in rows] == [("selfie", True), ("selfie", False), ("site_photo", False)]
    assert await erased(service) == [False, False, False]


async def test_more_than_one_batch_is_worked_off(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await withdrawn(client, service, world)
    monkeypatch.setattr(forget, "_BATCH", 1)
    monkeypatch.setattr(forget, "_DUE", forget._DUE.replace("LIMIT 20", "LIMIT 1"))
    move_clock(timedelta(days=91))
    await forget.forget_all_due(service)
    assert await erased(service) == [True, True, True]


def test_the_worker_runs_it() -> None:
    assert forget.forget_all_due in [timer.run for timer in TIMERS]


async def test_a_live_merchant_keeps_what_a_forgotten_case_of_it_verified(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock
) -> None:
    merchant, _ = await builders.create_merchant(service, world)
    change = {"kind": "change", "contact": {"phone": "+254711999000"}}
    opened = await client.post(f"/api/v1/merchants/{merchant.id}/cases", json=change, headers=world.maker.headers)
    path = f"/api/v1/cases/{opened.json()['id']}"
    seen = {"attribute": "identity", "subject": "owners[0]", "outcome": "verified", "method": "document"}
    added = await client.post(f"{path}/verifications", json=seen, headers=world.maker.headers)
    assert added.status_code == 201, added.text
    assert (await client.post(f"{path}/withdraw", headers=world.maker.headers)).status_code == 200
    move_clock(timedelta(days=91))
    await forget.forget_all_due(service)
    assert await erased(service) == [False, True]
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM verification WHERE facts = ''") == 0
        assert await tx.fetchval("SELECT count(*) FROM verification WHERE method = 'document'") == 1
