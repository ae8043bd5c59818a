"""A shadow run: what a layer would change for the merchants there are, told before it is published."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from merchant.compliance.policies import soundness
from merchant.compliance.policies.in_force import Published, today
from merchant.compliance.policies.problems import UnsoundPolicy
from merchant.compliance.shadow import run
from merchant.compliance.shadow.run import ShadowReport, shadow_run
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.compliance.policies.conftest import client, hub_checker, operator  # noqa: F401
from tests.merchant.compliance.policies.desk import ASKS_FOR_MORE, HALVED, STRICTER, Desk, at

pytestmark = [pytest.mark.anyio, pytest.mark.database]


async def shadow(service: Service, text: str, layer: str = "scheme", dfsp_id: UUID | None = None) -> ShadowReport:
    digest = soundness.sha256(text)
    draft = Published(layer=layer, dfsp_id=dfsp_id, effective_on=await today(service), text=text, sha256=digest)
    return await shadow_run(service, draft)


@pytest.fixture
async def merchants(service: Service, world: World) -> list[UUID]:
    """Two companies at greenbankfsp, one of them with a tax number, and one at lakemfi; one more has closed."""
    documents: list[tuple[str, Any]] = [
        ("greenbankfsp", builders.company()),
        ("greenbankfsp", builders.company(tax_id="P051234567X")),
        ("lakemfi", builders.company()),
        ("greenbankfsp", builders.company()),
    ]
    made = [(await builders.create_merchant(service, world, fsp_id, each))[0].id for fsp_id, each in documents]
    async with service.db.system() as tx:
        await tx.execute("UPDATE merchant SET state = 'closed' WHERE id = $1", made[-1])
    return made[:-1]


async def test_new_requirements_are_counted_and_nothing_is_changed(service: Service, merchants: list[UUID]) -> None:
    report = await shadow(service, ASKS_FOR_MORE)
    assert (report.merchants, report.checked) == (3, 3)
    assert report.newly_due == {"site": 3, "business.tax_id": 2}
    assert (report.tier_kept, report.tier_lost, report.tier_short) == (0, 3, 0)
    assert (report.newly_past_due, report.limits_lowered, report.limits_raised) == ({}, {}, {})
    assert set(report.examples) == set(merchants)
    async with service.db.system_reads() as tx:
        assert await tx.fetchval("SELECT count(*) FROM policy_layer") == 0
        assert {row["tier"] for row in await tx.fetch("SELECT tier FROM merchant")} == {"T3"}


async def test_lower_limits_are_counted_by_currency_of_those_they_concern(
    service: Service, world: World, merchants: list[UUID]
) -> None:
    report = await shadow(service, HALVED)
    assert report.limits_lowered == {"KES": 3, "USD": 3}
    assert (report.tier_kept, report.tier_lost, report.newly_due) == (3, 0, {})
    lake = world.dfsp_ids["lakemfi"]
    own = await shadow(service, STRICTER, "dfsp", lake)
    assert (own.merchants, own.limits_lowered, own.examples) == (1, {"KES": 1, "USD": 1}, [merchants[2]])


async def test_a_shorter_validity_makes_what_was_verified_past_due(service: Service, merchants: list[UUID]) -> None:
    async with service.db.system() as tx:
        old = "UPDATE verification SET at = at - interval '200 days' WHERE merchant_id = $1 OR application_id IN"
        await tx.execute(f"{old} (SELECT application_id FROM merchant WHERE id = $1)", merchants[0])
    report = await shadow(service, 'extends = "generic"\n[checks.owners]\nvalid = "5m"')
    assert report.newly_past_due == {"owners": 1}
    assert (report.tier_lost, report.examples) == (1, [merchants[0]])


async def test_the_same_policy_changes_nothing(service: Service, merchants: list[UUID]) -> None:
    report = await shadow(service, 'extends = "generic"')
    assert (report.tier_kept, report.tier_lost, report.examples) == (3, 0, [])
    assert not any((report.newly_due, report.newly_pending, report.newly_past_due, report.limits_lowered))


async def test_of_many_merchants_a_sample_is_judged_and_its_size_is_said(
    service: Service, merchants: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "MERCHANTS_MAX", 1)
    monkeypatch.setattr(run, "EXAMPLES_MAX", 1)
    report = await shadow(service, HALVED)
    chosen = [one for one in merchants if int(str(one)[-7:], 16) % 3 == 0]
    assert (report.merchants, report.checked) == (3, len(chosen))
    assert len(report.examples) <= 1


async def test_a_layer_that_does_not_hold_is_refused(service: Service) -> None:
    with pytest.raises(UnsoundPolicy):
        await shadow(service, 'extends = "generic"\ngrace = "99d"')


async def test_a_dfsp_is_told_of_its_own_merchants_only(
    client: httpx.AsyncClient,  # noqa: F811
    world: World,
    operator: Desk,  # noqa: F811
    hub_checker: Desk,  # noqa: F811
    merchants: list[UUID],
) -> None:
    proposed = await operator.propose(HALVED)
    told = await operator.post(f"/{proposed['id']}/shadow")
    assert (told.status_code, told.json()["merchants"]) == (200, 3)
    await hub_checker.publish(proposed)
    lake = at(client, world["lakemfi"]["admin"])
    told = await lake.post(f"/{proposed['id']}/shadow")
    assert (told.json()["merchants"], told.json()["examples"]) == (1, [str(merchants[2])])
    green = await at(client, world["greenbankfsp"]["admin"]).propose(STRICTER, "dfsp")
    assert (await lake.post(f"/{green['id']}/shadow")).status_code == 404
