"""Reads of the registry, for the API's routes, for pictures of codes and for the demo's pages.

Each takes the actor and shows no more than its DFSP and, for a merchant's own people, that merchant; schemas.py turns
the rows into answers.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import or_
from sqlmodel import select

from merchant import errors
from merchant.access import Actor, scope_to
from merchant.db import Tx
from merchant.registry.models import Application, Counter, Dfsp, Location, Merchant


async def applications(
    tx: Tx,
    actor: Actor,
    limit: int,
    before: UUID | None,
    *,
    state: str | None,
    external_ref: str | None,
    search: str | None,
) -> list[Application]:
    """Applications, newest first, one more than `limit` when there are more."""
    statement = scope_to(actor, select(Application), Application)
    if actor.merchant_id is None:
        statement = statement.where(Application.state == state) if state else statement
        statement = statement.where(Application.external_ref == external_ref) if external_ref else statement
        statement = _searched(statement, search, Application.trading_name, Application.legal_name)
    return await _page(tx, statement, Application.id, limit, before)


async def merchants(
    tx: Tx,
    actor: Actor,
    limit: int,
    before: UUID | None,
    *,
    state: str | None,
    tier: str | None,
    search: str | None,
) -> list[Merchant]:
    """Merchants, newest first, one more than `limit` when there are more."""
    statement = scope_to(actor, select(Merchant), Merchant)
    statement = statement.where(Merchant.state == state) if state else statement
    statement = statement.where(Merchant.tier == tier) if tier else statement
    statement = _searched(statement, search, Merchant.trading_name, Merchant.legal_name)
    return await _page(tx, statement, Merchant.id, limit, before)


async def merchant(tx: Tx, actor: Actor, merchant_id: UUID) -> Merchant:
    """One merchant. Raises NotFound."""
    statement = scope_to(actor, select(Merchant).where(Merchant.id == merchant_id), Merchant)
    found = (await tx.session.exec(statement)).one_or_none()
    if found is None:
        raise errors.NotFound
    return found  # type: ignore[no-any-return]


async def application(tx: Tx, actor: Actor, application_id: UUID) -> Application:
    """One application. Raises NotFound."""
    statement = scope_to(actor, select(Application).where(Application.id == application_id), Application)
    found = (await tx.session.exec(statement)).one_or_none()
    if found is None:
        raise errors.NotFound
    return found  # type: ignore[no-any-return]


async def places(tx: Tx, actor: Actor, merchant_ids: list[UUID]) -> tuple[list[Location], list[Counter]]:
    """Locations and counters of some merchants, oldest first."""
    found: list[list[Any]] = []
    for table in (Location, Counter):
        columns: Any = table
        statement = select(columns).where(columns.merchant_id.in_(merchant_ids)).order_by(columns.id)
        found.append(list((await tx.session.exec(scope_to(actor, statement, columns))).all()))
    return found[0], found[1]


async def dfsp(tx: Tx, dfsp_id: UUID) -> Dfsp:
    """One DFSP. Raises NotFound."""
    found = await tx.session.get(Dfsp, dfsp_id)
    if found is None:
        raise errors.NotFound
    return found


def _searched(statement: Any, search: str | None, *columns: Any) -> Any:
    if not search:
        return statement
    return statement.where(or_(*(column.icontains(search, autoescape=True) for column in columns)))


async def _page(tx: Tx, statement: Any, key: Any, limit: int, before: UUID | None) -> list[Any]:
    if before is not None:
        statement = statement.where(key < before)
    return list((await tx.session.exec(statement.order_by(key.desc()).limit(limit + 1))).all())
