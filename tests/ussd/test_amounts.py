"""What people type for an amount: taken, or refused where it could mean two."""

import contextlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ussd.amounts import BadAmount, format_amount, format_limit, parse_amount, western_digits


@pytest.mark.parametrize(
    ("text", "exponent", "minor"),
    [
        ("250", 2, 25_000),
        ("250.5", 2, 25_050),
        ("250.50", 2, 25_050),
        ("250.5000", 2, 25_050),
        ("0250", 2, 25_000),
        ("0", 2, 0),
        ("1,000", 2, 100_000),
        ("1 000", 2, 100_000),
        ("1,000,000.25", 2, 100_000_025),
        ("1,000.500", 2, 100_050),
        ("٢٥٠", 2, 25_000),
        ("২৫০", 2, 25_000),
        ("२५०", 2, 25_000),
        ("٢٥٠٫٥", 2, 25_050),
        ("١٬٠٠٠", 2, 100_000),
        ("250,00", 2, 25_000),  # as French writes two decimals
        ("1,50", 2, 150),
        ("1 500,00", 2, 150_000),
        ("1.000,50", 2, 100_050),
        ("1500", 0, 1_500),
        ("1500.00", 0, 1_500),
        ("1,500", 0, 1_500),
        ("1.500", 3, 1_500),
        ("1,500.250", 3, 1_500_250),
        ("9999999999999.9999", 4, 99_999_999_999_999_999),
    ],
)
def test_amounts_that_are_taken(text: str, exponent: int, minor: int) -> None:
    assert parse_amount(text, exponent) == minor


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1000/=", "KES", 100_000),
        ("1000/-", "KES", 100_000),
        ("1,000 /=", "TZS", 100_000),
        ("KES 1000", "KES", 100_000),
        ("kes1000", "KES", 100_000),
        ("Ksh1000", "KES", 100_000),
        ("Ksh. 1,000", "KES", 100_000),
        ("1000 bob", "KES", 100_000),
        ("$5", "USD", 500),
        ("5 FCFA", "XOF", 500),
        ("K5", "ZMW", 500),
        (".5", "KES", 50),
        ("250.", "KES", 25_000),
        ("+250", "KES", 25_000),
        ("1\u00a0000", "KES", 100_000),
        ("1\u202f000", "KES", 100_000),
        ("\u200f250\u202c", "KES", 25_000),
        ("\ufeff250", "KES", 25_000),
    ],
)
def test_amounts_as_people_of_a_country_write_them(text: str, currency: str, minor: int) -> None:
    assert parse_amount(text, 2, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("USD 5", "KES"),  # another currency than the shop's
        ("$5", "KES"),
        ("Ksh.50", "KES"),  # fifty, or a half
        ("Ksh.1000", "KES"),
        ("5k", "ZMW"),  # five kwacha, or five thousand
        ("5k", "KES"),
        ("1.000/=", "KES"),
        ("/=", "KES"),
        ("KES", "KES"),
        ("KES KES 5", "KES"),
        ("++5", "KES"),
        ("-5", "KES"),
        ("+-5", "KES"),
        ("İ5", "KES"),
        ("5/2", "KES"),
    ],
)
def test_amounts_of_another_currency_or_of_two_meanings_are_refused(text: str, currency: str) -> None:
    with pytest.raises(BadAmount):
        parse_amount(text, 2, currency)


@pytest.mark.parametrize(
    ("text", "exponent"),
    [
        ("", 2),
        ("abc", 2),
        ("-5", 2),
        ("1e3", 2),
        ("1.005", 2),
        ("1.000", 2),  # one, or a thousand as much of the world writes it
        ("1.500", 0),
        ("1,500", 3),  # a thousand and a half, or one and a half
        ("1,5", 2),
        ("1,50", 0),
        ("1,50", 3),
        ("1.00,50", 2),
        ("1,0000", 2),
        ("1,000 000", 2),
        (",000", 2),
        ("1..5", 2),
        ("1.5.0", 2),
        ("250 KES", 2),
        ("0x10", 2),
        ("1_000", 2),
        ("²", 2),
        ("½", 2),
        ("NaN", 2),
        ("Infinity", 2),
        ("250\x00", 2),
        ("10.5", 0),
        ("7" * 14, 2),
        ("77,777,777,777,777", 2),
        ("7" * 20, 2),
        ("1.00000", 2),
        ("*", 2),
        ("😀", 2),
    ],
)
def test_amounts_that_are_refused(text: str, exponent: int) -> None:
    with pytest.raises(BadAmount):
        parse_amount(text, exponent)


@given(st.text(max_size=30) | st.text("0123456789,. ", max_size=30), st.integers(0, 4))
@example("999,999,999,999,999", 2)
def test_any_text_is_an_amount_or_is_refused(text: str, exponent: int) -> None:
    with contextlib.suppress(BadAmount):
        assert 0 <= parse_amount(text, exponent) < 10 ** (13 + exponent)


@given(st.integers(0, 10**13 - 1), st.sampled_from([0, 2, 4]))
def test_an_amount_reads_back_as_it_was_shown(minor: int, exponent: int) -> None:
    assert parse_amount(format_amount(minor, exponent), exponent) == minor


@given(st.integers(0, 10**13 - 1))
def test_three_decimals_read_back_unless_they_stand_for_thousands(minor: int) -> None:
    assert parse_amount(format_amount(minor, 3), 3) == minor


@pytest.mark.parametrize(
    ("minor", "exponent", "shown", "limit"),
    [
        (1, 2, "0.01", "0.01"),
        (25_000, 2, "250.00", "250"),
        (999_999_999, 2, "9,999,999.99", "9,999,999.99"),
        (1_500, 0, "1,500", "1,500"),
        (100, 0, "100", "100"),
        (1_500, 3, "1.500", "1.500"),
    ],
)
def test_amounts_as_they_are_shown(minor: int, exponent: int, shown: str, limit: str) -> None:
    assert format_amount(minor, exponent) == shown
    assert format_limit(minor, exponent) == limit


def test_only_decimal_digits_are_made_western() -> None:
    assert western_digits("٧٤٢١ ¡²½Ⅷ") == "7421 ¡²½Ⅷ"
