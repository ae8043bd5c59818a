"""The cashiers of a shop by telephone: who they are, adding one, shutting one out; the rules are people/'s."""

from collections.abc import Sequence
from uuid import UUID

import ussd
from merchant.channels.ussd.own_shops import OwnPlace
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.access import Role
from merchant.core.db import Tx
from merchant.core.phone import Msisdn, mask
from merchant.core.service import Service
from merchant.people.cashiers import add_cashier
from merchant.people.models import PHONE
from merchant.people.users import Change, change_user
from ussd.trade import ActOutcome

LISTED_MAX = 50
_CASHIERS = """
SELECT u.id, u.name, u.phone_sealed, c.name AS counter
FROM app_user u LEFT JOIN counter c ON c.id = u.counter_id
WHERE u.dfsp_id = $1 AND u.merchant_id = $2 AND u.enabled AND u.roles = $3::text[] AND u.proposed_by IS NULL
ORDER BY lower(u.name), u.id LIMIT $4
"""


async def cashiers(tx: Tx, service: Service, place: OwnPlace) -> list[ussd.CashierLine]:
    """The shop's cashiers, by name."""
    rows = await tx.fetch(_CASHIERS, place.dfsp_id, place.merchant_id, [Role.MERCHANT_CASHIER.value], LISTED_MAX)
    return [
        ussd.CashierLine(
            person_id=str(row["id"]),
            name=row["name"],
            phone_masked=_masked(service, row["id"], row["phone_sealed"]),
            counter=row["counter"] or "",
        )
        for row in rows
    ]


def _masked(service: Service, person_id: UUID, phone_sealed: bytes | None) -> str:
    if phone_sealed is None:
        return ""
    return mask(service.vault.open(phone_sealed, PHONE.format(id=person_id)).decode())


async def add(tx: Tx, service: Service, place: OwnPlace, new: ussd.NewCashier) -> ActOutcome:
    """Let a phone use the shop's counters, or the one that is named."""
    counter_id = None if new.counter_id is None else UUID(new.counter_id)
    try:
        await add_cashier(tx, service, place.actor, phone=Msisdn.of(new.phone), name=new.name, counter_id=counter_id)
    except errors.Conflict:
        return "known"
    except (errors.WrongState, errors.TooManyRequests):
        return "too_many"
    except (errors.InvalidFields, errors.NotAllowed):
        return "not_yours"
    return "done"


async def shut_out(tx: Tx, service: Service, places: Sequence[OwnPlace], person_id: UUID) -> ActOutcome:
    """Shut a cashier of one of the phone's own shops out."""
    merchant_id = await tx.fetchval("SELECT merchant_id FROM app_user WHERE id = $1", person_id)
    place = next((one for one in places if one.merchant_id == merchant_id), None)
    if place is None or P.OWN_PEOPLE_WRITE not in place.actor.permissions:
        return "not_yours"
    try:
        await change_user(tx, service, place.actor, person_id, None, Change(enabled=False))
    except errors.NotFound:
        return "gone"
    except errors.NotAllowed:
        return "not_yours"
    return "done"
