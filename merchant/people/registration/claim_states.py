"""States of claims, and what each permits: callers ask, never compare."""

from enum import StrEnum
from typing import Any


class ClaimState(StrEnum):
    """States of a claim."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REFUSED = "refused"


def may_be_decided(state: str) -> bool:
    """Whether staff have still to decide."""
    return state == ClaimState.OPEN


def in_state(table: Any, state: str) -> Any:
    """The condition of a select for claims in one state."""
    return table.state == state
