"""Until when a case is kept: its clock begins when it ends, an approved one's when its merchant closes or is blocked.

The days are kyb's (kyb/policy/retention.py), lengthened by the policy in force for the DFSP. A legal hold on any case
of a merchant stops the clock of all of them.
"""

from datetime import datetime, timedelta
from uuid import UUID

from msgspec import Struct

import kyb
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.rights import problems
from merchant.compliance.cases.states import end_of, made_a_merchant
from merchant.compliance.policies.in_force import policy_of
from merchant.core import clock, errors
from merchant.core.db import Reads
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.registry.merchants.states import LIVE_STATES

SELFIE = "selfie"  # the clock of pictures of faces
# A merchant may move to another DFSP; whichever chain tells of its end. One that was let go again has not ended.
ENDED = "('merchant.closed', 'merchant.blocked')"
CLOSED_AT = f"""
SELECT max(at) FROM audit_entry
WHERE subject_id = $1::uuid::text AND action IN {ENDED}
  AND dfsp_id = (SELECT dfsp_id FROM merchant WHERE id = $1 AND state NOT IN {LIVE_STATES})
"""  # noqa: S608 - constants
_HELD = """
SELECT true FROM legal_hold h JOIN application held ON held.id = h.application_id
WHERE h.lifted_at IS NULL AND (held.id = $1 OR held.merchant_id = $2) LIMIT 1
"""


class Clock(Struct, frozen=True):
    """How long a case is kept. Neither time is known while the case is open or its merchant is not closed."""

    name: str | None = None
    days: int | None = None
    ends_at: datetime | None = None
    held: bool = False


async def days_of(service: Service, dfsp_id: UUID) -> dict[str, int]:
    """Days by clock, of the policy that a DFSP is held to today."""
    return kyb.kept_days((await policy_of(service, dfsp_id)).text.retention_days)


async def clock_of(tx: Reads, service: Service, application: Application) -> Clock:
    """The clock of a case."""
    held = bool(await tx.fetchval(_HELD, application.id, application.merchant_id))
    name = end_of(application.state)
    if name is None:
        return Clock(held=held)
    days = (await days_of(service, application.dfsp_id))[name]
    begins_at: datetime | None = application.updated_at
    if made_a_merchant(name) and application.merchant_id is not None:
        begins_at = await tx.fetchval(CLOSED_AT, application.merchant_id)
    return Clock(name, days, None if begins_at is None else begins_at + timedelta(days=days), held)


def refusal_of(found: Clock) -> errors.MerchantError | None:
    """Why a case may not be erased now; None when it may."""
    if found.held:
        return problems.LegalHoldStands()
    if found.ends_at is None:
        return problems.RelationshipNotEnded()
    if found.ends_at > clock.now():
        return problems.RetentionNotEnded(_("It has to be kept until {day}.", day=found.ends_at.date().isoformat()))
    return None
