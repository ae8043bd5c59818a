"""Owners go out as BODS statements and come back as the same picture; nobody is made up for one who is not known."""

import copy
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

import kyb
from kyb.bods import BadBods, bods_statements, sections_from_bods
from kyb.ownership import Ownership, beneficial_owners
from tests.kyb.samples import COMPANY, INDIVIDUAL, NOW, sections
from tests.kyb.test_ownership import charts

DATA = Path(__file__).parent / "data"


def read(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((DATA / f"bods_{name}.json").read_text(encoding="utf-8"))
    return found


def judge(answers: kyb.Sections) -> Ownership:
    business = msgspec.structs.replace(answers.business, kind="company")
    return beneficial_owners(answers.owners, Decimal(25), business)


def of_type(statements: list[dict[str, Any]], record_type: str) -> list[dict[str, Any]]:
    return [one["recordDetails"] for one in statements if one["recordType"] == record_type]


def test_direct_owners_are_read_with_their_names_shares_and_offices() -> None:
    found = sections_from_bods(read("direct"))
    assert found.business == kyb.Business(legal_name="Tumaini Stores Ltd", registration_number="C-100")
    asha, brian = found.owners
    assert (asha.given_name, asha.family_name, asha.nationality) == ("Asha", "Mwangi", "KE")
    assert (asha.birth_date, asha.ownership_percent, asha.is_director) == ("1981-02-03", 75, None)
    assert (brian.ownership_percent, brian.is_director) == (25, True)
    assert judge(found).complete


def test_owners_behind_a_company_are_read_once() -> None:
    found = judge(sections_from_bods(read("layered")))
    assert [(one.effective_percent, one.is_beneficial) for one in found.persons] == [(40, True), (60, True)]
    assert (found.layers, found.complete) == (1, True)


@pytest.mark.parametrize("subject", ["ring-a", "ring-b"])
def test_a_circle_ends_with_nobody_behind_it(subject: str) -> None:
    answers = sections_from_bods(read("circular"), subject)
    assert len(answers.owners) == 2
    found = judge(answers)
    assert (found.persons, found.cycles, found.complete, found.unknown_percent) == ((), True, False, 100)


def test_an_owner_that_cannot_be_named_leaves_the_picture_incomplete() -> None:
    found = judge(sections_from_bods(read("unnamed")))
    assert (found.persons, found.complete) == ((), False)
    assert "unknown_owner" in {gap.code for gap in found.gaps}


@pytest.mark.parametrize("person_type", ["anonymousPerson", "unknownPerson"])
def test_a_person_who_is_withheld_or_unknown_is_an_unknown_owner(person_type: str) -> None:
    statements = read("direct")
    statements[1]["recordDetails"]["personType"] = person_type
    assert [owner.kind for owner in sections_from_bods(statements).owners] == ["unknown", "person"]


def test_an_indirect_interest_counts_where_nothing_says_how_it_is_held() -> None:
    statements = [one for one in read("layered") if one["recordId"] not in ("h-1", "h-3", "e-1")]
    assert [one.effective_percent for one in judge(sections_from_bods(statements)).persons] == [40, 60]


def test_what_was_closed_or_replaced_no_longer_counts() -> None:
    statements = read("direct")
    later = copy.deepcopy(statements[3])
    later["recordDetails"]["interests"][0]["share"]["exact"] = 50
    assert sections_from_bods([*statements, later]).owners[0].ownership_percent == 50
    assert len(sections_from_bods([*statements, {**later, "recordStatus": "closed"}]).owners) == 1


def test_a_year_of_birth_alone_is_no_birth_date() -> None:
    statements = read("direct")
    statements[1]["recordDetails"]["birthDate"] = "1981"
    assert sections_from_bods(statements).owners[0].birth_date is None


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [{}],
        [None],
        ["entity"],
        [{**read("direct")[1]}],
        [{**read("direct")[0], "recordDetails": None}],
        [{**read("direct")[0], "declarationSubject": "another"}],
        [{**read("direct")[0], "recordStatus": "closed"}],
        [{**read("direct")[0], "recordDetails": {"interests": [{"share": {"exact": "75"}}]}}],
    ],
)
def test_what_is_no_statement_or_describes_no_business_is_refused(statements: list[Any]) -> None:
    with pytest.raises(BadBods):
        sections_from_bods(statements)


