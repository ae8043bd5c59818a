"""Waivers: what two checkers do without counts at once for the version under review."""

from datetime import timedelta

import httpx
import pytest

from merchant.compliance.providers.port import Verdict
from merchant.compliance.providers.verdicts import Answered, take_verdict
from merchant.core import clock
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.compliance.cases.banks import Bank

pytestmark = pytest.mark.anyio


async def test_a_waiver_that_counts_lets_the_case_be_approved_without_another_screening(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    bank = Bank(client, service, world, "greenbankfsp")
    made = await builders.create_application(service, world.maker, builders.seller(), submitted=True)
    case = f"applications/{made.id}"
    async with service.db.system() as tx:
        refused = Answered(made.id, "phone", Verdict("rejected"), subject="contact")
        assert await take_verdict(tx, service, refused) == "recorded"
    assert (await bank.send("GET", case))["report"]["tier"] is None
    end = (clock.now() + timedelta(days=30)).date().isoformat()
    waiver = {"attribute": "phone", "subject": "contact", "reason": "Known for years.", "expires_on": end}
    await bank.send("POST", f"{case}/waivers", waiver, "checker")
    read = await bank.send("GET", case)
    approval = {"version_hash": read["version_hash"]}
    assert await bank.refused("POST", f"{case}/approve", approval, "checker") == (409, "no_tier")
    assert (await bank.send("POST", f"{case}/waivers", waiver, "checker2"))["outcome"] == "waived"
    assert (await bank.send("GET", case))["report"]["tier"] == "T0"
    await bank.approve(case)
    assert (await bank.send("GET", case))["state"] == "approved"
