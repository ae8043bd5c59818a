"""Where a request comes from: the peer of the socket, or what a trusted proxy says of it.

A header that anyone can send is believed only when the peer is one of MERCHANT_TRUSTED_PROXIES; and a request that came
through any proxy at all is never taken for one of this machine.
"""

import ipaddress
from collections.abc import Mapping
from functools import lru_cache

from litestar.types import Scope

from merchant.core.settings import Settings

FORWARDING = frozenset(
    {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-real-ip"}
)
UNKNOWN = "unknown"  # a test client without a socket


def peer_of(scope: Scope) -> str:
    """The address at the other end of the socket."""
    client = scope.get("client")
    return client[0] if client else UNKNOWN


def was_forwarded(headers: Mapping[str, str]) -> bool:
    """Whether a proxy says that it passed the request on; names of headers in lower case."""
    return not FORWARDING.isdisjoint(headers)


def client_address(scope: Scope, headers: Mapping[str, str], settings: Settings) -> str:
    """The client's address: of X-Forwarded-For the last that no trusted proxy has, when the peer is a trusted proxy."""
    peer = peer_of(scope)
    trusted = _networks(settings.trusted_proxies)
    if not _is_in(peer, trusted):
        return peer
    hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",") if hop.strip()]
    for hop in reversed(hops):
        if not _is_in(hop, trusted):
            return hop[:64]
    return peer


def is_in_networks(address: str, networks: str) -> bool:
    """Whether an address is in one of these networks, as MERCHANT_TRUSTED_PROXIES writes them."""
    return _is_in(address, _networks(networks))


@lru_cache(maxsize=64)
def _networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in text.split(",") if part.strip())


def _is_in(address: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)
