"""What owners ask for: a case of their own merchant, in the makers' inbox, decided by two others."""

import asyncio
from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.people.registration.conftest import Door, staff

pytestmark = [pytest.mark.anyio, pytest.mark.database]
CASES = "/api/v1/my-merchant/cases"


class Owner:
    """A merchant's owner."""

    def __init__(self, client: httpx.AsyncClient, headers: dict[str, str], merchant_id: str) -> None:
        self.client, self.headers, self.merchant_id = client, headers, merchant_id

    async def ask(self, **wish: Any) -> httpx.Response:
        """Ask for a case."""
        return await self.client.post(CASES, json=wish, headers=self.headers)

    async def asked(self) -> list[dict[str, Any]]:
        """What was asked for."""
        return list((await self.client.get(CASES, headers=self.headers)).json()["items"])


async def make_owner(door: Door, fsp_id: str = "greenbankfsp") -> Owner:
    merchant, _ = await builders.create_merchant(door.service, door.world, fsp_id, document=builders.seller())
    email = f"owner{merchant.id.hex}@shop.example"
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    await builders.add_person(door.service, email, ["merchant_owner"], **place)
    return Owner(door.client, (await builders.signed_in(door.service, email)).headers, str(merchant.id))


@pytest.fixture
async def owner(door: Door) -> Owner:
    return await make_owner(door)


async def test_a_change_is_completed_by_a_maker_and_decided_by_a_checker_who_is_neither(
    door: Door, owner: Owner
) -> None:
    business = builders.seller(trading_name="Mama Njeri")["business"]
    made = await owner.ask(kind="change", business=business)
    assert made.status_code == 201, made.text
    assert (made.json()["kind"], made.json()["state"]) == ("change", "draft")
    [found] = (await staff(door, "maker", "cases?handed_in=true", method="GET"))["items"]
    assert (found["id"], found["merchant_id"]) == (made.json()["id"], owner.merchant_id)
    path = f"cases/{found['id']}"
    await staff(door, "maker", f"{path}/submit")
    await builders.work(door.service)
    read = await staff(door, "checker", path, method="GET")
    assert len(read["makers"]) == 2
    await staff(door, "checker", f"{path}/approve", {"version_hash": read["version_hash"]})
    assert [one["state"] for one in await owner.asked()] == ["approved"]
    shown = (await door.client.get(f"/api/v1/merchants/{owner.merchant_id}", headers=owner.headers)).json()
    assert shown["trading_name"] == "Mama Njeri"


async def test_an_upgrade_a_transfer_and_a_closure_are_asked_for_and_listed(
    door: Door, owner: Owner, world: World
) -> None:
    other = str(world.dfsp_ids["lakemfi"])
    for wish in ({"kind": "upgrade", "target_tier": "T1"}, {"kind": "transfer", "dfsp_id": other}):
        assert (await owner.ask(**wish)).status_code == 201
    assert (await owner.ask(kind="closure", reason="I retire.")).status_code == 201
    assert [one["kind"] for one in await owner.asked()] == ["closure", "transfer", "upgrade"]
    assert all(one["handed_in_at"] for one in await owner.asked())


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({}, 422),
        ({"kind": "review"}, 422),
        ({"kind": "reinstatement", "reason": "Please."}, 422),
        ({"kind": "downgrade", "target_tier": "T0", "reason": "Less."}, 422),
        ({"kind": "upgrade"}, 422),
        ({"kind": "upgrade", "target_tier": "T9"}, 422),
        ({"kind": "closure"}, 422),
        ({"kind": "change", "target_tier": "T1"}, 422),
        ({"kind": "transfer"}, 422),
        ({"kind": "change", "dfsp_id": "0190b7a4-0000-7000-8000-000000000000"}, 422),
        ({"kind": "transfer", "dfsp_id": "0190b7a4-0000-7000-8000-000000000000"}, 422),
        ({"kind": "change", "merchant_id": "0190b7a4-0000-7000-8000-000000000000"}, 422),
        ({"kind": "change", "business": {"mcc": "99999"}}, 422),
    ],
)
async def test_what_cannot_be_asked_for_is_refused(owner: Owner, wish: dict[str, Any], status: int) -> None:
    refused = await owner.ask(**wish)
    assert refused.status_code == status, refused.text
    assert await owner.asked() == []


async def test_one_of_a_kind_is_open_also_of_two_at_once(owner: Owner) -> None:
    answers = await asyncio.gather(*(owner.ask(kind="closure", reason="I retire.") for _ in range(3)))
    assert sorted(one.status_code for one in answers) == [201, 409, 409]
    assert len(await owner.asked()) == 1


async def test_a_replay_opens_one(owner: Owner) -> None:
    headers = {**owner.headers, "idempotency-key": "once"}
    wish = {"kind": "closure", "reason": "I retire."}
    both = [await owner.client.post(CASES, json=wish, headers=headers) for _ in range(2)]
    assert [one.status_code for one in both] == [201, 201] and both[0].json() == both[1].json()


async def test_others_neither_ask_nor_see(door: Door, owner: Owner, service: Service, world: World) -> None:
    assert (await owner.ask(kind="closure", reason="I retire.")).status_code == 201
    another = await make_owner(door)
    assert await another.asked() == []
    applicant = await door.register(door.phone())
    assert (await applicant.call("GET", "my-merchant/cases")).status_code == 404
    asked = await applicant.call("POST", "my-merchant/cases", {"kind": "closure", "reason": "r"})
    assert asked.status_code == 404
    place = {"merchant_id": owner.merchant_id}
    await builders.add_person(
        service, "cash@shop.example", ["merchant_cashier"], dfsp_id=world.dfsp_ids["greenbankfsp"], **place
    )
    cashier = (await builders.signed_in(service, "cash@shop.example")).headers
    machine = await builders.issue_key(service, world["greenbankfsp"]["admin"], ["payments:request"], **place)
    for headers in (cashier, machine, world.maker.headers):
        assert (await door.client.get(CASES, headers=headers)).status_code == 403
        refused = await door.client.post(CASES, json={"kind": "closure", "reason": "r"}, headers=headers)
        assert refused.status_code == 403


async def test_what_staff_opened_is_not_shown_to_the_owner(door: Door, owner: Owner) -> None:
    await staff(door, "maker", f"merchants/{owner.merchant_id}/cases", {"kind": "review"}, status=201)
    assert await owner.asked() == []
