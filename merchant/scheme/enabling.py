"""Enabling a DFSP takes two people of the hub: one proposes it, another confirms. Disabling takes one, at once.

Where the hub has one person only, who could wait for nobody, that person enables at once, and the answer and the audit
record say so. The machine's operator acts alone. participants.py calls this under the row's lock, people/routes.py for
a row that it has just made.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from msgspec import UNSET, UnsetType

from merchant.core import audit, clock
from merchant.core.access import ROLE_PERMISSIONS, Actor, Permission
from merchant.core.db import Reads, Tx
from merchant.core.texts import _
from merchant.scheme.models import Dfsp
from merchant.scheme.problems import NothingToConfirm, OwnProposal
from merchant.scheme.scheme_change import PROPOSAL_LASTS

ALONE: Final = _("There is no second person of the hub yet; it is on at once.")
# "!" is the hash of whoever was invited and never came (people/models.py): nobody need wait for them.
_OTHERS = """
SELECT 1 FROM app_user
WHERE id <> $1 AND enabled AND dfsp_id IS NULL AND roles && $2 AND password_hash <> '!' LIMIT 1
"""
_STILL_ACTS = "SELECT 1 FROM app_user WHERE id = $1 AND enabled AND dfsp_id IS NULL AND roles && $2"
_NAMES = "SELECT id, name FROM app_user WHERE id = ANY($1) AND dfsp_id IS NULL"


def waits_since(dfsp: Dfsp) -> datetime | None:
    """Since when enabling it waits for a second person; None when it does not."""
    if dfsp.enabled or dfsp.proposed_at is None or dfsp.proposed_at <= counts_from():
        return None
    return dfsp.proposed_at


def counts_from() -> datetime:
    """The time from which on a proposal must be to be confirmed."""
    return clock.now() - PROPOSAL_LASTS


async def switch(tx: Tx, actor: Actor, dfsp: Dfsp, enabled: bool | UnsetType) -> bool:
    """Enable, propose to, withdraw a proposal or disable, as it stands; whether one person enabled it alone.

    Raises OwnProposal, NothingToConfirm.
    """
    if enabled is UNSET or (enabled and dfsp.enabled):
        return False
    if enabled:
        return await enable(tx, actor, dfsp)
    if dfsp.enabled or waits_since(dfsp) is not None:
        action = "dfsp.disabled" if dfsp.enabled else "dfsp.enabling_withdrawn"
        await audit.record(tx, actor, action, "dfsp", dfsp.id, dfsp_id=None)
    dfsp.enabled, dfsp.proposed_by, dfsp.proposed_at = False, None, None
    return False


async def enable(tx: Tx, actor: Actor, dfsp: Dfsp) -> bool:
    """Put in force what another person proposed, or propose it; whether one person enabled it alone.

    Raises OwnProposal for whoever proposed it, NothingToConfirm for who may only confirm.
    """
    may_propose = actor.kind == "service" or Permission.DFSPS_WRITE in actor.permissions
    first = dfsp.proposed_by if waits_since(dfsp) is not None else None
    if first not in (None, actor.id) and await tx.fetchval(_STILL_ACTS, first, _roles(Permission.DFSPS_WRITE)):
        await _apply(tx, actor, dfsp, proposed_by=str(first))
        return False
    if not may_propose:
        raise NothingToConfirm
    if actor.kind == "service":
        await _apply(tx, actor, dfsp)
        return False
    if not await tx.fetchval(_OTHERS, actor.id, _roles(Permission.DFSPS_CONFIRM)):
        await _apply(tx, actor, dfsp, alone=True)
        return True
    if first == actor.id:
        raise OwnProposal
    dfsp.proposed_by, dfsp.proposed_at = actor.id, clock.now()
    await audit.record(tx, actor, "dfsp.enabling_proposed", "dfsp", dfsp.id, dfsp_id=None)
    return False


async def names_of_proposers(tx: Reads, found: Iterable[Dfsp]) -> dict[UUID, str]:
    """What the people are called who proposed to enable some DFSPs."""
    waiting = [one.proposed_by for one in found if waits_since(one) is not None]
    return {row["id"]: row["name"] for row in await tx.fetch(_NAMES, waiting)} if waiting else {}


async def _apply(tx: Tx, actor: Actor, dfsp: Dfsp, **detail: Any) -> None:
    dfsp.enabled, dfsp.proposed_by, dfsp.proposed_at = True, None, None
    await audit.record(tx, actor, "dfsp.enabled", "dfsp", dfsp.id, dfsp_id=None, **detail)


def _roles(permission: Permission) -> list[str]:
    return [role.value for role, permissions in ROLE_PERMISSIONS.items() if permission in permissions]
