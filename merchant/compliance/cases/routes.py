"""JSON routes of applications, in the order of an application's life: call the operation, show the result.

apply.py writes, assess.py screens, review.py decides; queries.py reads and schemas.py shapes.
"""

from typing import Any
from uuid import UUID

import kyb
from merchant.compliance.cases import (
    adjudication,
    apply,
    four_eyes,
    privacy,
    problems,
    queries,
    rescreen,
    review,
    schemas,
    withdrawals,
)
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.projection import needs_of
from merchant.compliance.cases.states import ApplicationState
from merchant.compliance.cases.twins import both
from merchant.compliance.policies.problems import CapabilityMissing
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http.json import language_of
from merchant.core.http.route import Answer, Call, Filter, Listed, route
from merchant.core.paging import BY_AGE
from merchant.registry.aliases.problems import AliasTaken, NumbersExhausted
from merchant.registry.merchants.routes import TIERS
from merchant.registry.merchants.schemas import ReasonGiven

_DECIDES = (errors.CheckerIsMaker, errors.WrongState)


# What applications and cases are both found by.
SOUGHT = (
    Filter("q", "Words of the trading or legal name, in any order."),
    Filter("tier", "Only those that aim at this tier, or whose merchant has it.", choices=TIERS),
    Filter("risk", "Only those of this risk.", choices=kyb.BANDS),
    Filter("made_by", "Only those that this person or key wrote a part of.", "uuid"),
    Filter("from", "Only those opened at this time or later, RFC 3339.", "instant"),
    Filter("to", "Only those opened before this time, RFC 3339.", "instant"),
)


def sought_by(call: Call[Any]) -> queries.Sought:
    """What the filters of SOUGHT ask for."""
    maker = call.filter_id("made_by")
    return queries.Sought(
        q=call.filters.get("q"),
        tier=call.filters.get("tier"),
        risk=call.filters.get("risk"),
        made_by=four_eyes.wrote(maker) if maker else None,
        since=call.filter_instant("from"),
        until=call.filter_instant("to"),
    )


HANDED_IN = Filter("handed_in", "Only those that an applicant handed in, or none of them.", choices=("true", "false"))


def handed_in(call: Call[Any]) -> bool | None:
    """What the filter asks for."""
    wanted = call.filters.get(HANDED_IN.name)
    return None if wanted is None else wanted == "true"


async def shown(call: Call[Any], application: Application) -> Answer:
    """A case as the caller may see it, with its revision."""
    await call.tx.flush()
    decisions = await queries.hit_decisions(call.tx, application)
    needs = await needs_of(call.tx, call.service, call.actor, application, decisions=decisions)
    view = schemas.application_view(call.service, call.actor, application, needs, decisions, language_of(call.request))
    return Answer(view, application.revision)


@route(
    "POST",
    "/api/v1/applications",
    permission=P.APPLICATIONS_WRITE,
    body=schemas.NewApplication,
    answer=schemas.ApplicationView,
    status=201,
    idempotency_key="required",
    etag='"1"',
    raises=(problems.ExternalRefTaken, problems.MaskedValue),
)
async def open_application(call: Call[schemas.NewApplication]) -> Any:
    """Open an application with any of its sections."""
    opened = await apply.open_application(call.tx, call.service, call.actor, call.body)
    return (await shown(call, opened)).view


@route(
    "GET",
    "/api/v1/applications",
    permission=P.APPLICATIONS_READ,
    items=schemas.ApplicationSummary,
    paged=True,
    sorts=BY_AGE,
    filters=(
        Filter("state", "Only those in this state.", choices=tuple(ApplicationState)),
        Filter("external_ref", "Only the one with the DFSP's own reference."),
        Filter("search", "Only those whose trading or legal name contains this text; q takes its place."),
        HANDED_IN,
        *SOUGHT,
    ),
)
async def list_applications(call: Call[None]) -> Listed:
    """List applications, newest first."""
    given = call.filters
    rows = await queries.applications(
        call.tx,
        call.actor,
        call.page,
        state=given["state"],
        external_ref=given["external_ref"],
        search=given["search"],
        sought=sought_by(call),
        handed_in=handed_in(call),
    )
    return Listed([schemas.application_summary(row) for row in rows], [row.id for row in rows])


