"""JSON routes of payment requests and payments: call the operation, show the result.

requests.py creates and cancels, transfers.py asks the hub, queries.py reads, schemas.py shapes what comes in and goes
out.
"""

from typing import Any
from uuid import UUID

from merchant.compliance.policies.problems import CapabilityMissing
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http.json import language_of
from merchant.core.http.route import Answer, Call, Listed, route
from merchant.payments import queries, schemas
from merchant.payments.ask_again import ask_again
from merchant.payments.filters import LIST_FILTERS, SORTS, read_list
from merchant.payments.operations import ask_hub_again, cancel_request, create_request_at
from merchant.payments.problems import BeingPaid, Busy, MerchantNotActive, Reconciling


async def _view(call: Call[Any], request_id: UUID) -> schemas.PaymentRequestView:
    row = await queries.payment_request(call.tx, call.actor, request_id)
    return schemas.request_view(
        row, await call.service.scheme(), call.service.settings.base_url, language_of(call.request)
    )


@route(
    "POST",
    "/api/v1/payment-requests",
    permission=P.PAYMENTS_REQUEST,
    body=schemas.NewPaymentRequest,
    answer=schemas.PaymentRequestView,
    status=201,
    idempotency_key="required",
    raises=(errors.NotFound, MerchantNotActive, CapabilityMissing, Reconciling, Busy),
)
async def create_payment_request(call: Call[schemas.NewPaymentRequest]) -> schemas.PaymentRequestView:
    """Ask for money: of a payer, or of whoever scans the code that this answers with."""
    command = call.body.to_command((await call.service.scheme()).country)
    made, counter = await create_request_at(call.tx, call.service, call.actor, command)
    return schemas.new_request_view(made, counter, await call.service.scheme(), call.service.settings.base_url)


@route(
    "GET",
    "/api/v1/payment-requests",
    permission=P.PAYMENTS_READ,
    items=schemas.PaymentRequestView,
    paged=True,
    sorts=SORTS,
    filters=LIST_FILTERS,
)
async def list_payment_requests(call: Call[None]) -> Listed:
    """List payment requests, newest first.

    By `amount` the largest come first, currency by currency; of one merchant or counter, and of 31 days at most.
    """
    rows = await queries.payment_requests(
        call.tx,
        call.actor,
        call.page,
        await read_list(call),
    )
    scheme, base_url = await call.service.scheme(), call.service.settings.base_url
    language = language_of(call.request)
    return Listed([schemas.request_view(row, scheme, base_url, language) for row in rows], [row["id"] for row in rows])


@route("GET", "/api/v1/payment-requests/{request_id}", permission=P.PAYMENTS_READ, answer=schemas.PaymentRequestView)
async def read_payment_request(call: Call[None], request_id: UUID) -> schemas.PaymentRequestView:
    """Read a payment request."""
    return await _view(call, request_id)


@route("GET", "/api/v1/payment-requests/{request_id}/events", permission=P.PAYMENTS_READ, items=schemas.EventView)
async def list_payment_request_events(call: Call[None], request_id: UUID) -> list[schemas.EventView]:
    """The history of a payment request, oldest first, on one page: it has a dozen steps at most."""
    row = await queries.payment_request(call.tx, call.actor, request_id)
    return [schemas.event_view(step) for step in await queries.history(call.tx, row["id"])]


@route(
    "POST",
    "/api/v1/payment-requests/{request_id}/cancel",
    permission=P.PAYMENTS_REQUEST,
    answer=schemas.PaymentRequestView,
    raises=(errors.WrongState, BeingPaid),
)
async def cancel_payment_request(call: Call[None], request_id: UUID) -> schemas.PaymentRequestView:
    """Take a payment request back."""
    cancelled = await cancel_request(call.tx, call.service, call.actor, request_id)
    return await _view(call, cancelled.id)


@route(
    "POST",
    "/api/v1/payment-requests/{request_id}/ask-again",
    permission=P.PAYMENTS_REQUEST,
    answer=schemas.PaymentRequestView,
    status=201,
    idempotency_key="required",
    raises=(errors.WrongState, BeingPaid, MerchantNotActive, CapabilityMissing, Reconciling, Busy),
)
async def ask_again_for_payment_request(call: Call[None], request_id: UUID) -> schemas.PaymentRequestView:
    """Put the same demand to the same customer again. The earlier request keeps its reference, and ends if it is open.

    The answer is the new request, with the same counter, payer, amount, reference and note. Of a request that was asked
    again before, it is the one that took its place, as long as that is open: nobody is asked twice for the same money.
    """
    made = await ask_again(call.tx, call.service, call.actor, request_id)
    return await _view(call, made.id)


@route(
    "POST",
    "/api/v1/payment-requests/{request_id}/check",
    permission=P.PAYMENTS_RESOLVE,
    answer=schemas.PaymentRequestView,
    status=202,
    raises=(errors.WrongState,),
)
async def check_payment_request(call: Call[None], request_id: UUID) -> Answer:
    """Ask the hub now what became of a request in doubt."""
    asked = await ask_hub_again(call.tx, call.service, call.actor, request_id)
    return Answer(await _view(call, asked.id))


@route(
    "GET",
    "/api/v1/payments",
    permission=P.PAYMENTS_READ,
    items=schemas.PaymentView,
    paged=True,
    sorts=SORTS,
    filters=LIST_FILTERS,
)
async def list_payments(call: Call[None]) -> Listed:
    """List the money that arrived, newest first. Each payment is `paid`: another `state` has none.

    By `amount` the largest come first, currency by currency; of one merchant or counter, and of 31 days at most.
    """
    rows = await queries.payments(
        call.tx,
        call.actor,
        call.page,
        await read_list(call),
    )
    return Listed([schemas.payment_view(row) for row in rows], [row["id"] for row in rows])


ROUTES = [
    create_payment_request,
    list_payment_requests,
    read_payment_request,
    list_payment_request_events,
    cancel_payment_request,
    ask_again_for_payment_request,
    check_payment_request,
    list_payments,
]
