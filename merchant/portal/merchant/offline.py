"""The merchant's pages as an app of the phone that also works without a line: manifest, service worker, and the page
that is shown in place of one that needs a line.

The worker keeps the shell, the codes and the form that asks, of the signed-in merchant only: static/shop.js forgets
them when someone else signs in, signing out clears them (Clear-Site-Data). It keeps no answer about money, and no
page of it says that something is paid.
"""

import gzip
from typing import Any

import msgspec
from litestar import Response, get

from merchant.core import texts
from merchant.core.http.json import service_of
from merchant.core.texts import _
from merchant.portal.merchant.shop import SHOP
from merchant.portal.ui import assets, languages, pages
from merchant.portal.ui.pages import PUBLIC, Page, Req
from merchant.portal.ui.screen import View, screen

_OFFLINE = f"{__package__}/offline.html"
# The worker may ask us, and nobody else; its own policy counts, not that of the pages (CSP 3, section 4.2.2).
_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"


@get("/manifest.webmanifest", opt=PUBLIC)
async def manifest(request: Req) -> Page:
    """How a phone shows the pages as an app."""
    scheme = await service_of(request).scheme()
    language = languages.spoken_with(request).language
    icon: dict[str, Any] = {"src": assets.asset_path("icon.svg"), "sizes": "any", "type": "image/svg+xml"}
    told = {
        "name": texts.translate(_("My shop"), language) + " · " + scheme.name,
        "short_name": texts.translate(_("My shop"), language),
        "lang": language,
        "start_url": "/shop",
        "scope": "/shop",
        "id": "/shop",
        "display": "standalone",
        "background_color": "#f3f6f4",
        "theme_color": "#0f6b4b",
        "icons": [icon | {"purpose": "any"}, icon | {"purpose": "maskable"}],
    }
    headers = {"cache-control": "private, max-age=3600", "vary": "accept-language"}
    return Response(msgspec.json.encode(told), media_type="application/manifest+json", headers=headers)


@get("/shop/sw.js", opt=PUBLIC)
async def service_worker(request: Req) -> Page:
    """The worker; looked for anew at every start, since it names the files of this release."""
    headers = {
        "cache-control": "no-cache",
        "service-worker-allowed": "/shop",
        "content-security-policy": _POLICY,
        "vary": "accept-encoding",
    }
    body = assets.worker()
    if pages.takes_gzip(request):
        headers["content-encoding"], body = "gzip", gzip.compress(body, 9, mtime=0)
    return Response(body, media_type="text/javascript", headers=headers)


@screen("GET", "/shop/offline", kinds=SHOP)
async def offline(view: View) -> Page:
    """What the phone shows in place of a page that needs a line."""
    return view.page(_OFFLINE)


ROUTES = [manifest, service_worker, offline]
