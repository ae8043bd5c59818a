"""A shop to pay (shops.py)."""

from tests.merchant.portal.shops import shop

__all__ = ["shop"]
