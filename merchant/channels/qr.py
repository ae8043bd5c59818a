"""QR codes over the API: a counter's, a payment request's, one that was scanned, and the stickers they are printed on.

Codes are drawn on demand from what the registry knows now: nothing stored, so nothing stale. What a code says is
registry/codes/payload.py's, which sticker is valid registry/codes/stickers.py's; here a payload becomes text, SVG, PNG
or PDF.
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from math import ceil
from typing import Annotated, Literal
from uuid import UUID

from litestar import Response
from msgspec import Meta, Struct

import qr
from merchant.compliance.policies.problems import CapabilityMissing
from merchant.core import clock, errors, money, throttling
from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.fields import CurrencyText, Instant, ReasonText
from merchant.core.http.route import Call, Filter, route
from merchant.core.service import SchemeFacts, Service
from merchant.core.texts import _
from merchant.core.throttle import Throttle
from merchant.payments import queries as payment_queries
from merchant.payments.problems import MerchantNotActive
from merchant.payments.requests import NewRequest, create_request
from merchant.payments.schemas import ExpiryS, NoteText, PaymentRequestView, ReferenceText, request_view
from merchant.payments.states import RequestCapability, may
from merchant.registry.codes import payload as codes
from merchant.registry.codes import stickers
from merchant.registry.codes.stickers import Standing
from merchant.registry.merchants import queries
from merchant.registry.merchants.states import Capability, merchant_may
from qr.iso import find_currency
from qr.mojaloop import Party
from qr.reader import INPUT_CHARS_MAX
from qr.render import render_pdf, render_png, render_svg
from qr.symbols.errors import PictureError
from qr.symbols.style import PLAIN, Style

MODULE_PX = (1, 10, 40)  # least, usual, most pixels a module: 40 gives a 2,600-pixel image, enough for any printer
MODULE_MM = (0.5, 0.8, 10.0)  # half a millimetre is what a cheap phone reads; ten make a poster of 65 cm
LEVELS = ("M", "Q", "H")  # L gives way to the first scratch
SHAPES = ("square", "rounded")


class FormLook(qr.Look, frozen=True, kw_only=True):
    """How a code is drawn, and in which format."""

    form: str


Draw = Callable[[str, qr.Look], bytes]
FORMATS: dict[str, tuple[str, Draw]] = {
    "payload": ("text/plain", lambda payload, _look: payload.encode()),
    "svg": ("image/svg+xml", lambda payload, look: render_svg(payload, look).encode()),
    "png": ("image/png", render_png),
    "pdf": ("application/pdf", render_pdf),
}


# --- drawing -----------------------------------------------------------------------------------------------------


MEDIA = tuple(media_type for media_type, _draw in FORMATS.values())
_LOOK = (
    Filter("format", "How the code is drawn; svg unless given.", choices=tuple(FORMATS)),
    Filter(
        "module_px",
        "Pixels a module of a PNG, at least 4 of rounded ones.",
        kind="integer",
        schema={"type": "integer", "minimum": MODULE_PX[0], "maximum": MODULE_PX[2], "default": MODULE_PX[1]},
    ),
    Filter(
        "module_mm",
        "Millimetres a module of an SVG or PDF.",
        kind="number",
        schema={"type": "number", "minimum": MODULE_MM[0], "maximum": MODULE_MM[2], "default": MODULE_MM[1]},
    ),
    Filter("level", "Error correction; M for a plain code and Q for a branded one unless given.", choices=LEVELS),
    Filter("dark", "Colour of the modules, #rrggbb; black unless given."),
    Filter("light", "Colour of the ground, #rrggbb; white unless given."),
    Filter("shape", "Form of the modules; square unless given.", choices=SHAPES),
)


@route(
    "GET",
    "/api/v1/counters/{counter_id}/qr",
    permission=P.MERCHANTS_READ,
    media=MEDIA,
    filters=(*_LOOK, Filter("currency", "One of the merchant's currencies; the first unless given.")),
    raises=(errors.BadRequest, errors.WrongState),
)
async def read_counter_qr(call: Call[None], counter_id: UUID) -> Response[bytes]:
    """A counter's QR code, as its present sticker says it: payload text, SVG, PNG or PDF."""
    look = look_of(call.filters)
    counter = await queries.find_counter(call.tx, call.actor, counter_id)
    merchant = await queries.merchant(call.tx, call.actor, counter.merchant_id)
    if not merchant_may(merchant.state, Capability.SHOW_CODES):
        raise errors.WrongState(_("A merchant that is {state} has no code to show.", state=merchant.state))
    versions = await stickers.current_versions(call.tx, [counter.id])
    given = call.filters["currency"]
    currency = merchant.currencies[0] if given is None else given
    if currency not in merchant.currencies:
        choices = ", ".join(merchant.currencies)
        raise errors.InvalidFilter(_("{name} must be one of {choices}.", name="currency", choices=choices))
    shop = codes.CodeFacts(
        alias_type=counter.alias_type,
        alias=counter.alias,
        trading_name=merchant.trading_name,
        ussd_name=merchant.ussd_name,
        city=merchant.city,
        country=merchant.country,
        mcc=merchant.mcc,
    )
    payload = codes.counter_payload(await call.service.scheme(), shop, currency, versions[counter.id])
    return await _picture(payload, look)


