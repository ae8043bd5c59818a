"""What happens to a merchant after approval: more counters, suspension, restriction, reinstatement, closing, blocking.

routes.py calls these; the merchant's row is locked first. Each move turns the merchant's numbers in the oracle's
table on or off in the same transaction, so no look-up finds a merchant that was just suspended or closed.
"""

from uuid import UUID

from sqlmodel import select

from kyb.fields import MAX_COUNTERS_OF_MERCHANT
from merchant.core import audit, clock, errors
from merchant.core.access import Actor, scope_to
from merchant.core.db import Tx
from merchant.core.service import SchemeFacts, Service
from merchant.core.texts import _
from merchant.notify import events
from merchant.registry.aliases.operations import hide_counter, issue_alias, set_routes_active
from merchant.registry.merchants.models import Counter, Location, Merchant
from merchant.registry.merchants.queries import find_counter, lock_counter, lock_merchant
from merchant.registry.merchants.search_index import index_places
from merchant.registry.merchants.states import Capability, MerchantState, merchant_may, move_merchant

STOPPED_BY_HUB = "stopped_by_hub"  # why a merchant is stopped that the hub proposes to block; it says nothing else
# Counters that a merchant's owner may open without the DFSP, closed ones among them: a number is never given again.
MAX_COUNTERS_ADDED_BY_MERCHANT = 20
_HELD_FROM = frozenset({MerchantState.ACTIVE, MerchantState.CLOSED})


class StoppedByHub(errors.WrongState):
    """Only the hub lets such a merchant go, also so that closing it is no way out of being blocked."""

    code, title = "stopped_by_hub", _("The hub has stopped this merchant; only the hub can let it go on")


async def open_counter(
    tx: Tx, scheme: SchemeFacts, merchant: Merchant, location_id: UUID, name: str, own_alias: str | None
) -> Counter:
    """A new counter of a merchant, with its number. Raises InvalidFields, AliasTaken, NumbersExhausted."""
    counter = Counter(
        dfsp_id=merchant.dfsp_id,
        merchant_id=merchant.id,
        location_id=location_id,
        name=name,
        alias_type=scheme.alias_type,
        alias="",
    )
    counter.alias = await issue_alias(
        tx,
        scheme,
        dfsp_id=merchant.dfsp_id,
        merchant_id=merchant.id,
        counter_id=counter.id,
        currencies=merchant.currencies,
        own_alias=own_alias,
    )
    tx.session.add(counter)
    return counter


async def add_counter(
    tx: Tx,
    service: Service,
    actor: Actor,
    merchant_id: UUID,
    location_id: UUID,
    name: str,
    own_alias: str | None,
) -> Counter:
    """Open a counter at a location; its number exists when this returns.

    A merchant's owner opens a few, whose numbers are drawn: a number of one's own choice is the DFSP's to give.
    Raises NotFound, NotAllowed, WrongState, InvalidFields, AliasTaken, NumbersExhausted.
    """
    merchant = await lock_merchant(tx, actor, merchant_id)
    if not merchant_may(merchant.state, Capability.ADD_COUNTER):
        raise errors.WrongState(_("A merchant that is {state} gets no new counters.", state=merchant.state))
    places = select(Location).where(Location.id == location_id, Location.merchant_id == merchant.id)
    location = (await tx.session.exec(scope_to(actor, places, Location))).one_or_none()
    if location is None:
        raise errors.invalid_field("location_id", "unknown", _("The merchant has no such location."))
    count = await tx.fetchval("SELECT count(*) FROM counter WHERE merchant_id = $1", merchant.id)
    if count >= MAX_COUNTERS_OF_MERCHANT:
        raise errors.WrongState(_("A merchant has at most {most} counters.", most=MAX_COUNTERS_OF_MERCHANT))
    if actor.merchant_id is not None:
        await _check_added_by_owner(tx, merchant, own_alias)
    counter = await open_counter(tx, await service.scheme(), merchant, location_id, name, own_alias)
    counter.added_by_merchant = actor.merchant_id is not None
    await index_places(tx, merchant)
    await audit.record(
        tx,
        actor,
        "counter.added",
        "counter",
        counter.id,
        dfsp_id=merchant.dfsp_id,
        merchant_id=str(merchant.id),
        alias=counter.alias,
    )
    return counter


async def _check_added_by_owner(tx: Tx, merchant: Merchant, own_alias: str | None) -> None:
    if own_alias is not None:
        raise errors.NotAllowed(_("Your payment provider gives numbers of your own choice; leave own_alias out."))
    added = "SELECT count(*) FROM counter WHERE merchant_id = $1 AND added_by_merchant"
    if await tx.fetchval(added, merchant.id) >= MAX_COUNTERS_ADDED_BY_MERCHANT:
        raise errors.WrongState(
            _(
                "You can add {most} counters yourself; your payment provider adds more.",
                most=MAX_COUNTERS_ADDED_BY_MERCHANT,
            )
        )


