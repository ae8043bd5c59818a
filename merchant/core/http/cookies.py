"""The cookies of our own pages: which session a browser is in, and on which device someone signed in before.

Over HTTPS their names begin with `__Host-`, so that no other host, and no page without TLS, can set them
(RFC 6265bis section 4.1.3.2).
"""

from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any

from litestar import Response

from merchant.core.settings import Settings

SESSION, DEVICE = "session", "device"
_BYTES_MAX = 8_192  # of the header; a browser of ours sends some hundreds


def cookie_name(kind: str, settings: Settings) -> str:
    """What a cookie of ours is called under these settings."""
    return f"__Host-{kind}" if _is_https(settings) else kind


def read_cookie(headers: Mapping[str, str], kind: str, settings: Settings) -> str | None:
    """The cookie's value, or None."""
    sent = headers.get("cookie", "")
    if not sent or len(sent) > _BYTES_MAX:
        return None
    try:
        found = SimpleCookie(sent).get(cookie_name(kind, settings))
    except CookieError:
        return None
    return found.value if found is not None and found.value else None


def set_cookie(response: Response[Any], kind: str, value: str, settings: Settings, max_age_s: int) -> None:
    """Give the browser a cookie that scripts cannot read; `max_age_s` of 0 takes it away.

    Lax, not Strict: a link in a mail must find its reader signed in. Lax sends it with no form of another site.
    """
    response.set_cookie(
        cookie_name(kind, settings),
        value,
        max_age=max_age_s,
        path="/",
        httponly=True,
        samesite="lax",
        secure=_is_https(settings),
    )


def with_session(headers: Mapping[str, str], settings: Settings) -> Mapping[str, str]:
    """A request's headers, with the session of its cookie as credentials where it has none of its own."""
    if "authorization" in headers or "x-api-key" in headers:
        return headers
    token = read_cookie(headers, SESSION, settings)
    return headers if token is None else {**headers, "authorization": f"Bearer {token}"}


def _is_https(settings: Settings) -> bool:
    return settings.public_url.startswith("https:")
