"""Claims: who says that a merchant is theirs proves an address, and nobody but its DFSP's checkers gives it to them."""

import asyncio
from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.builders import World
from tests.merchant.people.registration.conftest import Door, staff, wrong

pytestmark = [pytest.mark.anyio, pytest.mark.database]


class Shop:
    """A merchant that is in the system, and what becomes of claims on it."""

    def __init__(self, door: Door, merchant: Merchant, number: str, contact: dict[str, str]) -> None:
        self.door, self.merchant, self.number, self.contact = door, merchant, number, contact

    async def claim(self, address: dict[str, str], code: str | None = None, **changes: Any) -> httpx.Response:
        """Claim it, and let the worker look the number up."""
        code = code or await self.door.code(address)
        body = {"number": self.number, "code": code, "name": "Juma Otieno", **address, **changes}
        answered = await self.door.client.post("/api/v1/registrations/claims", json=body)
        await builders.work(self.door.service)
        return answered

    async def claims(self, title: str = "maker", query: str = "") -> list[dict[str, Any]]:
        """The claims that staff find."""
        return list((await staff(self.door, title, f"merchant-claims{query}", method="GET"))["items"])

    async def decide(self, verdict: str, claim_id: str, title: str = "checker", status: int = 200) -> Any:
        """What staff answer."""
        path = f"merchant-claims/{claim_id}/{verdict}"
        return await staff(self.door, title, path, {"reason": "Seen at the counter."}, status=status)


@pytest.fixture
async def shop(door: Door, service: Service, world: World) -> Shop:
    document = builders.seller()
    merchant, counters = await builders.create_merchant(service, world, document=document)
    return Shop(door, merchant, counters[0].alias, {"phone": document["contact"]["phone"]})


async def test_an_accepted_claimant_without_an_account_is_the_owner(door: Door, shop: Shop) -> None:
    address = door.phone()
    answered = await shop.claim(address)
    assert (answered.status_code, answered.json()) == (202, {"status": "accepted"})
    [claim] = await shop.claims()
    assert (claim["state"], claim["merchant_id"]) == ("open", str(shop.merchant.id))
    assert (claim["name"], claim["phone"], claim["email"]) == ("Juma Otieno", address["phone"], None)
    assert await door.messages(shop.contact) == [
        f"Somebody asks to manage {shop.merchant.trading_name}. If it is not you, tell your bank."
    ]
    decided = await shop.decide("accept", claim["id"])
    assert (decided["state"], decided["reason"]) == ("accepted", "Seen at the counter.")
    await builders.work(door.service)
    assert shop.merchant.trading_name in (await door.messages(address))[0]
    signed = await door.sign_in(address, await door.code(address))
    user = signed.json()["user"]
    assert (user["roles"], user["name"], user["dfsp_id"]) == (["merchant_owner"], "Juma Otieno", door.dfsp_id)
    headers = {"authorization": f"Bearer {signed.json()['access_token']}"}
    mine = (await door.client.get("/api/v1/merchants", headers=headers)).json()["items"]
    assert [one["id"] for one in mine] == [str(shop.merchant.id)]


async def test_the_answer_is_the_same_whether_there_is_such_a_number(door: Door, shop: Shop) -> None:
    answers = [
        await shop.claim(door.phone(), number=number) for number in (shop.number, "10000009", "' OR 1=1 --", "x")
    ]
    assert len({(one.status_code, one.text) for one in answers}) == 1
    assert len(await shop.claims()) == 1


async def test_the_event_goes_to_the_dfsp_and_names_no_person(door: Door, shop: Shop) -> None:
    admin = door.world["greenbankfsp"]["admin"].headers
    hook = {"url": "https://bank.example/hooks", "event_types": ["merchant.claimed"]}
    assert (await door.client.post("/api/v1/webhook-endpoints", json=hook, headers=admin)).status_code == 201
    address = door.phone()
    await shop.claim(address)
    [row] = await door.fetch("SELECT event_type, body FROM webhook_delivery")
    assert row["event_type"] == "merchant.claimed" and str(shop.merchant.id).encode() in row["body"]
    assert address["phone"][1:].encode() not in row["body"] and b"Juma" not in row["body"]


async def test_a_claim_needs_a_right_code_which_is_used_once(door: Door, shop: Shop) -> None:
    address = door.phone()
    code = await door.code(address)
    assert (await shop.claim(address, wrong(code))).json()["code"] == "code_refused"
    both = await asyncio.gather(shop.claim(address, code), shop.claim(address, code))
    assert sorted(one.status_code for one in both) == [202, 401]
    assert len(await shop.claims()) == 1


async def test_a_claimant_has_one_open_claim_and_after_a_refusal_may_come_again(
    door: Door, shop: Shop, service: Service, world: World
) -> None:
    _, counters = await builders.create_merchant(service, world, "lakemfi", document=builders.seller())
    address = door.phone()
    await shop.claim(address)
    assert (await shop.claim(address, number=counters[0].alias)).status_code == 202
    assert len(await door.fetch("SELECT 1 FROM merchant_claim")) == 1
    [claim] = await shop.claims()
    assert (await shop.decide("refuse", claim["id"]))["state"] == "refused"
    assert len(await door.messages(shop.contact)) == 1
    await shop.claim(address)
    assert [one["state"] for one in await shop.claims()] == ["open", "refused"]
    assert [one["state"] for one in await shop.claims(query="?state=refused")] == ["refused"]


