"""What a merchant's owner asks their DFSP for: a change, a higher tier, another DFSP, or the end.

Each is a case as staff open one, handed in by the owner: a maker completes and submits it, a checker decides.
"""

from typing import Any
from uuid import UUID

from sqlmodel import select

from merchant.compliance.cases import merchant_cases
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.merchant_cases import Opened
from merchant.compliance.cases.models import Application
from merchant.core import errors
from merchant.core.access import Actor, scope_to
from merchant.core.db import Reads, Tx
from merchant.core.paging import Page, page
from merchant.core.service import Service
from merchant.people.registration import own_application
from merchant.people.registration.register import check_participant


def own_merchant(actor: Actor) -> UUID:
    """The merchant of whoever calls. Raises NotFound for who has none yet."""
    if actor.merchant_id is None:
        raise errors.NotFound
    return actor.merchant_id


async def ask_for(tx: Tx, service: Service, actor: Actor, wanted: Opened) -> Application:
    """Open a case for the caller's own merchant and hand it in. Raises NotFound, and what open_case does."""
    merchant_id = own_merchant(actor)
    if wanted.to_dfsp_id is not None:
        await check_participant(tx, wanted.to_dfsp_id)
    case = await merchant_cases.open_case(tx, service, actor, merchant_id, wanted)
    case.applicant_id = actor.id
    await own_application.note_handed_in(tx, actor, case)
    await tx.flush()
    return case


async def asked_for(tx: Reads, actor: Actor, wanted: Page) -> list[Application]:
    """What owners of the caller's merchant asked for, newest first; not what staff opened, such as reviews."""
    own_merchant(actor)
    table: Any = Application
    statement = scope_to(actor, select(table), table)
    asked = (table.applicant_id.is_not(None), table.kind != CaseKind.ONBOARDING)
    return await page(tx, statement.where(*asked), table.id, wanted)
