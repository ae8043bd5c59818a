"""JSON routes of print runs: order posters for many counters, see how far they are, fetch the PDF and its manifest.

posters.py prints; the answer to an order is 202, since a thousand posters take seconds.
"""

from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath
from litestar.response import File
from msgspec import Meta, Struct, convert

from merchant.channels import posters
from merchant.channels.models import PosterBatch
from merchant.core import background
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.http import json as web
from merchant.core.http.json import actor_of, needs, path_id, service_of
from qr.posters.poster import Page

Req = Request[Any, Any, State]
BatchState = Literal["waiting", "printing", "done", "failed"]
_STATES: dict[str, BatchState] = {"waiting": "waiting", "running": "printing", "done": "done", "failed": "failed"}
_PRIVATE = {"cache-control": "private, no-store"}
LanguageText = Annotated[str, Meta(pattern=r"^[a-z]{2}\Z")]


class NewBatch(Struct, frozen=True, forbid_unknown_fields=True):
    """What to print: A sizes and `tent` hold one code a page, `sheet` twelve stickers. No merchants named means all."""

    page: Page
    merchant_ids: Annotated[tuple[UUID, ...], Meta(max_length=1000)] = ()
    languages: Annotated[tuple[LanguageText, ...], Meta(min_length=1, max_length=2)] = ("en",)


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
    created_at: str | None
    finished_at: str | None


def batch_view(batch: PosterBatch) -> BatchView:
    """A print run as the API shows it."""
    return BatchView(
        id=batch.id,
        state=_STATES[background.state_of(batch)],
        page=batch.page,
        languages=batch.languages,
        done=batch.done,
        total=batch.total,
        skipped=convert(batch.skipped, list[SkippedCode]),
        problem=batch.problem,
        pdf_sha256=batch.pdf_sha256,
        created_at=web.at(batch.created_at),
        finished_at=web.at(batch.finished_at),
    )


@post(
    "/api/v1/poster-batches",
    status_code=202,
    opt=needs(P.MERCHANTS_READ, body=NewBatch, answer=BatchView, once=True),
)
async def order(request: Req) -> Response[bytes]:
    """Order posters of all counters, or of some merchants', as one PDF."""
    new = await web.body(request, NewBatch)
    actor = actor_of(request)

    async def do(tx: Tx) -> tuple[int, Any]:
        wanted = posters.Order(new.page, new.languages, new.merchant_ids)
        return 202, batch_view(await posters.order_batch(tx, actor, wanted))

    return await web.once(request, "poster-batches", do)


@get("/api/v1/poster-batches", opt=needs(P.MERCHANTS_READ, listing=BatchView))
async def list_batches(request: Req) -> Response[bytes]:
    """List print runs, newest first; they are kept for a week."""
    page = web.page_of(request)
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        rows = await background.list_page(tx, posters.KIND, actor_of(request), page)
    return web.listing([batch_view(row) for row in rows], page, [row.id for row in rows])


@get("/api/v1/poster-batches/{batch_id:str}", opt=needs(P.MERCHANTS_READ, answer=BatchView))
async def read(request: Req, batch_id: FromPath[str]) -> Response[bytes]:
    """How far a print run is."""
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        batch = await background.find(tx, posters.KIND, actor_of(request), path_id(batch_id))
    return web.answer(batch_view(batch))


@get(
    "/api/v1/poster-batches/{batch_id:str}/pdf",
    opt=needs(P.MERCHANTS_READ, media=("pdf",), conflicts=True),
)
async def read_pdf(request: Req, batch_id: FromPath[str]) -> File:
    """Fetch the PDF of a print run that is done."""
    path = await _finished(request, batch_id, posters.PDF)
    return File(path, filename=f"posters-{batch_id}.pdf", media_type="application/pdf", headers=_PRIVATE)


@get(
    "/api/v1/poster-batches/{batch_id:str}/manifest",
    opt=needs(P.MERCHANTS_READ, media=("manifest",), conflicts=True),
)
async def read_manifest(request: Req, batch_id: FromPath[str]) -> File:
    """Fetch the manifest: a JSON line for each page, with the hashes of its codes, and one for the file."""
    path = await _finished(request, batch_id, posters.MANIFEST)
    return File(path, filename=f"posters-{batch_id}.jsonl", media_type="application/x-ndjson", headers=_PRIVATE)


async def _finished(request: Req, batch_id: str, suffix: str) -> Path:
    service, actor = service_of(request), actor_of(request)
    async with service.db.tenant(actor.dfsp_id) as tx:
        batch = await background.find(tx, posters.KIND, actor, path_id(batch_id))
    return background.finished_file(service, posters.KIND, batch, suffix)


ROUTES = [order, list_batches, read, read_pdf, read_manifest]
