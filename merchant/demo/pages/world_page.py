"""All of the demo's merchants and shoppers on one page, with forms that call the service, and its news.

Nobody signs in: whoever sees the page may act as any merchant and any shopper, so only `merchant demo` hands these
routes to the application. What is asked for goes through create_request in the merchant's own tenant; what
shoppers do goes over HTTP to the simulator and to our own USSD door (phones.py).
"""

import hashlib
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import get, post
from msgspec import Struct

from merchant.core import errors, idempotency, money
from merchant.core.access import Actor
from merchant.core.http.forms import read_form
from merchant.core.http.json import service_of
from merchant.core.phone import Msisdn
from merchant.core.service import Service
from merchant.demo.pages import keypad as keypads
from merchant.demo.pages import phones, world
from merchant.demo.pages.phones import CUSTOMERS, KNOWN, NoAnswer
from merchant.payments.operations import NewRequest, create_request
from merchant.portal.pay import found as shops
from merchant.portal.ui import pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req
from merchant.registry.codes import payload as codes
from merchant.registry.merchants.counters import usual_currency

_DEMO_PAGE, _DEMO_NEWS_PAGE, _DEMO_INBOX_PAGE = (
    f"{__package__}/{name}.html" for name in ("demo", "demo_news", "demo_inbox")
)
PATH = "/demo/world"
NEWS_REFRESH_S = 3
# Short, so that silent and late customers show their end while one watches; a code to scan needs more time.
_ASKED_FOR_S, _SHOWN_FOR_S = 60, 600
_NOBODY = ""  # the payer of a request that shows a code to scan
_FIELDS = {"amount.amount": "amount", "amount.currency": "number", "counter_id": "number"}
_ROUTE: dict[str, Any] = {"opt": PUBLIC, "exception_handlers": IN_WORDS}


class Form(Struct, frozen=True):
    """A form as it was sent: its values, and what is wrong with them by field."""

    values: dict[str, str] = {}
    wrong: dict[str, str] = {}


@get(PATH, **_ROUTE)
async def show_world(request: Req) -> Page:
    """Any merchant, any phone."""
    return await _world(request)


async def _world(request: Req, refused: str = "", form: Form | None = None) -> Page:
    """The demo's page; a form that was refused is shown again with its values and what is wrong with them."""
    service, query = service_of(request), request.query_params
    search = query.get("q", "").strip()[:128]
    demo_counters, before = await world.merchants(service, search, _id(query.get("before")))
    scheme = await service.scheme()
    number = query.get("number", "")[:32] or (demo_counters[0].number if demo_counters else "")
    payer = query.get("payer", "")
    start = {
        "number": number,
        "to": number,
        "dial": codes.dial_string(scheme.ussd_code, number, None) or scheme.ussd_code,
        "payer": payer if payer in KNOWN else CUSTOMERS[0].msisdn,
    }
    forms = dict.fromkeys(("ask", "shopper", "ussd"), Form(start))
    if form is not None:
        forms[refused] = Form(start | form.values, form.wrong)
    keypad = phones.from_cookie(request.cookies.get(keypads.COOKIE))
    keypad = keypad if keypad and keypad.screen else None  # only some keys were pressed on the drawn one
    return pages.respond(
        request,
        _DEMO_PAGE,
        422 if form else 200,
        only_in="en",
        scheme=scheme,
        customers=CUSTOMERS,
        demo_counters=demo_counters,
        search=search,
        before=before,
        forms=forms,
        is_wrong=form is not None,
        sent="sent" in query,
        typing="typing" in query,
        asked=await _asked(service, _id(query.get("asked"))),
        keypad=None if refused == "ussd" else keypad,
    )


@get("/demo/news", **_ROUTE)
async def show_news(request: Req) -> Page:
    """What happened last, in a frame that asks again by itself so that no form is lost while someone types."""
    service = service_of(request)
    return pages.respond(
        request,
        _DEMO_NEWS_PAGE,
        only_in="en",
        framed=True,
        news=await world.news(service),
        zone=await service.time_zone(),
        refresh_s=None if "paused" in request.query_params else NEWS_REFRESH_S,
    )


@get("/demo/inbox", **_ROUTE)
async def show_inbox(request: Req) -> Page:
    """A shopper's phone, likewise."""
    service, payer = service_of(request), request.query_params.get("payer")
    customer = next((one for one in CUSTOMERS if one.msisdn == payer), None)
    if customer is None:
        raise errors.NotFound
    messages, problem = [], ""
    try:
        messages = await phones.read_inbox(service.settings.hub_url, customer.msisdn)
    except NoAnswer as error:
        problem = str(error)
    return pages.respond(
        request,
        _DEMO_INBOX_PAGE,
        only_in="en",
        framed=True,
        customer=customer,
        messages=messages[: world.NEWEST],
        problem=problem,
        zone=await service.time_zone(),
        refresh_s=NEWS_REFRESH_S,
    )


