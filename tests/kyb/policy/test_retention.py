"""How long things are kept: what the table says, what a policy changes, and that a layer may only lengthen it."""

import pytest

import kyb
from kyb.policy.retention import RETENTION

GENERIC = kyb.preset("generic")


def test_the_packaged_policy_says_what_the_table_says_and_keeps_approved_cases_for_five_years() -> None:
    assert kyb.default_policy().text.retention_days == {name: kept.days for name, kept in RETENTION.items()}
    assert kyb.kept_days({})["approved"] >= 5 * 365 + 1


def test_a_layer_lengthens_one_and_leaves_the_others() -> None:
    policy = kyb.load_layers([GENERIC, "[retention_days]\napproved = 3652"])
    assert kyb.kept_days(policy.text.retention_days) == kyb.kept_days({}) | {"approved": 3652}


@pytest.mark.parametrize("name", list(RETENTION))
def test_a_layer_may_not_shorten_what_stands_above(name: str) -> None:
    with pytest.raises(kyb.PolicyError, match=f"retention_days.{name}: shorter than {RETENTION[name].days}"):
        kyb.load_layers([GENERIC, f"[retention_days]\n{name} = {RETENTION[name].days - 1}"])


def test_a_layer_may_not_go_back_to_what_a_lengthened_one_replaced() -> None:
    longer = "[retention_days]\nrejected = 1000"
    with pytest.raises(kyb.PolicyError, match="shorter than 1000"):
        kyb.load_layers([GENERIC, longer, "[retention_days]\nrejected = 999"])


@pytest.mark.parametrize(
    ("text", "fault"),
    [("forever = 1", "is not one of"), ("approved = 36526", "from 1 to 36525"), ("approved = 'x'", "a whole number")],
)
def test_what_is_no_clock_or_no_time_is_refused(text: str, fault: str) -> None:
    with pytest.raises(kyb.PolicyError, match=fault):
        kyb.load_layers([GENERIC, f"[retention_days]\n{text}"])
