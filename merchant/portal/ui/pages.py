"""What all pages share: templates, the style sheet, headers, forms in, problems told in words.

A page is HTML rendered by Jinja2 with autoescape, gzipped where the browser takes it, under a content security policy
that allows nothing but our own style sheet, pictures, forms and frames; core/http/security_headers.py adds what every
answer carries. Routes are those of each screen's own file.
"""

import gzip
import re
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import jinja2
from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.params import FromPath

from merchant.core import clock, errors, money, texts
from merchant.core.http import guide
from merchant.core.http.json import note_refusal, passing_problem, service_of
from merchant.core.http.json import on_crash as log_crash
from merchant.core.texts import _
from merchant.portal.ui import assets, charts, languages, markup, when, words

Req = Request[Any, Any, State]
_OWN_PATH_CHARS_MAX = 500
Page = Response[bytes]
PUBLIC = {"public": True, "hidden": True}
# A year is the longest that caches honour (RFC 2616 section 14.21); a changed file has another name.
FOR_EVER = "public, max-age=31536000, immutable"
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-src 'self'; base-uri 'none'; "
    "frame-ancestors "
)
# Our own scripts, what they ask us for, and the merchant's page kept for when there is no line.
_SCRIPTS = "script-src 'self'; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
_GZIP = re.compile(r"(?:^|,)\s*gzip\s*(?:$|,|;\s*q=(?:1|0\.0*[1-9]))", re.IGNORECASE)


def grouped(number: str) -> str:
    """A merchant number in groups for reading aloud: `4021 7756`; own aliases with letters stay whole."""
    if not (number.isascii() and number.isdigit()):
        return number
    size = 3 if len(number) % 4 == 1 else 4  # no lonely last digit
    return " ".join(number[at : at + size] for at in range(0, len(number), size))


class _TemplatesByPackage(jinja2.BaseLoader):
    """Finds `package/name.html` in the templates folder of that package, and a bare `name.html` in ours."""

    def __init__(self) -> None:
        self._loaders: dict[str, jinja2.PackageLoader] = {}

    def get_source(self, environment: jinja2.Environment, template: str) -> Any:
        package, _, name = template.rpartition("/")
        package = package or __package__
        if package not in self._loaders:
            self._loaders[package] = jinja2.PackageLoader(package)
        return self._loaders[package].get_source(environment, name)


@jinja2.pass_context
def _when(context: jinja2.runtime.Context, value: Any) -> Any:
    """A filter for instants: in the scheme's time zone, as the page's language writes them."""
    return when.tell_time(value, context["zone"], context["spoken"].language)


@jinja2.pass_context
def _day(context: jinja2.runtime.Context, value: Any) -> str:
    """A filter for days."""
    return when.tell_day(value, context["spoken"].language)


@jinja2.pass_context
def _amount(context: jinja2.runtime.Context, value: Any) -> str:
    """A filter for an amount as our API tells it: decimal text with its currency."""
    return money.display(money.parse_shown(value.amount, value.currency), context["spoken"].language)


@jinja2.pass_context
def _decimal(context: jinja2.runtime.Context, value: str, currency: str) -> str:
    """A filter for decimal text whose currency stands beside it."""
    return money.display(money.parse_shown(value, currency), context["spoken"].language)


_templates = jinja2.Environment(
    loader=_TemplatesByPackage(),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)
_templates.filters |= {"grouped": grouped, "money": money.display, "instant": clock.rfc3339}
_templates.filters |= {"country": texts.country_name, "linked": languages.linked}
_templates.filters |= {"inline": markup.inline, "prose": markup.prose, "breakable": markup.breakable}
_templates.filters |= {"in_chosen": lambda name, chosen: bool(chosen.get(name))}
_templates.filters |= {"when": _when, "day": _day, "amount": _amount, "decimal": _decimal}
_templates.globals |= {"asset": assets.asset_path, "icon": assets.icon, "fresh_id": lambda: str(uuid4())}
_templates.globals |= {"bars": charts.bars, "area": charts.area, "heat": charts.heat, "word": words.word}
_templates.globals |= {"lying": charts.lying, "dots": charts.dots, "has_guide": guide.is_built}


