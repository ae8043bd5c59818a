"""JSON routes of finding any payment: the search, one payment in full, its timeline, a kept hub message."""

from uuid import UUID

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http.route import Call, Filter, route
from merchant.core.texts import _
from merchant.payments import finding_schemas as schemas
from merchant.payments import hub_messages, queries, search, timeline
from merchant.payments.filters import MAX_TEXT_CHARS, NARROWING, narrowed

_Q = Filter(
    "q",
    "What is known of the payment: an id of ours or the hub's, a receipt number, a short reference, a payer's"
    " telephone number, an amount such as `250` or `250.00 KES`, a merchant number, the merchant's reference, or words"
    " of the note. Read in every way that fits its form; words of notes only where nothing else is found, among the"
    " newest of 31 days.",
)


@route(
    "GET",
    "/api/v1/payment-search",
    permission=P.PAYMENTS_READ,
    items=schemas.FoundPayment,
    filters=(_Q, *NARROWING),
)
async def search_payments(call: Call[None]) -> list[schemas.FoundPayment]:
    """Find payments and requests by anything a person knows of them: the 25 newest, each money once."""
    typed = call.filters["q"] or ""
    if len(typed) > MAX_TEXT_CHARS:
        raise errors.InvalidFilter(_("{name} is too long.", name="q"))
    found = await search.search_payments(
        call.tx, call.actor, await call.service.scheme(), call.service.vault, typed, narrowed(call)
    )
    return [schemas.found_view(one) for one in found]


@route("GET", "/api/v1/payments/{payment_id}", permission=P.PAYMENTS_READ, answer=schemas.PaymentDetail)
async def read_payment(call: Call[None], payment_id: UUID) -> schemas.PaymentDetail:
    """Read a payment, with its place and the request that it paid."""
    return schemas.detail_view(await queries.payment(call.tx, call.actor, payment_id))


@route("GET", "/api/v1/payments/{payment_id}/timeline", permission=P.PAYMENTS_READ, items=schemas.TimelineStep)
async def list_payment_timeline(call: Call[None], payment_id: UUID) -> list[schemas.TimelineStep]:
    """What happened to a payment, oldest first: messages of the hub and ours, which are kept seven days, and the
    steps of its request.
    """
    row = await queries.payment(call.tx, call.actor, payment_id)
    return await timeline.payment_timeline(call.service, row["payment_id"])


@route(
    "GET",
    "/api/v1/payment-requests/{request_id}/timeline",
    permission=P.PAYMENTS_READ,
    items=schemas.TimelineStep,
)
async def list_payment_request_timeline(call: Call[None], request_id: UUID) -> list[schemas.TimelineStep]:
    """What happened to a payment request, oldest first: messages of the hub and ours, which are kept seven days, and
    its own steps.
    """
    row = await queries.payment_request(call.tx, call.actor, request_id)
    return await timeline.request_timeline(call.service, row["id"])


@route(
    "GET",
    "/api/v1/hub-messages/{message_id}",
    permission=P.OPERATIONS_READ,
    answer=schemas.HubMessageView,
)
async def read_hub_message(call: Call[None], message_id: str) -> schemas.HubMessageView:
    """Read a message of the hub's, or one of ours to it, by the id that a timeline shows: staff of the hub only.

    Names and telephone numbers are masked; who reads it is recorded. Messages are kept seven days.
    """
    return await hub_messages.read_hub_message(call.tx, call.service, call.actor, call.source, message_id)


ROUTES = [
    search_payments,
    read_payment,
    list_payment_timeline,
    list_payment_request_timeline,
    read_hub_message,
]
