"""JSON routes of refunds: call the operation, show the result."""

from typing import Any
from uuid import UUID

from merchant.compliance.policies.problems import CapabilityMissing
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http.json import language_of
from merchant.core.http.route import Answer, Call, Filter, Listed, route
from merchant.payments.filters import MERCHANT
from merchant.payments.problems import Reconciling
from merchant.payments.queries import payment as find_payment
from merchant.payments.refunds import operations, problems, queries, schemas
from merchant.payments.refunds.schemas import RefundEventView, RefundView
from merchant.payments.refunds.states import RefundState

_STATE = Filter("state", "Only those in this state.", choices=tuple(RefundState))


async def _view(call: Call[Any], refund_id: UUID) -> RefundView:
    return schemas.refund_view(await queries.refund(call.tx, call.actor, refund_id), language_of(call.request))


@route(
    "POST",
    "/api/v1/payments/{payment_id}/refunds",
    permission=P.PAYMENTS_REFUND,
    body=schemas.RefundRequest,
    answer=RefundView,
    status=201,
    idempotency_key="required",
    raises=(
        errors.NotFound,
        problems.MerchantMayNotRefund,
        problems.RefundWindowClosed,
        problems.PayerNotKept,
        problems.OverRefundable,
        CapabilityMissing,
        Reconciling,
    ),
)
async def give_refund(call: Call[schemas.RefundRequest], payment_id: UUID) -> RefundView:
    """Give money back for a payment, in full or in part; several refunds are never more than was paid.

    `reason` is a code of ISO 20022 such as `CUST` (the customer asked for it) or `DUPL` (paid twice), or words. Where a
    second person must agree it waits in `pending_approval`; else it goes to the DFSP from which the money came.
    """
    made = await operations.request_refund(call.tx, call.service, call.actor, payment_id, call.body.to_command())
    return await _view(call, made.id)


@route("GET", "/api/v1/payments/{payment_id}/refunds", permission=P.PAYMENTS_READ, items=RefundView)
async def list_payment_refunds(call: Call[None], payment_id: UUID) -> list[RefundView]:
    """What was given back of a payment, newest first: the newest hundred, on one page."""
    await find_payment(call.tx, call.actor, payment_id)
    rows = await queries.refunds_of_payment(call.tx, call.actor, payment_id)
    return [schemas.refund_view(row, language_of(call.request)) for row in rows]


@route(
    "GET",
    "/api/v1/refunds",
    permission=P.PAYMENTS_READ,
    items=RefundView,
    paged=True,
    filters=(_STATE, MERCHANT),
)
async def list_refunds(call: Call[None]) -> Listed:
    """List refunds, newest first."""
    found = await queries.refunds(call.tx, call.actor, call.page, call.filters["state"], call.filter_id("merchant_id"))
    language = language_of(call.request)
    return Listed([schemas.refund_view(row, language) for row in found], [row["id"] for row in found])


@route("GET", "/api/v1/refunds/{refund_id}", permission=P.PAYMENTS_READ, answer=RefundView)
async def read_refund(call: Call[None], refund_id: UUID) -> RefundView:
    """Read a refund."""
    return await _view(call, refund_id)


@route("GET", "/api/v1/refunds/{refund_id}/events", permission=P.PAYMENTS_READ, items=RefundEventView)
async def list_refund_events(call: Call[None], refund_id: UUID) -> list[RefundEventView]:
    """The history of a refund, oldest first, on one page."""
    row = await queries.refund(call.tx, call.actor, refund_id)
    return [schemas.refund_event_view(step) for step in await queries.refund_history(call.tx, row["id"])]


@route(
    "POST",
    "/api/v1/refunds/{refund_id}/approve",
    permission=P.PAYMENTS_REFUND_APPROVE,
    answer=RefundView,
    raises=(errors.CheckerIsMaker, errors.WrongState),
)
async def approve_refund(call: Call[None], refund_id: UUID) -> RefundView:
    """Approve a refund that somebody else asked for; it goes to the hub at once."""
    approved = await operations.approve_refund(call.tx, call.service, call.actor, refund_id)
    return await _view(call, approved.id)


@route(
    "POST",
    "/api/v1/refunds/{refund_id}/cancel",
    permission=P.PAYMENTS_REFUND_APPROVE,
    operation_checks_permission=True,  # who may ask for refunds may call them off as well
    answer=RefundView,
    raises=(errors.WrongState,),
)
async def cancel_refund(call: Call[None], refund_id: UUID) -> RefundView:
    """Call off a refund that waits for approval; it ends as `rejected`."""
    rejected = await operations.cancel_refund(call.tx, call.service, call.actor, refund_id)
    return await _view(call, rejected.id)


@route(
    "POST",
    "/api/v1/refunds/{refund_id}/check",
    permission=P.PAYMENTS_RESOLVE,
    answer=RefundView,
    status=202,
    raises=(errors.WrongState,),
)
async def check_refund(call: Call[None], refund_id: UUID) -> Answer:
    """Ask the hub now what became of a refund in doubt."""
    asked = await operations.check_refund(call.tx, call.service, call.actor, refund_id)
    return Answer(await _view(call, asked.id))


ROUTES = [
    give_refund,
    list_payment_refunds,
    list_refunds,
    read_refund,
    list_refund_events,
    approve_refund,
    cancel_refund,
    check_refund,
]
