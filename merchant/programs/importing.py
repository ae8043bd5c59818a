"""What `merchant import` does: orders an import as a person of a DFSP would, works it off here, and tells of it.

A worker that runs meanwhile may take a part in it; whoever is stopped half-way starts the same command again, since
rows whose external_ref is there add nothing.
"""

import asyncio
import csv
import hashlib
import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from msgspec import Struct
from sqlmodel import select

from merchant.core import background, errors, ids
from merchant.core.access import SERVICE, Actor, Permission
from merchant.core.http.exports import open_nameless
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.exchange import imports, outcomes
from merchant.exchange.incumbent.mapping import Mapped, map_merchants
from merchant.exchange.incumbent.tables import read_export
from merchant.exchange.models import ImportJob
from merchant.exchange.tables.csv_table import csv_text
from merchant.people import sessions, sign_in

_BUSY_S = 0.5  # how long to wait for another process that has the next batch


class Order(Struct, frozen=True):
    """For which DFSP, in whose name, and how the file is to be taken."""

    fsp_id: str
    maker: str | None
    dry_run: bool
    submit: bool


async def import_file(
    service: Service, file: BinaryIO, name: str, order: Order, tell: Callable[[ImportJob], None]
) -> ImportJob:
    """Import a spreadsheet and work it off; `tell` is called after each few seconds of it.

    Raises BadSpreadsheet, NotFound for a DFSP or maker that is not there, NotAllowed for one who is no maker.
    """
    actor = await _actor(service, order)
    import_id = ids.uuid7()
    with open_nameless(service) as copy, open_nameless(service) as batches:
        shutil.copyfileobj(file, copy)  # standard input cannot be read twice
        copy.seek(0)
        raw: Any = copy
        digest = hashlib.file_digest(raw, "sha256").hexdigest()
        copy.seek(0)
        contents = await asyncio.to_thread(imports.read_file, copy, batches, service.vault, import_id)
        new = imports.NewImport(import_id, contents, name, digest, dry_run=order.dry_run, submit=order.submit)
        async with service.db.tenant(actor.dfsp_id) as tx:
            await imports.order(tx, actor, new, batches)
    while True:
        async with service.db.system_reads() as reads:
            job: ImportJob = await reads.one(select(ImportJob).where(ImportJob.id == import_id))
        tell(job)
        if job.finished_at is not None:
            return job
        try:
            await background.run_slice(service, imports.KIND, import_id)
        except BlockingIOError:
            await asyncio.sleep(_BUSY_S)


async def _actor(service: Service, order: Order) -> Actor:
    """The maker, or the service itself where nobody is named: then any checker may decide."""
    async with service.db.system_reads() as tx:
        dfsp_id = await tx.fetchval("SELECT id FROM dfsp WHERE fsp_id = $1", order.fsp_id)
        if dfsp_id is None:
            raise errors.NotFound(_("There is no DFSP of this id."))
        if order.maker is None:
            return Actor(kind=SERVICE.kind, id=SERVICE.id, name=SERVICE.name, dfsp_id=dfsp_id)
        email = sign_in.normal_email(order.maker)
        user_id = await tx.fetchval("SELECT id FROM app_user WHERE email = $1 AND dfsp_id = $2", email, dfsp_id)
    if user_id is None:
        raise errors.NotFound(_("Nobody of this DFSP has this e-mail address."))
    actor = await sessions.user_actor(service, user_id)
    actor.require(Permission.APPLICATIONS_WRITE)
    return actor


async def write_report(service: Service, import_id: UUID, path: Path) -> None:
    """Write what became of each row as CSV, as the API's report has it, in English."""
    with path.open("w", encoding="utf-8-sig", newline="") as out:
        out.write(csv_text([outcomes.REPORT_COLUMNS]))
        async for lines in outcomes.report(service.db.system, service.vault, import_id, "en"):
            out.write(lines)


def read_incumbent(source: Path, drawn_digits: int, fsp_id: str | None) -> Mapped:
    """The merchants of another registry's export as rows of an import. Raises NoExport."""
    return map_merchants(read_export(source), drawn_digits, fsp_id)


def as_table(mapped: Mapped) -> bytes:
    """Mapped rows as the CSV file of an import."""
    columns = mapped.columns()
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(columns)
    writer.writerows([[row.get(column, "") for column in columns] for row in mapped.rows])
    return out.getvalue().encode()
