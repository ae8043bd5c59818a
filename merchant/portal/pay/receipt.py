"""The receipt behind the link that a shopper keeps: `/r/{token}` as a page, `.pdf` to print and `.txt` to send.

The token is the only key to it (payments/receipts.py), so the page is told to nobody: not cached, not indexed, and no
link of it says where its reader came from.
"""

import asyncio
from math import ceil

from litestar import Response, get
from litestar.params import FromPath

from merchant.core import errors, throttling
from merchant.core.http.json import service_of
from merchant.core.service import Service
from merchant.core.throttle import Throttle
from merchant.exchange.receipt_paper import draw_receipt
from merchant.payments import receipts
from merchant.portal.pay.found import TooManyGuesses, guesses, source_of
from merchant.portal.ui import languages, pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req

_RECEIPT_PAGE, _NO_RECEIPT_PAGE = (f"{__package__}/{name}.html" for name in ("receipt", "no_receipt"))
_FILES = {"pdf": "application/pdf", "txt": "text/plain; charset=utf-8"}
PER_RECEIPT = 10  # a minute, in one process: more papers of one payment are nobody's who pays
_SECRET = {"cache-control": "no-store", "referrer-policy": "no-referrer", "x-robots-tag": "noindex, nofollow"}


def by_receipt(_service: Service) -> Throttle:
    """Papers of one receipt that are drawn, which takes longer than all else that strangers may ask for."""
    return Throttle(per_minute=PER_RECEIPT, burst=PER_RECEIPT)


@get("/r/{token:str}", opt=PUBLIC, exception_handlers=IN_WORDS)
async def show_receipt(request: Req, token: FromPath[str]) -> Page:
    """A receipt, in the reader's language; `.pdf` or `.txt` behind the token makes it a file."""
    service, source = service_of(request), source_of(request)
    token, _dot, form = token.partition(".")
    payment_id = receipts.payment_of_token(service, token) if form in ("", *_FILES) else None
    if payment_id is None:
        if wait_s := throttling.wait_s(service, guesses, source, "receipt"):
            raise TooManyGuesses(headers={"retry-after": str(ceil(wait_s))})
        return _private(pages.respond(request, _NO_RECEIPT_PAGE, 404))
    language = languages.spoken_with(request).language
    try:
        receipt = await receipts.read_receipt(service, payment_id, language)
    except errors.NotFound:
        return _private(pages.respond(request, _NO_RECEIPT_PAGE, 404))
    if form == "pdf" and (wait_s := throttling.wait_s(service, by_receipt, str(payment_id), "receipt")):
        raise errors.TooManyRequests(headers={"retry-after": str(ceil(wait_s))})
    if form:
        return await _file(receipt, form)
    return _private(pages.respond(request, _RECEIPT_PAGE, receipt=receipt, token=token))


async def _file(receipt: receipts.Receipt, form: str) -> Page:
    if form == "pdf":
        body = await asyncio.to_thread(draw_receipt, receipt)
    else:
        body = receipts.as_text(receipt).encode()
    name = f'inline; filename="receipt-{receipt.number}.{form}"'
    return Response(body, media_type=_FILES[form], headers=_SECRET | {"content-disposition": name})


def _private(page: Page) -> Page:
    page.headers.update(_SECRET)
    return page


ROUTES = [show_receipt]
