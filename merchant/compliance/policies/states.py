"""States of a policy layer: which moves are allowed, and what each state permits.

Its text has no states: it never changes. A published layer ends by a newer one, or is withdrawn before its day.
"""

from enum import StrEnum

from merchant.compliance.policies.models import PolicyLayer
from merchant.core import errors, sql
from merchant.core.texts import _


class LayerState(StrEnum):
    """States of a policy layer."""

    PROPOSED = "proposed"
    PUBLISHED = "published"
    WITHDRAWN = "withdrawn"


class Capability(StrEnum):
    """What a layer's state may permit."""

    COUNT = "count"  # from its day on
    PUBLISH = "publish"
    WITHDRAW = "withdraw"
    WITHDRAW_BEFORE_ITS_DAY = "withdraw_before_its_day"
    BE_SEEN_BY_ALL = "be_seen_by_all"  # a regulator's or scheme's by every DFSP


_L, _C = LayerState, Capability

LAYER_MOVES: dict[LayerState, frozenset[LayerState]] = {
    _L.PROPOSED: frozenset({_L.PUBLISHED, _L.WITHDRAWN}),
    _L.PUBLISHED: frozenset({_L.WITHDRAWN}),
    _L.WITHDRAWN: frozenset(),
}
LAYER_CAPABILITIES: dict[LayerState, frozenset[Capability]] = {
    _L.PROPOSED: frozenset({_C.PUBLISH, _C.WITHDRAW}),
    _L.PUBLISHED: frozenset({_C.COUNT, _C.WITHDRAW_BEFORE_ITS_DAY, _C.BE_SEEN_BY_ALL}),
    _L.WITHDRAWN: frozenset(),
}


def layer_may(state: str, capability: Capability) -> bool:
    """Whether a layer in this state permits something."""
    return capability in LAYER_CAPABILITIES[LayerState(state)]


def states_that_permit(capability: Capability) -> tuple[LayerState, ...]:
    """The states that permit something."""
    return tuple(state for state in LayerState if layer_may(state, capability))


def sql_states(capability: Capability) -> str:
    """The same, as SQL lists them behind IN."""
    return sql.literals(states_that_permit(capability))


def move_layer(layer: PolicyLayer, target: LayerState) -> None:
    """Change the state of a locked layer. Raises WrongState for a move the table lacks."""
    if target not in LAYER_MOVES[LayerState(layer.state)]:
        raise errors.WrongState(_("A policy that is {state} cannot become {target}.", state=layer.state, target=target))
    layer.state = target
