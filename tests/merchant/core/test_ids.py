"""Identifiers: UUIDv7 in order of age, wire ids, merchant numbers with a check digit, short references."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant.core import ids

DIGITS = st.text("0123456789", min_size=1, max_size=40)


def test_our_ids_are_of_version_7_and_sort_by_age() -> None:
    made = [ids.uuid7() for _ in range(1000)]
    assert {one.version for one in made} == {7}
    assert {one.variant for one in made} == {uuid.RFC_4122}
    assert len(set(made)) == 1000
    milliseconds = [one.int >> 80 for one in made]
    assert milliseconds == sorted(milliseconds)


def test_ids_for_the_wire_are_lower_case_version_4() -> None:
    made = ids.wire_id()
    assert uuid.UUID(made).version == 4
    assert made == made.lower()
    assert len(made) == 36


@given(DIGITS)
def test_the_luhn_digit_completes_any_digits(digits: str) -> None:
    assert ids.has_luhn(digits + ids.luhn_digit(digits))


@given(DIGITS, st.data())
def test_any_single_wrong_digit_is_caught(digits: str, data: st.DataObject) -> None:
    number = digits + ids.luhn_digit(digits)
    place = data.draw(st.integers(0, len(number) - 1))
    wrong = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != number[place]]))
    assert not ids.has_luhn(number[:place] + wrong + number[place + 1 :])


@given(st.text("0123456789", min_size=2, max_size=20), st.data())
def test_two_neighbours_swapped_are_caught_except_09_and_90(digits: str, data: st.DataObject) -> None:
    number = digits + ids.luhn_digit(digits)
    place = data.draw(st.integers(0, len(number) - 2))
    first, second = number[place], number[place + 1]
    swapped = number[:place] + second + first + number[place + 2 :]
    assert ids.has_luhn(swapped) == (first == second or {first, second} == {"0", "9"})


@pytest.mark.parametrize("number", ["", "a", "7992739871a", "٧٩٩", "79927398713 ", "-18", "²"])
def test_what_is_no_number_has_no_check_digit(number: str) -> None:
    assert not ids.has_luhn(number)


@pytest.mark.parametrize("number", ["79927398713", "4111111111111111", "18"])
def test_published_numbers_have_theirs(number: str) -> None:
    assert ids.has_luhn(number)


@given(st.integers(2, 18))
def test_merchant_numbers_have_the_schemes_length_and_never_start_with_nought(length: int) -> None:
    number = ids.merchant_number(length)
    assert len(number) == length
    assert number[0] != "0"
    assert ids.has_luhn(number)


def test_short_references_are_readable_and_differ() -> None:
    made = {ids.short_reference() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(one) for one in made} == {ids.REFERENCE_LENGTH}
    assert not set("".join(made)) & set("01ILOUilou")


def test_secrets_have_256_bits_and_are_safe_in_urls() -> None:
    made = ids.secret_token()
    assert len(made) == 43
    assert made.replace("-", "").replace("_", "").isalnum()
