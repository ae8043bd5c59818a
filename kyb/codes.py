"""Code lists of the field rules: MCC, ISO 3166, ISO 4217, GSM-7, and the enumerations of the answers.

The ISO lists are read from iso18245 and pycountry once per process, on first use, with the codes of data/codes.toml,
which are in use beyond them. tests/rules/test_facts.py compares every list with its source and with other copies.
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

import iso18245
import pycountry


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


BUSINESS_KINDS = (
    "individual",
    "sole_proprietor",
    "partnership",
    "cooperative",
    "company",
    "ngo",
    "public_body",
)
EMPLOYEES_BANDS = ("1-5", "6-10", "11-50", "51-100", "100+")
ID_TYPES = ("national_id", "passport", "driving_licence", "voter_id", "tax_id", "other")
OWNER_KINDS = ("person", "company", "unknown")
LOCATION_KINDS = ("physical", "virtual")

# ISO 4217 codes that are not money a shop can take: bond-market units, metals, testing, no currency, funds codes.
NOT_TENDER = _codes(
    """
    XBA XBB XBC XBD XAG XAU XPD XPT XTS XXX XDR XSU XUA XAD
    BOV CHE CHW CLF COU MXV USN UYI UYW
    """
)

# 3GPP TS 23.038 section 6.2.1: the default alphabet, and its extension at two septets each. The control characters of
# both tables (LF, CR, FF, ESC) are left out: no answer may hold one.
GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENDED = frozenset("^{}\\[~]|€")


@cache
def merchant_category_codes() -> frozenset[str]:
    """Every assigned ISO 18245 merchant category code, four digits each."""
    return frozenset(entry.mcc for entry in iso18245.get_all_mccs()) | frozenset(_beyond()["merchant_categories"])


@cache
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes, and XK for Kosovo."""
    return frozenset(country.alpha_2 for country in pycountry.countries) | frozenset(_beyond()["countries"])


@cache
def subdivisions() -> frozenset[str]:
    """ISO 3166-2 codes such as KE-30, and those in use that the list lacks."""
    return frozenset(subdivision.code for subdivision in pycountry.subdivisions) | frozenset(_beyond()["subdivisions"])


@cache
def renamed_subdivisions() -> dict[str, str]:
    """ISO 3166-2 codes that were replaced, each with the one in its place."""
    return dict(_beyond()["renamed_subdivisions"])


@cache
def currencies() -> frozenset[str]:
    """Active ISO 4217 codes of money in circulation."""
    return frozenset(currency.alpha_3 for currency in pycountry.currencies) - NOT_TENDER


def gsm7_septets(text: str) -> int | None:
    """Length of a text in GSM-7 septets, or None when a character is outside the alphabet."""
    if not all(char in GSM7_BASIC or char in GSM7_EXTENDED for char in text):
        return None
    return len(text) + sum(char in GSM7_EXTENDED for char in text)


@cache
def _beyond() -> dict[str, Any]:
    return tomllib.loads(files("kyb").joinpath("data/codes.toml").read_text(encoding="utf-8"))
