"""What a text says of a host: an address or a name (RFC 1123), and whether it is this machine."""

import ipaddress
import re
from functools import lru_cache


def is_network(text: str) -> bool:
    """Whether a text is an IP address or a network of them."""
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def is_host(text: str) -> bool:
    """Whether a text is an IP address or a host name (RFC 1123)."""
    return ("/" not in text and is_network(text)) or (
        len(text) <= 253
        and not text.rpartition(".")[2].isdecimal()
        and all(re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", label) for label in text.split("."))
    )


@lru_cache(maxsize=1024)
def is_loopback(host: str | None) -> bool:
    """Whether a host, by name or address, is this machine."""
    if host is None or host == "localhost":
        return host is not None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return address.is_loopback or (mapped is not None and mapped.is_loopback)
