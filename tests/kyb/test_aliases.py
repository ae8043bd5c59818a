"""Aliases that nobody may choose: drawn numbers, one slip away from them, and what reads the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import luhn

import kyb
from kyb.aliases import is_like_a_number

DIGITS = "0123456789"
READ_AS = {"0": "oO", "1": "iIlL", "2": "zZ", "5": "sS", "8": "bB", "9": "gGqQ"}


@st.composite
def numbers(draw: st.DrawFn) -> str:
    """A number as schemes draw them: 3 to 12 digits, the last a check digit."""
    body = draw(st.from_regex(r"[1-9][0-9]{1,10}", fullmatch=True))
    return body + luhn.calc_check_digit(body)


@st.composite
def slips(draw: st.DrawFn) -> tuple[str, int]:
    """A number, or what a finger makes of it, and the length of the numbers of its scheme."""
    number = draw(numbers())
    place, digit = draw(st.integers(0, len(number) - 2)), draw(st.sampled_from(DIGITS))
    slip = draw(
        st.sampled_from(
            [
                number,
                number[:place] + digit + number[place + 1 :],
                number[:place] + number[place + 1] + number[place] + number[place + 2 :],
                number[:place] + number[place + 1 :],
                number[:place] + digit + number[place:],
                number + digit,
                "0" + number,
                "00" + number,
            ]
        )
    )
    return slip, len(number)


@given(slips(), st.data())
def test_no_slip_of_a_drawn_number_may_be_chosen_with_whatever_separators(
    slipped: tuple[str, int], data: st.DataObject
) -> None:
    text, length = slipped
    for _ in range(data.draw(st.integers(0, 4))):
        place = data.draw(st.integers(0, len(text)))
        text = text[:place] + data.draw(st.sampled_from(".-_")) + text[place:]
    assert not kyb.may_be_chosen(text, length)


@given(numbers(), st.data())
def test_letters_that_look_like_digits_count_as_such_beside_one_digit(number: str, data: st.DataObject) -> None:
    alike = "".join(data.draw(st.sampled_from(digit + READ_AS.get(digit, ""))) for digit in number[1:])
    assert is_like_a_number(number[0] + alike, len(number))


@pytest.mark.parametrize(
    "text", ["65152341", "6515-2341", "6515.2340", "65152340.", "065152340", "651523400", "6515234"]
)
def test_the_slips_of_one_number_are_refused(text: str) -> None:
    assert not kyb.may_be_chosen(text, 8)


@pytest.mark.parametrize("text", ["0", "1", "9", "00", "42", "98", "99", "9-9", "1.", "٣"])
def test_a_key_of_the_telephone_menu_may_not_be_chosen(text: str) -> None:
    assert not kyb.may_be_chosen(text, 8)


@pytest.mark.parametrize("text", ["123", "a1", "1a", "9o"])
def test_what_is_longer_or_has_letters_may(text: str) -> None:
    assert kyb.may_be_chosen(text, 8)


@pytest.mark.parametrize("text", ["6S152340", "65I52340", "6515234O", "O65152340", "651523-4o"])
def test_a_number_written_with_letters_is_refused(text: str) -> None:
    assert not kyb.may_be_chosen(text, 8)


@pytest.mark.parametrize(
    "text",
    ["shop-1", "mama.njeri", "Kiosk-7", "duka.njeri.2", "goblogs", "a65152340", "4711", "0000847201", "1234567890123"],
)
def test_words_and_numbers_of_another_length_may_be_chosen(text: str) -> None:
    assert kyb.may_be_chosen(text, 8)


@pytest.mark.parametrize("text", ["-", "__", ".-.", "quotes", "", "a/b", "a b"])
def test_what_has_no_letter_or_digit_or_is_no_alias_may_not(text: str) -> None:
    assert not kyb.may_be_chosen(text, 8, {"quotes"})
    assert not kyb.may_be_chosen(text, None, {"quotes"})


def test_where_no_numbers_are_drawn_digits_are_as_good_as_letters() -> None:
    assert kyb.may_be_chosen("65152340", None)


@pytest.mark.parametrize("text", ["Shop-1", "SHOP_1", "s.h.o.p.1", "shop1-"])
def test_case_and_separators_make_no_other_alias(text: str) -> None:
    assert kyb.alias_form(text) == "shop1"


@given(st.from_regex(r"[A-Za-z0-9._-]{1,32}", fullmatch=True))
def test_a_form_has_no_form_but_itself(text: str) -> None:
    assert kyb.alias_form(kyb.alias_form(text)) == kyb.alias_form(text)
