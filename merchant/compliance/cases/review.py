"""Review an application: a checker claims it, decides on hits, then approves, rejects or returns the version.

Comes after apply.py and assess.py; four_eyes.py keeps the version's makers out. An approval names the hash of the
version that the checker read, and makes merchant, counters and numbers in one transaction: the numbers exist when it
answers.
"""

from datetime import timedelta
from uuid import UUID

import msgspec

import kyb
from merchant.compliance.cases import answers, indexing, problems, sealed_fields
from merchant.compliance.cases.assess import assess, hit_entry
from merchant.compliance.cases.four_eyes import lock_for_decision
from merchant.compliance.cases.models import Application, Decision, ScreeningDecision
from merchant.compliance.cases.queries import TRUE_MATCH, hit_decisions, last_hit_decision
from merchant.compliance.cases.states import ApplicationState, Capability, move_application
from merchant.core import audit, clock, errors
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.phone import Msisdn, mask
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.vault import Vault
from merchant.notify import events
from merchant.registry.merchants.lifecycle import open_counter
from merchant.registry.merchants.models import LOCATION_DETAILS, Counter, Location, Merchant

CLAIM_LASTS = timedelta(minutes=30)  # a courtesy lock must not outlive a lunch break
FALSE_POSITIVE = "false_positive"
NOT_CHECKED = "not_checked"


class Approved(msgspec.Struct, frozen=True):
    """What an approval made."""

    merchant: Merchant
    counters: list[Counter]


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
    await assess(tx, service, actor, application, "application.screened_again")
    application.revision += 1
    return application


async def decide_hit(
    tx: Tx, actor: Actor, application_id: UUID, hit_id: str, decision: str, reason: str
) -> Application:
    """Record a checker's decision on one hit.

    Taking back a true match, also one of an earlier version, takes two: it stands until a second checker says the same
    as the first. Raises NotFound, CheckerIsMaker, NotAllowed, WrongState.
    """
    application = await lock_for_decision(tx, actor, application_id, capability=Capability.DECIDE_HIT)
    report = sealed_fields.report_of(tx.vault, application) or {}
    entries = {hit["id"]: hit_entry(hit) for hit in report.get("hits", ())}
    if hit_id not in entries:
        raise errors.NotFound(_("The screening of this version has no such hit."))
    decided = ScreeningDecision(
        application_id=application.id,
        version=application.version,
        hit_id=hit_id,
        dfsp_id=application.dfsp_id,
        decision=decision,
        decided_by=actor.id,
        entry=entries[hit_id],
    )
    before = await last_hit_decision(tx, application, hit_id, entries[hit_id])
    proposed = False
    if decision == FALSE_POSITIVE and before is not None and before.decision == TRUE_MATCH:
        proposed = _propose_release(tx.vault, decided, before, reason)
    else:
        sealed_fields.write_hit_reason(tx.vault, decided, reason)
    await tx.session.merge(decided)
    application.revision += 1
    await audit.record(
        tx,
        actor,
        "application.hit_release_proposed" if proposed else "application.hit_decided",
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        version=application.version,
        hit=hit_id,
        decision=decision,
    )
    return application


def _propose_release(vault: Vault, decided: ScreeningDecision, before: ScreeningDecision, reason: str) -> bool:
    """Let a true match stand when the decision that takes it back is the first of two; whether it is."""
    first = before.release_proposed_by if before.version == decided.version else None
    if first not in (None, decided.decided_by):
        sealed_fields.write_hit_reason(vault, decided, reason)
        decided.release_proposed_by, decided.release_reason_sealed = first, before.release_reason_sealed
        return False
    sealed_fields.write_release_reason(vault, decided, reason)
    sealed_fields.write_hit_reason(vault, decided, sealed_fields.hit_reason_of(vault, before))
    decided.release_proposed_by = decided.decided_by
    decided.decision, decided.decided_by, decided.decided_at = before.decision, before.decided_by, before.decided_at
    return True


