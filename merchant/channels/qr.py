"""QR codes over the API: a counter's, a payment request's, one that was scanned, and the stickers they are printed on.

Codes are drawn on demand from what the registry knows now: nothing stored, so nothing stale. What a code says is
registry/codes.py's, which sticker is valid registry/stickers.py's; here a payload becomes text, SVG, PNG or PDF.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath
from msgspec import Meta, Struct

import qr
from merchant.core import clock, errors, money
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.http import json as web
from merchant.core.http.json import actor_of, needs, path_id, service_of
from merchant.core.service import Service
from merchant.payments import queries as payment_queries
from merchant.payments.requests import NewRequest, create_request
from merchant.payments.schemas import CurrencyText, ExpiryS, NoteText, PaymentRequestView, ReferenceText, request_view
from merchant.payments.states import RequestCapability, may
from merchant.registry.codes import payload as codes
from merchant.registry.codes import stickers
from merchant.registry.codes.stickers import Standing
from merchant.registry.merchants import queries
from merchant.registry.merchants.schemas import ReasonText
from qr.iso import find_currency
from qr.reader import INPUT_CHARS_MAX
from qr.render import render_pdf, render_png, render_svg
from qr.symbols.errors import PictureError
from qr.symbols.style import PLAIN, Style

Req = Request[Any, Any, State]
Answer = Response[bytes]

MODULE_PX = (1, 10, 40)  # least, usual, most pixels a module: 40 gives a 2,600-pixel image, enough for any printer
MODULE_MM = (0.5, 0.8, 10.0)  # half a millimetre is what a cheap phone reads; ten make a poster of 65 cm
LEVELS = ("M", "Q", "H")  # L gives way to the first scratch
SHAPES = ("square", "rounded")
LOOK_QUERY = ("format", "module_px", "module_mm", "level", "dark", "light", "shape")


class Look(Struct, frozen=True):
    """How a code is drawn; no level means M for a plain code and Q for a branded one."""

    form: str
    module_px: int
    module_mm: float
    level: str | None
    style: Style


Draw = Callable[[str, Look], bytes]
FORMATS: dict[str, tuple[str, Draw]] = {
    "payload": ("text/plain", lambda payload, _: payload.encode()),
    "svg": (
        "image/svg+xml",
        lambda payload, look: render_svg(
            payload, level=look.level, style=look.style, module_mm=look.module_mm
        ).encode(),
    ),
    "png": (
        "image/png",
        lambda payload, look: render_png(payload, level=look.level, style=look.style, module_px=look.module_px),
    ),
    "pdf": (
        "application/pdf",
        lambda payload, look: render_pdf(payload, level=look.level, style=look.style, module_mm=look.module_mm),
    ),
}


# --- drawing -----------------------------------------------------------------------------------------------------


@get(
    "/api/v1/counters/{counter_id:str}/qr",
    opt=needs(P.MERCHANTS_READ, media=tuple(FORMATS), query=(*LOOK_QUERY, "currency")),
)
async def counter_qr(request: Req, counter_id: FromPath[str]) -> Answer:
    """A counter's QR code, as its present sticker says it: payload text, SVG, PNG or PDF."""
    service, actor, query = service_of(request), actor_of(request), request.query_params
    look = look_of(query)
    async with service.db.tenant(actor.dfsp_id) as tx:
        counter = await queries.find_counter(tx, actor, path_id(counter_id))
        merchant = await queries.merchant(tx, actor, counter.merchant_id)
        versions = await stickers.current_versions(tx, [counter.id])
    currency = query.get("currency", merchant.currencies[0])
    if currency not in merchant.currencies:
        raise errors.BadRequest(f"This merchant takes {', '.join(merchant.currencies)}.")
    shop = codes.Shop(
        counter.alias_type, counter.alias, merchant.trading_name, merchant.city, merchant.country, merchant.mcc
    )
    payload = codes.counter_payload(await service.scheme(), shop, currency, versions[counter.id])
    return await _picture(payload, look)


