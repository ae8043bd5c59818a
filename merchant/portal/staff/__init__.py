"""Pages of DFSP staff and of the hub's: one file a screen; ROUTES gathers them."""

from merchant.portal.staff import (
    audit,
    decisions,
    history,
    keys,
    merchants,
    payment,
    payments,
    people,
    policies,
    reports,
    screening_lists,
    settlement,
)

ROUTES = [
    *merchants.ROUTES,
    *history.ROUTES,
    *reports.ROUTES,
    *settlement.ROUTES,
    *decisions.ROUTES,
    *payments.ROUTES,
    *payment.ROUTES,
    *people.ROUTES,
    *keys.ROUTES,
    *audit.ROUTES,
    *policies.ROUTES,
    *screening_lists.ROUTES,
]
