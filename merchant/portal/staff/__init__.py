"""Pages of DFSP staff and of the hub's: one file a screen; ROUTES gathers them."""

from merchant.portal.staff import audit, code_reports, keys, merchants, people, policies, screening_lists

ROUTES = [
    *merchants.ROUTES,
    *code_reports.ROUTES,
    *people.ROUTES,
    *keys.ROUTES,
    *audit.ROUTES,
    *policies.ROUTES,
    *screening_lists.ROUTES,
]
