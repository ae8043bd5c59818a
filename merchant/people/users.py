"""People: adding them, and changing what they may do. Every change is audited.

Four eyes are two people. Who makes accounts holds neither of the roles that are looked over (access.EXCLUDED), nobody
changes their own rights, and roles of access.GIVEN_BY_TWO are in force once a second person has asked for the same. A
hub operator who is alone adds the next ones alone. Taking away is one person's act, but two operators stay at the hub
and one admin at a DFSP. A merchant's owner adds and changes the merchant's cashiers, and nobody else (own_people.py).
"""

import unicodedata
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
from sqlmodel import select

from merchant.core import audit, errors, evidence
from merchant.core.access import (
    DFSP_ROLES,
    EXCLUDED,
    GIVEN_BY_TWO,
    HUB_ROLES,
    MERCHANT_ROLES,
    Actor,
    Role,
    scope_to,
)
from merchant.core.db import Tx
from merchant.core.evidence import SecurityEvent
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.throttle import Throttle
from merchant.people import own_people
from merchant.people.models import UNUSABLE_HASH, AppUser
from merchant.people.operations import flush_unique, owner_of, require
from merchant.people.problems import LastOfRole, LastOperators, OwnAccount
from merchant.people.sign_in import normal_email
from merchant.registry.merchants.models import Merchant
from merchant.scheme.models import Dfsp

MANAGERS = (Role.HUB_OPERATOR, Role.DFSP_ADMIN)
# Control characters, unseen ones that change how the rest is read, surrogates, private use, line and paragraph breaks.
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"  # names in Indic scripts, Persian and Sinhala need them
# Whoever manages accounts, and the person: in one order, so that of two who disable each other one comes too late.
_LOCK = """
SELECT id FROM app_user WHERE id = $1 OR (enabled AND roles && $2
  AND dfsp_id IS NOT DISTINCT FROM (SELECT dfsp_id FROM app_user WHERE id = $1)) ORDER BY id FOR UPDATE
"""
# How many others of a role must stay who can use it.
_STAY_LEAST = {Role.HUB_OPERATOR: 2, Role.DFSP_ADMIN: 1}
# Those of a role who can use it: whoever has not accepted the invitation may never come, and an operator without the
# second factor that is asked for may do nothing yet ($3).
_ACTIVE = f"""
SELECT u.id FROM app_user u
WHERE u.enabled AND $1 = ANY(u.roles) AND u.dfsp_id IS NOT DISTINCT FROM $2 AND u.password_hash <> '{UNUSABLE_HASH}'
  AND (NOT $3 OR u.totp_confirmed_at IS NOT NULL OR EXISTS (SELECT FROM passkey p WHERE p.user_id = u.id))
"""  # noqa: S608 - a constant

