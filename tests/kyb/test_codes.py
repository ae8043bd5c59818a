"""Codes that are in use beyond the libraries' lists, and those that were replaced."""

import pytest

import kyb
from kyb import codes
from tests.kyb.samples import INDIVIDUAL, NOW, sections


@pytest.mark.parametrize("code", ["6529", "6530", "6611", "6760", "9034", "9411", "9754", "9950", "3000", "4829"])
def test_categories_that_card_schemes_assign_are_codes(code: str) -> None:
    assert code in codes.merchant_category_codes()


@pytest.mark.parametrize("code", ["0000", "9999", "5410", "742", ""])
def test_what_nobody_assigned_is_no_category(code: str) -> None:
    assert code not in codes.merchant_category_codes()


def test_kosovo_is_a_country_with_telephones() -> None:
    answers = sections(INDIVIDUAL, **{"locations.0.country": "XK", "contact.phone": "044 123 456"})
    tidied = kyb.normalise(answers)
    assert kyb.field_problems(tidied, NOW) == ()
    assert tidied.contact.phone == "+38344123456"


@pytest.mark.parametrize("code", ["ET-CE", "ET-SE", "BF-17", "AO-ICB", "AO-CUB"])
def test_places_newer_than_the_list_are_subdivisions(code: str) -> None:
    answers = sections(INDIVIDUAL, **{"locations.0.country": code[:2], "locations.0.subdivision": code})
    assert kyb.field_problems(answers, NOW) == ()


@pytest.mark.parametrize("code", ["SN-SD", "KE-99", "XK-01", "BF-18", "ke-30"])
def test_what_nobody_assigned_is_no_subdivision(code: str) -> None:
    assert code not in codes.subdivisions()


@pytest.mark.parametrize(
    ("old", "new"), [("IN-TG", "IN-TS"), ("in-ut", "IN-UK"), ("KZ-ALA", "KZ-75"), ("KE-30", "KE-30")]
)
def test_a_code_that_was_replaced_is_brought_up_to_date(old: str, new: str) -> None:
    answers = sections(INDIVIDUAL, **{"locations.0.country": new[:2], "locations.0.subdivision": old})
    assert kyb.normalise(answers).locations[0].subdivision == new
    assert kyb.field_problems(kyb.normalise(answers), NOW) == ()
