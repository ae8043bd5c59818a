"""States of a transfer: the moves, and what each state permits. settle.py makes the moves.

The hub ends a transfer and may correct itself: money it called off may still arrive, never the other way round.
"""

from collections.abc import Mapping
from enum import StrEnum

from merchant.core import sql


class TransferState(StrEnum):
    """States of a transfer, in the words of FSPIOP."""

    RESERVED = "RESERVED"
    COMMITTED = "COMMITTED"
    ABORTED = "ABORTED"


class TransferCapability(StrEnum):
    """What a state may permit."""

    BE_COMMITTED = "be_committed"
    BE_ABORTED = "be_aborted"
    MOVE_MONEY = "move_money"  # it is under way: the hub has not said how it ended
    USE_HEADROOM = "use_headroom"  # it counts in the merchant's limits, and its request takes no other transfer


_S, _C = TransferState, TransferCapability
MOVES: Mapping[TransferState, frozenset[TransferState]] = {
    _S.RESERVED: frozenset({_S.COMMITTED, _S.ABORTED}),
    _S.ABORTED: frozenset({_S.COMMITTED}),
    _S.COMMITTED: frozenset(),
}
CAPABILITIES: Mapping[TransferState, frozenset[TransferCapability]] = {
    _S.RESERVED: frozenset({_C.BE_COMMITTED, _C.BE_ABORTED, _C.MOVE_MONEY, _C.USE_HEADROOM}),
    _S.ABORTED: frozenset({_C.BE_COMMITTED}),
    _S.COMMITTED: frozenset({_C.USE_HEADROOM}),
}


def transfer_may(state: str, capability: TransferCapability) -> bool:
    """Whether a transfer in this state permits something."""
    return capability in CAPABILITIES[state]  # type: ignore[index]  # a state's text is equal to the state


# The states as SQL lists them.
UNDER_WAY = sql.literals(state for state in TransferState if transfer_may(state, _C.MOVE_MONEY))
COUNTED = sql.literals(state for state in TransferState if transfer_may(state, _C.USE_HEADROOM))
