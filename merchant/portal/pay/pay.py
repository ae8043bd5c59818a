"""The shopper's page behind every QR code: whom to pay, how much, and the ways to do it.

`/q/{code}` is public: it acts as the service and reads what the printed code says anyway, whether that sticker holds,
and the state of a request whose reference the caller knows. A reference is eight characters and guesses are counted;
who knows one sees, once it is paid, the note and a link to the receipt with the masked payer, for ninety days. Every
code that is nobody's looks the same, and so does every shop that may not be paid.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from litestar import get
from litestar.params import FromPath
from msgspec import Struct

from merchant.core import clock, money
from merchant.core.http.json import service_of
from merchant.core.money import Money
from merchant.core.service import SchemeFacts, Service
from merchant.core.texts import _, translate
from merchant.payments import receipts
from merchant.payments.states import RequestState
from merchant.portal.pay.found import Found, look_up
from merchant.portal.pay.told import STATE_TEXTS, STICKER_TEXTS, STOPPED, StateText
from merchant.portal.ui import languages, pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req
from merchant.registry.codes import payload as codes
from merchant.registry.codes import stickers
from merchant.registry.merchants.counters import usual_currency
from qr.render import render_svg

_PAY_PAGE, _STOP_PAGE, _UNKNOWN_CODE_PAGE = (f"{__package__}/{name}.html" for name in ("pay", "stop", "unknown_code"))
VERSION = re.compile(r"[1-9][0-9]{0,3}")
MAX_SCANNED_CHARS = 2_048  # four times what a payload should have (EMV MPM 4.1)
# A shop's page changes rarely; a suspended shop is gone from caches after this.
SHOP_CACHE = "public, max-age=60"
# An open request is asked for often while the shopper stands at the till, then seldom: data bundles are small.
_TILL_TIME = timedelta(minutes=2)
_REFRESH_AT_TILL_S, _REFRESH_LATER_S = 5, 30
# As French and others write decimals; what may be a thousand is not guessed at.
_COMMA = re.compile(r"([0-9]{1,13}),([0-9]{1,2})")


class Typed(Struct, frozen=True):
    """What a shopper typed for an amount: read, or what is wrong with it. `currencies` is the choice there was."""

    text: str
    currency: str
    currencies: Sequence[str]
    amount: Money | None = None
    wrong: str = ""

    @property
    def query(self) -> dict[str, str]:
        """What a link to another page about this amount carries."""
        if self.amount is None:
            return {}
        chosen = {"currency": self.currency} if len(self.currencies) > 1 else {}
        return {"amount": money.format_decimal(self.amount), **chosen}


@get("/q/{code:str}", opt=PUBLIC, exception_handlers=IN_WORDS)
async def pay_page(request: Req, code: FromPath[str]) -> Page:
    """The shopper's page of a counter, or of one payment request.

    `?sticker=` names the printed code's version, `?amount=` what the shopper typed.
    """
    found = await look_up(request, code)
    if found is None:
        return unknown_code(request)
    if found.paid:
        return await _request_page(request, found)
    if not found.payable:
        return stop(request, STOPPED, found, status=404)
    return await (_counter_page if found.asked is None else _request_page)(request, found)


def unknown_code(request: Req) -> Page:
    """The page of a code that is nobody's, which asks for another."""
    return pages.respond(request, _UNKNOWN_CODE_PAGE, 404, chars_max=MAX_SCANNED_CHARS)


def page_of(request: Req, path: str, **query: str) -> str:
    """A path with its query, and with the language that the visitor chose."""
    whole = urlencode({**query, **languages.spoken_with(request).query})
    return f"{path}?{whole}" if whole else path


def stop(request: Req, why: StateText, found: Found, *, status: int = 200, sticker: str = "") -> Page:
    """A red stop: why nobody should pay here, and what to do instead."""
    facts = codes.CodeFacts.of(found.shop)
    return pages.respond(
        request,
        _STOP_PAGE,
        status,
        why=why,
        shop=facts,
        named=found.payable,  # a shop that was stopped is not told by name
        report_page=page_of(request, f"/q/{facts.alias}/report", sticker=sticker),
    )


async def _counter_page(request: Req, found: Found) -> Page:
    service, shop = service_of(request), found.shop
    scheme, facts = await service.scheme(), codes.CodeFacts.of(shop)
    version = request.query_params.get("sticker", "")
    sticker = await _sticker_text(service, facts, version)
    if sticker is not None and not sticker.payable:
        return stop(request, sticker, found, sticker=version)
    typed = typed_amount(request.query_params, scheme, shop["currencies"])
    payload = codes.counter_payload(scheme, facts, typed.currency, shop["sticker"], typed.amount)
    return _page(
        request,
        scheme,
        found,
        payload,
        typed.amount,
        status=422 if typed.wrong else 200,
        cache=SHOP_CACHE,
        typed=typed,
        sticker=sticker,
        version=version if sticker is not None else "",
        to_phone_page=page_of(request, f"/q/{facts.alias}/phone", **typed.query),
    )


