"""Legal holds: a checker stops everything of a case, and of its merchant, from being erased, and lifts that again."""

from typing import Any
from uuid import UUID

from sqlmodel import select

from merchant.compliance.cases.models import Application
from merchant.compliance.cases.queries import lock_application
from merchant.compliance.cases.rights import problems
from merchant.compliance.cases.rights.models import LegalHold
from merchant.core import audit, clock
from merchant.core.access import Actor
from merchant.core.db import Tx

LOCK_MERCHANT = "SELECT id FROM merchant WHERE id = $1 FOR UPDATE"


async def place_hold(tx: Tx, actor: Actor, application_id: UUID, reason: str) -> LegalHold:
    """Hold a case. Raises NotFound, AlreadyErased, AlreadyHeld."""
    application = await _locked(tx, actor, application_id)
    if application.erased_at is not None:
        raise problems.AlreadyErased
    if await _standing(tx, application) is not None:
        raise problems.AlreadyHeld
    row = LegalHold(dfsp_id=application.dfsp_id, application_id=application.id, placed_by=actor.id)
    tx.session.add(row)
    await tx.flush()
    await _record(tx, actor, "application.held", application, reason)
    return row


async def lift_hold(tx: Tx, actor: Actor, application_id: UUID, reason: str) -> LegalHold:
    """Lift a case's hold. Raises NotFound, NotHeld."""
    application = await _locked(tx, actor, application_id)
    row = await _standing(tx, application)
    if row is None:
        raise problems.NotHeld
    row.lifted_by, row.lifted_at = actor.id, clock.now()
    tx.session.add(row)
    await _record(tx, actor, "application.hold_lifted", application, reason)
    return row


async def _locked(tx: Tx, actor: Actor, application_id: UUID) -> Application:
    """The case, and its merchant, both locked as an erasure locks them."""
    actor.own_dfsp()
    application = await lock_application(tx, actor, application_id)
    await tx.fetch(LOCK_MERCHANT, application.merchant_id)
    return application


async def _standing(tx: Tx, application: Application) -> LegalHold | None:
    table: Any = LegalHold
    statement = select(table).where(table.application_id == application.id, table.lifted_at.is_(None))
    found: LegalHold | None = (await tx.session.exec(statement)).one_or_none()
    return found


async def _record(tx: Tx, actor: Actor, action: str, application: Application, reason: str) -> None:
    await audit.record(tx, actor, action, "application", application.id, dfsp_id=application.dfsp_id, reason=reason)
