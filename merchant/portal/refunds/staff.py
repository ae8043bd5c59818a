"""Refunds of a DFSP's merchants, for its staff and the hub's."""

from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.portal.refunds.acts import refund_acts
from merchant.portal.refunds.listing import refund_listing
from merchant.portal.staff.named import merchant_cell
from merchant.portal.staff.payments import TABS
from merchant.portal.ui.lists import Column, show_list
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import STAFF, View, screen

_LISTING = refund_listing("/payments", Column(_("Merchant"), merchant_cell))
_LIST = "merchant.portal.staff/payments.html"


@screen("GET", "/payments/refunds", permission=P.PAYMENTS_READ, kinds=STAFF)
async def refunds(view: View) -> Page:
    """What was given back, and what waits for a checker."""
    return await show_list(view, _LISTING, template=_LIST, tabs=TABS, tab="/payments/refunds", merchant=None)


ROUTES = [refunds, *refund_acts("/payments", "/payments/refunds", STAFF)]
