"""Print runs: the counter posters of a DFSP's merchants as one PDF, printed in the background and kept for a week.

A print run is a background job (core/background.py). `order_batch` stores what to print; the worker prints for a few
seconds at a time (press.py) into a PDF and its manifest. Routes: poster_routes.py.
"""

import asyncio
from datetime import timedelta
from typing import cast
from uuid import UUID

from msgspec import Struct

from merchant.channels.models import PosterBatch
from merchant.channels.press import Run, print_slice
from merchant.channels.problems import NothingToPrint
from merchant.core import audit, background, clock, errors, files
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.registry.codes.stickers import CURRENT_VERSION
from merchant.registry.merchants.states import Capability, MerchantState, merchant_may
from qr.posters import BadDesign, Design
from qr.posters.poster import Page as Paper
from qr.symbols.errors import PictureError

MAX_CODES = 20_000  # half a minute of CPU and a file of some 60 MB
PDF, MANIFEST = ".pdf", ".jsonl"
_PAYABLE = [state for state in MerchantState if merchant_may(state, Capability.TAKE_PAYMENT)]


class Order(Struct, frozen=True):
    """What to print: no merchants named means all that may take payments."""

    page: Paper
    languages: tuple[str, ...]
    merchant_ids: tuple[UUID, ...] = ()


# Counters younger than the run are left out, so that its pages stay the same from slice to slice.
_COUNTERS = """
FROM counter c JOIN merchant m ON m.id = c.merchant_id JOIN dfsp d ON d.id = c.dfsp_id
WHERE c.dfsp_id = $1 AND c.created_at <= $2 AND m.state = ANY($3) AND (cardinality($4::uuid[]) = 0 OR m.id = ANY($4))
"""
_COUNT = f"SELECT count(*) {_COUNTERS}"
_CODES = f"""
SELECT c.alias_type, c.alias, c.name AS counter, m.trading_name, m.ussd_name, m.city, m.country, m.mcc, m.currencies,
       d.name AS dfsp,
       {CURRENT_VERSION} AS sticker
{_COUNTERS} ORDER BY c.id
"""


async def order_batch(tx: Tx, actor: Actor, order: Order) -> PosterBatch:
    """Store a print run and its first slice. Raises NotAllowed, InvalidFields, NothingToPrint, TooManyJobs."""
    dfsp_id = actor.own_dfsp()
    if actor.counter_id is not None:
        told = _("Whoever works for one counter orders no posters; fetch the counter's own code instead.")
        raise errors.NotAllowed(told)
    try:
        Design(page=order.page, languages=order.languages)
    except BadDesign as error:
        raise errors.invalid_field("languages", "bad_design", _("Not valid: {fault}.", fault=error)) from None
    merchant_ids = await _merchants(tx, actor, dfsp_id, order)
    now = clock.now()
    total = await tx.fetchval(_COUNT, dfsp_id, now, _PAYABLE, merchant_ids)
    if not total:
        raise NothingToPrint
    if total > MAX_CODES:
        raise errors.invalid_field(
            "merchant_ids",
            "too_many",
            _("{total} posters are wanted, {most} are possible: name merchants.", total=total, most=MAX_CODES),
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
    await background.order(tx, KIND, batch)
    await audit.record(tx, actor, "posters.ordered", "poster_batch", batch.id, dfsp_id=dfsp_id, codes=total)
    return batch


async def _merchants(tx: Tx, actor: Actor, dfsp_id: UUID, order: Order) -> list[UUID]:
    """The merchants to print for, all the actor's own; an empty list means all of the DFSP's."""
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
        raise errors.invalid_field("merchant_ids", "unknown", _("Some of these merchants are not yours."))
    return wanted


async def print_next(service: Service, batch: PosterBatch) -> bool:
    """Print a run for some seconds; whether it is done.

    Raises PictureError, OSError, and BlockingIOError while another process or thread prints this run.
    """
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(_CODES, batch.dfsp_id, batch.created_at, _PAYABLE, batch.merchant_ids)
    scheme = await service.scheme()
    run = Run(
        pdf=background.path_of(service, KIND, batch.id, PDF),
        manifest=background.path_of(service, KIND, batch.id, MANIFEST),
        design=Design(page=cast(Paper, batch.page), languages=tuple(batch.languages), scheme=scheme.name),
        progress=batch,
        base_url=service.settings.base_url,
    )
    printed = await asyncio.to_thread(print_slice, run, scheme, rows)
    if printed is not None:
        batch.pdf_sha256 = printed.pdf_sha256
    return printed is not None


KIND = background.Kind(
    topic="channels.posters",
    table=PosterBatch,
    next_slice=print_next,
    results=("skipped", "pdf_sha256"),
    folder=files.Folder("posters", (PDF, MANIFEST), max_bytes=256 << 20, kept_for=timedelta(days=7)),
    max_open=3,
    told=(PictureError,),
)