async def _request_page(request: Req, found: Found) -> Page:
    service, shop, asked = service_of(request), found.shop, found.asked
    assert asked is not None
    scheme, facts = await service.scheme(), codes.CodeFacts.of(shop)
    state_text, amount = STATE_TEXTS[RequestState(asked["state"])], Money(asked["amount_minor"], asked["currency"])
    receipt = token = None
    if found.paid and asked["payment_id"] is not None:
        language = languages.spoken_with(request).language
        receipt = await receipts.read_receipt(service, asked["payment_id"], language)
        token = receipts.receipt_token(service, receipt.payment_id, receipt.received_at)
    return _page(
        request,
        scheme,
        found,
        codes.request_payload(scheme, facts, amount, asked["short_ref"]),
        amount,
        state_text=state_text,
        refresh_s=_refresh_s(asked["created_at"]) if state_text.moving else None,
        reference=asked["short_ref"],
        to_phone=asked["to_phone"],
        moment=_moment(state_text, asked["expires_at"], asked["paid_at"], await service.time_zone()),
        receipt=receipt if token else None,
        token=token,
    )


def _page(request: Req, scheme: SchemeFacts, found: Found, payload: str, amount: Money | None, **content: Any) -> Page:
    """The page, with what a counter's and a request's have in common."""
    facts, language = codes.CodeFacts.of(found.shop), languages.spoken_with(request).language
    common: dict[str, Any] = {
        "scheme": scheme,
        "shop": facts,
        "checked_by": found.checked_by,
        "payload": payload,
        "amount": amount,
        "code": lambda: render_svg(payload, title=translate(_("QR code to pay"), language)),
        "dial": codes.dial_string(scheme.ussd_code, facts.alias, amount),
    }
    nothing: dict[str, Any] = dict.fromkeys(
        ("state_text", "refresh_s", "sticker", "typed", "moment", "receipt", "token", "to_phone", "reference")
    )
    return pages.respond(request, _PAY_PAGE, **common | nothing | {"version": ""} | content)


def typed_amount(given: Mapping[str, str], scheme: SchemeFacts, taken: Sequence[str]) -> Typed:
    """The amount of `amount` and `currency` in a query or a form, in a currency that the shop takes."""
    usual = usual_currency(scheme, taken)
    currencies = [usual, *(one for one in taken if one != usual)]
    currency = given.get("currency", usual)
    currency = currency if currency in currencies else usual
    text = given.get("amount", "").strip()[:20]
    if not text:
        return Typed("", currency, currencies)
    try:
        return Typed(text, currency, currencies, money.parse_decimal(_COMMA.sub(r"\1.\2", text), currency))
    except money.AmountProblem as problem:
        return Typed(text, currency, currencies, wrong=problem.sentence)


async def _sticker_text(service: Service, shop: codes.CodeFacts, version: str) -> StateText | None:
    """What to say of the sticker that led here; None when it holds, or when nobody says which it was."""
    if not VERSION.fullmatch(version):
        return None
    async with service.db.system_reads() as tx:
        found = await stickers.scanned(tx, shop.alias_type, shop.alias, int(version))
    return STICKER_TEXTS.get(found.standing) if found is not None else None


def _refresh_s(created_at: datetime) -> int:
    return _REFRESH_AT_TILL_S if clock.now() - created_at < _TILL_TIME else _REFRESH_LATER_S


class Moment(Struct, frozen=True):
    """An instant for machines and as told to people."""

    instant: str
    told: str


def _moment(state_text: StateText, expires_at: datetime, paid_at: datetime | None, zone: ZoneInfo) -> Moment | None:
    """When it was paid, with its day, or until when it can be, in the scheme's time zone: the day only when it is not
    today.
    """
    instant = paid_at or (expires_at if state_text.payable else None)
    if instant is None:
        return None
    there = instant.astimezone(zone)
    day, time = there.date(), there.time()
    if paid_at:
        told = _("on {day}, {time}", day=day, time=time)
    elif day == clock.now().astimezone(zone).date():
        told = _("until {time}", time=time)
    else:
        told = _("until {day}, {time}", day=day, time=time)
    return Moment(clock.rfc3339(instant), told)


ROUTES = [pay_page]
