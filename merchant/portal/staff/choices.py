"""What fields of applications offer: kinds, countries, currencies, categories, each with its name for people."""

from collections.abc import Collection, Sequence
from functools import cache

import iso18245
import pycountry

import kyb
from kyb import codes
from merchant.core import texts
from merchant.portal.ui.words import word

_NAMED_FIRMS = range(3000, 4000)  # each one airline, car rental or hotel chain (ISO 18245): typed, not offered
_MOST_LETTERS = 60


def named(kind: str, values: Collection[str]) -> list[tuple[str, str]]:
    """Values with their words."""
    return [(value, word(kind, value).text) for value in values]


@cache
def countries(language: str, first: str) -> Sequence[tuple[str, str]]:
    """Countries by name, the scheme's own before all others."""
    found = sorted(((code, texts.country_name(code, language)) for code in codes.countries()), key=lambda one: one[1])
    return [one for one in found if one[0] == first] + [one for one in found if one[0] != first]


@cache
def categories() -> Sequence[tuple[str, str]]:
    """Categories of trade with their names, which the standard has in English only."""
    return [
        (one.mcc, _name(one)) for one in sorted(iso18245.get_all_mccs(), key=lambda one: one.mcc) if _is_offered(one)
    ]


def category_name(mcc: str | None) -> str:
    """What a category is called; nothing for one that nobody knows."""
    if not mcc or mcc not in codes.merchant_category_codes():
        return ""
    return next((_name(one) for one in iso18245.get_all_mccs() if one.mcc == mcc), "")


@cache
def subdivisions(country: str) -> Sequence[tuple[str, str]]:
    """Counties, states and provinces of a country."""
    found = (one for one in pycountry.subdivisions if one.code.startswith(f"{country}-"))
    return sorted((one.code, one.name) for one in found if one.code in codes.subdivisions())


def _is_offered(one: iso18245.MCC) -> bool:
    return int(one.mcc) not in _NAMED_FIRMS and one.mcc in codes.merchant_category_codes()


def _name(one: iso18245.MCC) -> str:
    return (one.usda_description or one.iso_description or one.stripe_description or "")[:_MOST_LETTERS]


RISKS = [(one, word("risk", one).text) for one in kyb.BANDS]
