"""Direction, by the examples and rules of UAX #9."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qr.drawing.bidi import levels, visual_order

# Hebrew and Arabic letters are written as escapes, so that an editor does not reorder the expectations.
ALEF, BET, SEEN = "\u05d0", "\u05d1", "\u0633"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc 123", "0000000"),
        ("", ""),
        (ALEF + BET, "11"),
        ("a " + ALEF + BET, "0011"),
        (ALEF + " abc", "11222"),
        (ALEF + " 12 " + BET, "112211"),
        ("a " + ALEF + " 12", "001122"),
        ("a " + ALEF + " b", "00100"),
        (SEEN + " 12", "1122"),
        (SEEN + " 1,234.5", "112222222"),
        (ALEF + " 10%", "11222"),
        (ALEF + " +5", "1112"),
        (ALEF + "!", "11"),
        ("abc (" + ALEF + ")", "0000010"),
        ("*384# " + ALEF, "1222211"),
        ("\u0645\u064e\u0646", "111"),
    ],
    ids=str,
)
def test_levels_follow_the_rules(text: str, expected: str) -> None:
    assert "".join(map(str, levels(text))) == expected


@pytest.mark.parametrize(
    ("run_levels", "order"),
    [
        ([], []),
        ([0], [0]),
        ([1, 2, 1], [2, 1, 0]),
        ([0, 1, 0], [0, 1, 2]),
        ([0, 1, 2, 1, 0], [0, 3, 2, 1, 4]),
        ([1, 2, 2, 1], [3, 1, 2, 0]),
        ([2, 1], [1, 0]),
    ],
)
def test_runs_are_drawn_from_left_to_right(run_levels: list[int], order: list[int]) -> None:
    assert visual_order(run_levels) == order


@given(st.text(max_size=40))
@example("\u0590\u05d0")  # unassigned, beside Hebrew
@example("\u202b\u05d0\u2066a\u2069")  # controls
def test_every_character_has_a_level(text: str) -> None:
    found = levels(text)
    assert len(found) == len(text)
    assert set(found) <= {0, 1, 2}


@given(st.lists(st.integers(0, 2), max_size=12))
def test_no_run_is_lost_or_doubled(run_levels: list[int]) -> None:
    assert sorted(visual_order(run_levels)) == list(range(len(run_levels)))
