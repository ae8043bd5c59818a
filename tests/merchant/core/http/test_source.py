"""Whom a request comes from, and what a stranger's header is worth."""

import pytest

from merchant.core.http.source import client_address, was_forwarded
from merchant.core.settings import Settings


def _scope(peer):
    return {"type": "http", "client": (peer, 1234) if peer else None}


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "trusted", "told"),
    [
        ("203.0.113.7", None, "", "203.0.113.7"),
        ("203.0.113.7", "10.0.0.1", "", "203.0.113.7"),
        ("203.0.113.7", "10.0.0.1", "127.0.0.1", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.4", "127.0.0.1", "198.51.100.4"),
        ("127.0.0.1", "1.2.3.4, 198.51.100.4", "127.0.0.1", "198.51.100.4"),
        ("10.0.0.2", "1.2.3.4, 198.51.100.4, 10.0.0.9", "10.0.0.0/8", "198.51.100.4"),
        ("127.0.0.1", "", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "not an address", "127.0.0.1", "not an address"),
        ("::1", "2001:db8::5", "::1, 127.0.0.1", "2001:db8::5"),
        (None, "1.2.3.4", "127.0.0.1", "unknown"),
    ],
)
def test_a_forwarded_address_counts_only_from_a_trusted_proxy(peer, forwarded_for, trusted, told):
    headers = {} if forwarded_for is None else {"x-forwarded-for": forwarded_for}
    assert client_address(_scope(peer), headers, Settings(trusted_proxies=trusted)) == told


@pytest.mark.parametrize("name", ["forwarded", "via", "x-forwarded-for", "x-forwarded-proto", "x-real-ip"])
def test_every_header_of_a_proxy_tells_that_a_request_was_passed_on(name):
    assert was_forwarded({"host": "x", name: "anything"})


def test_a_request_without_such_a_header_was_not():
    assert not was_forwarded({"host": "x", "accept": "*/*"})
