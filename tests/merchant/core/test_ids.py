"""Identifiers: UUIDv7 in order of age, wire ids, merchant numbers with a check digit, short references."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

from merchant.core import ids

DIGITS = st.text("0123456789", min_size=1, max_size=40)


def test_our_ids_are_of_version_7_and_sort_by_age() -> None:
    made = [ids.uuid7() for _ in range(1000)]
    assert {one.version for one in made} == {7}
    assert {one.variant for one in made} == {uuid.RFC_4122}
    assert len(set(made)) == 1000
    ages = [one.int >> 64 for one in made]
    assert ages == sorted(ages)


@given(st.integers(0, 2**60), st.integers(250, 2**60))
def test_ids_of_one_millisecond_sort_by_age_too(at_ns: int, later_ns: int) -> None:
    assert ids.uuid7(at_ns) < ids.uuid7(at_ns + later_ns)
    assert ids.uuid7(at_ns).int >> 80 == at_ns // 1_000_000


def test_ids_for_the_wire_are_lower_case_version_4() -> None:
    made = ids.wire_id()
    assert uuid.UUID(made).version == 4
    assert made == made.lower()
    assert len(made) == 36


@given(DIGITS)
def test_the_luhn_digit_completes_any_digits(digits: str) -> None:
    assert luhn.is_valid(digits + ids.luhn_digit(digits))


@pytest.mark.parametrize("number", ["79927398713", "4111111111111111", "18"])
def test_published_numbers_have_theirs(number: str) -> None:
    assert ids.luhn_digit(number[:-1]) == number[-1]


@given(st.integers(2, 18))
def test_merchant_numbers_have_the_schemes_length_and_never_start_with_nought(length: int) -> None:
    number = ids.merchant_number(length)
    assert len(number) == length
    assert number[0] != "0"
    assert luhn.is_valid(number)


def test_short_references_are_readable_and_differ() -> None:
    made = {ids.short_reference() for _ in range(1000)}
    assert len(made) == 1000
    assert {len(one) for one in made} == {ids.REFERENCE_LENGTH}
    assert not set("".join(made)) & set("01ILOUilou")


def test_secrets_have_256_bits_and_are_safe_in_urls() -> None:
    made = ids.secret_token()
    assert len(made) == 43
    assert made.replace("-", "").replace("_", "").isalnum()
