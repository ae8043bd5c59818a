"""Documents of an application: added with what they prove, listed, opened with a reason that is kept, taken back."""

from typing import Any, get_args
from uuid import UUID

from kyb.applicant import owner_name
from merchant.compliance.cases import document_routes as api
from merchant.compliance.cases.schemas import ApplicationView
from merchant.compliance.documents.schemas import Purpose
from merchant.core import errors
from merchant.core.errors import FieldError
from merchant.core.http.inside import Told
from merchant.core.settings import Settings
from merchant.core.texts import _
from merchant.portal.staff import choices
from merchant.portal.staff.writing import Desk, put_beside, read_to_write, section_page, written
from merchant.portal.ui.acts import ONCE
from merchant.portal.ui.fields import Field, collect
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View
from merchant.portal.ui.words import word

_PAGE = f"{__package__}/documents.html"
MOST_DOCUMENTS = 200
_MIB = 1 << 20


class NoFile(errors.InvalidFields):
    code, title = "no_file", _("Choose a file")


def _most_bytes(settings: Settings) -> int:
    return settings.document_max_bytes


def _fields(case: ApplicationView) -> list[Field]:
    return [
        Field(
            "purpose",
            _("What it is"),
            "choice",
            required=True,
            choices=choices.named("purpose", get_args(Purpose)),
        ),
        Field("path", _("What it is about"), "choice", required=True, choices=list(subjects(case).items())),
        Field(
            "keep_place",
            _("Keep where the photo was taken"),
            "check",
            hint=_("Of a photo of the place of business, where the telephone wrote it down."),
        ),
    ]


def subjects(case: ApplicationView) -> dict[str, str]:
    """What a document may be about, by its path, with its name."""
    found: dict[str, str] = {"business": case.business.trading_name or word("section", "business").text}
    found |= {f"owners[{at}]": owner_name(one) or _("An owner") for at, one in enumerate(case.owners)}
    found |= {f"locations[{at}]": one.name or one.city or _("A place") for at, one in enumerate(case.locations)}
    return found | {"contact": word("section", "contact").text, "settlement_account": word("section", "account").text}


def subject_name(case: ApplicationView, path: str) -> str:
    """What a path of a document or a verification is called."""
    known = subjects(case)
    if path in known:
        return known[path]
    longest = max((one for one in known if path.startswith(one)), key=len, default="")
    return known.get(longest) or word("section", path.partition(".")[0].partition("[")[0]).text


async def documents_of(view: View, desk: Desk) -> list[Any]:
    """The documents of an application, newest first."""
    return await view.all_of(
        api.list_application_documents, most=MOST_DOCUMENTS, path={"application_id": desk.id}, query={"limit": "100"}
    )


async def _page(view: View, desk: Desk, told: Told) -> Page:
    found = await documents_of(view, desk)
    return await section_page(
        view,
        desk,
        "documents",
        (),
        {},
        told=told,
        template=_PAGE,
        fields=_fields(told.view),
        documents=[one for one in found if one.withdrawn_at is None],
        subject_name=lambda path: subject_name(told.view, path),
        most_mib=f"{view.service.settings.document_max_bytes / _MIB:g}",
    )


@written("GET", "/edit/documents")
async def documents(view: View, desk: Desk) -> Page:
    """Documents: what there is, and one more."""
    return await _page(view, desk, await read_to_write(view, desk))


@written("POST", "/edit/documents", upload_bytes=_most_bytes)
async def add_document(view: View, desk: Desk) -> Page:
    """Add a document."""
    told = await read_to_write(view, desk)
    fields = _fields(told.view)
    body = collect(view.form, fields)
    body["keep_place"] = "true" if body.get("keep_place") else "false"
    if view.file is None:
        view.problem = NoFile(errors=(FieldError("file", "missing", NoFile.title),))
        return await _page(view, desk, told)
    added = await view.attempt(
        api.add_application_document,
        path={"application_id": desk.id},
        body=body,
        file=view.file,
        key=view.form.get(ONCE),
    )
    if added is None:
        if view.problem is not None:
            put_beside(view.problem, [one.name for one in fields])
        return await _page(view, desk, await read_to_write(view, desk))
    return view.go(f"{desk.edit}/documents", _("The document is added."))


@written("POST", "/edit/documents/{document_id}/withdraw")
async def withdraw_document(view: View, desk: Desk, document_id: UUID) -> Page:
    """Take a document back."""
    if await view.attempt(api.withdraw_document, path={"document_id": document_id}) is None:
        return await _page(view, desk, await read_to_write(view, desk))
    return view.go(f"{desk.edit}/documents", _("The document is taken back."))


ROUTES = [*documents, *add_document, *withdraw_document]
