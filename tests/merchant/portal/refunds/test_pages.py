"""Giving money back on pages: from a payment's page, with a second person where one is needed, and found again."""

from collections.abc import Callable
from typing import Any

import pytest

from merchant.payments.book_saving import payer_context
from tests import builders
from tests.builders import DFSPS, World
from tests.merchant.portal.merchant.conftest import Stall, open_stall, stall

pytestmark = pytest.mark.anyio
__all__ = ["stall"]


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("stall", open_stall)


async def paid(stall: Stall, minor: int = 250_00) -> str:
    """A payment whose payer is kept."""
    payment_id = await stall.pay(minor)
    async with stall.service.db.system() as tx:
        transaction_id = await tx.fetchval("SELECT transaction_id FROM payment WHERE id = $1", payment_id)
        sealed = stall.service.vault.seal(b"MSISDN:254711000001", payer_context(transaction_id))
        await tx.execute("UPDATE payment SET payer_sealed = $2 WHERE id = $1", payment_id, sealed)
    return payment_id


async def refunds(stall: Stall) -> list[dict[str, Any]]:
    listed = await stall.client.get("/api/v1/refunds", headers=stall.owner.headers)
    return list(listed.json()["items"])


async def test_the_owner_gives_a_part_back_and_sees_it_on_the_payment(stall: Stall) -> None:
    payment_id = await paid(stall)
    browser = stall.browser()
    await browser.open(f"/shop/payments/{payment_id}")
    assert "Give money back" in browser.words
    here = f"/shop/payments/{payment_id}/refund"
    await browser.open(here)
    assert browser.fields(here)["amount.amount"] == "250"
    assert "A refund cannot be taken back" in browser.words
    await browser.send(here, amount__amount="100", reason="DUPL")
    assert browser.page.url.path == f"/shop/payments/{payment_id}"
    for words in ("The refund is on its way", "100.00 KES", "On its way", "Person owner", "Give money back"):
        assert words in browser.words
    [made] = await refunds(stall)
    assert (made["amount"], made["reason"]) == ({"amount": "100", "currency": "KES"}, "DUPL")
    await browser.open(here)
    assert browser.fields(here)["amount.amount"] == "150"


async def test_another_reason_is_said_in_words(stall: Stall) -> None:
    payment_id = await paid(stall)
    browser = stall.browser()
    here = f"/shop/payments/{payment_id}/refund"
    await browser.open(here)
    await browser.send(here, reason="NARR", words="the eggs were broken")
    assert (await refunds(stall))[0]["words"] == "the eggs were broken"


async def test_more_than_is_left_is_refused_and_what_was_typed_stays(stall: Stall) -> None:
    payment_id = await paid(stall)
    browser = stall.browser()
    here = f"/shop/payments/{payment_id}/refund"
    await browser.open(here)
    await browser.send(here, amount__amount="251")
    assert browser.status == 422
    assert "At most 250.00 KES of this payment can still be given back" in browser.words
    assert browser.fields(here)["amount.amount"] == "251"
    assert await refunds(stall) == []


async def test_the_same_form_sent_twice_gives_once(stall: Stall) -> None:
    payment_id = await paid(stall)
    browser = stall.browser()
    here = f"/shop/payments/{payment_id}/refund"
    await browser.open(here)
    fields = browser.fields(here) | {"amount.amount": "100"}
    for _ in range(2):
        await browser.send_as_it_was(here, fields)
    assert len(await refunds(stall)) == 1


async def test_a_cashiers_refund_waits_and_the_owner_approves_it(stall: Stall) -> None:
    payment_id = await paid(stall)
    cashier = stall.browser(stall.cashier)
    here = f"/shop/payments/{payment_id}/refund"
    await cashier.open(here)
    await cashier.send(here)
    assert "waits for another person" in cashier.words
    assert "Approve" not in cashier.page.text
    [made] = await refunds(stall)
    owner = stall.browser()
    await owner.open("/shop/refunds", state="pending_approval")
    assert "Waits for approval" in owner.words
    assert f'href="/shop/payments/{payment_id}"' in owner.page.text
    approve = f"/shop/refunds/{made['id']}/approve"
    await owner.open(f"/shop/payments/{payment_id}")
    assert approve in owner.page.text
    await owner.open(approve)
    for words in ("250.00 KES", "Person cash", "The customer asked for it"):
        assert words in owner.words
    await owner.send(approve)
    assert "is on its way" in owner.words
    assert (await refunds(stall))[0]["state"] == "created"


async def test_whoever_asked_may_call_it_off(stall: Stall) -> None:
    payment_id = await paid(stall)
    cashier = stall.browser(stall.cashier)
    await cashier.open(f"/shop/payments/{payment_id}/refund")
    await cashier.send(f"/shop/payments/{payment_id}/refund")
    [made] = await refunds(stall)
    cancel = f"/shop/refunds/{made['id']}/cancel"
    await cashier.open(cancel)
    await cashier.send(cancel)
    assert (await refunds(stall))[0]["state"] == "rejected"
    await cashier.open(f"/shop/payments/{payment_id}")
    assert "Called off" in cashier.words


async def test_staff_approve_on_their_own_pages_and_an_auditor_only_looks(stall: Stall, world: World) -> None:
    payment_id = await paid(stall)
    cashier = stall.browser(stall.cashier)
    await cashier.open(f"/shop/payments/{payment_id}/refund")
    await cashier.send(f"/shop/payments/{payment_id}/refund")
    [made] = await refunds(stall)
    auditor = stall.browser(world["greenbankfsp"]["auditor"])
    await auditor.open(f"/payments/{payment_id}")
    assert "Waits for approval" in auditor.words
    for way in ("approve", "cancel"):
        assert f"/payments/refunds/{made['id']}/{way}" not in auditor.page.text
    assert (await auditor.open(f"/payments/refunds/{made['id']}/approve")).status_code == 403
    checker = stall.browser(world.checker)
    await checker.open("/payments/refunds")
    assert "Waits for approval" in checker.words
    approve = f"/payments/refunds/{made['id']}/approve"
    await checker.open(approve)
    await checker.send(approve)
    assert (await refunds(stall))[0]["approved_by"] == "checker"


async def test_another_shop_and_another_dfsp_find_nothing(stall: Stall, world: World) -> None:
    payment_id = await paid(stall)
    other = stall.browser(world[DFSPS[1]]["checker"])
    assert (await other.open(f"/payments/{payment_id}")).status_code == 404
    stranger, _counters = await builders.create_merchant(stall.service, world, document=builders.company(7))
    place = {"dfsp_id": stranger.dfsp_id, "merchant_id": stranger.id}
    await builders.add_person(stall.service, "stranger@shop.example", ["merchant_owner"], **place)
    browser = stall.browser(await builders.signed_in(stall.service, "stranger@shop.example"))
    for path in (f"/shop/payments/{payment_id}", f"/shop/payments/{payment_id}/refund"):
        assert (await browser.open(path)).status_code == 404


async def test_a_payment_that_is_all_given_back_offers_no_more(stall: Stall) -> None:
    payment_id = await paid(stall)
    browser = stall.browser()
    await browser.open(f"/shop/payments/{payment_id}/refund")
    await browser.send(f"/shop/payments/{payment_id}/refund")
    assert "Give money back" not in browser.words
    await browser.open("/shop/refunds", state="failed")
    assert "Nothing fits these filters" in browser.words
