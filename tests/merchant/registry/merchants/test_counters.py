"""The currency of a shopper who chooses none."""

import msgspec
import pytest

from merchant.core.service import SchemeFacts
from merchant.registry.merchants.counters import usual_currency

SCHEME = SchemeFacts(
    name="Lakeside",
    qr_domain="pay.example.org",
    alias_type="ALIAS",
    alias_length=8,
    currencies=("USD", "KES"),
    country="KE",
    time_zone="Africa/Nairobi",
    ussd_code="",
    request_expiry_s=300,
    request_expiry_max_s=600,
)


@pytest.mark.parametrize(
    ("taken", "usual"),
    [
        (["KES", "USD"], "USD"),  # the scheme's order counts, not the merchant's
        (["TZS", "KES"], "KES"),
        (["TZS", "UGX"], "TZS"),  # nothing of the scheme's: the merchant's own first
    ],
)
def test_the_schemes_first_currency_that_the_merchant_takes(taken: list[str], usual: str) -> None:
    assert usual_currency(SCHEME, taken) == usual


def test_a_scheme_without_currencies_leaves_the_merchants_first() -> None:
    assert usual_currency(msgspec.structs.replace(SCHEME, currencies=()), ["TZS", "KES"]) == "TZS"
