"""JSON routes of an applicant's own application, and of what a merchant's owner asks for.

None of them takes an id: what they are about is found by who calls (own_application.py, wishes.py).
"""

from typing import Any

from litestar import Response

import kyb
from merchant.compliance.cases import document_routes, problems
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.projection import needs_of
from merchant.compliance.cases.schemas import requirements_view
from merchant.compliance.documents.operations import Desk
from merchant.compliance.documents.queries import Holder
from merchant.compliance.documents.schemas import NewDocument
from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.http.declared import Options
from merchant.core.http.json import language_of
from merchant.core.http.route import Answer, Call, Filter, Listed, route
from merchant.core.paging import BY_AGE
from merchant.people.registration import own_application, schemas, wishes
from merchant.people.registration.problems import HandedIn
from merchant.registry.merchants.lifecycle import StoppedByHub

MINE = P.OWN_APPLICATION_WRITE
_ADDS: Options = {
    **document_routes.ADDS,
    "permission": MINE,
    "raises": (*document_routes.ADDS["raises"], errors.NotFound, HandedIn),
}
_LISTS: Options = {**document_routes.LISTS, "permission": MINE, "raises": (errors.NotFound,)}
_TIER = Filter("tier", "The tier to reach; the lowest, unless given.")


async def _shown(call: Call[Any], tx: Tx, row: Application) -> Answer:
    await tx.flush()
    sections = own_application.shown_sections(call.service, call.actor, row)
    seat, numbers = await own_application.seat_of(tx, row), await own_application.numbers_of(tx, row)
    view = schemas.my_application_view(call.service.vault, row, sections, seat, list(numbers))
    return Answer(view, row.revision)


@route("GET", "/api/v1/my-application", answer=schemas.MyApplicationView, raises=(errors.NotFound,), permission=MINE)
async def read_my_application(call: Call[None]) -> Answer:
    """Read one's own application: where it stands, what was given back, and the answers so far."""
    return await _shown(call, call.tx, await own_application.own_application(call.tx, call.actor))


@route(
    "PATCH",
    "/api/v1/my-application",
    body=schemas.OwnSections,
    answer=schemas.MyApplicationView,
    if_match=True,
    raises=(errors.NotFound, errors.WrongState, HandedIn, problems.MaskedValue),
    permission=MINE,
)
async def change_my_application(call: Call[schemas.OwnSections]) -> Answer:
    """Replace the sections named in the body, until it is handed in; If-Match carries the ETag last read."""
    changes = call.body.given()
    row = await own_application.change_own(call.tx, call.service, call.actor, call.revision, changes)
    return await _shown(call, call.tx, row)


@route(
    "GET",
    "/api/v1/my-application/requirements",
    answer=kyb.Requirements,
    filters=(_TIER,),
    raises=(errors.NotFound, errors.InvalidFields),
    permission=MINE,
)
async def read_my_requirements(call: Call[None]) -> kyb.Requirements:
    """Read what one's own application needs for a tier, by when, and what it unlocks."""
    found = await own_application.own_application(call.tx, call.actor)
    needs = await needs_of(call.tx, call.service, call.actor, found, call.filters.get("tier"))
    return requirements_view(needs, language_of(call.request))


@route(
    "POST",
    "/api/v1/my-application/documents",
    body=NewDocument,
    **_ADDS,
)
async def add_my_document(call: Call[NewDocument]) -> Response[Any]:
    """Add a document to one's own application, as a form with its file."""
    async with call.service.db.tenant(call.actor.own_dfsp()) as tx:
        found = await own_application.own_application(tx, call.actor)
        own_application.check_writable(found)
    desk = document_routes.application_desk(call, found.id)

    async def claim(tx: Tx) -> Holder:
        own_application.check_writable(await own_application.lock_own(tx, call.actor))
        return await desk.claim(tx)

    return await document_routes.add_to(call, Desk(desk.check, claim))


@route(
    "GET",
    "/api/v1/my-application/documents",
    **_LISTS,
)
async def list_my_documents(call: Call[None]) -> Listed:
    """List the documents of one's own application, newest first."""
    found = await own_application.own_application(call.tx, call.actor)
    return await document_routes.listed_application(call, found.id)


@route(
    "POST",
    "/api/v1/my-application/hand-in",
    answer=schemas.MyApplicationView,
    raises=(errors.NotFound, errors.WrongState),
    permission=MINE,
)
async def hand_in_my_application(call: Call[None]) -> Answer:
    """Give one's own application to the DFSP, which completes and checks it; again changes nothing."""
    return await _shown(call, call.tx, await own_application.hand_in(call.tx, call.actor))


@route(
    "POST",
    "/api/v1/my-application/withdraw",
    answer=schemas.MyApplicationView,
    raises=(errors.NotFound, errors.WrongState, problems.NotAppellant),
    permission=MINE,
)
async def withdraw_my_application(call: Call[None]) -> Answer:
    """Take one's own application back while nobody has decided on it."""
    return await _shown(call, call.tx, await own_application.withdraw_own(call.tx, call.actor))


@route(
    "POST",
    "/api/v1/my-application/dfsp",
    body=schemas.ChosenDfsp,
    answer=schemas.MyApplicationView,
    transaction=False,
    raises=(errors.NotFound, errors.WrongState, HandedIn),
    permission=MINE,
)
async def choose_my_dfsp(call: Call[schemas.ChosenDfsp]) -> Answer:
    """Register at another DFSP instead, until the application is handed in."""
    async with call.service.db.system() as tx:
        row = await own_application.choose_dfsp(tx, call.actor, call.body.dfsp_id)
        return await _shown(call, tx, row)


@route("GET", "/api/v1/my-merchant/answers", answer=schemas.MyMerchantView, raises=(errors.NotFound,), permission=MINE)
async def read_my_merchant(call: Call[None]) -> schemas.MyMerchantView:
    """Read the answers of one's own merchant that are in force: what a wish for a change begins with."""
    return schemas.my_merchant_view(await wishes.answers_in_force(call.tx, call.service, call.actor))


@route(
    "POST",
    "/api/v1/my-merchant/cases",
    permission=MINE,
    body=schemas.Wish,
    answer=schemas.WishView,
    status=201,
    idempotency_key="optional",
    raises=(
        errors.NotFound,
        errors.WrongState,
        StoppedByHub,
        problems.CaseOpen,
        problems.SameTier,
        problems.MaskedValue,
    ),
)
async def ask_for_case(call: Call[schemas.Wish]) -> schemas.WishView:
    """Ask one's DFSP for a change, a higher tier, another DFSP or the end; its staff complete and decide the case."""
    case = await wishes.ask_for(call.tx, call.service, call.actor, call.body.opened())
    return schemas.wish_view(call.service.vault, case)


@route(
    "GET",
    "/api/v1/my-merchant/cases",
    permission=MINE,
    items=schemas.WishView,
    paged=True,
    sorts=BY_AGE,
    raises=(errors.NotFound,),
)
async def list_my_cases(call: Call[None]) -> Listed:
    """List what one's own merchant's owners asked for, newest first."""
    rows = await wishes.asked_for(call.tx, call.actor, call.page)
    return Listed([schemas.wish_view(call.service.vault, row) for row in rows], [row.id for row in rows])


ROUTES = [
    read_my_application,
    change_my_application,
    read_my_requirements,
    add_my_document,
    list_my_documents,
    hand_in_my_application,
    withdraw_my_application,
    choose_my_dfsp,
    read_my_merchant,
    ask_for_case,
    list_my_cases,
]
