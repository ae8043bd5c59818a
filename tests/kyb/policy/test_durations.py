"""Spans of time: what is one, and the day on which one ends."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kyb


@pytest.mark.parametrize(
    ("written", "months", "days"), [("1d", 0, 1), ("30d", 0, 30), ("6m", 6, 0), ("2y", 24, 0), ("9999d", 0, 9999)]
)
def test_a_span_is_a_number_and_a_unit(written: str, months: int, days: int) -> None:
    assert kyb.span(written) == kyb.Span(months, days)


@pytest.mark.parametrize(
    "written", ["", "d", "0d", "-1d", "01d", "30", "30 d", "1w", "1D", "1.5m", "12345d", "1d\n", "١d"]
)
def test_anything_else_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="span of time"):
        kyb.span(written)


@pytest.mark.parametrize(
    ("written", "begins", "ends"),
    [
        ("1m", date(2027, 1, 31), date(2027, 2, 28)),
        ("1m", date(2028, 1, 31), date(2028, 2, 29)),
        ("12m", date(2028, 2, 29), date(2029, 2, 28)),
        ("1y", date(2027, 12, 31), date(2028, 12, 31)),
        ("30d", date(2027, 2, 1), date(2027, 3, 3)),
        ("1m", date(2027, 12, 15), date(2028, 1, 15)),
    ],
)
def test_the_last_day_of_a_month_stays_the_last_of_a_shorter_one(written: str, begins: date, ends: date) -> None:
    assert kyb.span(written).after(begins) == ends


@given(
    st.dates(date(2020, 1, 1), date(2100, 1, 1)), st.integers(1, 120), st.integers(1, 120), st.sampled_from(["d", "m"])
)
def test_a_longer_span_never_ends_earlier(day: date, one: int, more: int, unit: str) -> None:
    shorter, longer = kyb.span(f"{one}{unit}"), kyb.span(f"{one + more}{unit}")
    assert day < shorter.after(day) <= longer.after(day)
    assert shorter.about_days < longer.about_days