@route(
    "GET",
    "/api/v1/payment-requests/{request_id}/qr",
    permission=P.PAYMENTS_READ,
    media=MEDIA,
    filters=_LOOK,
    raises=(errors.BadRequest, errors.WrongState),
)
async def read_payment_request_qr(call: Call[None], request_id: UUID) -> Response[bytes]:
    """The QR code of one payment, as long as it may be paid; 409 once the request has ended or its time is over."""
    look = look_of(call.filters)
    row = await payment_queries.payment_request(call.tx, call.actor, request_id)
    if not may(row["state"], RequestCapability.SHOW_CODE) or row["expires_at"] <= clock.now():
        raise errors.WrongState(_("This request can no longer be paid, so it has no code; make a new one."))
    amount = money.Money(row["amount_minor"], row["currency"])
    payload = codes.request_payload(await call.service.scheme(), codes.CodeFacts.of(row), amount, row["short_ref"])
    return await _picture(payload, look)


def look_of(query: Mapping[str, str | None]) -> FormLook:
    """The look that a query asks for; choices are checked before. Raises BadRequest, InvalidFilter."""
    try:
        style = Style(
            dark=PLAIN.dark if query.get("dark") is None else str(query["dark"]),
            light=PLAIN.light if query.get("light") is None else str(query["light"]),
            rounded=query.get("shape") == "rounded",
        )
    except PictureError as error:
        raise errors.BadRequest(_("{name} is not valid: {fault}.", name="dark, light", fault=error)) from None
    return FormLook(
        form=query.get("format") or "svg",
        module_px=int(_number(query, "module_px", MODULE_PX, "[0-9]{1,3}")),
        module_mm=_number(query, "module_mm", MODULE_MM, r"[0-9]{1,2}(\.[0-9]{1,2})?"),
        level=query.get("level"),
        style=style,
    )


def _number(query: Mapping[str, str | None], name: str, bounds: tuple[float, float, float], pattern: str) -> float:
    least, usual, most = bounds
    given = query.get(name)
    text = str(usual) if given is None else given
    if not (re.fullmatch(pattern, text, re.ASCII) and least <= float(text) <= most):
        raise errors.InvalidFilter(_("{name} must be between {least} and {most}.", name=name, least=least, most=most))
    return float(text)


async def _picture(payload: str, look: FormLook) -> Response[bytes]:
    media_type, draw = FORMATS[look.form]
    if look.style == PLAIN or look.form == "payload":
        content = draw(payload, look)
    else:  # drawn and tried in some tenths of a second, beside what others ask for
        content = await asyncio.to_thread(_branded, payload, look, draw)
    return Response(content, media_type=media_type, headers={"cache-control": "private, max-age=60"})


def _branded(payload: str, look: FormLook, draw: Draw) -> bytes:
    try:
        _prove(payload, qr.Look(style=look.style, level=look.level))
        return draw(payload, look)
    except PictureError as error:
        raise errors.BadRequest(
            _("A code of this look could not be read by every phone: {fault}.", fault=error)
        ) from None


@lru_cache(maxsize=1024)
def _prove(payload: str, look: qr.Look) -> None:
    qr.prove(payload, look)


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
    ended_at: Instant | None


class Explained(qr.Report, frozen=True, kw_only=True):
    """The report on a scanned code, and on its sticker when it is one of ours."""

    sticker: StickerView | None


def decodings(_service: Service) -> Throttle:
    """Codes that one actor may have decoded: five a second, which no person scans, and a system may need."""
    return Throttle(per_minute=300, burst=300)


@route(
    "POST",
    "/api/v1/qr/decode",
    permission=P.MERCHANTS_READ,
    body=ScannedCode,
    answer=Explained,
    transaction=False,
    raises=(errors.TooManyRequests,),
)
async def decode_qr(call: Call[ScannedCode]) -> Explained:
    """What a scanned code says: its fields, everything that is wrong with it, and whether its sticker still holds."""
    if wait_s := throttling.wait_s(call.service, decodings, str(call.actor.id), "qr_decode", actor=call.actor):
        raise errors.TooManyRequests(headers={"retry-after": str(ceil(wait_s))})
    report = qr.explain(call.body.payload)
    view = await _sticker_of(call.service, call.body.payload)
    return Explained(**{name: getattr(report, name) for name in qr.Report.__struct_fields__}, sticker=view)


