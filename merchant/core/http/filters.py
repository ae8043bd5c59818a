"""The value of a filter, held against what its route declares (route.py)."""

from datetime import UTC, datetime
from uuid import UUID

from merchant.core import errors
from merchant.core.texts import _


def check_filter(name: str, kind: str, allowed: tuple[str, ...], text: str) -> None:
    """Raise InvalidFilter for a value that is none of `allowed`, where there are any, or not of its kind."""
    if allowed and text not in allowed:
        raise errors.InvalidFilter(_("{name} must be one of {choices}.", name=name, choices=", ".join(allowed)))
    if kind == "uuid":
        try:
            UUID(text)
        except ValueError:
            raise errors.InvalidFilter(_("{name} must be a UUID.", name=name)) from None
    if kind == "instant" and not _is_instant(text):
        raise errors.InvalidFilter(
            _("{name} must be a time as RFC 3339 writes it, such as 2026-11-29T08:00:00Z.", name=name)
        )


def _is_instant(text: str) -> bool:
    try:
        found = datetime.fromisoformat(text)
        return found.tzinfo is not None and found.astimezone(UTC) is not None
    except (ValueError, OverflowError):
        return False