_STILL_ACTS = """
SELECT 1 FROM app_user u LEFT JOIN dfsp d ON d.id = u.dfsp_id
WHERE u.id = $1 AND u.enabled AND u.roles && $2 AND (u.dfsp_id IS NULL OR (u.dfsp_id = $3 AND d.enabled))
"""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a person; None is left as it is, and so is a counter that is not told."""

    name: str | None = None
    roles: Sequence[str] | None = None
    enabled: bool | None = None
    counter_id: UUID | msgspec.UnsetType | None = msgspec.UNSET


class InvitationRate:
    """How often one person may invite: each try tells whether an address is known, also at another DFSP."""

    def __init__(self, _service: Service) -> None:
        self.rate = Throttle(per_minute=20, burst=60)


async def create_user(
    tx: Tx,
    service: Service,
    actor: Actor,
    *,
    email: str,
    name: str,
    roles: Sequence[str],
    dfsp_id: UUID | None = None,
    merchant_id: UUID | None = None,
    counter_id: UUID | None = None,
) -> AppUser:
    """Add a person, who has no password yet. DFSP admins add people of their own DFSP; hub operators add anyone; a
    merchant's owner adds cashiers of the merchant.

    Roles that take two are proposed: the person holds none until someone else confirms them (change_user).
    Raises InvalidFields, NotAllowed, WrongState, Conflict for a known e-mail address, TooManyRequests.
    """
    admit_mail(service, actor)
    dfsp_id, merchant_id = owner_of(actor, dfsp_id), merchant_id or actor.merchant_id
    held = frozenset(Role(role) for role in roles)
    await own_people.check_new(tx, actor, held)
    _check_roles(actor, held, dfsp_id, merchant_id)
    if dfsp_id is not None:
        await require(tx, select(Dfsp).where(Dfsp.id == dfsp_id), "dfsp_id")
    if merchant_id is not None:
        statement = select(Merchant).where(Merchant.id == merchant_id, Merchant.dfsp_id == dfsp_id)
        await require(tx, scope_to(actor, statement, Merchant), "merchant_id")
    if counter_id is not None:
        await own_people.check_counter(tx, held, merchant_id, counter_id)
    place: dict[str, Any] = {"dfsp_id": dfsp_id, "merchant_id": merchant_id, "counter_id": counter_id}
    user = AppUser(**place, email=normal_email(email), name=checked_name(name))
    if await _takes_two(service, actor, user, held):
        _propose(user, actor, sorted(held), True)
    else:
        user.roles = sorted(held)
    tx.session.add(user)
    try:
        await flush_unique(tx, _("Someone with this e-mail address exists."))
    except errors.Conflict:
        evidence.note(service, SecurityEvent.NOT_ALLOWED, actor=actor, code="email_taken")
        raise
    detail: dict[str, Any] = {"roles": user.roles} | (
        {"proposed_roles": user.proposed_roles} if user.proposed_roles else {}
    )
    detail |= {"counter_id": str(counter_id)} if counter_id else {}
    await audit.record(tx, actor, "user.created", "user", user.id, dfsp_id=dfsp_id, **detail)
    return user


def admit_mail(service: Service, actor: Actor) -> None:
    """Count an invitation by one person. Raises TooManyRequests."""
    wait_s = service.shared(InvitationRate).rate.wait_s(str(actor.id)) if actor.kind == "user" else 0
    if wait_s:
        evidence.note(service, SecurityEvent.THROTTLED, actor=actor, what="invitation")
        raise errors.TooManyRequests(
            _("Too many invitations at once; send the next ones later."), headers={"retry-after": str(int(wait_s) + 1)}
        )


async def change_user(
    tx: Tx, service: Service, actor: Actor, user_id: UUID, revision: int | None, change: Change
) -> AppUser:
    """Change a person's name, roles, counter, or whether they may come in.

    What adds a role that takes two is only proposed, until another person asks for the same while the first may still
    do so; asking for what holds withdraws a proposal. `revision` is the version that the caller read; None changes
    whatever is there.
    Raises NotFound, StaleVersion, InvalidFields, NotAllowed, OwnAccount, LastOfRole.
    """
    await tx.fetch(_LOCK, user_id, [role.value for role in MANAGERS])
    statement = scope_to(actor, select(AppUser).where(AppUser.id == user_id), AppUser)
    user: AppUser = await tx.one(statement.with_for_update())
    own_people.check_may_change(actor, user, change.roles)
    if revision is not None and user.version != revision:
        raise errors.StaleVersion
    before = _changeable(user)
    if change.name is not None and change.name != user.name:
        user.name = checked_name(change.name)
        await audit.record(tx, actor, "user.renamed", "user", user.id, dfsp_id=user.dfsp_id)
    if change.roles is not None or change.enabled is not None:
        held = frozenset(Role(role) for role in (user.roles if change.roles is None else change.roles))
        await _change_rights(tx, service, actor, user, held, user.enabled if change.enabled is None else change.enabled)
    if change.counter_id is not msgspec.UNSET and change.counter_id != user.counter_id:
        await _bind(tx, actor, user, change.counter_id)
    user.version += before != _changeable(user)
    await tx.flush()
    return user


def _changeable(user: AppUser) -> tuple[Any, ...]:
    proposed = (user.proposed_roles, user.proposed_enabled, user.proposed_by)
    return (user.name, user.roles, user.enabled, user.counter_id, *proposed)


async def _bind(tx: Tx, actor: Actor, user: AppUser, counter_id: UUID | None) -> None:
    """Bind a cashier to a counter, or to none; what they reach follows at once."""
    if counter_id is not None:
        await own_people.check_counter(tx, user.roles, user.merchant_id, counter_id)
    before, user.counter_id = user.counter_id, counter_id
    change: dict[str, Any] = {"before": before and str(before), "after": counter_id and str(counter_id)}
    await audit.record(tx, actor, "user.counter_changed", "user", user.id, dfsp_id=user.dfsp_id, **change)


def check_may_close(actor: Actor) -> None:
    """Raises NotAllowed for whoever does not work at the hub: a DFSP's and a merchant's people have someone to ask."""
    if actor.kind != "user" or HUB_ROLES.isdisjoint(actor.roles):
        raise errors.NotAllowed(_("Only staff of the hub close their own accounts; ask your administrator."))


async def close_own_account(tx: Tx, service: Service, actor: Actor) -> None:
    """End one's own account: shut out, and signed out everywhere. An operator of the hub may let one in again.

    Raises NotAllowed for people who do not work at the hub, LastOperators.
    """
    check_may_close(actor)
    await tx.fetch(_LOCK, actor.id, [role.value for role in MANAGERS])
    user: AppUser = await tx.one(select(AppUser).where(AppUser.id == actor.id).with_for_update())
    user.proposed_roles = user.proposed_enabled = user.proposed_by = None
    await _apply(tx, service, actor, user, user.roles, False, None)
    user.version += 1
    await tx.flush()


async def active_of(service: Service, role: Role, dfsp_id: UUID | None, *, with_factor: bool) -> set[UUID]:
    """Who holds a role at a DFSP or the hub and has set a password; `with_factor`: and what else they need to act.

    Read as the service: no tenant's transaction sees passkeys.
    """
    async with service.db.look_ups() as reading:
        needs_factor = with_factor and service.settings.require_totp
        return {row["id"] for row in await reading.fetch(_ACTIVE, role.value, dfsp_id, needs_factor)}


async def _change_rights(
    tx: Tx, service: Service, actor: Actor, user: AppUser, held: frozenset[Role], enabled: bool
) -> None:
    roles: list[str] = sorted(held)
    changed = (roles, enabled) != (user.roles, user.enabled)
    if changed and actor.id == user.id:
        raise OwnAccount
    if roles != user.roles:
        _check_roles(actor, held, user.dfsp_id, user.merchant_id)
    if changed and await _takes_two(service, actor, user, held if enabled else frozenset()):
        confirmed = (user.proposed_roles, user.proposed_enabled) == (roles, enabled)
        if not confirmed or user.proposed_by == actor.id or not await _still_acts(service, user):
            _propose(user, actor, roles, enabled)
            proposal: dict[str, Any] = {"proposed_roles": roles, "proposed_enabled": enabled}
            await audit.record(tx, actor, "user.roles_proposed", "user", user.id, dfsp_id=user.dfsp_id, **proposal)
            return
    proposed_by = user.proposed_by
    if not changed and proposed_by is not None:
        await audit.record(tx, actor, "user.proposal_withdrawn", "user", user.id, dfsp_id=user.dfsp_id)
    user.proposed_roles = user.proposed_enabled = user.proposed_by = None
    if changed:
        await _apply(tx, service, actor, user, roles, enabled, proposed_by)


async def _still_acts(service: Service, user: AppUser) -> bool:
    """Whether the first of the two may still make accounts where this person works.

    Read as the service: a DFSP's own transaction does not see the hub's people.
    """
    async with service.db.look_ups() as reading:
        managers = [role.value for role in MANAGERS]
        return bool(await reading.fetchval(_STILL_ACTS, user.proposed_by, managers, user.dfsp_id))


async def _apply(
    tx: Tx,
    service: Service,
    actor: Actor,
    user: AppUser,
    roles: list[str],
    enabled: bool,
    proposed_by: UUID | None,
) -> None:
    lost = _in_force(user) - (frozenset(roles) if enabled else frozenset())
    for role in lost.intersection(MANAGERS) if actor.kind == "user" else ():
        # An operator who still lacks their second factor keeps nothing running; an admin is counted as before.
        active = await active_of(service, Role(role), user.dfsp_id, with_factor=role == Role.HUB_OPERATOR)
        if user.id in active and len(active) - 1 < _STAY_LEAST[Role(role)]:
            raise LastOperators if role == Role.HUB_OPERATOR else LastOfRole
    by_two: dict[str, Any] = {} if proposed_by is None else {"proposed_by": str(proposed_by)}
    if roles != user.roles:
        change: dict[str, Any] = {"before": user.roles, "after": roles, **by_two}
        await audit.record(tx, actor, "user.roles_changed", "user", user.id, dfsp_id=user.dfsp_id, **change)
    if enabled != user.enabled:
        action = "user.enabled" if enabled else "user.disabled"
        await audit.record(tx, actor, action, "user", user.id, dfsp_id=user.dfsp_id, **by_two)
    user.roles, user.enabled = roles, enabled
    if Role.MERCHANT_OWNER in roles:
        user.counter_id = None  # an owner is the whole merchant's
    user.session_epoch += 1  # whoever is signed in under the old rights signs in again


async def _takes_two(service: Service, actor: Actor, user: AppUser, held: frozenset[Role]) -> bool:
    """Whether giving these roles takes a second person. The machine's operator acts alone."""
    gained = (held - _in_force(user)) & GIVEN_BY_TWO
    if actor.kind == "service" or not gained:
        return False
    if len(gained) > 1 or not gained & frozenset(MANAGERS):
        return True
    # A DFSP's first admin, whom one hub operator adds, and the operators whom the hub's first one adds: until one of
    # them has come, nobody could confirm anyone.
    [role] = gained
    nobody = {user.id} if role == Role.DFSP_ADMIN else {user.id, actor.id}
    return bool(await active_of(service, role, user.dfsp_id, with_factor=False) - nobody)


