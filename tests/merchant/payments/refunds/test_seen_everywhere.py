"""Refunds wherever a payment is seen: its path and timeline, the totals of the day, its receipt, messages by text."""

import re
from typing import Any
from uuid import UUID

import httpx
import pytest

from merchant.core import clock
from merchant.core.access import SERVICE
from merchant.core.http.context import with_context
from merchant.exchange.reports.routes import ROUTES as REPORT_ROUTES
from merchant.payments import receipts
from merchant.payments.payment_trace import trace_payment
from tests.apps import app_on
from tests.builders import DFSPS
from tests.merchant.payments.refunds import payee
from tests.merchant.payments.stage import HUB, PAYER, Stage

pytestmark = pytest.mark.anyio
NUMBER = r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{5}"


async def report(stage: Stage, path: str, who: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """The rows of a report on money, as staff of the DFSP read them."""
    transport = httpx.ASGITransport(with_context(app_on(stage.service, REPORT_ROUTES)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test.local") as client:
        headers = who or stage.world[DFSPS[0]]["admin"].headers
        answer = await client.get(f"/api/v1/reports/{path}", headers=headers)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


async def texts(stage: Stage) -> list[str]:
    await stage.work()
    found = await stage.rows("SELECT text FROM sms_message WHERE merchant_id IS NOT NULL ORDER BY id")
    return [row["text"] for row in found]


# --- what happened ---------------------------------------------------------------------------------------------------


async def test_the_path_of_a_payment_goes_on_with_its_refund(stage: Stage) -> None:
    payment = await payee.paid(stage)
    refund = await payee.refunded(stage, payment, "4")
    path = await trace_payment(stage.service, SERVICE, payment["id"])
    own = [(line.what, line.detail) for line in path.lines if line.what.startswith("refund_")]
    assert [what for what, _ in own] == ["refund_created", "refund_sent", "refund_accepted", "refund_refunded"]
    assert all(detail is not None and detail.startswith("4.00 KES, ") for _, detail in own)
    announced = [line.what for line in path.lines if line.kind == "announced"]
    assert announced[-2:] == ["refund.created", "refund.refunded"]
    messages = [line.what for line in path.lines if line.kind in ("in", "out")]
    assert messages[-4:] == [
        "POST /quotes",
        f"PUT /quotes/{payee.quote_of(stage, refund).body['quoteId']}",
        "POST /transfers",
        f"PUT /transfers/{refund['hub']['transfer_id']}",
    ]
    assert PAYER not in str(path)


@pytest.mark.parametrize("of", ["payments", "payment-requests"])
async def test_the_timeline_tells_refunds_and_how_they_failed(stage: Stage, of: str) -> None:
    payment = await payee.paid(stage)
    refund = await payee.asked(stage, payment, "4")
    await payee.refuse_quote(stage, refund, "5200")
    await payee.refunded(stage, payment, "1")
    about = payment["id"] if of == "payments" else payment["payment_request_id"]
    answer = await stage.client.get(f"/api/v1/{of}/{about}/timeline", headers=stage.key)
    assert answer.status_code == 200, answer.text
    told = [(one["what"], one["detail"]) for one in answer.json()["items"] if one["what"].startswith("refund_")]
    assert [what for what, _ in told if what in ("refund_failed", "refund_refunded")] == [
        "refund_failed",
        "refund_refunded",
    ]
    assert dict(told)["refund_failed"].startswith("4.00 KES, quote_refused")


# --- totals ----------------------------------------------------------------------------------------------------------


async def test_totals_tell_what_came_in_what_went_back_and_what_is_left(stage: Stage) -> None:
    payment = await payee.paid(stage, "10")
    await payee.refunded(stage, payment, "2.50")
    await payee.asked(stage, payment, "1")  # on its way: nobody has it yet
    for name in ("daily", "takings", "settlement", "settlement/totals"):
        [row] = await report(stage, name)
        told = (row["count"], row["amount"], row["refunds"], row["refunded"], row["net"])
        assert told == (1, "10", 1, "2.5", "7.5"), name


async def test_a_day_with_refunds_alone_is_below_zero(stage: Stage) -> None:
    payment = await payee.paid(stage, "10")
    await payee.refunded(stage, payment)
    await stage.rows(
        "UPDATE payment SET received_at = received_at - interval '3 days' WHERE id = $1", UUID(payment["id"])
    )
    day = clock.now().astimezone(await stage.service.time_zone()).date()
    for name in ("daily", f"takings?from={day}&to={day}", "settlement", "settlement/totals"):
        [row] = await report(stage, name)
        assert (row["count"], row["amount"], row["refunds"], row["net"]) == (0, "0", 1, "-10"), name


async def test_another_dfsp_sees_none_of_it(stage: Stage) -> None:
    payment = await payee.paid(stage, "10")
    await payee.refunded(stage, payment)
    other = stage.world["lakemfi"]["admin"].headers
    for name in ("daily", "takings", "settlement", "settlement/totals"):
        assert await report(stage, name, other) == [], name


# --- receipts --------------------------------------------------------------------------------------------------------


async def test_a_receipt_tells_what_was_given_back_in_all(stage: Stage) -> None:
    payment = await payee.paid(stage)
    assert "Given back" not in receipts.as_text(await receipts.read_receipt(stage.service, UUID(payment["id"]), "en"))
    await payee.refunded(stage, payment, "4")
    await payee.refunded(stage, payment, "1.50")
    answer = await stage.client.get(f"/api/v1/payments/{payment['id']}/receipt", headers=stage.key)
    assert re.search(r"^Given back: +5\.50 KES, \d", answer.text, re.MULTILINE), answer.text
    paper = await stage.client.get(f"/api/v1/payments/{payment['id']}/receipt?format=pdf", headers=stage.key)
    assert paper.content.startswith(b"%PDF")


async def test_the_merchant_is_told_by_text_once_the_customer_has_the_money(stage: Stage) -> None:
    payment = await payee.paid(stage)
    refund = await payee.sent(stage, payment, "4")
    before = len(await texts(stage))
    for _ in range(2):  # the hub's word comes twice
        await payee.end(stage, refund)
    told = await texts(stage)
    assert len(told) == before + 1
    assert re.search(rf": 4\.00 KES given back at \d\d:\d\d\. Receipt {NUMBER}$", told[-1]), told[-1]


async def test_a_refund_that_fails_is_told_nobody_as_given_back(stage: Stage) -> None:
    payment = await payee.paid(stage)
    before = len(await texts(stage))
    refund = await payee.sent(stage, payment, "4")
    await payee.end(stage, refund, "ABORTED", source=HUB)
    assert (await payee.read(stage, refund))["state"] == "failed"
    assert len(await texts(stage)) == before


@pytest.mark.parametrize(("channel", "is_told"), [("ussd", True), ("api", False)])
async def test_a_payer_who_asked_by_telephone_gets_a_receipt_of_the_refund(
    stage: Stage, channel: str, is_told: bool
) -> None:
    request = await stage.asked()
    await stage.rows("UPDATE payment_request SET channel = $2 WHERE id = $1", UUID(request["id"]), channel)
    await stage.pay(request)
    await stage.work()
    count = "SELECT FROM sms_message WHERE merchant_id IS NULL"
    before = len(await stage.rows(count))
    await payee.refunded(stage, (await stage.payments())[0], "4")
    await stage.work()
    assert len(await stage.rows(count)) == before + is_told
