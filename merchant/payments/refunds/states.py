"""States of a refund: the moves, what each state permits, and the only one that changes a state, `move_refund`.

A refund's first state is written with its row (operations.py). `refunded` comes from a committed transfer alone, and
may come after an end: the hub's ledger is right, whatever we believed.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec.structs import replace

from merchant.core import clock, money, sql
from merchant.core.errors import Reason
from merchant.payments.book import Announcement, Decision
from merchant.payments.refunds.values import Refund, RefundStep


class RefundState(StrEnum):
    """States of a refund."""

    PENDING_APPROVAL = "pending_approval"
    CREATED = "created"  # nothing is at the hub yet
    SENT = "sent"  # the hub has the quote
    ACCEPTED = "accepted"  # the payee's DFSP answered the quote, and the transfer is under way
    REFUNDED = "refunded"
    REJECTED = "rejected"  # by one of our own people
    FAILED = "failed"  # by the hub or the payee's DFSP; no money has moved
    IN_DOUBT = "in_doubt"


class RefundCapability(StrEnum):
    """What a state may permit."""

    BE_APPROVED = "be_approved"
    BE_REJECTED = "be_rejected"
    HOLD_MONEY = "hold_money"  # counts as given back, so that several refunds are never more than was paid
    BE_SENT = "be_sent"
    QUOTE = "quote"  # the answer to its quote may start the transfer
    MOVE_MONEY = "move_money"  # its transfer is under way: the hub has not said how it ended
    BE_REFUNDED = "be_refunded"
    FAIL = "fail"


_S, _C = RefundState, RefundCapability
MOVES: Mapping[RefundState, frozenset[RefundState]] = {
    _S.PENDING_APPROVAL: frozenset({_S.CREATED, _S.REJECTED}),
    _S.CREATED: frozenset({_S.SENT, _S.ACCEPTED, _S.FAILED}),
    _S.SENT: frozenset({_S.ACCEPTED, _S.FAILED}),
    _S.ACCEPTED: frozenset({_S.REFUNDED, _S.FAILED, _S.IN_DOUBT}),
    _S.IN_DOUBT: frozenset({_S.REFUNDED, _S.FAILED}),
    _S.FAILED: frozenset({_S.REFUNDED}),
    _S.REJECTED: frozenset(),
    _S.REFUNDED: frozenset(),
}
CAPABILITIES: Mapping[RefundState, frozenset[RefundCapability]] = {
    _S.PENDING_APPROVAL: frozenset({_C.BE_APPROVED, _C.BE_REJECTED, _C.HOLD_MONEY}),
    _S.CREATED: frozenset({_C.HOLD_MONEY, _C.BE_SENT, _C.QUOTE, _C.FAIL}),
    _S.SENT: frozenset({_C.HOLD_MONEY, _C.QUOTE, _C.FAIL}),
    _S.ACCEPTED: frozenset({_C.HOLD_MONEY, _C.MOVE_MONEY, _C.BE_REFUNDED, _C.FAIL}),
    _S.IN_DOUBT: frozenset({_C.HOLD_MONEY, _C.MOVE_MONEY, _C.BE_REFUNDED, _C.FAIL}),
    _S.FAILED: frozenset({_C.BE_REFUNDED}),
    _S.REJECTED: frozenset(),
    _S.REFUNDED: frozenset({_C.HOLD_MONEY}),
}
CLOSED = frozenset({_S.REFUNDED, _S.REJECTED, _S.FAILED})
_ANNOUNCED = {
    state: f"refund.{state}"
    for state in (_S.PENDING_APPROVAL, _S.CREATED, _S.REFUNDED, _S.REJECTED, _S.FAILED, _S.IN_DOUBT)
}


def refund_may(state: str, capability: RefundCapability) -> bool:
    """Whether a refund in this state permits something."""
    return capability in CAPABILITIES[state]  # type: ignore[index]  # a state's text is equal to the state


def refund_states_that_permit(capability: RefundCapability) -> str:
    """The states that permit something, as SQL lists them behind IN."""
    return sql.literals(state for state in RefundState if refund_may(state, capability))


def refund_has_ended(state: str) -> bool:
    """Whether a refund in this state has come to an end, which only the hub's later word can change."""
    return state in CLOSED


def begin_refund(decision: Decision, refund: Refund, cause: str, now: datetime) -> Refund:
    """Write a new refund with the first row of its history, and announce it."""
    _record(decision, refund, cause, None, now)
    return decision.put_refund(refund)


def move_refund(
    decision: Decision,
    refund: Refund,
    target: RefundState,
    cause: str,
    now: datetime,
    *,
    reason: Reason | None = None,
    detail: str | None = None,
) -> Refund:
    """A refund after a move, with its history and what is announced; unchanged by a move that the table lacks."""
    before = RefundState(refund.state)
    if target not in MOVES[before]:
        return refund
    moved = replace(
        refund,
        state=target,
        steps=refund.steps + 1,
        late=refund.late or before in CLOSED,
        ended_because=reason,
        refunded_at=now if target is RefundState.REFUNDED else refund.refunded_at,
        check_at=None if target in CLOSED else refund.check_at,
    )
    _record(decision, moved, cause, detail, now)
    return decision.put_refund(moved)


def _record(decision: Decision, refund: Refund, cause: str, detail: str | None, now: datetime) -> None:
    step = RefundStep(refund.id, refund.steps, refund.dfsp_id, now, refund.state, cause, detail)
    decision.refund_steps.append(step)
    event = _ANNOUNCED.get(RefundState(refund.state))
    if event is not None:
        decision.announcements.append(Announcement(event, refund.dfsp_id, refund.merchant_id, announcement(refund)))


def announcement(refund: Refund) -> dict[str, Any]:
    """What an event says of a refund: no personal data but the masked payer."""
    reason = refund.ended_because
    return {
        "refund_id": refund.id,
        "payment_id": refund.payment_id,
        "merchant_id": refund.merchant_id,
        "counter_id": refund.counter_id,
        "state": refund.state,
        "amount": {"amount": money.format_decimal(refund.amount), "currency": refund.currency},
        "payer": refund.payee_masked,
        "reason_code": refund.reason,
        "reason": {"code": reason.code, "message": str(reason.message)} if reason else None,
        "late": refund.late,
        "transaction_id": refund.transaction_id,
        "transfer_id": refund.transfer_id,
        "created_at": clock.rfc3339(refund.created_at),
        "refunded_at": clock.rfc3339(refund.refunded_at) if refund.refunded_at else None,
    }
