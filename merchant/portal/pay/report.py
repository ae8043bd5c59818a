"""A shopper reports that a code is not that of the shop they stand in: `/q/{code}/report`."""

from math import ceil
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath

from merchant.core import errors, throttling
from merchant.core.access import Actor
from merchant.core.http.forms import read_form
from merchant.core.http.json import service_of
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.throttle import Throttle
from merchant.portal.pay.found import Found, look_up, source_of
from merchant.portal.pay.pay import VERSION, unknown_code
from merchant.portal.ui import pages
from merchant.portal.ui.pages import IN_WORDS, PUBLIC, Page, Req
from merchant.registry.codes import payload as codes
from merchant.registry.codes.reports import TEXT_CHARS_MAX, ReportReason, report_code

_REPORT_PAGE, _REPORTED_PAGE = (f"{__package__}/{name}.html" for name in ("report", "reported"))
PER_SOURCE, PER_COUNTER = 5, 20  # an hour, in one process: a crowd at one shop's till shares an address
REASONS = {
    ReportReason.OTHER_NAME: _("The name above is not the shop’s"),
    ReportReason.PASTED_OVER: _("The sticker is pasted over another, or looks changed"),
    ReportReason.ASKED_FOR_MORE: _("I was asked for more than the price"),
    ReportReason.OTHER: _("Something else"),
}


class TooManyReports(errors.TooManyRequests):
    code, title = "too_many_reports", _("Many reports came from here already; the DFSP has them")


def by_source(_service: Service) -> Throttle:
    """Reports that one source may send."""
    return Throttle(per_minute=PER_SOURCE / 60, burst=PER_SOURCE)


def by_counter(_service: Service) -> Throttle:
    """Reports about one counter: more tell staff nothing new."""
    return Throttle(per_minute=PER_COUNTER / 60, burst=PER_COUNTER)


@get("/q/{code:str}/report", opt=PUBLIC, exception_handlers=IN_WORDS)
async def report_page(request: Req, code: FromPath[str]) -> Page:
    """The form that asks what is wrong."""
    found = await look_up(request, code)
    if found is None:
        return unknown_code(request)
    return _show(request, found, {"sticker": request.query_params.get("sticker", "")})


@post("/q/{code:str}/report", status_code=200, opt=PUBLIC, exception_handlers=IN_WORDS)
async def send_report(request: Req, code: FromPath[str]) -> Page:
    """Keep a report for the DFSP of the shop."""
    service, form, source = service_of(request), await read_form(request), source_of(request)
    found = await look_up(request, code)
    if found is None:
        return unknown_code(request)
    text = " ".join(form.get("text", "").split())
    if form.get("reason") not in REASONS:
        return _show(request, found, form, wrong_reason=_("Choose what is wrong."))
    if len(text) > TEXT_CHARS_MAX:
        return _show(request, found, form, wrong_text=_("At most {most} characters.", most=TEXT_CHARS_MAX))
    shop = found.shop
    for limit, key in ((by_source, source), (by_counter, str(shop["counter_id"]))):
        if wait_s := throttling.wait_s(service, limit, key, "code_report"):
            raise TooManyReports(headers={"retry-after": str(ceil(wait_s))})
    version = form.get("sticker", "")
    actor = Actor(
        kind="service", id=UUID(int=0), name="pay page", dfsp_id=shop["dfsp_id"], merchant_id=shop["merchant_id"]
    )
    async with service.db.tenant(actor.dfsp_id) as tx:
        await report_code(
            tx,
            actor,
            shop["counter_id"],
            shop["alias"],
            ReportReason(form["reason"]),
            text,
            int(version) if VERSION.fullmatch(version) else None,
            source,
        )
    return pages.respond(request, _REPORTED_PAGE, dfsp=shop["dfsp"])


def _show(request: Req, found: Found, form: dict[str, str], *, wrong_reason: str = "", wrong_text: str = "") -> Page:
    return pages.respond(
        request,
        _REPORT_PAGE,
        422 if wrong_reason or wrong_text else 200,
        shop=codes.CodeFacts.of(found.shop),
        reasons=REASONS.items(),
        form=form,
        wrong_reason=wrong_reason,
        wrong_text=wrong_text,
        chars_max=TEXT_CHARS_MAX,
    )


ROUTES = [report_page, send_report]
