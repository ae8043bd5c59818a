"""Addresses of shoppers' pages as they are printed."""

import pytest

from merchant.registry.codes.payload import short_address


@pytest.mark.parametrize(
    ("base_url", "printed"),
    [
        ("https://pay.example", "pay.example/q/40217756"),
        ("https://pay.example/shops", "pay.example/shops/q/40217756"),
        ("http://127.0.0.1:8600", "127.0.0.1:8600/q/40217756"),
    ],
)
def test_a_printed_address_is_as_short_as_can_be_typed(base_url: str, printed: str) -> None:
    assert short_address(base_url, "40217756") == printed
