"""A listed name within a longer one is found: in quotes, in brackets, beside an alias word."""

import pytest

import kyb
from kyb.screening.match import TOO_LONG
from kyb.screening.readings import inner_names


@pytest.mark.parametrize(
    "name",
    [
        'Njeri "Joseph Kony" Wanjiku',
        "Njeri “Joseph Kony” Wanjiku",
        "Njeri 'Joseph Kony' Wanjiku",
        "Njeri ‘Joseph Kony’ Wanjiku",
        "Njeri «Joseph Kony» Wanjiku",
        "Njeri (Joseph Kony) Wanjiku",
        "Njeri [Joseph Kony",  # never closed
        "Joseph (Njeri) Kony",
        "Joseph Kony (Njeri)",
        "Njeri aka Joseph Kony",
        "Njeri А.К.А. Joseph Kony",  # half of it Cyrillic
        "Njeri a/k/a: Joseph Kony",
        "Njeri f k a Joseph Kony",
        "Njeri alias Joseph Kony",
        "Njeri alias dictus Joseph Kony",
        "Njeri dit Joseph Kony",
        "Njeri CALLED Joseph Kony",
        "Njeri also known as Joseph Kony",
        "Njeri formerly Joseph Kony",
        "Njeri née Joseph Kony",
        "Njeri ne\u0301e Joseph Kony",
        "Njeri nee Joseph Kony",
        "Njeri almaarufu kama Joseph Kony",
        "Joseph Kony alias Njeri Wanjiku Otieno",
        "Njeri; Joseph Kony",
        "Njeri / Joseph Kony",
        'Njeri (Wanjiku "Joseph Kony")',
    ],
)
def test_a_listed_person_is_found_within_a_longer_name(un_index: kyb.ScreeningIndex, name: str) -> None:
    assert "CFi.009" in [hit.entry_id for hit in kyb.screen(name, un_index)]


@pytest.mark.parametrize(
    "name",
    [
        "Joseph Njeri Wanjiku",
        'Rose "Kony" Njeri',  # one word within is a nickname
        "Rose Njeri (Hassan)",
        "Rose aka Maria Wanjiku",
    ],
)
def test_a_word_within_is_not_enough(un_index: kyb.ScreeningIndex, name: str) -> None:
    assert kyb.screen(name, un_index) == ()


@pytest.mark.parametrize(
    "name",
    ["‘Abd al-Rahman ‘Ubayd Juday’", "Mary Nyong'o", "Yusuf bin Ali", "Jean-Pierre van den Berg", "Ne Win"],
)  # fmt: skip
def test_ordinary_names_hold_no_other(name: str) -> None:
    assert inner_names(name) == ()


def test_a_name_within_hides_no_likeness_of_the_whole(un_index: kyb.ScreeningIndex) -> None:
    assert "QDe.129" in [
        hit.entry_id for hit in kyb.screen("Al-Qaida in the Arabian Peninsula (AQAP)", un_index, kind="entity")
    ]


def test_more_names_within_one_than_are_compared_are_said_to_be_too_many(un_index: kyb.ScreeningIndex) -> None:
    many = " alias ".join(f"Njeri{letter}" for letter in "abcdefghijklmnopqrst")
    assert kyb.screen_subject(kyb.Subject("owners[0]", many), un_index).not_compared == TOO_LONG
