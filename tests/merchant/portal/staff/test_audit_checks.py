"""The check of the audit record on its page."""

import asyncpg
import httpx
import pytest

from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio
PAGE = "/audit/chain"


async def test_the_hub_orders_a_check_and_reads_what_each_chain_showed(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    browser = Browser(client, world.operator)
    await browser.open(PAGE)
    assert (browser.status, "Nothing checked yet" in browser.words) == (200, True)
    await browser.send(PAGE)
    assert "The check is ordered" in browser.words
    assert 'hx-trigger="every 3s"' in browser.page.text
    assert "Waiting" in browser.words
    await builders.work(service)
    await browser.open(PAGE)
    assert "The hub Intact" in browser.words
    assert "Greenbankfsp Intact" in browser.words
    assert "hx-trigger" not in browser.page.text.partition('id="check"')[2].partition(">")[0]
    assert str(world.dfsp_ids["greenbankfsp"]) not in browser.page.text.partition('id="check"')[2].partition("<form")[0]


async def test_one_dfsps_chain_is_chosen_by_its_name_and_a_broken_one_names_the_entry(
    client: httpx.AsyncClient, service: Service, world: World, database_url: str
) -> None:
    green = world.dfsp_ids["greenbankfsp"]
    owner = await asyncpg.connect(database_url)
    await owner.execute("ALTER TABLE audit_entry DISABLE TRIGGER USER")
    await owner.execute("UPDATE audit_entry SET action = 'x' WHERE dfsp_id = $1 AND seq = 3", green)
    await owner.close()
    browser = Browser(client, world.operator)
    page = await browser.open(PAGE)
    assert f'<option value="{green}">Greenbankfsp</option>' in page.text
    await browser.send(PAGE, dfsp_id=str(green))
    await builders.work(service)
    await browser.open(PAGE)
    assert "Greenbankfsp Broken Entry 3: the entry was changed." in browser.words
    assert "The hub Intact" not in browser.words
    await browser.send(PAGE, dfsp_id="")
    await browser.open(PAGE)
    assert "Earlier checks" in browser.words
    [earlier] = [part for part in browser.page.text.split('href="') if part.startswith(f"{PAGE}/")]
    await browser.open(earlier.partition('"')[0])
    assert (browser.status, "Broken" in browser.words) == (200, True)


async def test_staff_of_a_dfsp_check_their_own_chain(client: httpx.AsyncClient, service: Service, world: World) -> None:
    browser = Browser(client, world["greenbankfsp"]["auditor"])
    page = await browser.open(PAGE)
    assert 'name="dfsp_id"' not in page.text
    await browser.send(PAGE)
    await builders.work(service)
    await browser.open(PAGE)
    assert "Greenbankfsp Intact" in browser.words
    other = Browser(client, world["lakemfi"]["auditor"])
    await other.open(PAGE)
    assert "Nothing checked yet" in other.words


async def test_too_many_checks_are_told_on_the_page(client: httpx.AsyncClient, world: World) -> None:
    browser = Browser(client, world.operator)
    await browser.open(PAGE)
    for _ in range(3):
        await browser.send(PAGE)
    assert "Too many jobs of this kind are under way" in browser.words


async def test_who_may_not_read_the_record_has_no_such_page(client: httpx.AsyncClient, world: World) -> None:
    for who in (world.maker, world.checker):
        browser = Browser(client, who)
        await browser.open(PAGE)
        assert browser.status == 403
    browser = Browser(client, world.operator)
    forged = await client.post(PAGE, data={"dfsp_id": ""}, headers={"cookie": f"session={world.operator.token}"})
    assert forged.status_code == 403
    await browser.open(PAGE)
    assert "Nothing checked yet" in browser.words
