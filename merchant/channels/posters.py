"""Print runs: the counter posters of a DFSP's merchants as one PDF, printed in the background and kept for a week.

A print run is a background job (core/background.py). `order_batch` stores what to print; the worker prints for a few
seconds at a time (press.py) into a PDF and its manifest. Routes: poster_routes.py.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import cast
from uuid import UUID

from msgspec import Struct, convert, to_builtins
from msgspec.structs import replace

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
from qr.drawing.marks import reduced_mark
from qr.posters import Accepted, BadDesign, Design, MissingGlyph, Poster, TextTooLong, poster_pdf
from qr.posters.poster import Page as Paper
from qr.symbols.errors import BadLogo, CodeTooSmall, PictureError

MAX_CODES = 20_000  # half a minute of CPU and a file of some 60 MB
MARK_SIDE_PX = 600  # 300 dots an inch on A4; a picture of a run is kept in its row
PDF, MANIFEST = ".pdf", ".jsonl"
A5 = Design()
_PAYABLE = [state for state in MerchantState if merchant_may(state, Capability.TAKE_PAYMENT)]


class Look(Struct, frozen=True):
    """How a print run looks beside paper and languages; pictures are PNG or JPEG, none being empty."""

    accent: str = A5.accent
    columns: int = A5.columns
    rows: int = A5.rows
    scheme_mark: bytes = b""
    dfsp_mark: bytes = b""
    logo: bytes = b""
    accepted: tuple[Accepted, ...] = ()

    def reduced(self) -> "Look":
        """The look with small pictures. Raises BadLogo."""
        accepted = (replace(one, mark=_reduced(one.mark)) for one in self.accepted)
        pictures = {name: _reduced(getattr(self, name)) for name in ("scheme_mark", "dfsp_mark", "logo")}
        return replace(self, **pictures, accepted=tuple(accepted))

    def design(self, page: str, languages: Sequence[str], scheme: str = "", date: str = "") -> Design:
        """The design of a run. Raises BadDesign."""
        return Design(
            page=cast(Paper, page),
            languages=tuple(languages),
            scheme=scheme,
            scheme_mark=self.scheme_mark,
            accent=self.accent,
            logo=self.logo,
            accepted=self.accepted,
            date=date,
            columns=self.columns,
            rows=self.rows,
        )


class Order(Struct, frozen=True):
    """What to print: no merchants named means all that may take payments."""

    page: Paper
    languages: tuple[str, ...]
    merchant_ids: tuple[UUID, ...] = ()
    look: Look = Look()


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
        look = await asyncio.to_thread(order.look.reduced)
        await asyncio.to_thread(_try, look.design(order.page, order.languages))
    except BadDesign as error:
        raise errors.invalid_field("languages", "bad_design", _("Not valid: {fault}.", fault=error)) from None
    except BadLogo as error:
        raise errors.invalid_field("pictures", "bad_picture", _("Not valid: {fault}.", fault=error)) from None
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
        look=to_builtins(look),
        total=total,
        skipped=[],
        created_at=now,
    )
    await background.order(tx, KIND, batch)
    await audit.record(tx, actor, "posters.ordered", "poster_batch", batch.id, dfsp_id=dfsp_id, codes=total)
    return batch


def _try(design: Design) -> None:
    """Print a sample. Raises BadDesign when what all posters share cannot be printed."""
    try:
        poster_pdf([Poster(payload="0" * 100, name="-", number="0")], design)
    except (MissingGlyph, TextTooLong) as error:
        raise BadDesign(str(error)) from None
    except CodeTooSmall:  # some codes may be shorter
        return


def _reduced(picture: bytes) -> bytes:
    return reduced_mark(picture, MARK_SIDE_PX) if picture else b""


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
    look = convert(batch.look, Look)
    issued = clock.local_date(batch.created_at, scheme.time_zone).isoformat()
    run = Run(
        pdf=background.path_of(service, KIND, batch.id, PDF),
        manifest=background.path_of(service, KIND, batch.id, MANIFEST),
        design=look.design(batch.page, batch.languages, scheme.name, issued),
        progress=batch,
        dfsp_mark=look.dfsp_mark,
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
