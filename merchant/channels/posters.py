"""Print runs: the counter posters of a DFSP's merchants as one PDF, made in the background and kept for a week.

`order_batch` stores what is wanted and leaves a job; the worker calls `print_some`, which prints for a few seconds
(press.py), keeps the progress, and leaves the rest to a job of its own. Files lie in data_dir/posters, which processes
on several machines must share. Routes: poster_routes.py.
"""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import structlog
from msgspec import Struct
from sqlmodel import select

from merchant.channels.models import PosterBatch
from merchant.channels.press import MANIFEST, Run, print_slice
from merchant.core import audit, clock, errors, outbox
from merchant.core.access import Actor, scope_to
from merchant.core.db import Reads, Tx
from merchant.core.paging import Page, page
from merchant.core.service import Service
from merchant.registry.merchants.states import Capability, MerchantState, merchant_may
from qr.posters import BadDesign, Design
from qr.posters.poster import Page as Paper
from qr.symbols.errors import PictureError

TOPIC = "channels.posters"
MAX_CODES = 20_000  # a minute of work and a file of some 60 MB
MAX_OPEN = 3  # runs of one DFSP at a time; more is a loop in someone's script
KEPT_FOR = timedelta(days=7)
PROGRESS_EVERY_S = 0.5
_PAYABLE = [state for state in MerchantState if merchant_may(state, Capability.TAKE_PAYMENT)]
_log = structlog.get_logger()


class Order(Struct, frozen=True):
    """What shall be printed: no merchants named means all that may take payments."""

    page: Paper
    languages: tuple[str, ...]
    merchant_ids: tuple[UUID, ...] = ()


class BatchJob(Struct, frozen=True):
    """The job's payload."""

    batch_id: UUID


# Counters younger than the run are left out, so that its pages stay the same from slice to slice.
_COUNTERS = """
FROM counter c JOIN merchant m ON m.id = c.merchant_id JOIN dfsp d ON d.id = c.dfsp_id
WHERE c.dfsp_id = $1 AND c.created_at <= $2 AND m.state = ANY($3) AND (cardinality($4::uuid[]) = 0 OR m.id = ANY($4))
"""
_COUNT = f"SELECT count(*) {_COUNTERS}"
_CODES = f"""
SELECT c.alias_type, c.alias, c.name AS counter, m.trading_name, m.city, m.country, m.mcc, m.currencies, d.name AS dfsp,
       1 + coalesce((SELECT max(version) FROM ended_sticker WHERE counter_id = c.id), 0) AS sticker
{_COUNTERS} ORDER BY c.id
"""  # noqa: S608 - our own text
_OPEN = "SELECT count(*) FROM poster_batch WHERE dfsp_id = $1 AND finished_at IS NULL"
_UNFINISHED = """
SELECT id, dfsp_id, merchant_ids, page, languages, skipped::text AS skipped, created_at FROM poster_batch
WHERE id = $1 AND finished_at IS NULL
"""
_PROGRESS = "UPDATE poster_batch SET done = $2, skipped = $3::jsonb WHERE id = $1"
_FINISH = "UPDATE poster_batch SET pdf_sha256 = $2, problem = $3, finished_at = $4 WHERE id = $1"


async def order_batch(tx: Tx, service: Service, actor: Actor, order: Order) -> PosterBatch:
    """Store a print run and the job that starts it.

    Raises NotAllowed, InvalidFields, WrongState when there is nothing to print, TooManyRequests.
    """
    dfsp_id = actor.own_dfsp()
    try:
        Design(page=order.page, languages=order.languages)
    except BadDesign as error:
        raise errors.invalid_field("languages", "bad_design", f"{error}.") from None
    merchant_ids = await _merchants(tx, actor, dfsp_id, order)
    if await tx.fetchval(_OPEN, dfsp_id) >= MAX_OPEN:
        raise errors.TooManyRequests(f"{MAX_OPEN} print runs are under way; wait until one is done.")
    now = clock.now()
    total = await tx.fetchval(_COUNT, dfsp_id, now, _PAYABLE, merchant_ids)
    if not total:
        raise errors.WrongState("There is nothing to print: no counter of these merchants may take payments.")
    if total > MAX_CODES:
        raise errors.invalid_field(
            "merchant_ids", "too_many", f"{total} posters are wanted, {MAX_CODES} are possible: name merchants."
        )
    batch = PosterBatch(
        dfsp_id=dfsp_id,
        merchant_id=actor.merchant_id,
        merchant_ids=merchant_ids,
        page=order.page,
        languages=list(order.languages),
        total=total,
        skipped=[],
        created_at=now,
    )
    tx.session.add(batch)
    await audit.record(tx, actor, "posters.ordered", "poster_batch", batch.id, dfsp_id=dfsp_id, codes=total)
    await _leave_job(tx, batch.id, dfsp_id)
    return batch