async def _sticker_of(service: Service, text: str) -> StickerView | None:
    """The sticker that was scanned; None for foreign codes and for codes of one payment, which are no stickers."""
    scan = codes.read_code(await service.scheme(), text)
    if scan is None or scan.sticker is None:
        return None
    async with service.db.system_reads() as tx:
        found = await stickers.scanned(tx, scan.alias_type, scan.alias, scan.sticker)
    if found is None:
        return None
    return StickerView(found.version, found.standing, found.current_version, web.at_or_none(found.ended_at))


class StaticCode(Struct, frozen=True, forbid_unknown_fields=True):
    """A counter's printed code and what shall be paid by it now; the code's own currency unless another is named."""

    payload: ScannedText
    amount: Annotated[str, Meta(max_length=18)]
    currency: CurrencyText | None = None
    reference: ReferenceText | None = None
    note: NoteText | None = None
    expires_in_s: ExpiryS | None = None


@route(
    "POST",
    "/api/v1/qr/dynamic",
    permission=P.PAYMENTS_REQUEST,
    body=StaticCode,
    answer=PaymentRequestView,
    status=201,
    idempotency_key="required",
    operation="qr-dynamic",
    raises=(errors.NotFound, MerchantNotActive, CapabilityMissing),
)
async def create_dynamic_qr(call: Call[StaticCode]) -> PaymentRequestView:
    """Turn a printed code of a counter of yours into the code of one payment: a payment request, with its expiry."""
    scheme = await call.service.scheme()
    party, amount = _printed(scheme, call.body)
    counter_id: UUID | None = await call.tx.fetchval(
        "SELECT id FROM counter WHERE alias_type = $1 AND alias = $2", party.party_id_type, party.identifier
    )
    if counter_id is None:
        raise errors.NotFound(_("This is not a code of a counter of yours."))
    new = NewRequest(
        counter_id=counter_id,
        amount=amount,
        reference=call.body.reference,
        note=call.body.note,
        expires_in_s=call.body.expires_in_s,
        channel="qr",
    )
    made = await create_request(call.tx, call.service, call.actor, new)
    row = await payment_queries.payment_request(call.tx, call.actor, made.id)
    return request_view(row, scheme, call.service.settings.base_url)


def _printed(scheme: SchemeFacts, static: StaticCode) -> tuple[Party, money.Money]:
    """Whom a printed code names, and the amount to ask for. Raises InvalidFields, NotFound."""
    try:
        code = qr.decode(qr.clean(static.payload), mode="tolerant")
    except qr.DecodeError as error:
        raise errors.invalid_field(
            "payload", error.findings[0].code, _("Not a payment code: {fault}.", fault=error)
        ) from None
    party = qr.mojaloop_party(code, codes.domain_of(scheme, code))
    if party is None:
        raise errors.NotFound(_("This is not a code of a counter of yours."))
    if party.sub_id is not None or code.amount is not None:
        raise errors.invalid_field("payload", "not_static", _("This code is for one payment already."))
    known = find_currency(static.currency or code.currency or "")
    try:
        return party, money.parse_decimal(static.amount, known.alpha if known else "")
    except money.AmountProblem as error:
        raise errors.invalid_field("amount", "invalid_amount", error.sentence) from None


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
    ended_at: Instant | None


@route(
    "POST",
    "/api/v1/counters/{counter_id}/stickers",
    permission=P.MERCHANTS_WRITE,
    own_permission=P.OWN_COUNTERS_WRITE,
    body=NewSticker,
    answer=VersionView,
    status=201,
    idempotency_key="required",
    operation="stickers:{counter_id}",
    raises=(errors.WrongState,),
)
async def replace_sticker(call: Call[NewSticker], counter_id: UUID) -> VersionView:
    """Give a counter a new sticker; whoever scans the old one is told that it was replaced or revoked."""
    ended_as = Standing(call.body.old_sticker)
    made = await stickers.replace_sticker(call.tx, call.actor, counter_id, call.body.reason, ended_as)
    return _version_view(made)


@route("GET", "/api/v1/counters/{counter_id}/stickers", permission=P.MERCHANTS_READ, items=VersionView)
async def list_stickers(call: Call[None], counter_id: UUID) -> list[VersionView]:
    """Every version of a counter's sticker, the present one first."""
    return [_version_view(one) for one in await stickers.stickers(call.tx, call.actor, counter_id)]


def _version_view(sticker: stickers.Sticker) -> VersionView:
    return VersionView(sticker.version, sticker.standing, sticker.reason, web.at_or_none(sticker.ended_at))


ROUTES = [read_counter_qr, read_payment_request_qr, decode_qr, create_dynamic_qr, replace_sticker, list_stickers]
