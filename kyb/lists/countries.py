"""The ISO 3166-1 alpha-2 code of a country that a list names in English; pycountry knows the names."""

from functools import cache, lru_cache

import pycountry
from anyascii import anyascii

from kyb.codes import countries

_LEFT_OUT = frozenset({"the", "of", "and", "region"})
# What publishers call countries and pycountry does not.
_ALSO = {
    "Russia": "RU",
    "Burma": "MM",
    "Korea, North": "KP",
    "North Korea": "KP",
    "DPRK": "KP",
    "Korea, South": "KR",
    "South Korea": "KR",
    "Turkey": "TR",
    "Ivory Coast": "CI",
    "Cote d Ivoire": "CI",
    "Palestine": "PS",
    "Palestinian": "PS",
    "Occupied Palestinian Territories": "PS",
    "Palestinian Territories": "PS",
    "West Bank": "PS",
    "Gaza": "PS",
    "Gaza Strip": "PS",
    "Macau": "MO",
    "Brunei": "BN",
    "Swaziland": "SZ",
    "Cape Verde": "CV",
    "East Timor": "TL",
    "Crimea": "UA",
    "Isle of Man": "IM",
    "UK": "GB",
    "USA": "US",
    "UAE": "AE",
    "DR Congo": "CD",
    "Congo (Democratic Republic)": "CD",
}


@lru_cache(maxsize=4096)
def country_code(name: str) -> str:
    """The code of a country by its name, in any order of the words, or by the code itself; empty when unknown.

    The code counts in capitals only: "na" in a list means that nothing is known, and is not Namibia.
    """
    if len(name) == 2:
        return name if name in countries() else ""
    return _codes().get(_key(name), "")


def _key(name: str) -> str:
    letters = "".join(char if char.isalnum() else " " for char in anyascii(name.replace("'", "")).casefold())
    return " ".join(sorted(word for word in letters.split() if word not in _LEFT_OUT))


@cache
def _codes() -> dict[str, str]:
    found: dict[str, str] = {}
    for country in pycountry.countries:
        for attribute in ("name", "official_name", "common_name"):
            if name := getattr(country, attribute, None):
                found.setdefault(_key(name), country.alpha_2)
    return found | {_key(name): code for name, code in _ALSO.items()}
