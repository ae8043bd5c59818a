"""Which names we answer to: the Host header, RFC 9110 section 7.2.

One Host a request, always. With MERCHANT_PUBLIC_URL set, it must name that site, this machine, or one of
MERCHANT_HOSTS: else a page of another site whose name leads here could read what we answer (DNS rebinding). Health, and
the doors whose callers prove themselves by a secret, stay reachable by any address.
"""

from urllib.parse import urlsplit

from merchant.core import errors
from merchant.core.settings import Settings

_BY_ANY_NAME = ("/health/", "/oracle/", "/fspiop/", "/ussd/", "/metrics")
_WITHOUT_HOST = ("1.0", "1")  # as granian writes it
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def known_hosts(settings: Settings) -> frozenset[bytes] | None:
    """The values of Host that name us, in lower case; None when any does, since no public address is set."""
    if not settings.public_url:
        return None
    public = urlsplit(settings.public_url)
    own = f"[{settings.host}]" if ":" in settings.host else settings.host
    named = [one.strip() for one in settings.hosts.split(",") if one.strip()]
    names = [public.netloc.rpartition("@")[2], *named]
    names += [f"{name}:{settings.port}" for name in (own, *_LOOPBACK)]
    names += [own, *_LOOPBACK]
    default = _DEFAULT_PORTS.get(public.scheme)
    if public.hostname and public.port in (None, default):
        bare = f"[{public.hostname}]" if ":" in public.hostname else public.hostname
        names += [bare, f"{bare}:{default}"]
    return frozenset(name.lower().encode() for name in names)


def check_host(given: list[bytes], known: frozenset[bytes] | None, path: str, http_version: str) -> None:
    """Raises InvalidHost for a request with no Host or several, WrongHost for one that is not ours.

    HTTP/1.0 has no Host: load balancers ask for our health that way.
    """
    name = given[0] if given else b""
    if len(given) > 1 or (not name and http_version not in _WITHOUT_HOST):
        raise errors.InvalidHost
    if known is not None and name.lower() not in known and not path.startswith(_BY_ANY_NAME):
        raise errors.WrongHost
