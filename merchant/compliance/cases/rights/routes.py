"""JSON routes of people's rights: export and erase one person, hold a case, see who looked at its data."""

from uuid import UUID

from merchant.compliance.cases import privacy, queries
from merchant.compliance.cases.rights import holds, problems, schemas
from merchant.compliance.cases.rights.erase import erase_person
from merchant.compliance.cases.rights.export import export_person
from merchant.compliance.cases.rights.models import LegalHold
from merchant.compliance.cases.rights.readings import readings
from merchant.compliance.cases.twins import both
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.route import Call, Listed, route
from merchant.core.paging import BY_AGE
from merchant.registry.merchants.schemas import ReasonGiven


@route(
    "POST",
    "/api/v1/people/export",
    permission=P.PERSONAL_DATA_READ,
    body=schemas.PersonSought,
    answer=schemas.PersonExport,
)
async def export_one_person(call: Call[schemas.PersonSought]) -> schemas.PersonExport:
    """Export what is held about a person, by identity number or phone; it counts as a look at all of it.

    It holds what the screening found: take out what the law forbids to tell before handing it on.
    """
    dfsp_id, wanted = call.actor.own_dfsp(), call.body
    made = await export_person(call.tx, call.service, call.actor, dfsp_id, wanted.sought(), wanted.reason)
    for case in made.cases:
        privacy.note_read(call.service, call.actor, call.source, case.application_id, "*", wanted.reason)
    return made


@route(
    "POST",
    "/api/v1/people/erase",
    permission=P.PERSONAL_DATA_ERASE,
    body=schemas.PersonToErase,
    answer=schemas.ErasedView,
    transaction=False,  # a refusal is recorded, and decisions and reasons are the system's to empty
    raises=(
        errors.NotFound,
        problems.LegalHoldStands,
        problems.RetentionNotEnded,
        problems.RelationshipNotEnded,
    ),
)
async def erase_one_person(call: Call[schemas.PersonToErase]) -> schemas.ErasedView:
    """Propose to erase a person's data, as an admin, or confirm what another admin proposed by asking for the same.

    It is refused while a legal hold stands or the data has to be kept. Nothing brings it back.
    """
    dfsp_id, wanted = call.actor.own_dfsp(), call.body
    found = await erase_person(call.service, call.actor, dfsp_id, wanted.sought(), wanted.reason)
    return schemas.erased_view(found)


@both(
    "POST",
    "/api/v1/applications/{application_id}/hold",
    permission=P.APPLICATIONS_DECIDE,
    body=ReasonGiven,
    answer=schemas.HoldView,
    status=201,
    raises=(problems.AlreadyHeld, problems.AlreadyErased),
)
async def hold_application(call: Call[ReasonGiven], application_id: UUID) -> schemas.HoldView:
    """Place a legal hold on an application: nothing of it, or of its merchant, is erased until it is lifted."""
    return _shown(await holds.place_hold(call.tx, call.actor, application_id, call.body.reason))


@both(
    "POST",
    "/api/v1/applications/{application_id}/hold/lift",
    permission=P.APPLICATIONS_DECIDE,
    body=ReasonGiven,
    answer=schemas.HoldView,
    raises=(problems.NotHeld,),
)
async def lift_application_hold(call: Call[ReasonGiven], application_id: UUID) -> schemas.HoldView:
    """Lift the legal hold of an application."""
    return _shown(await holds.lift_hold(call.tx, call.actor, application_id, call.body.reason))


@both(
    "GET",
    "/api/v1/applications/{application_id}/readings",
    permission=P.PERSONAL_DATA_READ,
    items=schemas.ReadingView,
    paged=True,
    sorts=BY_AGE,
)
async def list_application_readings(call: Call[None], application_id: UUID) -> Listed:
    """List who opened an application's masked answers and documents, when and why, newest first."""
    case = await queries.application(call.tx, call.actor, application_id)
    rows = await readings(call.tx, case.dfsp_id, [case], call.page)
    return Listed([schemas.reading_view(row) for row in rows], [UUID(int=row.seq) for row in rows])


def _shown(row: LegalHold) -> schemas.HoldView:
    return schemas.HoldView(
        row.application_id, row.placed_by, web.at(row.placed_at), row.lifted_by, web.at_or_none(row.lifted_at)
    )


ROUTES = [export_one_person, erase_one_person, hold_application, lift_application_hold, list_application_readings]
