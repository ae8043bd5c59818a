"""Money: decimal text in and out, minor units between."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant.core import money
from merchant.core.money import AmountProblem, Money, display, exponent, format_decimal, is_currency, parse_decimal
from tests.paths import VECTORS

VECTORS = json.loads((VECTORS / "currency_decimals.json").read_text())
CURRENCIES = st.sampled_from(["KES", "USD", "JPY", "KWD", "XOF", "BHD"])


@given(st.integers(1, money.MAX_MINOR - 1), CURRENCIES)
def test_what_is_formatted_parses_to_the_same_money(minor: int, currency: str) -> None:
    text = format_decimal(Money(minor, currency))
    if len(text.partition(".")[0]) <= 13:
        assert parse_decimal(text, currency) == Money(minor, currency)
    assert not text.endswith(".")
    assert "." not in text or not text.endswith("0")


@given(st.from_regex(r"[0-9]{1,13}(\.[0-9]{1,4})?", fullmatch=True), CURRENCIES)
def test_a_well_formed_text_is_exact_or_refused_with_a_sentence(text: str, currency: str) -> None:
    try:
        parsed = parse_decimal(text, currency)
    except AmountProblem as problem:
        assert str(problem).endswith(".")
    else:
        whole, _, fraction = text.partition(".")
        scale = 10**4
        assert parsed.minor * scale == int(whole + fraction.ljust(4, "0")) * 10 ** exponent(currency)


@given(st.text(max_size=30), st.text(max_size=5))
def test_any_text_is_money_or_an_amount_problem(text: str, currency: str) -> None:
    with suppress(AmountProblem):
        assert parse_decimal(text, currency).minor > 0


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("250", "KES", 25_000),
        ("250.5", "KES", 25_050),
        ("250.50", "KES", 25_050),
        ("250.5000", "KES", 25_050),
        ("0.01", "KES", 1),
        ("007", "KES", 700),
        ("100", "JPY", 100),
        ("100.00", "JPY", 100),
        ("1.234", "KWD", 1234),
        ("9999999999999", "KES", 999_999_999_999_900),
        ("0.001", "BHD", 1),
    ],
)
def test_good_amounts(text: str, currency: str, minor: int) -> None:
    assert parse_decimal(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("0", "KES"),
        ("0.00", "KES"),
        ("-1", "KES"),
        ("+1", "KES"),
        ("1.001", "KES"),
        ("1.5", "JPY"),
        ("1,5", "KES"),
        ("1e2", "KES"),
        ("", "KES"),
        (" 1", "KES"),
        ("1 ", "KES"),
        ("1\n", "KES"),
        ("1.", "KES"),
        (".1", "KES"),
        ("12345678901234", "KES"),
        ("1.00000", "KES"),
        ("١", "KES"),
        ("１", "KES"),
        ("NaN", "KES"),
        ("1_0", "KES"),
        ("1", "XXX"),
        ("1", "XAU"),
        ("1", "kes"),
        ("1", "KE"),
        ("1", ""),
        ("1", "ZZZ"),
    ],
)
def test_bad_amounts_are_refused(text: str, currency: str) -> None:
    with pytest.raises(AmountProblem):
        parse_decimal(text, currency)


def test_a_refusal_never_repeats_a_huge_text() -> None:
    with pytest.raises(AmountProblem) as refused:
        parse_decimal("9" * 100_000, "KES")
    assert len(str(refused.value)) < 200


def test_decimals_agree_with_the_published_table() -> None:
    known = {code: digits for code, digits in VECTORS.items() if is_currency(code)}
    assert len(known) > 100
    assert {code: exponent(code) for code in known} == known


@pytest.mark.parametrize(
    "code", ["XXX", "XTS", "XAU", "XDR", "CLF", "USN", "XAD", "kes", "KES ", "", "EURO", "ZZZ", "💶"]
)
def test_what_nobody_can_pay_with_is_no_currency(code: str) -> None:
    assert not is_currency(code)


@pytest.mark.parametrize("code", ["KES", "USD", "SLE", "ZWG", "XOF", "XCG"])
def test_current_currencies_are_known(code: str) -> None:
    assert is_currency(code)


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (Money(125_000, "KES"), "1,250.00 KES"),
        (Money(5, "KES"), "0.05 KES"),
        (Money(1_000_000, "JPY"), "1,000,000 JPY"),
        (Money(1, "KWD"), "0.001 KWD"),
    ],
)
def test_people_see_grouped_thousands_and_all_decimals(amount: Money, shown: str) -> None:
    assert display(amount) == shown
