"""What people choose to be told: a merchant's owner for the merchant, one of a DFSP's staff for themselves.

Without a row everyone is told the usual. sms.py and notices.py read the rows by the statements that write messages.
"""

from collections.abc import Collection, Mapping
from datetime import time
from typing import Any
from uuid import UUID

from msgspec import Struct

from merchant.core import audit, clock, errors, ids
from merchant.core.access import DFSP_ROLES, Actor
from merchant.core.db import Reads, Tx
from merchant.core.texts import _
from merchant.notify.kinds import REQUIRED, USUAL_EMAIL, USUAL_SMS, Channel, MerchantKind, StaffKind

_MERCHANT = "SELECT dfsp_id FROM merchant WHERE id = $1 AND ($2::uuid IS NULL OR dfsp_id = $2)"
_COLUMNS = "sms_kinds, email_kinds, quiet_from, quiet_until"
_OF_MERCHANT = f"SELECT {_COLUMNS} FROM notification_choice WHERE merchant_id = $1"  # noqa: S608 - constants
_OF_USER = f"SELECT {_COLUMNS} FROM notification_choice WHERE user_id = $1"  # noqa: S608 - constants
_WRITE = """
INSERT INTO notification_choice (id, dfsp_id, merchant_id, user_id, sms_kinds, email_kinds, quiet_from, quiet_until,
                                 changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT ({owner}) WHERE {owner} IS NOT NULL DO UPDATE SET dfsp_id = $2, sms_kinds = $5, email_kinds = $6,
  quiet_from = $7, quiet_until = $8, changed_at = $9
RETURNING id
"""


class Chosen(Struct, frozen=True):
    """What is sent by each channel, and between which times of the day a merchant's messages wait."""

    sms: frozenset[str]
    email: frozenset[str]
    quiet_from: time | None = None
    quiet_until: time | None = None


_USUAL = Chosen(frozenset(USUAL_SMS), frozenset(USUAL_EMAIL))
_NOTHING = Chosen(frozenset(), frozenset())


async def choices_of_merchant(tx: Reads, actor: Actor, merchant_id: UUID) -> Chosen:
    """What a merchant chose, or the usual. Raises NotFound for a merchant that is not the actor's."""
    await _own_dfsp(tx, actor, merchant_id)
    return _chosen(await tx.fetchrow(_OF_MERCHANT, merchant_id), _USUAL)


async def choose_for_merchant(
    tx: Tx,
    actor: Actor,
    merchant_id: UUID,
    wanted: Mapping[tuple[MerchantKind, Channel], bool],
    quiet: tuple[time, time] | None,
) -> Chosen:
    """Keep what a merchant chose; what is not named stays as it was, quiet hours are replaced.

    Raises NotFound; InvalidFields for a kind that cannot be switched off, and for quiet hours that never end.
    """
    dfsp_id = await _own_dfsp(tx, actor, merchant_id)
    if any(kind in REQUIRED and not sent for (kind, _channel), sent in wanted.items()):
        raise errors.invalid_field(
            "choices",
            "required",
            _("Messages about the safety of the shop are always sent; nobody can switch them off."),
        )
    if quiet is not None and quiet[0] == quiet[1]:
        raise errors.invalid_field("quiet_until", "same", _("Quiet hours must end at another time than they begin."))
    before = _chosen(await tx.fetchrow(_OF_MERCHANT, merchant_id), _USUAL)
    begins, ends = quiet or (None, None)
    chosen = Chosen(
        _changed(before.sms, wanted, Channel.SMS), _changed(before.email, wanted, Channel.EMAIL), begins, ends
    )
    await _write(tx, actor, "merchant_id", (dfsp_id, merchant_id, None), chosen)
    return chosen


async def choices_of_person(tx: Reads, actor: Actor) -> Chosen:
    """What one of a DFSP's staff chose; nothing before they did. Raises NotFound for everyone else."""
    _check_staff(actor)
    return _chosen(await tx.fetchrow(_OF_USER, actor.id), _NOTHING)


async def choose_for_person(tx: Tx, actor: Actor, wanted: Collection[StaffKind]) -> Chosen:
    """Keep of what one of a DFSP's staff wants mails. Raises NotFound for everyone else."""
    _check_staff(actor)
    chosen = Chosen(frozenset(), frozenset(wanted))
    await _write(tx, actor, "user_id", (actor.own_dfsp(), None, actor.id), chosen)
    return chosen


def _check_staff(actor: Actor) -> None:
    if actor.kind != "user" or actor.dfsp_id is None or not DFSP_ROLES.issuperset(actor.roles):
        raise errors.NotFound(_("Only staff of a DFSP choose mails about their work."))


async def _own_dfsp(tx: Reads, actor: Actor, merchant_id: UUID) -> UUID:
    """The DFSP of a merchant that the actor may see. Raises NotFound."""
    found = None
    if actor.merchant_id in (None, merchant_id):
        found = await tx.fetchval(_MERCHANT, merchant_id, actor.dfsp_id)
    if found is None:
        raise errors.NotFound
    assert isinstance(found, UUID)
    return found


def _chosen(row: Any, otherwise: Chosen) -> Chosen:
    if row is None:
        return otherwise
    return Chosen(frozenset(row["sms_kinds"]), frozenset(row["email_kinds"]), row["quiet_from"], row["quiet_until"])


def _changed(
    before: frozenset[str], wanted: Mapping[tuple[MerchantKind, Channel], bool], by: Channel
) -> frozenset[str]:
    """The kinds of a channel after a change; those that are always sent among them."""
    on = {str(kind) for (kind, channel), sent in wanted.items() if channel is by and sent}
    off = {str(kind) for (kind, channel), sent in wanted.items() if channel is by and not sent}
    return (before - off) | on | {str(kind) for kind in REQUIRED}


async def _write(
    tx: Tx, actor: Actor, owner: str, place: tuple[UUID, UUID | None, UUID | None], chosen: Chosen
) -> None:
    kinds = sorted(chosen.sms), sorted(chosen.email)
    written = await tx.fetchval(
        _WRITE.format(owner=owner), ids.uuid7(), *place, *kinds, chosen.quiet_from, chosen.quiet_until, clock.now()
    )
    await audit.record(
        tx,
        actor,
        "notification_choice.changed",
        "notification_choice",
        written,
        dfsp_id=place[0],
        sms=kinds[0],
        email=kinds[1],
        quiet=None if chosen.quiet_from is None else f"{chosen.quiet_from:%H:%M}-{chosen.quiet_until:%H:%M}",
    )
