"""A shop to pay (tests/merchant/portal/shops.py)."""

from tests.merchant.portal.shops import shop

__all__ = ["shop"]
