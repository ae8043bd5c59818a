"""`merchant policies` at the database: the service acts alone, and the record says that it was the command line."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

import kyb
from merchant.compliance.policies.in_force import read_policies, today
from merchant.compliance.policies.problems import UnsoundPolicy
from merchant.core import errors
from merchant.core.service import Service
from merchant.programs import policies as desk
from merchant.scheme.problems import NothingProposed
from tests.builders import World
from tests.merchant.compliance.policies.desk import ASKS_FOR_MORE, HALVED, LOOSER, STRICTER

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def records(service: Service) -> list[tuple[str, str]]:
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(
            "SELECT action, detail FROM audit_entry WHERE action LIKE 'policy.%' ORDER BY dfsp_id, seq"
        )
    return [(row["action"], row["detail"]["by"]) for row in rows]


async def test_what_is_proposed_is_published_by_its_text_or_its_id(service: Service, world: World) -> None:
    proposed = await desk.propose(service, HALVED, "scheme", None, None, "Losses.")
    published = await desk.publish_text(service, HALVED, "scheme", None, None, "")
    assert proposed.split()[1] == published.split()[1]
    own = await desk.propose(service, STRICTER, "dfsp", "lakemfi", None, "")
    assert "published" in await desk.publish_id(service, UUID(own.split()[1]))
    with pytest.raises(NothingProposed):
        await desk.publish_text(service, HALVED, "scheme", None, None, "")
    with pytest.raises(UnsoundPolicy):
        await desk.publish_text(service, LOOSER, "dfsp", "greenbankfsp", None, "")
    with pytest.raises(errors.NotFound):
        await desk.publish_text(service, STRICTER, "dfsp", "nobody", None, "")
    with pytest.raises(errors.NotFound):
        await desk.publish_id(service, uuid4())
    assert await records(service) == [("policy.proposed", "command line"), ("policy.published", "command line")] * 2


async def test_show_says_what_is_in_force_what_comes_and_what_waits(service: Service, world: World) -> None:
    packaged = await desk.show(service, None)
    assert packaged[0].startswith("in force today, ")
    assert kyb.default_policy().policy_version in packaged[0]
    assert "      USD: payment 20, day 60, month 300, 30 payments a day, balance 300" in packaged
    day = await today(service) + timedelta(days=40)
    await desk.publish_text(service, HALVED, "scheme", None, None, "")
    coming = await desk.publish_text(service, ASKS_FOR_MORE, "scheme", None, day, "")
    await desk.publish_text(service, STRICTER, "dfsp", "lakemfi", None, "")
    await desk.propose(service, 'extends = "generic"', "jurisdiction", None, None, "")
    shown = "\n".join(await desk.show(service, "lakemfi"))
    assert f"from {day} on: generic@2026.3+" in shown
    assert shown.count("  dfsp  ") == 2
    assert "waiting: proposed " in shown
    assert "  dfsp  " not in "\n".join(await desk.show(service, None))
    assert "withdrawn" in await desk.withdraw(service, UUID(coming.split()[1]))
    assert f"from {day} on" not in "\n".join(await desk.show(service, None))


async def test_the_text_in_force_is_exported_byte_for_byte(service: Service, world: World) -> None:
    assert await desk.export(service, "scheme", None) == kyb.preset("generic")
    text = f"{HALVED}# a remark, \u00e9\r\n"
    await desk.publish_text(service, text, "scheme", None, None, "")
    assert await desk.export(service, "scheme", None) == text
    assert await desk.export(service, "jurisdiction", None) == ""
    assert await desk.export(service, "dfsp", "lakemfi") == ""


async def test_a_shadow_run_of_a_text_or_of_a_layer_stores_nothing(service: Service, world: World) -> None:
    told: list[tuple[int, int]] = []
    report = await desk.shadow(service, HALVED, "scheme", None, lambda done, of: told.append((done, of)))
    proposed = await desk.propose(service, HALVED, "scheme", None, None, "")
    again = await desk.shadow_id(service, UUID(proposed.split()[1]), lambda done, of: told.append((done, of)))
    assert (report, told) == (again, [])
    async with service.db.system_reads() as tx:
        assert (await read_policies(tx)).layers == ()
