"""The page of the first operator's link: who they are, and a password typed twice, without JavaScript.

The link's token lets someone in, so that any browser may send the form and these pages send no Referer (account.py).
"""

from collections.abc import Mapping
from typing import Any

from litestar import get, post
from litestar.params import FromPath

from merchant.core import errors
from merchant.core.http import inside
from merchant.core.http.forms import read_form
from merchant.core.http.json import service_of
from merchant.core.texts import _
from merchant.people import set_up
from merchant.people import set_up_routes as api
from merchant.people.passwords import MAX_PASSWORD_LENGTH, MIN_PASSWORD_LENGTH
from merchant.people.problems import LinkInvalid
from merchant.portal.ui import pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req

_FORM_PAGE, _DONE_PAGE, _OVER_PAGE = (f"{__package__}/{name}.html" for name in ("set_up", "set_up_done", "link_over"))
_PATH = "/set-up/{token:str}"


@get(_PATH, opt=PUBLIC, exception_handlers=IN_WORDS)
async def set_up_page(request: Req, token: FromPath[str]) -> Page:
    """The form of the first operator."""
    return await _form(request, token, {}, {})


@post(_PATH, opt=PUBLIC, exception_handlers=IN_WORDS)
async def make_first_operator(request: Req, token: FromPath[str]) -> Page:
    """Make the account."""
    form = await read_form(request, any_site=True, exact=("password", "again"))
    if form.get("password", "") != form.get("again", ""):
        wrong = {"again": _("The two passwords differ; type the same one twice.")}
        return await _form(request, token, form, wrong, status=422)
    body = {name: form.get(name, "") for name in ("name", "email", "password")}
    try:
        await inside.ask(request, api.make_first_operator, path={"token": token}, body=body)
    except LinkInvalid:
        return _page(request, _OVER_PAGE, 404)
    except errors.InvalidFields as refused:
        return await _form(request, token, form, {one.path: one.message for one in refused.errors}, status=422)
    except (errors.Conflict, errors.TooManyRequests) as refused:
        return await _form(request, token, form, {}, refused.detail, refused.status)
    return _page(request, _DONE_PAGE, 200)


async def _form(
    request: Req, token: str, form: Mapping[str, str], wrong: Mapping[str, str], told: str = "", status: int = 200
) -> Page:
    service = service_of(request)
    email = await set_up.find(service, token)
    if email is None:
        return _page(request, _OVER_PAGE, 404)
    return _page(
        request,
        _FORM_PAGE,
        status,
        scheme=await service.scheme(),
        name=form.get("name", ""),
        email=form.get("email", email),
        wrong=wrong,
        told=told,
        least=MIN_PASSWORD_LENGTH,
        most=MAX_PASSWORD_LENGTH,
    )


def _page(request: Req, template: str, status: int, **content: Any) -> Page:
    return pages.respond(request, template, status, referrer="no-referrer", **content)


ROUTES = [set_up_page, make_first_operator]
