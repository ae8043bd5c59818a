"""Filters of lists: what a route declares (route.py), and values held against it."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from merchant.core import errors
from merchant.core.texts import _


class Filter(Struct, frozen=True):
    """A query name that narrows a list or chooses how something looks.

    `choices` are its allowed values, or a function that knows them; `kind` is what the text must be.
    """

    name: str
    description: str
    kind: Literal["text", "uuid", "integer", "number", "instant", "date"] = "text"
    choices: tuple[str, ...] | Callable[[], tuple[str, ...]] = ()
    schema: dict[str, Any] = {}  # more of it for the OpenAPI document

    def allowed(self) -> tuple[str, ...]:
        """Its allowed values; empty when any will do."""
        return self.choices() if callable(self.choices) else self.choices

    @property
    def is_impersonal(self) -> bool:
        """Whether its values name no person, so that the audit record may hold them."""
        return bool(self.choices) or self.kind != "text"


def check_filter(name: str, kind: str, allowed: tuple[str, ...], text: str) -> None:
    """Raise InvalidFilter for a value that is none of `allowed`, where there are any, or not of its kind."""
    if allowed and text not in allowed:
        raise errors.InvalidFilter(_("{name} must be one of {choices}.", name=name, choices=", ".join(allowed)))
    if kind == "uuid":
        try:
            UUID(text)
        except ValueError:
            raise errors.InvalidFilter(_("{name} must be a UUID.", name=name)) from None
    if kind == "instant" and not is_instant(text):
        raise errors.InvalidFilter(
            _("{name} must be a time as RFC 3339 writes it, such as 2026-11-29T08:00:00Z.", name=name)
        )
    if kind == "date" and not _is_date(text):
        raise errors.InvalidFilter(_("{name} must be a day as ISO 8601 writes it, such as 2026-11-29.", name=name))


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text  # not 20261129, nor a day of a week
    except ValueError:
        return False


def is_instant(text: str) -> bool:
    """Whether a text is a point in time, RFC 3339, that a database can hold."""
    try:
        found = datetime.fromisoformat(text)
        return found.tzinfo is not None and found.astimezone(UTC) is not None
    except (ValueError, OverflowError):
        return False
