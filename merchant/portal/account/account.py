"""The page of an invitation or of a forgotten password: one password, typed twice, without JavaScript.

The link's token is what lets someone in here, so no other site can make a form of ours work; it must not travel on, so
that these pages send no Referer at all.
"""

from typing import Any

from litestar import get, post
from litestar.params import FromPath

from merchant.core import errors
from merchant.core.http.forms import read_form
from merchant.core.http.json import service_of
from merchant.core.http.source import client_address
from merchant.core.texts import _
from merchant.people import links
from merchant.people.links import Kind
from merchant.people.passwords import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH
from merchant.people.problems import LinkInvalid
from merchant.portal.ui import pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req

_FORM_PAGE, _DONE_PAGE, _OVER_PAGE = (
    f"{__package__}/{name}.html" for name in ("password", "password_set", "link_over")
)
_INVITATIONS, _RESETS = "/account/invitations/{token:str}", "/account/password-resets/{token:str}"


@get(_INVITATIONS, opt=PUBLIC, exception_handlers=IN_WORDS)
async def invitation_page(request: Req, token: FromPath[str]) -> Page:
    """The form of an invitation."""
    return await _form(request, Kind.INVITATION, token)


@post(_INVITATIONS, opt=PUBLIC, exception_handlers=IN_WORDS)
async def accept_invitation(request: Req, token: FromPath[str]) -> Page:
    """Set the first password."""
    return await _accept(request, Kind.INVITATION, token)


@get(_RESETS, opt=PUBLIC, exception_handlers=IN_WORDS)
async def reset_page(request: Req, token: FromPath[str]) -> Page:
    """The form of a reset."""
    return await _form(request, Kind.RESET, token)


@post(_RESETS, opt=PUBLIC, exception_handlers=IN_WORDS)
async def reset_password(request: Req, token: FromPath[str]) -> Page:
    """Set a new password."""
    return await _accept(request, Kind.RESET, token)


async def _form(request: Req, kind: Kind, token: str, wrong: str = "", status: int = 200) -> Page:
    if not await links.find(service_of(request), kind, token):
        return _page(request, _OVER_PAGE, 404)
    invited = kind == Kind.INVITATION
    lengths = {"least": MIN_PASSWORD_LENGTH, "most": MAX_PASSWORD_LENGTH}
    return _page(request, _FORM_PAGE, status, invited=invited, wrong=wrong, **lengths)


async def _accept(request: Req, kind: Kind, token: str) -> Page:
    # Exactly as typed, as the API takes it: a password that lost its blanks here would fail at every sign-in.
    form, service = await read_form(request, any_site=True, exact=("password", "again")), service_of(request)
    password = form.get("password", "")
    if password != form.get("again", ""):
        return await _form(request, kind, token, _("The two passwords differ; type the same one twice."), 422)
    source = client_address(request.scope, request.headers, service.settings)
    try:
        await links.accept(service, kind, token, password, source)
    except LinkInvalid:
        return _page(request, _OVER_PAGE, 404)
    except errors.InvalidFields as refused:
        return await _form(request, kind, token, refused.errors[0].message, 422)
    except errors.TooManyRequests as refused:
        return await _form(request, kind, token, refused.detail, 429)
    return _page(request, _DONE_PAGE, 200)


def _page(request: Req, template: str, status: int, **content: Any) -> Page:
    return pages.respond(request, template, status, referrer="no-referrer", **content)


ROUTES = [invitation_page, accept_invitation, reset_page, reset_password]
