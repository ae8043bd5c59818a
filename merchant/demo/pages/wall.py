"""The demo's wall: shop, shopper's phone, USSD phone, staff's queue and hub side by side, real services behind each.

Nobody signs in to look: whoever sees the wall plays the stall's owner and a shopper. Only `merchant demo` hands these
routes to the application. Without a script a press loads the page anew; demo.js asks for /demo/live now and then.
"""

from typing import Any
from uuid import uuid4

from litestar import get, post

from merchant.core import errors, money
from merchant.core.http import inside
from merchant.core.http.forms import read_form
from merchant.core.http.json import service_of
from merchant.demo.own_shops import STALL
from merchant.demo.pages import cast, keypad, panels, phones, tour
from merchant.demo.pages.phones import NoAnswer
from merchant.demo.payments import HELD_PHONE
from merchant.demo.world import CURRENCY, DemoWorld
from merchant.people import account_routes
from merchant.portal import home as start
from merchant.portal.account.sign_in import keep_session
from merchant.portal.ui import pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req

_WALL_PAGE, _LIVE_PAGE, _PHONE_PAGE, _LANDING_PAGE = (
    f"{__package__}/{name}.html" for name in ("wall", "wall_live", "ussd_phone", "demo_landing")
)
_ROUTE: dict[str, Any] = {"opt": PUBLIC, "exception_handlers": IN_WORDS}
_ASKED_FOR_S = 180
USUAL_AMOUNT = "1.50"


@get("/", **_ROUTE)
async def home(request: Req) -> Page:
    """The portal's start page, with a way to the demo."""
    return await start.show_home(request, _LANDING_PAGE)


@get("/demo", **_ROUTE)
async def show_wall(request: Req) -> Page:
    """All five panels, the tour, and whom to sign in as."""
    return await _wall(request)


@get("/demo/live", **_ROUTE)
async def show_live(request: Req) -> Page:
    """What changes by itself on the wall and beside the USSD phone, for demo.js to put in place."""
    return await _respond(request, _LIVE_PAGE, panels=await panels.look(request))


@get("/ussd-phone", **_ROUTE)
async def show_phone(request: Req) -> Page:
    """A drawn phone that dials the real USSD door, beside the merchant's screen."""
    return await _phone(request)


async def _wall(request: Req, form: dict[str, str] | None = None, wrong: dict[str, str] | None = None) -> Page:
    known = cast.demo_of(request)
    return await _respond(
        request,
        _WALL_PAGE,
        422 if wrong else 200,
        panels=await panels.look(request),
        steps=tour.shown_steps(request, known),
        players=cast.players(known),
        queue=cast.first_page("/applications/queue", "/work", "/applications"),
        hub_page=cast.first_page("/hub", "/payments", "/merchants"),
        checker=cast.CHECKER,
        operator=cast.OPERATOR,
        amount=(form or {}).get("amount", USUAL_AMOUNT),
        once=str(uuid4()),
        wrong=wrong or {},
        back="/demo",
        **await _drawn_phone(request, known),
    )


async def _phone(request: Req, wrong: dict[str, str] | None = None) -> Page:
    return await _respond(
        request,
        _PHONE_PAGE,
        422 if wrong else 200,
        panels=await panels.look(request),
        wrong=wrong or {},
        back="/ussd-phone",
        **await _drawn_phone(request, cast.demo_of(request)),
    )


async def _drawn_phone(request: Req, known: DemoWorld | None) -> dict[str, Any]:
    scheme = await service_of(request).scheme()
    counters = cast.counters_of(known, STALL)
    start_text = keypad.dial_string(scheme, counters[0]["alias"] if counters else "")
    drawn = keypad.dialogue(request, start_text)
    return {
        "drawn": drawn,
        "keys": keypad.KEYS,
        "phone_list": keypad.PHONES,
        "dialler": drawn.keypad.msisdn if drawn.keypad else keypad.held_by(request),
        "phone_languages": keypad.languages(scheme),
    }


async def _respond(request: Req, template: str, status: int = 200, **content: Any) -> Page:
    service = service_of(request)
    scheme, zone = await service.scheme(), await service.time_zone()
    return pages.respond(
        request, template, status, only_in="en", scripts=True, scheme=scheme, zone=zone, currency=CURRENCY, **content
    )


@post("/demo/wall/ask", status_code=303, **_ROUTE)
async def ask(request: Req) -> Page:
    """The stall asks the shopper on the wall for money, by the API, as its owner."""
    form = await read_form(request)
    counters = cast.counters_of(cast.demo_of(request), STALL)
    if not counters:
        return await _wall(request, form, {"amount": "The stall is no merchant yet; look again in a few seconds."})
    body = {
        "counter_id": counters[0]["id"],
        "payer": {"type": "MSISDN", "id": HELD_PHONE},
        "amount": {"amount": form.get("amount", ""), "currency": CURRENCY},
        "note": "Matunda",
        "expires_in_s": _ASKED_FOR_S,
    }
    try:
        # The form holds an id made for it, so a form sent twice asks once.
        await cast.ask_as(
            request,
            cast.STALL_OWNER,
            "POST",
            "/api/v1/payment-requests",
            body=body,
            key=form.get("once") or str(uuid4()),
        )
    except errors.MerchantError as refused:
        told = "; ".join(one.message for one in refused.errors) or refused.detail
        return await _wall(request, form, {"amount": told})
    except money.AmountProblem as problem:
        return await _wall(request, form, {"amount": str(problem)})
    return pages.redirect("/demo#shop")


@post("/demo/wall/answer", status_code=303, **_ROUTE)
async def answer(request: Req) -> Page:
    """The shopper on the wall accepts or declines."""
    form = await read_form(request)
    try:
        await phones.answer(
            service_of(request).settings.hub_url,
            HELD_PHONE,
            form.get("request", ""),
            accept=form.get("answer") == "accept",
        )
    except NoAnswer as error:
        return await _wall(request, wrong={"phone": str(error)})
    back = "/ussd-phone" if form.get("back") == "/ussd-phone" else "/demo#phone"
    return pages.redirect(back)


@post("/demo/phone", status_code=303, **_ROUTE)
async def use_phone(request: Req) -> Page:
    """A press on the drawn phone's keys: a digit, a call, an answer, or the end."""
    form = await read_form(request)
    on_wall = form.get("back") != "/ussd-phone"
    back = "/demo#ussd" if on_wall else "/ussd-phone"
    if "hang_up" in form:
        return pages.redirect(back, **keypad.kept(None))
    try:
        pressed = await keypad.press(request, service_of(request), form)
    except NoAnswer as error:
        wrong = {"ussd": str(error)}
        return await (_wall(request, wrong=wrong) if on_wall else _phone(request, wrong))
    return pages.redirect(back, **keypad.kept(pressed))


@post("/demo/sign-in-as", status_code=303, **_ROUTE)
async def sign_in_as(request: Req) -> Page:
    """Sign in as one of the demo's people, by the portal's own sign-in, with the password that the demo keeps."""
    form = await read_form(request)
    known = cast.demo_of(request)
    user = known.person(form.get("who", "")) if known else None
    if user is None:
        raise errors.NotFound
    body = {"email": user.email, "password": user.password}
    signed = (await inside.ask(request, account_routes.sign_in, body=body)).view
    response = pages.redirect(pages.own_path(form.get("next", "")) or "/")
    keep_session(request, response, signed.access_token, signed.device_token)
    return response


ROUTES = [home, show_wall, show_live, show_phone, ask, answer, use_phone, sign_in_as]
