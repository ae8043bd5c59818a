"""QR codes over the API: a counter's, a payment request's, one that was scanned, and the stickers they are printed on.

Codes are drawn on demand from what the registry knows now: nothing stored, so nothing stale. What a code says is
registry/codes/payload.py's, which sticker is valid registry/codes/stickers.py's, how it is drawn pictures.py's.
"""

from math import ceil
from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Response
from msgspec import Meta, Struct

import qr
from merchant.channels.pictures import LOOK, MEDIA, look_of, picture
from merchant.compliance.policies.problems import CapabilityMissing
from merchant.core import clock, errors, money, throttling
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.http import json as web
from merchant.core.http.fields import CurrencyText, Instant, ReasonText
from merchant.core.http.route import Call, Filter, route
from merchant.core.service import SchemeFacts, Service
from merchant.core.texts import _
from merchant.core.throttle import Throttle
from merchant.payments import queries as payment_queries
from merchant.payments.operations import NewRequest, create_request_at
from merchant.payments.problems import MerchantNotActive
from merchant.payments.schemas import ExpiryS, NoteText, PaymentRequestView, ReferenceText, new_request_view
from merchant.payments.states import RequestCapability, may
from merchant.registry.codes import payload as codes
from merchant.registry.codes import stickers
from merchant.registry.codes.stickers import Standing
from merchant.registry.merchants import queries
from merchant.registry.merchants.states import Capability, merchant_may
from qr.iso import find_currency
from qr.mojaloop import Party
from qr.reader import INPUT_CHARS_MAX

# --- drawing -----------------------------------------------------------------------------------------------------


class DrawnCode(Struct, frozen=True):
    """What a code says, and what a file of it is called."""

    payload: str
    name: str


CURRENCY = Filter("currency", "One of the merchant's currencies; the first unless given.")


@route(
    "GET",
    "/api/v1/counters/{counter_id}/qr",
    permission=P.MERCHANTS_READ,
    media=MEDIA,
    filters=(*LOOK, CURRENCY),
    raises=(errors.BadRequest, errors.WrongState),
)
async def read_counter_qr(call: Call[None], counter_id: UUID) -> Response[bytes]:
    """A counter's QR code, as its present sticker says it: payload text, SVG, PNG, PDF or EPS."""
    look = look_of(call.filters)
    drawn = await counter_code(call, call.tx, counter_id)
    return await picture(call, drawn.payload, look, drawn.name)


async def counter_code(call: Call[Any], tx: Tx, counter_id: UUID) -> DrawnCode:
    """What a counter's present sticker says. Raises NotFound, WrongState, InvalidFilter."""
    counter = await queries.find_counter(tx, call.actor, counter_id)
    merchant = await queries.merchant(tx, call.actor, counter.merchant_id)
    if not merchant_may(merchant.state, Capability.SHOW_CODES):
        raise errors.WrongState(_("A merchant that is {state} has no code to show.", state=merchant.state))
    versions = await stickers.current_versions(tx, [counter.id])
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
    return DrawnCode(payload, f"qr-{counter.alias}-v{versions[counter.id]}")


@route(
    "GET",
    "/api/v1/payment-requests/{request_id}/qr",
    permission=P.PAYMENTS_READ,
    media=MEDIA,
    filters=LOOK,
    raises=(errors.BadRequest, errors.WrongState),
)
async def read_payment_request_qr(call: Call[None], request_id: UUID) -> Response[bytes]:
    """The QR code of one payment, as long as it may be paid; 409 once the request has ended or its time is over."""
    look = look_of(call.filters)
    drawn = await request_code(call, call.tx, request_id)
    return await picture(call, drawn.payload, look, drawn.name)


async def request_code(call: Call[Any], tx: Tx, request_id: UUID) -> DrawnCode:
    """What the code of one payment says. Raises NotFound, WrongState."""
    row = await payment_queries.payment_request(tx, call.actor, request_id)
    if not may(row["state"], RequestCapability.SHOW_CODE) or row["expires_at"] <= clock.now():
        raise errors.WrongState(_("This request can no longer be paid, so it has no code; make a new one."))
    amount = money.Money(row["amount_minor"], row["currency"])
    payload = codes.request_payload(await call.service.scheme(), codes.CodeFacts.of(row), amount, row["short_ref"])
    return DrawnCode(payload, f"qr-{row['short_ref']}")


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
    made, counter = await create_request_at(call.tx, call.service, call.actor, new)
    return new_request_view(made, counter, scheme, call.service.settings.base_url)


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
