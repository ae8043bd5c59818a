"""A merchant after approval: more counters, suspension, restriction, reinstatement, closing."""

import asyncio
from collections import Counter as Tally
from typing import Any

import httpx
import pytest
from stdnum import luhn

from merchant.core import ids
from merchant.core.service import Service
from merchant.registry.merchants import lifecycle
from merchant.registry.merchants.models import Counter, Merchant
from tests import builders
from tests.apps import patiently
from tests.builders import World

pytestmark = pytest.mark.anyio


@pytest.fixture
async def shop(service: Service, world: World) -> tuple[Merchant, Counter]:
    merchant, counters = await builders.create_merchant(service, world)
    return merchant, counters[0]


class Staff:
    """greenbankfsp's staff at one merchant."""

    def __init__(self, client: httpx.AsyncClient, world: World, shop: tuple[Merchant, Counter]) -> None:
        self.client, self.world = client, world
        self.path = f"/api/v1/merchants/{shop[0].id}"
        self.location_id = str(shop[1].location_id)

    async def add(self, who: str = "maker", **changes: Any) -> httpx.Response:
        body = {"location_id": self.location_id, "name": "Till 2", **changes}
        headers = self.world["greenbankfsp"][who].headers
        return await self.client.post(f"{self.path}/counters", json=body, headers=headers)

    async def move(self, name: str, body: Any = None, who: str = "checker") -> httpx.Response:
        headers = self.world["greenbankfsp"][who].headers
        return await self.client.post(f"{self.path}/{name}", json=body, headers=headers)

    async def read(self) -> dict[str, Any]:
        body: dict[str, Any] = (await self.client.get(self.path, headers=self.world.maker.headers)).json()
        return body


@pytest.fixture
def staff(client: httpx.AsyncClient, world: World, shop: tuple[Merchant, Counter]) -> Staff:
    return Staff(client, world, shop)


class TestCounters:
    async def test_a_new_counter_has_its_number_when_the_answer_comes(self, staff: Staff) -> None:
        response = await staff.add()
        assert response.status_code == 201
        counter = response.json()
        assert luhn.is_valid(counter["alias"])
        assert [row["name"] for row in (await staff.read())["counters"]] == ["Till 1", "Till 2"]

    async def test_forty_opened_at_once_are_no_more_than_a_merchant_may_have(
        self, staff: Staff, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lifecycle, "MAX_COUNTERS_OF_MERCHANT", 5)
        answers = await asyncio.gather(*(patiently(staff.add) for _ in range(40)))
        assert Tally(answer.status_code for answer in answers) == {201: 4, 409: 36}  # it had one
        async with service.db.system() as tx:
            assert await tx.fetchval("SELECT count(*) FROM counter") == 5

    async def test_a_counters_name_is_no_formula(self, staff: Staff) -> None:
        for name in ("=1+1", "+1", "-1", "@SUM(1)", " =1", "\uff1d1", " "):
            assert (await staff.add(name=name)).status_code == 422, name
        assert (await staff.add(name="Till = 2")).status_code == 201

    async def test_an_own_alias_is_given_once(self, staff: Staff) -> None:
        assert (await staff.add(own_alias="till-2")).json()["alias"] == "till-2"
        taken = await staff.add(own_alias="till-2")
        assert (taken.status_code, taken.json()["code"]) == (409, "alias_taken")
        assert len((await staff.read())["counters"]) == 2

    async def test_a_number_of_another_counter_is_taken_too(self, staff: Staff, shop: tuple[Merchant, Counter]) -> None:
        assert (await staff.add(own_alias=shop[1].alias)).status_code == 409

    async def test_what_cannot_be_an_alias_is_refused(self, staff: Staff) -> None:
        for own_alias in ("", "a b", "a/b", "x" * 33, "ä", "participants", "Quotes", "..", "a\n"):
            response = await staff.add(own_alias=own_alias)
            assert (response.status_code, response.json()["errors"][0]["path"]) == (422, "own_alias"), own_alias

    async def test_a_location_must_be_the_merchants(self, staff: Staff, service: Service, world: World) -> None:
        _, others = await builders.create_merchant(service, world)
        for location_id in (str(others[0].location_id), str(ids.uuid7())):
            response = await staff.add(location_id=location_id)
            assert (response.status_code, response.json()["errors"][0]["path"]) == (422, "location_id")

    async def test_counters_added_at_once_all_get_numbers_of_their_own(self, staff: Staff) -> None:
        responses = await asyncio.gather(*(staff.add(name=f"Till {number}") for number in range(8)))
        assert {response.status_code for response in responses} == {201}
        assert len({response.json()["alias"] for response in responses}) == 8

    async def test_there_is_a_most(self, staff: Staff, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lifecycle, "MAX_COUNTERS_OF_MERCHANT", 2)
        assert (await staff.add()).status_code == 201
        assert (await staff.add()).status_code == 409

    async def test_a_checker_opens_no_counters(self, staff: Staff) -> None:
        assert (await staff.add(who="checker")).status_code == 403


