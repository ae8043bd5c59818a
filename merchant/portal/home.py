"""The start page: a welcome that names the scheme."""

from litestar import get

from merchant.core.http.json import service_of
from merchant.core.service import NoScheme
from merchant.portal.ui import pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req


@get("/", opt=PUBLIC, exception_handlers=IN_WORDS)
async def home(request: Req) -> Page:
    """The start page."""
    try:
        name = (await service_of(request).scheme()).name
    except NoScheme:
        name = ""
    return pages.respond(request, "landing.html", cache="public, max-age=300", name=name)


ROUTES = [home]
