"""Row locks by name: the first step of every operation that changes an application or a merchant.

Order, where several are held: application, merchant, counter, alias claim. What the actor may not see is not found,
so an operation that holds its row has checked the tenant.
"""

from typing import Any
from uuid import UUID

from sqlmodel import select

from merchant import errors
from merchant.access import Actor, scope_to
from merchant.db import Tx
from merchant.registry.models import Application, Counter, Merchant


async def lock_application(tx: Tx, actor: Actor, application_id: UUID) -> Application:
    """The application, locked until the transaction ends. Raises NotFound, also for another tenant's."""
    statement = scope_to(actor, select(Application).where(Application.id == application_id), Application)
    return await _one(tx, statement)  # type: ignore[no-any-return]


async def lock_merchant(tx: Tx, actor: Actor, merchant_id: UUID) -> Merchant:
    """The merchant, locked until the transaction ends. Raises NotFound, also for another tenant's."""
    statement = scope_to(actor, select(Merchant).where(Merchant.id == merchant_id), Merchant)
    return await _one(tx, statement)  # type: ignore[no-any-return]


async def find_counter(tx: Tx, actor: Actor, counter_id: UUID) -> Counter:
    """A counter the actor may see. Raises NotFound."""
    statement = scope_to(actor, select(Counter).where(Counter.id == counter_id), Counter)
    found = (await tx.session.exec(statement)).one_or_none()
    if found is None:
        raise errors.NotFound
    return found  # type: ignore[no-any-return]


async def _one(tx: Tx, statement: Any) -> Any:
    found = (await tx.session.exec(statement.with_for_update())).one_or_none()
    if found is None:
        raise errors.NotFound
    return found
