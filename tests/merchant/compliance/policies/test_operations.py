"""Policies in the hands of people: two of them, each at their own layer, and no text that ever changes."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

import kyb
from merchant.compliance.policies import operations
from merchant.compliance.policies.in_force import policy_of, read_policies
from merchant.core import clock, ids
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.compliance.policies.desk import ASKS_FOR_MORE, HALVED, LOOSER, STRICTER, Desk, at, faults, refused

pytestmark = [pytest.mark.anyio, pytest.mark.database]


def in_days(count: int) -> str:
    return (clock.local_date(clock.now(), builders.SCHEME.time_zone) + timedelta(days=count)).isoformat()


async def audited(service: Service, action: str) -> list[dict[str, Any]]:
    async with service.db.system_reads() as tx:
        rows = await tx.fetch("SELECT actor_id, detail FROM audit_entry WHERE action = $1 ORDER BY seq", action)
    return [{"actor_id": row["actor_id"], **row["detail"]} for row in rows]


class TestTwoPeople:
    async def test_the_second_publishes_what_the_first_proposed_and_it_counts_at_once(
        self, operator: Desk, hub_checker: Desk, service: Service, world: World
    ) -> None:
        before = (await policy_of(service, None)).limits("T3", "USD").per_payment_minor
        proposed = await operator.propose(HALVED, note="Losses of last year.")
        assert (proposed["state"], proposed["in_force"], proposed["text"]) == ("proposed", False, HALVED)
        assert (await policy_of(service, None)).limits("T3", "USD").per_payment_minor == before
        published = await hub_checker.publish(proposed)
        assert (published["state"], published["in_force"], published["sha256"]) == (
            "published",
            True,
            proposed["sha256"],
        )
        after = await policy_of(service, world.dfsp_ids["lakemfi"])
        assert after.limits("T3", "USD").per_payment_minor * 2 == before
        assert after.policy_version.startswith("generic@2026.2-half+")
        [first], [second] = await audited(service, "policy.proposed"), await audited(service, "policy.published")
        assert first["sha256"] == second["sha256"] == proposed["sha256"]
        assert first["version"] == f"generic@2026.2-half+{proposed['sha256'][:12]}"
        assert second["proposed_by"] == str(world.operator.actor.id)
        assert "Losses" not in str(first)  # someone's own words are sealed beside the entry

    async def test_the_proposer_may_not_publish_and_nobody_publishes_twice(
        self, operator: Desk, hub_checker: Desk
    ) -> None:
        proposed = await operator.propose(HALVED)
        assert refused(await operator.post(f"/{proposed['id']}/publish")) == (403, "checker_is_maker")
        await hub_checker.publish(proposed)
        assert refused(await hub_checker.post(f"/{proposed['id']}/publish")) == (409, "wrong_state")
        assert refused(await hub_checker.post(f"/{ids.uuid7()}/publish")) == (404, "not_found")

    async def test_of_a_person_who_left_nothing_is_published(
        self, operator: Desk, hub_checker: Desk, service: Service
    ) -> None:
        proposed = await hub_checker.propose(HALVED)
        async with service.db.system() as tx:
            await tx.execute("UPDATE app_user SET enabled = false WHERE email = 'checker@hub.example'")
        assert refused(await operator.post(f"/{proposed['id']}/publish")) == (409, "proposer_gone")

    async def test_the_same_text_again_is_nothing_new(self, operator: Desk, hub_checker: Desk) -> None:
        first, second = await operator.propose(HALVED), await operator.propose(HALVED)
        await hub_checker.publish(first)
        assert refused(await operator.post(body={"layer": "scheme", "text": HALVED})) == (422, "nothing_proposed")
        assert refused(await hub_checker.post(f"/{second['id']}/publish")) == (422, "nothing_proposed")

    async def test_what_is_not_wanted_is_withdrawn_and_never_published(
        self, operator: Desk, hub_checker: Desk, service: Service
    ) -> None:
        proposed = await operator.propose(HALVED)
        withdrawn = await operator.post(f"/{proposed['id']}/withdraw")
        assert withdrawn.json()["state"] == "withdrawn"
        assert refused(await hub_checker.post(f"/{proposed['id']}/publish")) == (409, "wrong_state")
        assert refused(await hub_checker.post(f"/{proposed['id']}/withdraw")) == (409, "wrong_state")
        in_force = await hub_checker.publish(await operator.propose(HALVED))
        assert refused(await operator.post(f"/{in_force['id']}/withdraw")) == (409, "day_past")
        coming = await hub_checker.publish(await operator.propose(ASKS_FOR_MORE, effective_on=in_days(9)))
        assert (await operator.post(f"/{coming['id']}/withdraw")).json()["state"] == "withdrawn"
        async with service.db.system_reads() as tx:
            assert [str(one.id) for one in (await read_policies(tx)).layers] == [in_force["id"]]
        assert len(await audited(service, "policy.withdrawn")) == 2


class TestWhoseLayer:
    async def test_each_writes_their_own_layer_and_no_other(
        self, client: httpx.AsyncClient, world: World, operator: Desk
    ) -> None:
        staff = world["greenbankfsp"]
        admin, checker = at(client, staff["admin"]), at(client, staff["checker"])
        for layer in ("scheme", "jurisdiction"):
            answer = await admin.post(body={"layer": layer, "text": HALVED})
            assert refused(answer) == (403, "not_allowed")
        own = str(world.dfsp_ids["greenbankfsp"])
        answer = await operator.post(body={"layer": "dfsp", "dfsp_id": own, "text": STRICTER})
        assert refused(answer) == (403, "not_allowed")
        other = str(world.dfsp_ids["lakemfi"])
        answer = await admin.post(body={"layer": "dfsp", "dfsp_id": other, "text": STRICTER})
        assert refused(answer) == (404, "not_found")
        answer = await operator.post(body={"layer": "scheme", "dfsp_id": own, "text": HALVED})
        assert refused(answer) == (422, "invalid_fields")
        proposed = await admin.propose(STRICTER, "dfsp")
        assert proposed["dfsp_id"] == own
        assert refused(await admin.post(f"/{proposed['id']}/publish")) == (403, "checker_is_maker")
        assert refused(await operator.post(f"/{proposed['id']}/publish")) == (403, "not_allowed")
        assert (await checker.publish(proposed))["in_force"]

    async def test_a_dfsp_sees_nothing_of_another_and_of_the_scheme_what_is_published(
        self, client: httpx.AsyncClient, world: World, operator: Desk, hub_checker: Desk
    ) -> None:
        green, lake = at(client, world["greenbankfsp"]["admin"]), at(client, world["lakemfi"]["admin"])
        own = await green.propose(STRICTER, "dfsp")
        waiting = await operator.propose(HALVED)
        assert [one["id"] for one in (await green.get()).json()["items"]] == [own["id"]]
        assert (await lake.get()).json()["items"] == []
        for path in ("", "/publish", "/withdraw", "/shadow"):
            for hidden in (own, waiting):
                call = lake.get if not path else lake.post
                assert refused(await call(f"/{hidden['id']}{path}")) == (404, "not_found"), path
        other = {"dfsp_id": str(world.dfsp_ids["greenbankfsp"])}
        assert refused(await lake.get("/in-force", **other)) == (404, "not_found")
        await hub_checker.publish(waiting)
        assert [one["id"] for one in (await lake.get()).json()["items"]] == [waiting["id"]]
        assert (await lake.get(f"/{waiting['id']}")).json()["text"] == HALVED
        seen = [one["id"] for one in (await operator.get()).json()["items"]]
        assert seen == [waiting["id"], own["id"]]
        assert len((await operator.get(layer="dfsp", state="proposed")).json()["items"]) == 1

    async def test_makers_and_keys_read_and_never_write(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        key = Desk(client, await builders.issue_key(service, world["greenbankfsp"]["admin"], ["policies:read"]))
        for desk in (at(client, world.maker), key):
            assert (await desk.get()).status_code == 200
            answer = await desk.post(body={"layer": "dfsp", "text": STRICTER})
            assert refused(answer) == (403, "not_allowed")


IMPOSSIBLE = """
[checks.impossible]
type = "attribute_verified"
attribute = "tax"
by = ["one_time_code"]
says = "Verify the tax number."
[tiers.T3.requires]
all = ["impossible"]"""

VOLUME = """
[checks.volume]
type = "volume_observed"
minimum_units = 100
says = "Take payments for a month."
[tiers.T2.requires]
all = ["volume"]"""


class TestLayers:
    async def test_a_layer_that_loosens_is_refused_with_the_place(
        self, client: httpx.AsyncClient, world: World, operator: Desk, hub_checker: Desk
    ) -> None:
        """Scenario 30: a DFSP's policy that loosens the scheme's limit."""
        admin = at(client, world["greenbankfsp"]["admin"])
        answer = await admin.post(body={"layer": "dfsp", "text": LOOSER})  # with nothing published, over the packaged
        assert refused(answer) == (422, "unsound_policy")
        assert "tiers.T3: permits more than the layer above (credit) in USD and " in faults(answer)
        await hub_checker.publish(await operator.propose(HALVED))
        above = (
            "[tiers.T3]\nlimits = { per_payment = 5001, per_day = 50000, per_month = 500000, payments_per_day = 9999 }"
        )
        assert "tiers.T3: permits more" in faults(await admin.post(body={"layer": "dfsp", "text": above}))

    @pytest.mark.parametrize(
        ("text", "named"),
        [
            ("x = ", "not TOML"),
            (" ", "characters"),
            ('name = "no spaces please"', "name"),
            ("[tiers.T0]\nkinds = []", "nobody can reach"),
            ('[tiers.T1]\nmcc_refused = ["@low", "@medium", "@high"]', "every trade is refused"),
            ("[tiers.T9]\ntitle = 'x'", "kinds"),
            (IMPOSSIBLE, "checks.impossible.by: one_time_code cannot verify tax"),
            (VOLUME, "checks.volume: this service counts no turnover"),
        ],
    )
    async def test_what_is_unsound_or_that_nobody_reaches_is_refused(
        self, operator: Desk, text: str, named: str
    ) -> None:
        """Scenario 30: an unreachable tier."""
        whole = text if text in ("x = ", " ") else f'extends = "generic"\n{text}'
        answer = await operator.post(body={"layer": "scheme", "text": whole})
        assert refused(answer) == (422, "unsound_policy")
        assert named in faults(answer)

    async def test_a_scheme_layer_must_leave_every_dfsps_layer_standing(
        self, client: httpx.AsyncClient, world: World, operator: Desk, hub_checker: Desk
    ) -> None:
        staff = world["greenbankfsp"]
        own = (
            "[tiers.T3]\nlimits = { per_payment = 9000, per_day = 50000, per_month = 500000, payments_per_day = 9999 }"
        )
        await at(client, staff["checker"]).publish(await at(client, staff["admin"]).propose(own, "dfsp"))
        answer = await operator.post(body={"layer": "scheme", "text": HALVED})
        assert refused(answer) == (422, "unsound_policy")
        assert "greenbankfsp" in faults(answer)
        assert "tiers.T3: permits more than the layer above" in faults(answer)
        # What was sound when it was proposed is looked at again when it is published.
        late = await at(client, staff["admin"]).propose(STRICTER, "dfsp", effective_on=in_days(3))
        await hub_checker.publish(await operator.propose('extends = "generic"\n[tiers.T3.requires]\nall = ["account"]'))
        fewer = STRICTER.replace("per_payment = 600", "per_payment = 599")
        jurisdiction = f'extends = "generic"\n{fewer}'
        assert "greenbankfsp" in faults(await operator.post(body={"layer": "jurisdiction", "text": jurisdiction}))
        assert (await at(client, staff["checker"]).publish(late))["state"] == "published"

    async def test_a_tier_that_merchants_hold_stays_open_to_them(
        self, operator: Desk, service: Service, world: World
    ) -> None:
        await builders.create_merchant(service, world, document=builders.company())
        for preset, code in (("waemu", "currency_in_use"), ("pk-2025", "currency_in_use")):
            answer = await operator.post(body={"layer": "scheme", "text": kyb.preset(preset)})
            assert {one["code"] for one in answer.json()["errors"]} == {code}
        async with service.db.system() as tx:
            await tx.execute("UPDATE merchant SET tier = 'T0', kind = 'individual', currencies = '{XOF}'")
        answer = await operator.post(body={"layer": "jurisdiction", "text": kyb.preset("waemu")})
        [fault] = answer.json()["errors"]
        assert (fault["path"], fault["code"]) == ("text", "tier_in_use")
        assert "1 merchants of greenbankfsp (individual) hold tier T0" in fault["message"]

    @pytest.mark.parametrize(("day", "code"), [(-1, "past"), (3_000, "too_far")])
    async def test_a_policy_counts_from_today_on(self, operator: Desk, day: int, code: str) -> None:
        answer = await operator.post(body={"layer": "scheme", "text": HALVED, "effective_on": in_days(day)})
        assert [one["code"] for one in answer.json()["errors"]] == [code]

    async def test_only_so_many_wait_at_a_time(self, operator: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(operations, "PROPOSALS_MAX", 1)
        await operator.propose(HALVED)
        answer = await operator.post(body={"layer": "scheme", "text": ASKS_FOR_MORE})
        assert refused(answer) == (409, "too_many_proposals")
        await operator.propose(ASKS_FOR_MORE, "jurisdiction")


class TestDays:
    async def test_a_coming_policy_shows_as_future_requirements_and_is_due_on_its_day(
        self,
        client: httpx.AsyncClient,
        operator: Desk,
        hub_checker: Desk,
        service: Service,
        world: World,
        move_clock: Callable[[timedelta], datetime],
    ) -> None:
        """Scenario 29: announced 60 days ahead, then due; a case that was submitted ends under what it began with."""
        draft = await builders.create_application(service, world.maker, builders.company())
        submitted = await builders.create_application(service, world.maker, builders.company(), submitted=True)
        day = in_days(60)
        published = await hub_checker.publish(await operator.propose(ASKS_FOR_MORE, effective_on=day))
        assert (published["in_force"], published["effective_on"]) == (False, day)

        async def needs(application: Any) -> dict[str, Any]:
            path = f"/api/v1/applications/{application.id}"
            maker = await builders.signed_in(service, world.maker.email)
            answer = await client.get(path, headers=maker.headers)
            found: dict[str, Any] = answer.json()["requirements"]
            return found

        announced = (await needs(draft))["future"]
        assert [(one["from_day"], {due["key"] for due in one["currently_due"]}) for one in announced] == [
            (day, {"site", "business.tax_id"})
        ]
        coming = (await operator.get("/in-force")).json()["coming"]
        assert [one["from_day"] for one in coming] == [day]
        move_clock(timedelta(days=60))
        due = {one["key"] for one in (await needs(draft))["currently_due"]}
        assert {"site", "business.tax_id"} <= due
        assert not {"site", "business.tax_id"} & {one["key"] for one in (await needs(submitted))["currently_due"]}
        operator = at(client, await builders.signed_in(service, builders.OPERATOR))
        assert (await operator.get(f"/{published['id']}")).json()["in_force"]

    async def test_a_day_that_passed_while_the_policy_waited_becomes_today(
        self,
        client: httpx.AsyncClient,
        service: Service,
        hub_checker: Desk,
        operator: Desk,
        move_clock: Callable[[timedelta], datetime],
    ) -> None:
        proposed = await operator.propose(HALVED, effective_on=in_days(1))
        move_clock(timedelta(days=5))
        hub_checker = at(client, await builders.signed_in(service, "checker@hub.example"))
        assert (await hub_checker.publish(proposed))["effective_on"] == in_days(0)

    async def test_a_layer_for_an_earlier_day_does_not_outlast_a_later_one(
        self, operator: Desk, hub_checker: Desk, service: Service
    ) -> None:
        await hub_checker.publish(await operator.propose(ASKS_FOR_MORE, effective_on=in_days(20)))
        await hub_checker.publish(await operator.propose(HALVED, effective_on=in_days(10)))
        async with service.db.system_reads() as tx:
            known = await read_policies(tx)
        versions = [known.in_force(None, date.fromisoformat(in_days(day))).text.version for day in (0, 10, 19, 20, 90)]
        assert versions == ["2026.2", "2026.2-half", "2026.2-half", "2026.3", "2026.3"]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE policy_layer SET text = 'x'", "UPDATE policy_layer SET sha256 = 'x'", "DELETE FROM policy_layer"],
)
async def test_the_database_lets_nobody_change_a_text(service: Service, operator: Desk, statement: str) -> None:
    await operator.propose(HALVED)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with service.db.system() as tx:
            await tx.execute(statement)
