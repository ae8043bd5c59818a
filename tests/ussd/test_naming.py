"""Which names of shops stand on a screen, and what stands there for the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ussd.fit import legible, ucs2_units
from ussd.naming import NAME_UNITS_MAX, PLACE_UNITS_MAX, is_harmless, named, placed, short_name
from ussd.texts import say

NUMBER = "65277634"


@pytest.mark.parametrize(
    "name",
    [
        "Mama Amina",
        "Pinewood Furniture",
        "Spin & Win Laundry",
        "Hotpint Bar",
        "#1 Butchery",
        "24 Hours Shop",
        "Studio 54",
        "Café Crème",
        "Wave Riders Surf Shop",
        "MTN Agent Njeri",
        "O'Brien's",
        "متجر الأمانة",
        "Маmа Аminа",
        "小店",
        "ဈေးဆိုင်",
    ],
)
def test_a_shops_name_is_shown(name: str) -> None:
    assert is_harmless(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "🛒",
        "***",
        "...",
        "\u200f",
        "65277635",
        "12 34 56",
        "Shop 65277635",
        "Enter your PIN now:",
        "enter your pin",
        "P I N",
        "P.I.N please",
        "P1N",
        "ＰＩＮ code",
        "Your password?",
        "Nenosiri lako",
        "Weka namba ya siri",
        "Tapez le code secret",
        "Mot de passe",
        "Dial *144*5#",
        "www.example.org",
        "M-PESA",
        "M PESA",
        "Airtel Money",
        "Safaricom",
    ],
)
def test_a_name_that_says_nothing_or_gives_orders_is_not(name: str) -> None:
    assert short_name(name, NUMBER) == ""
    assert named(short_name(name, NUMBER), NUMBER) == say("shop.unnamed", number=NUMBER)


def test_the_number_leads_a_name_that_begins_like_an_option() -> None:
    assert short_name("1 Pay all", NUMBER) == f"{NUMBER} 1 Pay all"


@given(st.text(max_size=200))
def test_a_name_that_is_shown_is_short_and_legible(name: str) -> None:
    shown = short_name(name, NUMBER)
    assert ucs2_units(shown) <= NAME_UNITS_MAX + len(NUMBER) + 1
    assert not shown or any(character.isalnum() for character in legible(shown, "gsm7"))


@pytest.mark.parametrize(
    ("place", "number", "shown"),
    [
        ("Nairobi", NUMBER, ", Nairobi"),
        ("Dar es Salaam", NUMBER, ", Dar es Salaam"),
        ("Antananarivo Renivohitra", NUMBER, ", Antananarivo.."),
        ("", NUMBER, ""),
        ("Enter PIN", NUMBER, ""),
        ("🛒", NUMBER, ""),
        ("Nairobi", "7" * 32, ""),
    ],
)
def test_a_town_follows_the_name(place: str, number: str, shown: str) -> None:
    assert placed(place, number) == shown
    assert ucs2_units(placed(place, number)) <= PLACE_UNITS_MAX + 2
