"""A merchant moves to another DFSP: nothing that was open for it is left behind at the old one."""

import asyncio
from typing import Any

import httpx
import pytest

from merchant.compliance.cases.withdrawals import lock_open_cases
from merchant.core.access import SERVICE, Role
from merchant.core.service import Service
from merchant.people import operations
from tests import builders
from tests.builders import World
from tests.merchant.compliance.cases.banks import Bank, put_list

pytestmark = pytest.mark.anyio
ACCOUNT = {"settlement_account": {"account_id": "LM-77", "account_name": "Shop", "currency": "USD"}}


class Banks:
    """A merchant of greenbankfsp that moves to another DFSP."""

    def __init__(self, client: httpx.AsyncClient, service: Service, world: World) -> None:
        self.client, self.service, self.world = client, service, world
        self.old, self.new = (Bank(client, service, world, fsp_id) for fsp_id in builders.DFSPS)
        self.merchant_id: Any = None

    async def offer(self, to: Bank | None = None, fsp_id: str = "lakemfi") -> str:
        """Let the old DFSP approve the transfer; the path of the case that the new one finds, ready to be approved."""
        bank = to or self.new
        given = await self.old.open_case(self.merchant_id, "transfer", to_fsp_id=fsp_id, reason="She signed for it.")
        await self.old.decide(given)
        [offered] = (await bank.send("GET", "cases?kind=transfer"))["items"]
        offer = f"cases/{offered['id']}"
        assert (await bank.patch(offer, ACCOUNT)).status_code == 200
        await bank.submit(offer)
        return offer

    async def audited(self, case: str) -> list[tuple[str, str]]:
        """Who did what to a case, oldest first."""
        async with self.service.db.system_reads() as tx:
            rows = await tx.fetch(
                "SELECT actor_kind, action FROM audit_entry WHERE subject_id = $1 ORDER BY at", case.partition("/")[2]
            )
        return [(row["actor_kind"], row["action"]) for row in rows]


@pytest.fixture
async def banks(client: httpx.AsyncClient, service: Service, world: World) -> Banks:
    made = Banks(client, service, world)
    merchant, _ = await builders.create_merchant(service, world)
    made.merchant_id = merchant.id
    return made


@pytest.mark.parametrize("is_submitted", [False, True])
async def test_a_case_left_open_at_the_old_dfsp_ends_with_the_move_and_the_new_one_opens_its_own(
    banks: Banks, is_submitted: bool
) -> None:
    left = await banks.old.open_case(banks.merchant_id, "change")
    if is_submitted:
        await banks.old.submit(left)
        await banks.old.send("POST", f"{left}/claim", who="checker")
    offer = await banks.offer()
    await banks.new.approve(offer)
    shown = await banks.old.send("GET", left)
    assert (shown["state"], shown["claimed_by"]) == ("withdrawn", None)
    assert (await banks.audited(left))[-1] == ("service", "application.withdrawn")
    assert await banks.old.refused("POST", f"{left}/withdraw") == (409, "wrong_state")
    again = await banks.new.open_case(banks.merchant_id, "change")
    await banks.new.decide(again)
    assert (await banks.new.send("GET", again))["state"] == "approved"


async def test_a_list_hit_after_the_move_opens_a_review_at_the_new_dfsp(banks: Banks) -> None:
    left = await banks.old.open_case(banks.merchant_id, "review")
    await banks.new.approve(await banks.offer())
    await put_list(banks.service, banks.client, banks.world, "7,person,Amina Odhiambo,,1980-02-03,KE,,fraud")
    [review] = (await banks.new.send("GET", f"cases?merchant_id={banks.merchant_id}&kind=review"))["items"]
    assert (review["state"], review["trigger"]) == ("in_review", "list_hit")
    assert (await banks.old.send("GET", left))["state"] == "withdrawn"


async def test_an_appeal_left_open_at_the_old_dfsp_ends_as_the_rejection_that_it_was_against(banks: Banks) -> None:
    left = await banks.old.open_case(banks.merchant_id, "change")
    await banks.old.submit(left)
    await banks.old.send("POST", f"{left}/reject", {"reason": "Not convinced."}, "checker")
    await banks.old.send("POST", f"{left}/appeal", {"reason": "The association knows her."}, "maker2")
    await banks.new.approve(await banks.offer())
    assert (await banks.old.send("GET", left))["state"] == "rejected"
    assert (await banks.audited(left))[-1] == ("service", "application.appeal_withdrawn")


async def test_what_the_old_dfsp_decided_stays_for_it_to_read(banks: Banks) -> None:
    decided = await banks.old.open_case(banks.merchant_id, "change")
    await banks.old.decide(decided)
    await banks.new.approve(await banks.offer())
    assert (await banks.old.send("GET", decided))["state"] == "approved"
    assert await banks.old.refused("GET", f"merchants/{banks.merchant_id}") == (404, "not_found")


async def test_a_merchant_that_moved_is_not_taken_by_another_dfsp_that_held_an_offer(banks: Banks) -> None:
    async with banks.service.db.tenant(None) as tx:
        third = await operations.create_dfsp(tx, banks.service, SERVICE, "hillsacco", "Hill")
    for title, role in (("maker", Role.DFSP_MAKER), ("checker", Role.DFSP_CHECKER)):
        await builders.add_person(banks.service, f"{title}@hillsacco.example", [role], dfsp_id=third.id)
    bank = Bank(banks.client, banks.service, await builders.load_world(banks.service), "hillsacco")
    first, second = await banks.offer(), await banks.offer(bank, "hillsacco")
    await banks.new.approve(first)
    assert (await bank.send("GET", second))["state"] == "withdrawn"
    assert await bank.refused("GET", f"merchants/{banks.merchant_id}") == (404, "not_found")
    assert (await banks.new.send("GET", f"merchants/{banks.merchant_id}"))["state"] == "active"


async def test_a_case_that_is_being_worked_on_is_waited_for_before_its_merchant_is_locked(banks: Banks) -> None:
    left = await banks.old.open_case(banks.merchant_id, "change")
    offer = await banks.offer()
    read = await banks.new.send("GET", offer, who="checker")
    await banks.new.send("POST", f"{offer}/approve", {"version_hash": read["version_hash"]}, "checker")
    async with banks.service.db.system() as tx:
        [held] = await lock_open_cases(tx, banks.merchant_id, but=[])
        assert str(held.id) == left.partition("/")[2]
        moving = asyncio.create_task(builders.work(banks.service))
        async with asyncio.timeout(20):
            while not await tx.fetchval("SELECT true FROM pg_locks WHERE NOT granted LIMIT 1"):
                await asyncio.sleep(0.01)
        # Whoever decides on the case goes on to its merchant: its lock must be free.
        assert await tx.fetchval("SELECT true FROM merchant WHERE id = $1 FOR UPDATE NOWAIT", banks.merchant_id)
    await moving
    assert (await banks.old.send("GET", left))["state"] == "withdrawn"
    assert (await banks.new.send("GET", f"merchants/{banks.merchant_id}"))["state"] == "active"
