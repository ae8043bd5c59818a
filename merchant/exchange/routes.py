"""JSON routes of imports: send a file, see how far it is, fetch what became of each row; and the template.

imports.py does the work; the answer to a file is 202, since its rows are worked off in the background.
"""

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any, Literal
from uuid import UUID

import msgspec
from litestar import Response
from litestar.response import Stream
from msgspec import Struct

from merchant.core import background, clock, errors, idempotency, ids, texts
from merchant.core.access import Actor
from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.exports import Heading, attachment, exports_folder, open_nameless
from merchant.core.http.fields import Instant
from merchant.core.http.route import Call, Filter, Listed, route
from merchant.core.http.uploads import Upload, read_upload
from merchant.core.paging import BY_AGE
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.exchange import imports, outcomes, template
from merchant.exchange.models import ImportJob
from merchant.exchange.problems import BadSpreadsheet
from merchant.exchange.tables import CSV_MEDIA, WRITERS, XLSX_MEDIA
from merchant.exchange.tables.csv_table import csv_text

_YES_NO = ("true", "false")


class ImportOptions(Struct, frozen=True):
    """The text fields beside the file. A dry run stores nothing but its report; `submit` sends complete rows on."""

    dry_run: Literal["true", "false"] = "false"
    submit: Literal["true", "false"] = "false"


class ImportView(Struct, frozen=True):
    """An import; `done` of its `rows` are worked off: added, there already (`existing`), or failed."""

    id: UUID
    state: Literal["waiting", "running", "done", "failed"]
    rows: int
    done: int
    added: int
    existing: int
    failed: int
    dry_run: bool
    submit: bool
    file_name: str
    problem: str | None
    report_url: str
    created_at: Instant
    finished_at: Instant | None


def import_view(job: ImportJob, language: str) -> ImportView:
    """An import as the API shows it, in a language."""
    return ImportView(
        id=job.id,
        state=background.state_of(job),
        rows=job.total,
        done=job.added + job.existing + job.failed,
        added=job.added,
        existing=job.existing,
        failed=job.failed,
        dry_run=job.dry_run,
        submit=job.submit,
        file_name=job.file_name,
        problem=None if job.problem is None else texts.translate(job.problem, language),
        report_url=f"/api/v1/imports/{job.id}/report",
        created_at=web.at(job.created_at),
        finished_at=web.at_or_none(job.finished_at),
    )


@route(
    "POST",
    "/api/v1/imports",
    permission=P.APPLICATIONS_WRITE,
    spooled=ImportOptions,
    answer=ImportView,
    status=202,
    idempotency_key="required",
    filters=(
        Filter("dry_run", "As the field of this name.", choices=_YES_NO),
        Filter("submit", "As the field of this name.", choices=_YES_NO),
    ),
    transaction=False,
    raises=(BadSpreadsheet, background.TooManyJobs),
)
async def order_import(call: Call[None]) -> Response[Any]:
    """Import merchants from a CSV or XLSX file: each row becomes an application, in the background.

    The columns are those of the template; rows whose external_ref is there already add nothing.
    """
    key = idempotency.check_key(call.key)
    call.actor.own_dfsp()
    queried = {name: text for name, text in call.filters.items() if text is not None}
    async with read_upload(call.request, call.service.settings.import_max_bytes) as upload:
        wanted = _options(queried, upload)
        done = await take_upload(call.service, call.actor, key, upload, wanted, web.language_of(call.request))
    headers = {"idempotency-replayed": "true"} if done.replayed else {}
    return web.answer(done.body, done.status, headers=headers)


async def take_upload(
    service: Service, actor: Actor, key: str, upload: Upload, wanted: ImportOptions, language: str
) -> idempotency.Outcome:
    """Order the import of a file that was received, once by its key; the outcome holds the ImportView.

    Raises BadSpreadsheet, TooManyJobs, and what an Idempotency-Key is refused with. Pages call it too: they receive
    the file themselves, since it may be too large for memory.
    """
    with open_nameless(service) as batches:
        import_id = ids.uuid7()
        contents = await asyncio.to_thread(imports.read_file, upload.file, batches, service.vault, import_id)
        new = imports.NewImport(
            id=import_id,
            contents=contents,
            file_name=upload.file_name,
            file_sha256=upload.sha256,
            dry_run=wanted.dry_run == "true",
            submit=wanted.submit == "true",
        )
        sent = msgspec.json.encode([upload.sha256, wanted.dry_run, wanted.submit])
        async with service.db.tenant(actor.dfsp_id) as tx:

            async def order() -> tuple[int, bytes]:
                job = await imports.order(tx, actor, new, batches)
                return 202, web.encode(import_view(job, language))

            return await idempotency.run_once(tx, service.vault, actor, "imports", key, sent, order)


