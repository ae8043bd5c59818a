"""The one clock: aware, in UTC, replaceable, and the scheme's calendar day."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from merchant.core import clock


def test_now_is_aware_and_in_utc() -> None:
    assert clock.now().tzinfo is UTC


def test_tests_move_it(move_clock: Callable[[timedelta], datetime]) -> None:
    before = clock.now()
    assert clock.now() == before
    assert move_clock(timedelta(days=400)) == clock.now() == before + timedelta(days=400)


@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05.000Z"),
        (datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC), "2026-01-02T03:04:05.999Z"),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=3))), "2026-01-02T00:04:05.000Z"),
    ],
)
def test_wires_show_utc_with_milliseconds(instant: datetime, shown: str) -> None:
    assert clock.rfc3339(instant) == shown


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Africa/Nairobi", date(2026, 3, 1)), ("UTC", date(2026, 2, 28)), ("America/Lima", date(2026, 2, 28))],
)
def test_days_are_the_schemes(zone: str, day: date) -> None:
    assert clock.local_date(datetime(2026, 2, 28, 22, 30, tzinfo=UTC), zone) == day
