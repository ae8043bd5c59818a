"""Each answer, verification, hit and payment becomes the fact that kyb.risk counts, and nothing else does."""

import copy
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

import kyb
from merchant.compliance.cases.queries import HitStanding
from merchant.compliance.cases.risk_facts import Hits, Observed, approved_case, hits_of, months_between, risk_facts
from tests.kyb.samples import COMPANY, INDIVIDUAL, NOW

POLICY = kyb.default_policy()
TODAY = NOW.date()
NO_HITS, NOTHING_TAKEN = Hits(), Observed()
FALSE, TRUE = HitStanding("false_positive", proposed=False), HitStanding("true_match", proposed=False)
PROPOSED = HitStanding("true_match", proposed=True)
PARENT = {"kind": "company", "legal_name": "Parent", "country": "GB", "ref": "p", "ownership_percent": 100}
CHILD = {"given_name": "Otieno", "owns": "p", "ownership_percent": 100}


def seen(attribute: str, subject: str, outcome: str = "verified", **given: Any) -> kyb.Verification:
    at = given.pop("at", NOW)
    return kyb.Verification(attribute, subject, outcome, "document", "x", at, **given)  # type: ignore[arg-type]


def facts(
    *found: kyb.Verification,
    document: Any = COMPANY,
    hits: Hits = NO_HITS,
    observed: Observed = NOTHING_TAKEN,
    **changes: Any,
) -> kyb.RiskFacts:
    changed = copy.deepcopy(document)
    for section, value in changes.items():
        changed[section] = changed[section] | value if isinstance(value, dict) else value
    case = kyb.Case(msgspec.convert(changed, kyb.Sections), found)
    return risk_facts(case, POLICY, "KE", hits, observed, TODAY)


def test_a_company_that_nobody_looked_at_has_only_what_it_says_of_itself() -> None:
    found = facts()
    assert found == kyb.RiskFacts(
        mcc_class="medium",
        home_country="KE",
        places=("KE-17",),
        ownership_complete=True,
        declared_turnover_minor=250_000_00,
        face_to_face=True,
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"business": {"mcc": "7995"}}, {"mcc_class": "enhanced"}),
        ({"business": {"mcc": "5912"}, "locations": [{"kind": "virtual"}]}, {"mcc_class": "enhanced", "places": ()}),
        ({"business": {"mcc": "9405"}}, {"mcc_class": "prohibited"}),
        ({"business": {"monthly_turnover_minor": None}}, {"declared_turnover_minor": None}),
        ({"locations": [{"country": "SS"}, {"country": "KE"}]}, {"places": ("KE", "SS")}),
        ({"locations": [{"country": "KE", "subdivision": "KE-43"}]}, {"places": ("KE-43",)}),
        ({"owners": [{"given_name": "A", "ownership_percent": 50}]}, {"ownership_complete": False}),
        ({"owners": []}, {"ownership_complete": False, "owners_verified": False}),
        ({"owners": [PARENT, CHILD]}, {"ownership_layers": 1, "foreign_owner": True, "places": ("GB", "KE-17")}),
        ({"owners": [PARENT | {"country": "KE"}, CHILD]}, {"ownership_layers": 1, "foreign_owner": False}),
        # A person's nationality is no fact of the risk.
        ({"owners": [{"given_name": "A", "nationality": "IR", "ownership_percent": 100}]}, {"places": ("KE-17",)}),
    ],
)
def test_an_answer_becomes_the_fact_that_it_is(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    found = facts(**changes)
    assert {name: getattr(found, name) for name in expected} == expected


MONTHS_AGO = NOW - timedelta(days=70)
IDENTITY = seen("identity", "owners[0]")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([seen("registration", "business")], {"registry_verified": True, "lei_active": False}),
        ([seen("registration", "business", "waived")], {"registry_verified": False}),
        ([seen("registration", "business", "rejected")], {"registry_verified": False}),
        ([seen("registration", "business", "inconclusive")], {"registry_verified": False}),
        ([seen("registration", "business", expires_on=TODAY)], {"registry_verified": False}),
        ([seen("registration", "business", expires_on=TODAY + timedelta(days=1))], {"registry_verified": True}),
        ([seen("lei", "business")], {"lei_active": True}),
        ([seen("account", "settlement_account")], {"account_name_matches": True}),
        ([seen("site", "locations[0]", at=MONTHS_AGO)], {"seen_on_site": True, "months_since_site_visit": 2}),
        ([seen("site", "locations[0]", "rejected")], {"seen_on_site": False, "months_since_site_visit": None}),
        ([seen("address", "locations[0]")], {"seen_on_site": False}),
        ([IDENTITY], {"owners_verified": False}),  # another owner is a beneficial one too
        ([IDENTITY, seen("identity", "owners[1]")], {"owners_verified": True}),
        ([IDENTITY, seen("identity", "owners[1]", "waived")], {"owners_verified": False}),
    ],
)
def test_only_what_was_verified_and_still_stands_speaks_for_a_merchant(
    found: list[kyb.Verification], expected: dict[str, Any]
) -> None:
    got = facts(*found)
    assert {name: getattr(got, name) for name in expected} == expected


