"""JSON routes of payment requests and payments: read the request, call the operation, answer.

Nothing is decided here: requests.py creates and cancels, transfers.py asks the hub, queries.py reads, schemas.py shapes
what comes in and goes out.
"""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath

from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.http import json as web
from merchant.core.http.json import actor_of, answer, body, needs, path_id, service_of
from merchant.payments import queries, schemas
from merchant.payments.requests import cancel_request, create_request
from merchant.payments.states import RequestState
from merchant.payments.transfers import ask_hub_again

Req = Request[Any, Any, State]
Answer = Response[bytes]


def _id_or_none(text: str | None) -> UUID | None:
    return path_id(text) if text else None


async def _view(request: Req, tx: Tx, request_id: Any) -> schemas.PaymentRequestView:
    service = service_of(request)
    row = await queries.payment_request(tx, actor_of(request), request_id)
    return schemas.request_view(row, await service.scheme(), service.settings.base_url)


@post(
    "/api/v1/payment-requests",
    opt=needs(P.PAYMENTS_REQUEST, body=schemas.NewPaymentRequest, answer=schemas.PaymentRequestView, once=True),
)
async def create(request: Req) -> Answer:
    """Ask for money: of a payer, or of whoever scans the code that this answers with."""
    new = await body(request, schemas.NewPaymentRequest)
    service, actor = service_of(request), actor_of(request)
    command = new.to_command((await service.scheme()).country)

    async def do(tx: Tx) -> tuple[int, Any]:
        made = await create_request(tx, service, actor, command)
        return 201, await _view(request, tx, made.id)

    return await web.once(request, "payment-requests", do)


@get(
    "/api/v1/payment-requests",
    opt=needs(
        P.PAYMENTS_READ,
        listing=schemas.PaymentRequestView,
        query=("state", "counter_id", "merchant_id", "reference"),
        choices={"state": tuple(RequestState)},
    ),
)
async def list_requests(request: Req) -> Answer:
    """List payment requests, newest first."""
    page, query, service = web.page_of(request), request.query_params, service_of(request)
    async with service.db.tenant(actor_of(request).dfsp_id) as tx:
        rows = await queries.payment_requests(
            tx,
            actor_of(request),
            page.limit,
            page.before,
            state=query.get("state"),
            counter_id=_id_or_none(query.get("counter_id")),
            reference=query.get("reference"),
            merchant_id=_id_or_none(query.get("merchant_id")),
        )
    scheme = await service.scheme()
    views = [schemas.request_view(row, scheme, service.settings.base_url) for row in rows]
    return web.listing(views, page, [row["id"] for row in rows])


@get("/api/v1/payment-requests/{request_id:str}", opt=needs(P.PAYMENTS_READ, answer=schemas.PaymentRequestView))
async def read(request: Req, request_id: FromPath[str]) -> Answer:
    """Read a payment request."""
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        return answer(await _view(request, tx, path_id(request_id)))


@get("/api/v1/payment-requests/{request_id:str}/events", opt=needs(P.PAYMENTS_READ, items=schemas.EventView))
async def read_events(request: Req, request_id: FromPath[str]) -> Answer:
    """The history of a payment request, oldest first, on one page: it has a dozen steps at most."""
    web.page_of(request)
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        row = await queries.payment_request(tx, actor_of(request), path_id(request_id))
        steps = await queries.history(tx, row["id"])
    views = [
        schemas.EventView(step["seq"], web.at(step["at"]), step["state"], step["cause"], step["detail"])
        for step in steps
    ]
    return answer({"items": views, "next_cursor": None})


@post(
    "/api/v1/payment-requests/{request_id:str}/cancel",
    status_code=200,
    opt=needs(P.PAYMENTS_REQUEST, answer=schemas.PaymentRequestView),
)
async def cancel(request: Req, request_id: FromPath[str]) -> Answer:
    """Take a payment request back."""
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        cancelled = await cancel_request(tx, actor_of(request), path_id(request_id))
        return answer(await _view(request, tx, cancelled.id))


@post(
    "/api/v1/payment-requests/{request_id:str}/check",
    status_code=202,
    opt=needs(P.PAYMENTS_RESOLVE, answer=schemas.PaymentRequestView),
)
async def check(request: Req, request_id: FromPath[str]) -> Answer:
    """Ask the hub now what became of a request in doubt."""
    service, actor = service_of(request), actor_of(request)
    async with service.db.tenant(actor.dfsp_id) as tx:
        asked = await ask_hub_again(tx, service, actor, path_id(request_id))
        return answer(await _view(request, tx, asked.id), 202)


@get("/api/v1/payments", opt=needs(P.PAYMENTS_READ, listing=schemas.PaymentView, query=("counter_id", "merchant_id")))
async def list_payments(request: Req) -> Answer:
    """List the money that arrived, newest first."""
    page, query = web.page_of(request), request.query_params
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        rows = await queries.payments(
            tx,
            actor_of(request),
            page.limit,
            page.before,
            counter_id=_id_or_none(query.get("counter_id")),
            merchant_id=_id_or_none(query.get("merchant_id")),
        )
    views = [
        schemas.PaymentView(
            row["id"],
            schemas.amount_view(row["amount_minor"], row["currency"]),
            row["counter_id"],
            row["merchant_id"],
            row["request_id"],
            row["payer_masked"],
            row["note"],
            web.at(row["received_at"]),
            schemas.HubIds(row["transaction_request_id"], row["transaction_id"], row["transfer_id"]),
        )
        for row in rows
    ]
    return web.listing(views, page, [row["id"] for row in rows])


ROUTES = [create, list_requests, read, read_events, cancel, check, list_payments]
