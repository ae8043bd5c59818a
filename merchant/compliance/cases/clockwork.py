"""What time does to merchants: provisional tiers lapse, verifications run out, reviews fall overdue.

A daily timer looks at those whose `check_on` has come, and no others. It stops what has to stop and gives notice of
what will; it never takes money back, and an approved case brings a merchant back without asking again for what stands.
"""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlmodel import select

import kyb
from merchant.compliance.cases import lei_renewals
from merchant.compliance.cases.policy import local_now
from merchant.compliance.cases.projection import merchant_case
from merchant.compliance.policies.in_force import policies
from merchant.core import audit, clock
from merchant.core.access import SERVICE
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.notify import events
from merchant.registry.merchants import lifecycle
from merchant.registry.merchants.models import Merchant
from merchant.registry.merchants.states import LIVE_STATES, MerchantState, may_become

CHECK_EVERY_S = 3600.0
NOTICE_DAYS = (30, 7, 1)  # before something falls due, its DFSP is told
# Of a review that nobody has made: first no new counters, then no payments.
OVERDUE_RESTRICTS = timedelta(days=30)
OVERDUE_SUSPENDS = timedelta(days=90)
_BATCH = 50
_DUE = f"""
SELECT id FROM merchant WHERE check_on <= $1 AND state IN {LIVE_STATES}
ORDER BY check_on LIMIT $2 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - constants
PAST_DUE = "requirements.past_due"
_LAPSES = frozenset({"expired", "lapsed"})  # what ran out, for which the policy gives a grace
OVERDUE = "review_overdue"


class Verdict(Struct, frozen=True):
    """What a day asks for of one merchant: a state to move to and why, a tier to fall to, a notice, the next day."""

    move_to: MerchantState | None = None
    stopped_for: str | None = None
    tier: str | None = None
    notice: bool = False
    check_on: date | None = None


def judge(merchant: Merchant, needs: kyb.Requirements, grace_days: int, today: date) -> Verdict:
    """What today asks for of a merchant that needs this."""
    past = [one.due_on for one in needs.past_due if one.due_on is not None]
    ends = min((day + timedelta(days=grace_days) for day in past), default=None)
    provisional = any(one.code not in _LAPSES for one in needs.past_due)
    overdue = merchant.next_review_on
    later = _days_to_look(needs, overdue, ends, today)
    if needs.past_due and provisional:
        return Verdict(MerchantState.SUSPENDED, PAST_DUE, check_on=later)
    if ends is not None and ends <= today:
        if needs.tier_reachable is None:
            return Verdict(MerchantState.SUSPENDED, PAST_DUE, check_on=later)
        return Verdict(tier=needs.tier_reachable, check_on=later)
    if overdue is not None and overdue + OVERDUE_SUSPENDS <= today:
        return Verdict(MerchantState.SUSPENDED, OVERDUE, check_on=later)
    restrictable = may_become(merchant.state, MerchantState.RESTRICTED)
    if overdue is not None and overdue + OVERDUE_RESTRICTS <= today and restrictable:
        return Verdict(MerchantState.RESTRICTED, OVERDUE, check_on=later)
    due = [*(one.due_on for one in (*needs.currently_due, *needs.eventually_due) if one.due_on), *past]
    due += [overdue] if overdue is not None else []
    notice = any(day - timedelta(days=days) == today for day in due for days in NOTICE_DAYS) or today in due
    return Verdict(notice=notice, check_on=later)


def _days_to_look(needs: kyb.Requirements, overdue: date | None, grace_ends: date | None, today: date) -> date | None:
    """The next day on which something changes."""
    days: list[date] = []
    for one in (*needs.currently_due, *needs.eventually_due, *needs.past_due):
        if one.due_on is not None:
            days += [one.due_on, *(one.due_on - timedelta(days=before) for before in NOTICE_DAYS)]
    if needs.next_lapse_on is not None:
        days += [needs.next_lapse_on - timedelta(days=before) for before in NOTICE_DAYS]
    if overdue is not None:
        days += [overdue, overdue + OVERDUE_RESTRICTS, overdue + OVERDUE_SUSPENDS]
        days += [overdue - timedelta(days=before) for before in NOTICE_DAYS]
    if grace_ends is not None:
        days.append(grace_ends)
    return min((day for day in days if day > today), default=None)


async def check_all(service: Service) -> None:
    """Look at every merchant whose day has come, some at a time."""
    count = _BATCH
    while count == _BATCH:
        async with service.db.system() as tx:
            today = (await local_now(service)).date()
            rows = await tx.fetch(_DUE, today, _BATCH)
            count = len(rows)
            for row in rows:
                await check_merchant(tx, service, row["id"])


async def check_merchant(tx: Tx, service: Service, merchant_id: UUID) -> None:
    """Do what today asks for of one merchant, and note when to look again."""
    table: Any = Merchant
    merchant: Merchant = await tx.one(select(table).where(table.id == merchant_id))
    now = await local_now(service)
    # Of a release that knew no terms: its term begins now.
    merchant.tier_since = merchant.tier_since or clock.now()
    policy = (await policies(service)).in_force(merchant.dfsp_id, now.date())
    await lei_renewals.look_again(tx, service, merchant)
    case = await merchant_case(tx, service, merchant)
    needs = kyb.requirements(case, policy, None, now)
    verdict = judge(merchant, needs, kyb.span(policy.text.grace).about_days, now.date())
    merchant.check_on = verdict.check_on
    if verdict.tier is not None and verdict.tier != merchant.tier:
        await audit.record(
            tx,
            SERVICE,
            "merchant.downgraded",
            "merchant",
            merchant.id,
            dfsp_id=merchant.dfsp_id,
            before=merchant.tier,
            after=verdict.tier,
        )
        merchant.tier, merchant.tier_since = verdict.tier, clock.now()
    if verdict.move_to is not None and may_become(merchant.state, verdict.move_to):
        why = verdict.stopped_for or PAST_DUE
        await lifecycle.move(tx, SERVICE, merchant, verdict.move_to, why, stopped_for=why)
    elif verdict.notice or verdict.tier is not None:
        await events.announce(
            tx,
            "merchant.requirements_due",
            merchant.dfsp_id,
            merchant.id,
            {"merchant_id": merchant.id, "state": merchant.state},
        )
    await tx.flush()
