"""Imports of merchants: a file is sent, tried or taken in, and what became of each row is told."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from merchant.core import errors, idempotency
from merchant.core.access import Permission as P
from merchant.core.errors import FieldError
from merchant.core.http import forms
from merchant.core.http import json as web
from merchant.core.http.uploads import MalformedUpload, Upload, read_upload
from merchant.core.paging import BY_AGE
from merchant.core.texts import _
from merchant.exchange import routes as api
from merchant.exchange.routes import ImportOptions, ImportView
from merchant.portal.staff.writing import DFSP
from merchant.portal.ui import session
from merchant.portal.ui.acts import ONCE
from merchant.portal.ui.fields import Field
from merchant.portal.ui.lists import Button, Column, Empty, Listing, instant, show_list, state, text
from merchant.portal.ui.pages import Page
from merchant.portal.ui.screen import View, screen

_NEW_PAGE, _IMPORT_PAGE = (f"{__package__}/{name}.html" for name in ("new_import", "import"))
_MIB = 1 << 20
_HOW = (
    Field(
        "how",
        _("What shall happen"),
        "choice",
        required=True,
        choices=(
            ("try", _("Only try it: nothing is kept but the report")),
            ("draft", _("Take the rows in as drafts")),
            ("submit", _("Take them in and hand in those that are complete")),
        ),
        value="try",
    ),
)
_OPTIONS: Mapping[str, ImportOptions] = {
    "try": ImportOptions(dry_run="true"),
    "draft": ImportOptions(),
    "submit": ImportOptions(submit="true"),
}


class NoFile(errors.InvalidFields):
    code, title = "no_file", _("Choose a file")


def _way(view: View, row: ImportView) -> str:
    said = _("Only tried") if row.dry_run else (_("Handed in") if row.submit else _("As drafts"))
    return view.spoken.say(said)


_LIST = Listing(
    title=_("Imports"),
    handler=api.list_imports,
    href=lambda row: f"/imports/{row.id}",
    intro=_("Many merchants at once, from a table. An import is shown here for a week."),
    crumb=("/applications", _("Applications")),
    columns=(
        Column(_("File"), text("file_name"), main=True),
        Column(_("State"), state("import")),
        Column(_("How"), _way),
        Column(_("Rows"), text("rows"), numeric=True),
        Column(_("Added"), text("added"), numeric=True),
        Column(_("Not taken"), text("failed"), numeric=True),
        Column(_("Sent"), instant("created_at"), sorts=BY_AGE),
    ),
    buttons=(Button("/imports/new", _("Import a file"), "upload"),),
    empty=Empty(
        _("No imports yet"),
        _("Take the template, fill in a row for each merchant, and send it."),
        Button("/imports/new", _("Import a file"), "upload"),
    ),
    exports=False,
)


@screen("GET", "/imports", permission=P.APPLICATIONS_WRITE, kinds=DFSP)
async def imports(view: View) -> Page:
    """Imports, newest first."""
    return await show_list(view, _LIST)


async def _new_page(view: View, form: Mapping[str, str] | None = None) -> Page:
    view.form = dict(form or {})
    most = view.service.settings.import_max_bytes / _MIB
    return view.page(_NEW_PAGE, fields=_HOW, most_mib=f"{most:g}")


@screen("GET", "/imports/new", permission=P.APPLICATIONS_WRITE, kinds=DFSP)
async def new_import(view: View) -> Page:
    """Send a file, or fetch the template."""
    return await _new_page(view)


@screen("POST", "/imports/new", permission=P.APPLICATIONS_WRITE, kinds=DFSP, reads_form=False)
async def order_import(view: View) -> Page:
    """Take the file, as the route of the API does it: it is never held in memory."""
    forms.check_same_site(view.request)
    form: dict[str, str] = {}
    try:
        async with read_upload(view.request, view.service.settings.import_max_bytes) as upload:
            form = dict(upload.fields)
            session.check_csrf(view.service, view.actor, form.pop(session.CSRF_FIELD, ""))
            made = await _ordered(view, upload, form)
    except session.FormOutdated:
        raise
    except MalformedUpload:  # what browsers send where no file was chosen
        view.problem = NoFile(errors=(FieldError("file", "missing", NoFile.title),))
    except errors.MerchantError as refused:
        if refused.status in (401, 404) or refused.status >= 500:
            raise
        web.note_refusal(view.request, refused)
        view.problem = refused
    else:
        return view.go(f"/imports/{made.id}")
    return await _new_page(view, {"how": form["how"]} if "how" in form else {})


async def _ordered(view: View, upload: Upload, form: Mapping[str, str]) -> ImportView:
    """The import of a file, ordered once by its form's key."""
    if not upload.file_name:
        raise NoFile(errors=(FieldError("file", "missing", NoFile.title),))
    wanted = _OPTIONS.get(form.get("how", ""))
    if wanted is None:
        raise errors.invalid_field("how", "missing", _("Say what shall happen."))
    key = idempotency.check_key(form.get(ONCE))
    done = await api.take_upload(view.service, view.actor, key, upload, wanted, view.spoken.language)
    return msgspec.json.decode(done.body, type=ImportView)


@screen("GET", "/imports/{import_id}", permission=P.APPLICATIONS_WRITE, kinds=DFSP)
async def import_page(view: View, import_id: UUID) -> Page:
    """How far an import is, and what is wrong with the rows that were not taken."""
    path = {"import_id": import_id}
    found: ImportView = (await view.ask(api.read_import, path=path)).view
    query = {"outcome": "failed"} | ({"after": view.query["after"]} if view.query.get("after") else {})
    failed = (await view.ask(api.list_import_rows, path=path, query=query)).view if found.failed else []
    under_way = found.finished_at is None
    percent = round(100 * found.done / found.rows) if found.rows else 100
    return view.page(_IMPORT_PAGE, one=found, failed=failed, under_way=under_way, percent=percent, most=100)


ROUTES = [imports, new_import, order_import, import_page]
