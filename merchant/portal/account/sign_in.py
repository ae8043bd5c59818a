"""Signing in and out with a browser: the same sign-in as over the API, kept as a cookie.

A form without a session cannot carry the session's secret; that it comes from our own page is what protects it.
"""

import base64
from typing import Any

import msgspec
from litestar import get, post
from msgspec import Struct

from merchant.core import clock, errors
from merchant.core.http import cookies, inside
from merchant.core.http.forms import read_form
from merchant.core.http.json import service_of
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.vault import MissingSecretKey, WrongSecretKey
from merchant.people import account_routes as api
from merchant.people import passkey_routes as passkey_api
from merchant.people.problems import TotpRequired
from merchant.people.sign_in import DEVICE_LIFE
from merchant.portal.account.credential import credential_of
from merchant.portal.ui import pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req, own_path
from merchant.portal.ui.screen import View, screen

_SIGN_IN_PAGE, _FORGOTTEN_PAGE = (f"{__package__}/{name}.html" for name in ("sign_in", "forgotten"))
_CODE_ASKED_FOR_S, _PROVED = 300, "password of a sign-in"


@get("/sign-in", opt=PUBLIC, exception_handlers=IN_WORDS)
async def sign_in_page(request: Req) -> Page:
    """The form that asks who someone is."""
    return await _form(request, {"next": own_path(request.query_params.get("next", ""))})


@post("/sign-in", opt=PUBLIC, exception_handlers=IN_WORDS)
async def sign_in(request: Req) -> Page:
    """Sign in; a right password with a second factor asks for its code on the same page."""
    service = service_of(request)
    form = await read_form(request, exact=("password",))
    code = form.get("code", "").replace(" ", "")
    proved = _proved(service, form["proved"]) if "proved" in form else None
    if proved is not None:
        form |= {"email": proved.email, "password": proved.password}
    body: dict[str, Any] = {"email": form.get("email", ""), "password": form.get("password", "")}
    if code:
        body["totp" if code.isdigit() and len(code) == 6 else "recovery_code"] = code
    if device := cookies.read_cookie(request.headers, cookies.DEVICE, service.settings):
        body["device"] = device
    try:
        signed = (await inside.ask(request, api.sign_in, body=body)).view
    except TotpRequired:
        until = clock.now().timestamp() + _CODE_ASKED_FOR_S
        proved = proved or Proved(body["email"], body["password"], until)
        return await _form(request, form, 401, proved=proved)
    except (errors.NotSignedIn, errors.TooManyRequests, errors.InvalidFields, errors.WrongState) as refused:
        return await _form(request, form, refused.status, refused.detail, proved=proved)
    response = pages.redirect(own_path(form.get("next", "")) or "/")
    keep_session(request, response, signed.access_token, signed.device_token)
    return response


def keep_session(request: Req, response: Page, access_token: str, device_token: str) -> None:
    """Let the browser keep the session, and that its owner signed in on this device before."""
    settings = service_of(request).settings
    cookies.set_cookie(response, cookies.SESSION, access_token, settings, settings.session_lifetime_s)
    cookies.set_cookie(response, cookies.DEVICE, device_token, settings, int(DEVICE_LIFE.total_seconds()))


@post("/sign-in/passkey", opt=PUBLIC, exception_handlers=IN_WORDS)
async def sign_in_with_passkey(request: Req) -> Page:
    """Sign in with what the browser's passkey signed; the script of the page sends it."""
    form = await read_form(request)
    body: dict[str, Any] = {"credential": credential_of(form)}
    if device := cookies.read_cookie(request.headers, cookies.DEVICE, service_of(request).settings):
        body["device"] = device
    try:
        signed = (await inside.ask(request, passkey_api.sign_in_with_passkey, body=body)).view
    except (errors.NotSignedIn, errors.TooManyRequests) as refused:
        return await _form(request, form, refused.status, refused.detail)
    except errors.InvalidFields:
        return await _form(request, form, 422, _("The browser sent no passkey; sign in with your password."))
    response = pages.redirect(own_path(form.get("next", "")) or "/")
    keep_session(request, response, signed.access_token, signed.device_token)
    return response


@screen("POST", "/sign-out")
async def sign_out(view: View) -> Page:
    """End the session; what the browser keeps of its pages goes too (merchant/offline.py)."""
    await view.ask(api.end_session, path={"session_id": "current"})
    response = pages.redirect("/sign-in")
    response.headers["clear-site-data"] = '"cache", "storage"'
    cookies.set_cookie(response, cookies.SESSION, "", view.service.settings, 0)
    return response


@get("/forgotten", opt=PUBLIC, exception_handlers=IN_WORDS)
async def forgotten_page(request: Req) -> Page:
    """The form of a forgotten password."""
    return _forgotten(request)


@post("/forgotten", opt=PUBLIC, exception_handlers=IN_WORDS)
async def send_reset(request: Req) -> Page:
    """Mail a link, whether or not anyone has the address."""
    form = await read_form(request)
    try:
        await inside.ask(request, api.request_reset, body={"email": form.get("email", "")})
    except (errors.TooManyRequests, errors.InvalidFields) as refused:
        return _forgotten(request, refused.status, refused.detail)
    return _forgotten(request, sent=True)


def _forgotten(request: Req, status: int = 200, wrong: str = "", *, sent: bool = False) -> Page:
    return pages.respond(request, _FORGOTTEN_PAGE, status, wrong=wrong, sent=sent)


async def _form(
    request: Req, form: dict[str, str], status: int = 200, wrong: str = "", *, proved: "Proved | None" = None
) -> Page:
    """The page; of whoever has proved their password it asks for the code only."""
    service = service_of(request)
    return pages.respond(
        request,
        _SIGN_IN_PAGE,
        status,
        scheme=await service.scheme(),
        next=form.get("next", ""),
        email=form.get("email", ""),
        proved=_keep_proved(service, proved) if proved else "",
        wrong=wrong,
        wants_code=proved is not None,
        scripts=True,
    )


class Proved(Struct, frozen=True):
    """A password that was right, while its code is asked for: nobody types it twice, and no page shows it."""

    email: str
    password: str
    until: float  # seconds since the epoch; wrong codes do not move it


def _keep_proved(service: Service, proved: Proved) -> str:
    return base64.urlsafe_b64encode(service.vault.seal(msgspec.json.encode(proved), _PROVED)).decode()


def _proved(service: Service, sent: str) -> Proved | None:
    try:
        kept = msgspec.json.decode(service.vault.open(base64.urlsafe_b64decode(sent), _PROVED), type=Proved)
    except (ValueError, IndexError, WrongSecretKey, MissingSecretKey):
        return None
    return kept if kept.until > clock.now().timestamp() else None


ROUTES = [sign_in_page, sign_in, sign_in_with_passkey, sign_out, forgotten_page, send_reset]