async def approve(tx: Tx, service: Service, actor: Actor, application_id: UUID, version_hash: str) -> Approved:
    """Make the merchant.

    Raises what lock_for_decision does, StaleVersion when the hash is not that of the version under review,
    ScreeningNotChecked, ScreeningHitsOpen, NoTier, AliasTaken, NumbersExhausted.
    """
    application = await lock_for_decision(tx, actor, application_id)
    if application.version_hash != version_hash:
        raise errors.StaleVersion(_("The application changed since you read it; read and check it again."))
    tier = await _cleared_tier(tx, application)
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    scheme = await service.scheme()
    merchant = _new_merchant(service, application, sections, tier)
    tx.session.add(merchant)
    await tx.flush()
    counters = []
    for place in sections.locations:
        location = _new_location(service, merchant, place)
        tx.session.add(location)
        await tx.flush()
        # A place that names no counter has one all the same: someone takes the money.
        for point in place.counters or (kyb.Counter(),):
            counter = await open_counter(
                tx, scheme, merchant, location.id, point.name or location.name, point.own_alias
            )
            counters.append(counter)
    application.merchant_id = merchant.id
    await _decide(tx, actor, application, ApplicationState.APPROVED, None)
    await indexing.index_approved(tx, service, application, merchant, sections)
    return Approved(merchant, counters)


async def reject(tx: Tx, actor: Actor, application_id: UUID, reason: str) -> Application:
    """Refuse for good, with a reason."""
    application = await lock_for_decision(tx, actor, application_id)
    sealed_fields.write_reject_reason(tx.vault, application, reason)
    await _decide(tx, actor, application, ApplicationState.REJECTED, reason)
    return application


async def return_for_changes(tx: Tx, actor: Actor, application_id: UUID, items: list[dict[str, str]]) -> Application:
    """Give it back to the makers, saying what is wrong where (`path`, `reason`)."""
    application = await lock_for_decision(tx, actor, application_id)
    sealed_fields.write_returned_items(tx.vault, application, items)
    await _decide(tx, actor, application, ApplicationState.RETURNED, "; ".join(item["reason"] for item in items))
    return application


async def _cleared_tier(tx: Tx, application: Application) -> str:
    report = sealed_fields.report_of(tx.vault, application) or {}
    if report.get("screening") == NOT_CHECKED:
        raise problems.ScreeningNotChecked
    decisions = await hit_decisions(tx, application)
    verdicts = [decisions.get(hit["id"]) for hit in report.get("hits", ()) if not hit["hit"]["set_aside"]]
    if any(verdict is None or verdict.decision != FALSE_POSITIVE for verdict in verdicts):
        raise problems.ScreeningHitsOpen
    tier = report.get("tier")
    if tier is None:
        raise problems.NoTier
    return str(tier)


def _new_merchant(service: Service, application: Application, sections: kyb.Sections, tier: str) -> Merchant:
    business, place = sections.business, sections.locations[0]
    given = answers.merchant_phone(sections)
    phone = Msisdn.of(given) if given else None
    merchant = Merchant(
        dfsp_id=application.dfsp_id,
        application_id=application.id,
        tier=tier,
        kind=business.kind or "",
        trading_name=business.trading_name or "",
        legal_name=business.legal_name or business.trading_name or "",
        ussd_name=business.ussd_name or "",
        mcc=business.mcc or "",
        currencies=list(business.currencies),
        country=place.country or "",
        city=place.city or "",
        phone_digest=phone.digest(service.vault) if phone else None,
    )
    if phone:
        merchant.phone_masked = mask(str(phone))
        merchant.phone_sealed = service.vault.seal(str(phone).encode(), f"merchant:{merchant.id}")
    return merchant


def _new_location(service: Service, merchant: Merchant, place: kyb.Location) -> Location:
    location = Location(
        dfsp_id=merchant.dfsp_id,
        merchant_id=merchant.id,
        name=place.name or place.city or merchant.trading_name,
        kind=place.kind or "physical",
        country=place.country or merchant.country,
        city=place.city or "",
        details={},
    )
    details = msgspec.json.encode(msgspec.structs.replace(place, counters=()))
    location.details_sealed = service.vault.seal(details, LOCATION_DETAILS.format(id=location.id))
    return location


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
