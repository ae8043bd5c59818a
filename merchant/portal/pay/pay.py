"""The shopper's page behind every QR code: whom to pay, how much, and three ways to do it.

`/q/{code}` is public, so it acts as the service and reads only what the printed code says anyway, plus whether that
sticker still holds, and the state of a request whose unguessable reference the caller knows. Nothing personal; every
code that cannot be paid looks the same. `/q` asks for the text of a scanned code, and leads there.
"""

import re
from datetime import datetime, timedelta
from math import ceil
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import asyncpg
from litestar import get
from litestar.params import FromPath
from msgspec import Struct

from merchant.core import clock, errors, throttling
from merchant.core.http.json import service_of
from merchant.core.http.source import client_address
from merchant.core.money import Money
from merchant.core.service import NoScheme, Service
from merchant.core.texts import _, translate
from merchant.core.throttle import Throttle, source_key
from merchant.payments.states import RequestState
from merchant.portal.ui import languages, pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req
from merchant.registry.codes import payload as codes
from merchant.registry.codes import stickers
from merchant.registry.codes.stickers import CURRENT_VERSION, Standing
from merchant.registry.merchants.counters import usual_currency
from merchant.registry.merchants.states import Capability, merchant_may
from qr.render import render_svg

_PAY_PAGE, _SCAN_PAGE, _UNKNOWN_CODE_PAGE = (f"{__package__}/{name}.html" for name in ("pay", "scan", "unknown_code"))
# An own alias (32), a dot and a reference (8), with room to spare.
_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}")
_VERSION = re.compile(r"[1-9][0-9]{0,3}")
MAX_SCANNED_CHARS = 2_048  # four times what a payload should have (EMV MPM 4.1)
# A shop's page changes rarely; a suspended shop is gone from caches after this.
_SHOP_CACHE = "public, max-age=60"
# An open request is asked for often while the shopper stands at the till, then seldom: data bundles are small.
_TILL_TIME = timedelta(minutes=2)
_REFRESH_AT_TILL_S, _REFRESH_LATER_S = 5, 30

_REQUEST = """
SELECT p.state, p.amount_minor, p.currency, p.short_ref, p.created_at, p.expires_at, p.paid_at
FROM payment_request p JOIN counter c ON c.id = p.counter_id
WHERE c.alias_type = $1 AND c.alias = $2 AND p.short_ref = $3 ORDER BY p.id DESC LIMIT 1
"""
_SHOP = f"""
SELECT c.id AS counter_id, c.alias_type, c.alias, m.id AS merchant_id, m.dfsp_id, m.trading_name, m.city, m.country,
       m.mcc, m.state, m.currencies,
       {CURRENT_VERSION} AS sticker
FROM counter c JOIN merchant m ON m.id = c.merchant_id JOIN dfsp d ON d.id = m.dfsp_id
WHERE c.alias_type = $1 AND c.alias = $2 AND d.enabled
"""  # noqa: S608 - constants


class StateText(Struct, frozen=True):
    """A request's state as the shopper reads it; `payable` shows the ways to pay, `moving` asks again by itself."""

    tag: str
    text: str
    tone: str
    payable: bool = False
    moving: bool = False


_S = RequestState
_OPEN = StateText(_("To be paid"), _("This page shows when the shop has the money."), "wait", True, True)
STATE_TEXTS = {
    _S.CREATED: _OPEN,
    _S.SENT: _OPEN,
    _S.AWAITING_PAYER: _OPEN,
    _S.ACCEPTED: StateText(_("Being paid"), _("The payment is on its way. Wait for “paid” here."), "wait", moving=True),
    _S.PAID: StateText(_("Paid"), _("The shop has the money. There is nothing left to do."), "good"),
    _S.REJECTED: StateText(
        _("Declined"), _("The payment was declined. To pay after all, ask the shop to ask again."), "bad"
    ),
    _S.EXPIRED: StateText(_("Expired"), _("The time to pay is over. Ask the shop to ask again."), "bad"),
    _S.FAILED: StateText(_("Not paid"), _("The payment did not go through. Ask the shop to ask again."), "bad"),
    _S.CANCELLED: StateText(_("Cancelled"), _("The shop took its request back. There is nothing to pay."), "bad"),
    _S.IN_DOUBT: StateText(
        _("Being checked"), _("We are asking the hub whether the money arrived. Do not pay again."), "wait", moving=True
    ),
}

STICKER_TEXTS = {
    Standing.REPLACED: StateText(
        _("Old sticker"),
        _("The shop has a newer one. Who pays by this one still pays the shop named above."),
        "wait",
        True,
    ),
    Standing.REVOKED: StateText(
        _("Withdrawn sticker"),
        _("The shop withdrew this sticker; somebody may have tampered with it. Ask the shop."),
        "bad",
    ),
    Standing.NEVER_ISSUED: StateText(
        _("False sticker"), _("The shop never had this sticker. Do not pay; tell the shop."), "bad"
    ),
}


class TooManyGuesses(errors.TooManyRequests):
    code, title = "too_many_guesses", _("Too many unknown codes were asked for; wait a minute and scan again")


def guesses(_service: Service) -> Throttle:
    """Unknown codes that one source may ask for; whoever scans a code of ours asks for a known one, and is not counted.

    Sixty a minute are more than all who share a phone network's address mistype. Nine million numbers would take one
    source a hundred days.
    """
    return Throttle(per_minute=60, burst=60)


