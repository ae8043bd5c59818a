"""Imports: a file of merchants becomes applications, a hundred rows a transaction, in the background.

`read_file` takes a spreadsheet apart before anything is stored, so that one that cannot be read is refused at once;
`order` stores its rows, and `import_next` works them off as a background job (core/background.py). A row is an
application of whoever sent the file, by the rules of compliance/cases/bulk.py; what fails, fails alone.
"""

import asyncio
import struct
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from hashlib import blake2b
from itertools import islice
from typing import BinaryIO
from uuid import UUID

import msgspec
from msgspec import Struct

from merchant.compliance.cases import bulk
from merchant.compliance.cases.blocking.refusals import Subject, problem_of, record_refusal
from merchant.core import audit, background, db, errors, files
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.vault import Vault
from merchant.exchange import outcomes
from merchant.exchange.columns import MAX_FAULTS_OF_ROW, Plan, read_header
from merchant.exchange.models import ImportJob
from merchant.exchange.outcomes import Fault, Outcome
from merchant.exchange.problems import bad_file
from merchant.exchange.spreadsheets import MAX_ROWS, Row, read_rows

ROWS = "import-rows:{import_id}/{number}"  # as vault.seal is told
BATCH_ROWS = 100  # a third of a second, in which the DFSP's chain of the audit record is locked at the end
SLICE_S = 5.0  # far below the lease of a job, and no longer than a worker may take to stop
_STORED_AT_ONCE = 20  # batches a statement, some hundred kilobytes
_NAME_CHARS = 128
_LENGTH = struct.Struct(">I")


class ImportRow(Struct, frozen=True, array_like=True):
    """A row as it waits: its number, its external_ref, the row before it with the same one, its cells if it has any."""

    number: int
    external_ref: str
    repeats: int | None
    cells: list[str] | None


class Contents(Struct, frozen=True):
    """What was read of a file; the sealed batches stand in a file of their own."""

    columns: list[str]
    rows: int
    batches: int


# --- reading ---------------------------------------------------------------------------------------------------------


def read_file(file: BinaryIO, batches: BinaryIO, vault: Vault, import_id: UUID) -> Contents:
    """Read a spreadsheet and write its rows to `batches`, sealed. Memory stays flat, for CSV and for XLSX.

    Raises BadSpreadsheet for what cannot be read or is no table of ours.
    """
    rows = read_rows(file)
    try:
        header = next(rows, None)
        if header is None or not header.cells or not any(cell.strip() for cell in header.cells):
            raise bad_file("no_rows", _("The file is empty; its first row must name the columns."))
        plan = read_header(header.cells)
        count = number = 0
        waiting = _waiting(rows, plan)
        while batch := list(islice(waiting, BATCH_ROWS)):
            count += len(batch)
            if count > MAX_ROWS:
                raise bad_file("too_many_rows", _("A file has {most} rows at most; split it.", most=MAX_ROWS))
            context = ROWS.format(import_id=import_id, number=number)
            sealed = vault.seal(msgspec.json.encode(batch), context)
            batches.write(_LENGTH.pack(len(sealed)) + sealed)
            number += 1
    finally:
        rows.close()
    if not count:
        raise bad_file("no_rows", _("The file has no rows below its header."))
    return Contents([column.name for column in plan.columns], count, number)


def _waiting(rows: Iterator[Row], plan: Plan) -> Iterator[ImportRow]:
    """The rows that hold something, without remarks: rows whose external_ref begins with #, as the template's do."""
    first_rows: dict[bytes, int] = {}
    for row in rows:
        if row.cells is None:
            yield ImportRow(row.number, "", None, None)
            continue
        if not any(cell.strip() for cell in row.cells):
            continue
        external_ref = plan.external_ref(row.cells)[:300]
        if external_ref.startswith("#"):
            continue
        repeats = None
        if external_ref:
            # Short digests, since a hundred thousand references of any length would not be flat.
            digest = blake2b(external_ref.encode(errors="replace"), digest_size=8).digest()
            repeats = first_rows.setdefault(digest, row.number)
        yield ImportRow(row.number, external_ref, repeats if repeats != row.number else None, row.cells)


# --- ordering --------------------------------------------------------------------------------------------------------


class NewImport(Struct, frozen=True):
    """A file that was read, and how it is to be taken."""

    id: UUID
    contents: Contents
    file_name: str
    file_sha256: str
    dry_run: bool
    submit: bool


