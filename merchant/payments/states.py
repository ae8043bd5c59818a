"""States of a payment request: the moves, what each state permits, and the only two that change one, `move` and
`note_sent`. A request's first state is written with its row (requests.py).

"Late truth wins": every state but `paid` may still become `paid`, flagged late when it comes after an end, since the
protocol has no cancel and a hub's error may only mean that it could not reach the payer.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import asdict

from merchant.core import clock, money, sql
from merchant.core.db import Tx
from merchant.core.errors import Reason
from merchant.core.money import Money
from merchant.notify import events


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


def may(state: str, capability: RequestCapability) -> bool:
    """Whether a request in this state permits something."""
    return capability in CAPABILITIES[RequestState(state)]


def may_have_arrived(state: str | None) -> bool:
    """Whether a search for this state, or for any, can find money that arrived: every payment is paid."""
    return state in (None, RequestState.PAID)


def states_that_permit(capability: RequestCapability) -> str:
    """The states that permit something, as SQL lists them behind IN."""
    return sql.literals(state for state in RequestState if may(state, capability))


class LockedRequest(Struct):
    """A payment request whose row this transaction has locked; `move` keeps it in step with the row."""

    id: UUID
    dfsp_id: UUID
    merchant_id: UUID
    counter_id: UUID
    state: str
    amount_minor: int
    currency: str
    payer_masked: str | None
    reference: str | None
    short_ref: str
    alias_type: str
    alias: str
    transaction_request_id: str
    payer_fsp_id: str | None
    transfer_id: str | None
    expires_at: datetime
    late: bool = False

    @property
    def amount(self) -> Money:
        """The amount asked for."""
        return Money(self.amount_minor, self.currency)


_LOCK = {
    column: sql.select(LockedRequest, from_="payment_request", where=f"{column} = $1", tail="FOR UPDATE")
    for column in ("id", "transaction_request_id")
}


async def lock_request(
    tx: Tx, *, request_id: UUID | None = None, transaction_request_id: str | None = None, dfsp_id: UUID | None = None
) -> LockedRequest | None:
    """Lock a request by our id or by the hub's; None when there is none, or when it is another DFSP's."""
    column = "id" if request_id is not None else "transaction_request_id"
    row = await tx.fetchrow(_LOCK[column], request_id or transaction_request_id)
    if row is None or dfsp_id not in (None, row["dfsp_id"]):
        return None
    return sql.row(LockedRequest, row)


_MOVE = sql.Named("""
WITH changed AS (
  UPDATE payment_request SET state = :state::text, steps = steps + 1, reason_code = :code, reason_message = :message,
    paid_at = CASE WHEN :paid THEN :now ELSE paid_at END, late = :late
  WHERE id = :id RETURNING id, dfsp_id, steps),
closed AS (DELETE FROM open_reference WHERE request_id = :id AND :closed)
INSERT INTO payment_event (request_id, seq, dfsp_id, at, state, cause, detail)
SELECT id, steps, dfsp_id, :now, :state::text, :cause, :detail FROM changed
""")


async def move(
    tx: Tx,
    request: LockedRequest,
    target: RequestState,
    cause: str,
    *,
    reason: Reason | None = None,
    detail: str | None = None,
    told: Mapping[str, Any] | None = None,
) -> bool:
    """Change the state of a locked request, write its history, tell who listens; False for a move the table lacks.

    `told` is what the event says besides, where this move has more to tell.
    """
    before = RequestState(request.state)
    if target not in MOVES[before]:
        return False
    # Only money, or the doubt about it, leads out of an end; money that was in doubt past its time is late as well.
    ended = before in CLOSED or (before is RequestState.IN_DOUBT and request.expires_at <= clock.now())
    request.late = request.late or ended
    now, paid = clock.now(), target is RequestState.PAID
    await tx.execute(
        *_MOVE(
            id=request.id,
            state=target,
            code=reason.code if reason else None,
            message=reason.message if reason else None,
            paid=paid,
            now=now,
            late=request.late,
            closed=target in CLOSED,
            cause=cause,
            detail=detail,
        )
    )
    request.state = target
    if target in _ANNOUNCED:
        data = announcement(request) | {
            "state": target,
            "late": request.late,
            "reason": asdict(reason) if reason else None,
            "paid_at": clock.rfc3339(now) if paid else None,
            **(told or {}),
        }
        await events.announce(tx, _ANNOUNCED[target], request.dfsp_id, request.merchant_id, data)
    return True


_NOTE_SENT = """
WITH changed AS (
  UPDATE payment_request SET state = 'sent', steps = steps + 1 WHERE id = $1 AND state = 'created'
  RETURNING id, dfsp_id, steps)
INSERT INTO payment_event (request_id, seq, dfsp_id, at, state, cause)
SELECT id, steps, dfsp_id, $2, 'sent', 'sent_to_hub' FROM changed
"""


async def note_sent(tx: Tx, request_id: UUID) -> None:
    """created → sent in one statement; nothing happens when the payer's answer was faster than the hub's 202."""
    await tx.execute(_NOTE_SENT, request_id, clock.now())


def announcement(request: LockedRequest) -> dict[str, Any]:
    """What an event says of a request: no personal data but the masked payer."""
    return {
        "payment_request_id": request.id,
        "merchant_id": request.merchant_id,
        "counter_id": request.counter_id,
        "amount": {"amount": money.format_decimal(request.amount), "currency": request.currency},
        "reference": request.reference,
        "payer": request.payer_masked,
    }
