"""The demo's applications: 200 real legal entities (GLEIF), countries in turn, with made-up owners.

GLEIF's data has no city, category, currency, owner or account: cities and currencies come from a small table by
country, categories from the sectors, owners and contacts from seeded Faker, whose identity numbers say MADE-UP.
"""

import csv
from collections import defaultdict, deque
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from faker import Faker

SEED = 20_261_122
COUNT = 200
# Two owners' names are those of people on the UN list, so that the demo shows what happens then.
LISTED_OWNERS = {
    37: ("Dawood Ibrahim", "Kaskar", "1955-12-26"),
    121: ("Ayman Muhammed Rabi", "al-Zawahiri", "1951-06-19"),
}
# Country: city, currency, and how mobile numbers there begin (E.164).
_COUNTRIES: dict[str, tuple[str, str, str]] = {
    "LR": ("Monrovia", "LRD", "+23177"),
    "PH": ("Manila", "PHP", "+63917"),
    "NG": ("Lagos", "NGN", "+234803"),
    "KE": ("Nairobi", "KES", "+254711"),
    "BD": ("Dhaka", "BDT", "+880171"),
    "PK": ("Karachi", "PKR", "+92300"),
    "GH": ("Accra", "GHS", "+23324"),
    "ZM": ("Lusaka", "ZMW", "+26097"),
    "UG": ("Kampala", "UGX", "+25677"),
    "TZ": ("Dar es Salaam", "TZS", "+25575"),
    "CI": ("Abidjan", "XOF", "+22507"),
    "SN": ("Dakar", "XOF", "+22177"),
    "ET": ("Addis Ababa", "ETB", "+25191"),
    "MW": ("Lilongwe", "MWK", "+26588"),
    "MZ": ("Maputo", "MZN", "+25884"),
    "RW": ("Kigali", "RWF", "+25078"),
    "KH": ("Phnom Penh", "KHR", "+85512"),
    "MM": ("Yangon", "MMK", "+95942"),
}
_PHONE_DIGITS = {  # digits of a whole number, without its plus
    "LR": 12,
    "PH": 12,
    "NG": 13,
    "KE": 12,
    "BD": 13,
    "PK": 12,
    "GH": 12,
    "ZM": 12,
    "UG": 12,
    "TZ": 12,
    "CI": 13,
    "SN": 12,
    "ET": 12,
    "MW": 12,
    "MZ": 12,
    "RW": 12,
    "KH": 11,
    "MM": 12,
}
_CATEGORY_BY_SECTOR = {
    "retail_consumer": "5411",
    "transportation": "4121",
    "healthcare": "8062",
    "technology": "5732",
    "construction_infrastructure": "5211",
    "manufacturing": "5999",
    "energy_power": "4900",
    "oil_gas_petrochemicals": "5541",
    "mining": "5085",
    "metals_and_mining": "5051",
    # Not agents and banks: those trades take a licence and two approvals.
    "real_estate": "1799",
    "financial": "7399",
}
_OTHER_CATEGORY = "5399"
_KIND = {"RESIDENT_GOVERNMENT_ENTITY": "public_body", "INTERNATIONAL_ORGANIZATION": "ngo"}
MAX_TRADING_NAME = 128


def businesses(scheme_currency: str) -> list[dict[str, Any]]:
    """The applications' sections, the same at every call."""
    faker = Faker("en_US")
    faker.seed_instance(SEED)
    return [
        _sections(index, row, faker, scheme_currency)
        for index, row in zip(range(COUNT), _countries_in_turn(), strict=False)
    ]


def _countries_in_turn() -> Iterator[dict[str, str]]:
    text = files("merchant.demo").joinpath("businesses_gleif.csv").read_text(encoding="utf-8")
    queues: dict[str, deque[dict[str, str]]] = defaultdict(deque)
    for row in csv.DictReader(text.splitlines()):
        queues[row["country"]].append(row)
    while queues:
        for country in list(queues):
            yield queues[country].popleft()
            if not queues[country]:
                del queues[country]


def _sections(index: int, row: dict[str, str], faker: Faker, scheme_currency: str) -> dict[str, Any]:
    country = row["country"]
    city, currency, prefix = _COUNTRIES[country]
    given, family = faker.first_name(), faker.last_name()
    born = faker.date_of_birth(minimum_age=25, maximum_age=70).isoformat()
    if index in LISTED_OWNERS:
        given, family, born = LISTED_OWNERS[index]
    phone = prefix + str(index).rjust(_PHONE_DIGITS[country] + 1 - len(prefix), "0")
    return {
        "external_ref": row["lei"],
        "business": {
            "trading_name": row["legal_name"][:MAX_TRADING_NAME],
            "legal_name": row["legal_name"],
            "kind": _KIND.get(row["entity_category"], "company"),
            "mcc": next(
                (_CATEGORY_BY_SECTOR[name] for name in row["sectors"].split("|") if name in _CATEGORY_BY_SECTOR),
                _OTHER_CATEGORY,
            ),
            "lei": row["lei"],
            "registration_number": f"MADE-UP-{index:04}",
            "currencies": [scheme_currency, currency],
            "employees_band": "11-50",
        },
        "owners": [
            {
                "given_name": given,
                "family_name": family,
                "birth_date": born,
                "id_type": "other",
                "id_number": f"MADE-UP-{index:04}",
                "nationality": country,
                "ownership_percent": 100,
                "is_director": True,
            }
        ],
        "contact": {"name": f"{given} {family}", "phone": phone, "email": f"owner{index}@example.org"},
        "locations": [
            {"name": city, "kind": "physical", "country": country, "city": city, "counters": [{"name": "Counter 1"}]}
        ],
        "settlement_account": {
            "account_id": f"MADEUP{index:06}",
            "account_name": row["legal_name"][:100],
            "currency": scheme_currency,
        },
    }
