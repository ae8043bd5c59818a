"""Hand merchants with the answers of their applications to the search index: at approval, and for those not indexed.

A timer of the worker indexes merchants of before there was an index, of a release that knew none, and those whose
`indexed_at` was taken away so that their words are written anew. Their blind index is written anew too: older releases
kept numbers as they were written, and "12 345" was another owner than "12345".
"""

from typing import Any
from uuid import UUID

from sqlmodel import col, func, select

import kyb
from merchant.compliance.cases import answers, links
from merchant.compliance.cases.models import Application
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.registry.merchants.models import Merchant
from merchant.registry.merchants.search_index import index_merchant

INDEX_EVERY_S = 60.0
_BATCH = 100  # holds the locks of its merchants for a fraction of a second


async def index_approved(
    tx: Tx, service: Service, application: Application, merchant: Merchant, sections: kyb.Sections
) -> None:
    """Write the words of a merchant whose application is decided; `sections` are its answers."""
    await index_merchant(
        tx,
        service,
        merchant,
        sections,
        makers=application.makers,
        checker_id=application.checker_id,
    )


async def index_all_missing(service: Service) -> None:
    """Index every merchant that is not, some at a time, each batch in a transaction of its own."""
    more = True
    while more:
        async with service.db.system() as tx:
            cases = await index_missing(tx, service)
        for case_id in cases:
            async with service.db.system() as tx:
                await links.link_merchants(tx, case_id)
        more = len(cases) == _BATCH


async def index_missing(tx: Tx, service: Service) -> list[UUID]:
    """Index up to 100 merchants that are not; the cases whose answers they have."""
    tables: Any = (Merchant, Application)
    statement = (
        select(*tables)
        .join(Application, col(Application.id) == func.coalesce(col(Merchant.case_id), col(Merchant.application_id)))
        .where(col(Merchant.indexed_at).is_(None))
        .order_by(col(Merchant.id))
        .limit(_BATCH)
        .with_for_update(of=Merchant, skip_locked=True)
    )
    rows = (await tx.session.exec(statement)).all()
    for merchant, application in rows:
        sections = answers.unseal(service.vault, application.id, application.sections_sealed)
        await answers.index_identifiers(tx, service.vault, application, sections)
        await index_approved(tx, service, application, merchant, sections)
    return [application.id for _, application in rows]
