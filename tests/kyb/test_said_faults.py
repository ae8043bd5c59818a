"""A table that people write is refused in words, with the key that is meant, whatever the decoder calls it."""

from functools import partial
from typing import Any, Literal

import msgspec
import pytest
from msgspec import Struct

import kyb
from kyb.said_faults import said_fault


class Limits(Struct, forbid_unknown_fields=True):
    per_day: int
    share: float | None = None


class Tier(Struct, forbid_unknown_fields=True):
    limits: Limits
    size: Literal["s", "m"] = "s"
    kinds: tuple[str, ...] = ()
    own: dict[str, Limits] = {}
    yes: bool = True


class Text(Struct, forbid_unknown_fields=True):
    tiers: dict[str, Tier] = {}
    words: dict[str, str] = {}


GOOD = {"limits": {"per_day": 1}}
convert = partial(msgspec.convert, type=Text)


def told(document: Any) -> str:
    with pytest.raises(msgspec.ValidationError) as refused:
        convert(document)
    return said_fault(refused.value, document, convert)


@pytest.mark.parametrize(
    ("tier", "sentence"),
    [
        ({}, "tiers.T1: limits is required"),
        ({"limits": {}}, "tiers.T1.limits: per_day is required"),
        (GOOD | {"name": 1}, "tiers.T1: there is no key name here"),
        ({"limits": {"per_day": "1"}}, "tiers.T1.limits.per_day: must be a whole number, not text"),
        (
            {"limits": {"per_day": 1, "share": True}},
            "tiers.T1.limits.share: must be a number or nothing, not true or false",
        ),
        (GOOD | {"size": "xl"}, "tiers.T1.size: 'xl' is not one of the words allowed here"),
        (GOOD | {"kinds": ["a", 7]}, "tiers.T1.kinds[1]: must be text, not a whole number"),
        (GOOD | {"kinds": {}}, "tiers.T1.kinds: must be a list, not a table"),
        (GOOD | {"own": {"USD": {"per_day": 1}, "KES": {}}}, "tiers.T1.own.KES: per_day is required"),
        (GOOD | {"yes": 1}, "tiers.T1.yes: must be true or false, not a whole number"),
    ],
)
def test_a_fault_is_said_in_words_with_the_key_that_is_meant(tier: Any, sentence: str) -> None:
    assert told({"tiers": {"T0": GOOD, "T1": tier}}) == sentence


def test_a_key_that_holds_a_dot_is_named_too() -> None:
    assert told({"words": {"a": "b", "business.mcc": 7}}) == "words.business.mcc: must be text, not a whole number"


def test_a_document_that_is_no_table_is_told_without_a_place() -> None:
    assert told([]) == "must be a table, not a list"


def test_weights_of_the_risk_are_refused_with_their_place() -> None:
    with pytest.raises(kyb.WeightsError, match=r"^risk\.bands\.high_from: must be a whole number, not text$"):
        kyb.load_weights({"bands": {"high_from": "7"}})
