"""Lanes share fairly and lose nothing; the pace gathers only when it is busy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merchant.core.lanes import BUSY_PER_S, LONGEST_S, QUIET_PER_S, Lanes, Pace


def test_one_lanes_flood_takes_its_share_of_a_batch_and_no_more() -> None:
    lanes: Lanes[str] = Lanes()
    for number in range(1000):
        lanes.put("flood", f"flood {number}")
    lanes.put("other", "other 0")
    lanes.put("third", "third 0")
    assert lanes.take(6) == ["flood 0", "other 0", "third 0", "flood 1", "flood 2", "flood 3"]
    assert len(lanes) == 996


def test_the_next_batch_goes_on_with_whose_turn_it_is() -> None:
    lanes: Lanes[str] = Lanes()
    for number in range(3):
        for lane in ("a", "b", "c"):
            lanes.put(lane, f"{lane}{number}")
    assert [lanes.take(2) for _ in range(5)] == [["a0", "b0"], ["c0", "a1"], ["b1", "c1"], ["a2", "b2"], ["c2"]]
    assert lanes.take(2) == []


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1000)), max_size=80), st.integers(1, 9))
def test_nothing_is_lost_doubled_or_overtaken_in_its_lane(put: list[tuple[int, int]], most: int) -> None:
    lanes: Lanes[tuple[int, int]] = Lanes()
    for one in put:
        lanes.put(one[0], one)
    taken = []
    while lanes:
        batch = lanes.take(most)
        assert 0 < len(batch) <= most
        taken += batch
    assert sorted(taken) == sorted(put)
    for lane in range(5):
        assert [one for one in taken if one[0] == lane] == [one for one in put if one[0] == lane]


def gathered(per_s: float, for_s: float = 3.0) -> float:
    """For how long a batch gathers after so much came for a while."""
    pace, now_s = Pace(), 100.0
    for number in range(int(per_s * for_s)):
        pace.note(now_s := 100.0 + number / per_s)
    return pace.gather_s(now_s)


def test_a_lone_payment_waits_for_nobody() -> None:
    pace = Pace()
    for _ in range(9):  # its messages come within a few milliseconds
        pace.note(100.0)
        assert pace.gather_s(100.0) == 0.0


@pytest.mark.parametrize("per_s", [1, 10, QUIET_PER_S])
def test_when_it_is_quiet_nothing_is_gathered(per_s: float) -> None:
    assert gathered(per_s) == pytest.approx(0.0, abs=0.002)


def test_the_busier_it_is_the_longer_a_batch_gathers_up_to_the_longest() -> None:
    waits = [gathered(per_s) for per_s in (30, 40, 50, BUSY_PER_S, 1000)]
    assert waits == sorted(waits)
    assert waits[0] > 0
    assert waits[-1] == LONGEST_S


def test_what_was_busy_a_while_ago_is_quiet_now() -> None:
    pace = Pace()
    pace.note(100.0, 500)
    assert pace.gather_s(100.5) == LONGEST_S
    assert pace.gather_s(103.0) == 0.0
