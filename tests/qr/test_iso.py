import json
from pathlib import Path

import pycountry
import pytest

from qr.iso import COUNTRIES, CURRENCIES, MCCS, find_currency

DECIMALS = json.loads((Path(__file__).parents[1] / "vectors" / "currency_decimals.json").read_text(encoding="utf-8"))
# Another library's slips: it takes the codes for "no currency" and testing for money, and keeps a currency since left.
DIFFERENT = {"XXX", "XTS", "ANG"}


def test_every_country_of_iso_3166_is_known():
    assert set(COUNTRIES) == {country.alpha_2 for country in pycountry.countries} | {"XK"}


def test_every_currency_of_iso_4217_is_known_by_number_and_letters():
    for currency in pycountry.currencies:
        found = find_currency(currency.alpha_3)
        assert found is not None
        assert found.numeric == currency.numeric
        assert CURRENCIES[currency.numeric] == found == find_currency(currency.numeric)


@pytest.mark.parametrize("alpha", sorted(DECIMALS.keys() - DIFFERENT))
def test_decimals_agree_with_another_list(alpha):
    found = find_currency(alpha)
    assert found is None or found.decimals == DECIMALS[alpha]


def test_currencies_that_ended_are_marked():
    assert {"SLL", "ZWL", "HRK"} <= {currency.alpha for currency in CURRENCIES.values() if currency.withdrawn}
    assert not CURRENCIES["925"].withdrawn


@pytest.mark.parametrize("code", ["", "40", "kes", "٤٠٤", "KESX"])
def test_what_is_no_currency_code_is_not_found(code):
    assert find_currency(code) is None


def test_merchant_categories_are_four_digits_in_use():
    assert {"5411", "5814", "4111", "3000", "3999"} <= MCCS
    assert not MCCS & {"0000", "0001", "5410"}
