"""The amount that a shopper types on a counter's page: into the code, the dial string and the words."""

import re
from decimal import Decimal

import httpx
import pytest

import qr
from merchant.core.service import Service
from tests import builders
from tests.builders import World
from tests.merchant.portal.shops import Shop, assert_safe, read_code, words_of

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("typed", "written"), [("3.20", "3.2"), ("3,20", "3.2"), (" 7 ", "7"), ("1250.50", "1250.5")])
async def test_it_stands_in_the_code_beside_the_counter(
    client: httpx.AsyncClient, shop: Shop, typed: str, written: str
) -> None:
    page = await client.get(f"/q/{shop.counter.alias}", params={"amount": typed})
    assert page.status_code == 200
    scanned = qr.decode(read_code(page), profile="mojaloop")
    assert scanned.amount == f"{Decimal(written):.2f}", "with the currency's decimals"
    assert qr.mojaloop_party(scanned) == qr.Party("ALIAS", shop.counter.alias, None)
    assert "and the amount" in words_of(page)
    assert f"/q/{shop.counter.alias}/phone?amount={written}" in page.text
    assert_safe(page)


async def test_whole_amounts_are_dialled_and_others_are_asked_for(client: httpx.AsyncClient, shop: Shop) -> None:
    alias = shop.counter.alias
    assert f'href="tel:*384*123*{alias}*3%23"' in (await client.get(f"/q/{alias}?amount=3")).text
    page = await client.get(f"/q/{alias}?amount=3.20")
    assert f'href="tel:*384*123*{alias}%23"' in page.text, "phones drop the point, and 3.20 would be 320"
    assert "enter 3.20 USD" in words_of(page)


@pytest.mark.parametrize("typed", ["x", "0", "-1", "1.234", "1,234", "9" * 20, "1e3", "<b>"])
async def test_what_is_no_amount_is_told_beside_the_field_and_kept(
    client: httpx.AsyncClient, shop: Shop, typed: str
) -> None:
    page = await client.get(f"/q/{shop.counter.alias}", params={"amount": typed})
    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.text
    assert 'class="amount"' not in page.text
    assert qr.decode(read_code(page), profile="mojaloop").amount is None
    assert_safe(page)


async def test_a_shop_with_two_currencies_offers_both_and_no_third(
    client: httpx.AsyncClient, service: Service, world: World
) -> None:
    usual = (await service.scheme()).currencies[0]
    async with service.db.system() as tx:
        await tx.execute("UPDATE scheme SET currencies = $1", [usual, "KES"])
    _, [counter] = await builders.create_merchant(service, world)
    async with service.db.system() as tx:
        await tx.execute("UPDATE merchant SET currencies = $1", [usual, "KES"])
    page = await client.get(f"/q/{counter.alias}?amount=5&currency=KES")
    assert "5.00 KES" in words_of(page)
    assert re.findall(r"<option[^>]*>(\w+)", page.text) == [usual, "KES"]
    assert f"5.00 {usual}" in words_of(await client.get(f"/q/{counter.alias}?amount=5&currency=XXX"))


async def test_a_chosen_language_goes_on_with_the_amount(client: httpx.AsyncClient, shop: Shop) -> None:
    page = await client.get(f"/q/{shop.counter.alias}?amount=5&lang=sw")
    assert '<input type="hidden" name="lang" value="sw">' in page.text


async def test_the_page_of_a_request_has_no_box(client: httpx.AsyncClient, shop: Shop) -> None:
    page = await client.get(f"/q/{await shop.ask()}?amount=3")
    assert 'name="amount"' not in page.text
    assert "10.00 USD" in words_of(page)
