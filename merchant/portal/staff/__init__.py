"""Pages of DFSP staff and of the hub's: one file a screen; ROUTES gathers them."""

from merchant.portal.staff import (
    application_acts,
    applications,
    audit,
    cases,
    documents,
    imports,
    keys,
    locations,
    merchants,
    owners,
    people,
    policies,
    screening_lists,
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
    *people.ROUTES,
    *keys.ROUTES,
    *audit.ROUTES,
    *policies.ROUTES,
    *screening_lists.ROUTES,
]
