"""The start page: in the demo the whole world on one page, elsewhere a plain word of welcome."""

from litestar import get

from merchant.portal import pages
from merchant.portal.pages import IN_WORDS, PUBLIC, Page, Req
from merchant.service import NoScheme
from merchant.web import service_of


@get("/", opt=PUBLIC, exception_handlers=IN_WORDS)
async def home(request: Req) -> Page:
    """The start page."""
    try:
        name = (await service_of(request).scheme()).name
    except NoScheme:
        name = "Merchant registry and payments"
    return pages.respond(request, "landing.html", cache="public, max-age=300", name=name)


ROUTES = [home]
