"""The story of a street seller: signed up at T0, raised to T1 and T2, changed, moved to another bank, closed.

Told through the HTTP API by the people who would do it; number, counters and stickers stay hers throughout.
"""

from typing import Any

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import GATEWAY_SECRET, Person, World

pytestmark = pytest.mark.anyio
SELLER = {
    "business": {
        "trading_name": "Mama Njeri Vegetables",
        "kind": "sole_proprietor",
        "mcc": "5499",
        "currencies": ["KES"],
    },
    "owners": [{"given_name": "Wanjiru", "family_name": "Njeri", "id_type": "national_id", "id_number": "20334455"}],
    "contact": {"phone": "+254722555001"},
    "locations": [{"name": "Market", "kind": "physical", "country": "KE", "city": "Nakuru"}],
}
ACCOUNT = {"account_id": "0100-200300", "account_name": "Wanjiru Njeri", "currency": "KES"}


class Bank:
    """A DFSP whose maker writes and whose checker decides."""

    def __init__(self, client: httpx.AsyncClient, service: Service, world: World, fsp_id: str) -> None:
        self.client, self.service, self.fsp_id = client, service, fsp_id
        self.maker, self.checker = world[fsp_id]["maker"], world[fsp_id]["checker"]

    async def send(
        self, who: Person, method: str, path: str, body: Any = None, status: int = 200, **headers: str
    ) -> Any:
        response = await self.client.request(method, f"/api/v1/{path}", json=body, headers={**who.headers, **headers})
        assert response.status_code == status, f"{method} {path}: {response.text}"
        return response.json()

    async def get(self, path: str, status: int = 200) -> Any:
        return await self.send(self.checker, "GET", path, status=status)

    async def open_case(self, merchant_id: str, kind: str, status: int = 201, **given: Any) -> Any:
        return await self.send(self.maker, "POST", f"merchants/{merchant_id}/cases", {"kind": kind, **given}, status)

    async def decide(self, case: str) -> Any:
        """Submit, screen, and approve what the checker read."""
        await self.send(self.maker, "POST", f"{case}/submit")
        await builders.work(self.service)
        read = await self.get(case)
        done = await self.send(self.checker, "POST", f"{case}/approve", {"version_hash": read["version_hash"]})
        await builders.work(self.service)
        return done


async def fsp_of(client: httpx.AsyncClient, alias: str) -> list[str]:
    """The DFSPs that the hub's look-up service is told."""
    response = await client.get(f"/oracle/participants/ALIAS/{alias}", headers={"x-gateway-secret": GATEWAY_SECRET})
    return [row["fspId"] for row in response.json()["partyList"]]


