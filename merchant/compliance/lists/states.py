"""States of a list's version: which moves are allowed, and what each state permits.

Callers ask list_may, never compare states. A version's content never changes; only which version counts does.
"""

from enum import StrEnum

from merchant.core import errors
from merchant.core.texts import _


class ListState(StrEnum):
    """States of a version of a list."""

    PROPOSED = "proposed"  # a private list that a second person must confirm
    IN_FORCE = "in_force"
    SUPERSEDED = "superseded"
    REFUSED = "refused"  # it broke a rule; its content is not kept


class Capability(StrEnum):
    """What a version's state may permit."""

    SCREEN = "screen"
    CONFIRM = "confirm"


_S, _C = ListState, Capability

LIST_MOVES: dict[ListState, frozenset[ListState]] = {
    _S.PROPOSED: frozenset({_S.IN_FORCE, _S.SUPERSEDED}),
    _S.IN_FORCE: frozenset({_S.SUPERSEDED}),
    _S.SUPERSEDED: frozenset(),
    _S.REFUSED: frozenset(),
}

LIST_CAPABILITIES: dict[ListState, frozenset[Capability]] = {
    _S.PROPOSED: frozenset({_C.CONFIRM}),
    _S.IN_FORCE: frozenset({_C.SCREEN}),
    _S.SUPERSEDED: frozenset(),
    _S.REFUSED: frozenset(),
}


def list_may(state: str, capability: Capability) -> bool:
    """Whether a version in this state permits something."""
    return capability in LIST_CAPABILITIES[ListState(state)]


def states_that_may(capability: Capability) -> list[ListState]:
    """The states that permit something, for SQL."""
    return [state for state in ListState if list_may(state, capability)]


def check_move(state: str, target: ListState) -> None:
    """Raise WrongState for a move that the table lacks."""
    if target not in LIST_MOVES[ListState(state)]:
        raise errors.WrongState(_("A list that is {state} cannot become {target}.", state=state, target=target))
