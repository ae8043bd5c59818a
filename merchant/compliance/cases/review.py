"""Review an application: a checker claims it, decides on hits, then approves, rejects or returns the version.

Comes after apply.py and assess.py; four_eyes.py keeps the version's makers out. An approval names the hash of the
version that the checker read, and makes merchant, counters and numbers in one transaction: the numbers exist when it
answers.
"""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

import kyb
from merchant.compliance.cases import (
    answers,
    applicants,
    doubts,
    effects,
    indexing,
    lei,
    problems,
    returned,
    risk,
    sealed_fields,
)
from merchant.compliance.cases.assess import assess
from merchant.compliance.cases.four_eyes import lock_for_decision
from merchant.compliance.cases.kinds import LESSENS_RISK, CaseKind
from merchant.compliance.cases.models import Application, Decision
from merchant.compliance.cases.policy import local_now, policy_of_case
from merchant.compliance.cases.projection import adjudicated
from merchant.compliance.cases.queries import (
    HitStanding,
    hit_decisions,
)
from merchant.compliance.cases.risk_facts import approved_case, hits_of
from merchant.compliance.cases.states import ApplicationState, Capability, move_application
from merchant.compliance.cases.verifications import case_of, record
from merchant.compliance.policies.capabilities import check_capability
from merchant.core import audit, clock, errors, outbox
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.vault import Vault
from merchant.notify import events
from merchant.registry.merchants.models import Counter, Merchant
from merchant.registry.merchants.queries import lock_merchant

CLAIM_LASTS = timedelta(minutes=30)  # a courtesy lock must not outlive a lunch break
NOT_CHECKED = "not_checked"
APPROVED_TOPIC = "compliance.approved"  # what follows an approval: links between merchants of one owner
_GIVE_TO_MERCHANT = (
    "UPDATE verification SET merchant_id = $2 WHERE application_id = $1 AND merchant_id IS NULL",
    "UPDATE risk_override SET merchant_id = $2 WHERE application_id = $1 AND merchant_id IS NULL",
)


class Approved(msgspec.Struct, frozen=True):
    """What an approval made; a merchant and counters once there are as many as are needed."""

    merchant: Merchant | None
    counters: list[Counter]
    tier: str
    approvals: int
    needed: int


async def claim(tx: Tx, actor: Actor, application_id: UUID) -> Application:
    """Tell the other checkers that one works on it. Raises Claimed while someone else's claim holds."""
    application = await lock_for_decision(tx, actor, application_id)
    now = clock.now()
    held = application.claimed_by not in (None, actor.id) and (application.claimed_until or now) > now
    if held:
        raise problems.Claimed
    application.claimed_by, application.claimed_until = actor.id, now + CLAIM_LASTS
    application.revision += 1
    return application


async def release(tx: Tx, actor: Actor, application_id: UUID) -> Application:
    """Give a claim back. Raises NotClaimed, also when it lapsed and another took it."""
    application = await lock_for_decision(tx, actor, application_id)
    if application.claimed_by != actor.id:
        raise problems.NotClaimed
    application.claimed_by = application.claimed_until = None
    application.revision += 1
    return application


async def screen_again(tx: Tx, service: Service, actor: Actor, application_id: UUID) -> Application:
    """Screen a version under review once more, for example after a missing list was put in place.

    Raises NotFound, CheckerIsMaker, NotAllowed, WrongState.
    """
    application = await lock_for_decision(tx, actor, application_id, capability=Capability.SCREEN_AGAIN)
    await lei.look_up(tx, service, application, is_submitted=False)
    await assess(tx, service, actor, application, "application.screened_again")
    application.revision += 1
    return application


async def approve(
    tx: Tx, service: Service, actor: Actor, application_id: UUID, version_hash: str, reason: str | None = None
) -> Approved:
    """Approve a version; the last approval that the policy asks for carries the case out.

    By approving, the checker also verifies what the policy lets a checker vouch for. Raises what lock_for_decision
    does, StaleVersion when the hash is not that of the version under review, ApprovedAlready, ScreeningNotChecked,
    ScreeningHitsOpen, RiskUnacceptable, NoTier, CapabilityMissing, and what effects.carry_out does.
    """
    application = await lock_for_decision(tx, actor, application_id)
    if application.version_hash != version_hash:
        raise errors.StaleVersion(_("The application changed since you read it; read and check it again."))
    if actor.id in application.approvals:
        raise problems.ApprovedAlready
    strictest = doubts.worst((sealed_fields.report_of(tx.vault, application) or {}).get("doubts", []))
    if strictest == "refuse":
        raise problems.DoubtRefused
    if strictest == "review" and not (reason or "").strip():
        raise problems.DoubtNeedsReason
    merchant = None
    if application.merchant_id is not None:
        merchant = await lock_merchant(tx, actor, application.merchant_id)
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    policy = await policy_of_case(service, application)
    now = await local_now(service)
    decisions = await hit_decisions(tx, application)
    screening = _cleared_screening(tx.vault, application, decisions)
    case = await case_of(tx, service, application, sections, merchant, screening=screening)
    hits = hits_of(sealed_fields.report_of(tx.vault, application) or {}, decisions)
    judged = await risk.judge(tx, service, application, case, hits, merchant)
    await risk.set_band(tx, actor, application, judged)
    if judged.band == risk.UNACCEPTABLE and application.kind not in LESSENS_RISK:
        raise problems.RiskUnacceptable
    case = msgspec.structs.replace(case, risk=judged.band)
    tier = _cleared_tier(tx.vault, application, case, policy, merchant, now)
    if any(place.id is None for place in sections.locations[1:]):
        check_capability(policy, tier, "sub_locations")
    needed = policy.tier(tier).approvals_for(judged.band)
    application.approvals = [*application.approvals, actor.id]
    if len(application.approvals) < needed:
        await _note_approval(tx, actor, application)
        return Approved(merchant, [], tier, len(application.approvals), needed)
    vouched = kyb.confirmable(case, policy, tier, now)
    for attribute, subject in vouched:
        await record(
            tx,
            actor,
            application,
            sections,
            attribute,
            subject,
            outcome="verified",
            method="checker",
            policy_version=policy.policy_version,
        )
    # The merchant begins with what the checker vouched for.
    judged = await risk.judge(tx, service, application, approved_case(case, vouched, now), hits, merchant)
    await risk.set_band(tx, actor, application, judged)
    work = effects.Work(service, await service.scheme(), actor, application, sections, tier, policy)
    made, counters = await effects.carry_out(tx, work, merchant)
    if made is not None:
        application.merchant_id = made.id
        await risk.set_band(tx, actor, made, judged)
        await tx.flush()
        for statement in _GIVE_TO_MERCHANT:
            await tx.execute(statement, application.id, made.id)
    elif application.moves_merchant_id is not None:
        application.target_tier = tier
    await _decide(tx, actor, application, ApplicationState.APPROVED, reason)
    if made is not None:
        await indexing.index_approved(tx, service, application, made, sections)
        await applicants.make_owner(tx, actor, application, made)
    await outbox.add(tx, APPROVED_TOPIC, {"application_id": application.id}, dfsp_id=application.dfsp_id)
    return Approved(made, counters, tier, len(application.approvals), needed)


