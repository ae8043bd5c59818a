"""Reads of the scheme's DFSPs."""

from typing import Any
from uuid import UUID

from sqlalchemy import and_, func
from sqlmodel import select

from merchant.core.access import Actor
from merchant.core.db import Reads
from merchant.core.paging import Page, page
from merchant.scheme import enabling
from merchant.scheme.models import Dfsp


async def dfsp(tx: Reads, dfsp_id: UUID) -> Dfsp:
    """One DFSP. Raises NotFound."""
    found: Dfsp = await tx.one(select(Dfsp).where(Dfsp.id == dfsp_id))
    return found


async def dfsp_by_fsp_id(tx: Reads, fsp_id: str) -> Dfsp:
    """One DFSP by its id on the hub. Raises NotFound."""
    found: Dfsp = await tx.one(select(Dfsp).where(Dfsp.fsp_id == fsp_id))
    return found


DFSP_STATES = ("enabled", "proposed", "disabled")


async def dfsps(tx: Reads, actor: Actor, wanted: Page, state: str | None = None) -> list[Dfsp]:
    """The DFSPs that the actor may see, newest first unless asked otherwise: all for the hub, else the own one.

    `state` is one of DFSP_STATES; `proposed` are those that wait for a second person.
    """
    table: Any = Dfsp
    statement: Any = select(Dfsp)
    waits = and_(~table.enabled, func.coalesce(table.proposed_at > enabling.counts_from(), False))
    if state is not None:
        statement = statement.where({"enabled": table.enabled, "proposed": waits}.get(state, ~table.enabled & ~waits))
    if actor.dfsp_id is not None:
        statement = statement.where(Dfsp.id == actor.dfsp_id)
    return await page(tx, statement, Dfsp.id, wanted, name=func.lower(Dfsp.name))
