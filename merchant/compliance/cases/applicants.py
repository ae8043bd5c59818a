"""Whoever registered themselves, as a decision on their application finds them: people/registration has the rest."""

from typing import Any
from uuid import UUID

from msgspec import Struct

from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.models import Application
from merchant.core import audit, outbox
from merchant.core.access import Actor, Role
from merchant.core.db import Tx
from merchant.registry.merchants.models import Merchant

OWNER_TOPIC = "people.made_owner"  # worked off by people: tells them their number
_MAKE_OWNER = """
UPDATE app_user SET roles = ARRAY[$3], merchant_id = $4, version = version + 1
WHERE id = $1 AND dfsp_id = $2 AND roles = ARRAY[$5] AND merchant_id IS NULL
"""


class MadeOwner(Struct, frozen=True):
    """The payload of the job that tells them."""

    user_id: UUID
    merchant_id: UUID


async def make_owner(tx: Tx, actor: Actor, application: Application, merchant: Merchant) -> None:
    """Let the applicant manage the merchant that an approval just made, and have them told; nothing for other cases."""
    if application.kind != CaseKind.ONBOARDING or application.applicant_id is None:
        return
    user_id, before, after = application.applicant_id, Role.MERCHANT_APPLICANT.value, Role.MERCHANT_OWNER.value
    if not await tx.execute(_MAKE_OWNER, user_id, application.dfsp_id, after, merchant.id, before):
        return
    change: dict[str, Any] = {"before": [before], "after": [after]}
    await audit.record(tx, actor, "user.roles_changed", "user", user_id, dfsp_id=application.dfsp_id, **change)
    await outbox.add(tx, OWNER_TOPIC, MadeOwner(user_id, merchant.id), dfsp_id=application.dfsp_id)


def give_back(application: Application) -> None:
    """Let the applicant write what a checker returned: they hand it in once more, unless staff mend it first."""
    if application.kind == CaseKind.ONBOARDING:
        application.handed_in_at = None
