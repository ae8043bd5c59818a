"""JSON routes of cases for live merchants, and of what applications and cases need, prove, waive and appeal."""

from uuid import UUID

import kyb
from merchant.compliance.cases import appeals, merchant_cases, problems, queries, risk_overrides, schemas, verify
from merchant.compliance.cases.case_schemas import (
    Appeal,
    CaseSummary,
    NewCase,
    NewRiskBand,
    NewVerification,
    NewWaiver,
    RiskOverrideView,
    VerificationView,
    case_summary,
    risk_override_view,
    verification_view,
)
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.projection import needs_of, needs_of_merchant
from merchant.compliance.cases.routes import HANDED_IN, SOUGHT, handed_in, shown, sought_by
from merchant.compliance.cases.states import ApplicationState
from merchant.compliance.cases.twins import both
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http.json import language_of
from merchant.core.http.route import Answer, Call, Filter, Listed, route
from merchant.core.paging import BY_AGE
from merchant.registry.merchants import queries as merchant_queries
from merchant.registry.merchants.lifecycle import StoppedByHub
from merchant.registry.merchants.schemas import MerchantView, merchant_view

_TIER = Filter("tier", "The tier to reach; the case's own target, or the lowest, unless given.")


@route(
    "POST",
    "/api/v1/merchants/{merchant_id}/cases",
    permission=P.APPLICATIONS_WRITE,
    body=NewCase,
    answer=schemas.ApplicationView,
    status=201,
    idempotency_key="optional",
    operation="cases:{merchant_id}",
    etag='"1"',
    raises=(
        errors.WrongState,
        StoppedByHub,
        problems.CaseOpen,
        problems.SameTier,
        problems.MaskedValue,
        errors.InvalidFields,
    ),
)
async def open_case(call: Call[NewCase], merchant_id: UUID) -> schemas.ApplicationView:
    """Open a case for a live merchant, with the sections that shall change; its numbers and stickers stay."""
    opened = await merchant_cases.open_case(
        call.tx, call.service, call.actor, merchant_id, await call.body.opened(call.tx)
    )
    found: schemas.ApplicationView = (await shown(call, opened)).view
    return found


@route(
    "GET",
    "/api/v1/cases",
    permission=P.APPLICATIONS_READ,
    items=CaseSummary,
    paged=True,
    sorts=BY_AGE,
    filters=(
        Filter("state", "Only those in this state.", choices=tuple(ApplicationState)),
        Filter("kind", "Only those of this kind.", choices=tuple(CaseKind)),
        Filter("merchant_id", "Only those of one merchant.", "uuid"),
        Filter("due_before", "Only open ones that are to be decided before this time.", "instant"),
        HANDED_IN,
        *SOUGHT,
    ),
)
async def list_cases(call: Call[None]) -> Listed:
    """List cases of every kind, applications among them, newest first."""
    rows = await queries.cases(
        call.tx,
        call.actor,
        call.page,
        state=call.filters.get("state"),
        kind=call.filters.get("kind"),
        merchant_id=call.filter_id("merchant_id"),
        due_before=call.filter_instant("due_before"),
        handed_in=handed_in(call),
        sought=sought_by(call),
    )
    return Listed([case_summary(row) for row in rows], [row.id for row in rows])


@both(
    "GET",
    "/api/v1/applications/{application_id}/requirements",
    permission=P.APPLICATIONS_READ,
    answer=kyb.Requirements,
    filters=(_TIER,),
    raises=(errors.InvalidFields,),
)
async def read_application_requirements(call: Call[None], application_id: UUID) -> kyb.Requirements:
    """Read what an application needs for a tier: due, pending and past due, by when, and what it unlocks."""
    found = await queries.application(call.tx, call.actor, application_id)
    needs = await needs_of(call.tx, call.service, call.actor, found, call.filters.get("tier"))
    return schemas.requirements_view(needs, language_of(call.request))


@route(
    "GET",
    "/api/v1/merchants/{merchant_id}/requirements",
    permission=P.MERCHANTS_READ,
    answer=kyb.Requirements,
    filters=(Filter("tier", "The tier to reach; the merchant's own unless given."),),
    raises=(errors.InvalidFields,),
)
async def read_merchant_requirements(call: Call[None], merchant_id: UUID) -> kyb.Requirements:
    """Read what a merchant needs to keep its tier, or to reach another: due, past due, by when, and what it unlocks."""
    needs = await needs_of_merchant(call.tx, call.service, call.actor, merchant_id, call.filters.get("tier"))
    return schemas.requirements_view(needs, language_of(call.request))


