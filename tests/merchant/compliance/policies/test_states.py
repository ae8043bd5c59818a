"""States of a policy layer: every state has a way in, and permits what its moves carry out."""

import pytest

from merchant.compliance.policies.models import PolicyLayer
from merchant.compliance.policies.states import (
    LAYER_CAPABILITIES,
    LAYER_MOVES,
    Capability,
    LayerState,
    layer_may,
    move_layer,
)
from merchant.core import errors


def test_every_state_stands_in_both_tables_and_has_a_way_in() -> None:
    assert set(LAYER_MOVES) == set(LAYER_CAPABILITIES) == set(LayerState)
    reached = {LayerState(PolicyLayer.model_fields["state"].default)}.union(*LAYER_MOVES.values())
    assert reached == set(LayerState)


@pytest.mark.parametrize("state", LayerState)
@pytest.mark.parametrize("target", LayerState)
def test_a_layer_moves_as_the_table_says_and_not_otherwise(state: LayerState, target: LayerState) -> None:
    layer = PolicyLayer(state=state)
    if target in LAYER_MOVES[state]:
        move_layer(layer, target)
        assert layer.state == target
    else:
        with pytest.raises(errors.WrongState):
            move_layer(layer, target)
        assert layer.state == state


def test_what_a_state_permits_is_a_move_that_it_has() -> None:
    for state in LayerState:
        withdraws = layer_may(state, Capability.WITHDRAW) or layer_may(state, Capability.WITHDRAW_BEFORE_ITS_DAY)
        assert withdraws == (LayerState.WITHDRAWN in LAYER_MOVES[state])
        assert layer_may(state, Capability.PUBLISH) == (LayerState.PUBLISHED in LAYER_MOVES[state])
        assert layer_may(state, Capability.COUNT) == layer_may(state, Capability.BE_SEEN_BY_ALL)
