"""JSON routes of documents: handed in with an application or a merchant, listed, opened, withdrawn.

What an application and a merchant permit, and which answers they have, is known here; documents/ does the rest.
"""

import re
from typing import Any, get_args
from uuid import UUID

from litestar import Response
from msgspec import Struct
from sqlmodel import select

import kyb
from merchant.compliance.cases import answers, apply, privacy, queries
from merchant.compliance.cases.models import Application
from merchant.compliance.documents import operations, problems, schemas
from merchant.compliance.documents import queries as documents
from merchant.compliance.documents.file_names import disposition
from merchant.compliance.documents.kinds import SUFFIXES
from merchant.compliance.documents.models import Document
from merchant.compliance.documents.operations import Desk, NewFile
from merchant.compliance.documents.queries import Holder
from merchant.core import errors
from merchant.core.access import Actor, scope_to
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.http import json as web
from merchant.core.http.declared import Options
from merchant.core.http.route import Answer, Call, Filter, Listed, route
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.core.texts import _
from merchant.registry.merchants.models import Merchant
from merchant.registry.merchants.queries import lock_merchant, merchant
from merchant.registry.merchants.states import Capability, merchant_may

_PATH = re.compile(r"(business|owners|contact|locations|settlement_account)(?:\[(\d{1,3})\])?(?:\.([a-z_]{1,40}))?")
_FIELDS: dict[str, type[Struct]] = {
    "business": kyb.Business,
    "owners": kyb.Owner,
    "contact": kyb.Contact,
    "locations": kyb.Location,
    "settlement_account": kyb.SettlementAccount,
}
_MANY = frozenset({"owners", "locations"})
# A document opened without one is opened to review it.
_WHY = Filter("reason", "Why it is opened; `review` unless given.", choices=get_args(privacy.RevealReason))
_PURPOSE = Filter("purpose", "Only those for this purpose.", choices=get_args(schemas.Purpose))


def _most_bytes(settings: Settings) -> int:
    return settings.document_max_bytes


ADDS: Options = {
    "permission": P.APPLICATIONS_WRITE,
    "upload": _most_bytes,
    "answer": schemas.DocumentView,
    "status": 201,
    "idempotency_key": "optional",
    "transaction": False,  # a file is looked at and stored before there is one
    "raises": (
        *problems.REFUSALS,
        problems.ScannerAway,
        problems.StoreAway,
        problems.TooManyDocuments,
        errors.WrongState,
    ),
    "tag": "documents",
}
LISTS: Options = {
    "permission": P.APPLICATIONS_READ,
    "items": schemas.DocumentView,
    "paged": True,
    "filters": (_PURPOSE,),
    "tag": "documents",
}


@route("POST", "/api/v1/applications/{application_id}/documents", body=schemas.NewDocument, **ADDS)
async def add_application_document(call: Call[schemas.NewDocument], application_id: UUID) -> Response[Any]:
    """Add a document to an application, as a form with its file."""
    return await add_to(call, application_desk(call, application_id))


@route("POST", "/api/v1/cases/{case_id}/documents", body=schemas.NewDocument, **ADDS)
async def add_case_document(call: Call[schemas.NewDocument], case_id: UUID) -> Response[Any]:
    """Add a document to a case, as a form with its file."""
    return await add_to(call, application_desk(call, case_id))


@route("POST", "/api/v1/merchants/{merchant_id}/documents", body=schemas.NewDocument, **ADDS)
async def add_merchant_document(call: Call[schemas.NewDocument], merchant_id: UUID) -> Response[Any]:
    """Add a document to a merchant, as a form with its file."""
    return await add_to(call, _merchant_desk(call.actor, call.body.path, merchant_id))


async def add_to(call: Call[schemas.NewDocument], desk: Desk) -> Response[Any]:
    """Add the document of a form at a desk, once by its Idempotency-Key."""
    given, service = call.body, call.service
    new = NewFile(call.file, given.purpose, given.path, given.keep_place == "true")

    def show(row: Document) -> bytes:
        return web.encode(schemas.document_view(service.vault, call.actor, row))

    outcome = await operations.add_document(service, call.actor, desk, new, call.once, show)
    headers = {"idempotency-replayed": "true"} if outcome.replayed else {}
    return web.answer(outcome.body, outcome.status, headers=headers)


@route("GET", "/api/v1/applications/{application_id}/documents", **LISTS)
async def list_application_documents(call: Call[None], application_id: UUID) -> Listed:
    """List the documents of an application, newest first."""
    return await listed_application(call, application_id)


@route("GET", "/api/v1/cases/{case_id}/documents", **LISTS)
async def list_case_documents(call: Call[None], case_id: UUID) -> Listed:
    """List the documents of a case, newest first."""
    return await listed_application(call, case_id)


@route("GET", "/api/v1/merchants/{merchant_id}/documents", **LISTS)
async def list_merchant_documents(call: Call[None], merchant_id: UUID) -> Listed:
    """List the documents of a merchant and of the applications that made it, newest first."""
    found = await merchant(call.tx, call.actor, merchant_id)
    table: Any = Application
    made = scope_to(call.actor, select(table.id).where(table.merchant_id == found.id), table)
    return await _listed(call, list((await call.tx.session.exec(made)).all()), found.id)


async def listed_application(call: Call[None], application_id: UUID) -> Listed:
    """A page of the documents of an application."""
    found = await queries.application(call.tx, call.actor, application_id)
    return await _listed(call, [found.id])


async def _listed(call: Call[None], application_ids: list[UUID], merchant_id: UUID | None = None) -> Listed:
    rows = await documents.documents(
        call.tx, call.actor, call.page, application_ids=application_ids, merchant_id=merchant_id, **call.filters
    )
    return Listed([_shown(call, row) for row in rows], [row.id for row in rows])


