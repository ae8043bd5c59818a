"""Judge the risk of live merchants once a day: those who took payments since, and those of whom an override ended.

A band that rises opens a review, which people submit and decide as any other; until then the merchant goes on.
"""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import select

import kyb
from merchant.compliance.cases import merchant_cases, risk
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.policy import local_now
from merchant.compliance.cases.projection import merchant_case
from merchant.compliance.cases.states import ApplicationState, Capability, application_may
from merchant.compliance.policies.in_force import policies
from merchant.core.access import SERVICE
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.notify import events
from merchant.registry.merchants.models import Merchant
from merchant.registry.merchants.states import LIVE_STATES

JUDGE_EVERY_S = 3600.0
RISK_ROSE = "risk_rose"  # the trigger of the review
_BATCH = 50
_NOBODY = UUID(int=0)
# By id, so that a later batch looks at none of those that an earlier one passed over.
_DUE = f"""
SELECT m.id FROM merchant m
WHERE m.id > $1 AND m.state IN {LIVE_STATES} AND (m.risk_on IS NULL OR m.risk_on < $2) AND (
  EXISTS (SELECT FROM limit_usage u WHERE u.merchant_id = coalesce(m.limit_group, m.id) AND u.period <= $3
    AND u.period >= to_char(coalesce(m.risk_on, $5), 'YYYY-MM-DD') AND length(u.period) = 10)
  OR EXISTS (SELECT FROM risk_override o WHERE o.merchant_id = m.id AND o.until > coalesce(m.risk_on, o.until - 1)
    AND o.until <= $2))
ORDER BY m.id LIMIT $4 FOR UPDATE OF m SKIP LOCKED
"""  # noqa: S608 - constants
# Somebody still writes or decides it; the index application_open_case lets a merchant have one of a kind.
_OPEN = [
    each
    for each in ApplicationState
    if any(application_may(each, one) for one in (Capability.EDIT, Capability.SCREEN, Capability.DECIDE))
]


class _Done:
    """The day for which this process has looked at everybody."""

    def __init__(self, _service: Service) -> None:
        self.day: date | None = None


async def judge_all(service: Service) -> None:
    """Judge everybody who is due, some at a time; once a day."""
    done, today = service.shared(_Done), (await local_now(service)).date()
    if done.day == today:
        return
    last, count = _NOBODY, _BATCH
    while count == _BATCH:
        async with service.db.system() as tx:
            yesterday = (today - timedelta(days=1)).isoformat()
            rows = await tx.fetch(_DUE, last, today, yesterday, _BATCH, risk.first_observed_day(today))
            count = len(rows)
            for row in rows:
                await judge_merchant(tx, service, row["id"], today)
                last = row["id"]
    done.day = today


async def judge_merchant(tx: Tx, service: Service, merchant_id: UUID, today: date) -> None:
    """Judge a locked merchant; where its band rose, open a review and tell its DFSP that something is due."""
    merchant: Merchant = await tx.one(select(Merchant).where(Merchant.id == merchant_id))
    policy = (await policies(service)).in_force(merchant.dfsp_id, today)
    case = await merchant_case(tx, service, merchant)
    before = merchant.risk
    found = await risk.judge_merchant(tx, service, merchant, case, policy)
    changed = await risk.set_band(tx, SERVICE, merchant, found)
    merchant.risk_on = today
    await tx.flush()
    # A merchant of a release that scored nobody has nothing that its band could have risen above.
    rose = changed and before is not None and kyb.BANDS.index(found.band) > kyb.BANDS.index(before)
    if not rose or await _is_under_review(tx, merchant):
        return
    await merchant_cases.open_case(
        tx, service, SERVICE, merchant.id, merchant_cases.Opened(CaseKind.REVIEW, trigger=RISK_ROSE)
    )
    data = {"merchant_id": merchant.id, "state": merchant.state}
    await events.announce(tx, "merchant.requirements_due", merchant.dfsp_id, merchant.id, data)


async def _is_under_review(tx: Tx, merchant: Merchant) -> bool:
    """Whether a review is open already; the merchant's lock keeps another from being opened meanwhile."""
    table: Any = Application
    known = select(table.id).where(
        table.merchant_id == merchant.id, table.kind == CaseKind.REVIEW, table.state.in_(_OPEN)
    )
    return (await tx.session.exec(known)).first() is not None
