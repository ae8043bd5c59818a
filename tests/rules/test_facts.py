"""Facts that more than one package holds agree with their source, and every difference that is meant has a name here.

The libraries kyb, qr and ussd do not import each other, so each keeps the copy it needs. The sources: pycountry
(ISO 3166, ISO 4217), iso4217 (the table that the maintenance agency publishes, with minor units), iso18245, and
gsm0338 (3GPP TS 23.038).
"""

import json
from contextlib import suppress
from functools import cache
from pathlib import Path

import iso4217
import iso18245
import pycountry
import pytest
from gsm0338 import Codec

import kyb.codes
import kyb.fields
import qr.iso
import ussd.fit
import ussd.screens.common
from merchant.core.money import exponent, is_currency
from merchant.hub.fspiop import resources
from qr.iso import find_currency
from tests.cases import every_case

VECTORS = Path(__file__).parents[1] / "vectors"

# Countries: XK is user-assigned in ISO 3166 and used for Kosovo by payment schemes.
USER_ASSIGNED_COUNTRIES = {"XK"}
# Currencies: a code printed before a currency was replaced stays readable, marked as withdrawn.
WITHDRAWN = {"BGN", "BYR", "CUC", "EEK", "GHC", "HRK", "LTL", "LVL", "MRO", "SLL", "STD", "VEF", "ZMK", "ZWL"}
# The table of decimals that Mojaloop's components share gives four to the codes for no currency and for testing, and
# keeps one that ended in 2025.
VECTOR_DIFFERENCES = {"XXX", "XTS", "ANG"}
# Merchant categories: one code for each airline, car hire or hotel company. A payload may hold one that is newer than
# the list, so qr takes the whole range; an application takes only what is assigned.
COMPANY_MCCS = {f"{number}" for number in range(3000, 4000)}
# Categories that card schemes assign and iso18245 lacks (kyb/data/codes.toml).
CARD_SCHEME_MCCS = {
    "6529",
    "6530",
    "6531",
    "6534",
    "6535",
    "6539",
    "6555",
    "6611",
    "6760",
    "9034",
    "9411",
    "9751",
    "9752",
    "9754",
}
# The control characters of the GSM 7-bit tables: no name holds one. Line feed is added where a screen is measured.
GSM7_CONTROLS = set("\n\r\f\x1b")


def official_currencies() -> dict[str, tuple[str, int]]:
    """Number and decimals by alphabetic code; a unit without decimals (gold, no currency) has 0."""
    return {one.value: (f"{one.number:03d}", one.exponent or 0) for one in iso4217.Currency}


def current_qr_currencies() -> dict[str, tuple[str, int]]:
    return {one.alpha: (one.numeric, one.decimals) for one in qr.iso.CURRENCIES.values() if not one.withdrawn}


def test_countries_are_those_of_iso_3166():
    published = {country.alpha_2 for country in pycountry.countries}
    assert kyb.codes.countries() == set(qr.iso.COUNTRIES) == published | USER_ASSIGNED_COUNTRIES


def test_subdivisions_belong_to_the_countries():
    assert {code.partition("-")[0] for code in kyb.codes.subdivisions()} <= kyb.codes.countries()


def test_currencies_have_the_numbers_and_decimals_that_iso_4217_publishes():
    assert current_qr_currencies() == official_currencies()


def test_withdrawn_currencies_are_in_no_current_list():
    withdrawn = {one.alpha for one in qr.iso.CURRENCIES.values() if one.withdrawn}
    assert withdrawn == WITHDRAWN
    assert not withdrawn & official_currencies().keys()
    assert not withdrawn & kyb.codes.currencies()


def test_a_shop_takes_every_current_currency_that_is_money():
    assert kyb.codes.currencies() == official_currencies().keys() - kyb.codes.NOT_TENDER
    assert official_currencies().keys() >= kyb.codes.NOT_TENDER


@every_case("code", sorted(official_currencies()))
def test_amounts_have_the_decimals_of_their_currency(code: str):
    assert exponent(code) == official_currencies()[code][1]
    assert is_currency(code) == (code not in kyb.codes.NOT_TENDER)


def test_decimals_agree_with_the_table_that_mojaloop_shares():
    shared = json.loads((VECTORS / "currency_decimals.json").read_text(encoding="utf-8"))
    found = {code: find_currency(code) for code in shared}
    assert {code for code, one in found.items() if not one or one.decimals != shared[code]} == VECTOR_DIFFERENCES


def test_merchant_categories_are_those_of_iso_18245():
    assigned = {entry.mcc for entry in iso18245.get_all_mccs()}
    assert kyb.codes.merchant_category_codes() - assigned == CARD_SCHEME_MCCS
    assert assigned | CARD_SCHEME_MCCS | COMPANY_MCCS == qr.iso.MCCS


def test_codes_beyond_the_lists_are_not_on_them_yet():
    """A code that a library has learned meanwhile leaves our file."""
    published = {subdivision.code for subdivision in pycountry.subdivisions}
    renamed = kyb.codes.renamed_subdivisions()
    assert not (kyb.codes.subdivisions() - published) & renamed.keys()
    assert not renamed.keys() & published
    assert set(renamed.values()) <= published
    assert len(kyb.codes.subdivisions() - published) == 11


@pytest.mark.parametrize(
    ("basic", "extended"),
    [(kyb.codes.GSM7_BASIC, kyb.codes.GSM7_EXTENDED), (ussd.fit.GSM7_BASIC, ussd.fit.GSM7_EXTENDED)],
)
def test_the_gsm_alphabet_is_that_of_3gpp(basic: frozenset[str], extended: frozenset[str]):
    septets = _published_septets()
    assert basic == {character for character, length in septets.items() if length == 1} - GSM7_CONTROLS
    assert extended == {character for character, length in septets.items() if length == 2} - GSM7_CONTROLS


@cache
def _published_septets() -> dict[str, int]:
    """How long every character is that the published alphabet has."""
    codec, found = Codec(), dict[str, int]()
    for character in map(chr, range(0x10000)):
        with suppress(UnicodeEncodeError):
            found[character] = len(codec.encode(character)[0])
    return found


@pytest.mark.parametrize("text", ["", "Duka", "a" * 20, "{20}", "€" * 11, "ñandú", "Mama Njeri", "\n", "ç"])
def test_names_are_measured_alike_when_they_are_asked_for_and_when_they_are_shown(text: str):
    shown = ussd.fit.septets(text) if ussd.fit.GSM7.issuperset(text) else None
    assert kyb.codes.gsm7_septets(text) == shown


def test_a_phone_can_type_every_alias_that_may_be_given():
    assert ussd.screens.common.NUMBER.pattern == kyb.fields.ALIAS_PATTERN


@pytest.mark.parametrize("word", sorted(resources.URI_STARTS))
def test_no_alias_cuts_the_uri_that_a_signature_covers(word: str):
    assert not kyb.is_alias(word, resources.RESERVED_WORDS)
    assert not kyb.is_alias(word.upper(), resources.RESERVED_WORDS)


def test_the_resources_that_are_answered_start_a_signed_uri():
    assert set(resources.ANSWERED) < set(resources.URI_STARTS)
    assert {name.lower() for name in resources.URI_STARTS} < resources.RESERVED_WORDS
