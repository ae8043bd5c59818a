"""JSON routes of print runs: order posters for many counters, see how far they are, fetch the PDF and its manifest.

posters.py prints; the answer to an order is 202, since a thousand posters take seconds.
"""

import base64
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from litestar.response import File
from msgspec import Meta, Struct, convert

from merchant.channels import posters
from merchant.channels.models import PosterBatch
from merchant.channels.problems import NothingToPrint
from merchant.core import background, errors, texts
from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.fields import Instant, pattern
from merchant.core.http.route import Call, Listed, route
from merchant.core.paging import BY_AGE
from merchant.core.texts import _
from qr.posters.poster import ACCEPTED_MAX, GRID_MAX, Accepted, Page

BatchState = Literal["waiting", "printing", "done", "failed"]
_STATES: dict[str, BatchState] = {"waiting": "waiting", "running": "printing", "done": "done", "failed": "failed"}
MAX_PICTURE_BYTES = 200_000
_PRIVATE = {"cache-control": "private, no-store"}
LanguageText = Annotated[str, pattern(r"^[a-z]{2}\Z", _("Must be a language of two lower-case letters, such as en."))]


ColourText = Annotated[str, pattern(r"^#[0-9a-fA-F]{6}\Z", _("Must be a colour written #rrggbb."))]
Picture = Annotated[str, Meta(max_length=-(-MAX_PICTURE_BYTES // 3) * 4)]  # base64
GridCount = Annotated[int, Meta(ge=1, le=GRID_MAX)]


class NewAccepted(Struct, frozen=True, forbid_unknown_fields=True):
    """A wallet, bank or scheme whose customers can pay here: its `mark`, or else its name."""

    name: Annotated[str, Meta(min_length=1, max_length=40)]
    mark: Picture = ""


class NewBatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What to print: A sizes, `tent` and `table` hold one code a page, `sheet` `columns` by `rows` stickers.

    No merchants named means all. Pictures are PNG or JPEG in base64.
    """

    page: Page
    merchant_ids: Annotated[tuple[UUID, ...], Meta(max_length=1000)] = ()
    languages: Annotated[tuple[LanguageText, ...], Meta(min_length=1, max_length=2)] = ("en",)
    accent: ColourText = posters.A5.accent
    columns: GridCount = posters.A5.columns
    rows: GridCount = posters.A5.rows
    scheme_mark: Picture = ""
    dfsp_mark: Picture = ""
    logo: Picture = ""
    accepted: Annotated[tuple[NewAccepted, ...], Meta(max_length=ACCEPTED_MAX)] = ()

    @property
    def look(self) -> posters.Look:
        """What of it is neither paper, language nor merchant. Raises InvalidFields."""
        return posters.Look(
            accent=self.accent,
            columns=self.columns,
            rows=self.rows,
            scheme_mark=_picture(self.scheme_mark),
            dfsp_mark=_picture(self.dfsp_mark),
            logo=_picture(self.logo),
            accepted=tuple(Accepted(name=one.name, mark=_picture(one.mark)) for one in self.accepted),
        )


def _picture(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise errors.invalid_field("pictures", "bad_picture", _("Not valid: {fault}.", fault=error)) from None


class SkippedCode(Struct, frozen=True):
    """A code that could not be printed, and why: a name in a script that no font of ours has."""

    number: str
    problem: str


class BatchView(Struct, frozen=True):
    """A print run; `done` and `total` count codes, `skipped` are those left out."""

    id: UUID
    state: BatchState
    page: str
    languages: list[str]
    done: int
    total: int
    skipped: list[SkippedCode]
    problem: str | None
    pdf_sha256: str | None
    created_at: Instant
    finished_at: Instant | None


def batch_view(batch: PosterBatch, language: str) -> BatchView:
    """A print run as the API shows it, in a language; what the drawing library says is in English."""
    return BatchView(
        id=batch.id,
        state=_STATES[background.state_of(batch)],
        page=batch.page,
        languages=batch.languages,
        done=batch.done,
        total=batch.total,
        skipped=convert(batch.skipped, list[SkippedCode]),
        problem=None if batch.problem is None else texts.translate(batch.problem, language),
        pdf_sha256=batch.pdf_sha256,
        created_at=web.at(batch.created_at),
        finished_at=web.at_or_none(batch.finished_at),
    )


@route(
    "POST",
    "/api/v1/poster-batches",
    permission=P.MERCHANTS_READ,
    body=NewBatch,
    answer=BatchView,
    status=202,
    idempotency_key="required",
    raises=(NothingToPrint, background.TooManyJobs),
)
async def order_posters(call: Call[NewBatch]) -> BatchView:
    """Order posters of all counters, or of some merchants', as one PDF."""
    wanted = posters.Order(call.body.page, call.body.languages, call.body.merchant_ids, call.body.look)
    return batch_view(await posters.order_batch(call.tx, call.actor, wanted), web.language_of(call.request))


@route("GET", "/api/v1/poster-batches", permission=P.MERCHANTS_READ, items=BatchView, paged=True, sorts=BY_AGE)
async def list_poster_batches(call: Call[None]) -> Listed:
    """List print runs, newest first; they are kept for a week."""
    rows = await background.list_page(call.tx, posters.KIND, call.actor, call.page)
    language = web.language_of(call.request)
    return Listed([batch_view(row, language) for row in rows], [row.id for row in rows])


@route("GET", "/api/v1/poster-batches/{batch_id}", permission=P.MERCHANTS_READ, answer=BatchView)
async def read_poster_batch(call: Call[None], batch_id: UUID) -> BatchView:
    """How far a print run is."""
    batch = await background.find(call.tx, posters.KIND, call.actor, batch_id)
    return batch_view(batch, web.language_of(call.request))


@route(
    "GET",
    "/api/v1/poster-batches/{batch_id}/pdf",
    permission=P.MERCHANTS_READ,
    media=("application/pdf",),
    raises=(background.NotFinished, background.FileGone),
)
async def read_poster_pdf(call: Call[None], batch_id: UUID) -> File:
    """Fetch the PDF of a print run that is done."""
    path = await _finished(call, batch_id, posters.PDF)
    return File(path, filename=f"posters-{batch_id}.pdf", media_type="application/pdf", headers=_PRIVATE)


@route(
    "GET",
    "/api/v1/poster-batches/{batch_id}/manifest",
    permission=P.MERCHANTS_READ,
    media=("application/x-ndjson",),
    raises=(background.NotFinished, background.FileGone),
)
async def read_poster_manifest(call: Call[None], batch_id: UUID) -> File:
    """Fetch the manifest: a JSON line for each page, with the hashes of its codes, and one for the file."""
    path = await _finished(call, batch_id, posters.MANIFEST)
    return File(path, filename=f"posters-{batch_id}.jsonl", media_type="application/x-ndjson", headers=_PRIVATE)


async def _finished(call: Call[None], batch_id: UUID, suffix: str) -> Path:
    batch = await background.find(call.tx, posters.KIND, call.actor, batch_id)
    return background.finished_file(call.service, posters.KIND, batch, suffix)


ROUTES = [order_posters, list_poster_batches, read_poster_batch, read_poster_pdf, read_poster_manifest]