@both(
    "GET",
    "/api/v1/applications/{application_id}",
    permission=P.APPLICATIONS_READ,
    answer=schemas.ApplicationView,
)
async def read_application(call: Call[None], application_id: UUID) -> Answer:
    """Read an application with its answers, its report and what is still due.

    Identity and tax numbers and birth dates are masked, but to the API key that writes it while it can still be edited.
    """
    found = await queries.application(call.tx, call.actor, application_id)
    if privacy.sees_whole(call.actor, found) and await privacy.record_whole_read(
        call.tx, call.service, call.actor, found
    ):
        privacy.note_read(call.service, call.actor, call.source, found.id, "*", "own_draft")
    return await shown(call, found)


@both(
    "POST",
    "/api/v1/applications/{application_id}/reveal",
    permission=P.PERSONAL_DATA_READ,
    body=schemas.Reveal,
    answer=privacy.Revealed,
    raises=(errors.InvalidFields,),
)
async def reveal_value(call: Call[schemas.Reveal], application_id: UUID) -> privacy.Revealed:
    """Open one masked value; who, what and why stand in the audit record and the security events."""
    wanted = call.body
    found = await privacy.reveal(
        call.tx, call.service, call.actor, application_id, wanted.path, wanted.reason, wanted.version
    )
    privacy.note_read(call.service, call.actor, call.source, application_id, wanted.path, wanted.reason)
    return found


@both(
    "GET",
    "/api/v1/applications/{application_id}/versions",
    permission=P.APPLICATIONS_READ,
    items=schemas.ApplicationVersionView,
)
async def list_versions(call: Call[None], application_id: UUID) -> list[schemas.ApplicationVersionView]:
    """List the submitted versions, oldest first, with the report and the decisions of each."""
    found = await queries.submitted_versions(call.tx, call.actor, application_id)
    return [schemas.version_view(call.service, call.actor, one, language_of(call.request)) for one in found]


@both(
    "GET",
    "/api/v1/applications/{application_id}/versions/{version}",
    permission=P.APPLICATIONS_READ,
    answer=schemas.ApplicationVersionDetail,
)
async def read_version(call: Call[None], application_id: UUID, version: int) -> schemas.ApplicationVersionDetail:
    """Read a submitted version as it was decided on: its answers, its report and the decisions."""
    found = await queries.submitted_version(call.tx, call.actor, application_id, version)
    return schemas.version_detail(call.service, call.actor, found, language_of(call.request))


@both(
    "PATCH",
    "/api/v1/applications/{application_id}",
    permission=P.APPLICATIONS_WRITE,
    body=schemas.ChangedSections,
    answer=schemas.ApplicationView,
    if_match=True,
    raises=(errors.WrongState, problems.ExternalRefTaken, problems.MaskedValue),
)
async def change_application(call: Call[schemas.ChangedSections], application_id: UUID) -> Answer:
    """Replace the sections named in the body; If-Match carries the ETag last read."""
    given = call.body
    changed = await apply.change_sections(
        call.tx, call.service, call.actor, application_id, call.revision, given.given(), given.keep
    )
    return await shown(call, changed)


@both(
    "POST",
    "/api/v1/applications/{application_id}/submit",
    permission=P.APPLICATIONS_WRITE,
    answer=schemas.ApplicationView,
    raises=(
        errors.WrongState,
        problems.Incomplete,
        problems.ProtectedName,
        problems.BlockListed,
        errors.InvalidFields,
    ),
)
async def submit_application(call: Call[None], application_id: UUID) -> Answer:
    """Freeze this version and send it to screening and review."""
    return await shown(call, await apply.submit(call.tx, call.service, call.actor, application_id))


@both(
    "POST",
    "/api/v1/applications/{application_id}/withdraw",
    permission=P.APPLICATIONS_WRITE,
    answer=schemas.ApplicationView,
    raises=(errors.WrongState, problems.NotAppellant),
)
async def withdraw_application(call: Call[None], application_id: UUID) -> Answer:
    """Take an open application back; an appeal only by whoever appealed, which leaves the rejection as it was."""
    return await shown(call, await withdrawals.withdraw(call.tx, call.actor, application_id))


