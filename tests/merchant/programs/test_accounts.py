"""What `merchant user` refuses, in the words that it ends with."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import pytest

from merchant.core import audit, errors
from merchant.core.access import SERVICE
from merchant.core.service import Service
from merchant.people.users import Change
from merchant.programs import accounts

pytestmark = [pytest.mark.anyio, pytest.mark.database]
MAKER = "maker@greenbankfsp.example"
NEW = {"email": "a@x.example", "name": "N", "roles": ["dfsp_maker"], "fsp_id": "lakemfi", "print_link": True}


def create(**changes: Any) -> Callable[[Service], Awaitable[Any]]:
    return lambda service: accounts.create(service, **{**NEW, **changes})


def change(**wanted: Any) -> Callable[[Service], Awaitable[Any]]:
    return lambda service: accounts.change(service, MAKER, Change(**wanted))


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (create(email=MAKER), "exists"),
        (create(email="not one"), "not an e-mail address"),
        (create(email="a@x.example\n"), "not an e-mail address"),
        (create(name=" "), "1 to 128 characters"),
        (create(name="a\u202eb"), "control characters"),
        (create(fsp_id=None), "Say which DFSP"),
        (create(fsp_id="nofsp"), "no DFSP"),
        (create(roles=["hub_checker"]), "hub staff belong to no DFSP"),
        (create(roles=["merchant_owner"]), "Merchant roles need a merchant"),
        (create(roles=["dfsp_admin", "dfsp_checker"]), "may not hold dfsp_checker"),
        (change(roles=["dfsp_admin", "dfsp_maker"]), "may not hold dfsp_maker"),
        (change(roles=["hub_operator"]), "hub staff belong to no DFSP"),
        (lambda service: accounts.reset(service, "nobody@x.example", False, True), "Nobody has this e-mail address"),
        (lambda service: accounts.unlock(service, "nobody@x.example"), "Nobody has this e-mail address"),
    ],
)
async def test_what_cannot_be_done_is_refused_and_leaves_no_trace(
    service: Service, work: Callable[[Service], Awaitable[Any]], sentence: str
) -> None:
    trace = "SELECT (SELECT count(*) FROM audit_entry), (SELECT count(*) FROM app_user)"
    async with service.db.system_reads() as tx:
        before = await tx.fetchrow(trace)
    with pytest.raises(errors.MerchantError) as refused:
        await work(service)
    told = [one.message for one in refused.value.errors] or [refused.value.detail]
    assert sentence in " ".join(told)
    async with service.db.system_reads() as tx:
        assert await tx.fetchrow(trace) == before


async def test_the_machines_operator_may_take_the_last_administrator_away(service: Service) -> None:
    changed = await accounts.change(service, "admin@greenbankfsp.example", Change(enabled=False))
    assert not changed.enabled


@pytest.mark.parametrize(
    "work", [change(enabled=False), lambda service: accounts.reset(service, MAKER, True, True)], ids=["change", "reset"]
)
async def test_a_command_and_a_change_over_the_api_do_not_wait_for_each_other(
    service: Service, database_url: str, work: Callable[[Service], Awaitable[Any]]
) -> None:
    owner = await asyncpg.connect(database_url)  # who may see what others wait for
    async with service.db.system() as tx:
        # As the API does it: the person's row first, then the audit record.
        row = await tx.fetchrow("SELECT id, dfsp_id FROM app_user WHERE email = $1 FOR UPDATE", MAKER)
        assert row is not None
        command = asyncio.ensure_future(work(service))
        until = asyncio.get_running_loop().time() + 10
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        while not await owner.fetchval(waiting) and asyncio.get_running_loop().time() < until:
            await asyncio.sleep(0.01)
        assert not command.done()
        await audit.record(tx, SERVICE, "user.renamed", "user", row["id"], dfsp_id=row["dfsp_id"])
    await command
    await owner.close()