@get(
    "/api/v1/payment-requests/{request_id:str}/qr",
    opt=needs(P.PAYMENTS_READ, media=tuple(FORMATS), query=LOOK_QUERY, conflicts=True),
)
async def request_qr(request: Req, request_id: FromPath[str]) -> Answer:
    """The QR code of one payment, as long as it may be paid; 409 once the request has ended or its time is over."""
    service, actor = service_of(request), actor_of(request)
    look = look_of(request.query_params)
    async with service.db.tenant(actor.dfsp_id) as tx:
        row = await payment_queries.payment_request(tx, actor, path_id(request_id))
    if not may(row["state"], RequestCapability.SHOW_CODE) or row["expires_at"] <= clock.now():
        raise errors.WrongState("This request can no longer be paid, so it has no code; make a new one.")
    amount = money.Money(row["amount_minor"], row["currency"])
    payload = codes.request_payload(await service.scheme(), codes.Shop.of(row), amount, row["short_ref"])
    return await _picture(payload, look)


def look_of(query: Mapping[str, str]) -> Look:
    """The look that a query asks for. Raises BadRequest."""
    try:
        style = Style(
            dark=query.get("dark", PLAIN.dark),
            light=query.get("light", PLAIN.light),
            rounded=_choice(query, "shape", SHAPES) == "rounded",
        )
    except PictureError as error:
        raise errors.BadRequest(f"dark and light: {error}.") from None
    return Look(
        form=_choice(query, "format", tuple(FORMATS), default="svg"),
        module_px=int(_number(query, "module_px", MODULE_PX, "[0-9]{1,3}")),
        module_mm=_number(query, "module_mm", MODULE_MM, r"[0-9]{1,2}(\.[0-9]{1,2})?"),
        level=_choice(query, "level", LEVELS) if "level" in query else None,
        style=style,
    )


def _choice(query: Mapping[str, str], name: str, choices: tuple[str, ...], default: str | None = None) -> str:
    chosen = query.get(name, default or choices[0])
    if chosen not in choices:
        raise errors.BadRequest(f"{name} is one of {', '.join(choices)}.")
    return chosen


def _number(query: Mapping[str, str], name: str, bounds: tuple[float, float, float], pattern: str) -> float:
    least, usual, most = bounds
    text = query.get(name, str(usual))
    if not (re.fullmatch(pattern, text, re.ASCII) and least <= float(text) <= most):
        raise errors.BadRequest(f"{name} is a number from {least} to {most}.")
    return float(text)


async def _picture(payload: str, look: Look) -> Answer:
    media_type, draw = FORMATS[look.form]
    if look.style == PLAIN or look.form == "payload":
        content = draw(payload, look)
    else:  # drawn and tried in some tenths of a second, beside what others ask for
        content = await asyncio.to_thread(_branded, payload, look, draw)
    return Response(content, media_type=media_type, headers={"cache-control": "private, max-age=60"})


def _branded(payload: str, look: Look, draw: Draw) -> bytes:
    try:
        _prove(payload, look.level, look.style)
        return draw(payload, look)
    except PictureError as error:
        raise errors.BadRequest(f"A code of this look could not be read by every phone: {error}.") from None


@lru_cache(maxsize=1024)
def _prove(payload: str, level: str | None, style: Style) -> None:
    qr.prove(payload, level=level, style=style)


# --- scanned codes -----------------------------------------------------------------------------------------------

ScannedText = Annotated[str, Meta(max_length=INPUT_CHARS_MAX)]


class ScannedCode(Struct, frozen=True, forbid_unknown_fields=True):
    """The text of a scanned code."""

    payload: ScannedText


class StickerView(Struct, frozen=True):
    """What the sticker is now on which a code of ours was printed."""

    version: int
    standing: Standing
    current_version: int
    ended_at: str | None


class Explained(qr.Report, frozen=True, kw_only=True):
    """The report on a scanned code, and on its sticker when it is one of ours."""

    sticker: StickerView | None


@post("/api/v1/qr/decode", status_code=200, opt=needs(P.MERCHANTS_READ, body=ScannedCode, answer=Explained))
async def decode_qr(request: Req) -> Answer:
    """What a scanned code says: its fields, everything that is wrong with it, and whether its sticker still holds."""
    scanned = await web.body(request, ScannedCode)
    report = qr.explain(scanned.payload)
    view = await _sticker_of(service_of(request), scanned.payload)
    return web.answer(Explained(**{name: getattr(report, name) for name in qr.Report.__struct_fields__}, sticker=view))


async def _sticker_of(service: Service, text: str) -> StickerView | None:
    """The sticker that was scanned; None for foreign codes and for codes of one payment, which are no stickers."""
    scan = codes.read_code(await service.scheme(), text)
    if scan is None or scan.sticker is None:
        return None
    async with service.db.system_reads() as tx:
        found = await stickers.scanned(tx, scan.alias_type, scan.alias, scan.sticker)
    if found is None:
        return None
    return StickerView(found.version, found.standing, found.current_version, web.at(found.ended_at))


