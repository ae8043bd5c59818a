"""The demo's own shops: fit to be applied with, made up, and nobody's who is on a list."""

import msgspec
import phonenumbers
import pytest

import kyb
from merchant.compliance.lists.packaged import screening_index
from merchant.core import clock
from merchant.core.settings import Settings
from merchant.demo.own_shops import SHOPS, STALL, STALL_PHONE, Shop
from merchant.demo.world import DFSPS, SCHEME

TIERS = {STALL: "T1", "cafeteria": "T2", "pharmacy": "T2", "company": "T3"}


def test_they_are_a_street_seller_a_cafeteria_a_pharmacy_and_a_company() -> None:
    assert [shop.key for shop in SHOPS] == list(TIERS)
    company = SHOPS[-1].sections
    assert len(company["owners"]) == 2
    assert [len(place["counters"]) for place in company["locations"]] == [2, 1]
    assert SHOPS[0].cashier is not None
    assert len({shop.owner[1] for shop in SHOPS}) == len(SHOPS)


@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.key)
def test_each_can_be_applied_with_as_it_is_and_nobody_is_on_a_list(shop: Shop) -> None:
    assert shop.dfsp in DFSPS
    sections = msgspec.convert(shop.sections, kyb.Sections)
    assert set(sections.business.currencies) <= set(SCHEME.currencies)
    assert sections.contact.phone is not None
    assert phonenumbers.is_possible_number(phonenumbers.parse(sections.contact.phone))
    assert all("MADE-UP" in (owner.id_number or "") for owner in sections.owners)
    index = screening_index(Settings().screening_list)
    report = kyb.assess(kyb.Case(sections), kyb.default_policy(), index, clock.now())
    assert report.tier == TIERS[shop.key]
    assert not any(found.hit.band == "likely" for found in report.hits)


def test_the_stall_s_own_phone_is_the_one_she_applied_with() -> None:
    assert SHOPS[0].sections["contact"]["phone"] == f"+{STALL_PHONE}"
