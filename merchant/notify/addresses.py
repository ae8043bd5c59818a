"""Which hosts a webhook may go to: public names and public addresses, in the one usual way of writing them.

An endpoint is an address that a tenant gives and our worker calls, so whatever could mean our own network is refused:
other notations of addresses, addresses that carry an IPv4 address inside, names that only a local network has.
webhook.py asks for the text when an endpoint is made and at each call, and for each address that its name resolves to.
"""

import ipaddress
import re
import socket

# Labels of RFC 1123, section 2.1, at least two: a name without a dot is a name of our own network.
_HOST_NAME = re.compile(r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+([a-z0-9-]{2,63})")
# RFC 6761, 6762, 8375, 9476, ICANN's .internal, and what routers and companies use at home.
_LOCAL = frozenset(
    {"localhost", "localdomain", "local", "internal", "intranet", "private", "corp", "home", "lan", "arpa", "onion"}
) | {"alt", "invalid"}
# Global unicast (RFC 4291, section 2.4); in it, blocks that lead elsewhere or nowhere (RFC 6890 and its registry):
# protocol assignments with Teredo, documentation twice, 6to4.
_V6_PUBLIC = ipaddress.ip_network("2000::/3")
_V6_NOT_PUBLIC = [ipaddress.ip_network(one) for one in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
_V4_NOT_PUBLIC = [ipaddress.ip_network(one) for one in ("192.0.0.0/24", "192.88.99.0/24")]


def is_public_address(text: str) -> bool:
    """Whether an address, in its usual notation, is a public one of one machine."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        special = address.is_multicast or address.is_reserved or any(address in block for block in _V4_NOT_PUBLIC)
        return address.is_global and not special
    if address.scope_id is not None or any(address in block for block in _V6_NOT_PUBLIC):
        return False
    return address in _V6_PUBLIC and address.is_global


def is_public_host(host: str) -> bool:
    """Whether the host of a URL, in lower case, is a public address or may be a public name."""
    if is_public_address(host):
        return True
    named = _HOST_NAME.fullmatch(host.removesuffix("."))
    # A name that ends in a number is read as an IPv4 address by some (WHATWG URL, 3.5): 127.1, 0177.0.0.1, 0x7f.1.
    if named is None or named[1] in _LOCAL or re.fullmatch(r"[0-9]+|0x[0-9a-f]*", named[1]):
        return False
    return not _is_read_as_address(host.removesuffix("."))


def _is_read_as_address(host: str) -> bool:
    """Whether the C library takes a host for an IPv4 address: short, octal, hexadecimal, a single number."""
    try:
        socket.inet_aton(host)
    except OSError:
        return False
    return True
