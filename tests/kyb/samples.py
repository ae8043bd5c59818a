"""Applications for the kyb tests: an individual and a company, complete, and a way to change one answer."""

import copy
from datetime import UTC, datetime
from typing import Any

import msgspec

import kyb

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

INDIVIDUAL: dict[str, Any] = {
    "business": {
        "trading_name": "Mama Njeri Vegetables",
        "kind": "individual",
        "mcc": "5499",
        "currencies": ["KES"],
    },
    "owners": [
        {
            "given_name": "Wanjiru",
            "family_name": "Njeri",
            "birth_date": "1984-05-17",
            "id_type": "national_id",
            "id_number": "12345678",
            "nationality": "KE",
        }
    ],
    "contact": {"phone": "+254712345678"},
    "locations": [
        {"name": "Market", "kind": "physical", "country": "KE", "city": "Nairobi", "counters": [{"name": "Stall 4"}]}
    ],
}

COMPANY: dict[str, Any] = {
    "business": {
        "trading_name": "Lakeside Hardware",
        "legal_name": "Lakeside Hardware Limited",
        "kind": "company",
        "mcc": "5251",
        "lei": "5493001KJTIIGC8Y1R12",
        "registration_number": "CPR/2019/12345",
        "tax_id": "P051234567X",
        "currencies": ["KES", "USD"],
        "monthly_turnover_minor": 250_000_00,
        "employees_band": "11-50",
        "ussd_name": "Lakeside",
    },
    "owners": [
        {
            "given_name": "Otieno",
            "family_name": "Ouma",
            "birth_date": "1970-01-31",
            "id_type": "national_id",
            "id_number": "22334455",
            "phone": "+254722000111",
            "ownership_percent": 60,
        },
        {
            "given_name": "Achieng",
            "birth_date": "1975-12-01",
            "id_type": "passport",
            "id_number": "AK0123456",
            "ownership_percent": 40,
            "is_director": True,
        },
    ],
    "contact": {"owner_index": 0},
    "locations": [
        {
            "name": "Main shop",
            "kind": "physical",
            "country": "KE",
            "subdivision": "KE-17",
            "city": "Kisumu",
            "address_lines": ["Oginga Odinga Street 4"],
            "postal_code": "40100",
            "latitude": -0.0917,
            "longitude": 34.768,
            "counters": [{"name": "Till 1"}, {"name": "Till 2", "own_alias": "lakeside.2"}],
        }
    ],
    "settlement_account": {"account_id": "0100123456", "account_name": "Lakeside Hardware Ltd", "currency": "KES"},
    "external_ref": "BR-881",
}

_USUAL_METHOD = {"phone": "one_time_code", "lei": "registry", "account": "account_statement"}
EVERYTHING = ("phone", "identity", "licence", "registration", "lei", "account")


def sections(document: dict[str, Any], **changes: Any) -> kyb.Sections:
    """The document as Sections, with answers changed by path: sections(COMPANY, **{"owners.0.phone": "x"}).

    A value of None removes the answer.
    """
    changed = copy.deepcopy(document)
    for path, value in changes.items():
        *parents, last = (int(step) if step.isdecimal() else step for step in path.split("."))
        holder: Any = changed
        for step in parents:
            holder = holder[step]
        if value is None:
            del holder[last]
        else:
            holder[last] = value
    return msgspec.convert(changed, kyb.Sections)


def verified(
    answers: kyb.Sections, *attributes: str, method: str | None = None, at: datetime = NOW, **details: Any
) -> tuple[kyb.Verification, ...]:
    """A verification of each subject of some attributes; details such as outcome="rejected" are of all."""
    return tuple(
        kyb.Verification(
            attribute,
            subject,
            **(
                {
                    "outcome": "verified",
                    "method": method or _USUAL_METHOD.get(attribute, "document"),
                    "by": "staff",
                    "at": at,
                }
                | details
            ),
        )
        for attribute in attributes
        for subject in kyb.subjects(answers, attribute)
    )


def case(document: dict[str, Any], *attributes: str, **changes: Any) -> kyb.Case:
    """A case with the answers of the document, with some attributes verified."""
    answers = sections(document, **changes)
    return kyb.Case(answers, verified(answers, *attributes))


def paths(items: tuple[kyb.Requirement, ...]) -> list[str]:
    """Where the items stand."""
    return [item.path for item in items]


def codes(items: tuple[kyb.Requirement, ...]) -> list[tuple[str, str]]:
    """Where the items stand and what they are."""
    return [(item.path, item.code) for item in items]
