"""The one clock of the service: the database's, which every process follows.

Each process measures how far its machine's clock is from the database's (`Database.read_clock`, at its start and at
every heartbeat) and counts on from there with a clock that nobody sets. So processes on machines whose clocks differ
agree on what has expired. Tests move time by replacing `source`, and nothing has to sleep. Always aware, always UTC.
"""

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

# How far the clock that is followed may be from ours before we follow it anew. Below it a new reading would only add
# the noise of its own round trip, and move our clock back now and then.
_NOTICEABLE = timedelta(milliseconds=20)


def _machine_now() -> datetime:
    return datetime.now(UTC)


machine: Callable[[], datetime] = _machine_now  # this machine's clock, right or wrong
_followed: tuple[datetime, float] | None = None  # an instant of the database's clock, and our monotonic time at it


def _service_now() -> datetime:
    if _followed is None:
        return machine()
    instant, at_s = _followed
    return instant + timedelta(seconds=time.monotonic() - at_s)


source: Callable[[], datetime] = _service_now


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return source()


def moved() -> datetime | None:
    """The instant to which a test has moved the clock; None in production.

    A statement that decides what is due is handed it and says `coalesce($1, now())`: it goes by the database's clock
    as it is at that moment, and by the test's clock where a test moves it.
    """
    return None if source is _service_now else source()


def follow(instant: datetime, at_s: float) -> None:
    """Follow another clock, which showed `instant` when `time.monotonic()` was `at_s`."""
    global _followed
    if _followed is None or abs(instant - _followed[0] - timedelta(seconds=at_s - _followed[1])) > _NOTICEABLE:
        _followed = instant, at_s


def rfc3339(instant: datetime) -> str:
    """An instant as our wires show it: RFC 3339, UTC, milliseconds, `Z`."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local_date(instant: datetime, time_zone: str) -> date:
    """The calendar day of an instant in the scheme's time zone; limits count by it."""
    return instant.astimezone(ZoneInfo(time_zone)).date()
