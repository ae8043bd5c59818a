"""Hosts that webhooks may go to: every notation of an address inside our network is refused."""

import ipaddress
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from merchant.core import errors
from merchant.core.settings import Settings
from merchant.notify import webhook
from merchant.notify.addresses import is_public_address, is_public_host
from tests.cases import every_case

REFUSED = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "0177.0.0.1",
    "0x7f.0.0.1",
    "0x7f.1",
    "0x7f000001",
    "017700000001",
    "2130706433",
    "127.0.0.1.",
    "127.1.",
    "0",
    "0.0.0.0",
    "10.0.0.1",
    "10.1",
    "012.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.2.1",
    "198.51.100.1",
    "203.0.113.1",
    "192.0.0.1",
    "192.88.99.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::127.0.0.1]",
    "[::8.8.8.8]",
    "[::ffff:127.0.0.1]",
    "[::ffff:8.8.8.8]",
    "[::ffff:0:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::808:808]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2002:808:808::1]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[ff02::1]",
    "[100::1]",
    "[4000::1]",
    "[fe80::1%25eth0]",
    "localhost",
    "localhost.",
    "shop.localhost",
    "shop.local",
    "printer.local.",
    "metadata.google.internal",
    "a.localdomain",
    "router.lan",
    "nas.home",
    "x.home.arpa",
    "1.0.0.127.in-addr.arpa",
    "x.onion",
    "x.corp",
    "x.intranet",
    "x.invalid",
    "a",
    "shop",
    "shop.1",
    "shop.0x7f",
    "1.2.3",
    "1.2.3.4.5",
    "256.256.256.256",
    "8.8.8",
    "0x08080808",
    "134744072",
    "-shop.example",
    "shop-.example",
    ".example",
    "a..example",
]
TAKEN = [
    "8.8.8.8",
    "93.184.216.34",
    "[2606:2800:220:1:248:1893:25c8:1946]",
    "shop.example",
    "hooks.shop.example.",
    "xn--bcher-kva.example",
    "_hooks.shop.co.ke",
    "1shop.co",
    "0x7f.example",
    "127.0.0.1.example",
    "a-b.example",
    "SHOP.Example",
]


def is_taken(host: str) -> bool:
    try:
        webhook.check_url(Settings(webhook_loopback=True), f"https://{host}/hooks")
    except errors.InvalidFields:
        return False
    return True


@every_case("host", REFUSED)
def test_what_leads_or_may_lead_inside_is_refused(host: str) -> None:
    assert not is_taken(host)
    assert not is_taken(f"{host}:8443")


@pytest.mark.parametrize("host", TAKEN)
def test_public_names_and_addresses_are_taken(host: str) -> None:
    assert is_taken(host)


@pytest.mark.parametrize("host", ["127。0。0。1", "１２７.0.0.1", "ⓛocalhost", "127.0.0.1@evil.example", "%3127.0.0.1"])
def test_foreign_digits_and_escapes_hide_nothing(host: str) -> None:
    assert not is_taken(host)


def notations(packed: int) -> list[str]:
    """An IPv4 address as the C library reads it."""
    a, b, c, d = packed.to_bytes(4, "big")
    return [
        str(packed),
        hex(packed),
        f"0{packed:o}",
        f"{a}.{b}.{c * 256 + d}",
        f"{a}.{(b * 256 + c) * 256 + d}",
        f"0{a:o}.{b}.{c}.{d}",
        f"{hex(a)}.{b}.{c}.{hex(d)}",
        f"{a}.{b}.{c}.{d}.",
    ]


@given(st.integers(0, 2**32 - 1))
def test_no_notation_of_a_private_address_is_taken_and_of_a_public_one_the_usual(packed: int) -> None:
    plain = ipaddress.IPv4Address(packed)
    for text in notations(packed):
        assert not is_public_host(text) or (text == f"{plain}." and plain.is_global), text
    if is_public_host(str(plain)):
        assert plain.is_global
        assert not plain.is_multicast


@given(st.ip_addresses(v=6), st.ip_addresses(v=4))
def test_an_address_that_carries_another_is_never_public(
    six: ipaddress.IPv6Address, four: ipaddress.IPv4Address
) -> None:
    if is_public_address(str(six)):
        assert six.is_global
        assert not (six.ipv4_mapped or six.sixtofour or six.teredo or six.is_multicast or six.is_site_local)
    tail = int(four)
    for prefix in ("::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::"):
        assert not is_public_address(str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | tail)))
    assert not is_public_address(str(ipaddress.IPv6Address((0x2002 << 112) | (tail << 80) | 1)))


@given(st.from_regex(r"[0-9a-fxA-FX.]{1,20}", fullmatch=True))
def test_whatever_the_c_library_reads_as_an_address_is_refused_or_is_a_public_one(text: str) -> None:
    try:
        host = URL(f"https://{text}/").raw_host or ""
        packed = socket.inet_aton(host.removesuffix("."))
    except (ValueError, OSError):
        return
    if is_public_host(host):
        assert ipaddress.IPv4Address(packed).is_global