async def test_what_was_decided_is_not_decided_again_nor_twice_at_once(door: Door, shop: Shop) -> None:
    await shop.claim(door.phone())
    [claim] = await shop.claims()
    path = f"/api/v1/merchant-claims/{claim['id']}"
    headers = door.world["greenbankfsp"]["checker"].headers
    answers = await asyncio.gather(
        *(door.client.post(f"{path}/{one}", json={"reason": "r"}, headers=headers) for one in ("accept", "refuse"))
    )
    assert sorted(one.status_code for one in answers) == [200, 409]
    for verdict in ("accept", "refuse"):
        assert (await shop.decide(verdict, claim["id"], status=409))["code"] == "wrong_state"


async def test_only_checkers_of_the_merchants_dfsp_decide_and_the_hub_sees_no_person(
    door: Door, shop: Shop, world: World
) -> None:
    await shop.claim(door.phone())
    [claim] = await shop.claims()
    for title in ("maker", "admin", "auditor"):
        await shop.decide("accept", claim["id"], title, 403)
    stranger = world["lakemfi"]["checker"].headers
    path = f"/api/v1/merchant-claims/{claim['id']}/accept"
    assert (await door.client.post(path, json={"reason": "r"}, headers=stranger)).status_code == 404
    assert (await door.client.get("/api/v1/merchant-claims", headers=stranger)).json()["items"] == []
    [seen] = (await door.client.get("/api/v1/merchant-claims", headers=world.operator.headers)).json()["items"]
    assert (seen["id"], seen["name"], seen["phone"]) == (claim["id"], None, None)


async def test_an_applicant_who_finds_their_shop_gives_their_draft_up_first(
    door: Door, shop: Shop, world: World
) -> None:
    person = await door.register(door.phone(), dfsp_id=str(world.dfsp_ids["lakemfi"]))
    await shop.claim(person.address)
    [claim] = await shop.claims()
    assert (await shop.decide("accept", claim["id"], status=409))["code"] == "claimant_busy"
    await person.call("POST", "my-application/withdraw")
    await shop.decide("accept", claim["id"])
    me = (await person.call("GET", "users/me")).json()
    assert (me["id"], me["roles"], me["dfsp_id"]) == (person.id, ["merchant_owner"], door.dfsp_id)
    assert (await person.call("GET", "my-application")).status_code == 404


@pytest.mark.parametrize("email", ["maker@greenbankfsp.example", "maker@lakemfi.example", "operator@hub.example"])
async def test_staff_and_owners_of_another_merchant_keep_the_account_they_have(
    door: Door, shop: Shop, email: str
) -> None:
    await shop.claim({"email": email})
    [claim] = await shop.claims()
    assert (await shop.decide("accept", claim["id"], status=409))["code"] == "claimant_busy"
    [user] = await door.fetch("SELECT roles, merchant_id FROM app_user WHERE email = $1", email)
    assert (user["merchant_id"], "merchant_owner" in user["roles"]) == (None, False)


async def test_a_closed_merchant_is_nobodys_to_claim_or_to_give(door: Door, shop: Shop) -> None:
    await shop.claim(door.phone())
    [claim] = await shop.claims()
    await staff(door, "checker", f"merchants/{shop.merchant.id}/close", {"reason": "It moved away."})
    await shop.decide("accept", claim["id"], status=409)
    await shop.claim(door.phone())
    assert len(await shop.claims()) == 1


async def test_who_claims_stands_sealed_in_the_database(door: Door, shop: Shop) -> None:
    address = door.phone()
    await shop.claim(address)
    [claim] = await shop.claims()
    await shop.decide("refuse", claim["id"])
    rows = str([dict(row) for row in await door.fetch("SELECT * FROM merchant_claim")])
    rows += str(await door.fetch("SELECT detail FROM audit_entry")) + str(await door.fetch("TABLE outbox"))
    assert "Juma" not in rows and address["phone"][1:] not in rows and "Seen at" not in rows


async def test_one_claim_is_read_by_its_id_and_by_its_dfsp_only(door: Door, shop: Shop) -> None:
    await shop.claim(door.phone())
    [claim] = await shop.claims()
    path = f"merchant-claims/{claim['id']}"
    assert await staff(door, "maker", path, method="GET") == claim
    await shop.decide("refuse", claim["id"])
    read = await staff(door, "auditor", path, method="GET")
    assert (read["state"], read["reason"]) == ("refused", "Seen at the counter.")
    for headers, status in (
        (door.world["lakemfi"]["checker"].headers, 404),
        (door.world["greenbankfsp"]["admin"].headers, 200),
        ({}, 401),
    ):
        assert (await door.client.get(f"/api/v1/{path}", headers=headers)).status_code == status
