"""The demo's applications: real entities, made-up people, fit to be applied with as they are."""

from collections import Counter
from itertools import pairwise

import msgspec
import phonenumbers
import pycountry
import pytest
from stdnum import lei

import kyb
from merchant.compliance.lists.packaged import screening_index
from merchant.core import clock
from merchant.core.settings import Settings
from merchant.demo.businesses import COUNT, LISTED_OWNERS, businesses
from merchant.demo.world import CURRENCY, SCHEME

CASES = businesses(CURRENCY)


def test_there_are_two_hundred_and_always_the_same() -> None:
    assert len(CASES) == COUNT == 200
    assert businesses(CURRENCY) == CASES


def test_countries_take_turns() -> None:
    countries = [case["locations"][0]["country"] for case in CASES]
    assert all(first != second for first, second in pairwise(countries[:100]))
    assert len(set(countries)) >= 15


def test_each_is_a_real_entity_once() -> None:
    leis = [case["business"]["lei"] for case in CASES]
    assert len(set(leis)) == COUNT
    assert all(lei.is_valid(one) for one in leis)
    assert [case["external_ref"] for case in CASES] == leis


def test_what_was_made_up_says_so() -> None:
    for case in CASES:
        [owner] = case["owners"]
        assert owner["id_number"].startswith("MADE-UP")
        assert case["business"]["registration_number"].startswith("MADE-UP")
        assert case["settlement_account"]["account_id"].startswith("MADEUP")
        assert case["contact"]["email"].endswith("@example.org")


def test_phones_are_possible_numbers_of_their_country_and_nobody_shares_one() -> None:
    numbers = [case["contact"]["phone"] for case in CASES]
    assert all(phonenumbers.is_possible_number(phonenumbers.parse(number)) for number in numbers)
    assert max(Counter(numbers).values()) == 1


def test_the_scheme_knows_every_currency_and_country() -> None:
    for case in CASES:
        assert set(case["business"]["currencies"]) <= set(SCHEME.currencies)
        assert pycountry.countries.get(alpha_2=case["locations"][0]["country"]) is not None


@pytest.mark.parametrize("index", [0, 50, 100, 199])
def test_an_application_is_complete_as_it_stands(index: int) -> None:
    sections = msgspec.convert(CASES[index], kyb.Sections)
    report = kyb.assess(
        kyb.Case(sections), kyb.default_policy(), screening_index(Settings().screening_list), clock.now()
    )
    assert (report.tier, report.outcome) in [("T3", "clear"), ("T3", "review")]


def test_two_owners_are_on_the_list_on_purpose() -> None:
    for index, (given, family, _born) in LISTED_OWNERS.items():
        [owner] = CASES[index]["owners"]
        assert (owner["given_name"], owner["family_name"]) == (given, family)
        sections = msgspec.convert(CASES[index], kyb.Sections)
        report = kyb.assess(
            kyb.Case(sections), kyb.default_policy(), screening_index(Settings().screening_list), clock.now()
        )
        assert any(found.hit.band == "likely" for found in report.hits)
