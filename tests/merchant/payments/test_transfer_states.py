"""The transfer's table of moves, and what its states permit."""

import pytest

from merchant.payments.transfer_states import (
    CAPABILITIES,
    COUNTED,
    MOVES,
    UNDER_WAY,
    TransferCapability,
    TransferState,
    transfer_may,
)

STATES = list(TransferState)


def test_every_state_has_its_moves_and_its_capabilities() -> None:
    assert set(MOVES) == set(CAPABILITIES) == set(STATES)


@pytest.mark.parametrize("state", STATES)
def test_what_a_state_permits_is_what_the_moves_follow(state: TransferState) -> None:
    assert transfer_may(state, TransferCapability.BE_COMMITTED) == (TransferState.COMMITTED in MOVES[state])
    assert transfer_may(state, TransferCapability.BE_ABORTED) == (TransferState.ABORTED in MOVES[state])


def test_money_that_has_moved_is_never_called_off() -> None:
    assert MOVES[TransferState.COMMITTED] == frozenset()


def test_a_state_that_does_not_exist_is_refused() -> None:
    with pytest.raises(KeyError, match="LOST"):
        transfer_may("LOST", TransferCapability.BE_COMMITTED)


def test_sql_lists_the_states_of_the_table() -> None:
    assert (UNDER_WAY, COUNTED) == ("('RESERVED')", "('RESERVED', 'COMMITTED')")