@get("/q", opt=PUBLIC, exception_handlers=IN_WORDS)
async def scanned_code(request: Req) -> Page:
    """From the text of a scanned code, or a number, to its page, which is told which sticker it was."""
    service, text = service_of(request), request.query_params.get("payload", "").strip()
    if not text:
        return pages.respond(request, _SCAN_PAGE, cache=_SHOP_CACHE, chars_max=MAX_SCANNED_CHARS)
    number = text.replace(" ", "")
    if number.isascii() and number.isdigit() and _CODE.fullmatch(number):
        return pages.redirect(_page_of(request, codes.pay_url("", number)))
    scan = codes.read_code(await service.scheme(), text) if len(text) <= MAX_SCANNED_CHARS else None
    address = codes.pay_url("", scan.alias, scan.short_ref) if scan else ""
    if scan is None or not _CODE.fullmatch(address.removeprefix("/q/")):  # a code may hold text of any script
        return pages.respond(request, _UNKNOWN_CODE_PAGE, 404)
    sticker = {"sticker": str(scan.sticker)} if scan.sticker is not None else {}
    return pages.redirect(_page_of(request, address, **sticker))


def _page_of(request: Req, path: str, **query: str) -> str:
    """A path with its query, and with the language that the visitor chose."""
    whole = urlencode({**query, **languages.spoken_with(request).query})
    return f"{path}?{whole}" if whole else path


@get("/q/{code:str}", opt=PUBLIC, exception_handlers=IN_WORDS)
async def pay_page(request: Req, code: FromPath[str]) -> Page:
    """The shopper's page of a counter, or of one payment request; `?sticker=` names the printed code's version."""
    service = service_of(request)
    source = source_key(client_address(request.scope, request.headers, service.settings))
    if wait_s := throttling.wait_s(service, guesses, source, "pay_page"):
        raise TooManyGuesses(headers={"retry-after": str(ceil(wait_s))})
    found = await find_code(service, code)
    if found is None:
        return pages.respond(request, _UNKNOWN_CODE_PAGE, 404)
    service.shared(guesses).give_back(source)
    shop, asked = found
    scheme = await service.scheme()
    facts, language = codes.CodeFacts.of(shop), languages.spoken_with(request).language
    if asked is None:
        payload = codes.counter_payload(scheme, facts, usual_currency(scheme, shop["currencies"]), shop["sticker"])
        sticker = await _sticker_text(service, facts, request.query_params.get("sticker", ""))
        dial = codes.dial_string(scheme.ussd_code, facts.alias, None)
        return pages.respond(
            request,
            _PAY_PAGE,
            cache=_SHOP_CACHE,
            scheme=scheme,
            shop=facts,
            payload=payload,
            code=_picture(payload, language),
            dial=dial,
            amount=None,
            state_text=None,
            refresh_s=None,
            sticker=sticker,
        )
    state_text, amount = STATE_TEXTS[_S(asked["state"])], Money(asked["amount_minor"], asked["currency"])
    payload = codes.request_payload(scheme, facts, amount, asked["short_ref"])
    zone = await service.time_zone()
    return pages.respond(
        request,
        _PAY_PAGE,
        scheme=scheme,
        shop=facts,
        payload=payload,
        code=_picture(payload, language),
        dial=codes.dial_string(scheme.ussd_code, facts.alias, amount),
        amount=amount,
        state_text=state_text,
        refresh_s=_refresh_s(asked["created_at"]) if state_text.moving else None,
        sticker=None,
        reference=asked["short_ref"],
        moment=_moment(state_text, asked["expires_at"], asked["paid_at"], zone),
    )


async def find_code(service: Service, code: str) -> tuple[asyncpg.Record, asyncpg.Record | None] | None:
    """The counter and the request that a code names; None for what nobody can pay.

    Own aliases may hold dots, so the part after the last dot is a reference only if such a request exists.
    """
    if not _CODE.fullmatch(code):
        return None
    try:
        alias_type = (await service.scheme()).alias_type
    except NoScheme:
        return None
    alias, _dot, reference = code.rpartition(".")
    async with service.db.system_reads() as tx:
        asked = await tx.fetchrow(_REQUEST, alias_type, alias, reference) if alias else None
        shop = await tx.fetchrow(_SHOP, alias_type, code if asked is None else alias)
    if shop is None or not merchant_may(shop["state"], Capability.TAKE_PAYMENT):
        return None
    return shop, asked


async def _sticker_text(service: Service, shop: codes.CodeFacts, version: str) -> StateText | None:
    """What to say of the sticker that led here; None when it holds, or when nobody says which it was."""
    if not _VERSION.fullmatch(version):
        return None
    async with service.db.system_reads() as tx:
        found = await stickers.scanned(tx, shop.alias_type, shop.alias, int(version))
    return STICKER_TEXTS.get(found.standing) if found is not None else None


def _picture(payload: str, language: str) -> str:
    return render_svg(payload, title=translate(_("QR code to pay"), language))


def _refresh_s(created_at: datetime) -> int:
    return _REFRESH_AT_TILL_S if clock.now() - created_at < _TILL_TIME else _REFRESH_LATER_S


class Moment(Struct, frozen=True):
    """An instant for machines and as told to people."""

    instant: str
    told: str


def _moment(state_text: StateText, expires_at: datetime, paid_at: datetime | None, zone: ZoneInfo) -> Moment | None:
    """When it was paid or until when it can be, in the scheme's time zone: the day only when it is not today."""
    instant = paid_at or (expires_at if state_text.payable else None)
    if instant is None:
        return None
    there = instant.astimezone(zone)
    day, time = there.date(), there.time()
    if day == clock.now().astimezone(zone).date():
        told = _("at {time}", time=time) if paid_at else _("until {time}", time=time)
    elif paid_at:
        told = _("on {day}, {time}", day=day, time=time)
    else:
        told = _("until {day}, {time}", day=day, time=time)
    return Moment(clock.rfc3339(instant), told)


ROUTES = [scanned_code, pay_page]