def respond(
    request: Req,
    template: str,
    status: int = 200,
    *,
    cache: str = "no-store",
    framed: bool = False,
    only_in: str | None = None,
    referrer: str | None = None,
    scripts: bool = False,
    **content: Any,
) -> Page:
    """A page in the visitor's language, or `only_in` the one it is written in. `framed` lets our own pages show it in a
    frame; all others refuse to be framed. `referrer` is another policy than ours for pages with a secret address.
    `scripts` lets the page load ours.
    """
    spoken = languages.Spoken(only_in, False) if only_in else languages.spoken_with(request)
    content |= {
        "_": spoken.say,
        "_n": spoken.say_number,
        "spoken": spoken,
        "others": () if only_in else languages.others(request, spoken),
    }
    page = _templates.get_template(template).render(content)
    links = "".join(f'<link rel="stylesheet" href="{path}">' for path in assets.sheets_for(page))
    body = page.replace("</head>", f"{links}</head>", 1).encode()
    headers = {
        "x-frame-options": "SAMEORIGIN" if framed else "DENY",
        "cache-control": cache,
        "content-security-policy": (_SCRIPTS if scripts else "") + _POLICY + ("'self'" if framed else "'none'"),
        "content-language": spoken.language,
        # A language of the address itself, or the page's only one, depends on nothing that was sent with it.
        "vary": "accept-encoding" + ("" if only_in or spoken.chosen else ", accept-language, cookie"),
    }
    if referrer is not None:
        headers["referrer-policy"] = referrer
    if takes_gzip(request):
        headers["content-encoding"], body = "gzip", gzip.compress(body, 6, mtime=0)
    response = Response(body, status_code=status, media_type="text/html", headers=headers)
    if spoken.chosen and cache == "no-store":  # a page that others are given too sets no cookie
        languages.remember(response, spoken, service_of(request).settings)
    return response


def own_path(wanted: str) -> str:
    """A path of ours to go on to, or nothing: no other site, and nothing a browser would take for one."""
    is_ours = wanted.startswith("/") and not wanted.startswith("//") and "\\" not in wanted and wanted.isprintable()
    return wanted if is_ours and len(wanted) <= _OWN_PATH_CHARS_MAX else ""


def redirect(url: str, **cookie: Any) -> Page:
    """See Other: what a form that did its work answers, so that reloading the page does not do it again."""
    response = Response(b"", status_code=303, headers={"location": url, "cache-control": "no-store"})
    if cookie:
        response.set_cookie(**cookie, path="/", httponly=True, samesite="strict")
    return response


def takes_gzip(request: Req) -> bool:
    """Whether the browser takes gzip. The one secret of a page is masked anew each time (session.py), so that
    compressing it gives nothing away (BREACH).
    """
    return _GZIP.search(request.headers.get("accept-encoding", "")) is not None


@get("/static/{name:str}", opt=PUBLIC)
async def static_file(request: Req, name: FromPath[str]) -> Page:
    """A file of ours under its hashed name, to be kept for ever."""
    asset = assets.served(name)
    if asset is None:
        raise errors.NotFound
    headers = {"cache-control": FOR_EVER, "vary": "accept-encoding"}
    body = asset.content
    if takes_gzip(request):
        headers["content-encoding"], body = "gzip", asset.gzipped
    return Response(body, media_type=asset.media_type, headers=headers)


# --- problems in words -----------------------------------------------------------------------------------------------


def _tell(request: Req, error: errors.MerchantError) -> Page:
    note_refusal(request, error)
    if isinstance(error, errors.NotSignedIn):
        return redirect(sign_in_path(request))
    if isinstance(error, errors.TotpEnrolmentRequired):
        return redirect("/account/second-factor")
    if error.status == 404:
        return _problem(request, 404, _("There is no such page"), _("Check the address."))
    page = _problem(request, error.status, error.title, error.detail)
    page.headers.update(error.headers)
    return page


def sign_in_path(request: Req) -> str:
    """The page that asks who someone is, and then leads back: to a page that only shows something."""
    if request.method != "GET":
        return "/sign-in"
    query = request.scope["query_string"].decode("latin-1")
    wanted = request.url.path + (f"?{query}" if query else "")
    return "/sign-in" if wanted == "/" else f"/sign-in?{urlencode({'next': wanted[:500]})}"


def _tell_http(request: Req, error: HTTPException) -> Page:
    return _tell(request, errors.TooLarge() if error.status_code == 413 else errors.BadRequest())


def _tell_crash(request: Req, error: Exception) -> Page:
    passing = passing_problem(service_of(request), error)
    if passing is not None:
        page = _problem(request, passing.status, passing.title, _("Nothing was changed; try again in a minute."))
        page.headers.update(passing.headers)
        return page
    status = log_crash(request, error).status_code or 500
    return _problem(request, status, errors.Internal.title, _("Nothing was changed; try again in a minute."))


def _problem(request: Req, status: int, title: str, detail: str) -> Page:
    return respond(request, "problem.html", status, title=title, detail=detail, code=status)


def no_such_page(request: Req, error: HTTPException) -> Page | None:
    """What a browser is told where nothing is; None for whoever does not ask for a page, as every client of the API."""
    if error.status_code != 404 or "text/html" not in request.headers.get("accept", ""):
        return None
    return _tell(request, errors.NotFound())


# For the handlers of pages: as programs/app.py's, but for people.
IN_WORDS: dict[Any, Any] = {errors.MerchantError: _tell, HTTPException: _tell_http, Exception: _tell_crash}


ROUTES = [static_file]
