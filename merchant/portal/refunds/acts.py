"""What people do to refunds on pages: give one for a payment, approve one, call one off. The API has the rules."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar.handlers import HTTPRouteHandler

from merchant.core import money
from merchant.core.access import Permission as P
from merchant.core.money import Money, display, parse_shown
from merchant.core.texts import _
from merchant.payments import finding_routes
from merchant.payments.finding_schemas import PaymentDetail
from merchant.payments.refunds import routes as api
from merchant.payments.refunds.reasons import GIVEN, NARRATIVE, OFFERED
from merchant.payments.refunds.rules import OverRefundable, refundable
from merchant.payments.refunds.schemas import RefundView
from merchant.payments.refunds.states import RefundCapability, refund_may
from merchant.payments.schemas import Amount
from merchant.portal.ui.acts import Act, Subject, act_screens
from merchant.portal.ui.fields import Field
from merchant.portal.ui.layout import Kind
from merchant.portal.ui.screen import View

_REASONS = [(code, GIVEN[code]) for code in OFFERED]


async def of_payment(view: View, payment_id: UUID) -> dict[str, Any]:
    """What a payment's page shows of its refunds: those so far, and what is left to give back, if one may."""
    found: list[RefundView] = (await view.ask(api.list_payment_refunds, path={"payment_id": payment_id})).view
    payment = await _payment(view, payment_id)
    left = _left(payment, found)
    return {
        "refunds": found,
        "refundable": left if view.may(P.PAYMENTS_REFUND) else None,
        "approves": view.may(P.PAYMENTS_REFUND_APPROVE),
        "calls_off": view.may(P.PAYMENTS_REFUND) or view.may(P.PAYMENTS_REFUND_APPROVE),
        "waits": lambda one: refund_may(one.state, RefundCapability.BE_APPROVED),
    }


async def _payment(view: View, payment_id: UUID) -> PaymentDetail:
    found: PaymentDetail = (await view.ask(finding_routes.read_payment, path={"payment_id": payment_id})).view
    return found


def _left(payment: PaymentDetail, refunds: list[RefundView]) -> Money | None:
    """What may still go back; None when nothing is left."""
    paid = parse_shown(payment.amount.amount, payment.amount.currency)
    others = [(one.state, parse_shown(one.amount.amount, one.amount.currency).minor) for one in refunds]
    try:
        return refundable(paid, others, None)
    except OverRefundable:
        return None


async def _to_give(view: View, given: dict[str, Any]) -> Subject:
    payment = await _payment(view, given["payment_id"])
    shown = (await view.ask(api.list_payment_refunds, path={"payment_id": payment.id})).view
    left = _left(payment, shown)
    currency = payment.amount.currency
    fields = [
        Field("amount.amount", _("How much goes back"), "money", required=True, currency=currency),
        Field("amount.currency", "", "hidden", value=currency),
        Field("reason", _("Why"), "choice", required=True, choices=_REASONS),
        Field("words", _("In words"), hint=_("Needed for another reason; the customer's bank may see it."), most=100),
    ]
    start = {"amount.amount": money.format_decimal(left) if left else "", "reason": OFFERED[0]}
    facts = [(_("Payer"), payment.payer or "–"), (_("Counter"), payment.counter_name)]
    return Subject(_shown(view, payment.amount), start=start, facts=facts, fields=fields)


def _shown(view: View, amount: Amount) -> str:
    return display(parse_shown(amount.amount, amount.currency), view.spoken.language)


def _body(view: View) -> Mapping[str, Any]:
    """Another reason is its words; beside a code they say nothing that the hub is told."""
    code, words = view.form.get("reason", ""), view.form.get("words", "").strip()
    amount = {"amount": view.form.get("amount.amount", ""), "currency": view.form.get("amount.currency", "")}
    return {"amount": amount, "reason": words if code == NARRATIVE and words else code}


async def _to_decide(view: View, given: dict[str, Any]) -> Subject:
    refund: RefundView = (await view.ask(api.read_refund, path={"refund_id": given["refund_id"]})).view
    facts = [
        (_("Merchant"), refund.merchant_name),
        (_("Counter"), refund.counter_name),
        (_("Customer"), refund.payer or "–"),
        (_("Why"), refund.words or view.spoken.say(GIVEN.get(refund.reason, refund.reason))),
        (_("Asked by"), refund.asked_by),
    ]
    return Subject(_shown(view, refund.amount), facts=facts)


def refund_acts(
    payments: str, refunds: str, kinds: frozenset[Kind], calls_off: P | None = None
) -> list[HTTPRouteHandler]:
    """The pages of the three acts, below the paths of one kind of people.

    `calls_off` is what all of them hold who may call a refund off; None where the API asks for either permission.
    """
    acts = (
        Act(
            path=f"{payments}/{{payment_id}}/refund",
            handler=api.give_refund,
            title=_("Give {name} back"),
            effect=_(
                "The money goes back to the account that it came from. A refund cannot be taken back. Some refunds wait"
                " for a second person."
            ),
            button=_("Give it back"),
            to=f"{payments}/{{payment_id}}",
            done=_told,
            body_of=_body,
            subject=_to_give,
            kinds=kinds,
            tone="bad",
        ),
        Act(
            path=f"{refunds}/{{refund_id}}/approve",
            handler=api.approve_refund,
            title=_("Approve the refund of {name}"),
            effect=_("The money goes back at once. A refund cannot be taken back."),
            button=_("Approve"),
            to=refunds,
            done=_("The refund of {name} is on its way."),
            subject=_to_decide,
            kinds=kinds,
        ),
        Act(
            path=f"{refunds}/{{refund_id}}/cancel",
            handler=api.cancel_refund,
            title=_("Call the refund of {name} off"),
            effect=_("No money goes back. Who asked for it sees that it was called off."),
            button=_("Call it off"),
            to=refunds,
            done=_("The refund of {name} is called off."),
            subject=_to_decide,
            kinds=kinds,
            permission=calls_off,
            tone="bad",
        ),
    )
    return [one for act in acts for one in act_screens(act)]


def _told(refund: RefundView) -> str:
    if refund_may(refund.state, RefundCapability.BE_APPROVED):
        return _("The refund waits for another person to approve it.")
    return _("The refund is on its way.")
