"""The checker's decisions: four eyes by version, approval bound to the frozen hash, one outcome however many try."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from merchant.compliance.cases import review
from merchant.compliance.cases.models import Application
from merchant.core.service import Service
from tests import builders
from tests.builders import Person, World

pytestmark = pytest.mark.anyio
RETURNED = {"items": [{"path": "business.mcc", "reason": "Another category."}]}


async def decide(
    client: httpx.AsyncClient, person: Person, application: Application, name: str, body: Any = None
) -> httpx.Response:
    if name == "approve" and body is None:
        body = {"version_hash": application.version_hash}
    return await client.post(f"/api/v1/applications/{application.id}/{name}", json=body, headers=person.headers)


async def read(client: httpx.AsyncClient, person: Person, application: Application) -> dict[str, Any]:
    response = await client.get(f"/api/v1/applications/{application.id}", headers=person.headers)
    body: dict[str, Any] = response.json()
    return body


async def count(service: Service, table: str) -> int:
    async with service.db.system() as tx:
        found: int = await tx.fetchval(f"SELECT count(*) FROM {table}")
        return found


class TestApproval:
    async def test_an_approved_application_gives_every_counter_a_number(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        document = builders.company()
        document["locations"][0]["counters"] = [{"name": "Till 1"}, {"name": "Till 2", "own_alias": "mama.njeri"}]
        document["locations"].append({"country": "KE", "city": "Kisumu", "counters": [{}]})
        application = await builders.create_application(service, world.maker, document, submitted=True)
        response = await decide(client, world.checker, application, "approve")
        assert response.status_code == 200, response.text
        body = response.json()
        assert body["tier"] == "T3"
        assert [counter["name"] for counter in body["counters"]] == ["Till 1", "Till 2", "Kisumu"]
        assert [len(counter["alias"]) for counter in body["counters"]] == [8, 10, 8]
        assert body["counters"][1]["alias"] == "mama.njeri"
        merchant = await client.get(f"/api/v1/merchants/{body['merchant_id']}", headers=world.maker.headers)
        assert merchant.json()["state"] == "active"
        assert merchant.json()["application_id"] == str(application.id)
        assert len(merchant.json()["locations"]) == 2
        after = await read(client, world.maker, application)
        assert (after["state"], after["checker"], after["merchant_id"]) == (
            "approved",
            str(world.checker.actor.id),
            body["merchant_id"],
        )

    async def test_a_taken_own_alias_makes_no_merchant_at_all(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        document = builders.company()
        document["locations"][0]["counters"] = [{"name": "A"}, {"own_alias": "mama"}]
        await builders.create_merchant(service, world, "lakemfi", document)
        document["business"]["registration_number"] = "OTHER-1"
        application = await builders.create_application(service, world.maker, document, submitted=True)
        response = await decide(client, world.checker, application, "approve")
        assert (response.status_code, response.json()["code"]) == (409, "alias_taken")
        assert (await count(service, "merchant"), await count(service, "counter")) == (1, 2)
        assert (await read(client, world.maker, application))["state"] == "in_review"

    async def test_two_checkers_who_approve_at_once_make_one_merchant(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        application = await builders.create_application(service, world.maker, submitted=True)
        staff = world["greenbankfsp"]
        responses = await asyncio.gather(
            *(decide(client, staff[name], application, "approve") for name in ("checker", "checker2") * 5)
        )
        statuses = sorted(response.status_code for response in responses)
        assert statuses == [200] + [409] * 9
        assert await count(service, "merchant") == 1
        assert await count(service, "decision") == 1

    async def test_approval_and_rejection_at_once_have_one_outcome(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        application = await builders.create_application(service, world.maker, submitted=True)
        staff = world["greenbankfsp"]
        approved, rejected = await asyncio.gather(
            decide(client, staff["checker"], application, "approve"),
            decide(client, staff["checker2"], application, "reject", {"reason": "no"}),
        )
        assert sorted([approved.status_code, rejected.status_code]) == [200, 409]
        state = (await read(client, world.maker, application))["state"]
        assert state == ("approved" if approved.status_code == 200 else "rejected")
        assert await count(service, "merchant") == (approved.status_code == 200)


class TestFourEyes:
    @pytest.mark.parametrize("name", ["approve", "reject", "return", "claim"])
    async def test_a_maker_of_the_version_may_not_decide_on_it_even_with_both_roles(
        self, client: httpx.AsyncClient, service: Service, world: World, name: str
    ) -> None:
        both = world["greenbankfsp"]["both"]
        application = await builders.create_application(service, both, submitted=True)
        bodies = {"reject": {"reason": "no"}, "return": RETURNED}
        response = await decide(client, both, application, name, bodies.get(name))
        assert (response.status_code, response.json()["code"]) == (403, "checker_is_maker")
        assert (await read(client, both, application))["state"] == "in_review"

    async def test_one_word_written_by_the_checker_makes_them_a_maker(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        both = world["greenbankfsp"]["both"]
        application = await builders.create_application(service, world.maker)
        path = f"/api/v1/applications/{application.id}"
        edited = await client.patch(path, json={"external_ref": "R"}, headers={**both.headers, "if-match": '"1"'})
        assert edited.status_code == 200
        await client.post(f"{path}/submit", headers=world.maker.headers)
        await builders.work(service)
        version_hash = (await read(client, both, application))["version_hash"]
        response = await decide(client, both, application, "approve", {"version_hash": version_hash})
        assert (response.status_code, response.json()["code"]) == (403, "checker_is_maker")

    async def test_whoever_only_submitted_is_a_maker_too(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        both = world["greenbankfsp"]["both"]
        application = await builders.create_application(service, world.maker)
        await client.post(f"/api/v1/applications/{application.id}/submit", headers=both.headers)
        await builders.work(service)
        response = await decide(client, both, application, "approve")
        assert (response.status_code, response.json()["code"]) == (403, "checker_is_maker")

    async def test_the_rule_is_told_before_the_state(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        both = world["greenbankfsp"]["both"]
        draft = await builders.create_application(service, both)
        response = await decide(client, both, draft, "approve")
        assert response.json()["code"] == "checker_is_maker"

    async def test_another_checker_may_decide(self, client: httpx.AsyncClient, service: Service, world: World) -> None:
        application = await builders.create_application(service, world["greenbankfsp"]["both"], submitted=True)
        assert (await decide(client, world.checker, application, "approve")).status_code == 200

    async def test_makers_and_admins_cannot_decide_at_all(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        application = await builders.create_application(service, world.maker, submitted=True)
        for name in ("maker2", "admin", "auditor"):
            response = await decide(client, world["greenbankfsp"][name], application, "approve")
            assert (response.status_code, response.json()["code"]) == (403, "not_allowed")


class TestStaleVersions:
    async def test_an_approval_binds_to_the_hash_that_was_read(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        application = await builders.create_application(service, world.maker, submitted=True)
        for version_hash in ("", "0" * 64, application.version_hash[:-1], application.version_hash.upper()):
            response = await decide(client, world.checker, application, "approve", {"version_hash": version_hash})
            assert (response.status_code, response.json()["code"]) == (412, "stale_version"), version_hash
        assert await count(service, "merchant") == 0

    async def test_a_version_changed_after_the_checker_read_it_is_refused(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        application = await builders.create_application(service, world.maker, submitted=True)
        await decide(client, world["greenbankfsp"]["checker2"], application, "return", RETURNED)
        tag = (await client.get(f"/api/v1/applications/{application.id}", headers=world.maker.headers)).headers["etag"]
        headers = {**world.maker.headers, "if-match": tag}
        path = f"/api/v1/applications/{application.id}"
        changed = await client.patch(path, json={"external_ref": "changed"}, headers=headers)
        assert changed.json()["version"] == 2
        await client.post(f"{path}/submit", headers=world.maker.headers)
        await builders.work(service)
        response = await decide(client, world.checker, application, "approve")  # with the hash of version 1
        assert (response.status_code, response.json()["code"]) == (412, "stale_version")

    async def test_the_same_answers_in_another_version_have_another_hash(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        application = await builders.create_application(service, world.maker, submitted=True)
        await decide(client, world.checker, application, "return", RETURNED)
        path = f"/api/v1/applications/{application.id}"
        before = await client.get(path, headers=world.maker.headers)
        same = {"business": before.json()["business"]}
        headers = {**world.maker.headers, "if-match": before.headers["etag"]}
        after = (await client.patch(path, json=same, headers=headers)).json()
        assert after["business"] == before.json()["business"]
        assert after["version_hash"] != before.json()["version_hash"]


class TestReturnAndReject:
    async def test_a_returned_application_begins_a_version_whose_maker_is_the_editor(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        application = await builders.create_application(service, world.maker, submitted=True)
        returned = (await decide(client, world.checker, application, "return", RETURNED)).json()
        told = [item | {"resolved": False} for item in RETURNED["items"]]
        assert (returned["state"], returned["returned_items"]) == ("returned", told)
        assert returned["checker"] == str(world.checker.actor.id)
        maker2 = world["greenbankfsp"]["maker2"]
        path = f"/api/v1/applications/{application.id}"
        tag = (await client.get(path, headers=maker2.headers)).headers["etag"]
        edited = await client.patch(path, json={"external_ref": "R"}, headers={**maker2.headers, "if-match": tag})
        body = edited.json()
        assert (body["state"], body["version"], body["makers"]) == (
            "draft",
            2,
            [str(maker2.actor.id), str(world.maker.actor.id)],
        )
        assert (body["report"], body["checker"]) == (None, None)
        assert body["returned_items"] == told  # the maker still reads what to change
        await client.post(f"{path}/submit", headers=maker2.headers)
        await builders.work(service)
        final = await read(client, world.checker, application)
        approved = await decide(client, world.checker, application, "approve", {"version_hash": final["version_hash"]})
        assert approved.status_code == 200

    async def test_a_rejection_is_final_and_says_why(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        application = await builders.create_application(service, world.maker, submitted=True)
        rejected = (await decide(client, world.checker, application, "reject", {"reason": "Not a shop."})).json()
        assert (rejected["state"], rejected["reject_reason"]) == ("rejected", "Not a shop.")
        for name, body in (("approve", None), ("reject", {"reason": "x"}), ("return", RETURNED), ("claim", None)):
            response = await decide(client, world["greenbankfsp"]["checker2"], application, name, body)
            assert (response.status_code, response.json()["code"]) == (409, "wrong_state"), name

    async def test_reasons_are_demanded(self, client: httpx.AsyncClient, service: Service, world: World) -> None:
        application = await builders.create_application(service, world.maker, submitted=True)
        bad: list[tuple[str, Any]] = [
            ("reject", {}),
            ("reject", {"reason": ""}),
            ("reject", {"reason": " \n"}),
            ("reject", {"reason": "x" * 501}),
            ("return", {}),
            ("return", {"items": []}),
            ("return", {"items": [{"path": "x"}]}),
            ("return", {"items": [{"path": "", "reason": "x"}]}),
            ("return", {"items": [RETURNED["items"][0]] * 51}),
            ("approve", {}),
        ]
        for name, body in bad:
            response = await decide(client, world.checker, application, name, body)
            assert response.status_code == 422, (name, body)
        assert (await read(client, world.checker, application))["state"] == "in_review"

    async def test_nothing_is_decided_while_the_screening_runs_or_before_submission(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        application = await builders.create_application(service, world.maker)
        assert (await decide(client, world.checker, application, "approve")).status_code == 409
        await client.post(f"/api/v1/applications/{application.id}/submit", headers=world.maker.headers)
        response = await decide(client, world.checker, application, "approve")
        assert (response.status_code, response.json()["code"]) == (409, "wrong_state")
        assert "screening" in response.json()["detail"]


class TestClaims:
    async def test_a_claim_keeps_other_checkers_from_claiming_until_it_lapses_or_is_given_back(
        self, client: httpx.AsyncClient, service: Service, world: World, move_clock: Callable[[timedelta], datetime]
    ) -> None:
        one, two = world.checker, world["greenbankfsp"]["checker2"]
        application = await builders.create_application(service, world.maker, submitted=True)
        claimed = await decide(client, one, application, "claim")
        assert claimed.json()["claimed_by"] == str(one.actor.id)
        held = await decide(client, two, application, "claim")
        assert (held.status_code, held.json()["code"]) == (409, "claimed")
        assert (await decide(client, one, application, "claim")).status_code == 200
        move_clock(review.CLAIM_LASTS)
        assert (await decide(client, two, application, "claim")).json()["claimed_by"] == str(two.actor.id)
        lost = await decide(client, one, application, "release")
        assert (lost.status_code, lost.json()["code"]) == (409, "not_claimed")
        assert (await decide(client, two, application, "release")).json()["claimed_by"] is None
        assert (await decide(client, one, application, "claim")).status_code == 200

    async def test_a_claim_is_a_courtesy_and_binds_no_decision(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        application = await builders.create_application(service, world.maker, submitted=True)
        await decide(client, world["greenbankfsp"]["checker2"], application, "claim")
        assert (await decide(client, world.checker, application, "approve")).status_code == 200
        assert (await read(client, world.checker, application))["claimed_by"] is None

    async def test_only_what_is_under_review_can_be_claimed(
        self, client: httpx.AsyncClient, service: Service, world: World
    ) -> None:
        application = await builders.create_application(service, world.maker)
        assert (await decide(client, world.checker, application, "claim")).status_code == 409
