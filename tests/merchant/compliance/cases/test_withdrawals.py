"""Cases that are taken back: what was appealed only by whoever appealed it, and then it is rejected as before."""

from collections.abc import Callable
from datetime import datetime, timedelta

import httpx
import pytest
from sqlmodel import select

from merchant.compliance.cases import expiry
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.rights.retention import clock_of
from merchant.core.access import Permission
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.compliance.cases.banks import Bank

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]
APPEAL = {"reason": "The association knows her."}
ITEMS = {"items": [{"path": "owners", "reason": "Who?"}]}


@pytest.fixture
def bank(client: httpx.AsyncClient, service: Service, world: World) -> Bank:
    return Bank(client, service, world, "greenbankfsp")


@pytest.fixture
async def rejected(bank: Bank, service: Service, world: World) -> str:
    made = await builders.create_application(service, world.maker, submitted=True)
    await bank.send("POST", f"applications/{made.id}/reject", {"reason": "Not convinced."}, "checker")
    return f"applications/{made.id}"


async def kept_as(service: Service, path: str) -> str | None:
    """The clock by which a case is kept."""
    async with service.db.system_reads() as tx:
        row = await tx.one(select(Application).where(Application.id == path.partition("/")[2]))
        return (await clock_of(tx, service, row)).name


async def actions(service: Service) -> set[tuple[str, str]]:
    async with service.db.system_reads() as tx:
        rows = await tx.fetch("SELECT actor_kind, action FROM audit_entry WHERE action LIKE 'application.appeal%'")
    return {(row["actor_kind"], row["action"]) for row in rows}


@pytest.mark.parametrize("moment", ["submitted", "in_review", "returned", "draft"])
async def test_whoever_appealed_withdraws_the_appeal_which_leaves_the_rejection_as_it_was(
    bank: Bank, service: Service, rejected: str, moment: str
) -> None:
    before = await bank.send("GET", rejected)
    await bank.send("POST", f"{rejected}/appeal", APPEAL, "maker2")
    if moment != "submitted":
        await builders.work(service)
    if moment in ("returned", "draft"):
        await bank.send("POST", f"{rejected}/return", ITEMS, "checker2")
    if moment == "draft":
        assert (await bank.patch(rejected, {"external_ref": "R-1"})).status_code == 200
    assert (await bank.send("GET", rejected))["state"] == moment
    assert await bank.refused("POST", f"{rejected}/withdraw") == (403, "not_appellant")
    after = await bank.send("POST", f"{rejected}/withdraw", who="maker2")
    assert (after["state"], after["reject_reason"]) == ("rejected", before["reject_reason"])
    assert await kept_as(service, rejected) == "rejected"
    assert ("user", "application.appeal_withdrawn") in await actions(service)
    await builders.work(service)  # its screening finds nothing to do
    assert (await bank.send("GET", rejected))["state"] == "rejected"
    for who in ("maker2", "both"):
        assert await bank.refused("POST", f"{rejected}/appeal", APPEAL, who) == (409, "not_rejected")
    assert await bank.refused("POST", f"{rejected}/withdraw", who="maker2") == (409, "wrong_state")


async def test_a_key_that_another_person_issued_does_not_withdraw_an_appeal(
    bank: Bank, service: Service, world: World, rejected: str
) -> None:
    await bank.send("POST", f"{rejected}/appeal", APPEAL, "maker2")
    key = await builders.issue_key(service, world["greenbankfsp"]["admin"], [Permission.APPLICATIONS_WRITE])
    refused = await bank.client.post(f"/api/v1/{rejected}/withdraw", headers=key)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_appellant")


async def test_what_nobody_appealed_anybody_of_the_dfsp_withdraws(bank: Bank, service: Service, world: World) -> None:
    made = await builders.create_application(service, world.maker, submitted=True)
    assert (await bank.send("POST", f"applications/{made.id}/withdraw", who="maker2"))["state"] == "withdrawn"


async def test_an_appeal_that_nobody_goes_on_with_leaves_the_rejection_and_how_long_it_is_kept(
    bank: Bank, service: Service, rejected: str, move_clock: Clock
) -> None:
    await bank.send("POST", f"{rejected}/appeal", APPEAL, "maker2")
    await builders.work(service)
    await bank.send("POST", f"{rejected}/return", ITEMS, "checker2")
    move_clock(expiry.STALE_AFTER + timedelta(seconds=1))
    await expiry.expire_all_stale(service)
    assert await kept_as(service, rejected) == "rejected"
    assert ("service", "application.appeal_expired") in await actions(service)
