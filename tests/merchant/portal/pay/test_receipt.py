"""Receipts of shoppers: on the paid page, and behind a link that is good for ninety days."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import httpx
import pytest

from merchant.core import clock, ids
from merchant.payments import receipts
from merchant.payments.models import Payment
from merchant.payments.states import RequestState
from merchant.portal.pay.receipt import PER_RECEIPT
from tests.merchant.portal.shops import Shop, assert_safe, words_of

pytestmark = pytest.mark.anyio


async def paid(shop: Shop) -> tuple[str, UUID]:
    """A request that was paid: its code, and the payment's id."""
    code = await shop.ask(
        state=RequestState.PAID, payer="254711000001", reference="Invoice 17", note="Two <b>sacks</b>"
    )
    async with shop.service.db.system() as tx:
        row = await tx.fetchrow("SELECT id, note FROM payment_request ORDER BY id DESC LIMIT 1")
        assert row is not None
        payment = Payment(
            dfsp_id=shop.merchant.dfsp_id,
            merchant_id=shop.merchant.id,
            counter_id=shop.counter.id,
            request_id=row["id"],
            payer_fsp_id="mobilemoney",
            transfer_id=ids.wire_id(),
            transaction_id=ids.wire_id(),
            amount_minor=1000,
            currency="USD",
            payer_masked="2547*****001",
            note=row["note"],
            received_at=clock.now(),
        )
        tx.session.add(payment)
        await tx.flush()
        return code, payment.id


def token_of(shop: Shop, payment_id: UUID) -> str:
    """The token of a payment that was received just now."""
    token = receipts.receipt_token(shop.service, payment_id, clock.now())
    assert token is not None
    return token


async def test_the_paid_page_has_the_facts_and_a_link_to_keep(client: httpx.AsyncClient, shop: Shop) -> None:
    code, payment_id = await paid(shop)
    page = await client.get(f"/q/{code}")
    receipt = await receipts.read_receipt(shop.service, payment_id, "en")
    for fact in (receipt.number, "10.00 USD", "Invoice 17", "Two <b>sacks</b>", shop.merchant.city):
        assert fact in words_of(page), fact
    assert "<b>sacks" not in page.text
    assert "2547" not in page.text
    assert_safe(page)
    token = page.text.split('href="/r/')[1].split('"')[0]
    assert receipts.payment_of_token(shop.service, token) == payment_id


async def test_the_receipt_says_everything_and_keeps_to_itself(client: httpx.AsyncClient, shop: Shop) -> None:
    _, payment_id = await paid(shop)
    page = await client.get(f"/r/{token_of(shop, payment_id)}")
    assert page.status_code == 200
    receipt = await receipts.read_receipt(shop.service, payment_id, "en")
    for fact in ("Mama Njeri & Sons", "10.00 USD", receipt.number, receipt.at_text, "Invoice 17", "2547*****001"):
        assert fact in words_of(page), fact
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "noindex" in page.headers["x-robots-tag"]
    assert "<script" not in page.text


@pytest.mark.parametrize("language", ["fr", "sw"])
async def test_it_speaks_the_readers_language(client: httpx.AsyncClient, shop: Shop, language: str) -> None:
    _, payment_id = await paid(shop)
    page = await client.get(f"/r/{token_of(shop, payment_id)}?lang={language}")
    told = await receipts.read_receipt(shop.service, payment_id, language)
    assert told.at_text in words_of(page)
    assert page.headers["content-language"] == language


async def test_it_comes_as_a_pdf_and_as_text(client: httpx.AsyncClient, shop: Shop) -> None:
    _, payment_id = await paid(shop)
    token = token_of(shop, payment_id)
    pdf, text = [await client.get(f"/r/{token}.{form}") for form in ("pdf", "txt")]
    assert pdf.content.startswith(b"%PDF-")
    assert pdf.headers["content-type"] == "application/pdf"
    assert "10.00 USD" in text.text
    for answer in (pdf, text):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["referrer-policy"] == "no-referrer"


async def test_a_link_whose_time_is_over_is_told_kindly(
    client: httpx.AsyncClient, shop: Shop, move_clock: Callable[[timedelta], datetime]
) -> None:
    _, payment_id = await paid(shop)
    token = token_of(shop, payment_id)
    move_clock(receipts.TOKEN_LIFE + timedelta(minutes=1))
    for form in ("", ".pdf", ".txt"):
        page = await client.get(f"/r/{token}{form}")
        assert page.status_code == 404
        assert "The payment itself stands" in words_of(page)


async def test_the_paid_page_gives_no_link_and_no_note_once_the_receipts_time_is_over(
    client: httpx.AsyncClient, shop: Shop, move_clock: Callable[[timedelta], datetime]
) -> None:
    code, payment_id = await paid(shop)
    move_clock(receipts.TOKEN_LIFE - timedelta(hours=1))
    token = (await client.get(f"/q/{code}")).text.split('href="/r/')[1].split('"')[0]
    assert receipts.payment_of_token(shop.service, token) == payment_id
    move_clock(timedelta(hours=1))
    assert (await client.get(f"/r/{token}")).status_code == 404, "a visit the day before made no longer link"
    page = await client.get(f"/q/{code}")
    assert page.status_code == 200
    assert "Paid" in words_of(page)
    for gone in ("/r/", "Invoice 17", "sacks", "2547"):
        assert gone not in page.text, gone


@pytest.mark.parametrize("token", ["x", "A" * 38, "%00", "a.b", "%C3%A9", "x" * 500])
async def test_a_forged_link_is_no_receipt(client: httpx.AsyncClient, shop: Shop, token: str) -> None:
    page = await client.get(f"/r/{token}")
    assert page.status_code == 404
    assert "No receipt here" in words_of(page)


async def test_another_payments_id_or_another_file_does_not_fit_a_token(client: httpx.AsyncClient, shop: Shop) -> None:
    _, payment_id = await paid(shop)
    token = token_of(shop, payment_id)
    changed = ("B" if token[0] == "A" else "A") + token[1:]
    assert (await client.get(f"/r/{changed}")).status_code == 404
    assert (await client.get(f"/r/{token}.exe")).status_code == 404


async def test_no_paper_is_drawn_without_end_from_one_link(client: httpx.AsyncClient, shop: Shop) -> None:
    _, payment_id = await paid(shop)
    token = token_of(shop, payment_id)
    statuses = [(await client.get(f"/r/{token}.pdf")).status_code for _ in range(PER_RECEIPT + 1)]
    assert statuses == [200] * PER_RECEIPT + [429]
    # The page costs little and is always there; so is another's paper.
    assert (await client.get(f"/r/{token}")).status_code == 200
    assert (await client.get(f"/r/{token_of(shop, (await paid(shop))[1])}.pdf")).status_code == 200
