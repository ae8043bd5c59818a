"""JSON routes of applications, in the order of an application's life: read the request, call the operation, answer.

apply.py writes, assess.py screens, review.py decides; queries.py reads and schemas.py shapes.
"""

from typing import Any

from litestar import Request, Response, get, patch, post
from litestar.datastructures import State
from litestar.params import FromPath

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.http import json as web
from merchant.core.http.json import actor_of, answer, body, needs, path_id, service_of
from merchant.registry.applications import apply, queries, review, schemas
from merchant.registry.applications.models import Application
from merchant.registry.applications.states import ApplicationState
from merchant.registry.merchants.schemas import Reason, counter_view

Req = Request[Any, Any, State]
Answer = Response[bytes]


async def _shown(request: Req, tx: Tx, application: Application, status: int = 200) -> Answer:
    await tx.flush()
    decisions = await queries.hit_decisions(tx, application)
    view = schemas.application_view(service_of(request), application, decisions)
    return answer(view, status, etag=application.revision)


@post(
    "/api/v1/applications",
    opt=needs(P.APPLICATIONS_WRITE, body=schemas.NewApplication, answer=schemas.ApplicationView, once=True),
)
async def open_application(request: Req) -> Answer:
    """Open an application with any of its sections."""
    new = await body(request, schemas.NewApplication)
    service, actor = service_of(request), actor_of(request)

    async def do(tx: Tx) -> tuple[int, Any]:
        opened = await apply.open_application(tx, service, actor, new)
        return 201, schemas.application_view(service, opened, {})

    response = await web.once(request, "applications", do)
    response.headers["etag"] = '"1"'
    return response


@get(
    "/api/v1/applications",
    opt=needs(
        P.APPLICATIONS_READ,
        listing=schemas.ApplicationSummary,
        query=("state", "external_ref", "search"),
        choices={"state": tuple(ApplicationState)},
    ),
)
async def list_applications(request: Req) -> Answer:
    """List applications, newest first."""
    page, query = web.page_of(request), request.query_params
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        rows = await queries.applications(
            tx,
            actor_of(request),
            page,
            state=query.get("state"),
            external_ref=query.get("external_ref"),
            search=query.get("search"),
        )
    return web.listing([schemas.application_summary(row) for row in rows], page, [row.id for row in rows])


@get(
    "/api/v1/applications/{application_id:str}",
    opt=needs(P.APPLICATIONS_READ, answer=schemas.ApplicationView),
)
async def read_application(request: Req, application_id: FromPath[str]) -> Answer:
    """Read an application whole, with its report and what is still due."""
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        found = await queries.application(tx, actor_of(request), path_id(application_id))
        return await _shown(request, tx, found)


@get(
    "/api/v1/applications/{application_id:str}/versions",
    opt=needs(P.APPLICATIONS_READ, items=schemas.ApplicationVersionView),
)
async def list_versions(request: Req, application_id: FromPath[str]) -> Answer:
    """List the submitted versions, oldest first, with the report and the decisions of each."""
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        found = await queries.submitted_versions(tx, actor_of(request), path_id(application_id))
    return answer({"items": [schemas.version_view(one) for one in found], "next_cursor": None})


@get(
    "/api/v1/applications/{application_id:str}/versions/{version:str}",
    opt=needs(P.APPLICATIONS_READ, answer=schemas.ApplicationVersionDetail),
)
async def read_version(request: Req, application_id: FromPath[str], version: FromPath[str]) -> Answer:
    """Read a submitted version as it was decided on: its answers, its report and the decisions."""
    number = _version_number(version)
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        found = await queries.submitted_version(tx, actor_of(request), path_id(application_id), number)
        return answer(schemas.version_detail(service_of(request), found))


def _version_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise errors.NotFound
    return int(text)


@patch(
    "/api/v1/applications/{application_id:str}",
    opt=needs(P.APPLICATIONS_WRITE, body=schemas.ChangedSections, answer=schemas.ApplicationView, versioned=True),
)
async def change_application(request: Req, application_id: FromPath[str]) -> Answer:
    """Replace the sections named in the body; If-Match carries the ETag last read."""
    revision = web.if_match(request)
    changes = (await body(request, schemas.ChangedSections)).given()
    service, actor = service_of(request), actor_of(request)
    async with service.db.tenant(actor.dfsp_id) as tx:
        changed = await apply.change_sections(tx, service, actor, path_id(application_id), revision, changes)
        return await _shown(request, tx, changed)


@post(
    "/api/v1/applications/{application_id:str}/submit",
    status_code=200,
    opt=needs(P.APPLICATIONS_WRITE, answer=schemas.ApplicationView),
)
async def submit(request: Req, application_id: FromPath[str]) -> Answer:
    """Freeze this version and send it to screening and review."""
    service, actor = service_of(request), actor_of(request)
    async with service.db.tenant(actor.dfsp_id) as tx:
        return await _shown(request, tx, await apply.submit(tx, service, actor, path_id(application_id)))


