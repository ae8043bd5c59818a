"""What a checker is shown: the same person elsewhere, misleading names; and limits shared by one owner's merchants."""

from typing import Any

import httpx
import pytest

from merchant.core.money import Money
from merchant.core.service import Service
from tests import builders
from tests.builders import World

pytestmark = pytest.mark.anyio


async def doubts_of(service: Service, world: World, document: dict[str, Any], fsp_id: str = "greenbankfsp") -> Any:
    made = await builders.create_application(service, world[fsp_id]["maker"], document, submitted=True)
    return {(one["code"], one["path"]) for one in builders.report_of(made)["doubts"]}


async def test_the_same_owner_phone_and_account_are_shown_and_another_dfsp_is_not_named(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    document = builders.seller()
    document["settlement_account"] = {"account_id": "AC-77", "account_name": "Njeri"}
    await builders.create_merchant(service, world, document=document)
    again = document | {"business": document["business"] | {"trading_name": "Quite Another"}}
    own = await doubts_of(service, world, again)
    assert own >= {
        ("same_identity", "owners[0].id_number"),
        ("same_phone", "contact.phone"),
        ("same_account", "settlement_account.account_id"),
    }
    made = await builders.create_application(service, world["lakemfi"]["maker"], again, submitted=True)
    report = builders.report_of(made)
    assert ("same_identity_elsewhere", "owners[0].id_number") in {
        (one["code"], one["path"]) for one in report["doubts"]
    }
    assert "greenbank" not in str(report["doubts"]).lower()


@pytest.mark.parametrize("spelled", ["1234 5678", "123-456.78", "ID/12345678", "١٢٣٤٥٦٧٨", "１２３４５６７８"])
async def test_a_number_written_otherwise_is_the_same_number(service: Service, world: World, spelled: str) -> None:
    document = builders.company(registration_number="BN/123 456")
    document["owners"][0]["id_number"] = "12345678"
    document["settlement_account"] = {"account_id": "KE12 3456 7890", "account_name": "Njeri"}
    await builders.create_merchant(service, world, document=document)
    again = builders.company(trading_name="Quite Another", registration_number="bn-123456")
    again["owners"][0]["id_number"] = spelled
    again["settlement_account"] = {"account_id": "ke1234567890", "account_name": "Njeri"}
    assert await doubts_of(service, world, again) >= {
        ("same_identity", "owners[0].id_number"),
        ("same_registration", "business.registration_number"),
        ("same_account", "settlement_account.account_id"),
    }


async def test_a_number_that_nobody_else_has_raises_no_doubt(service: Service, world: World) -> None:
    assert await doubts_of(service, world, builders.seller()) == set()


async def test_a_name_like_a_neighbours_is_asked_and_not_refused(service: Service, world: World) -> None:
    await builders.create_merchant(service, world, document=builders.seller(trading_name="Mama Njeri Fruits"))
    alike = builders.seller(trading_name="MAMA NJERI FRUIT")
    assert ("like_neighbour", "business.trading_name") in await doubts_of(service, world, alike)


@pytest.mark.parametrize("name", ["SafariC0m", "М-РЕSА", "Central Bank of Kenya", "UNICEF", "Green Bank"])
async def test_a_seller_may_not_take_a_protected_name(
    client: httpx.AsyncClient, service: Service, world: World, name: str
) -> None:
    async with service.db.system() as tx:
        await tx.execute("UPDATE dfsp SET name = 'Green Bank' WHERE fsp_id = 'greenbankfsp'")
    made = await builders.create_application(service, world.maker, builders.seller())
    path = f"/api/v1/applications/{made.id}"
    changed = {"business": builders.seller()["business"] | {"trading_name": name}}
    sent = await client.patch(path, json=changed, headers={**world.maker.headers, "if-match": '"1"'})
    refused = await client.post(f"{path}/submit", headers=world.maker.headers) if sent.status_code == 200 else sent
    assert refused.status_code == 422, refused.text
    assert refused.json()["errors"][0]["path"] == "business.trading_name"


async def test_merchants_of_one_owner_share_their_limits_across_dfsps(service: Service, world: World) -> None:
    document = builders.seller(currencies=["USD"])
    first, _ = await builders.create_merchant(service, world, document=document)
    number = document["owners"][0]["id_number"]
    owner = document["owners"][0] | {"id_number": f"{number[:3]}-{number[3:]}"}  # another spelling is no other owner
    elsewhere = document | {"contact": {"phone": "+254722999888"}, "owners": [owner]}
    second, _ = await builders.create_merchant(service, world, "lakemfi", elsewhere)
    stranger, _ = await builders.create_merchant(service, world, document=builders.seller(currencies=["USD"]))
    await builders.work(service)

    async def take(merchant: Any, minor: int) -> bool:
        return await builders.take_of_limits(service, merchant.id, Money(minor, "USD"))

    assert [await take(first, 2_000), await take(second, 2_000), await take(first, 2_000)] == [True] * 3
    assert not await take(second, 100)  # the day's 60 dollars are taken, whichever shop took them
    assert await take(stranger, 2_000)
    await builders.use_limit(service, first, Money(-2_000, "USD"))  # given back
    assert await take(second, 100)
