"""Refunds of a shop, for its own people."""

from merchant.core.access import Permission as P
from merchant.core.texts import _
from merchant.portal.merchant.shop import SHOP
from merchant.portal.refunds.acts import refund_acts
from merchant.portal.refunds.listing import refund_listing
from merchant.portal.ui.lists import Column, name_of, show_list
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen

_LISTING = refund_listing("/shop/payments", Column(_("Counter"), name_of("counter_name")))


@screen("GET", "/shop/refunds", permission=P.PAYMENTS_READ, kinds=SHOP)
async def refunds(view: View) -> Page:
    """What was given back, and what waits for somebody."""
    return await show_list(view, _LISTING)


ROUTES = [refunds, *refund_acts("/shop/payments", "/shop/refunds", SHOP, P.PAYMENTS_REFUND)]
