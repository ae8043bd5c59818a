"""Reads of merchants, their locations and counters, and the lock that every operation on a merchant begins with.

Each takes the actor and shows no more than its DFSP and, for a merchant's own people, that merchant; what the actor
may not see is not found.
"""

from typing import Any
from uuid import UUID

from sqlmodel import select

from merchant.core.access import Actor, scope_to
from merchant.core.db import Reads, Tx
from merchant.registry.merchants.models import Counter, Location, Merchant


async def merchant(tx: Reads, actor: Actor, merchant_id: UUID) -> Merchant:
    """One merchant. Raises NotFound."""
    found: Merchant = await tx.one(_by_id(actor, Merchant, merchant_id))
    return found


async def lock_merchant(tx: Tx, actor: Actor, merchant_id: UUID) -> Merchant:
    """The merchant, locked until the transaction ends. Raises NotFound, also for another tenant's."""
    found: Merchant = await tx.one(_by_id(actor, Merchant, merchant_id).with_for_update())
    return found


async def find_counter(tx: Reads, actor: Actor, counter_id: UUID) -> Counter:
    """A counter the actor may see. Raises NotFound."""
    found: Counter = await tx.one(_by_id(actor, Counter, counter_id))
    return found


async def lock_counter(tx: Tx, actor: Actor, counter_id: UUID) -> Counter:
    """The counter, locked until the transaction ends. Raises NotFound, also for another tenant's."""
    found: Counter = await tx.one(_by_id(actor, Counter, counter_id).with_for_update())
    return found


async def places(tx: Reads, actor: Actor, merchant_ids: list[UUID]) -> tuple[list[Location], list[Counter]]:
    """Locations and counters of some merchants, oldest first; for a counter's key, the counter and where it is."""
    found: list[list[Any]] = []
    for table in (Location, Counter):
        columns: Any = table
        statement = select(columns).where(columns.merchant_id.in_(merchant_ids)).order_by(columns.id)
        found.append(list((await tx.session.exec(scope_to(actor, statement, columns))).all()))
    locations, counters = found
    if actor.counter_id is not None:
        locations = [place for place in locations if place.id in {counter.location_id for counter in counters}]
    return locations, counters


def _by_id(actor: Actor, table: Any, row_id: UUID) -> Any:
    return scope_to(actor, select(table).where(table.id == row_id), table)
