"""The list of refunds, with what became of each."""

from typing import Any

from merchant.core.texts import _
from merchant.payments.refunds import routes as api
from merchant.payments.refunds.states import RefundState
from merchant.portal.ui.fields import Field
from merchant.portal.ui.lists import Column, Empty, Listing, amount, instant, name_of, state, text
from merchant.portal.ui.words import WORDS

STATES = [(one.value, WORDS["refund"][one.value].text) for one in RefundState]


def refund_listing(payments: str, *columns: Column) -> Listing:
    """The list, whose rows lead to their payments below a path; `columns` are those of one kind of people."""

    def payment_path(row: Any) -> str:
        return f"{payments}/{row.payment_id}"

    return Listing(
        title=_("Refunds"),
        handler=api.list_refunds,
        href=payment_path,
        columns=(
            Column(_("Asked"), instant("created_at"), main=True),
            Column(_("State"), state("refund")),
            Column(_("Amount"), amount(), numeric=True),
            *columns,
            Column(_("Customer"), text("payer")),
            Column(_("Asked by"), name_of("asked_by")),
        ),
        filters=(Field("state", _("State"), "choice", choices=STATES),),
        empty=Empty(_("No refund yet"), _("Money is given back from a payment's page.")),
        crumb=(payments, _("Payments")),
    )
