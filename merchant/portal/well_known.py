"""Files that programs look for at every site: robots.txt (RFC 9309) and security.txt (RFC 9116)."""

from datetime import timedelta

from litestar import Response, get

from merchant.core import clock, errors, texts
from merchant.core.http.json import service_of
from merchant.portal.ui.pages import PUBLIC, Req

# RFC 9116 section 2.5.5 recommends less than a year. It counts from the request: the contact is as current as the
# settings of the process that answers.
_CONTACT_GOOD_FOR = timedelta(days=180)
_CACHE = "public, max-age=86400"


@get("/robots.txt", opt=PUBLIC)
async def robots() -> Response[str]:
    """Nothing here is for search engines: pages of shops are found by their codes."""
    return Response("User-agent: *\nDisallow: /\n", media_type="text/plain", headers={"cache-control": _CACHE})


@get("/.well-known/security.txt", opt=PUBLIC)
async def security_contact(request: Req) -> Response[str]:
    """Where to report a weakness: MERCHANT_SECURITY_CONTACT. Raises NotFound when it is empty."""
    settings = service_of(request).settings
    if not settings.security_contact:
        raise errors.NotFound
    lines = [
        f"Contact: {settings.security_contact}",
        f"Expires: {clock.rfc3339(clock.now() + _CONTACT_GOOD_FOR)}",
        f"Preferred-Languages: {', '.join(texts.OFFERED)}",
    ]
    if settings.public_url:
        lines.append(f"Canonical: {settings.base_url}/.well-known/security.txt")
    return Response("\n".join(lines) + "\n", media_type="text/plain", headers={"cache-control": _CACHE})


ROUTES = [robots, security_contact]