def test_a_sole_seller_without_a_share_owns_all_of_it() -> None:
    assert facts(document=INDIVIDUAL).ownership_complete
    assert facts(IDENTITY, document=INDIVIDUAL).owners_verified


def test_what_was_taken_and_for_how_long_is_told_as_it_was_observed() -> None:
    since = TODAY - timedelta(days=400)
    found = facts(hits=Hits(1, 2, 3), observed=Observed(7_000, 12, since))
    assert (found.observed_turnover_minor, found.observed_transactions, found.relationship_months) == (7_000, 12, 13)
    assert (found.hits_open, found.hits_cleared_by_one_fact, found.hits_cleared_by_two_facts) == (1, 2, 3)
    assert facts().relationship_months is None


@pytest.mark.parametrize(
    ("set_aside", "birth_year", "decided", "expected"),
    [
        (False, "unknown", None, Hits(open=1)),
        (False, "differs", None, Hits(open=1)),  # nearly the same name: the year alone clears nothing
        (True, "differs", None, Hits(by_one_fact=1)),
        (False, "unknown", FALSE, Hits(by_one_fact=1)),
        (False, "differs", FALSE, Hits(by_two_facts=1)),
        (True, "differs", FALSE, Hits(by_two_facts=1)),
        (True, "differs", TRUE, Hits(open=1)),
        (False, "agrees", TRUE, Hits(open=1)),
        (False, "differs", PROPOSED, Hits(open=1)),  # one of two says that it is none
    ],
)
def test_a_hit_is_open_until_somebody_or_something_cleared_it(
    set_aside: bool, birth_year: str, decided: HitStanding | None, expected: Hits
) -> None:
    report = {"hits": [{"id": "h", "hit": {"set_aside": set_aside, "birth_year": birth_year}}]}
    assert hits_of(report, {"h": decided} if decided else {}) == expected
    assert hits_of({"hits": []}, {"h": FALSE}) == Hits()


@pytest.mark.parametrize(
    ("earlier", "later", "months"),
    [
        (date(2026, 1, 31), date(2026, 2, 28), 0),
        (date(2026, 1, 31), date(2026, 3, 31), 2),
        (date(2025, 12, 15), date(2026, 1, 14), 0),
        (date(2025, 12, 15), date(2026, 1, 15), 1),
        (date(2024, 11, 22), date(2026, 11, 22), 24),
        (date(2026, 5, 1), date(2026, 4, 1), 0),
    ],
)
def test_months_are_whole_ones_of_the_calendar(earlier: date, later: date, months: int) -> None:
    assert months_between(earlier, later) == months


def test_what_a_checker_vouches_for_counts_as_verified_once_the_case_is_approved() -> None:
    case = kyb.Case(msgspec.convert(COMPANY, kyb.Sections), screening="clear", risk="low", channel="remote")
    after = approved_case(case, (("registration", "business"),), NOW)
    assert (after.screening, after.risk, after.channel, after.sections) == ("clear", "low", "remote", case.sections)
    assert risk_facts(after, POLICY, "KE", Hits(), Observed(), TODAY).registry_verified
    assert not case.verified
