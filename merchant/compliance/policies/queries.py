"""Reads of policy layers, and the lock that an operation on one begins with.

The hub's people see every layer. A DFSP's see their own in any state, and of the regulator's and the scheme's those
that are published; what the actor may not see is not found.
"""

from typing import Any
from uuid import UUID

from sqlmodel import and_, or_, select

from merchant.compliance.policies.models import PolicyLayer
from merchant.compliance.policies.states import Capability, states_that_permit
from merchant.core.access import Actor
from merchant.core.db import Reads, Tx
from merchant.core.paging import Page, page


async def layers(
    tx: Reads, actor: Actor, wanted: Page, *, layer: str | None = None, state: str | None = None
) -> list[PolicyLayer]:
    """Layers that the actor may see, newest first."""
    statement = _visible(actor, select(PolicyLayer))
    statement = statement.where(PolicyLayer.layer == layer) if layer else statement
    statement = statement.where(PolicyLayer.state == state) if state else statement
    return await page(tx, statement, PolicyLayer.id, wanted)


async def layer(tx: Reads, actor: Actor, layer_id: UUID) -> PolicyLayer:
    """One layer. Raises NotFound."""
    found: PolicyLayer = await tx.one(_visible(actor, select(PolicyLayer).where(PolicyLayer.id == layer_id)))
    return found


async def lock_layer(tx: Tx, actor: Actor, layer_id: UUID) -> PolicyLayer:
    """One layer, locked until the transaction ends. Raises NotFound, also for another tenant's."""
    statement = _visible(actor, select(PolicyLayer).where(PolicyLayer.id == layer_id))
    found: PolicyLayer = await tx.one(statement.with_for_update())
    return found


async def waiting_layer(tx: Reads, sha256: str, layer_name: str, dfsp_id: UUID | None) -> PolicyLayer | None:
    """The newest layer of a text that waits to be published."""
    table: Any = PolicyLayer
    statement = select(table).where(
        table.sha256 == sha256,
        table.layer == layer_name,
        table.dfsp_id.is_not_distinct_from(dfsp_id),
        table.state.in_(states_that_permit(Capability.PUBLISH)),
    )
    found: PolicyLayer | None = (await tx.session.exec(statement.order_by(table.id.desc()).limit(1))).one_or_none()
    return found


async def waiting_layers(tx: Reads, dfsp_id: UUID | None) -> list[PolicyLayer]:
    """Layers that wait to be published, newest first: the hub's, and those of a DFSP."""
    table: Any = PolicyLayer
    theirs = or_(table.dfsp_id.is_(None), table.dfsp_id == dfsp_id)
    statement = select(table).where(theirs, table.state.in_(states_that_permit(Capability.PUBLISH)))
    return list((await tx.session.exec(statement.order_by(table.id.desc()))).all())


def _visible(actor: Actor, statement: Any) -> Any:
    if actor.dfsp_id is None:
        return statement
    table: Any = PolicyLayer
    seen = table.state.in_(states_that_permit(Capability.BE_SEEN_BY_ALL))
    return statement.where(or_(table.dfsp_id == actor.dfsp_id, and_(table.dfsp_id.is_(None), seen)))