async def _merchants(tx: Tx, actor: Actor, dfsp_id: UUID, order: Order) -> list[UUID]:
    """The merchants to print for, all the actor's own; none means all of the DFSP's."""
    wanted = list(dict.fromkeys(order.merchant_ids))
    if actor.merchant_id is not None and not wanted:
        return [actor.merchant_id]
    known = await tx.fetchval(
        "SELECT count(*) FROM merchant WHERE dfsp_id = $1 AND id = ANY($2) AND ($3::uuid IS NULL OR id = $3)",
        dfsp_id,
        wanted,
        actor.merchant_id,
    )
    if known < len(wanted):
        raise errors.invalid_field("merchant_ids", "unknown", "Some of these merchants are not yours.")
    return wanted


async def find_batch(tx: Reads, actor: Actor, batch_id: UUID) -> PosterBatch:
    """A print run that the actor may see. Raises NotFound."""
    found: PosterBatch = await tx.one(
        scope_to(actor, select(PosterBatch).where(PosterBatch.id == batch_id), PosterBatch)
    )
    return found


async def list_batches(tx: Reads, actor: Actor, wanted: Page) -> list[PosterBatch]:
    """Print runs, newest first."""
    return await page(tx, scope_to(actor, select(PosterBatch), PosterBatch), PosterBatch.id, wanted)


def pdf_file(service: Service, batch_id: UUID) -> Path:
    """Where a run's PDF is."""
    return _folder(service) / f"{batch_id}.pdf"


def manifest_file(service: Service, batch_id: UUID) -> Path:
    """Where a run's manifest is."""
    return pdf_file(service, batch_id).with_suffix(MANIFEST)


def _folder(service: Service) -> Path:
    return service.settings.data_dir / "posters"


async def _leave_job(tx: Tx, batch_id: UUID, dfsp_id: UUID) -> None:
    # One slice at a time, and a run's next slice after those of all others: nobody waits for a long run.
    await outbox.add(tx, TOPIC, BatchJob(batch_id), dfsp_id=dfsp_id, order_key=TOPIC)


async def print_some(service: Service, batch_id: UUID) -> None:
    """Print a run for some seconds; finish it, or leave its next slice to another job. Repeating it does no harm."""
    async with service.db.system_reads() as tx:
        batch = await tx.fetchrow(_UNFINISHED, batch_id)
        if batch is None:
            return
        rows = await tx.fetch(_CODES, batch["dfsp_id"], batch["created_at"], _PAYABLE, batch["merchant_ids"])
    scheme = await service.scheme()
    run = Run(
        file=pdf_file(service, batch_id),
        design=Design(page=batch["page"], languages=tuple(batch["languages"]), scheme=scheme.name),
        skipped=msgspec.json.decode(batch["skipped"], type=list[dict[str, str]]),
    )
    printing = asyncio.create_task(asyncio.to_thread(print_slice, run, scheme, rows))
    while not printing.done():
        await asyncio.wait({printing}, timeout=PROGRESS_EVERY_S)
        async with service.db.system_statements() as tx:
            await tx.execute(_PROGRESS, batch_id, run.done, msgspec.json.encode(run.skipped).decode())
    error = printing.exception()
    if isinstance(error, BlockingIOError):
        raise error  # another thread still prints this run: come again
    problem = None
    if error is not None:
        # Whatever it is: tried again and again, it would hold up everybody's runs.
        _log.error("posters_failed", batch=str(batch_id), exc_info=error)
        problem = f"{error}." if isinstance(error, PictureError) else "Printing failed on our side; order again."
    async with service.db.system() as tx:
        if run.printed is not None or problem is not None:
            sha256 = run.printed.pdf_sha256 if run.printed is not None else None
            await tx.execute(_FINISH, batch_id, sha256, problem, clock.now())
        else:
            await _leave_job(tx, batch_id, batch["dfsp_id"])


async def prune(service: Service) -> None:
    """Forget print runs and their files after a week. Each process forgets the files of its own data folder."""
    before = clock.now() - KEPT_FOR
    async with service.db.system() as tx:
        await tx.execute("DELETE FROM poster_batch WHERE created_at < $1", before)
    for file in _folder(service).glob("*"):
        if file.stat().st_mtime < before.timestamp():
            file.unlink(missing_ok=True)
