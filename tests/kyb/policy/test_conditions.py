"""Conditions of a policy: what is malformed is refused when it is read, and nothing raises afterwards."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyb.policy.conditions import FACTS, MAX_DEPTH, condition_fault, holds

CASE: dict[str, object] = {
    "kind": "company",
    "mcc_class": "enhanced",
    "monthly_turnover_units": 500,
    "owner_count": 2,
    "has_lei": False,
    "risk": None,
    "channel": "",
}


@pytest.mark.parametrize(
    ("condition", "fulfilled"),
    [
        (None, True),
        ({"fact": "kind", "eq": "company"}, True),
        ({"fact": "kind", "eq": "ngo"}, False),
        ({"fact": "mcc_class", "in": ["agent", "enhanced"]}, True),
        ({"fact": "mcc_class", "not_in": ["agent", "enhanced"]}, False),
        ({"fact": "risk", "not_in": ["high"]}, True),
        ({"fact": "monthly_turnover_units", "gte": 500}, True),
        ({"fact": "monthly_turnover_units", "gte": 501}, False),
        ({"fact": "monthly_turnover_units", "lte": 499}, False),
        ({"fact": "owner_count", "between": [2, 2]}, True),
        ({"fact": "owner_count", "between": [3, 9]}, False),
        ({"fact": "risk", "exists": True}, False),
        ({"fact": "channel", "exists": False}, True),
        ({"fact": "has_lei", "exists": True}, True),
        ({"fact": "country", "exists": False}, True),
        ({"fact": "risk", "gte": 1}, False),
        ({"fact": "kind", "lte": 1}, False),
        ({"fact": "has_lei", "gte": 0}, False),
        ({"not": {"fact": "kind", "eq": "ngo"}}, True),
        ({"all": [{"fact": "kind", "eq": "company"}, {"fact": "owner_count", "gte": 3}]}, False),
        ({"any": [{"fact": "kind", "eq": "company"}, {"fact": "owner_count", "gte": 3}]}, True),
    ],
)
def test_a_condition_looks_at_the_facts(condition: Any, fulfilled: bool) -> None:
    assert condition is None or condition_fault(condition) is None
    assert holds(condition, CASE) is fulfilled


def nested(depth: int) -> dict[str, Any]:
    return {"fact": "kind", "eq": "ngo"} if depth == 0 else {"not": nested(depth - 1)}


@pytest.mark.parametrize(
    "condition",
    [
        {},
        [],
        "kind",
        None,
        {"fact": "kind"},
        {"fact": "moon", "eq": 1},
        {"eq": "company"},
        {"fact": "kind", "eq": "a", "in": ["a"]},
        {"fact": "kind", "matches": ".*"},
        {"fact": "kind", "eq": ["company"]},
        {"fact": "kind", "in": []},
        {"fact": "kind", "in": "company"},
        {"fact": "kind", "in": [{}]},
        {"fact": "owner_count", "gte": "2"},
        {"fact": "owner_count", "gte": True},
        {"fact": "owner_count", "between": [2]},
        {"fact": "owner_count", "between": [3, 2]},
        {"fact": "risk", "exists": 1},
        {"all": []},
        {"any": {}},
        {"all": [{"fact": "kind", "eq": "ngo"}, {}]},
        {"not": []},
        {"all": [{"fact": "kind", "eq": "ngo"}], "any": [{"fact": "kind", "eq": "ngo"}]},
        nested(MAX_DEPTH + 1),
    ],
)
def test_a_malformed_condition_is_refused(condition: Any) -> None:
    assert condition_fault(condition)


def test_a_condition_may_be_nested_to_the_limit() -> None:
    assert condition_fault(nested(MAX_DEPTH)) is None


SCALARS = st.one_of(st.text(max_size=5), st.integers(), st.booleans(), st.floats(allow_nan=False))
ANYTHING = st.recursive(
    st.one_of(SCALARS, st.none()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["fact", "eq", "in", "gte", "between", "exists", "all", "any", "not"]), inner),
        st.fixed_dictionaries({"fact": st.sampled_from(FACTS), "eq": inner}),
    ),
    max_leaves=12,
)


@given(ANYTHING, st.dictionaries(st.sampled_from(FACTS), st.one_of(SCALARS, st.none())))
def test_what_was_found_sound_never_raises(condition: Any, facts: dict[str, object]) -> None:
    if condition_fault(condition) is None:
        assert holds(condition, facts) in (True, False)