class StaticCode(Struct, frozen=True, forbid_unknown_fields=True):
    """A counter's printed code and what shall be paid by it now; the code's own currency unless another is named."""

    payload: ScannedText
    amount: Annotated[str, Meta(max_length=18)]
    currency: CurrencyText | None = None
    reference: ReferenceText | None = None
    note: NoteText | None = None
    expires_in_s: ExpiryS | None = None


@post("/api/v1/qr/dynamic", opt=needs(P.PAYMENTS_REQUEST, body=StaticCode, answer=PaymentRequestView, once=True))
async def dynamic_qr(request: Req) -> Answer:
    """Turn a printed code of a counter of yours into the code of one payment: a payment request, with its expiry."""
    static = await web.body(request, StaticCode)
    service, actor = service_of(request), actor_of(request)
    scheme = await service.scheme()
    try:
        code = qr.decode(qr.clean(static.payload), mode="tolerant")
    except qr.DecodeError as error:
        raise errors.invalid_field("payload", error.findings[0].code, f"No payment code: {error}.") from None
    party = qr.mojaloop_party(code, scheme.qr_domain)
    if party is None:
        raise errors.NotFound("This is not a code of a counter of yours.")
    if party.sub_id is not None or code.amount is not None:
        raise errors.invalid_field("payload", "not_static", "This code is for one payment already.")
    known = find_currency(static.currency or code.currency or "")
    try:
        amount = money.parse_decimal(static.amount, known.alpha if known else "")
    except money.AmountProblem as error:
        raise errors.invalid_field("amount", "invalid_amount", str(error)) from None

    async def do(tx: Tx) -> tuple[int, Any]:
        counter_id: UUID | None = await tx.fetchval(
            "SELECT id FROM counter WHERE alias_type = $1 AND alias = $2", party.party_id_type, party.identifier
        )
        if counter_id is None:
            raise errors.NotFound("This is not a code of a counter of yours.")
        new = NewRequest(
            counter_id=counter_id,
            amount=amount,
            reference=static.reference,
            note=static.note,
            expires_in_s=static.expires_in_s,
            channel="qr",
        )
        made = await create_request(tx, service, actor, new)
        row = await payment_queries.payment_request(tx, actor, made.id)
        return 201, request_view(row, scheme, service.settings.base_url)

    return await web.once(request, "qr-dynamic", do)


# --- stickers ----------------------------------------------------------------------------------------------------


class NewSticker(Struct, frozen=True, forbid_unknown_fields=True):
    """Why the counter gets a new sticker, and what the old one is from now on."""

    reason: ReasonText
    old_sticker: Literal["replaced", "revoked"] = "replaced"


class VersionView(Struct, frozen=True):
    """One version of a counter's sticker; `reason` is why it ended."""

    version: int
    standing: Standing
    reason: str | None
    ended_at: str | None


@post(
    "/api/v1/counters/{counter_id:str}/stickers",
    opt=needs(P.MERCHANTS_WRITE, body=NewSticker, answer=VersionView, once=True),
)
async def replace_sticker(request: Req, counter_id: FromPath[str]) -> Answer:
    """Give a counter a new sticker; whoever scans the old one is told that it was replaced or revoked."""
    new, actor, counter = await web.body(request, NewSticker), actor_of(request), path_id(counter_id)

    async def do(tx: Tx) -> tuple[int, Any]:
        made = await stickers.replace_sticker(tx, actor, counter, new.reason, Standing(new.old_sticker))
        return 201, _version_view(made)

    return await web.once(request, f"stickers:{counter}", do)


@get("/api/v1/counters/{counter_id:str}/stickers", opt=needs(P.MERCHANTS_READ, items=VersionView))
async def list_stickers(request: Req, counter_id: FromPath[str]) -> Answer:
    """Every version of a counter's sticker, the present one first."""
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        found = await stickers.stickers(tx, actor_of(request), path_id(counter_id))
    return web.answer({"items": [_version_view(one) for one in found], "next_cursor": None})


def _version_view(sticker: stickers.Sticker) -> VersionView:
    return VersionView(sticker.version, sticker.standing, sticker.reason, web.at(sticker.ended_at))


ROUTES = [counter_qr, request_qr, decode_qr, dynamic_qr, replace_sticker, list_stickers]
