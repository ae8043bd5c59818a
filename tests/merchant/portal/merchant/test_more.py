"""My shop: its owner opens, renames and closes counters, adds cashiers and shuts them out; a cashier does not."""

import pytest

from merchant.portal.merchant import more
from merchant.registry.merchants import routes as api
from tests import builders
from tests.builders import World
from tests.merchant.portal.merchant.conftest import NAME, Stall

pytestmark = pytest.mark.anyio


async def test_my_shop_says_what_it_is_and_may_take(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open("/shop/more")
    for words in (NAME, "Active", "Up to", "payments a day", "Counters and stickers", "Cashiers"):
        assert words in browser.words
    await browser.open("/shop/more", lang="sw")
    assert browser.status == 200


@pytest.mark.parametrize(("tier", "above"), [("T0", "T1"), (api.TIERS[-1], None), ("T9", None), ("", None)])
def test_above_a_tier_that_nobody_knows_there_is_none(tier: str, above: str | None) -> None:
    assert more._tier_above(tier) == above


async def test_an_owner_adds_and_renames_and_closes_a_counter(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open("/shop/counters/add")
    await browser.send("/shop/counters/add", name="Garden")
    assert "The counter is open." in browser.words
    assert "Garden" in browser.words
    here = f"/shop/counters/{stall.counters[1].id}"
    await browser.open(f"{here}/rename")
    await browser.send(f"{here}/rename", name="=Terrace")
    assert browser.status == 422
    await browser.send(f"{here}/rename", name="Balcony")
    assert "Balcony" in browser.words
    await browser.open(f"{here}/close")
    assert "cannot be undone" in browser.words
    await browser.send(f"{here}/close", reason="Rebuilt")
    assert "closed" in browser.words
    await browser.open("/shop/code")
    assert "Balcony" not in browser.words


async def test_an_owner_replaces_a_sticker(stall: Stall) -> None:
    browser = stall.browser()
    here = f"/shop/counters/{stall.counters[0].id}/sticker"
    await browser.open(here)
    await browser.send(here, old_sticker="revoked", reason="Stolen")
    assert "has a new sticker" in browser.words
    listed = await stall.client.get(f"/api/v1/counters/{stall.counters[0].id}/stickers", headers=stall.owner.headers)
    assert [one["standing"] for one in listed.json()["items"]] == ["current", "revoked"]


async def test_a_cashier_changes_no_counter_and_sees_no_people(stall: Stall) -> None:
    browser = stall.browser(stall.cashier)
    await browser.open("/shop/counters")
    assert "Add a counter" not in browser.words
    await browser.open("/shop/counters/add")
    await browser.send("/shop/counters/add", name="Mine")
    assert browser.status == 403
    for path in ("/shop/people", "/shop/people/add"):
        await browser.open(path)
        assert browser.status == 403


async def test_an_owner_adds_a_cashier_who_is_bound_to_a_counter_and_shuts_them_out(stall: Stall) -> None:
    browser = stall.browser()
    await browser.open("/shop/people/add")
    await browser.send("/shop/people/add", name="Otieno", email="not an address")
    assert browser.status == 422
    await browser.send(
        "/shop/people/add", name="Otieno", email="otieno@stall.example", counter_id=str(stall.counters[1].id)
    )
    assert "The invitation is on its way." in browser.words
    listed = (await stall.client.get("/api/v1/users", headers=stall.owner.headers)).json()["items"]
    person = next(one for one in listed if one["email"] == "otieno@stall.example")
    assert person["counter_id"] == str(stall.counters[1].id)
    here = f"/shop/people/{person['id']}"
    await browser.send(f"{here}/invite")
    assert "A new invitation is on its way." in browser.words
    await browser.open(f"{here}/counter")
    await browser.send(f"{here}/counter", counter_id="every")
    assert "counter is changed" in browser.words
    await browser.open(f"{here}/shut-out")
    await browser.send(f"{here}/shut-out")
    assert "Otieno is shut out." in browser.words
    read = await stall.client.get(f"/api/v1/users/{person['id']}", headers=stall.owner.headers)
    assert (read.json()["enabled"], read.json()["counter_id"]) == (False, None)
    await browser.open(f"{here}/let-in")
    await browser.send(f"{here}/let-in")
    assert "can sign in again" in browser.words


async def test_people_and_counters_of_another_merchant_are_no_pages(stall: Stall, world: World) -> None:
    merchant, counters = await builders.create_merchant(stall.service, world)
    place = {"dfsp_id": merchant.dfsp_id, "merchant_id": merchant.id}
    made = await builders.add_person(stall.service, "cash@other.example", ["merchant_cashier"], **place)
    browser = stall.browser()
    for path in (f"/shop/people/{made.id}/counter", f"/shop/people/{made.id}/shut-out"):
        await browser.open(path)
        assert browser.status == 404
    await browser.open(f"/shop/counters/{stall.counters[0].id}/rename")
    csrf = browser.fields("/shop/counters")["csrf"]
    cookie = {"cookie": f"session={stall.owner.token}"}
    form = {"csrf": csrf, "name": "Taken over"}
    refused = await stall.client.post(f"/shop/counters/{counters[0].id}/rename", data=form, headers=cookie)
    assert refused.status_code == 404


async def test_two_owners_at_once_do_not_overwrite_each_other(stall: Stall) -> None:
    browser = stall.browser()
    here = f"/shop/people/{stall.bound.actor.id}"
    await browser.open(f"{here}/counter")
    stale = browser.fields(f"{here}/counter")
    await browser.send(f"{here}/counter", counter_id="every")
    cookie = {"cookie": f"session={stall.owner.token}"}
    refused = await stall.client.post(f"{here}/counter", data=stale, headers=cookie)
    assert refused.status_code == 412