async def order(tx: Tx, actor: Actor, new: NewImport, batches: BinaryIO) -> ImportJob:
    """Store an import with its rows, and its first slice. Raises NotAllowed for hub staff, TooManyJobs."""
    contents = new.contents
    job = ImportJob(
        id=new.id,
        dfsp_id=actor.own_dfsp(),
        total=contents.rows,
        actor_kind=actor.kind,
        actor_id=actor.id,
        issuer_id=actor.issuer_id,
        file_name=new.file_name[-_NAME_CHARS:],
        file_sha256=new.file_sha256,
        dry_run=new.dry_run,
        submit=new.submit,
        columns=contents.columns,
    )
    await background.order(tx, KIND, job)
    await tx.flush()
    batches.seek(0)
    for start in range(0, contents.batches, _STORED_AT_ONCE):
        numbers = range(start, min(start + _STORED_AT_ONCE, contents.batches))
        sealed = await asyncio.to_thread(_read_sealed, batches, len(numbers))
        await tx.execute(_STORE, job.id, job.dfsp_id, list(numbers), sealed)
    await audit.record(
        tx,
        actor,
        "import.ordered",
        "import",
        job.id,
        dfsp_id=job.dfsp_id,
        rows=job.total,
        dry_run=job.dry_run,
        submit=job.submit,
        file_sha256=job.file_sha256,
    )
    return job


_STORE = """
INSERT INTO import_batch (import_id, dfsp_id, number, rows_sealed)
SELECT $1, $2, given.number, given.sealed FROM unnest($3::int[], $4::bytea[]) AS given (number, sealed)
"""


def _read_sealed(batches: BinaryIO, count: int) -> list[bytes]:
    return [batches.read(_LENGTH.unpack(batches.read(_LENGTH.size))[0]) for _number in range(count)]


# --- working off -----------------------------------------------------------------------------------------------------

_NEXT = """
SELECT number, rows_sealed FROM import_batch
WHERE import_id = $1 AND number > $2 AND outcomes_sealed IS NULL ORDER BY number LIMIT 1
"""
_TAKE = """
SELECT number FROM import_batch WHERE import_id = $1 AND number = $2 AND outcomes_sealed IS NULL FOR UPDATE SKIP LOCKED
"""
_DONE = "UPDATE import_batch SET rows_sealed = NULL, outcomes_sealed = $3 WHERE import_id = $1 AND number = $2"
_COUNT = """
UPDATE import_job SET added = added + $2, existing = existing + $3, failed = failed + $4
WHERE id = $1 RETURNING added, existing, failed
"""


class _Judged(Struct, frozen=True):
    """A row that was judged: what became of it, or what is to be stored for it."""

    row: ImportRow
    outcome: Outcome | None = None
    prepared: bulk.Prepared | None = None


async def import_next(service: Service, job: ImportJob) -> bool:
    """Work off batches for some seconds; whether the import is done.

    Raises BlockingIOError while another process works on the same batch, or the database is in the way.
    """
    began_s, number = time.monotonic(), -1
    job.done = job.added + job.existing + job.failed  # as the batches left it, whatever was killed
    plan = read_header(job.columns)
    while True:
        async with service.db.system_reads() as tx:
            batch = await tx.fetchrow(_NEXT, job.id, number)
        if batch is None:
            return number < 0 or await _is_complete(service, job)
        number = batch["number"]
        try:
            await _work_off(service, job, plan, number, batch["rows_sealed"])
        except Exception as error:
            if db.is_contention(error) or db.is_unavailable(error):
                raise BlockingIOError(f"batch {number} is tried again") from error
            raise
        if time.monotonic() - began_s > SLICE_S:
            return False


async def _is_complete(service: Service, job: ImportJob) -> bool:
    async with service.db.system_reads() as tx:
        return await tx.fetchrow(_NEXT, job.id, -1) is None