@post("/demo/ask", status_code=303, **_ROUTE)
async def ask_for_money(request: Req) -> Page:
    """A merchant asks a customer for money, or shows a code to whoever scans it."""
    service, form = service_of(request), await read_form(request)
    try:
        request_id = await _ask(service, form, await request.body())
    except errors.InvalidFields as error:
        wrong = {_FIELDS.get(each.path, each.path): each.message for each in error.errors}
        return await _world(request, "ask", Form(form, wrong))
    except errors.MerchantError as error:
        return await _world(request, "ask", Form(form, {"number": error.detail}))
    return _back("ask", asked=str(request_id), number=form["number"], payer=form.get("payer", ""))


async def _ask(service: Service, form: dict[str, str], raw: bytes) -> UUID:
    """Store the request as the merchant's own service would. Raises InvalidFields, WrongState."""
    scheme, payer = await service.scheme(), form.get("payer", _NOBODY)
    if payer not in KNOWN | {_NOBODY}:
        raise errors.invalid_field("payer", "unknown", "Choose one of the customers.")
    found = await shops.find_code(service, "".join(form.get("number", "").split()))
    if found is None or found[1] is not None:
        raise errors.invalid_field("number", "unknown", "No merchant with this number takes payments.")
    shop = found[0]
    try:
        amount = money.parse_decimal(form.get("amount", ""), usual_currency(scheme, shop["currencies"]))
    except money.AmountProblem as error:
        raise errors.invalid_field("amount", "invalid", str(error)) from None
    new = NewRequest(
        counter_id=shop["counter_id"],
        amount=amount,
        payer=Msisdn.of(payer) if payer else None,
        channel="demo",
        expires_in_s=_ASKED_FOR_S if payer else _SHOWN_FOR_S,
    )
    actor = Actor(kind="service", id=UUID(int=0), name="demo", dfsp_id=shop["dfsp_id"], merchant_id=shop["merchant_id"])

    async with service.db.tenant(actor.dfsp_id) as tx:

        async def work() -> tuple[int, bytes]:
            made = await create_request(tx, service, actor, new)
            return 201, made.id.bytes

        # The form holds an id made for it, so a form sent twice asks once, and a changed one asks again.
        key = hashlib.sha256(raw).hexdigest()
        outcome = await idempotency.run_once(tx, service.vault, actor, "demo", key, raw, work)
    return UUID(bytes=outcome.body)


@post("/demo/shopper", status_code=303, **_ROUTE)
async def pay_as_shopper(request: Req) -> Page:
    """A shopper pays a merchant number, or a code whose text was pasted."""
    service, form = service_of(request), await read_form(request)
    payer, to = form.get("payer", ""), form.get("to", "")
    if payer not in KNOWN:
        return await _world(request, "shopper", Form(form, {"payer": "Choose one of the customers."}))
    scheme, found = await service.scheme(), await shops.find_code(service, to)
    currency = usual_currency(scheme, found[0]["currencies"]) if found else scheme.currencies[0]
    try:
        await phones.pay(service.settings.hub_url, payer, to, form.get("amount", ""), currency)
    except NoAnswer as error:
        return await _world(request, "shopper", Form(form, {"to": str(error)}))
    return _back("shopper", payer=payer, sent="1", number=to if found else "")


@post("/demo/ussd", status_code=303, **_ROUTE)
async def use_keypad(request: Req) -> Page:
    """One step of a USSD dialogue: dial, answer, or hang up."""
    service, form = service_of(request), await read_form(request)
    if "hang_up" in form:
        return _back("ussd", cookie=keypads.kept(None))
    try:
        keypad = await keypads.next_screen(service, form)
    except NoAnswer as error:
        return await _world(request, "ussd", Form(form, {"dial": str(error)}))
    return _back("ussd", cookie=keypads.kept(keypad), typing="" if keypad.ended else "1", payer=keypad.msisdn)


def _back(anchor: str, *, cookie: dict[str, Any] | None = None, **query: str) -> Page:
    given = urlencode({name: value for name, value in query.items() if value})
    return pages.redirect(f"{PATH}{'?' if given else ''}{given}#{anchor}", **cookie or {})


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


async def _asked(service: Service, request_id: UUID | None) -> world.NewsItem | None:
    try:
        return await world.asked(service, request_id) if request_id else None
    except errors.NotFound:
        return None


ROUTES = [show_world, show_news, show_inbox, ask_for_money, pay_as_shopper, use_keypad]
