"""States of a payment request: the moves, what each state permits, and the only one that changes a state, `move`.

A request's first state is written with its row (operations.py).

"Late truth wins": every state but `paid` may still become `paid`, flagged late when it comes after an end, since the
protocol has no cancel and a hub's error may only mean that it could not reach the payer.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from msgspec.structs import replace

from merchant.core import clock, money, sql
from merchant.core.errors import Reason
from merchant.payments.book import Announcement, Decision, PayerText, Request, Step
from merchant.payments.receipt_numbers import number_of


class RequestState(StrEnum):
    """States of a payment request."""

    CREATED = "created"
    SENT = "sent"
    AWAITING_PAYER = "awaiting_payer"
    ACCEPTED = "accepted"
    PAID = "paid"
    REJECTED = "rejected"
    EXPIRED = "expired"
    FAILED = "failed"
    CANCELLED = "cancelled"
    IN_DOUBT = "in_doubt"


class RequestCapability(StrEnum):
    """What a state may permit."""

    CANCEL = "cancel"
    EXPIRE = "expire"
    SHOW_CODE = "show_code"  # shoppers may be shown its QR code
    LOOK_UP_PAYER = "look_up_payer"
    ASK_PAYER = "ask_payer"  # the transaction request may be sent
    TAKE_ANSWER = "take_answer"  # the payer's DFSP may still answer the transaction request
    QUOTE = "quote"  # a quote for it is answered with terms
    TAKE_TRANSFER = "take_transfer"
    BE_PAID = "be_paid"  # money that has moved for it is its payment
    FAIL = "fail"  # nothing moves money any more; bad news may end it


_S, _C = RequestState, RequestCapability
_ENDS = frozenset({_S.REJECTED, _S.EXPIRED, _S.FAILED, _S.CANCELLED, _S.IN_DOUBT})

MOVES: Mapping[RequestState, frozenset[RequestState]] = {
    _S.CREATED: frozenset({_S.SENT, _S.AWAITING_PAYER, _S.ACCEPTED, _S.PAID}) | _ENDS,
    _S.SENT: frozenset({_S.AWAITING_PAYER, _S.ACCEPTED, _S.PAID}) | _ENDS,
    _S.AWAITING_PAYER: frozenset({_S.ACCEPTED, _S.PAID}) | _ENDS,
    _S.ACCEPTED: frozenset({_S.PAID}) | _ENDS,
    _S.IN_DOUBT: frozenset({_S.PAID, _S.REJECTED, _S.EXPIRED, _S.FAILED, _S.CANCELLED}),
    _S.REJECTED: frozenset({_S.PAID}),
    _S.EXPIRED: frozenset({_S.PAID, _S.IN_DOUBT}),
    _S.FAILED: frozenset({_S.PAID, _S.IN_DOUBT}),
    _S.CANCELLED: frozenset({_S.PAID}),
    _S.PAID: frozenset(),
}
_OPEN = frozenset({_C.CANCEL, _C.EXPIRE, _C.SHOW_CODE, _C.TAKE_ANSWER, _C.QUOTE, _C.TAKE_TRANSFER, _C.BE_PAID, _C.FAIL})
CAPABILITIES: Mapping[RequestState, frozenset[RequestCapability]] = {
    _S.CREATED: _OPEN | {_C.LOOK_UP_PAYER, _C.ASK_PAYER},
    _S.SENT: _OPEN,
    _S.AWAITING_PAYER: _OPEN,
    _S.ACCEPTED: _OPEN,
    _S.IN_DOUBT: frozenset({_C.TAKE_ANSWER, _C.TAKE_TRANSFER, _C.BE_PAID, _C.FAIL}),
    # A payer may come late, or try again after a failure: the money is welcome and the request still true.
    _S.EXPIRED: frozenset({_C.QUOTE, _C.TAKE_TRANSFER, _C.BE_PAID}),
    _S.FAILED: frozenset({_C.QUOTE, _C.TAKE_TRANSFER, _C.BE_PAID}),
    _S.REJECTED: frozenset({_C.BE_PAID}),
    _S.CANCELLED: frozenset({_C.BE_PAID}),
    _S.PAID: frozenset(),
}
CLOSED = frozenset({_S.PAID, _S.REJECTED, _S.EXPIRED, _S.FAILED, _S.CANCELLED})
_ANNOUNCED = {
    state: f"payment_request.{state}"
    for state in (_S.PAID, _S.REJECTED, _S.EXPIRED, _S.FAILED, _S.CANCELLED, _S.IN_DOUBT)
}

# What a payer is told who asked by telephone. A bank that did not answer in time may pay yet.
BY_TELEPHONE = "ussd"
_TOLD_PAYER: Mapping[RequestState, Literal["paid", "not_paid", "no_answer"]] = {
    _S.PAID: "paid",
    _S.REJECTED: "not_paid",
    _S.FAILED: "not_paid",
    _S.EXPIRED: "no_answer",
}


def may(state: str, capability: RequestCapability) -> bool:
    """Whether a request in this state permits something."""
    return capability in CAPABILITIES[state]  # type: ignore[index]  # a state's text is equal to the state


def has_ended(state: str) -> bool:
    """Whether a request in this state has come to an end, which only money can change."""
    return state in CLOSED


def may_be_asked_again(state: str) -> bool:
    """Whether the same demand may be put again: the request is open, or has ended without money."""
    return may(state, RequestCapability.CANCEL) or (has_ended(state) and may(state, RequestCapability.BE_PAID))


def may_have_arrived(state: str | None) -> bool:
    """Whether a search for this state, or for any, can find money that arrived: every payment is paid."""
    return state in (None, RequestState.PAID)


def states_that_permit(capability: RequestCapability) -> str:
    """The states that permit something, as SQL lists them behind IN."""
    return sql.literals(state for state in RequestState if may(state, capability))


def move(
    decision: Decision,
    request: Request,
    target: RequestState,
    cause: str,
    now: datetime,
    *,
    reason: Reason | None = None,
    detail: str | None = None,
    told: Mapping[str, Any] | None = None,
) -> Request:
    """A request after a move, with its history and what is announced; unchanged by a move that the table lacks.

    `told` is what the event says besides, where this move has more to tell.
    """
    before = RequestState(request.state)
    if target not in MOVES[before]:
        return request
    # Only money, or the doubt about it, leads out of an end; money that was in doubt past its time is late as well.
    ended = before in CLOSED or (before is RequestState.IN_DOUBT and request.expires_at <= now)
    paid_at = now if target is RequestState.PAID else request.paid_at
    moved = replace(
        request,
        state=target,
        steps=request.steps + 1,
        late=request.late or ended,
        reason=reason,
        paid_at=paid_at,
    )
    decision.steps.append(Step(request.id, moved.steps, request.dfsp_id, now, target, cause, detail))
    if target in _ANNOUNCED:
        data = announcement(moved) | {
            "state": target,
            "late": moved.late,
            "reason": {"code": reason.code, "message": str(reason.message)} if reason else None,
            "paid_at": clock.rfc3339(now) if target is RequestState.PAID else None,
            **(told or {}),
        }
        decision.announcements.append(Announcement(_ANNOUNCED[target], request.dfsp_id, request.merchant_id, data))
    _tell_payer(decision, moved, told or {})
    return decision.put(moved)


def _tell_payer(decision: Decision, request: Request, told: Mapping[str, Any]) -> None:
    """Of an end, tell the payer who asked by telephone."""
    words = _TOLD_PAYER.get(RequestState(request.state))
    if request.channel != BY_TELEPHONE or request.payer is None or words is None:
        return
    reference = number_of(told["payment_id"]) if "payment_id" in told else request.short_ref
    decision.payer_texts.append(
        PayerText(request.dfsp_id, request.merchant_id, request.payer, request.amount, words, reference)
    )


def announcement(request: Request) -> dict[str, Any]:
    """What an event says of a request: no personal data but the masked payer."""
    return {
        "payment_request_id": request.id,
        "merchant_id": request.merchant_id,
        "counter_id": request.counter_id,
        "amount": {"amount": money.format_decimal(request.amount), "currency": request.currency},
        "reference": request.reference,
        "payer": request.payer_masked,
        "transaction_request_id": request.transaction_request_id,
        "created_at": clock.rfc3339(request.created_at),
        "expires_at": clock.rfc3339(request.expires_at),
    }
