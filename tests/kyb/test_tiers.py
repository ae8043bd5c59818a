"""Tiers are reached by answers and evidence; what is missing is named with its place."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kyb
from tests.kyb.samples import ALL_VERIFIED, COMPANY, INDIVIDUAL, applicant, sections

POLICY = kyb.default_policy()
PHONE_ONLY = kyb.Evidence(phone_verified=True)
IDENTIFIED = kyb.Evidence(phone_verified=True, identity_verified=True)


def needs(document: dict[str, Any], evidence: kyb.Evidence = ALL_VERIFIED, **changes: Any) -> kyb.Requirements:
    return kyb.requirements(applicant(document, evidence, **changes), POLICY)


def paths(items: tuple[kyb.Requirement, ...]) -> list[str]:
    return [item.path for item in items]


@pytest.mark.parametrize(
    ("kind", "evidence", "tier"),
    [
        ("individual", kyb.Evidence(), None),
        ("individual", PHONE_ONLY, "T0"),
        ("individual", IDENTIFIED, "T1"),
        ("individual", ALL_VERIFIED, "T1"),
        ("sole_proprietor", PHONE_ONLY, "T0"),
        ("sole_proprietor", ALL_VERIFIED, "T2"),
        ("cooperative", PHONE_ONLY, None),
        ("cooperative", IDENTIFIED, "T1"),
        ("partnership", ALL_VERIFIED, "T2"),
    ],
)
def test_a_person_climbs_with_the_evidence(kind: str, evidence: kyb.Evidence, tier: str | None) -> None:
    document = {**INDIVIDUAL, "settlement_account": {"account_id": "1"}}
    changes = {"business.kind": kind, "business.tax_id": "A1"}
    assert needs(document, evidence, **changes).tier_reachable == tier


@pytest.mark.parametrize("kind", ["company", "ngo", "public_body"])
def test_a_registered_business_with_its_answers_reaches_t3(kind: str) -> None:
    found = needs(COMPANY, kyb.Evidence(), **{"business.kind": kind})
    assert found == kyb.Requirements("T3", (), ())


@pytest.mark.parametrize(
    ("path", "due"),
    [
        ("business.legal_name", "business.legal_name"),
        ("business.mcc", "business.mcc"),
        ("business.currencies", "business.currencies"),
        ("owners", "owners"),
        ("owners.1.given_name", "owners[1].given_name"),
        ("contact", "contact.phone"),
        ("locations", "locations"),
        ("locations.0.city", "locations[0].city"),
    ],
)
def test_a_missing_answer_of_a_company_is_named(path: str, due: str) -> None:
    found = needs(COMPANY, **{path: None})
    assert found.tier_reachable is None
    assert paths(found.currently_due) == [due]
    assert found.eventually_due == ()


def test_one_of_two_names_is_enough_and_a_web_site_stands_for_a_town() -> None:
    assert needs(COMPANY, **{"owners.0.family_name": None}).tier_reachable == "T3"
    online = {"locations.0.city": None, "locations.0.website": "https://shop.example"}
    assert needs(COMPANY, **online).tier_reachable == "T3"


def test_an_empty_answer_is_a_missing_one_and_zero_is_not() -> None:
    assert paths(needs(COMPANY, **{"business.mcc": ""}).currently_due) == ["business.mcc"]
    assert needs(COMPANY, contact={"owner_index": 0}).currently_due == ()


def test_what_the_next_tier_needs_is_due_eventually() -> None:
    found = needs(INDIVIDUAL, PHONE_ONLY, **{"owners.0.id_number": None})
    assert found.tier_reachable == "T0"
    assert found.currently_due == ()
    assert [(item.path, item.code, item.tier) for item in found.eventually_due] == [
        ("owners[0].id_number", "missing", "T1"),
        ("evidence.identity_verified", "not_verified", "T1"),
    ]


def test_the_contact_may_stand_in_for_the_owner_of_a_stall() -> None:
    named = {"business": {"kind": "individual"}, "contact": {"name": "Njeri", "phone": "+254711000111"}}
    missing = {item.path for item in needs(named, PHONE_ONLY).currently_due}
    assert not {path for path in missing if path.startswith(("owners", "contact"))}


def test_an_alternative_that_is_empty_stands_in_for_nothing() -> None:
    nobody = {"business": {"kind": "individual"}, "contact": {"name": "Njeri"}}
    assert "contact.phone" in {item.path for item in needs(nobody, kyb.Evidence()).currently_due}


def test_a_thing_is_asked_for_once_by_the_lowest_tier_that_needs_it() -> None:
    found = needs({"business": {"kind": "sole_proprietor"}}, kyb.Evidence())
    everything = paths(found.currently_due) + paths(found.eventually_due)
    assert len(everything) == len(set(everything))
    assert next(item for item in found.currently_due if item.path == "owners").tier == "T0"


def test_without_a_kind_only_the_general_requirements_are_known() -> None:
    found = needs({}, kyb.Evidence())
    assert found.tier_reachable is None
    assert paths(found.currently_due) == [
        "business.kind",
        "business.trading_name",
        "business.mcc",
        "business.currencies",
        "locations",
    ]
    assert {item.tier for item in found.currently_due} == {None}


def test_an_unknown_kind_reaches_no_tier_and_says_so() -> None:
    found = needs(COMPANY, **{"business.kind": "circus"})
    assert found.tier_reachable is None
    assert paths(found.currently_due) == ["business.kind"]


PRUNABLE = [
    *(f"business.{name}" for name in COMPANY["business"]),
    *(f"owners.0.{name}" for name in INDIVIDUAL["owners"][0]),
    *("owners", "contact", "locations", "settlement_account"),
]


@settings(deadline=None)
@given(
    kind=st.sampled_from(["individual", "sole_proprietor", "partnership", "cooperative", "company", "ngo", "x"]),
    pruned=st.sets(st.sampled_from(PRUNABLE)),
    evidence=st.builds(kyb.Evidence, st.booleans(), st.booleans(), st.booleans()),
)
def test_a_tier_is_reachable_exactly_when_nothing_is_due(kind: str, pruned: set[str], evidence: kyb.Evidence) -> None:
    document = {**COMPANY, "owners": INDIVIDUAL["owners"]}
    lists = {path for path in pruned if "." not in path}
    changes: dict[str, Any] = dict.fromkeys(path for path in pruned if path.split(".")[0] not in lists)
    changes |= dict.fromkeys(lists)
    if "business.kind" not in pruned:
        changes["business.kind"] = kind
    found = kyb.requirements(kyb.Applicant(sections(document, **changes), evidence), POLICY)
    assert (found.tier_reachable is None) == bool(found.currently_due)
    if found.tier_reachable is not None and not found.eventually_due:
        assert found.tier_reachable == POLICY.ladder(kind)[-1].name


@settings(deadline=None)
@given(st.builds(kyb.Evidence, st.booleans(), st.booleans(), st.booleans()))
def test_more_evidence_never_lowers_the_tier(evidence: kyb.Evidence) -> None:
    order = [None, *(tier.name for tier in POLICY.tiers)]
    document = {**INDIVIDUAL, "settlement_account": {"account_id": "1"}}
    changes = {"business.kind": "sole_proprietor", "business.tax_id": "A1"}
    some = needs(document, evidence, **changes).tier_reachable
    assert order.index(some) <= order.index(needs(document, ALL_VERIFIED, **changes).tier_reachable)
