"""What an operator is told of the accounts."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from merchant.core.service import Service
from merchant.people import links, queries, users
from tests import builders
from tests.builders import World

pytestmark = pytest.mark.anyio


async def codes(service: Service) -> list[str]:
    async with service.db.system_reads() as tx:
        return [code for _severity, code, _sentence in await queries.account_faults(tx)]


async def test_what_is_missing_or_waits_is_told_and_nothing_else(
    service: Service, world: World, move_clock: Callable[[timedelta], datetime]
) -> None:
    assert await codes(service) == ["one_hub_operator", "staff_without_totp"]
    await builders.add_person(service, "second@hub.example", ["hub_operator"])
    async with service.db.system() as tx:
        await tx.execute("UPDATE app_user SET totp_confirmed_at = now()")
    assert await codes(service) == []
    admin = world["greenbankfsp"]["admin"].actor
    async with service.db.tenant(admin.dfsp_id) as tx:
        made = await users.create_user(tx, service, admin, email="a@x.example", name="A", roles=["dfsp_checker"])
        await links.invite(tx, service, admin, made)
    assert await codes(service) == ["proposals_waiting"]
    move_clock(timedelta(hours=73))
    assert await codes(service) == ["invitations_expired", "proposals_waiting"]
    async with service.db.system() as tx:
        await tx.execute("UPDATE app_user SET enabled = false WHERE dfsp_id IS NULL")
    assert (await codes(service))[0] == "no_hub_operator"
