"""Look the LEI of a live merchant up anew: it is renewed every year, and lapses where it is not.

clockwork.py calls this on the days on which it looks at a merchant anyway, those before something runs out among them.
Only our copy is read: an operator who loads a newer one spares its DFSPs the evidence, and nobody is told who is there.
"""

from datetime import timedelta
from typing import Any, Final

from sqlmodel import select

from merchant.compliance.cases import lei
from merchant.compliance.cases.merchant_cases import answers_in_force
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.policy import policy_of_case
from merchant.core import clock
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.registry.merchants.models import Merchant

# What the register still says is noted anew, so that it counts for the policy's whole span from then on.
NOTED_AGAIN_AFTER: Final = timedelta(days=30)


async def look_again(tx: Tx, service: Service, merchant: Merchant) -> None:
    """Note what our copy says by now of an LEI that was looked up before; an old copy's silence is no news."""
    table: Any = Application
    case_id = merchant.case_id or merchant.application_id
    case: Application = await tx.one(select(table).where(table.id == case_id))
    sections = await answers_in_force(tx, service.vault, merchant)
    if sections.business.lei is None:
        return
    known = await lei.looked_up(tx, case, sections)
    if not known:
        return
    found = await lei.in_copy(service, sections)
    if found.verdict is None or found.verdict.code in lei.OLD_COPY:
        return
    is_old = clock.now() - known[-1].at >= NOTED_AGAIN_AFTER
    policy_version = (await policy_of_case(service, case)).policy_version
    await lei.note(tx, case, sections, found, policy_version, is_due_again=is_old)
