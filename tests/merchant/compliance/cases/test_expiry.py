"""Expiry: drafts and returned applications that nobody touches for half a year, and nothing else."""

from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import pytest

from merchant.compliance.cases import expiry
from merchant.core.service import Service
from merchant.programs.slices import TIMERS
from tests import builders
from tests.builders import World

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]
A_SECOND = timedelta(seconds=1)


async def states(service: Service) -> list[str]:
    async with service.db.system_reads() as tx:
        return [row["state"] for row in await tx.fetch("SELECT state FROM application ORDER BY id")]


async def test_a_draft_expires_after_half_a_year_without_a_change_and_on_the_record(
    service: Service, world: World, move_clock: Clock
) -> None:
    draft = await builders.create_application(service, world.maker)
    move_clock(expiry.STALE_AFTER)
    await expiry.expire_all_stale(service)
    assert await states(service) == ["draft"]
    move_clock(A_SECOND)
    await expiry.expire_all_stale(service)
    await expiry.expire_all_stale(service)
    assert await states(service) == ["expired"]
    async with service.db.system_reads() as tx:
        entries = await tx.fetch(
            "SELECT actor_kind, subject_id, dfsp_id FROM audit_entry WHERE action = 'application.expired'"
        )
    assert [tuple(row) for row in entries] == [("service", str(draft.id), draft.dfsp_id)]


async def test_a_change_or_a_return_begins_the_time_anew(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock
) -> None:
    draft = await builders.create_application(service, world.maker)
    reviewed = await builders.create_application(service, world.maker, submitted=True)
    move_clock(expiry.STALE_AFTER)
    # Sessions end meanwhile.
    world = await builders.load_world(service)
    headers = {**world.maker.headers, "if-match": '"1"'}
    changed = await client.patch(f"/api/v1/applications/{draft.id}", json={"external_ref": "R"}, headers=headers)
    assert changed.status_code == 200
    items = {"items": [{"path": "owners", "reason": "Who?"}]}
    path = f"/api/v1/applications/{reviewed.id}/return"
    assert (await client.post(path, json=items, headers=world.checker.headers)).status_code == 200
    move_clock(A_SECOND)
    await expiry.expire_all_stale(service)
    assert await states(service) == ["draft", "returned"]
    move_clock(expiry.STALE_AFTER)
    await expiry.expire_all_stale(service)
    assert await states(service) == ["expired", "expired"]


async def test_what_waits_for_others_or_is_decided_never_expires(
    service: Service, world: World, move_clock: Clock
) -> None:
    await builders.create_merchant(service, world)
    await builders.create_application(service, world.maker, submitted=True)
    before = await states(service)
    assert before == ["approved", "in_review"]
    move_clock(expiry.STALE_AFTER * 10)
    await expiry.expire_all_stale(service)
    assert await states(service) == before


async def test_more_than_one_batch_of_several_dfsps_is_worked_off(
    service: Service, world: World, move_clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "_BATCH", 2)
    for fsp_id in ("greenbankfsp", "lakemfi", "greenbankfsp", "lakemfi", "greenbankfsp"):
        await builders.create_application(service, world[fsp_id]["maker"])
    move_clock(expiry.STALE_AFTER + A_SECOND)
    await expiry.expire_all_stale(service)
    assert await states(service) == ["expired"] * 5


def test_the_worker_runs_it_every_hour() -> None:
    [timer] = [timer for timer in TIMERS if timer.run is expiry.expire_all_stale]
    assert timer.every_s == 3600
