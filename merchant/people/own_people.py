"""What a merchant's owner may do with the merchant's own people: cashiers only. The DFSP adds owners.

users.py asks before it writes. Staff are not held to these rules, but for the one that only a cashier is bound to a
counter.
"""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlmodel import select

from merchant.core import errors
from merchant.core.access import Actor, Role
from merchant.core.db import Tx
from merchant.core.locks import take_turn
from merchant.core.texts import _
from merchant.people.models import AppUser
from merchant.people.operations import require
from merchant.registry.merchants.models import Counter

MAX_PEOPLE = 200  # of one merchant, those who were shut out among them: an account is a mail to anyone's address
_CASHIER = frozenset({Role.MERCHANT_CASHIER})


async def check_new(tx: Tx, actor: Actor, held: Collection[str]) -> None:
    """Refuse what an owner may not add; others are not asked. Raises NotAllowed, WrongState for one too many."""
    if actor.merchant_id is None:
        return
    if frozenset(held) != _CASHIER:
        raise errors.NotAllowed(_("You can add cashiers; your payment provider adds owners and everyone else."))
    await take_turn(tx, f"own_people {actor.merchant_id}")
    if await tx.fetchval("SELECT count(*) FROM app_user WHERE merchant_id = $1", actor.merchant_id) >= MAX_PEOPLE:
        raise errors.WrongState(_("A merchant has at most {most} people.", most=MAX_PEOPLE))


def check_may_change(actor: Actor, user: AppUser, roles: Collection[str] | None = None) -> None:
    """Refuse an owner to touch anyone but a cashier, or to make more of one; others are not asked. Raises NotAllowed.

    People of other merchants are not found before this is asked.
    """
    if actor.merchant_id is None:
        return
    if frozenset(user.roles) != _CASHIER or user.proposed_by is not None:
        raise errors.NotAllowed(_("You can change cashiers; your payment provider changes owners."))
    if roles is not None and frozenset(roles) != _CASHIER:
        raise errors.NotAllowed(_("A cashier stays one; your payment provider adds owners."))


async def check_counter(tx: Tx, held: Collection[str], merchant_id: UUID | None, counter_id: UUID) -> None:
    """Refuse to bind a person to a counter that is no open one of the merchant, or who is no cashier.

    Raises InvalidFields.
    """
    if frozenset(held) != _CASHIER:
        raise errors.invalid_field("counter_id", "mismatch", _("Only a cashier is bound to a counter."))
    columns: Any = Counter
    found = select(columns).where(
        columns.id == counter_id, columns.merchant_id == merchant_id, columns.closed_at.is_(None)
    )
    await require(tx, found, "counter_id")
