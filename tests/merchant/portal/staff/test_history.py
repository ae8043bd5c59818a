"""What happened to a merchant, in sentences: for staff of its DFSP and of the hub."""

import httpx
import pytest

from merchant.core.service import Service
from merchant.portal.staff.history import SENTENCES
from merchant.registry.codes.stickers import Standing, replace_sticker
from merchant.registry.merchants import lifecycle
from merchant.registry.merchants.models import Merchant
from tests import builders
from tests.builders import World
from tests.merchant.portal.browsing import Browser

pytestmark = pytest.mark.anyio


@pytest.fixture
async def merchant(service: Service, world: World) -> Merchant:
    """A merchant with a second counter, a new sticker, and a stop."""
    document = builders.company(trading_name="Mama Njeri")
    found, [counter] = await builders.create_merchant(service, world, document=document)
    async with service.db.tenant(found.dfsp_id) as tx:
        await lifecycle.add_counter(tx, service, world.maker.actor, found.id, counter.location_id, "Terrace", None)
        await replace_sticker(tx, world.maker.actor, counter.id, "Worn.", Standing.REPLACED)
        await lifecycle.suspend(tx, world.checker.actor, found.id, "A customer complained.")
    return found


async def test_it_tells_who_did_what_in_sentences(client: httpx.AsyncClient, world: World, merchant: Merchant) -> None:
    browser = Browser(client, world.maker)
    page = await browser.open(f"/merchants/{merchant.id}/history")
    assert browser.status == 200
    assert "Counter Terrace was opened with number" in browser.words
    assert "The sticker of counter Till 1 was replaced by a new version" in browser.words
    assert "The merchant was suspended “A customer complained.”" in browser.words
    assert "Version 1 was approved" in browser.words
    assert "The service" in browser.words
    assert "reason digest" not in browser.words
    assert f"/api/v1/merchants/{merchant.id}/history?format=csv" in page.text


async def test_the_merchants_page_leads_to_it_and_to_its_payments(
    client: httpx.AsyncClient, world: World, merchant: Merchant
) -> None:
    browser = Browser(client, world.checker)
    page = await browser.open(f"/merchants/{merchant.id}")
    for one in ("history", "payments", "takings"):
        assert f'href="/merchants/{merchant.id}/{one}"' in page.text


async def test_it_has_pages(client: httpx.AsyncClient, service: Service, world: World, merchant: Merchant) -> None:
    _merchant, counters = merchant, 12
    async with service.db.tenant(merchant.dfsp_id) as tx:
        await lifecycle.reinstate(tx, world.checker.actor, merchant.id)
        for number in range(counters):
            place = await tx.fetchval("SELECT id FROM location WHERE merchant_id = $1", merchant.id)
            await lifecycle.add_counter(tx, service, world.maker.actor, merchant.id, place, f"Stall {number}", None)
            await lifecycle.change_counter(
                tx,
                world.maker.actor,
                await tx.fetchval("SELECT id FROM counter WHERE name = $1", f"Stall {number}"),
                f"Stand {number}",
                None,
            )
    browser = Browser(client, world.maker)
    page = await browser.open(f"/merchants/{merchant.id}/history")
    assert "Counter Stand 11 was renamed or moved" in browser.words
    assert "Version 1 was approved" not in browser.words
    href = page.text.split('rel="next"')[0].rpartition('href="')[2].split('"')[0]
    await browser.open(href.replace("&amp;", "&"))
    assert "Version 1 was approved" in browser.words
    assert "To the beginning" in browser.words


async def test_another_dfsp_sees_nothing_of_it(client: httpx.AsyncClient, world: World, merchant: Merchant) -> None:
    browser = Browser(client, world["lakemfi"]["admin"])
    await browser.open(f"/merchants/{merchant.id}/history")
    assert (browser.status, "Mama Njeri" in browser.words) == (404, False)
    hub = Browser(client, world.operator)
    await hub.open(f"/merchants/{merchant.id}/history")
    assert hub.status == 200
    assert "A customer complained." not in hub.words  # its own reasons alone


async def test_a_cursor_of_nowhere_is_told(client: httpx.AsyncClient, world: World, merchant: Merchant) -> None:
    browser = Browser(client, world.maker)
    await browser.open(f"/merchants/{merchant.id}/history", cursor="nonsense")
    assert browser.status == 422


async def test_sentences_name_values_that_entries_have() -> None:
    known = {"name", "sections", "version", "hits", "risk", "decision", "after", "before", "documents", "kind"}
    known |= {"alias", "tries_left", "attribute", "outcome"}
    for action, sentence in SENTENCES.items():
        assert {part.split("}")[0] for part in sentence.split("{")[1:]} <= known, action