@post(
    "/api/v1/applications/{application_id:str}/withdraw",
    status_code=200,
    opt=needs(P.APPLICATIONS_WRITE, answer=schemas.ApplicationView),
)
async def withdraw(request: Req, application_id: FromPath[str]) -> Answer:
    """Take an open application back."""
    service, actor = service_of(request), actor_of(request)
    async with service.db.tenant(actor.dfsp_id) as tx:
        return await _shown(request, tx, await apply.withdraw(tx, actor, path_id(application_id)))


@post(
    "/api/v1/applications/{application_id:str}/claim",
    status_code=200,
    opt=needs(P.APPLICATIONS_DECIDE, asks_itself=True, answer=schemas.ApplicationView),
)
async def claim(request: Req, application_id: FromPath[str]) -> Answer:
    """Tell the other checkers that you are working on it; not required for a decision."""
    service, actor = service_of(request), actor_of(request)
    async with service.db.tenant(actor.dfsp_id) as tx:
        return await _shown(request, tx, await review.claim(tx, actor, path_id(application_id)))


@post(
    "/api/v1/applications/{application_id:str}/release",
    status_code=200,
    opt=needs(P.APPLICATIONS_DECIDE, asks_itself=True, answer=schemas.ApplicationView),
)
async def release(request: Req, application_id: FromPath[str]) -> Answer:
    """Give your claim back."""
    service, actor = service_of(request), actor_of(request)
    async with service.db.tenant(actor.dfsp_id) as tx:
        return await _shown(request, tx, await review.release(tx, actor, path_id(application_id)))


@post(
    "/api/v1/applications/{application_id:str}/approve",
    status_code=200,
    opt=needs(P.APPLICATIONS_DECIDE, asks_itself=True, body=schemas.Approval, answer=schemas.ApprovedView),
)
async def approve(request: Req, application_id: FromPath[str]) -> Answer:
    """Approve the version whose hash you name; merchant, counters and numbers exist when this answers."""
    approval = await body(request, schemas.Approval)
    service, actor = service_of(request), actor_of(request)
    async with service.db.tenant(actor.dfsp_id) as tx:
        made = await review.approve(tx, service, actor, path_id(application_id), approval.version_hash)
        view = schemas.ApprovedView(
            made.merchant.id, made.merchant.tier, [counter_view(counter) for counter in made.counters]
        )
    return answer(view)


@post(
    "/api/v1/applications/{application_id:str}/reject",
    status_code=200,
    opt=needs(P.APPLICATIONS_DECIDE, asks_itself=True, body=Reason, answer=schemas.ApplicationView),
)
async def reject(request: Req, application_id: FromPath[str]) -> Answer:
    """Refuse for good, with a reason."""
    reason = (await body(request, Reason)).reason
    service, actor = service_of(request), actor_of(request)
    async with service.db.tenant(actor.dfsp_id) as tx:
        return await _shown(request, tx, await review.reject(tx, actor, path_id(application_id), reason))


@post(
    "/api/v1/applications/{application_id:str}/return",
    status_code=200,
    opt=needs(P.APPLICATIONS_DECIDE, asks_itself=True, body=schemas.Returned, answer=schemas.ApplicationView),
)
async def return_for_changes(request: Req, application_id: FromPath[str]) -> Answer:
    """Give it back to the makers, saying what is wrong where."""
    items = [{"path": item.path, "reason": item.reason} for item in (await body(request, schemas.Returned)).items]
    service, actor = service_of(request), actor_of(request)
    async with service.db.tenant(actor.dfsp_id) as tx:
        return await _shown(request, tx, await review.return_for_changes(tx, actor, path_id(application_id), items))


@post(
    "/api/v1/applications/{application_id:str}/screen",
    status_code=200,
    opt=needs(P.APPLICATIONS_DECIDE, asks_itself=True, answer=schemas.ApplicationView),
)
async def screen_again(request: Req, application_id: FromPath[str]) -> Answer:
    """Screen the version under review once more."""
    service, actor = service_of(request), actor_of(request)
    async with service.db.tenant(actor.dfsp_id) as tx:
        return await _shown(request, tx, await review.screen_again(tx, service, actor, path_id(application_id)))


@post(
    "/api/v1/applications/{application_id:str}/hits/{hit_id:str}",
    status_code=200,
    opt=needs(P.APPLICATIONS_DECIDE, asks_itself=True, body=schemas.HitDecision, answer=schemas.ApplicationView),
)
async def decide_hit(request: Req, application_id: FromPath[str], hit_id: FromPath[str]) -> Answer:
    """Decide whether a hit of the screening is the listed one."""
    given = await body(request, schemas.HitDecision)
    service, actor = service_of(request), actor_of(request)
    async with service.db.tenant(actor.dfsp_id) as tx:
        decided = await review.decide_hit(tx, actor, path_id(application_id), hit_id, given.decision, given.reason)
        return await _shown(request, tx, decided)


ROUTES = [
    open_application,
    list_applications,
    read_application,
    list_versions,
    read_version,
    change_application,
    submit,
    withdraw,
    claim,
    release,
    approve,
    reject,
    return_for_changes,
    screen_again,
    decide_hit,
]
