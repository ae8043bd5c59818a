"""The score is the sum of listed points; a worse fact never counts less; a person lowers a band only with another."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kyb.mcc_classes import MCC_CLASSES
from kyb.risk import (
    Migration,
    Override,
    Risk,
    RiskFacts,
    assess_risk,
    band_of,
    effective_band,
    override_fault,
    place_class,
    shadow_weights,
)
from kyb.risk_weights import BANDS, default_weights, load_weights
from tests.kyb.samples import NOW

WEIGHTS = default_weights()
BORDER = load_weights({"geography": {"border_places": ["KE-43", "SO"]}})
# Nothing speaks against this one, and nothing for it.
PLAIN: dict[str, Any] = {
    "mcc_class": "low",
    "home_country": "KE",
    "places": ("KE-30",),
    "owners_verified": True,
    "ownership_complete": True,
    "declared_turnover_minor": 1000,
    "observed_turnover_minor": 1000,
    "observed_transactions": 50,
    "business_months": 60,
    "seen_on_site": True,
    "face_to_face": True,
}


def risk_of(weights: Any = WEIGHTS, **changes: Any) -> Risk:
    return assess_risk(RiskFacts(**{**PLAIN, **changes}), weights)


def points_of(found: Risk) -> list[tuple[str, int]]:
    return [(one.factor, one.points) for one in found.contributions]


def test_a_plain_merchant_has_no_points() -> None:
    found = risk_of()
    assert found == Risk(0, "low", (), (), (), WEIGHTS.weights_version)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"mcc_class": "medium"}, [("mcc", 8)]),
        ({"mcc_class": "high"}, [("mcc", 20)]),
        ({"mcc_class": "enhanced"}, [("mcc", 30)]),
        ({"mcc_class": "agent"}, [("mcc", 30)]),
        ({"places": ("KE-43", "KE-30")}, [("geography", 6)]),
        ({"places": ("SO",)}, [("geography", 6)]),
        ({"places": ("UG-102", "UG")}, []),
        ({"places": ("YE", "SO")}, [("geography", 12)]),
        ({"places": ("YE-AD",)}, [("geography", 12)]),
        ({"home_country": "YE", "places": ("YE-AD",)}, []),
        ({"ownership_complete": False}, [("ownership", 10)]),
        ({"owners_verified": False}, [("ownership", 10)]),
        ({"owners_verified": False, "ownership_complete": False}, [("ownership", 10)]),
        ({"ownership_layers": 2}, []),
        ({"ownership_layers": 3, "foreign_owner": True}, [("ownership", 8)]),
        ({"ownership_circular": True}, [("ownership", 8)]),
        ({"nominee": True}, [("ownership", 12)]),
        ({"pep": True}, [("ownership", 12)]),
        ({"nominee": True, "pep": True}, [("ownership", 12), ("ownership", 8)]),
        ({"observed_turnover_minor": 1200}, []),
        ({"observed_turnover_minor": 1201}, [("turnover", 6)]),
        ({"observed_turnover_minor": 2000}, [("turnover", 6)]),
        ({"observed_turnover_minor": 3000}, [("turnover", 12)]),
        ({"observed_turnover_minor": 5000}, [("turnover", 12)]),
        ({"observed_turnover_minor": 5001}, [("turnover", 20)]),
        ({"observed_turnover_minor": 5001, "observed_transactions": 9}, []),
        ({"observed_turnover_minor": 5001, "observed_transactions": 10}, [("turnover", 20)]),
        ({"observed_turnover_minor": 1, "declared_turnover_minor": 0}, [("turnover", 20)]),
        ({"declared_turnover_minor": None}, []),
        ({"business_months": 25}, []),
        ({"business_months": 24}, [("age", 3)]),
        ({"business_months": 6}, [("age", 3)]),
        ({"business_months": 5}, [("age", 6)]),
        ({"business_months": None}, [("age", 6)]),
        ({"business_months": None, "relationship_months": 30}, []),
        ({"business_months": 60, "relationship_months": 0}, []),
        ({"business_months": 0, "seen_on_site": False}, [("age", 6), ("age", 4)]),
        ({"hits_cleared_by_two_facts": 3}, [("screening", 2)]),
        ({"hits_cleared_by_one_fact": 1}, [("screening", 5)]),
        ({"hits_open": 1, "hits_cleared_by_one_fact": 1}, [("screening", 10), ("screening", 0)]),
        ({"face_to_face": False}, [("behaviour", 4)]),
        ({"refund_rate_percent": Decimal(5)}, []),
        ({"refund_rate_percent": Decimal("5.01")}, [("behaviour", 5)]),
        ({"patterns": ("night", "one_payer")}, [("behaviour", 5)]),
        ({"complaints": 2}, [("behaviour", 6)]),
        ({"complaints": 100}, [("behaviour", 15)]),
        ({"lei_active": True}, [("mitigants", -3)]),
        ({"months_since_site_visit": 11}, [("mitigants", -4)]),
        ({"months_since_site_visit": 12}, []),
        (
            {"lei_active": True, "registry_verified": True, "months_since_site_visit": 0, "account_name_matches": True},
            [("mitigants", -3), ("mitigants", -4), ("mitigants", -3), ("mitigants", 0)],
        ),
    ],
)
def test_each_fact_counts_its_points_up_to_the_cap_of_its_factor(
    changes: dict[str, Any], expected: list[tuple[str, int]]
) -> None:
    found = risk_of(BORDER, **changes)
    assert points_of(found) == expected
    assert found.score == max(0, sum(points for _, points in expected))


def test_a_turnover_of_three_times_what_was_declared_adds_twelve() -> None:
    before = risk_of(mcc_class="high")
    after = risk_of(mcc_class="high", observed_turnover_minor=3000)
    assert (after.score - before.score, after.band) == (12, "medium")
    assert after.contributions[-1].because == "The turnover is more than 2 times what was declared."


@pytest.mark.parametrize(
    ("place", "home", "expected"),
    [
        ("KE", "KE", "home"),
        ("KE-43", "KE", "border"),
        ("KE-43", "UG", "grey"),
        ("SO-BN", "KE", "border"),
        ("IR", "KE", "black"),
        ("IR", "IR", "home"),
        ("KP-01", "", "black"),
        ("DE", "KE", "other"),
        ("", "KE", "other"),
    ],
)
def test_a_place_is_judged_by_the_lists_of_the_weights(place: str, home: str, expected: str) -> None:
    assert place_class(place, home, BORDER) == expected


@pytest.mark.parametrize(
    ("score", "band"), [(0, "low"), (24, "low"), (25, "medium"), (49, "medium"), (50, "high"), (74, "high")]
)
def test_bands_begin_where_the_weights_say(score: int, band: str) -> None:
    assert band_of(score, WEIGHTS) == band


def test_scores_of_75_and_more_are_unacceptable() -> None:
    assert band_of(75, WEIGHTS) == band_of(100, WEIGHTS) == "unacceptable"


def test_everything_bad_together_is_clamped() -> None:
    found = assess_risk(
        RiskFacts(
            mcc_class="enhanced",
            places=("YE",),
            nominee=True,
            pep=True,
            declared_turnover_minor=1,
            observed_turnover_minor=100,
            observed_transactions=99,
            hits_cleared_by_one_fact=1,
            hits_cleared_by_two_facts=1,
            complaints=9,
        ),
        WEIGHTS,
    )
    assert (found.score, found.band) == (100, "unacceptable")


@pytest.mark.parametrize("changes", [{"pep": True}, {"mcc_class": "high"}])
def test_a_floor_holds_whatever_speaks_for_the_merchant(changes: dict[str, Any]) -> None:
    found = risk_of(lei_active=True, registry_verified=True, months_since_site_visit=0, **changes)
    assert found.score < 25
    assert found.band == "medium"
    assert len(found.floors) == 1


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"mcc_class": "prohibited"}, "mcc_prohibited"),
        ({"places": ("KP",)}, "country_black"),
        ({"hits_open": 1}, "screening_open"),
    ],
)
def test_a_stop_is_unacceptable_whatever_the_score(changes: dict[str, Any], code: str) -> None:
    found = risk_of(**changes)
    assert [stop.code for stop in found.stops] == [code]
    assert found.score < 75
    assert found.band == "unacceptable"


def test_what_nobody_has_looked_at_is_medium() -> None:
    assert (assess_risk(RiskFacts(), WEIGHTS).score, assess_risk(RiskFacts(), WEIGHTS).band) == (32, "medium")


facts = st.builds(
    RiskFacts,
    mcc_class=st.sampled_from(MCC_CLASSES),
    home_country=st.sampled_from(["KE", "YE", ""]),
    places=st.lists(st.sampled_from(["KE-30", "KE-43", "YE", "IR", "DE", "SO"]), max_size=3).map(tuple),
    owners_verified=st.booleans(),
    ownership_complete=st.booleans(),
    ownership_circular=st.booleans(),
    ownership_layers=st.integers(0, 5),
    foreign_owner=st.booleans(),
    nominee=st.booleans(),
    pep=st.booleans(),
    declared_turnover_minor=st.one_of(st.none(), st.integers(0, 1000)),
    observed_turnover_minor=st.integers(0, 10_000),
    observed_transactions=st.integers(0, 30),
    business_months=st.one_of(st.none(), st.integers(0, 40)),
    relationship_months=st.one_of(st.none(), st.integers(0, 40)),
    seen_on_site=st.booleans(),
    hits_open=st.integers(0, 2),
    hits_cleared_by_one_fact=st.integers(0, 2),
    hits_cleared_by_two_facts=st.integers(0, 2),
    face_to_face=st.booleans(),
    refund_rate_percent=st.integers(0, 20).map(Decimal),
    patterns=st.sampled_from([(), ("night",), ("night", "one_payer")]),
    complaints=st.integers(0, 8),
    lei_active=st.booleans(),
    registry_verified=st.booleans(),
    months_since_site_visit=st.one_of(st.none(), st.integers(0, 20)),
    account_name_matches=st.booleans(),
)
WORSE: dict[str, Any] = {
    "places": lambda one: (*one.places, "YE"),
    "owners_verified": lambda _: False,
    "ownership_complete": lambda _: False,
    "ownership_circular": lambda _: True,
    "ownership_layers": lambda one: one.ownership_layers + 1,
    "foreign_owner": lambda _: True,
    "nominee": lambda _: True,
    "pep": lambda _: True,
    "observed_turnover_minor": lambda one: one.observed_turnover_minor * 2,
    "observed_transactions": lambda one: one.observed_transactions + 5,
    "business_months": lambda _: None,
    "relationship_months": lambda _: None,
    "seen_on_site": lambda _: False,
    "hits_open": lambda one: one.hits_open + 1,
    "hits_cleared_by_one_fact": lambda one: one.hits_cleared_by_one_fact + 1,
    "hits_cleared_by_two_facts": lambda one: one.hits_cleared_by_two_facts + 1,
    "face_to_face": lambda _: False,
    "refund_rate_percent": lambda one: one.refund_rate_percent + 3,
    "patterns": lambda _: ("night", "round_amounts", "one_payer"),
    "complaints": lambda one: one.complaints + 1,
    "lei_active": lambda _: False,
    "registry_verified": lambda _: False,
    "months_since_site_visit": lambda _: None,
    "account_name_matches": lambda _: False,
    "mcc_class": lambda one: {"low": "medium", "medium": "high", "high": "enhanced"}.get(one.mcc_class, "prohibited"),
}


def test_every_fact_can_become_worse_but_the_home_and_the_declaration() -> None:
    assert set(RiskFacts.__struct_fields__) - WORSE.keys() == {"home_country", "declared_turnover_minor"}


@settings(deadline=None)
@given(facts, st.sampled_from(sorted(WORSE)))
def test_a_worse_fact_never_counts_less(one: RiskFacts, field: str) -> None:
    worse = msgspec.structs.replace(one, **{field: WORSE[field](one)})
    before, after = assess_risk(one, BORDER), assess_risk(worse, BORDER)
    assert after.score >= before.score
    assert BANDS.index(after.band) >= BANDS.index(before.band)


@settings(deadline=None)
@given(facts)
def test_the_score_is_the_sum_of_what_is_listed_and_the_same_bytes_each_time(one: RiskFacts) -> None:
    found = assess_risk(one, BORDER)
    assert found.score == max(0, min(100, sum(each.points for each in found.contributions)))
    assert sum(each.points for each in found.contributions if each.factor == "mitigants") >= -10
    again = msgspec.json.decode(msgspec.json.encode(one), type=RiskFacts)
    assert msgspec.json.encode(assess_risk(again, BORDER)) == msgspec.json.encode(found)


def override(band: str, **more: Any) -> Override:
    return msgspec.convert({"band": band, "by": "amina", "reason": "known for years", **more}, Override)


SOON = NOW + timedelta(days=90)
TWO: dict[str, Any] = {"second_by": "baraka", "until": SOON}
MEDIUM = risk_of(mcc_class="medium", ownership_complete=False, business_months=0, seen_on_site=False)


def test_a_person_raises_alone_and_two_lower_for_a_time() -> None:
    assert MEDIUM.band == "medium"
    assert effective_band(MEDIUM, [], NOW) == "medium"
    assert effective_band(MEDIUM, [override("high")], NOW) == "high"
    assert effective_band(MEDIUM, [override("low", **TWO)], NOW) == "low"
    assert effective_band(MEDIUM, [override("low", **TWO)], SOON) == "medium"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"reason": " "}, "reason_missing"),
        ({"by": ""}, "reason_missing"),
        ({"until": NOW}, "expired"),
        ({"until": None}, "expiry_missing"),
        ({"second_by": None}, "second_person_missing"),
        ({"second_by": ""}, "second_person_missing"),
        ({"second_by": " amina "}, "same_person"),
    ],
)
def test_a_band_is_not_lowered_without_two_people_a_reason_and_an_end(change: dict[str, Any], fault: str) -> None:
    lower = override("low", **{**TWO, **change})
    assert override_fault(lower, "medium", MEDIUM, NOW) == fault
    assert effective_band(MEDIUM, [lower], NOW) == "medium"


def test_one_person_never_undoes_what_another_raised() -> None:
    assert effective_band(MEDIUM, [override("unacceptable"), override("high", by="baraka")], NOW) == "unacceptable"
    assert effective_band(MEDIUM, [override("high"), override("low", **TWO), override("medium")], NOW) == "medium"


def test_nobody_lowers_a_stop_or_below_a_floor() -> None:
    stopped, floored = risk_of(hits_open=1), risk_of(pep=True)
    assert override_fault(override("high", **TWO), "unacceptable", stopped, NOW) == "stop_binds"
    assert override_fault(override("low", **TWO), "medium", floored, NOW) == "below_floor"
    assert effective_band(stopped, [override("low", **TWO)], NOW) == "unacceptable"


def test_a_raise_that_the_score_has_overtaken_lowers_nothing() -> None:
    risen = risk_of(mcc_class="enhanced", observed_turnover_minor=9000)
    assert risen.band == "high"
    assert effective_band(risen, [override("medium")], NOW) == "high"


def test_new_weights_show_who_would_change_the_band() -> None:
    strict = load_weights({"bands": {"medium_from": 20}, "mitigants": {"cap": 5}})
    many = [RiskFacts(**PLAIN), RiskFacts(**{**PLAIN, "mcc_class": "medium", "nominee": True}), RiskFacts(hits_open=1)]
    assert shadow_weights(WEIGHTS, strict, many) == (
        Migration("low", "low", 1),
        Migration("low", "medium", 1),
        Migration("unacceptable", "unacceptable", 1),
    )
    assert shadow_weights(WEIGHTS, strict, []) == ()
