"""From a scanned code, or a number that was typed, to its page: `/q`."""

from litestar import get

from merchant.core.http.json import service_of
from merchant.portal.pay.found import CODE
from merchant.portal.pay.pay import MAX_SCANNED_CHARS, SHOP_CACHE, page_of, unknown_code
from merchant.portal.ui import pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req
from merchant.registry.codes import payload as codes

_SCAN_PAGE = f"{__package__}/scan.html"
# The one page that asks for a device, and only once somebody presses its button.
_CAMERA = "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"


@get("/q", opt=PUBLIC, exception_handlers=IN_WORDS)
async def scanned_code(request: Req) -> Page:
    """From the text of a scanned code, its link, or a number, to its page, which is told which sticker it was."""
    service, text = service_of(request), request.query_params.get("payload", "").strip()
    if not text:
        page = pages.respond(request, _SCAN_PAGE, cache=SHOP_CACHE, scripts=True, chars_max=MAX_SCANNED_CHARS)
        page.headers["permissions-policy"] = _CAMERA
        return page
    text = text.removeprefix(f"{service.settings.base_url}/q/")  # the link that a poster may print
    number = text.replace(" ", "")
    if number.isascii() and number.isdigit() and CODE.fullmatch(number):
        return pages.redirect(page_of(request, codes.pay_url("", number)))
    scan = codes.read_code(await service.scheme(), text) if len(text) <= MAX_SCANNED_CHARS else None
    address = codes.pay_url("", scan.alias, scan.short_ref) if scan else ""
    if scan is None or not CODE.fullmatch(address.removeprefix("/q/")):  # a code may hold text of any script
        return unknown_code(request)
    sticker = {"sticker": str(scan.sticker)} if scan.sticker is not None else {}
    return pages.redirect(page_of(request, address, **sticker))


ROUTES = [scanned_code]
