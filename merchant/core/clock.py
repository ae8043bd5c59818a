"""The one clock of the service.

Every expiry, lease and limit window asks `now()`, so tests move time by replacing `source`
and nothing has to sleep. Always aware, always UTC.
"""

from collections.abc import Callable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def _system_now() -> datetime:
    return datetime.now(UTC)


source: Callable[[], datetime] = _system_now


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return source()


def rfc3339(instant: datetime) -> str:
    """An instant as our wires show it: RFC 3339, UTC, milliseconds, `Z`."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def local_date(instant: datetime, time_zone: str) -> date:
    """The calendar day of an instant in the scheme's time zone; limits count by it."""
    return instant.astimezone(ZoneInfo(time_zone)).date()
