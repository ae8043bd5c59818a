"""What a case still needs: stored rows brought to kyb.requirements, for the API, pages and webhooks alike."""

from datetime import date
from uuid import UUID

import msgspec

import kyb
from merchant.compliance.cases import answers, sealed_fields, verifications
from merchant.compliance.cases.merchant_cases import answers_in_force
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.obstacles import obstacles, unanswered
from merchant.compliance.cases.policy import local_now, policy_of_case
from merchant.compliance.cases.queries import FALSE_POSITIVE, HitStanding, hit_decisions
from merchant.compliance.policies.in_force import policies, today
from merchant.core import errors
from merchant.core.access import Actor
from merchant.core.db import Reads
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.vault import Vault
from merchant.registry.merchants.models import Merchant
from merchant.registry.merchants.queries import merchant as read_merchant

ONBOARDING = "onboarding"


async def needs_of(
    tx: Reads,
    service: Service,
    actor: Actor,
    application: Application,
    target_tier: str | None = None,
    decisions: dict[str, HitStanding] | None = None,
) -> kyb.Requirements:
    """What a case needs for a tier, for its own target or the lowest when None, and what would be refused in `errors`.

    Raises InvalidFields for a tier that is not open to its kind of business.
    """
    if decisions is None:
        decisions = await hit_decisions(tx, application)
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    merchant = None
    if application.merchant_id is not None and application.kind != ONBOARDING:
        merchant = await _served_merchant(tx, actor, application.merchant_id)
    case = await verifications.case_of(
        tx, service, application, sections, merchant, screening=adjudicated(service.vault, application, decisions)
    )
    policy = await policy_of_case(service, application)
    _check_tier(policy, sections.business.kind, target_tier)
    target, coming = target_tier or application.target_tier, await _coming(service, application.dfsp_id)
    needs = kyb.requirements(case, policy, target, await local_now(service), coming)
    known = {one.path for one in needs.currently_due}
    due = tuple(one for one in unanswered(application, sections) if one.path not in known)
    refused = await obstacles(service, application, sections, policy)
    if not due and not refused:
        return needs
    return msgspec.structs.replace(needs, currently_due=(*needs.currently_due, *due), errors=(*needs.errors, *refused))


async def _served_merchant(tx: Reads, actor: Actor, merchant_id: UUID) -> Merchant | None:
    """The merchant of a case; None once another DFSP serves it, where the case itself stays to be read."""
    try:
        return await read_merchant(tx, actor, merchant_id)
    except errors.NotFound:
        return None


async def needs_of_merchant(
    tx: Reads, service: Service, actor: Actor, merchant_id: UUID, target_tier: str | None = None
) -> kyb.Requirements:
    """What a merchant needs to keep its tier, or to reach another. Raises NotFound, InvalidFields for one not open."""
    merchant = await read_merchant(tx, actor, merchant_id)
    case = await merchant_case(tx, service, merchant)
    known, day = await policies(service), await today(service)
    policy, coming = known.in_force(merchant.dfsp_id, day), known.coming(merchant.dfsp_id, day)
    _check_tier(policy, case.sections.business.kind, target_tier)
    return kyb.requirements(case, policy, target_tier, await local_now(service), coming)


def _check_tier(policy: kyb.Policy, kind: str | None, wanted: str | None) -> None:
    """Refuse a tier that there is not, or not for this kind of business; while that is not known, any tier will do."""
    open_tiers = [tier.name for tier in (policy.ladder(kind) if kind else policy.tiers)]
    if wanted is not None and wanted not in open_tiers:
        known = ", ".join(open_tiers) or "-"
        raise errors.invalid_field("tier", "not_allowed", _("Must be one of: {choices}.", choices=known))


async def merchant_case(tx: Reads, service: Service, merchant: Merchant) -> kyb.Case:
    """A live merchant as kyb judges it: the answers in force, and everything that was verified of it."""
    sections = await answers_in_force(tx, service.vault, merchant)
    rows = await verifications.verifications(tx, merchant.case_id or merchant.application_id, merchant.id)
    screening = "review" if merchant.listed else "clear"
    zone = await service.time_zone()
    return verifications.judged_case(
        service.vault, sections, rows, merchant, zone, risk=merchant.risk, screening=screening
    )


def adjudicated(vault: Vault, application: Application, decisions: dict[str, HitStanding]) -> str | None:
    """What the screening of the present version came to, with what people decided on its hits; None before it ran."""
    report = sealed_fields.report_of(vault, application)
    if report is None:
        return None
    if report["screening"] != "review":
        return str(report["screening"])
    open_hits = [hit["id"] for hit in report["hits"] if not hit["hit"]["set_aside"]]
    released = all(
        hit_id in decisions and decisions[hit_id].decision == FALSE_POSITIVE and not decisions[hit_id].proposed
        for hit_id in open_hits
    )
    return "clear" if released else "review"


async def _coming(service: Service, dfsp_id: UUID) -> list[tuple[date, kyb.Policy]]:
    return (await policies(service)).coming(dfsp_id, await today(service))
