"""Price keys: read by whoever takes money for a merchant, kept by its owner.

A key is a help for typing: a request holds the amount and the note that were sent, so that a price that changes
changes nothing of what was asked before.
"""

from typing import Any
from uuid import UUID

from msgspec import UNSET, UnsetType
from sqlmodel import select

from merchant.core import audit, errors
from merchant.core.access import Actor, Role, scope_to
from merchant.core.db import Tx
from merchant.core.locks import take_turn
from merchant.core.money import Money
from merchant.core.texts import _
from merchant.payments.price_keys.models import PriceKey
from merchant.registry.merchants.models import Counter, Merchant

MAX_KEYS = 60  # of one merchant: more than fit on the screens of a telephone
_PLACE: Any = PriceKey


async def price_keys(tx: Tx, actor: Actor, merchant_id: UUID | None) -> list[PriceKey]:
    """The keys of a merchant in their order; one who is bound to a counter sees those of that counter.

    Staff name the merchant. Raises InvalidFilter where nobody says whose.
    """
    merchant_id = actor.merchant_id or merchant_id
    if merchant_id is None:
        raise errors.InvalidFilter(_("Name the merchant: merchant_id."))
    found = select(PriceKey).where(_PLACE.merchant_id == merchant_id)
    if actor.dfsp_id is not None:
        found = found.where(_PLACE.dfsp_id == actor.dfsp_id)
    if actor.counter_id is not None:
        found = found.where(_PLACE.counter_id.is_(None) | (_PLACE.counter_id == actor.counter_id))
    rows = await tx.session.exec(found.order_by(_PLACE.position, _PLACE.id).limit(MAX_KEYS))
    return list(rows.all())


async def add_price_key(
    tx: Tx, actor: Actor, *, label: str, price: Money, counter_id: UUID | None, position: int | None
) -> PriceKey:
    """Add a key, at the end unless it is told where. Raises NotAllowed, InvalidFields, WrongState for one too many."""
    merchant = await _own_merchant(tx, actor)
    await take_turn(tx, f"price_keys {merchant.id}")
    count, last = await tx.fetchrow(
        "SELECT count(*), coalesce(max(position), 0) FROM price_key WHERE merchant_id = $1", merchant.id
    ) or (0, 0)
    if count >= MAX_KEYS:
        raise errors.WrongState(_("A merchant has at most {most} price keys.", most=MAX_KEYS))
    _check_currency(merchant, price)
    await _check_counter(tx, merchant, counter_id)
    row = PriceKey(
        dfsp_id=merchant.dfsp_id,
        merchant_id=merchant.id,
        counter_id=counter_id,
        label=" ".join(label.split()),
        amount_minor=price.minor,
        currency=price.currency,
        position=position or min(last + 1, 999),
    )
    tx.session.add(row)
    await _record(tx, actor, "price_key.added", row)
    return row


async def change_price_key(
    tx: Tx,
    actor: Actor,
    key_id: UUID,
    *,
    label: str | None = None,
    price: Money | None = None,
    counter_id: UUID | UnsetType | None = UNSET,
    position: int | None = None,
) -> PriceKey:
    """Change a key; None, and a counter that is not told, are left as they are.

    Raises NotFound, NotAllowed, InvalidFields.
    """
    row = await _own_key(tx, actor, key_id)
    merchant = await _own_merchant(tx, actor)
    if price is not None:
        _check_currency(merchant, price)
        row.amount_minor, row.currency = price.minor, price.currency
    if counter_id is not UNSET:
        await _check_counter(tx, merchant, counter_id)
        row.counter_id = counter_id
    row.label = row.label if label is None else " ".join(label.split())
    row.position = position or row.position
    await _record(tx, actor, "price_key.changed", row)
    return row


async def remove_price_key(tx: Tx, actor: Actor, key_id: UUID) -> None:
    """Take a key away. Raises NotFound, NotAllowed."""
    row = await _own_key(tx, actor, key_id)
    await _own_merchant(tx, actor)
    await _record(tx, actor, "price_key.removed", row)
    await tx.session.delete(row)
    await tx.flush()


async def _own_merchant(tx: Tx, actor: Actor) -> Merchant:
    """The merchant whose prices the actor keeps: its owner, or its own key. Raises NotAllowed."""
    is_owner = Role.MERCHANT_OWNER in actor.roles or not actor.roles
    if actor.merchant_id is None or actor.counter_id is not None or not is_owner:
        raise errors.NotAllowed(_("Only the owner of a merchant keeps its prices."))
    found: Merchant = await tx.one(scope_to(actor, select(Merchant).where(Merchant.id == actor.merchant_id), Merchant))
    return found


async def _own_key(tx: Tx, actor: Actor, key_id: UUID) -> PriceKey:
    found: PriceKey = await tx.one(
        scope_to(actor, select(PriceKey).where(PriceKey.id == key_id), PriceKey).with_for_update()
    )
    return found


def _check_currency(merchant: Merchant, price: Money) -> None:
    if price.currency not in merchant.currencies:
        choices = ", ".join(merchant.currencies)
        raise errors.invalid_field(
            "amount.currency", "invalid_currency", _("This merchant takes {choices}.", choices=choices)
        )


async def _check_counter(tx: Tx, merchant: Merchant, counter_id: UUID | UnsetType | None) -> None:
    if counter_id is None or counter_id is UNSET:
        return
    columns: Any = Counter
    found = select(Counter.id).where(
        columns.id == counter_id, columns.merchant_id == merchant.id, columns.closed_at.is_(None)
    )
    if (await tx.session.exec(found)).first() is None:
        raise errors.invalid_field("counter_id", "unknown", _("This is no open counter of this merchant."))


async def _record(tx: Tx, actor: Actor, action: str, row: PriceKey) -> None:
    await audit.record(
        tx,
        actor,
        action,
        "price_key",
        row.id,
        dfsp_id=row.dfsp_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
    )
    await tx.flush()
