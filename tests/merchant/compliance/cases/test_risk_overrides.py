"""One checker raises the risk of a case, two lower it, for a time, and never below what a fact asks for."""

from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import pytest

from merchant.compliance.cases import risk_nightly, sealed_fields
from merchant.compliance.cases.models import RiskOverride
from merchant.compliance.cases.policy import local_now
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.compliance.cases.risky import Desk, high_risk_company

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]


async def day(service: Service, days: int) -> str:
    return ((await local_now(service)).date() + timedelta(days=days)).isoformat()


async def test_one_checker_raises_at_once_and_it_counts_after_the_approval_too(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    desk = await Desk.open(client, service, world, builders.company())
    raised = await desk.set_risk("checker", "high")
    assert (raised["state"], raised["risk"], raised["reason"]) == ("in_force", "high", "We know them.")
    assert (await desk.read())["risk"] == "high"
    assert (await desk.approve("checker"))["merchant_id"] is None
    made = await desk.approve("checker2")
    async with service.db.system() as tx:
        [row] = await tx.fetch("SELECT * FROM risk_override")
        assert str(row["merchant_id"]) == made["merchant_id"]
        assert await tx.fetchval("SELECT risk FROM merchant") == "high"
        actions = await tx.fetch("SELECT action FROM audit_entry WHERE action LIKE '%risk%' ORDER BY seq")
        found = await tx.session.get(RiskOverride, row["id"])
        assert found is not None
        assert sealed_fields.risk_reason_of(service.vault, found) == "We know them."
    assert b"We know" not in row["reason_sealed"]
    assert [one["action"] for one in actions] == ["risk.raised", "application.risk_changed"]


async def test_two_checkers_lower_until_a_day_on_which_it_ends(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock
) -> None:
    desk = await Desk.open(client, service, world, high_risk_company())
    until = await day(service, 30)
    for _ in range(2):  # saying it again makes no second person
        proposed = await desk.set_risk("checker", "medium", until)
        assert (proposed["state"], proposed["risk"], proposed["confirmed_by"]) == ("proposed", "high", None)
    other_day = await desk.set_risk("checker2", "medium", await day(service, 29))
    assert (other_day["state"], (await desk.read())["risk"]) == ("proposed", "high")
    lowered = await desk.set_risk("checker2", "medium", until)
    assert (lowered["state"], lowered["risk"]) == ("in_force", "medium")
    assert lowered["by"] != lowered["confirmed_by"]
    move_clock(timedelta(days=30))
    first = await desk.approve("checker")
    assert (first["merchant_id"], first["approvals_needed"]) == (None, 2)


async def test_a_lowering_in_force_lets_one_approve_and_its_end_brings_the_merchant_back(
    client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock
) -> None:
    document = high_risk_company()
    document["locations"].append({"country": "KE", "kind": "physical", "city": "Kisumu"})
    desk = await Desk.open(client, service, world, document)
    await desk.set_risk("checker", "unacceptable")
    assert (await desk.approve("checker", 409))["code"] == "risk_unacceptable"
    until = await day(service, 10)
    for who in ("checker", "checker2"):
        answer = await desk.set_risk(who, "medium", until)
    assert answer["risk"] == "medium"
    assert (await desk.approve("checker"))["merchant_id"] is not None
    move_clock(timedelta(days=9))
    await risk_nightly.judge_all(service)
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT risk FROM merchant") == "medium"
    move_clock(timedelta(days=1))
    await risk_nightly.judge_all(service)
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT risk FROM merchant") == "unacceptable"
        assert await tx.fetchval("SELECT count(*) FROM application WHERE trigger = 'risk_rose'") == 1


@pytest.mark.parametrize(
    ("band", "days", "status", "code"),
    [
        ("medium", None, 422, "invalid_fields"),  # a lower one needs its end
        ("medium", 0, 422, "invalid_fields"),
        ("medium", 400, 422, "invalid_fields"),
        ("unacceptable", 0, 422, "invalid_fields"),
        ("high", None, 422, "invalid_fields"),  # it is high already
        ("low", 30, 409, "risk_bound"),  # the trade asks for medium at least
    ],
)
async def test_what_would_not_count_is_refused(
    client: httpx.AsyncClient, service: Service, world: World, band: str, days: int | None, status: int, code: str
) -> None:
    desk = await Desk.open(client, service, world, high_risk_company())
    until = await day(service, days) if days is not None else None
    assert (await desk.set_risk("checker", band, until, status))["code"] == code
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM risk_override") == 0


async def test_neither_makers_nor_strangers_nor_the_wrong_state_set_a_risk(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    desk = await Desk.open(client, service, world, builders.company())
    assert (await desk.set_risk("maker", "high", status=403))["code"] == "checker_is_maker"
    assert (await desk.set_risk("maker2", "high", status=403))["code"] == "not_allowed"
    assert (await desk.set_risk("checker@lakemfi.example", "high", status=404))["code"] == "not_found"
    assert (await desk.send("checker", "POST", "/risk", {"band": "none", "reason": "x"}, 422))["code"]
    draft = await builders.create_application(service, world.maker)
    other = Desk(client, service, draft.id)
    assert (await other.set_risk("checker", "high", status=409))["code"] == "wrong_state"
