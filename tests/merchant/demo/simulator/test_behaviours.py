"""Payers' behaviours: the table of the contract, chosen by digit or by control."""

from typing import get_args

import pytest

from merchant.demo.simulator.behaviours import PLANS, Behaviour, behaviour_of, normal_msisdn, plan_of
from merchant.demo.simulator.world import Payer, World, apply


def test_every_behaviour_of_the_contract_has_a_plan_and_no_other_has() -> None:
    assert tuple(PLANS) == get_args(Behaviour)


@pytest.mark.parametrize(
    ("digit", "behaviour"), [(0, "accept"), *((index + 1, name) for index, name in enumerate(PLANS) if name != "ask")]
)
def test_the_last_digit_chooses(digit: int, behaviour: str) -> None:
    assert behaviour_of(World(), f"25570000000{digit}") == behaviour


def test_no_number_waits_for_an_answer_unless_the_control_says_so() -> None:
    assert all(behaviour_of(World(), f"25570000000{digit}") != "ask" for digit in range(10))


def test_the_control_has_the_last_word_and_may_set_a_delay() -> None:
    world = World()
    apply(world, Payer("255700000001", "drop", 2.5))
    plan = plan_of(world, "255700000001")
    assert (plan.loses_notice, plan.delay_s) == (True, 2.5)
    apply(world, Payer("255700000001", "accept"))
    assert plan_of(world, "255700000001") == PLANS["accept"]


@pytest.mark.parametrize("text", ["+255700000001", "255700000001"])
def test_a_number_is_taken_with_or_without_its_plus(text: str) -> None:
    assert normal_msisdn(text) == "255700000001"


@pytest.mark.parametrize("text", ["", "+", "++255700000001", "12345", "1" * 16, "25570000000a", "２５５７００"])
def test_other_texts_are_no_numbers(text: str) -> None:
    with pytest.raises(ValueError, match="no phone number"):
        normal_msisdn(text)