class TestSuspension:
    async def test_a_suspended_merchant_says_so_and_gets_no_new_counters(self, staff: Staff) -> None:
        response = await staff.move("suspend", {"reason": "Complaints."})
        assert (response.status_code, response.json()["state"]) == (200, "suspended")
        assert (await staff.add()).status_code == 409
        assert (await staff.move("reinstate")).json()["state"] == "active"
        assert (await staff.add()).status_code == 201

    async def test_every_change_of_state_changes_the_tag(self, staff: Staff) -> None:
        tags = [(await staff.move(name, {"reason": "x"})).headers["etag"] for name in ("suspend", "reinstate")]
        assert tags == ['"2"', '"3"']

    async def test_what_is_already_so_is_refused(self, staff: Staff) -> None:
        assert (await staff.move("reinstate")).status_code == 409
        await staff.move("suspend", {"reason": "x"})
        assert (await staff.move("suspend", {"reason": "x"})).status_code == 409

    async def test_a_suspension_needs_a_reason(self, staff: Staff) -> None:
        for body in ({}, {"reason": ""}, {"reason": " "}):
            assert (await staff.move("suspend", body)).status_code == 422
        assert (await staff.read())["state"] == "active"

    async def test_makers_cannot_suspend(self, staff: Staff) -> None:
        assert (await staff.move("suspend", {"reason": "x"}, "maker")).status_code == 403

    async def test_two_who_suspend_at_once_do_it_once(self, staff: Staff, service: Service) -> None:
        responses = await asyncio.gather(*(staff.move("suspend", {"reason": "x"}) for _ in range(6)))
        assert sorted(response.status_code for response in responses) == [200] + [409] * 5
        async with service.db.system() as tx:
            assert await tx.fetchval("SELECT count(*) FROM audit_entry WHERE action = 'merchant.suspended'") == 1


class TestRestriction:
    async def test_a_restricted_merchant_takes_payments_but_gets_no_new_counters(
        self, staff: Staff, service: Service
    ) -> None:
        response = await staff.move("restrict", {"reason": "Papers are missing."})
        assert (response.status_code, response.json()["state"]) == (200, "restricted")
        assert await active_routes(service) == {True}
        refused = await staff.add()
        assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state")
        assert (await staff.move("reinstate")).json()["state"] == "active"
        assert (await staff.add()).status_code == 201

    async def test_a_suspended_merchant_is_not_restricted_which_would_let_it_take_payments_again(
        self, staff: Staff, service: Service
    ) -> None:
        await staff.move("suspend", {"reason": "Complaints."})
        assert (await staff.move("restrict", {"reason": "x"})).status_code == 409
        assert await active_routes(service) == {False}


class TestClosing:
    async def test_a_closed_merchants_numbers_are_unknown_and_go_to_nobody_else(
        self, staff: Staff, service: Service, world: World, shop: tuple[Merchant, Counter]
    ) -> None:
        response = await staff.move("close", {"reason": "The shop is gone."})
        assert (response.status_code, response.json()["state"]) == (200, "closed")
        assert await active_routes(service) == {False}
        other, counters = await builders.create_merchant(service, world)
        second = Staff(staff.client, world, (other, counters[0]))
        taken = await second.add(own_alias=shop[1].alias)
        assert (taken.status_code, taken.json()["code"]) == (409, "alias_taken")

    async def test_nothing_brings_a_closed_merchant_back(self, staff: Staff) -> None:
        await staff.move("close", {"reason": "x"})
        for name in ("suspend", "restrict", "reinstate", "close"):
            refused = await staff.move(name, {"reason": "x"})
            assert (refused.status_code, refused.json()["code"]) == (409, "wrong_state"), name
        assert (await staff.add()).status_code == 409
        assert (await staff.read())["state"] == "closed"


@pytest.mark.parametrize(("name", "action"), [("restrict", "merchant.restricted"), ("close", "merchant.closed")])
async def test_who_restricts_or_closes_needs_the_permission_and_a_reason_which_is_kept(
    staff: Staff, service: Service, name: str, action: str
) -> None:
    for body in ({}, {"reason": ""}, {"reason": " "}):
        assert (await staff.move(name, body)).status_code == 422
    for who in ("maker", "auditor"):
        assert (await staff.move(name, {"reason": "x"}, who)).status_code == 403
    assert (await staff.read())["state"] == "active"
    assert (await staff.move(name, {"reason": "Moved away."}, "admin")).status_code == 200
    auditor = staff.world["greenbankfsp"]["auditor"]
    listed = await staff.client.get(f"/api/v1/audit?action={action}", headers=auditor.headers)
    [entry] = listed.json()["items"]
    assert entry["detail"]["reason"] == "Moved away."
    assert entry["actor_name"] == "admin"
    async with service.db.system_reads() as tx:
        assert "Moved away" not in str(await tx.fetch("SELECT * FROM audit_entry"))


async def active_routes(service: Service) -> set[bool]:
    """Whether the oracle answers the numbers in its table."""
    async with service.db.system_reads() as tx:
        return {row["active"] for row in await tx.fetch("SELECT active FROM alias")}
