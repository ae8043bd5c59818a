import pytest

from qr.iso import CURRENCIES, MCCS, find_currency


def test_a_currency_is_found_by_number_and_by_letters():
    assert find_currency("TZS") == find_currency("834") == CURRENCIES["834"]


def test_currencies_that_ended_are_marked():
    assert {"SLL", "ZWL", "HRK"} <= {currency.alpha for currency in CURRENCIES.values() if currency.withdrawn}
    assert not CURRENCIES["925"].withdrawn


@pytest.mark.parametrize("code", ["", "40", "kes", "٤٠٤", "KESX"])
def test_an_unknown_currency_code_is_not_found(code):
    assert find_currency(code) is None


def test_merchant_categories_are_four_digits_in_use():
    assert {"5411", "5814", "4111", "3000", "3999"} <= MCCS
    assert not MCCS & {"0000", "0001", "5410"}