def test_a_company_goes_out_with_its_owners() -> None:
    said = bods_statements(sections(COMPANY), NOW, subject_id="m-1", publisher="Green Bank")
    assert [one["recordType"] for one in said] == ["entity", "person", "person", "relationship", "relationship"]
    assert said[0]["recordDetails"]["identifiers"] == [
        {"schemeName": "Company register", "id": "CPR/2019/12345"},
        {
            "scheme": "XI-LEI",
            "schemeName": "Global Legal Entity Identifier Index",
            "id": "5493001KJTIIGC8Y1R12",
        },
    ]
    _, achieng = of_type(said, "relationship")
    assert achieng == {
        "isComponent": False,
        "subject": "m-1",
        "interestedParty": "m-1/owners/1",
        "interests": [
            {
                "type": "shareholding",
                "directOrIndirect": "direct",
                "beneficialOwnershipOrControl": True,
                "share": {"exact": 40.0},
            },
            {"type": "boardMember", "directOrIndirect": "direct", "beneficialOwnershipOrControl": False},
        ],
    }
    for one in said:
        assert 32 <= len(one["statementId"]) <= 64
        assert one["statementDate"] == "2026-11-22"
        assert one["publicationDetails"]["publisher"] == {"name": "Green Bank"}


def test_no_identity_number_phone_or_mail_goes_out() -> None:
    private = {"owners.0.id_number": "ZX81", "owners.0.phone": "+254711000111", "owners.0.email": "q@example.org"}
    text = json.dumps(bods_statements(sections(INDIVIDUAL, **private), NOW))
    assert not [value for value in ("ZX81", "254711", "@") if value in text]


def test_a_sole_owner_who_states_no_share_holds_all_of_it() -> None:
    (link,) = of_type(bods_statements(sections(INDIVIDUAL), NOW), "relationship")
    assert link["interests"][0]["share"] == {"exact": 100.0}


def test_an_owner_who_is_not_known_is_a_reason_and_never_a_person() -> None:
    for owners in ([{"kind": "unknown", "ownership_percent": 100}], []):
        said = bods_statements(sections(COMPANY, owners=owners), NOW)
        assert of_type(said, "person") == []
        (link,) = of_type(said, "relationship")
        assert link["interestedParty"] == {"reason": "subjectUnableToConfirmOrIdentifyBeneficialOwner"}


def test_a_person_without_a_name_and_a_ref_that_leads_nowhere_have_reasons() -> None:
    said = bods_statements(sections(COMPANY, owners=[{"owns": "x"}]), NOW)
    assert of_type(said, "person")[0]["personType"] == "unknownPerson"
    assert of_type(said, "relationship")[0]["subject"] == {"reason": "informationUnknownToPublisher"}


def test_a_beneficial_owner_through_a_company_has_an_indirect_interest_besides() -> None:
    said = bods_statements(sections_from_bods(read("layered")), NOW)
    indirect = of_type(said, "relationship")[-1]["interests"]
    assert [(one["directOrIndirect"], one["share"]) for one in indirect] == [("indirect", {"exact": 60.0})]
    direct = [one["interests"][0]["beneficialOwnershipOrControl"] for one in of_type(said, "relationship")[:-1]]
    assert direct == [False, True, False]  # the holding, Brian, and Asha's part of the holding


@pytest.mark.parametrize("name", ["direct", "layered", "circular", "unnamed"])
def test_what_was_read_goes_out_and_comes_back_the_same(name: str) -> None:
    answers = sections_from_bods(read(name))
    again = sections_from_bods(bods_statements(answers, NOW))
    assert judge(again) == judge(answers)
    assert bods_statements(answers, NOW) == bods_statements(answers, NOW)


@settings(deadline=None)
@given(charts(acyclic=False))
def test_every_chart_comes_back_the_same(owners: tuple[kyb.Owner, ...]) -> None:
    named = tuple(msgspec.structs.replace(one, given_name=one.ref) if one.kind == "person" else one for one in owners)
    answers = kyb.Sections(business=kyb.Business(kind="company", legal_name="Shop"), owners=named)
    if not owners:
        return
    again = judge(sections_from_bods(bods_statements(answers, NOW)))
    assert again.persons == judge(answers).persons
    assert (again.known_percent, again.cycles) == (judge(answers).known_percent, judge(answers).cycles)
