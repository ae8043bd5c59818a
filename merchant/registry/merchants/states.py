"""States of merchants: which moves are allowed, and what each state permits.

Callers ask `merchant_may`, and never compare states.
"""

from enum import StrEnum


class MerchantState(StrEnum):
    """States of a merchant."""

    ACTIVE = "active"
    RESTRICTED = "restricted"
    SUSPENDED = "suspended"
    CLOSED = "closed"
    BLOCKED = "blocked"


class Capability(StrEnum):
    """What a merchant's state may permit."""

    TAKE_PAYMENT = "take_payment"
    ADD_COUNTER = "add_counter"
    SUSPEND = "suspend"
    REINSTATE = "reinstate"


_M, _C = MerchantState, Capability

MERCHANT_MOVES: dict[MerchantState, frozenset[MerchantState]] = {
    _M.ACTIVE: frozenset({_M.RESTRICTED, _M.SUSPENDED, _M.CLOSED, _M.BLOCKED}),
    _M.RESTRICTED: frozenset({_M.ACTIVE, _M.SUSPENDED, _M.CLOSED, _M.BLOCKED}),
    _M.SUSPENDED: frozenset({_M.ACTIVE, _M.CLOSED, _M.BLOCKED}),
    _M.BLOCKED: frozenset({_M.CLOSED}),
    _M.CLOSED: frozenset(),
}
MERCHANT_CAPABILITIES: dict[MerchantState, frozenset[Capability]] = {
    _M.ACTIVE: frozenset({_C.TAKE_PAYMENT, _C.ADD_COUNTER, _C.SUSPEND}),
    _M.RESTRICTED: frozenset({_C.TAKE_PAYMENT, _C.SUSPEND}),
    _M.SUSPENDED: frozenset({_C.REINSTATE}),
    _M.BLOCKED: frozenset(),
    _M.CLOSED: frozenset(),
}


def merchant_may(state: str, capability: Capability) -> bool:
    """Whether a merchant in this state permits something."""
    return capability in MERCHANT_CAPABILITIES[MerchantState(state)]