def _options(queried: Mapping[str, str], upload: Upload) -> ImportOptions:
    """What the fields say, else the query. Raises InvalidFields."""
    known = [field.name for field in msgspec.structs.fields(ImportOptions)]
    faults = []
    for name, text in upload.fields.items():
        if name not in known:
            told = _("There is no such field here; there are {allowed}.", allowed=", ".join(known))
            faults.append(errors.FieldError(name[:100], "unknown", told))
        elif text not in _YES_NO:
            told = _("Must be one of {choices}.", choices=", ".join(_YES_NO))
            faults.append(errors.FieldError(name, "invalid", told))
    if faults:
        raise errors.InvalidFields(errors=tuple(faults))
    return msgspec.convert(dict(queried) | upload.fields, ImportOptions)


@route("GET", "/api/v1/imports", permission=P.APPLICATIONS_WRITE, items=ImportView, paged=True, sorts=BY_AGE)
async def list_imports(call: Call[None]) -> Listed:
    """List imports, newest first; they are kept for a week."""
    rows = await background.list_page(call.tx, imports.KIND, call.actor, call.page)
    language = web.language_of(call.request)
    return Listed([import_view(row, language) for row in rows], [row.id for row in rows])


@route("GET", "/api/v1/imports/{import_id}", permission=P.APPLICATIONS_WRITE, answer=ImportView)
async def read_import(call: Call[None], import_id: UUID) -> ImportView:
    """How far an import is."""
    job = await background.find(call.tx, imports.KIND, call.actor, import_id)
    return import_view(job, web.language_of(call.request))


class ImportProblem(Struct, frozen=True):
    """What is wrong with a row, and where."""

    path: str
    code: str
    message: str


class ImportRowView(Struct, frozen=True):
    """What became of a row, by its number in the file."""

    row: int
    external_ref: str
    outcome: Literal["added", "exists", "failed"]
    application_id: UUID | None
    problems: list[ImportProblem]


@route(
    "GET",
    "/api/v1/imports/{import_id}/rows",
    permission=P.APPLICATIONS_WRITE,
    items=ImportRowView,
    filters=(
        Filter("outcome", "Only rows with this outcome; `failed` unless given.", choices=("added", "exists", "failed")),
        Filter("after", "Only rows below this one of the file.", kind="integer"),
    ),
)
async def list_import_rows(call: Call[None], import_id: UUID) -> list[ImportRowView]:
    """List the first hundred rows with an outcome, among those that are worked off; the report has them all."""
    job = await background.find(call.tx, imports.KIND, call.actor, import_id)
    after = outcomes.row_number(call.filters.get("after"))
    wanted = call.filters.get("outcome") or "failed"
    found = await outcomes.rows(call.tx, call.service.vault, job.id, wanted, after)
    language = web.language_of(call.request)
    return [
        ImportRowView(
            one.row,
            one.external_ref,
            one.result,
            one.application_id,
            [ImportProblem(fault.path, fault.code, fault.message(language)) for fault in one.faults],
        )
        for one in found
    ]


@route(
    "GET",
    "/api/v1/imports/{import_id}/report",
    permission=P.APPLICATIONS_WRITE,
    media=("text/csv",),
)
async def read_import_report(call: Call[None], import_id: UUID) -> Stream:
    """Fetch what became of each row that is worked off so far, as CSV, in your language."""
    job = await background.find(call.tx, imports.KIND, call.actor, import_id)
    lines = _report(call, job, web.language_of(call.request))
    return attachment(lines, f"import-{job.id}.csv", CSV_MEDIA)


async def _report(call: Call[None], job: ImportJob, language: str) -> AsyncIterator[bytes]:
    yield b"\xef\xbb\xbf" + csv_text([outcomes.REPORT_COLUMNS]).encode()
    open_tx = partial(call.service.db.tenant, job.dfsp_id)
    async for lines in outcomes.report(open_tx, call.service.vault, job.id, language):
        yield lines.encode(errors="replace")


@route(
    "GET",
    "/api/v1/import-template",
    permission=P.APPLICATIONS_WRITE,
    filters=(Filter("format", "csv (unless told otherwise) or xlsx.", choices=("csv", "xlsx")),),
    media=("text/csv", XLSX_MEDIA),
    transaction=False,
)
async def read_import_template(call: Call[None]) -> Response[bytes]:
    """Fetch the template of an import: its columns, what each holds, and two examples."""
    kind = call.filters["format"] or "csv"
    language = web.language_of(call.request)
    header, *remarks = template.rows(language)
    out = io.BytesIO()
    folder = exports_folder(call.service)
    heading = Heading("import-template", {}, clock.rfc3339(clock.now()), call.actor.name)
    table = WRITERS[kind].begin(out, folder, heading, header)
    table.rows([list(row) for row in remarks])
    table.end()
    media = CSV_MEDIA if kind == "csv" else XLSX_MEDIA
    headers = {"content-disposition": f'attachment; filename="import-template.{kind}"', "vary": "accept-language"}
    return Response(out.getvalue(), media_type=media, headers=headers)


ROUTES = [order_import, list_imports, read_import, list_import_rows, read_import_report, read_import_template]