async def test_a_street_seller_from_her_first_sale_to_her_last_keeps_number_and_sticker(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    bank = Bank(client, service, world, "greenbankfsp")
    opened = await bank.send(bank.maker, "POST", "applications", SELLER, 201, **{"idempotency-key": "njeri"})
    made = await bank.decide(f"applications/{opened['id']}")
    assert made["tier"] == "T0"
    merchant_id, alias = made["merchant_id"], made["counters"][0]["alias"]
    merchant = f"merchants/{merchant_id}"
    sticker = (
        await client.get(
            f"/api/v1/counters/{made['counters'][0]['id']}/qr?format=payload", headers=bank.checker.headers
        )
    ).text

    # What she needs for more, by when, and what it would give her.
    needs = await bank.get(f"{merchant}/requirements")
    assert {one["path"] for one in needs["currently_due"]} >= {"owners[0].birth_date"}
    assert needs["current_deadline"] is not None
    assert needs["unlocks"]["tier"] == "T1"
    assert needs["disabled_reason"] is None

    # Her date of birth, and her card seen by the maker: T1.
    birth = [SELLER["owners"][0] | {"birth_date": "1984-05-17"}]  # type: ignore[index]
    case = await bank.open_case(merchant_id, "upgrade", target_tier="T1", owners=birth)
    seen = {"attribute": "identity", "subject": "owners[0]", "outcome": "verified", "method": "document"}
    await bank.send(bank.maker, "POST", f"cases/{case['id']}/verifications", seen, 201)
    assert (await bank.decide(f"cases/{case['id']}"))["tier"] == "T1"

    # An account, and a letter of the market association in place of a licence: T2.
    missing = await bank.get(f"{merchant}/requirements?tier=T2")
    assert {"original": ["business.registration_number|tax_id", "licence"], "alternative": ["association_letter"]} in (
        missing["alternatives"]
    )
    case = await bank.open_case(merchant_id, "upgrade", target_tier="T2", settlement_account=ACCOUNT)
    await bank.send(bank.maker, "POST", f"cases/{case['id']}/submit", status=422)
    letter = {"attribute": "community", "subject": "merchant", "outcome": "verified", "method": "community_letter"}
    await bank.send(bank.maker, "POST", f"cases/{case['id']}/verifications", letter, 201)
    assert (await bank.decide(f"cases/{case['id']}"))["tier"] == "T2"

    # Another phone and another name: still the same number, and what was verified of her identity stands.
    changes = {
        "business": SELLER["business"] | {"trading_name": "Njeri Fresh Foods"},  # type: ignore[operator]
        "contact": {"phone": "+254733555002"},
    }
    case = await bank.open_case(merchant_id, "change", **changes)
    assert (await bank.open_case(merchant_id, "change", 409, **changes))["code"] == "case_open"
    await bank.decide(f"cases/{case['id']}")
    shown = await bank.get(merchant)
    assert (shown["trading_name"], shown["tier"], shown["counters"][0]["alias"]) == ("Njeri Fresh Foods", "T2", alias)

    # A second counter, with a number of its own.
    place = shown["locations"][0]["id"]
    second = await bank.send(bank.maker, "POST", f"{merchant}/counters", {"location_id": place, "name": "Stall 2"}, 201)
    assert second["alias"] != alias

    # To another bank: the old one serves her until the new one accepts.
    case = await bank.open_case(merchant_id, "transfer", to_fsp_id="lakemfi", reason="She signed for it on 3 May.")
    await bank.decide(f"cases/{case['id']}")
    assert await fsp_of(client, alias) == ["greenbankfsp"]
    other = Bank(client, service, world, "lakemfi")
    [offered] = (await other.get("cases?kind=transfer"))["items"]
    tag = (await client.get(f"/api/v1/cases/{offered['id']}", headers=other.maker.headers)).headers["etag"]
    account = {"settlement_account": ACCOUNT | {"account_id": "LM-77"}}
    await other.send(other.maker, "PATCH", f"cases/{offered['id']}", account, **{"if-match": tag})
    await other.decide(f"cases/{offered['id']}")
    assert await fsp_of(client, alias) == await fsp_of(client, second["alias"]) == ["lakemfi"]
    assert (await other.get(merchant))["trading_name"] == "Njeri Fresh Foods"
    await bank.get(merchant, 404)
    counter = made["counters"][0]["id"]
    moved = await client.get(f"/api/v1/counters/{counter}/qr?format=payload", headers=other.checker.headers)
    assert moved.text.replace("Njeri Fresh Foods", "Mama Njeri Vegetables")[:40] == sticker[:40]

    # One counter closes, then the shop: the numbers are nobody's.
    await other.send(other.maker, "POST", f"counters/{second['id']}/close", {"reason": "One stall is enough."})
    assert (await fsp_of(client, alias), await fsp_of(client, second["alias"])) == (["lakemfi"], [])
    case = await other.open_case(merchant_id, "closure", reason="She retires.")
    await other.decide(f"cases/{case['id']}")
    assert (await other.get(merchant))["state"] == "closed"
    assert await fsp_of(client, alias) == []
