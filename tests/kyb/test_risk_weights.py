"""Weights are data: read whole over the defaults, or refused with the place of the fault."""

from typing import Any

import pytest

from kyb.risk_weights import WeightsError, default_weights, load_weights


def test_the_defaults_are_those_of_the_scorecard() -> None:
    weights = default_weights()
    caps = [weights.mcc.cap, weights.geography.cap, weights.ownership.cap, weights.turnover.cap, weights.age.cap]
    assert caps == [30, 15, 20, 20, 10]
    assert (weights.screening.cap, weights.behaviour.cap, weights.mitigants.cap) == (10, 15, 10)


def test_a_policy_replaces_single_values_and_whole_lists() -> None:
    weights = load_weights({"version": "own", "mcc": {"high": 25}, "geography": {"grey_countries": ["YE"]}})
    assert (weights.mcc.high, weights.mcc.low, weights.geography.grey_countries) == (25, 0, ("YE",))
    assert weights.geography.black_countries == default_weights().geography.black_countries


def test_the_version_names_the_content() -> None:
    own, same = load_weights({"mcc": {"high": 21}}), load_weights({"mcc": {"high": 20}})
    assert own.weights_version != default_weights().weights_version == same.weights_version
    assert own.weights_version.startswith("2026.1+")


@pytest.mark.parametrize(
    ("table", "place"),
    [
        ({"mcc": {"high": 31}}, "mcc.high"),
        ({"mcc": {"low": -1}}, "mcc.low"),
        ({"mcc": {"cap": 101}}, "mcc.cap"),
        ({"mcc": {"cap": -1}}, "mcc.cap"),
        ({"mcc": {"medium": 25}}, "mcc"),
        ({"mcc": {"agent": 10}}, "mcc"),
        ({"mcc": {"prohibited": 10}}, "prohibited"),
        ({"mcc": 5}, "mcc"),
        ({"colour": {"red": 5}}, "colour"),
        ({"age": {"not_seen_on_site": "4"}}, "not_seen_on_site"),
        ({"age": {"steps": [{"up_to_months": 5, "points": 11}]}}, "steps[0]"),
        ({"age": {"steps": [{"up_to_months": 5, "points": 1}, {"up_to_months": 9, "points": 2}]}}, "age.steps"),
        ({"age": {"steps": [{"up_to_months": 5, "points": 2}, {"up_to_months": 5, "points": 1}]}}, "age.steps"),
        (
            {"turnover": {"steps": [{"above_percent": 200, "points": 2}, {"above_percent": 120, "points": 3}]}},
            "turnover.steps",
        ),
        (
            {"turnover": {"steps": [{"above_percent": 120, "points": 3}, {"above_percent": 200, "points": 2}]}},
            "turnover.steps",
        ),
        ({"turnover": {"least_transactions": -1}}, "least_transactions"),
        ({"geography": {"border": 13}}, "geography"),
        ({"geography": {"grey_countries": ["XX"]}}, "XX"),
        ({"geography": {"black_countries": ["Iran"]}}, "Iran"),
        ({"geography": {"border_places": ["KE-99"]}}, "KE-99"),
        ({"screening": {"cleared_by_two_facts": 6}}, "screening"),
        ({"screening": {"open": 4}}, "screening"),
        ({"mitigants": {"cap": 26}}, "mitigants.cap"),
        ({"bands": {"medium_from": 50}}, "bands"),
        ({"bands": {"medium_from": 0}}, "bands"),
        ({"bands": {"unacceptable_from": 101}}, "bands"),
        ({"floors": {"pep": "tall"}}, "floors"),
        ({"floors": {"mcc_high": "high"}}, "floors"),
    ],
)
def test_weights_that_contradict_themselves_are_refused_with_their_place(table: dict[str, Any], place: str) -> None:
    with pytest.raises(WeightsError) as refused:
        load_weights(table)
    assert place in str(refused.value)


def test_steps_may_be_left_out() -> None:
    assert load_weights({"turnover": {"steps": []}, "age": {"steps": []}}).turnover.steps == ()
