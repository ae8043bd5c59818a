"""Headers that tell browsers and caches to be careful, on every answer, whoever makes it.

Pages add their content security policy (portal/ui/pages.py); everything else of this kind stands here. What a handler
says itself stays.
"""

from collections.abc import Iterable

from merchant.core.settings import Settings

Header = tuple[bytes, bytes]

_ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    # Not no-referrer: under it browsers send `Origin: null` with our own forms (Fetch standard, 3.2), which would then
    # look like those of a foreign page.
    (b"referrer-policy", b"same-origin"),
    # Granian writes its own name unless there is one. Ours tells nothing.
    (b"server", b"http"),
)
# Two years is what browsers' preload lists ask for; one year is what most sites can promise.
_HTTPS_ONLY: Header = (b"strict-transport-security", b"max-age=31536000")
_UNCACHED: Header = (b"cache-control", b"no-store")
# A picture of a code is shown by other sites' pages too; a page of ours never runs in theirs, and asks for no device.
_PAGES: tuple[Header, ...] = (
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)


def fixed_headers(settings: Settings) -> tuple[Header, ...]:
    """What every answer carries."""
    return (*_ALWAYS, _HTTPS_ONLY) if settings.public_url.startswith("https:") else _ALWAYS


def with_security(given: Iterable[Header], fixed: tuple[Header, ...], request_id: bytes) -> list[Header]:
    """An answer's headers with those it lacks; names must be in lower case."""
    headers = list(given)
    cached = page = referred = False
    for name, value in headers:
        if name == b"cache-control":
            cached = True
        elif name == b"content-type":
            page = value.startswith(b"text/html")
        elif name == b"referrer-policy":
            referred = True
    headers.append((b"x-request-id", request_id))
    headers += [header for header in fixed if header[0] != b"referrer-policy"] if referred else fixed
    if not cached:
        headers.append(_UNCACHED)
    if page:
        names = {name for name, _ in headers}
        headers += [header for header in _PAGES if header[0] not in names]
    return headers
