"""Rules between owners: who may have which answer, references, shares, and nobody twice."""

from typing import Any

import pytest

import kyb
from tests.kyb.samples import NOW, sections

PERSON = {"given_name": "Asha", "birth_date": "1980-02-03"}
CARD = {"id_type": "national_id", "id_number": "12345678", "nationality": "KE"}
HOLDING = {"kind": "company", "legal_name": "Asha Holdings Ltd", "ref": "holding", "registration_number": "CPR-1"}


def codes_of(*owners: dict[str, Any], country: str = "KE") -> list[tuple[str, str]]:
    document = {"owners": list(owners), "locations": [{"country": country}]}
    return [(one.path, one.code) for one in kyb.field_problems(sections(document), NOW)]


@pytest.mark.parametrize(
    "owner",
    [
        PERSON,
        PERSON | {"kind": "person", "country": "KE"},
        HOLDING,
        HOLDING | {"country": "MU", "ownership_percent": 60, "phone": "+254711000001"},
        {"kind": "unknown", "ownership_percent": 30},
        {"kind": "company"},
    ],
)
def test_owners_have_the_answers_of_their_kind(owner: dict[str, Any]) -> None:
    assert codes_of(owner) == []


@pytest.mark.parametrize(
    ("owner", "wrong"),
    [
        (HOLDING | {"given_name": "Asha"}, ["given_name"]),
        (HOLDING | {"birth_date": "1980-02-03", "family_name": "Odhiambo"}, ["family_name", "birth_date"]),
        (PERSON | {"legal_name": "Asha Ltd"}, ["legal_name"]),
        (PERSON | {"kind": "person", "registration_number": "CPR-1"}, ["registration_number"]),
        ({"kind": "unknown", "legal_name": "Nobody Ltd", "given_name": "No"}, ["given_name", "legal_name"]),
    ],
)
def test_an_answer_of_another_kind_of_owner_is_refused(owner: dict[str, Any], wrong: list[str]) -> None:
    assert codes_of(owner) == [(f"owners[0].{name}", "other_kind") for name in wrong]


@pytest.mark.parametrize("half", [{"id_type": "passport"}, {"id_number": "A1234567"}])
def test_a_document_has_a_kind_and_a_number(half: dict[str, Any]) -> None:
    assert codes_of(PERSON | half) == [("owners[0]", "half_an_identity")]
    assert codes_of(PERSON | {"id_type": "passport", "id_number": "A1234567"}) == []


@pytest.mark.parametrize("country", ["KE", "ZA"])
def test_a_mistyped_number_of_the_owners_country_is_refused_wherever_the_shop_is(country: str) -> None:
    card = {"id_type": "national_id", "nationality": "ZA"}
    assert codes_of(PERSON | card | {"id_number": "7503305044089"}, country=country) == []
    wrong = codes_of(PERSON | card | {"id_number": "7503305044088"}, country=country)
    assert wrong == [("owners[0].id_number", "bad_check_digits")]
    assert codes_of(PERSON | card | {"id_number": "7503305044088", "nationality": "KE"}, country=country) == []


@pytest.mark.parametrize("written", ["1234-5678", "12 34 56 78", "１２３４５６７８"])
def test_one_document_stands_once_however_it_is_written(written: str) -> None:
    assert codes_of(PERSON | CARD, PERSON | CARD | {"id_number": written}) == [("owners[1]", "duplicate_owner")]


@pytest.mark.parametrize(
    "other", [{"id_number": "87654321"}, {"id_type": "passport"}, {"nationality": "UG"}, {"owns": "holding"}]
)
def test_another_document_or_another_company_owned_is_another_entry(other: dict[str, Any]) -> None:
    assert codes_of(PERSON | CARD, PERSON | CARD | other, HOLDING) == []


def test_a_company_stands_once_too() -> None:
    again = HOLDING | {"ref": "other", "registration_number": "cpr 1"}
    assert codes_of(HOLDING, again) == [("owners[1]", "duplicate_owner")]
    assert codes_of(HOLDING, again | {"country": "UG"}) == []


def test_owners_without_a_number_are_never_taken_for_the_same() -> None:
    assert codes_of(PERSON, PERSON, {"kind": "unknown"}, {"kind": "unknown"}) == []


@pytest.mark.parametrize(
    ("ref", "right"), [("holding", True), ("Holding", False), ("asha", False), ("nobody", False), ("", False)]
)
def test_what_is_owned_is_the_ref_of_a_company(ref: str, right: bool) -> None:
    wrong = codes_of(HOLDING, PERSON | {"ref": "asha", "owns": ref})
    assert [path for path, code in wrong if code == "unknown_ref"] == ([] if right else ["owners[1].owns"])


def test_a_ref_stands_once() -> None:
    assert codes_of(HOLDING, PERSON | {"ref": "holding"}) == [("owners[1].ref", "duplicate")]


def test_shares_add_up_for_each_company_alone() -> None:
    direct = [HOLDING | {"ownership_percent": 60}, PERSON | {"ownership_percent": 40}]
    above = [PERSON | {"owns": "holding", "ownership_percent": share} for share in (70, 30)]
    assert codes_of(*direct, *above) == []
    too_much = PERSON | {"owns": "holding", "ownership_percent": 0.01}
    assert codes_of(*direct, *above, too_much) == [("owners", "ownership_above_100")]


@pytest.mark.parametrize(("share", "right"), [(0, True), (0.01, True), (100, True), (0.0001, False), (0.0099, False)])
def test_a_share_is_nothing_or_something(share: float, right: bool) -> None:
    wrong = [] if right else [("owners[0].ownership_percent", "out_of_range")]
    assert codes_of(PERSON | {"ownership_percent": share}) == wrong