async def change_counter(tx: Tx, actor: Actor, counter_id: UUID, name: str | None, location_id: UUID | None) -> Counter:
    """Rename a counter, or move it to another place of its merchant; its number and its code stay.

    Raises NotFound, WrongState once it is closed, InvalidFields.
    """
    counter, merchant = await _open_counter_of(tx, actor, counter_id)
    if location_id is not None:
        places = select(Location).where(Location.id == location_id, Location.merchant_id == merchant.id)
        if (await tx.session.exec(scope_to(actor, places, Location))).one_or_none() is None:
            raise errors.invalid_field("location_id", "unknown", _("The merchant has no such location."))
        counter.location_id = location_id
    if name is not None:
        counter.name = name
    merchant.revision += 1
    await tx.flush()
    await index_places(tx, merchant)
    await audit.record(
        tx, actor, "counter.changed", "counter", counter.id, dfsp_id=merchant.dfsp_id, merchant_id=str(merchant.id)
    )
    return counter


async def close_counter(tx: Tx, actor: Actor, counter_id: UUID, reason: str) -> Counter:
    """End a counter for good: its number answers as unknown and goes to nobody else. Raises NotFound, WrongState."""
    counter, merchant = await _open_counter_of(tx, actor, counter_id)
    counter.closed_at = clock.now()
    merchant.revision += 1
    await tx.flush()
    await hide_counter(tx, counter.id)
    await audit.record(
        tx,
        actor,
        "counter.closed",
        "counter",
        counter.id,
        dfsp_id=merchant.dfsp_id,
        reason=reason,
        merchant_id=str(merchant.id),
    )
    return counter


async def _open_counter_of(tx: Tx, actor: Actor, counter_id: UUID) -> tuple[Counter, Merchant]:
    """A counter and its merchant, both locked, the merchant first. Raises NotFound, WrongState."""
    found = await find_counter(tx, actor, counter_id)
    merchant = await lock_merchant(tx, actor, found.merchant_id)
    counter = await lock_counter(tx, actor, counter_id)
    await tx.session.refresh(counter)
    if counter.closed_at is not None:
        raise errors.WrongState(_("This counter is closed; open another one."))
    return counter, merchant


async def suspend(tx: Tx, actor: Actor, merchant_id: UUID, reason: str) -> Merchant:
    """Stop a merchant at once: its numbers answer as unknown and no money is taken. Raises NotFound, WrongState."""
    return await _move(tx, actor, merchant_id, MerchantState.SUSPENDED, reason)


async def restrict(tx: Tx, actor: Actor, merchant_id: UUID, reason: str) -> Merchant:
    """Let a merchant take payments but open no counters. Raises NotFound, WrongState."""
    return await _move(tx, actor, merchant_id, MerchantState.RESTRICTED, reason)


async def reinstate(tx: Tx, actor: Actor, merchant_id: UUID) -> Merchant:
    """End a suspension or a restriction. Raises NotFound, WrongState."""
    return await _move(tx, actor, merchant_id, MerchantState.ACTIVE, None)


async def close(tx: Tx, actor: Actor, merchant_id: UUID, reason: str) -> Merchant:
    """End a merchant for good: its numbers answer as unknown and go to nobody else. Raises NotFound, WrongState."""
    return await _move(tx, actor, merchant_id, MerchantState.CLOSED, reason)


# Of the audit record and of the webhook alike.
_EVENTS = {
    MerchantState.ACTIVE: "merchant.reinstated",
    MerchantState.RESTRICTED: "merchant.restricted",
    MerchantState.SUSPENDED: "merchant.suspended",
    MerchantState.CLOSED: "merchant.closed",
    MerchantState.BLOCKED: "merchant.blocked",
}


async def _move(tx: Tx, actor: Actor, merchant_id: UUID, target: MerchantState, reason: str | None) -> Merchant:
    return await move(tx, actor, await lock_merchant(tx, actor, merchant_id), target, reason)


async def move(
    tx: Tx,
    actor: Actor,
    merchant: Merchant,
    target: MerchantState,
    reason: str | None,
    stopped_for: str = "staff",
    *,
    by_hub: bool = False,
) -> Merchant:
    """Move a locked merchant and its numbers; `stopped_for` is the code of why it is stopped.

    Raises WrongState, StoppedByHub.
    """
    check_not_stopped_by_hub(merchant, target)
    move_merchant(merchant, target, by_hub=by_hub)
    merchant.stopped_for = None if merchant_may(target, Capability.ADD_COUNTER) else stopped_for
    await tx.flush()
    await set_routes_active(tx, merchant.id, merchant_may(target, Capability.TAKE_PAYMENT))
    await audit.record(tx, actor, _EVENTS[target], "merchant", merchant.id, dfsp_id=merchant.dfsp_id, reason=reason)
    await events.announce(
        tx,
        _EVENTS[target],
        merchant.dfsp_id,
        merchant.id,
        {"merchant_id": merchant.id, "state": merchant.state},
    )
    return merchant


def check_not_stopped_by_hub(merchant: Merchant, target: MerchantState) -> None:
    """Raise StoppedByHub where a merchant would be let go, or closed, that the hub has stopped."""
    if merchant.stopped_for == STOPPED_BY_HUB and target in _HELD_FROM:
        raise StoppedByHub
