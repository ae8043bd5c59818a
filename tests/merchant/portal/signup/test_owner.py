"""What an owner asks for on pages: a higher limit, other details, another account, another bank."""

import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.people.registration.conftest import Door, staff
from tests.merchant.portal.browsing import Browser

pytestmark = [pytest.mark.anyio, pytest.mark.database]
PAGES = ("/shop/limit", "/shop/change", "/shop/bank", "/shop/move", "/shop/cases")


async def test_a_higher_limit_is_asked_for_with_what_it_needs(door: Door, owner: Browser) -> None:
    await owner.open("/shop/limit")
    assert "What your bank needs from you" in owner.words and "in one payment" in owner.words
    await owner.send("/shop/limit")
    assert owner.page.url.path == "/shop/cases", owner.words
    assert "A higher limit" in owner.words and "Your bank has it" in owner.words
    [found] = (await staff(door, "maker", "cases?handed_in=true", method="GET"))["items"]
    assert found["kind"] == "upgrade"
    await owner.open("/shop/limit")
    await owner.send("/shop/limit")
    assert (owner.status, 'id="problem"' in owner.page.text) == (409, True)


async def test_details_are_changed_and_what_was_not_asked_stays(door: Door, owner: Browser) -> None:
    await owner.open("/shop/change")
    assert owner.fields("/shop/change")["business.trading_name"] == "Mama Njeri"
    await owner.send("/shop/change", **{"business.trading_name": "Mama Njeri Fruit"})
    assert owner.page.url.path == "/shop/cases", owner.words
    [found] = (await staff(door, "maker", "cases?handed_in=true", method="GET"))["items"]
    read = await staff(door, "maker", f"cases/{found['id']}", method="GET")
    assert read["business"]["trading_name"] == "Mama Njeri Fruit"
    assert (read["business"]["mcc"], len(read["owners"]), len(read["locations"])) == ("5499", 1, 1)
    assert read["locations"][0]["counters"][0]["id"]


async def test_a_refused_change_keeps_what_was_typed(owner: Browser) -> None:
    await owner.open("/shop/change")
    await owner.send("/shop/change", **{"business.trading_name": "Mama Njeri Fruit", "contact.phone": "12"})
    assert (owner.status, 'id="w-contact.phone"' in owner.page.text) == (422, True)
    assert owner.fields("/shop/change")["business.trading_name"] == "Mama Njeri Fruit"


async def test_another_account_and_another_bank_are_asked_for(owner: Browser, world: World) -> None:
    await owner.open("/shop/bank")
    await owner.send("/shop/bank", **{"settlement_account.account_id": "00112233"})
    assert owner.page.url.path == "/shop/cases", owner.words
    await owner.open("/shop/move")
    assert "payments go on" in owner.words
    await owner.send("/shop/move", dfsp_id=str(world.dfsp_ids["lakemfi"]))
    assert "Another bank" in owner.words


@pytest.mark.parametrize("path", PAGES)
async def test_a_cashier_and_staff_ask_for_nothing(
    client: httpx.AsyncClient, service: Service, world: World, path: str
) -> None:
    merchant, _ = await builders.create_merchant(service, world, document=builders.seller())
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    await builders.add_person(service, "till@shop.example", ["merchant_cashier"], **place)
    for person in (await builders.signed_in(service, "till@shop.example"), world["greenbankfsp"]["maker"]):
        browser = Browser(client, person)
        await browser.open(path)
        assert browser.status in (403, 404)
