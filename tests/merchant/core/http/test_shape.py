"""Every fault of a refused body is found at once, named by its path, with what would be allowed."""

import json
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Meta

import kyb
from merchant.compliance.cases.case_schemas import NewWaiver
from merchant.compliance.cases.schemas import ChangedSections, NewApplication
from merchant.core.http.fields import DigitsText, ReasonText
from merchant.core.http.shape import MAX_FAULTS, find_faults
from merchant.payments.schemas import NewPaymentRequest


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    number: Annotated[int, Meta(ge=1, le=9)]
    name: Annotated[str, Meta(min_length=2, max_length=4, pattern=r"^[a-z]+\Z")] | None = None


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    id: UUID
    colour: Colour
    size: Literal["S", "M"] = "S"
    inner: Inner | None = None
    many: Annotated[list[Inner], Meta(max_length=3)] = []
    share: float = 1.0
    yes: bool = True
    day: date | None = None
    code: DigitsText = "123456"
    why: ReasonText = "Why."


GOOD = {"id": "01a203bf-ae53-7d31-ac39-1faf8acba904", "colour": "red"}


def faults(**changes: Any) -> list[tuple[str, str]]:
    return [(one.path, one.code) for one in find_faults(GOOD | changes, Outer)]


def test_what_is_of_the_shape_has_no_fault() -> None:
    assert faults() == []
    assert faults(inner={"number": 1, "name": "ab"}, many=[{"number": 9}], share=2, yes=False, size="M") == []
    assert faults(inner=None) == []


@pytest.mark.parametrize(
    ("changes", "path", "code"),
    [
        ({"id": "x"}, "id", "invalid"),
        ({"id": 7}, "id", "invalid"),
        ({"colour": "blue"}, "colour", "invalid"),
        ({"size": "L"}, "size", "invalid"),
        ({"size": True}, "size", "invalid"),
        ({"inner": {"number": 0}}, "inner.number", "invalid"),
        ({"inner": {"number": 10}}, "inner.number", "invalid"),
        ({"inner": {"number": True}}, "inner.number", "invalid"),
        ({"inner": {"number": 1.5}}, "inner.number", "invalid"),
        ({"inner": {}}, "inner.number", "missing"),
        ({"inner": {"number": 1, "name": "a"}}, "inner.name", "invalid"),
        ({"inner": {"number": 1, "name": "abcde"}}, "inner.name", "invalid"),
        ({"inner": {"number": 1, "name": "AB"}}, "inner.name", "invalid"),
        ({"inner": []}, "inner", "invalid"),
        ({"many": {}}, "many", "invalid"),
        ({"many": [{"number": 1}] * 4}, "many", "invalid"),
        ({"many": [{"number": 1}, {"number": "1"}]}, "many[1].number", "invalid"),
        ({"share": "1"}, "share", "invalid"),
        ({"yes": 1}, "yes", "invalid"),
        ({"other": 1}, "other", "unknown"),
        ({"day": "tomorrow"}, "day", "invalid"),
        ({"day": "2026-02-30"}, "day", "invalid"),
        ({"day": 20260228}, "day", "invalid"),
        ({"code": "12345"}, "code", "invalid"),
        ({"why": ""}, "why", "invalid"),
        ({"why": " "}, "why", "invalid"),
        ({"why": "x" * 501}, "why", "invalid"),
    ],
)
def test_a_fault_is_named_by_its_path(changes: dict[str, Any], path: str, code: str) -> None:
    assert faults(**changes) == [(path, code)]
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(GOOD | changes), type=Outer)


def test_all_faults_are_told_at_once() -> None:
    found = faults(id="x", colour="blue", inner={"number": 0, "name": "A", "more": 1}, yes="no")
    assert sorted(found) == [
        ("colour", "invalid"),
        ("id", "invalid"),
        ("inner.more", "unknown"),
        ("inner.name", "invalid"),
        ("inner.name", "invalid"),
        ("inner.number", "invalid"),
        ("yes", "invalid"),
    ]  # the name is too short and of the wrong letters


def test_a_message_says_what_is_allowed() -> None:
    [colour] = find_faults(GOOD | {"colour": "blue"}, Outer)
    assert "red, green" in str(colour.message)
    [unknown] = find_faults(GOOD | {"color": "red"}, Outer)
    assert "colour" in str(unknown.message)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"why": "  "}, "Must not be empty."),
        ({"why": ""}, "Must not be empty."),
        ({"code": "12a456"}, "Must be six digits."),
        ({"day": "soon"}, "Must be a date as YYYY-MM-DD."),
        ({"day": 7}, "Must be a date as YYYY-MM-DD."),
    ],
)
def test_a_pattern_and_a_day_are_told_in_words(changes: dict[str, Any], message: str) -> None:
    assert [str(one.message) for one in find_faults(GOOD | changes, Outer)] == [message]


def test_a_day_that_must_be_given_is_asked_for_in_words() -> None:
    [told] = find_faults({"attribute": "tax", "subject": "business", "reason": "x", "expires_on": None}, NewWaiver)
    assert (told.path, told.message) == ("expires_on", "Must be a date as YYYY-MM-DD.")


def test_a_body_of_a_thousand_wrong_rows_is_told_of_the_first_hundred() -> None:
    class Rows(msgspec.Struct):
        rows: list[int]

    assert len(find_faults({"rows": ["x"] * 1000}, Rows)) == MAX_FAULTS


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "colour", "inner", "many", "number", "name", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=300)
@given(VALUES)
@pytest.mark.parametrize("shape", [Outer, NewPaymentRequest, NewApplication, ChangedSections, kyb.Owner])
def test_whatever_the_decoder_takes_has_no_fault(shape: Any, value: Any) -> None:
    """The finder may overlook a fault, which the decoder then tells in its own words, but never invents one."""
    try:
        msgspec.json.decode(json.dumps(value), type=shape)
    except msgspec.ValidationError:
        return
    assert find_faults(value, shape) == []
