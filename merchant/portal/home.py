"""The start page: a welcome that names the scheme; whoever is signed in goes on to their own."""

from litestar import get

from merchant.core import errors
from merchant.core.http import cookies
from merchant.core.http.json import authenticate, service_of
from merchant.core.service import NoScheme
from merchant.portal.ui import layout, pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req


@get("/", opt=PUBLIC, exception_handlers=IN_WORDS)
async def home(request: Req) -> Page:
    """The start page."""
    return await show_home(request)


async def show_home(request: Req, template: str = "landing.html") -> Page:
    """The start page from a template that extends landing.html; whoever is signed in is led on."""
    settings = service_of(request).settings
    if cookies.read_cookie(request.headers, cookies.SESSION, settings) is not None:
        try:
            actor = await authenticate(request.app.state, cookies.with_session(request.headers, settings))
            return pages.redirect(layout.layout_of(actor, "/").home)
        except errors.NotSignedIn:
            pass  # the session is over
    try:
        name = (await service_of(request).scheme()).name
    except NoScheme:
        name = ""
    # Not kept: after signing in it leads on, and a browser's copy would ask to sign in again.
    return pages.respond(request, template, name=name)


ROUTES = [home]