@both(
    "POST",
    "/api/v1/applications/{application_id}/verifications",
    permission=P.APPLICATIONS_WRITE,
    body=NewVerification,
    answer=VerificationView,
    status=201,
    raises=(errors.WrongState, errors.InvalidFields),
)
async def add_application_verification(call: Call[NewVerification], application_id: UUID) -> VerificationView:
    """Record what was seen of an application: who or what is verified, how, and with which outcome."""
    row = await verify.add_verification(call.tx, call.service, call.actor, application_id, call.body)
    return verification_view(call.actor, call.service.vault, row)


@both(
    "GET",
    "/api/v1/applications/{application_id}/verifications",
    permission=P.APPLICATIONS_READ,
    items=VerificationView,
)
async def list_application_verifications(call: Call[None], application_id: UUID) -> list[VerificationView]:
    """List what was verified of an application, oldest first."""
    rows = await verify.list_verifications(call.tx, call.actor, application_id)
    return [verification_view(call.actor, call.service.vault, row) for row in rows]


@both(
    "POST",
    "/api/v1/applications/{application_id}/waivers",
    permission=P.APPLICATIONS_DECIDE,
    operation_checks_permission=True,
    body=NewWaiver,
    answer=VerificationView,
    status=201,
    raises=(errors.CheckerIsMaker, errors.WrongState, errors.InvalidFields),
)
async def waive_application_verification(call: Call[NewWaiver], application_id: UUID) -> VerificationView:
    """Propose to do without a verification until a day, or confirm what another checker proposed by saying the same."""
    row = await verify.waive(call.tx, call.service, call.actor, application_id, call.body)
    return verification_view(call.actor, call.service.vault, row)


@both(
    "POST",
    "/api/v1/applications/{application_id}/risk",
    permission=P.APPLICATIONS_DECIDE,
    operation_checks_permission=True,
    body=NewRiskBand,
    answer=RiskOverrideView,
    status=201,
    raises=(errors.CheckerIsMaker, errors.WrongState, problems.RiskBound, errors.InvalidFields),
)
async def set_application_risk(call: Call[NewRiskBand], application_id: UUID) -> RiskOverrideView:
    """Raise the risk of an application at once, or propose a lower one, which a second checker confirms."""
    new = call.body
    set_by_hand, band = await risk_overrides.set_by_hand(
        call.tx, call.service, call.actor, application_id, new.band, new.reason, new.until
    )
    return risk_override_view(call.actor, call.service.vault, set_by_hand, band)


@both(
    "POST",
    "/api/v1/applications/{application_id}/appeal",
    permission=P.APPLICATIONS_WRITE,
    body=Appeal,
    answer=schemas.ApplicationView,
    raises=(problems.NotRejected, errors.CheckerIsMaker),
)
async def appeal_application(call: Call[Appeal], application_id: UUID) -> Answer:
    """Appeal the rejection of an application, once; other people write and decide it."""
    return await shown(call, await appeals.appeal(call.tx, call.service, call.actor, application_id, call.body.reason))


@route(
    "POST",
    "/api/v1/merchants/{merchant_id}/reinstate",
    permission=P.MERCHANTS_SUSPEND,
    answer=MerchantView,
    raises=(errors.WrongState, StoppedByHub, problems.CaseNeeded, problems.ReviewOpen, problems.BlockListed),
)
async def reinstate_merchant(call: Call[None], merchant_id: UUID) -> Answer:
    """End a suspension or a restriction, where the policy lets one person do it; else open a reinstatement case."""
    row = await merchant_cases.reinstate(call.tx, call.service, call.actor, merchant_id)
    await call.tx.flush()
    places, counters = await merchant_queries.places(call.tx, call.actor, [row.id])
    return Answer(merchant_view(call.actor, row, places, counters), row.revision)


ROUTES = [
    reinstate_merchant,
    open_case,
    list_cases,
    read_application_requirements,
    read_merchant_requirements,
    add_application_verification,
    list_application_verifications,
    waive_application_verification,
    set_application_risk,
    appeal_application,
]
