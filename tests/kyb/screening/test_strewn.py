"""A listed name is found when other words stand between its own."""

import pytest

import kyb

LISTED = "Aiman Muhammed Rabi al-Zawahiri"


@pytest.mark.parametrize(
    "name",
    [
        "Aiman Wanjiku Muhammed Njeri Rabi Kamau al-Zawahiri Otieno",
        "Njeri Aiman Wanjiku Muhammed Rabi Kamau Otieno al-Zawahiri",
        "Ayman Wanjiku Njeri Mohamed Otieno Kamau Rabi Mwangi Atieno al-Zawahiri",
    ],
)
def test_other_words_between_do_not_hide_a_name(un_index: kyb.ScreeningIndex, name: str) -> None:
    assert "QDi.006" in [hit.entry_id for hit in kyb.screen(name, un_index)]
    assert kyb.name_score(name, LISTED) == kyb.name_score(LISTED, name) >= 0.85


def test_a_name_of_two_words_is_found_among_three_others() -> None:
    assert kyb.name_score("Eric Otieno Kamau Badege Njeri", "Eric Badege") >= 0.85


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("al-Zawahiri Wanjiku Rabi Njeri Aiman Kamau Muhammed", LISTED),  # in another order
        ("Aiman Wanjiku Muhammed Njeri Kamau al-Zawahiri Otieno", LISTED),  # one word is lacking
        ("Mohamed Njeri Ali Kamau Otieno Hassan", "Mohamed Ali Hassan"),  # thousands bear them
        ("Mohamed Njeri Kamau Otieno Ali", "Mohamed Ali"),
    ],
)
def test_words_that_are_no_whole_name_in_order_are_not_enough(name: str, listed: str) -> None:
    assert kyb.name_score(name, listed) < 0.85
