"""QR codes of counters, drawn on demand from what the registry knows now: nothing stored, so nothing stale.

What a code says is registry/codes.py's; here it becomes text, SVG, PNG or PDF.
"""

from typing import Any

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath
from msgspec import Struct

import qr
from merchant import errors, web
from merchant.access import Permission as P
from merchant.registry import codes, locks, queries
from merchant.web import actor_of, needs, path_id, service_of
from qr.render import render_pdf, render_png, render_svg

Req = Request[Any, Any, State]
_MIN_PX, _MAX_PX = 1, 40  # pixels a module: 40 gives a 2,600-pixel image, enough for any printer


_FORMATS: dict[str, tuple[str, Any]] = {
    "payload": ("text/plain; charset=utf-8", lambda payload, _: payload.encode()),
    "svg": ("image/svg+xml", lambda payload, _: render_svg(payload)),
    "png": ("image/png", lambda payload, px: render_png(payload, module_px=px)),
    "pdf": ("application/pdf", lambda payload, _: render_pdf(payload)),
}


@get(
    "/api/v1/counters/{counter_id:str}/qr",
    opt=needs(P.MERCHANTS_READ, media=tuple(_FORMATS), query=("format", "currency", "module_px")),
)
async def counter_qr(request: Req, counter_id: FromPath[str]) -> Response[bytes]:
    """A counter's QR code as payload text, SVG, PNG or PDF."""
    service, actor, query = service_of(request), actor_of(request), request.query_params
    form = query.get("format", "svg")
    if form not in _FORMATS:
        raise errors.BadRequest(f"format is one of {', '.join(_FORMATS)}.")
    px_text = query.get("module_px", "10")
    px = int(px_text) if px_text.isascii() and px_text.isdigit() and len(px_text) < 4 else 0
    if not _MIN_PX <= px <= _MAX_PX:
        raise errors.BadRequest(f"module_px is a number from {_MIN_PX} to {_MAX_PX}.")
    async with service.db.tenant(actor.dfsp_id) as tx:
        counter = await locks.find_counter(tx, actor, path_id(counter_id))
        merchant = await queries.merchant(tx, actor, counter.merchant_id)
    currency = query.get("currency")
    if currency is not None and currency not in merchant.currencies:
        raise errors.BadRequest(f"This merchant takes {', '.join(merchant.currencies)}.")
    shop = codes.Shop(
        counter.alias_type, counter.alias, merchant.trading_name, merchant.city, merchant.country, merchant.mcc
    )
    payload = codes.counter_payload(await service.scheme(), shop, currency or merchant.currencies[0])
    media_type, draw = _FORMATS[form]
    return Response(draw(payload, px), media_type=media_type, headers={"cache-control": "private, max-age=60"})


class ScannedCode(Struct, frozen=True, forbid_unknown_fields=True):
    """The text of a scanned code."""

    payload: str


@post("/api/v1/qr/decode", status_code=200, opt=needs(P.MERCHANTS_READ, body=ScannedCode))
async def decode_qr(request: Req) -> Response[bytes]:
    """What a scanned code says: its fields, and everything that is wrong with it."""
    scanned = await web.body(request, ScannedCode)
    return web.answer(qr.explain(scanned.payload))


ROUTES = [counter_qr, decode_qr]