async def _work_off(service: Service, job: ImportJob, plan: Plan, number: int, sealed: bytes) -> None:
    """One batch: judged outside any transaction, stored in one together with its outcomes and the counts."""
    context = ROWS.format(import_id=job.id, number=number)
    rows = msgspec.json.decode(service.vault.open(sealed, context), type=list[ImportRow])
    actor = Actor(kind=job.actor_kind, id=job.actor_id, name="", dfsp_id=job.dfsp_id, issuer_id=job.issuer_id)
    refs = [row.external_ref for row in rows if row.external_ref and "\0" not in row.external_ref]
    async with service.db.system_reads() as reads:
        known = await bulk.find_by_refs(reads, job.dfsp_id, refs)
    desk = Desk(
        service,
        actor,
        plan,
        known,
        (await service.scheme()).alias_length,
        await bulk.desk_of(service, job.dfsp_id),
        job.submit,
    )
    judged = await asyncio.to_thread(lambda: [_judge(desk, row) for row in rows])
    listed = await bulk.find_listed(service, [one.prepared for one in judged if one.prepared is not None])
    held = [_hold_back(one, listed) for one in judged]
    refused = [before for before, after in zip(judged, held, strict=True) if after is not before]
    prepared = [one.prepared for one in held if one.prepared is not None]
    await bulk.add_doubts(service, prepared, desk.rules.ground.policy, listed)
    async with service.db.system() as tx:
        if await tx.fetchrow(_TAKE, job.id, number) is None:
            raise BlockingIOError(f"another process has batch {number}")
        opened = [] if job.dry_run else await bulk.open_applications(tx, actor, prepared)
        for one in refused:
            assert one.prepared is not None
            subject = Subject("import", job.id, job.dfsp_id, {"row": one.row.number})
            await record_refusal(tx, actor, subject, listed[one.prepared.application.id])
        found = _outcomes(held, opened)
        await tx.flush()
        await tx.execute(_DONE, job.id, number, outcomes.seal(service.vault, job.id, number, found))
        counts = [sum(one.result == result for one in found) for result in ("added", "exists", "failed")]
        now = await tx.fetchrow(_COUNT, job.id, *counts)
    if now is not None:
        job.added, job.existing, job.failed = now["added"], now["existing"], now["failed"]
        job.done = job.added + job.existing + job.failed


class Desk(Struct, frozen=True):
    """What the rows of a batch are judged with: whose they are, what is there already, policy and lists."""

    service: Service
    actor: Actor
    plan: Plan
    known: dict[str, UUID]
    drawn_digits: int
    rules: bulk.Desk
    submit: bool


def _judge(desk: Desk, row: ImportRow) -> _Judged:
    """What is known of a row before anything is stored. Knows no database, so that a thread may run it."""
    try:
        if row.cells is None:
            told = _("The row cannot be read; is a closing quote missing?")
            raise errors.invalid_field("row", "unreadable_row", told)
        if not row.external_ref:
            told = _("Give your own reference of this merchant.")
            raise errors.invalid_field("external_ref", "missing", told)
        if row.repeats is not None:
            told = _("Row {row} has the same reference.", row=row.repeats)
            raise errors.invalid_field("external_ref", "repeated", told)
        if row.external_ref in desk.known:
            there = Outcome(row.number, row.external_ref, "exists", desk.known[row.external_ref])
            return _Judged(row, there)
        sections = desk.plan.sections(row.cells)
        found = bulk.prepare(desk.service, desk.actor, sections, desk.drawn_digits, desk.rules, submit=desk.submit)
        return _Judged(row, prepared=found)
    except errors.MerchantError as error:
        return _Judged(row, _failed(row, outcomes.faults_of(error, MAX_FAULTS_OF_ROW)))


def _hold_back(one: _Judged, listed: bulk.Listed) -> _Judged:
    """The same row; failed where answers of it are block-listed."""
    problem = problem_of(listed.get(one.prepared.application.id, ())) if one.prepared is not None else None
    if problem is None:
        return one
    return _Judged(one.row, _failed(one.row, outcomes.faults_of(problem, MAX_FAULTS_OF_ROW)))


def _failed(row: ImportRow, faults: list[Fault]) -> Outcome:
    return Outcome(row.number, row.external_ref, "failed", None, faults)


def _outcomes(judged: Sequence[_Judged], opened: Sequence[bulk.Opened]) -> list[Outcome]:
    """The outcome of every row; in a dry run, where nothing was opened, what would have been added."""
    stored = iter(opened)
    found = []
    for one in judged:
        outcome = one.outcome
        if outcome is None:
            made = next(stored, None)
            result: outcomes.Result = "added" if made is None else made.outcome
            application_id = None if made is None else made.application_id
            outcome = Outcome(one.row.number, one.row.external_ref, result, application_id)
        found.append(outcome)
    return found


KIND = background.Kind(
    topic="exchange.imports",
    table=ImportJob,
    next_slice=import_next,
    results=(),  # the counts are written with the rows themselves
    folder=files.Folder("imports", (), max_bytes=0, kept_for=timedelta(days=7)),
    max_open=3,
)
