"""States of merchants: which moves are allowed, and what each state permits.

Callers ask merchant_may, never compare states, and change a state by move_merchant. Each move here is made by an
operation, and no operation makes another (tests/merchant/compliance/test_states.py).
"""

from enum import StrEnum

from merchant.core import errors, sql
from merchant.core.texts import _
from merchant.registry.merchants.models import Merchant


class MerchantState(StrEnum):
    """States of a merchant."""

    ACTIVE = "active"
    RESTRICTED = "restricted"  # takes payments, but does not grow
    SUSPENDED = "suspended"
    CLOSED = "closed"
    BLOCKED = "blocked"  # by the hub, for good or until two others of the hub let it go


class Capability(StrEnum):
    """What a merchant's state may permit."""

    TAKE_PAYMENT = "take_payment"
    ADD_COUNTER = "add_counter"
    REFUND = "refund"  # customers get their money back also from one that may not take any
    SHOW_PAYMENTS = "show_payments"  # to its own people, by USSD
    CHANGE = "change"  # its details, by a case
    REINSTATE = "reinstate"
    CHANGE_DOCUMENTS = "change_documents"
    SHOW_CODES = "show_codes"  # to be printed
    BE_BLOCKED = "be_blocked"
    BE_VOUCHED_FOR = "be_vouched_for"  # shoppers are told that its DFSP checked it
    LIVE = "live"  # it is looked after: lists, dates and risks are held against it


_M, _C = MerchantState, Capability

MERCHANT_MOVES: dict[MerchantState, frozenset[MerchantState]] = {
    _M.ACTIVE: frozenset({_M.RESTRICTED, _M.SUSPENDED, _M.CLOSED}),
    _M.RESTRICTED: frozenset({_M.ACTIVE, _M.SUSPENDED, _M.CLOSED}),
    _M.SUSPENDED: frozenset({_M.ACTIVE, _M.CLOSED}),
    _M.CLOSED: frozenset(),
    _M.BLOCKED: frozenset(),
}
# What only the hub does: else whoever may suspend a merchant would let a blocked one go.
HUB_MOVES: dict[MerchantState, frozenset[MerchantState]] = {
    _M.SUSPENDED: frozenset({_M.BLOCKED}),
    _M.BLOCKED: frozenset({_M.SUSPENDED}),
}
_LIVE = frozenset({_C.LIVE, _C.BE_BLOCKED, _C.SHOW_CODES, _C.SHOW_PAYMENTS, _C.CHANGE_DOCUMENTS, _C.CHANGE, _C.REFUND})
MERCHANT_CAPABILITIES: dict[MerchantState, frozenset[Capability]] = {
    _M.ACTIVE: _LIVE | {_C.TAKE_PAYMENT, _C.ADD_COUNTER, _C.BE_VOUCHED_FOR},
    _M.RESTRICTED: _LIVE | {_C.TAKE_PAYMENT, _C.REINSTATE},
    _M.SUSPENDED: _LIVE | {_C.REINSTATE},
    _M.CLOSED: frozenset(),
    _M.BLOCKED: frozenset(),
}


def merchant_may(state: str, capability: Capability) -> bool:
    """Whether a merchant in this state permits something."""
    return capability in MERCHANT_CAPABILITIES[MerchantState(state)]


def is_blocked(state: str) -> bool:
    """Whether the hub has blocked a merchant in this state."""
    return MerchantState(state) is MerchantState.BLOCKED


def may_become(state: str, target: MerchantState) -> bool:
    """Whether the table has a move from this state to that one, for others than the hub."""
    return target in MERCHANT_MOVES[MerchantState(state)]


def states_that_permit(capability: Capability) -> str:
    """The states that permit something, as SQL lists them behind IN."""
    return sql.literals(state for state in MerchantState if merchant_may(state, capability))


LIVE_STATES = states_that_permit(Capability.LIVE)


def move_merchant(merchant: Merchant, target: MerchantState, *, by_hub: bool = False) -> None:
    """Change the state of a locked merchant. Raises WrongState for a move the table lacks."""
    state = MerchantState(merchant.state)
    moves = MERCHANT_MOVES[state] | (HUB_MOVES.get(state, frozenset()) if by_hub else frozenset())
    if target not in moves:
        raise errors.WrongState(
            _("A merchant that is {state} cannot become {target}.", state=merchant.state, target=target)
        )
    merchant.state = target
    merchant.revision += 1
