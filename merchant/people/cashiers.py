"""A cashier whom an owner adds by telephone: the number is the account, and one-time codes sent to it open the portal.

Those who are added by e-mail are users.py's; both are changed and shut out there.
"""

from typing import Any
from uuid import UUID

from merchant.core import audit, errors, evidence
from merchant.core.access import Actor, Role
from merchant.core.db import Tx
from merchant.core.evidence import SecurityEvent
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.people import own_people
from merchant.people.models import CODES_HASH, PHONE, AppUser
from merchant.people.operations import flush_unique
from merchant.people.users import Change, admit_mail, change_user, checked_name

_KNOWN = "SELECT id, merchant_id, roles, enabled FROM app_user WHERE phone_digest = $1"
_HELD = [Role.MERCHANT_CASHIER.value]


async def add_cashier(
    tx: Tx, service: Service, actor: Actor, *, phone: Msisdn, name: str, counter_id: UUID | None = None
) -> AppUser:
    """Add a cashier of the actor's merchant, of one of its counters where that is named; one who was shut out comes
    in again.

    Raises InvalidFields, NotAllowed for who has no merchant, WrongState for one too many, Conflict for a phone that is
    somebody's, TooManyRequests.
    """
    if actor.merchant_id is None:
        raise errors.NotAllowed(_("Only a merchant's own people add cashiers by telephone."))
    admit_mail(service, actor)
    await own_people.check_new(tx, actor, _HELD)
    if counter_id is not None:
        await own_people.check_counter(tx, _HELD, actor.merchant_id, counter_id)
    taken = errors.Conflict(_("Someone with this phone number exists."))
    digest = phone.digest(service.vault)
    known = await tx.fetchrow(_KNOWN, digest)
    if known is not None:
        if (known["merchant_id"], known["roles"], known["enabled"]) == (actor.merchant_id, _HELD, False):
            change = Change(name=name, enabled=True, counter_id=counter_id)
            return await change_user(tx, service, actor, known["id"], None, change)
        evidence.note(service, SecurityEvent.NOT_ALLOWED, actor=actor, code="phone_taken")
        raise taken
    user = AppUser(
        dfsp_id=actor.dfsp_id,
        merchant_id=actor.merchant_id,
        counter_id=counter_id,
        name=checked_name(name),
        roles=list(_HELD),
        password_hash=CODES_HASH,
    )
    user.phone_sealed = service.vault.seal(str(phone).encode(), PHONE.format(id=user.id))
    user.phone_digest = digest
    tx.session.add(user)
    await flush_unique(tx, taken.detail)
    detail: dict[str, Any] = {"roles": user.roles} | ({"counter_id": str(counter_id)} if counter_id else {})
    await audit.record(tx, actor, "user.created", "user", user.id, dfsp_id=actor.dfsp_id, **detail)
    return user
