"""Limits of rate, on a clock of the test's own."""

import pytest

from merchant.core import throttle
from merchant.core.throttle import Throttle


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_a_burst_goes_through_and_the_next_is_told_how_long_to_wait():
    limit = Throttle(per_minute=60, burst=3, now_s=Clock())
    assert [limit.wait_s("a") for _ in range(3)] == [0.0, 0.0, 0.0]
    assert limit.wait_s("a") == 1.0


def test_keys_do_not_count_for_each_other():
    limit = Throttle(per_minute=60, burst=1, now_s=Clock())
    assert limit.wait_s("a") == 0.0
    assert limit.wait_s("b") == 0.0
    assert limit.wait_s("a") > 0


def test_a_refused_try_costs_nothing_so_that_knocking_does_not_shut_out_for_ever():
    now = Clock()
    limit = Throttle(per_minute=60, burst=1, now_s=now)
    limit.wait_s("a")
    for _ in range(100):
        assert limit.wait_s("a") > 0
    now.now_s += 1.0
    assert limit.wait_s("a") == 0.0


def test_rest_fills_the_bucket_to_the_burst_and_no_further():
    now = Clock()
    limit = Throttle(per_minute=60, burst=2, now_s=now)
    now.now_s += 3600
    assert [limit.wait_s("a") > 0 for _ in range(3)] == [False, False, True]


def test_keys_beyond_the_bound_are_forgotten_oldest_first(monkeypatch):
    monkeypatch.setattr(throttle, "MAX_KEYS", 2)
    limit = Throttle(per_minute=60, burst=1, now_s=Clock())
    for key in ("a", "b", "c"):
        limit.wait_s(key)
    assert limit.wait_s("c") > 0
    assert limit.wait_s("a") == 0.0


def test_what_is_given_back_does_not_count_and_is_never_more_than_a_burst():
    limit = Throttle(per_minute=60, burst=2, now_s=Clock())
    for _ in range(100):
        assert limit.wait_s("a") == 0.0
        limit.give_back("a")
    limit.give_back("a")
    limit.give_back("nobody")
    assert [limit.wait_s("a") for _ in range(3)] == [0.0, 0.0, 1.0]


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_whoever_may_take_any_address_of_a_network_is_one_source(address: str, key: str):
    assert throttle.source_key(address) == key
