"""Payments: one box that finds any of them by what a person knows of it, and the lists with all their filters.

"A customer says they paid me" is answered in the row itself: what became of it, in words and colour.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from markupsafe import Markup
from msgspec.structs import replace

from merchant.core.access import Permission as P
from merchant.core.paging import AMOUNT, BY_AGE
from merchant.core.texts import _
from merchant.payments import finding_routes, routes
from merchant.payments.finding_schemas import FoundPayment
from merchant.payments.states import RequestState
from merchant.portal.staff.merchant_tabs import merchant_path, merchant_tabs
from merchant.portal.staff.named import merchant_cell
from merchant.portal.ui import words
from merchant.portal.ui.fields import Field
from merchant.portal.ui.layout import zone_of
from merchant.portal.ui.lists import Column, Empty, Listing, amount, instant, name_of, show_list, state, text
from merchant.portal.ui.markup import fill
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, link, screen
from merchant.portal.ui.when import tell_time
from merchant.portal.ui.words import WORDS
from merchant.registry.merchants import routes as merchants_api
from merchant.registry.merchants.schemas import MerchantView

_FIND, _LIST, _OF_MERCHANT = (
    f"{__package__}/{name}.html" for name in ("find_payments", "payments", "merchant_payments")
)
TABS = (
    ("/payments", _("Find a payment")),
    ("/payments/received", _("Money received")),
    ("/payments/requests", _("Requests")),
    ("/payments/refunds", _("Refunds")),
)
_LATEST = 10
STATES = [(one.value, WORDS["request"][one.value].text) for one in RequestState]
# What became of a request, as one tells a customer.
VERDICTS = {
    "created": _("Not paid yet: the request is on its way to the customer"),
    "sent": _("Not paid yet: the request is on its way to the customer"),
    "awaiting_payer": _("Not paid yet: it waits for the customer"),
    "accepted": _("Not paid yet: the customer agreed and the money is on its way"),
    "rejected": _("Not paid: the customer declined"),
    "expired": _("Not paid: the time was over"),
    "failed": _("Not paid: it failed"),
    "cancelled": _("Not paid: the merchant took the request back"),
    "in_doubt": _("Not known yet: the hub has not said what became of it"),
    "paid": _("Paid"),
}
_MATCHES = {
    "id": _("found by the id"),
    "receipt_number": _("found by the receipt number"),
    "short_ref": _("found by the short code"),
    "merchant_number": _("found by the merchant’s number"),
    "payer": _("found by the customer’s number"),
    "amount": _("found by the amount"),
    "reference": _("found by the reference"),
    "note": _("found by words of the note"),
}

_BETWEEN = (Field("from", _("From"), "date"), Field("to", _("To"), "date"))
_KNOWN = (
    Field("payer", _("Customer’s number"), hint=_("Telephone number")),
    Field("amount", _("Amount"), "decimal", hint="250"),
    Field("currency", _("Currency"), hint="KES", most=3),
    Field("reference", _("Reference"), hint=_("The merchant’s own")),
    Field("note", _("Words of the note")),
    Field("id", _("Any id"), hint=_("Receipt number, short code, id of the hub")),
    Field("merchant_id", "", "hidden"),
    Field("counter_id", "", "hidden"),
)


def payment_path(row: Any) -> str:
    """The page of a row of the search: of the payment where there is one, else of its request."""
    return f"/payments/{row.payment_id}" if row.payment_id else f"/payments/requests/{row.request_id}"


# --- the search ------------------------------------------------------------------------------------------------------

_SEARCH = Listing(
    title=_("Payments"),
    intro=_("“A customer says they paid me”: type whatever is known of it."),
    handler=finding_routes.search_payments,
    href=payment_path,
    columns=(),
    filters=(
        Field(
            "q",
            _("Phone, amount, reference, short code, receipt number, any id"),
            hint=_("Such as 0711 000 001, 250, or INV-7"),
            most=140,
        ),
        *_BETWEEN,
        Field("state", _("State"), "choice", choices=STATES),
    ),
    empty=Empty(_("Nothing yet"), _("Type what is known of the payment.")),
)


def told(view: View, row: FoundPayment) -> tuple[str, str, Markup]:
    """What became of it: tone, drawing and sentence."""
    said = words.word("request", row.state)
    where = fill("<bdi>{}</bdi>, <bdi>{}</bdi>", row.merchant_name, row.counter_name)
    if row.payment_id is not None:
        at = tell_time(row.at, zone_of(view.scheme), view.spoken.language)
        return said.tone, said.icon, view.spoken.say(_("Paid {time} to {place}"), time=at, place=where)
    return said.tone, said.icon, view.spoken.say(VERDICTS[row.state])


def place_of(row: FoundPayment) -> Markup:
    """Where it was to be paid."""
    return fill("<bdi>{}</bdi>, <bdi>{}</bdi>", row.merchant_name, row.counter_name)


@screen("GET", "/payments", permission=P.PAYMENTS_READ, kinds=STAFF)
async def find_payments(view: View) -> Page:
    """The one box, and what it finds; before anything is typed, the latest payments."""
    typed = view.query.get("q", "").strip()
    latest: Sequence[Any] = ()
    if not typed:
        latest = (await view.ask(routes.list_payments, query={"limit": str(_LATEST)})).view
    return await show_list(
        view,
        replace(_SEARCH, exports=bool(typed)),
        template=_FIND,
        tabs=TABS,
        tab="/payments",
        typed=typed,
        told=lambda row: told(view, row),
        place_of=place_of,
        matches=_MATCHES,
        latest=latest,
        latest_listing=_RECEIVED,
        states=STATES,
    )


# --- the lists -------------------------------------------------------------------------------------------------------

_COLUMNS = (
    Column(_("Amount"), amount(), numeric=True, sorts=(AMOUNT,)),
    Column(_("Merchant"), merchant_cell),
    Column(_("Customer"), text("payer")),
    Column(_("Note"), name_of("note")),
)
_BOUNDS = {AMOUNT: ("merchant_id", "from")}
_COUNTER = Column(_("Counter"), name_of("counter_name"))
_RECEIVED = Listing(
    title=_("Money received"),
    handler=routes.list_payments,
    href=lambda row: f"/payments/{row.id}",
    columns=(Column(_("Received"), instant("received_at"), main=True, sorts=BY_AGE), *_COLUMNS),
    filters=(*_BETWEEN, *_KNOWN),
    bounds=_BOUNDS,
    empty=Empty(_("No payment yet"), _("Money that arrives is here a second later.")),
)
_REQUESTS = Listing(
    title=_("Payment requests"),
    handler=routes.list_payment_requests,
    href=lambda row: f"/payments/requests/{row.id}",
    columns=(
        Column(_("Asked"), instant("created_at"), main=True, sorts=BY_AGE),
        Column(_("State"), state("request")),
        Column(_("Amount"), amount(), numeric=True, sorts=(AMOUNT,)),
        Column(_("Merchant"), merchant_cell),
        Column(_("Customer"), lambda _view, row: (row.payer.id if row.payer else None) or "–"),
        Column(_("Reference"), text("reference")),
    ),
    filters=(Field("state", _("State"), "choice", choices=STATES), *_BETWEEN, *_KNOWN),
    bounds=_BOUNDS,
    empty=Empty(_("Nobody has asked for money yet"), _("Requests appear here as merchants make them.")),
)


@screen("GET", "/payments/received", permission=P.PAYMENTS_READ, kinds=STAFF)
async def received(view: View) -> Page:
    """Money that arrived."""
    return await _show(view, _RECEIVED, "/payments/received")


@screen("GET", "/payments/requests", permission=P.PAYMENTS_READ, kinds=STAFF)
async def requests(view: View) -> Page:
    """What was asked for, whatever became of it."""
    return await _show(view, _REQUESTS, "/payments/requests")


async def _show(view: View, listing: Listing, here: str) -> Page:
    merchant = None
    if merchant_id := view.query.get("merchant_id"):
        merchant = (await view.ask(merchants_api.read_merchant, path={"merchant_id": merchant_id})).view
    return await show_list(view, listing, template=_LIST, tabs=TABS, tab=here, merchant=merchant)


@screen("GET", "/merchants/{merchant_id}/payments", permission=P.PAYMENTS_READ, kinds=STAFF)
async def merchant_payments(view: View, merchant_id: UUID) -> Page:
    """What one merchant received, on its own page."""
    merchant: MerchantView = (await view.ask(merchants_api.read_merchant, path={"merchant_id": merchant_id})).view
    counters = [(str(one.id), one.name) for one in merchant.counters]
    own = [one for one in _KNOWN if one.name not in ("merchant_id", "counter_id")]
    if len(counters) > 1:
        own.insert(0, Field("counter_id", _("Counter"), "choice", choices=counters))
    columns = [_COUNTER if one.cell is merchant_cell else one for one in _RECEIVED.columns]
    fixed = {"merchant_id": str(merchant_id)}
    listing = replace(_RECEIVED, fixed=fixed, filters=(*_BETWEEN, *own), columns=columns)
    return await show_list(
        view,
        listing,
        template=_OF_MERCHANT,
        merchant=merchant,
        tabs=merchant_tabs(view, merchant_id),
        tab=merchant_path(merchant_id, "payments"),
        requests_path=link("/payments/requests", merchant_id=merchant_id),
    )


ROUTES = [find_payments, received, requests, merchant_payments]