def _in_force(user: AppUser) -> frozenset[str]:
    return frozenset(user.roles) if user.enabled else frozenset()


def _propose(user: AppUser, actor: Actor, roles: list[str], enabled: bool) -> None:
    user.proposed_roles, user.proposed_enabled, user.proposed_by = [*map(str, roles)], enabled, actor.id


def _check_roles(actor: Actor, held: frozenset[Role], dfsp_id: UUID | None, merchant_id: UUID | None) -> None:
    """Raises NotAllowed, InvalidFields for roles that do not fit the place, or each other."""
    if held & HUB_ROLES and (actor.dfsp_id is not None or dfsp_id is not None):
        raise errors.NotAllowed(_("Only hub staff may add hub staff, and hub staff belong to no DFSP."))
    if held and not held & HUB_ROLES and dfsp_id is None:
        raise errors.invalid_field("dfsp_id", "missing", _("Say which DFSP this person works for."))
    if not any(held <= kind for kind in (HUB_ROLES, DFSP_ROLES, MERCHANT_ROLES)):
        raise errors.invalid_field("roles", "mixed", _("Roles of the hub, of a DFSP and of a merchant do not mix."))
    if held and bool(held & MERCHANT_ROLES) != (merchant_id is not None):
        raise errors.invalid_field("merchant_id", "mismatch", _("Merchant roles need a merchant, other roles none."))
    for manager, excluded in EXCLUDED.items():
        if manager in held and held & excluded:
            raise errors.invalid_field(
                "roles",
                "excluded",
                _(
                    "Who manages accounts as {manager} may not hold {excluded} too: that would be one person in place"
                    " of two.",
                    manager=manager.value,
                    excluded=", ".join(sorted(held & excluded)),
                ),
            )


def checked_name(name: str) -> str:
    """A person's name, trimmed. Raises InvalidFields for control characters and unseen ones."""
    found = unicodedata.normalize("NFC", name).strip()
    if any(unicodedata.category(one) in _UNSEEN and one not in _JOINERS for one in found):
        raise errors.invalid_field("name", "unseen", _("A name may not hold control characters or unseen ones."))
    return found
