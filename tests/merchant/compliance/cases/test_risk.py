"""The risk of a case decides how many people approve it; a live merchant is judged again when it took money."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

import kyb
from merchant.compliance.cases import risk, risk_nightly
from merchant.compliance.cases.policy import local_now
from merchant.compliance.cases.projection import merchant_case
from merchant.compliance.policies.in_force import policy_of
from merchant.core.service import Service
from merchant.payments.models import LimitUsage, Payment
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.api.everything import listed_company
from tests.builders import World
from tests.merchant.compliance.cases.risky import Desk, high_risk_company

pytestmark = pytest.mark.anyio
Clock = Callable[[timedelta], datetime]
DECLARED_MINOR = 100_000
PLAIN_TRADE = "5999"  # neither an everyday trade nor a risky one


async def take(service: Service, merchant: Merchant, minor: int, *, payments: int = 20, days_ago: int = 1) -> None:
    """Count money as payments do, in its day and its month."""
    day = (await local_now(service)).date() - timedelta(days=days_ago)
    async with service.db.system() as tx:
        for period in (day.isoformat(), day.strftime("%Y-%m")):
            row = LimitUsage(
                merchant_id=merchant.limit_group or merchant.id,
                dfsp_id=merchant.dfsp_id,
                period=period,
                currency="USD",
                taken_minor=minor,
                payments=payments,
            )
            await tx.session.merge(row)


async def shop(service: Service, world: World, fsp_id: str = "greenbankfsp") -> Merchant:
    """A live merchant that declared its turnover and is 12 points away from medium risk at most."""
    document = builders.company(mcc=PLAIN_TRADE, monthly_turnover_minor=DECLARED_MINOR)
    merchant, _ = await builders.create_merchant(service, world, fsp_id, document)
    assert merchant.risk == "low"
    return merchant


async def assessed(service: Service, merchant_id: UUID) -> kyb.Risk:
    async with service.db.system() as tx:
        merchant = await tx.session.get(Merchant, merchant_id)
        assert merchant is not None
        case, policy = await merchant_case(tx, service, merchant), await policy_of(service, merchant.dfsp_id)
        return (await risk.judge_merchant(tx, service, merchant, case, policy)).risk


async def audited(service: Service, action: str) -> list[tuple[Any, Any]]:
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(
            "SELECT detail->>'before' AS before, detail->>'after' AS after FROM audit_entry WHERE action = $1"
            " ORDER BY seq",
            action,
        )
    return [(row["before"], row["after"]) for row in rows]


async def test_the_report_lists_every_point_in_the_readers_language(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    desk = await Desk.open(client, service, world, builders.company())
    read = await desk.read()
    found = read["report"]["risk"]
    assert read["risk"] == found["band"] == "low"
    assert sum(one["points"] for one in found["contributions"]) == found["score"] == 20
    assert "Not every owner is known and verified." in [one["because"] for one in found["contributions"]]
    assert (found["stops"], found["weights_version"]) == ([], kyb.default_policy().risk_weights.weights_version)


async def test_a_high_risk_needs_two_checkers_who_are_different_people(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    desk = await Desk.open(client, service, world, high_risk_company())
    assert (await desk.read())["risk"] == "high"
    first = await desk.approve("checker")
    assert (first["merchant_id"], first["approvals"], first["approvals_needed"]) == (None, 1, 2)
    assert (await desk.approve("checker", 409))["code"] == "approved_already"
    assert (await desk.read())["state"] == "in_review"
    second = await desk.approve("checker2")
    assert (second["approvals"], second["approvals_needed"]) == (2, 2)
    # What the two vouched for takes the points of what nobody knew away.
    merchant = await client.get(f"/api/v1/merchants/{second['merchant_id']}", headers=world.maker.headers)
    assert merchant.json()["risk"] == "medium"
    assert await audited(service, "application.risk_changed") == [("high", "medium")]


async def test_a_merchants_own_people_are_not_told_its_risk(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    merchant = await shop(service, world)
    admin = world["greenbankfsp"]["admin"]
    own = await builders.issue_key(service, admin, ["merchants:read"], merchant_id=merchant.id)
    staff = (await client.get(f"/api/v1/merchants/{merchant.id}", headers=admin.headers)).json()
    theirs = (await client.get(f"/api/v1/merchants/{merchant.id}", headers=own)).json()
    assert (staff["risk"], theirs["risk"]) == ("low", None)


async def test_a_place_where_no_business_may_be_done_is_refused_whoever_approves(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document = builders.company()
    document["locations"].append({"country": "KP", "city": "Pyongyang"})
    desk = await Desk.open(client, service, world, document)
    read = await desk.read()
    assert (read["risk"], [one["code"] for one in read["report"]["risk"]["stops"]]) == (
        "unacceptable",
        ["country_black"],
    )
    for who in ("checker", "checker2"):
        assert (await desk.approve(who, 409))["code"] == "risk_unacceptable"
    assert (await desk.read())["approvals"] == 0


async def test_a_released_hit_makes_nobody_unacceptable_and_a_true_match_does(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    desk = await Desk.open(client, service, world, listed_company())
    assert (await desk.read())["risk"] == "unacceptable"
    for decision, band in (("true_match", "unacceptable"), ("false_positive", "unacceptable")):
        assert (await desk.decide_hits(decision, "checker"))["risk"] == band  # one of two does not release
    released = await desk.decide_hits("false_positive", "checker2")
    assert released["risk"] == released["report"]["risk"]["band"] == "medium"
    assert released["report"]["risk"]["stops"] == []
    assert "screening" in [one["factor"] for one in released["report"]["risk"]["contributions"]]
    assert (await desk.approve("checker2"))["merchant_id"] is not None


class TestNightly:
    async def test_three_times_the_declared_turnover_adds_12_points_and_the_band_change_opens_a_review(
        self, client: httpx.AsyncClient, service: Service, world: World, move_clock: Clock
    ) -> None:
        merchant = await shop(service, world)
        before = await assessed(service, merchant.id)
        await take(service, merchant, 3 * DECLARED_MINOR)
        after = await assessed(service, merchant.id)
        assert (after.score - before.score, before.band, after.band) == (12, "low", "medium")
        await risk_nightly.judge_all(service)
        await risk_nightly.judge_all(service)
        [case] = await self._reviews(client, service)
        assert (case["trigger"], case["state"], case["risk"]) == ("risk_rose", "draft", "medium")
        assert (await audited(service, "merchant.risk_changed"))[-1] == ("low", "medium")

        # It rises again while the review is open: there is one still.
        move_clock(timedelta(days=1))
        async with service.db.system() as tx:
            await tx.execute("UPDATE merchant SET risk = 'low' WHERE id = $1", merchant.id)
        await take(service, merchant, 3 * DECLARED_MINOR)
        await risk_nightly.judge_all(service)
        assert len(await self._reviews(client, service)) == 1

        # The service is no maker: a person declares anew and submits, another approves.
        maker, path = (await builders.signed_in(service, world.maker.email)).headers, f"/api/v1/cases/{case['id']}"
        read = await client.get(path, headers=maker)
        assert read.json()["makers"] == []
        business = {"business": read.json()["business"] | {"monthly_turnover_minor": 10 * DECLARED_MINOR}}
        changed = await client.patch(path, json=business, headers={**maker, "if-match": read.headers["etag"]})
        assert changed.status_code == 200, changed.text
        assert (await client.post(f"{path}/submit", headers=maker)).status_code == 200
        await builders.work(service)
        body = {"version_hash": (await client.get(path, headers=maker)).json()["version_hash"]}
        for who, status in (("maker", 403), ("checker", 200)):
            person = await builders.signed_in(service, f"{who}@greenbankfsp.example")
            done = await client.post(f"{path}/approve", json=body, headers=person.headers)
            assert done.status_code == status, done.text
        assert (await client.get(f"/api/v1/merchants/{merchant.id}", headers=maker)).json()["risk"] == "low"

    async def _reviews(self, client: httpx.AsyncClient, service: Service, fsp_id: str = "greenbankfsp") -> list[Any]:
        auditor = await builders.signed_in(service, f"auditor@{fsp_id}.example")
        found = await client.get("/api/v1/cases?kind=review", headers=auditor.headers)
        items: list[Any] = found.json()["items"]
        return items

    async def test_nobody_else_is_reviewed_for_it(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        busy, quiet, few, other = [await shop(service, world) for _ in range(3)] + [
            await shop(service, world, "lakemfi")
        ]
        await take(service, busy, DECLARED_MINOR)
        await take(service, few, 9 * DECLARED_MINOR, payments=9)
        await take(service, other, 3 * DECLARED_MINOR)
        await take(service, quiet, 9 * DECLARED_MINOR, days_ago=30)
        await risk_nightly.judge_all(service)
        assert await self._reviews(client, service) == []
        assert len(await self._reviews(client, service, "lakemfi")) == 1
        async with service.db.system_reads() as tx:
            looked_at = await tx.fetch("SELECT id FROM merchant WHERE risk_on IS NOT NULL")
        assert {row["id"] for row in looked_at} == {busy.id, few.id, other.id}

    async def test_a_locked_merchant_holds_up_nobody_and_is_judged_another_day(
        self, service: Service, world: World, move_clock: Clock
    ) -> None:
        locked, free = await shop(service, world), await shop(service, world)
        for merchant in (locked, free):
            await take(service, merchant, 3 * DECLARED_MINOR)
        async with service.db.system() as tx:
            await tx.fetch("SELECT id FROM merchant WHERE id = $1 FOR UPDATE", locked.id)
            await asyncio.wait_for(risk_nightly.judge_all(service), 20)
        bands = "SELECT risk FROM merchant WHERE id = $1"
        async with service.db.system_reads() as tx:
            assert [await tx.fetchval(bands, one.id) for one in (locked, free)] == ["low", "medium"]
        move_clock(timedelta(days=1))
        await risk_nightly.judge_all(service)
        async with service.db.system_reads() as tx:
            assert await tx.fetchval(bands, locked.id) == "medium"

    async def test_a_shop_is_not_blamed_for_what_its_owners_other_shops_take(
        self, service: Service, world: World
    ) -> None:
        merchant, sister = await shop(service, world), await shop(service, world)
        async with service.db.system() as tx:
            await tx.execute("UPDATE merchant SET limit_group = $1 WHERE id = $2", merchant.id, sister.id)
            counter = await tx.fetchrow("SELECT * FROM counter WHERE merchant_id = $1", merchant.id)
        await take(service, merchant, 3 * DECLARED_MINOR)  # both shops' in one row
        assert counter is not None
        for one, minor in ((merchant, DECLARED_MINOR // 20), (sister, DECLARED_MINOR // 5)):
            async with service.db.system() as tx:
                tx.session.add_all(_payment(one, counter, minor, number) for number in range(15))
        assert "turnover" not in [each.factor for each in (await assessed(service, merchant.id)).contributions]
        blamed = (await assessed(service, sister.id)).contributions
        assert [each.points for each in blamed if each.factor == "turnover"] == [12]


def _payment(merchant: Merchant, counter: Any, minor: int, number: int) -> Payment:
    return Payment(
        dfsp_id=merchant.dfsp_id,
        merchant_id=merchant.id,
        counter_id=counter["id"],
        payer_fsp_id="payerfsp",
        transfer_id=f"{merchant.id}"[-8:] + str(number),
        transaction_id="t",
        amount_minor=minor,
        currency="USD",
    )
