"""One payment or request: what became of it, how far it came, and every message about it with the time between."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from markupsafe import Markup
from msgspec import Struct

from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.payments import finding_routes, routes
from merchant.payments.finding_schemas import HubMessageView, PaymentDetail, TimelineStep
from merchant.payments.schemas import PaymentRequestView
from merchant.payments.states import RequestState
from merchant.portal.refunds import acts as refunds
from merchant.portal.staff.named import merchant_cell
from merchant.portal.staff.payments import VERDICTS
from merchant.portal.ui import words
from merchant.portal.ui.figures import took
from merchant.portal.ui.layout import Kind, zone_of
from merchant.portal.ui.markup import breakable
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen
from merchant.portal.ui.when import as_instant

_PAYMENT_PAGE, _REQUEST_PAGE, _MESSAGE_PAGE = (
    f"{__package__}/{name}.html" for name in ("payment", "payment_request", "hub_message")
)
# A message by its direction, method and resource, and whether it tells an error.
_MESSAGES: Mapping[str, str] = {
    "out GET parties": _("We asked the hub whose customer this is"),
    "in PUT parties": _("The hub named the customer’s DFSP"),
    "in PUT parties error": _("The hub could not find the customer"),
    "out POST transactionRequests": _("We asked the customer’s DFSP for the money"),
    "in PUT transactionRequests": _("The customer’s DFSP answered"),
    "in PUT transactionRequests error": _("The customer’s DFSP refused"),
    "out GET transactionRequests": _("We asked what became of the request"),
    "in POST quotes": _("The customer’s DFSP asked for our terms"),
    "out PUT quotes": _("We answered with our terms"),
    "out PUT quotes error": _("We refused to give terms"),
    "in PUT quotes error": _("The customer’s DFSP gave the quote up"),
    "out POST quotes": _("We asked the customer’s DFSP to take a refund"),
    "in PUT quotes": _("The customer’s DFSP agreed to take the refund"),
    "out POST transfers": _("We sent the refund"),
    "in POST transfers": _("The money was set aside for us"),
    "out PUT transfers": _("We agreed to take the money"),
    "out PUT transfers error": _("We refused the money"),
    "in PATCH transfers": _("The hub said its last word"),
    "out GET transfers": _("We asked the hub what became of the money"),
    "in PUT transfers": _("The hub said what became of the money"),
    "in PUT transfers error": _("The hub said that the money did not move"),
}
_OWN: Mapping[str, str] = {
    "sent_to_hub": _("The request left for the customer’s DFSP"),
    "payer_received": _("The customer’s DFSP has the request"),
    "payer_pending": _("The customer is being asked"),
    "payer_accepted": _("The customer agreed"),
    "payer_rejected": _("The customer declined"),
    "quoted": _("The terms were agreed"),
    "time_over": _("The time was over"),
    "expired_while_paying": _("The time was over while the money was under way"),
    "no_word_from_hub": _("The hub has not said what became of the money"),
    "cancelled_by_merchant": _("The merchant took the request back"),
    "declined_by_payer": _("The customer said no to us by telephone"),
    "amount_changed": _("Another amount was offered, and refused"),
    "over_limit": _("It would be more than the merchant may take"),
    "payer_ambiguous": _("More than one DFSP says it knows the customer"),
    "payment_received": _("The money arrived"),
    "refund_pending_approval": _("A refund waits for approval"),
    "refund_created": _("A refund was asked for"),
    "refund_sent": _("The hub has the refund"),
    "refund_accepted": _("The refund is on its way"),
    "refund_refunded": _("The money was given back"),
    "refund_rejected": _("The refund was called off"),
    "refund_failed": _("The refund failed; no money moved"),
    "refund_in_doubt": _("The hub has not said what became of the refund"),
}
_OWN_STATES = {RequestState.CREATED: _("The request was made"), RequestState.PAID: _("The money arrived")}
_LINE = re.compile(r"(GET|POST|PUT|PATCH) /([A-Za-z]+)(.*)")
_ENDED_BADLY = frozenset({"rejected", "expired", "failed", "cancelled"})
_FLOOR = 2.0  # per cent of a gap's bar that is always to be seen


class Step(Struct, frozen=True):
    """A step of the timeline as the page shows it."""

    at: str
    gap: str
    gap_percent: float
    direction: str
    sentence: str
    state: Any
    technical: Markup | None
    detail: str | None
    message_id: str | None


def _steps(view: View, rows: Sequence[TimelineStep]) -> list[Step]:
    """The timeline in words; gaps to scale of the longest."""
    longest = max([one.gap_ms or 0 for one in rows] + [1])
    found = []
    for one in rows:
        there = as_instant(one.at).astimezone(zone_of(view.scheme))
        gap = one.gap_ms or 0
        found.append(
            Step(
                at=f"{there:%H:%M:%S}.{there.microsecond // 1000:03d}",
                gap=took(gap / 1_000) if gap >= 100 else "",
                gap_percent=max(100 * gap / longest, _FLOOR) if gap else 0,
                direction=one.direction,
                sentence=_sentence(one),
                state=one.state if one.direction == "own" else None,
                technical=None if one.direction == "own" else breakable(one.what),
                detail=one.detail,
                message_id=one.message_id,
            )
        )
    return found


def _sentence(step: TimelineStep) -> str:
    if step.direction == "own":  # the state says it where no sentence does
        made = _OWN_STATES.get(step.state, "") if step.state else step.what.replace("_", " ").capitalize()
        return _OWN.get(step.what, made)
    line = _LINE.match(step.what)
    if line is None:
        return step.what
    error = " error" if line[3].endswith("/error") else ""
    return _MESSAGES.get(f"{step.direction} {line[1]} {line[2]}{error}", step.what)


def _stepper(state: str, reached: set[str], detail: str = "") -> list[tuple[str, str, str]]:
    """How far a request came: what ui.stepper shows."""
    names = ((_("Asked"), "created"), (_("Customer reached"), "awaiting_payer"), (_("Agreed"), "accepted"))
    done = [name in reached or state == "paid" for _label, name in names]
    done[0] = True
    found = [(label, "done" if was else "todo", "") for (label, _name), was in zip(names, done, strict=True)]
    if state == "paid":
        return [*found, (_("Paid"), "done", "")]
    if state in _ENDED_BADLY or state == "in_doubt":
        return [*[one for one in found if one[1] == "done"], (words.word("request", state).text, "problem", detail)]
    found[-1 if all(done) else done.index(False)] = (found[-1 if all(done) else done.index(False)][0], "current", "")
    return [*found, (_("Paid"), "todo", "")]


@screen("GET", "/payments/{payment_id}", permission=P.PAYMENTS_READ, kinds=STAFF)
async def payment(view: View, payment_id: UUID) -> Page:
    """Money that arrived: from whom, to whom, by which request, and how it went."""
    found: PaymentDetail = (await view.ask(finding_routes.read_payment, path={"payment_id": payment_id})).view
    timeline = (await view.ask(finding_routes.list_payment_timeline, path={"payment_id": payment_id})).view
    given_back = await refunds.of_payment(view, payment_id)
    steps = _steps(view, timeline)
    return view.page(_PAYMENT_PAGE, payment=found, steps=steps, is_hub=view.kind == Kind.HUB, **given_back)


@screen("GET", "/payments/requests/{request_id}", permission=P.PAYMENTS_READ, kinds=STAFF)
async def payment_request(view: View, request_id: UUID) -> Page:
    """What was asked for, what became of it, and why."""
    found: PaymentRequestView = (await view.ask(routes.read_payment_request, path={"request_id": request_id})).view
    timeline = (await view.ask(finding_routes.list_payment_request_timeline, path={"request_id": request_id})).view
    paid = (await view.ask(routes.list_payments, query={"id": str(request_id)})).view if found.paid_at else ()
    reason = found.reason.message if found.reason else ""
    return view.page(
        _REQUEST_PAGE,
        asked=found,
        place=merchant_cell(view, found),
        verdict=VERDICTS[found.state],
        reason=reason,
        stepper=_stepper(found.state, {one.state for one in timeline if one.state}, reason),
        payments=paid,
        steps=_steps(view, timeline),
        is_hub=view.kind == Kind.HUB,
    )


@screen("GET", "/payments/messages/{message_id}", permission=P.OPERATIONS_READ, kinds=frozenset({Kind.HUB}))
async def hub_message(view: View, message_id: str) -> Page:
    """A message of the hub's, or one to it, as it was kept; that it was read is recorded."""
    found: HubMessageView = (await view.ask(finding_routes.read_hub_message, path={"message_id": message_id})).view
    body = msgspec.json.format(msgspec.json.encode(found.body), indent=2).decode() if found.body is not None else ""
    return view.page(_MESSAGE_PAGE, message=found, body=body, back=view.back("/payments"))


ROUTES = [payment, payment_request, hub_message]