async def reject(tx: Tx, actor: Actor, application_id: UUID, reason: str) -> Application:
    """Refuse for good, with a reason."""
    application = await lock_for_decision(tx, actor, application_id)
    sealed_fields.write_reject_reason(tx.vault, application, reason)
    await _decide(tx, actor, application, ApplicationState.REJECTED, reason)
    return application


async def return_for_changes(tx: Tx, actor: Actor, application_id: UUID, items: list[dict[str, str]]) -> Application:
    """Give it back to the makers, saying what is wrong where (`path`, `reason`).

    Raises what lock_for_decision does, and InvalidFields for a place that the answers do not have.
    """
    application = await lock_for_decision(tx, actor, application_id)
    sealed_fields.write_returned_items(tx.vault, application, returned.returned_items(tx.vault, application, items))
    applicants.give_back(application)
    await _decide(tx, actor, application, ApplicationState.RETURNED, "; ".join(item["reason"] for item in items))
    return application


def _cleared_screening(vault: Vault, application: Application, decisions: dict[str, HitStanding]) -> str:
    """That the screening found nothing, or nothing that people let stand. Raises what says otherwise."""
    found = adjudicated(vault, application, decisions)
    if found in (None, NOT_CHECKED):
        raise problems.ScreeningNotChecked
    if found != "clear":
        raise problems.ScreeningHitsOpen
    return "clear"


def _cleared_tier(
    vault: Vault,
    application: Application,
    case: kyb.Case,
    policy: kyb.Policy,
    merchant: Merchant | None,
    now: datetime,
) -> str:
    """The tier that an approval gives: the case's target, the merchant's own, or the highest that is reached.

    Raises NoTier when it is not reached, TierLost when a merchant would no longer hold its own.
    """
    report = sealed_fields.report_of(vault, application) or {}
    if application.kind in (CaseKind.CLOSURE, CaseKind.REINSTATEMENT) and merchant is not None:
        return merchant.tier
    wanted = application.target_tier or (merchant.tier if merchant is not None else None)
    reached = kyb.requirements(case, policy, wanted, now).tier_reachable
    if report.get("tier") is None or reached is None:
        raise problems.NoTier
    if wanted is None:
        return reached
    if policy.rank(reached) < policy.rank(wanted):
        raise problems.NoTier if application.target_tier else problems.TierLost
    return wanted


async def _note_approval(tx: Tx, actor: Actor, application: Application) -> None:
    """Keep the first of several approvals; the case stays under review."""
    application.revision += 1
    application.claimed_by = application.claimed_until = None
    await audit.record(
        tx,
        actor,
        "application.approval_noted",
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        version=application.version,
        version_hash=application.version_hash,
    )


_EVENTS = {
    ApplicationState.APPROVED: "application.approved",
    ApplicationState.REJECTED: "application.rejected",
    ApplicationState.RETURNED: "application.returned",
}


async def _decide(
    tx: Tx, actor: Actor, application: Application, outcome: ApplicationState, reason: str | None
) -> None:
    move_application(application, outcome)
    application.checker_id = actor.id
    application.claimed_by = application.claimed_until = None
    decision = Decision(
        dfsp_id=application.dfsp_id,
        application_id=application.id,
        version=application.version,
        version_hash=application.version_hash,
        kind=outcome,
        checker_id=actor.id,
    )
    sealed_fields.write_decision_reason(tx.vault, decision, reason)
    tx.session.add(decision)
    await audit.record(
        tx,
        actor,
        _EVENTS[outcome],
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        version=application.version,
        version_hash=application.version_hash,
    )
    await events.announce(
        tx,
        _EVENTS[outcome],
        application.dfsp_id,
        application.merchant_id,
        {"application_id": application.id, "merchant_id": application.merchant_id, "version": application.version},
    )
