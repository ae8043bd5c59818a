"""The route of a payment's receipt: its facts are payments/receipts.py's, the paper is receipt_paper.py's."""

import asyncio
from typing import Any
from uuid import UUID

from litestar import Response

from merchant.core.access import Permission as P
from merchant.core.http.json import language_of
from merchant.core.http.route import Call, Filter, route
from merchant.exchange.receipt_paper import draw_receipt
from merchant.payments import queries, receipts

_FORMATS = {"text": "text/plain", "pdf": "application/pdf"}


@route(
    "GET",
    "/api/v1/payments/{payment_id}/receipt",
    permission=P.PAYMENTS_READ,
    media=tuple(_FORMATS.values()),
    filters=(Filter("format", "Text, or a PDF of A6; text unless given.", choices=tuple(_FORMATS)),),
)
async def read_payment_receipt(call: Call[None], payment_id: UUID) -> Response[Any]:
    """A receipt of a payment, in the language asked for, as text or PDF."""
    row = await queries.payment(call.tx, call.actor, payment_id)
    receipt = await receipts.receipt_of(call.tx, row, await call.service.scheme(), language_of(call.request))
    wanted = call.filters["format"] or "text"
    if wanted == "text":
        drawn = receipts.as_text(receipt).encode()
    else:
        drawn = await asyncio.to_thread(draw_receipt, receipt)
    return Response(drawn, media_type=_FORMATS[wanted], headers={"cache-control": "no-store"})


ROUTES = [read_payment_receipt]
