"""Shapes of the applications' JSON API: what comes in, what goes out.

routes.py decodes and answers with them, and the OpenAPI document describes them. The sections of an application are
kyb's own structs, so the policy judges exactly what was sent.
"""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

import kyb
from merchant.compliance.cases import answers, privacy, returned
from merchant.compliance.cases import sealed_fields as fields
from merchant.compliance.cases.doubts import Doubt
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.kyb_sentences import translated
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.queries import HitStanding, Submitted, is_proposed
from merchant.compliance.cases.review import Approved
from merchant.compliance.cases.states import ApplicationState
from merchant.core import masking
from merchant.core.access import Actor
from merchant.core.http import json as web
from merchant.core.http.fields import Instant, ReasonText
from merchant.core.service import Service
from merchant.registry.merchants.schemas import CounterView, counter_view

HitVerdict = Literal["false_positive", "true_match"]
HitState = Literal["decided", "proposed"]
Outcome = Literal["approved", "rejected", "returned"]


class NewApplication(kyb.Sections, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Any sections of an application; may be empty."""


class ChangedSections(Struct, frozen=True, forbid_unknown_fields=True):
    """The sections to replace; what is not named stays."""

    business: kyb.Business | UnsetType = UNSET
    owners: kyb.Owners | UnsetType = UNSET
    contact: kyb.Contact | UnsetType = UNSET
    locations: kyb.Locations | UnsetType = UNSET
    settlement_account: kyb.SettlementAccount | UnsetType = UNSET
    external_ref: kyb.AnyText | UnsetType | None = UNSET

    def given(self) -> dict[str, object]:
        """The sections that were sent."""
        return {name: getattr(self, name) for name in self.__struct_fields__ if getattr(self, name) is not UNSET}


class Approval(Struct, frozen=True, forbid_unknown_fields=True):
    """The hash of the version that the checker read, and why it is approved in spite of a doubt that asks for that."""

    version_hash: Annotated[str, Meta(max_length=64)]
    reason: ReasonText | None = None


class ReturnedItem(Struct, frozen=True, forbid_unknown_fields=True):
    """What is wrong, and where."""

    path: Annotated[str, Meta(min_length=1, max_length=200)]
    reason: ReasonText


class ReturnedItemView(Struct, frozen=True):
    """What was wrong, where, and whether the answer there is another one now."""

    path: str
    reason: str
    resolved: bool


class Returned(Struct, frozen=True, forbid_unknown_fields=True):
    """What the makers have to change."""

    items: Annotated[list[ReturnedItem], Meta(min_length=1, max_length=50)]


class HitDecision(Struct, frozen=True, forbid_unknown_fields=True):
    """A checker's decision on one hit of the screening."""

    decision: HitVerdict
    reason: ReasonText


class Reveal(Struct, frozen=True, forbid_unknown_fields=True):
    """Which masked value to open, of the present answers or of a submitted version, and why."""

    path: Annotated[str, Meta(min_length=1, max_length=200)]
    reason: privacy.RevealReason
    version: Annotated[int, Meta(ge=1, le=10_000)] | None = None


class ListedHit(Struct, frozen=True):
    """A listed name that is like one of the application's, with the id by which a checker decides on it."""

    id: str
    path: str
    hit: kyb.Hit


class RiskView(Struct, frozen=True):
    """The assessed risk: the score with every point and its reason, the band, and the facts that ask for one at least.

    A stop makes the band unacceptable. The band in force may differ where people set it: `risk` of the case.
    """

    score: int
    band: kyb.Band
    contributions: list[kyb.Contribution]
    floors: list[kyb.Floor]
    stops: list[kyb.Stop]
    weights_version: str


class ReportView(Struct, frozen=True):
    """What was found about a version: checks, hits and the tier it reaches, with what it was held against."""

    outcome: Literal["clear", "review", "not_checked", "incomplete"]
    screening: Literal["clear", "review", "not_checked"]
    tier: str | None
    checks: list[kyb.Check]
    hits: list[ListedHit]
    requirements: kyb.Requirements
    reasons: list[kyb.Reason]
    policy_version: str
    list_versions: list[kyb.ListVersion]
    assessed_at: Instant
    doubts: list[Doubt] = []
    risk: RiskView | None = None


class ApplicationSummary(Struct, frozen=True):
    """An application in a list."""

    id: UUID
    state: ApplicationState
    version: int
    trading_name: str
    legal_name: str
    mcc: str
    external_ref: str | None
    merchant_id: UUID | None
    created_at: Instant
    updated_at: Instant
    handed_in_at: Instant | None


class ApplicationView(Struct, frozen=True):
    """An application whole."""

    id: UUID
    state: ApplicationState
    version: int
    version_hash: str
    makers: list[UUID]
    checker: UUID | None
    claimed_by: UUID | None
    business: kyb.Business
    owners: tuple[kyb.Owner, ...]
    contact: kyb.Contact
    locations: tuple[kyb.Location, ...]
    settlement_account: kyb.SettlementAccount
    external_ref: str | None
    report: ReportView | None
    requirements: kyb.Requirements
    hit_decisions: dict[str, HitVerdict]
    hit_states: dict[str, HitState]
    returned_items: list[ReturnedItemView] | None
    reject_reason: str | None
    merchant_id: UUID | None
    created_at: Instant
    updated_at: Instant
    submitted_at: Instant | None
    kind: CaseKind
    target_tier: str | None
    risk: str | None
    trigger: str | None
    reason: str | None
    approvals: int
    due_at: Instant | None
    handed_in_at: Instant | None
    appealed_at: Instant | None
    erased_at: Instant | None


class ApprovedView(Struct, frozen=True):
    """What an approval made. merchant_id is null while the policy asks for further approvals."""

    merchant_id: UUID | None
    tier: str
    counters: list[CounterView]
    approvals: int
    approvals_needed: int


class DecisionView(Struct, frozen=True):
    """What a checker decided on a version: approved, rejected or returned."""

    kind: Outcome
    reason: str | None
    checker: UUID
    at: Instant


class HitDecisionView(Struct, frozen=True):
    """What a checker last decided on a hit of the version's report.

    `proposed` is a release that a second checker has to repeat (`released_by` is the first): until then the hit stands.
    """

    hit_id: str
    decision: HitVerdict
    reason: str | None
    checker: UUID
    at: Instant
    state: HitState
    released_by: UUID | None
    release_reason: str | None


class ApplicationVersionView(Struct, frozen=True, kw_only=True):
    """A version as it was submitted, the report it was decided on, and the decisions."""

    version: int
    version_hash: str
    makers: list[UUID]
    submitted_at: Instant
    report: ReportView | None
    decisions: list[DecisionView]
    hit_decisions: list[HitDecisionView]


class ApplicationVersionDetail(ApplicationVersionView, frozen=True, kw_only=True):
    """A submitted version with its answers."""

    business: kyb.Business
    owners: tuple[kyb.Owner, ...]
    contact: kyb.Contact
    locations: tuple[kyb.Location, ...]
    settlement_account: kyb.SettlementAccount
    external_ref: str | None


def version_view(service: Service, actor: Actor, submitted: Submitted, language: str) -> ApplicationVersionView:
    """A submitted version as a line of a list, as the actor may see it, its report in a language."""
    row, vault = submitted.version, service.vault
    return ApplicationVersionView(
        version=row.version,
        version_hash=row.version_hash,
        makers=row.makers,
        submitted_at=web.at(row.submitted_at),
        report=_report_view(actor, fields.report_of(vault, row), language),
        decisions=[
            DecisionView(
                msgspec.convert(one.kind, Outcome),
                privacy.shown_words(actor, fields.decision_reason_of(vault, one)),
                one.checker_id,
                web.at(one.decided_at),
            )
            for one in submitted.decisions
        ],
        hit_decisions=[
            HitDecisionView(
                one.hit_id,
                msgspec.convert(one.decision, HitVerdict),
                privacy.shown_words(actor, fields.hit_reason_of(vault, one)),
                one.decided_by,
                web.at(one.decided_at),
                _hit_state(is_proposed(one.decision, one.decided_by, one.release_proposed_by)),
                one.release_proposed_by,
                privacy.shown_words(actor, fields.release_reason_of(vault, one)),
            )
            for one in submitted.hit_decisions
        ],
    )


def version_detail(service: Service, actor: Actor, submitted: Submitted, language: str) -> ApplicationVersionDetail:
    """A submitted version with its answers, as the actor may see them, its report in a language."""
    row = submitted.version
    sections = privacy.shown(actor, answers.unseal(service.vault, row.application_id, row.sections_sealed))
    answered = {name: getattr(sections, name) for name in sections.__struct_fields__}
    return ApplicationVersionDetail(
        **msgspec.structs.asdict(version_view(service, actor, submitted, language)), **answered
    )


def application_view(
    service: Service,
    actor: Actor,
    row: Application,
    needs: kyb.Requirements,
    hit_decisions: dict[str, HitStanding],
    language: str,
) -> ApplicationView:
    """An application with its answers, as the actor may see them; its report and what is due are in a language."""
    sections = answers.unseal(service.vault, row.id, row.sections_sealed)
    sections = sections if privacy.sees_whole(actor, row) else privacy.shown(actor, sections)
    return ApplicationView(
        id=row.id,
        state=ApplicationState(row.state),
        version=row.version,
        version_hash=row.version_hash,
        makers=row.makers,
        checker=row.checker_id,
        claimed_by=row.claimed_by,
        business=sections.business,
        owners=sections.owners,
        contact=sections.contact,
        locations=sections.locations,
        settlement_account=sections.settlement_account,
        external_ref=sections.external_ref,
        report=_report_view(actor, fields.report_of(service.vault, row), language),
        requirements=requirements_view(needs, language),
        hit_decisions={hit_id: msgspec.convert(one.decision, HitVerdict) for hit_id, one in hit_decisions.items()},
        hit_states={hit_id: _hit_state(one.proposed) for hit_id, one in hit_decisions.items()},
        returned_items=_returned_items(actor, returned.shown_items(service.vault, row)),
        reject_reason=privacy.shown_words(actor, fields.reject_reason_of(service.vault, row)),
        merchant_id=row.merchant_id,
        created_at=web.at(row.created_at),
        updated_at=web.at(row.updated_at),
        submitted_at=web.at_or_none(row.submitted_at),
        kind=CaseKind(row.kind),
        target_tier=row.target_tier,
        risk=row.risk,
        trigger=row.trigger,
        reason=privacy.shown_words(actor, fields.case_reason_of(service.vault, row)),
        approvals=len(row.approvals),
        due_at=web.at_or_none(row.due_at),
        handed_in_at=web.at_or_none(row.handed_in_at),
        appealed_at=web.at_or_none(row.appealed_at),
        erased_at=web.at_or_none(row.erased_at),
    )


def approved_view(made: Approved) -> ApprovedView:
    """What an approval made."""
    counters = [counter_view(counter) for counter in made.counters]
    found = made.merchant.id if made.merchant is not None else None
    return ApprovedView(found, made.tier, counters, made.approvals, made.needed)


def requirements_view(needs: kyb.Requirements, language: str) -> kyb.Requirements:
    """What is due, in a language."""
    return msgspec.convert(translated(msgspec.to_builtins(needs), language), kyb.Requirements)


def _report_view(actor: Actor, report: dict[str, Any] | None, language: str) -> ReportView | None:
    return msgspec.convert(translated(privacy.shown_report(actor, report), language), ReportView | None)


def _returned_items(actor: Actor, items: list[returned.Item] | None) -> list[ReturnedItemView] | None:
    if items is None:
        return None
    return [
        ReturnedItemView(item.path, privacy.shown_words(actor, item.reason) or masking.HIDDEN, item.resolved)
        for item in items
    ]


def _hit_state(proposed: bool) -> HitState:
    return "proposed" if proposed else "decided"


def application_summary(row: Application) -> ApplicationSummary:
    """An application as a line of a list."""
    return ApplicationSummary(
        row.id,
        ApplicationState(row.state),
        row.version,
        row.trading_name,
        row.legal_name,
        row.mcc,
        row.external_ref,
        row.merchant_id,
        web.at(row.created_at),
        web.at(row.updated_at),
        web.at_or_none(row.handed_in_at),
    )