@both(
    "POST",
    "/api/v1/applications/{application_id}/claim",
    permission=P.APPLICATIONS_DECIDE,
    operation_checks_permission=True,
    answer=schemas.ApplicationView,
    raises=(*_DECIDES, problems.Claimed),
)
async def claim_application(call: Call[None], application_id: UUID) -> Answer:
    """Tell the other checkers that you are working on it; not required for a decision."""
    return await shown(call, await review.claim(call.tx, call.actor, application_id))


@both(
    "POST",
    "/api/v1/applications/{application_id}/release",
    permission=P.APPLICATIONS_DECIDE,
    operation_checks_permission=True,
    answer=schemas.ApplicationView,
    raises=(*_DECIDES, problems.NotClaimed),
)
async def release_application(call: Call[None], application_id: UUID) -> Answer:
    """Give your claim back."""
    return await shown(call, await review.release(call.tx, call.actor, application_id))


@both(
    "POST",
    "/api/v1/applications/{application_id}/approve",
    permission=P.APPLICATIONS_DECIDE,
    operation_checks_permission=True,
    body=schemas.Approval,
    answer=schemas.ApprovedView,
    raises=(
        *_DECIDES,
        errors.StaleVersion,
        problems.ScreeningNotChecked,
        problems.ScreeningHitsOpen,
        problems.RiskUnacceptable,
        problems.NoTier,
        CapabilityMissing,
        problems.TierLost,
        problems.ApprovedAlready,
        problems.DoubtRefused,
        problems.DoubtNeedsReason,
        AliasTaken,
        NumbersExhausted,
    ),
)
async def approve_application(call: Call[schemas.Approval], application_id: UUID) -> schemas.ApprovedView:
    """Approve the version whose hash you name; merchant, counters and numbers exist when this answers.

    Names are screened again first when the lists changed since.
    """
    await rescreen.refresh_screening(call.service, await queries.application(call.tx, call.actor, application_id))
    made = await review.approve(
        call.tx, call.service, call.actor, application_id, call.body.version_hash, call.body.reason
    )
    return schemas.approved_view(made)


@both(
    "POST",
    "/api/v1/applications/{application_id}/reject",
    permission=P.APPLICATIONS_DECIDE,
    operation_checks_permission=True,
    body=ReasonGiven,
    answer=schemas.ApplicationView,
    raises=_DECIDES,
)
async def reject_application(call: Call[ReasonGiven], application_id: UUID) -> Answer:
    """Refuse for good, with a reason."""
    return await shown(call, await review.reject(call.tx, call.actor, application_id, call.body.reason))


@both(
    "POST",
    "/api/v1/applications/{application_id}/return",
    permission=P.APPLICATIONS_DECIDE,
    operation_checks_permission=True,
    body=schemas.Returned,
    answer=schemas.ApplicationView,
    raises=_DECIDES,
)
async def return_application(call: Call[schemas.Returned], application_id: UUID) -> Answer:
    """Give it back to the makers, saying what is wrong where."""
    items = [{"path": item.path, "reason": item.reason} for item in call.body.items]
    return await shown(call, await review.return_for_changes(call.tx, call.actor, application_id, items))


@both(
    "POST",
    "/api/v1/applications/{application_id}/screen",
    permission=P.APPLICATIONS_DECIDE,
    operation_checks_permission=True,
    answer=schemas.ApplicationView,
    raises=_DECIDES,
)
async def screen_application(call: Call[None], application_id: UUID) -> Answer:
    """Screen the version under review once more."""
    return await shown(call, await review.screen_again(call.tx, call.service, call.actor, application_id))


@both(
    "POST",
    "/api/v1/applications/{application_id}/hits/{hit_id}",
    permission=P.APPLICATIONS_DECIDE,
    operation_checks_permission=True,
    body=schemas.HitDecision,
    answer=schemas.ApplicationView,
    raises=_DECIDES,
)
async def decide_hit(call: Call[schemas.HitDecision], application_id: UUID, hit_id: str) -> Answer:
    """Decide whether a hit of the screening is the listed one."""
    decision, reason = call.body.decision, call.body.reason
    decided = await adjudication.decide_hit(call.tx, call.service, call.actor, application_id, hit_id, decision, reason)
    return await shown(call, decided)


ROUTES = [
    open_application,
    list_applications,
    read_application,
    reveal_value,
    list_versions,
    read_version,
    change_application,
    submit_application,
    withdraw_application,
    claim_application,
    release_application,
    approve_application,
    reject_application,
    return_application,
    screen_application,
    decide_hit,
]
