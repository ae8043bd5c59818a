"""The demo's own people: a street seller, a cafeteria, a pharmacy and a company, with owners one can sign in as.

They are made up, in their own languages, and come first; the legal entities of businesses.py are the background.
"""

from typing import Any

from msgspec import Struct

from merchant.demo.world import CURRENCY

# Of the street seller, who sees her own shop when she dials; its last digit pays when it is asked (docs/contract.md).
STALL_PHONE = "254722000110"
STALL = "stall"


class Shop(Struct, frozen=True):
    """A shop of the demo: what its DFSP's maker writes down, who runs it, and what they say."""

    key: str
    dfsp: str
    sections: dict[str, Any]
    owner: tuple[str, str]  # name and e-mail address
    language: str
    says: str
    cashier: tuple[str, str] | None = None


def _owner(given: str, family: str, born: str, number: str, nationality: str, percent: int = 100) -> dict[str, Any]:
    return {
        "given_name": given,
        "family_name": family,
        "birth_date": born,
        "id_type": "national_id",
        "id_number": f"MADE-UP-{number}",
        "nationality": nationality,
        "ownership_percent": percent,
        "is_director": True,
    }


def _place(name: str, country: str, city: str, *counters: str) -> dict[str, Any]:
    return {
        "name": name,
        "kind": "physical",
        "country": country,
        "city": city,
        "counters": [{"name": counter} for counter in counters],
    }


def _account(number: str, name: str) -> dict[str, str]:
    return {"account_id": f"MADEUP{number}", "account_name": name, "currency": CURRENCY}


SHOPS = (
    Shop(
        key=STALL,
        dfsp="greenbankfsp",
        owner=("Amina Juma", "amina@fruits.example"),
        cashier=("Zawadi Juma", "zawadi@fruits.example"),
        language="sw",
        says="Karibu! Matunda mabichi kila siku.",
        sections={
            "external_ref": "demo-stall",
            "business": {
                "trading_name": "Mama Amina Fruits",
                "ussd_name": "Mama Amina",
                "kind": "individual",
                "mcc": "5499",
                "currencies": [CURRENCY, "KES"],
                "employees_band": "1-5",
            },
            "owners": [_owner("Amina", "Juma", "1984-06-17", "S001", "KE")],
            "contact": {"name": "Amina Juma", "phone": f"+{STALL_PHONE}"},
            "locations": [_place("Soko la Gikomba", "KE", "Nairobi", "Kibanda")],
        },
    ),
    Shop(
        key="cafeteria",
        dfsp="lakemfi",
        owner=("Jean-Bosco Uwimana", "jean@mojashop.example"),
        language="fr",
        says="Café, croissants, jus frais · Coffee, croissants, fresh juice",
        sections={
            "external_ref": "demo-cafeteria",
            "business": {
                "trading_name": "MojaShop",
                "kind": "sole_proprietor",
                "mcc": "5814",
                "registration_number": "MADE-UP-S002",
                "currencies": [CURRENCY, "RWF"],
                "employees_band": "6-10",
            },
            "owners": [_owner("Jean-Bosco", "Uwimana", "1979-11-02", "S002", "RW")],
            "contact": {"name": "Jean-Bosco Uwimana", "phone": "+250788000120", "email": "jean@mojashop.example"},
            "locations": [_place("Kimihurura", "RW", "Kigali", "Comptoir")],
            "settlement_account": _account("S00002", "MojaShop"),
        },
    ),
    Shop(
        key="pharmacy",
        dfsp="mobilepay",
        owner=("Khin Thandar", "khin@pharmacy.example"),
        language="my",
        says="ကျန်းမာပါစေ။",
        sections={
            "external_ref": "demo-pharmacy",
            "business": {
                "trading_name": "ရွှေဝါ ဆေးဆိုင်",
                "legal_name": "Shwe War Pharmacy",
                "kind": "sole_proprietor",
                "mcc": "5912",
                "registration_number": "MADE-UP-S003",
                "currencies": [CURRENCY, "MMK"],
                "employees_band": "1-5",
            },
            "owners": [_owner("Khin", "Thandar", "1990-03-25", "S003", "MM")],
            "contact": {"name": "Khin Thandar", "phone": "+95942000130", "email": "khin@pharmacy.example"},
            "locations": [_place("လှည်းတန်း", "MM", "Yangon", "ကောင်တာ ၁")],
            "settlement_account": _account("S00003", "Shwe War Pharmacy"),
        },
    ),
    Shop(
        key="company",
        dfsp="greenbankfsp",
        owner=("Grace Wanjiru", "grace@ziwa.example"),
        language="en",
        says="Everything for the kitchen, in Nairobi and Kisumu.",
        sections={
            "external_ref": "demo-company",
            "business": {
                "trading_name": "Ziwa Home Stores",
                "legal_name": "Ziwa Home Stores Limited",
                "kind": "company",
                "mcc": "5200",
                "registration_number": "MADE-UP-S004",
                "currencies": [CURRENCY, "KES"],
                "employees_band": "11-50",
            },
            "owners": [
                _owner("Grace", "Wanjiru", "1976-09-09", "S004", "KE", 60),
                _owner("Peter", "Otieno", "1981-01-30", "S005", "KE", 40),
            ],
            "contact": {"name": "Grace Wanjiru", "phone": "+254722000140", "email": "grace@ziwa.example"},
            "locations": [
                _place("Moi Avenue", "KE", "Nairobi", "Till 1", "Till 2"),
                _place("Oginga Odinga Street", "KE", "Kisumu", "Till 1"),
            ],
            "settlement_account": _account("S00004", "Ziwa Home Stores Limited"),
        },
    ),
)
