"""What a masked value shows and hides."""

import pytest

from merchant.core.masking import is_masked, mask_date, mask_number


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("", "****"),
        ("12345", "****"),
        ("123456", "****56"),
        ("12345678", "****78"),
        ("ID0001001", "****001"),
        ("ABCDEFGHIJKLMNOP", "****MNOP"),
        ("A" * 200, "****AAAA"),
    ],
)
def test_of_a_number_at_most_a_third_and_four_characters_are_legible(number: str, shown: str) -> None:
    assert mask_number(number) == shown


def test_of_a_date_the_year_is_legible() -> None:
    assert mask_date("1980-02-03") == "1980-**-**"


def test_what_was_masked_is_known_for_it_and_what_people_write_is_not() -> None:
    assert all(is_masked(text) for text in (mask_number("12345678"), mask_number("1"), mask_date("1980-02-03")))
    assert not any(is_masked(text) for text in ("12345678", "1980-02-03", "A*1", ""))
