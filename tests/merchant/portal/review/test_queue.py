"""The queue on pages: who sees what waits, in which order, what is locked, and low-risk ones approved together."""

import httpx
import pytest

from merchant.compliance.cases.models import Application
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.portal.browsing import Browser
from tests.merchant.portal.review.conftest import make_low

pytestmark = pytest.mark.anyio
QUEUE, BULK = "/applications/queue", "/applications/bulk"


async def low(service: Service, world: World, name: str, maker: str = "maker") -> Application:
    made = await builders.create_application(
        service, world["greenbankfsp"][maker], builders.company(trading_name=name), submitted=True
    )
    await make_low(service, made.id)
    return made


async def test_a_checker_sees_what_waits_with_its_maker_and_its_hits(
    client: httpx.AsyncClient, world: World, shop: Application, listed: Application
) -> None:
    browser = Browser(client, world.checker)
    page = await browser.open(QUEUE)
    assert browser.status == 200
    assert page.text.index("Listed Traders") < page.text.index("Mama Njeri")  # the riskiest first
    assert "open hit" in browser.words
    assert "maker" in browser.words
    page = await browser.open(f"{QUEUE}/oldest")
    assert page.text.index("Mama Njeri") < page.text.index("Listed Traders")
    assert f"/applications/{shop.id}/review" in page.text


async def test_an_empty_queue_says_so_and_a_bad_filter_is_told(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client, world.checker)
    await browser.open(QUEUE)
    assert "Nothing waits for a decision" in browser.words
    await browser.open(QUEUE, risk="nonsense")
    assert browser.status == 422


async def test_own_work_is_shown_but_locked(client: httpx.AsyncClient, service: Service, world: World) -> None:
    await low(service, world, "Own Shop", "both")
    browser = Browser(client, world["greenbankfsp"]["both"])
    await browser.open(QUEUE)
    assert "Yours: another checker decides" in browser.words
    assert 'type="checkbox"' not in browser.page.text


async def test_another_dfsp_and_merchants_see_nothing_of_it(
    client: httpx.AsyncClient, service: Service, world: World, shop: Application
) -> None:
    browser = Browser(client, world["lakemfi"]["checker"])
    await browser.open(QUEUE)
    assert "Mama Njeri" not in browser.words
    merchant, _ = await builders.create_merchant(service, world)
    email = "owner@shop.example"
    await builders.add_person(service, email, ["merchant_owner"], dfsp_id=merchant.dfsp_id, merchant_id=merchant.id)
    owner = Browser(client, await builders.signed_in(service, email))
    await owner.open(QUEUE)
    assert owner.status in (403, 404)


async def test_low_risk_ones_are_named_before_they_are_approved_and_each_is_told(
    client: httpx.AsyncClient, service: Service, world: World, listed: Application
) -> None:
    first, second = await low(service, world, "Duka Asha"), await low(service, world, "Duka Baraka")
    browser = Browser(client, world.checker)
    await browser.open(QUEUE)
    assert f'name="case.{first.id}"' in browser.page.text
    assert f'name="case.{listed.id}"' not in browser.page.text
    await browser.open(BULK, **{f"case.{one.id}": "yes" for one in (first, second, listed)})
    assert "Duka Asha" in browser.words
    assert "Duka Baraka" in browser.words
    assert "Approve 2 cases" in browser.words
    assert str(listed.id) not in browser.fields(BULK)
    await browser.send(BULK)
    assert "Approved: 2 of 2" in browser.words
    for one in (first, second):
        read = await client.get(f"/api/v1/applications/{one.id}", headers=world.checker.headers)
        assert read.json()["state"] == "approved"


async def test_what_changed_or_may_not_be_joined_is_told_by_name_and_keeps_no_other_back(
    client: httpx.AsyncClient, service: Service, world: World, listed: Application
) -> None:
    good, stale = await low(service, world, "Duka Asha"), await low(service, world, "Duka Baraka")
    browser = Browser(client, world.checker)
    await browser.open(BULK, **{f"case.{one.id}": "yes" for one in (good, stale)})
    await make_low(service, listed.id)  # its hits are open all the same
    forged = {f"case__{stale.id}": "0" * 64, f"case__{listed.id}": listed.version_hash}
    await browser.send(BULK, **forged)
    assert "Approved: 1 of 3" in browser.words
    assert "read the new version" in browser.words
    assert "review it by itself" in browser.words
    states = []
    for one in (good, stale, listed):
        read = await client.get(f"/api/v1/applications/{one.id}", headers=world.checker.headers)
        states.append(read.json()["state"])
    assert states == ["approved", "in_review", "in_review"]


async def test_nothing_chosen_and_too_many_are_told_and_do_nothing(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client, world.checker)
    await browser.open(BULK)
    assert "Nothing is chosen" in browser.words
    many = {f"case.{number:08}-0000-7000-8000-000000000000": "yes" for number in range(26)}
    await browser.open(BULK, **many)
    assert (browser.status, "Choose 25 at most" in browser.words) == (422, True)


async def test_who_may_not_decide_approves_nothing_together(
    client: httpx.AsyncClient, world: World, shop: Application
) -> None:
    browser = Browser(client, world.maker)
    await browser.open(BULK, **{f"case.{shop.id}": "yes"})
    assert browser.status == 403
