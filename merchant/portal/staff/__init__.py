"""Pages of DFSP staff and of the hub's: one file a screen; ROUTES gathers them."""

from merchant.portal.staff import (
    application_acts,
    applications,
    cases,
    documents,
    imports,
    locations,
    merchants,
    owners,
    sections,
    tasks,
    work,
)

ROUTES = [
    *merchants.ROUTES,
    *work.ROUTES,
    *applications.ROUTES,
    *application_acts.ROUTES,
    *tasks.ROUTES,
    *sections.ROUTES,
    *owners.ROUTES,
    *locations.ROUTES,
    *documents.ROUTES,
    *cases.ROUTES,
    *imports.ROUTES,
]