def _shown(call: Call[Any], row: Document) -> schemas.DocumentView:
    return schemas.document_view(call.service.vault, call.actor, row)


@route(
    "GET",
    "/api/v1/documents/{document_id}",
    permission=P.APPLICATIONS_READ,
    answer=schemas.DocumentView,
)
async def read_document(call: Call[None], document_id: UUID) -> Answer:
    """Read what is known of a document, without its content."""
    return Answer(_shown(call, await documents.document(call.tx, call.actor, document_id)))


@route(
    "GET",
    "/api/v1/documents/{document_id}/content",
    permission=P.PERSONAL_DATA_READ,
    media=tuple(SUFFIXES),
    filters=(_WHY,),
    transaction=False,
    raises=(problems.ErasedDocument, problems.DamagedDocument, problems.StoreAway),
)
async def open_document(call: Call[None], document_id: UUID) -> Response[bytes]:
    """Open a document; who, which and why stand in the audit record and the security events."""
    service, actor, why = call.service, call.actor, call.filters.get("reason") or "review"
    async with service.db.tenant(actor.own_dfsp()) as tx:
        found = await documents.document(tx, actor, document_id)
        await operations.note_look(tx, actor, found, why)
    privacy.note_read(service, actor, call.source, document_id, found.path, why)
    content = await operations.read_file(service, found)
    headers = {
        "content-disposition": disposition(schemas.file_name_of(service.vault, found) or "document"),
        # Whoever gets a browser to show it all the same shows it without scripts and without this site's rights.
        "content-security-policy": "default-src 'none'; sandbox",
        "cross-origin-resource-policy": "same-origin",
        "cache-control": "no-store",
    }
    return Response(content, media_type=found.media_type, headers=headers)


@route(
    "POST",
    "/api/v1/documents/{document_id}/withdraw",
    permission=P.APPLICATIONS_WRITE,
    answer=schemas.DocumentView,
    raises=(errors.WrongState,),
)
async def withdraw_document(call: Call[None], document_id: UUID) -> schemas.DocumentView:
    """Take a document back, while what it belongs to can still be edited."""
    seen = await documents.document(call.tx, call.actor, document_id)
    # What holds it is locked first, as everywhere.
    if seen.application_id is not None:
        await _claim_application(call.tx, call.service, call.actor, seen.application_id, None)
    elif seen.merchant_id is not None:
        await _claim_merchant(call.tx, call.actor, seen.merchant_id)
    row = await documents.lock_document(call.tx, call.actor, document_id)
    await operations.withdraw_document(call.tx, call.actor, row)
    return _shown(call, row)


# --- what an application and a merchant permit -----------------------------------------------------------------------


def application_desk(call: Call[schemas.NewDocument], application_id: UUID) -> Desk:
    """Where the documents of an application are handed in."""
    service, actor, path = call.service, call.actor, call.body.path

    async def check(tx: Tx) -> Holder:
        found = await queries.application(tx, actor, application_id)
        apply.check_editable(found)
        _check_path(path, answers.unseal(service.vault, found.id, found.sections_sealed))
        return Holder(found.dfsp_id, application_id=found.id)

    async def claim(tx: Tx) -> Holder:
        return await _claim_application(tx, service, actor, application_id, path)

    return Desk(check, claim)


async def _claim_application(tx: Tx, service: Service, actor: Actor, application_id: UUID, path: str | None) -> Holder:
    """The application, locked and with the actor among its makers: a document is an answer too."""
    found = await queries.lock_application(tx, actor, application_id)
    apply.check_editable(found)
    sections = answers.unseal(service.vault, found.id, found.sections_sealed)
    if path is not None:
        _check_path(path, sections)
    if apply.begin_edit(found, actor, "documents"):
        answers.write(service.vault, found, sections)
    return Holder(found.dfsp_id, application_id=found.id)


def _merchant_desk(actor: Actor, path: str, merchant_id: UUID) -> Desk:
    async def check(tx: Tx) -> Holder:
        _check_path(path, None)
        return _open_merchant(await merchant(tx, actor, merchant_id))

    async def claim(tx: Tx) -> Holder:
        return await _claim_merchant(tx, actor, merchant_id)

    return Desk(check, claim)


async def _claim_merchant(tx: Tx, actor: Actor, merchant_id: UUID) -> Holder:
    return _open_merchant(await lock_merchant(tx, actor, merchant_id))


def _open_merchant(found: Merchant) -> Holder:
    if not merchant_may(found.state, Capability.CHANGE_DOCUMENTS):
        raise errors.WrongState(_("A merchant that is {state} takes no documents.", state=found.state))
    return Holder(found.dfsp_id, merchant_id=found.id)


def _check_path(path: str, sections: kyb.Sections | None) -> None:
    """Whether an answer may stand at a path, and, of an application, there is one to it. Raises InvalidFields."""
    found = _PATH.fullmatch(path)
    if found is not None:
        section, index, field = found.groups()
        is_many = section in _MANY
        known = field is None or field in _FIELDS[section].__struct_fields__
        given = len(getattr(sections, section)) if is_many and sections is not None else 1_000
        if known and (index is not None) == is_many and (index is None or int(index) < given):
            return
    raise errors.invalid_field("path", "unknown_path", _("There is no answer at this path, such as owners[0]."))


ROUTES = [
    add_application_document,
    list_application_documents,
    add_case_document,
    list_case_documents,
    add_merchant_document,
    list_merchant_documents,
    read_document,
    open_document,
    withdraw_document,
]
