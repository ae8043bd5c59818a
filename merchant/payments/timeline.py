"""What happened to a payment or a request, in order of time: the hub's messages, ours, and our own steps.

Messages of the hub are in the inbox, our refusals and questions in sent_message, our answers with the quotes and
transfers they belong to, all for inbox.KEPT_FOR (seven days; a transfer's answer for good); our own steps stay for
ever. What asked for a payer, or put a request to them, is not kept: that it was sent is. The answer to a look-up is
told where it came for this request: one like another of the last seven days is only counted. Refunds are told too.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
from msgspec import Struct

from merchant.core import inbox, trace
from merchant.core.db import Reads
from merchant.core.http import json as web
from merchant.core.inbox import Message
from merchant.core.money import Money, display
from merchant.core.service import Service
from merchant.core.vault import Vault
from merchant.hub.adapter import error_code_of, shown_path
from merchant.payments import hub_messages
from merchant.payments.finding_schemas import TimelineStep
from merchant.payments.outgoing import open_queued
from merchant.payments.quotes import MSISDN
from merchant.payments.requests import ANSWERED_WITHIN
from merchant.payments.states import RequestState
from merchant.payments.subjects import payer_subjects

_MOST_MESSAGES = 500
_ORDER = {"in": 0, "own": 1, "out": 2}


class Step(Struct, frozen=True, kw_only=True):
    """A step before its place among the others is known. A message that came tells its trace."""

    at: datetime
    direction: str
    what: str
    state: str | None = None
    detail: str | None = None
    message_id: str | None = None
    trace_id: str | None = None


class Steps(Struct, frozen=True):
    """All that is kept of a payment, and what its messages are about."""

    steps: list[Step]
    fsp_id: str
    subjects: list[str]
    payer_subjects: list[str]
    looked_up_from: datetime | None
    looked_up_until: datetime | None

    def may_be_looked_up_at(self, at: datetime) -> bool:
        """Whether what came about the payer at an instant may be about this request."""
        return (
            self.looked_up_from is not None
            and self.looked_up_until is not None
            and self.looked_up_from <= at < self.looked_up_until
        )


_REQUEST = """
SELECT p.id, p.payer_sealed, p.payer_masked, p.transaction_request_id, p.looked_up_at, p.created_at, p.expires_at,
  d.fsp_id
FROM payment_request p JOIN dfsp d ON d.id = p.dfsp_id WHERE p.id = $1
"""
_PAYMENT = "SELECT id, request_id, payer_fsp_id, transfer_id, received_at FROM payment WHERE id = $1"
_EVENTS = "SELECT at, state, cause, detail FROM payment_event WHERE request_id = $1 ORDER BY seq"
# Quotes and transfers of a request, or those of one payment: `$2` and `$3` name its transfer.
_QUOTES = """
SELECT payer_fsp_id, quote_id, answer IS NOT NULL AS kept, created_at FROM quote
WHERE request_id = $1 OR (payer_fsp_id, quote_id) IN (
  SELECT payer_fsp_id, quote_id FROM transfer WHERE payer_fsp_id = $2 AND transfer_id = $3)
ORDER BY created_at LIMIT 100
"""
_TRANSFERS = """
SELECT payer_fsp_id, transfer_id, reserved_at, answer IS NOT NULL AS kept FROM transfer
WHERE request_id = $1 OR (payer_fsp_id = $2 AND transfer_id = $3) ORDER BY reserved_at LIMIT 100
"""
_CAME = """
SELECT digest, sealed, times, received_at FROM inbox
WHERE about = ANY($1) OR (about = ANY($2) AND received_at >= $3 AND received_at < $4) ORDER BY received_at LIMIT $5
"""
_SENT = "SELECT id, sealed, sent_at FROM sent_message WHERE about = ANY($1) ORDER BY id LIMIT $2"
# Those of a payment, or of the payment of a request.
_REFUNDS = """
SELECT id, quote_id, transfer_id, amount_minor, currency FROM refund
WHERE payment_id = $1 OR payment_id = ANY(ARRAY(SELECT id FROM payment WHERE request_id = $2)) ORDER BY id LIMIT 100
"""
_REFUND_EVENTS = (
    "SELECT refund_id, at, state, cause, detail FROM refund_event WHERE refund_id = ANY($1) ORDER BY at, seq"
)
_FSP_OF_PAYMENT = "SELECT d.fsp_id FROM payment p JOIN dfsp d ON d.id = p.dfsp_id WHERE p.id = $1"


async def request_timeline(service: Service, request_id: UUID) -> list[TimelineStep]:
    """Everything about a request that the caller has seen before (queries.payment_request checks that)."""
    async with service.db.system_reads() as tx:
        return _in_order((await read_steps(tx, service, request_id, None)).steps)


async def payment_timeline(service: Service, payment_id: UUID) -> list[TimelineStep]:
    """Everything about a payment that the caller has seen before, and about the request that it paid."""
    async with service.db.system_reads() as tx:
        return _in_order((await read_steps(tx, service, None, payment_id)).steps)


async def read_steps(tx: Reads, service: Service, request_id: UUID | None, payment_id: UUID | None) -> Steps:
    """What is kept of a request, or of a payment and the request that it paid, in no order; one of them is given."""
    payment = await tx.fetchrow(_PAYMENT, payment_id) if payment_id is not None else None
    request_id = payment["request_id"] if payment is not None else request_id
    request = await tx.fetchrow(_REQUEST, request_id) if request_id is not None else None
    of_transfer = (payment["payer_fsp_id"], payment["transfer_id"]) if payment is not None else (None, None)
    quotes = await tx.fetch(_QUOTES, request_id, *of_transfer)
    transfers = await tx.fetch(_TRANSFERS, request_id, *of_transfer)
    steps = [_answered("quotes", row["quote_id"], row["created_at"], row) for row in quotes]
    steps += [_answered("transfers", row["transfer_id"], row["reserved_at"], row) for row in transfers]
    subjects = [row["quote_id"] for row in quotes] + [row["transfer_id"] for row in transfers]
    if request is not None:
        subjects.append(request["transaction_request_id"])
        steps += _own_steps(request, await tx.fetch(_EVENTS, request["id"]))
        fsp_id = request["fsp_id"]
    else:
        assert payment is not None
        steps.append(Step(at=payment["received_at"], direction="own", what="payment_received", state="paid"))
        fsp_id = await tx.fetchval(_FSP_OF_PAYMENT, payment["id"])
    refunds = await tx.fetch(_REFUNDS, payment_id, request_id)
    if refunds:
        subjects += [row[name] for row in refunds for name in ("quote_id", "transfer_id")]
        steps += _refund_steps(refunds, await tx.fetch(_REFUND_EVENTS, [row["id"] for row in refunds]))
    steps += [_sent(service, row) for row in await tx.fetch(_SENT, subjects, _MOST_MESSAGES)]
    looked_up = _look_ups(service.vault, request)
    came = await tx.fetch(_CAME, subjects, *looked_up, _MOST_MESSAGES)
    steps += [step for row in came if (step := _came(service.vault, row, fsp_id)) is not None]
    return Steps(steps, fsp_id, subjects, *looked_up)


def _look_ups(vault: Vault, request: asyncpg.Record | None) -> tuple[list[str], datetime | None, datetime | None]:
    """What the answers to the look-ups of a request's payer are about, and when they may have come."""
    if request is None or request["payer_sealed"] is None:
        return [], None, None
    digits = vault.open(request["payer_sealed"], f"payment_request:{request['id']}").decode()
    return payer_subjects(vault, digits), request["created_at"], request["expires_at"] + ANSWERED_WITHIN


def _answered(resource: str, subject: str, at: datetime, row: asyncpg.Record) -> Step:
    """Our answer to a quote or transfer, which its row tells of."""
    kept = hub_messages.answer_id(resource, row["payer_fsp_id"], subject) if row["kept"] else None
    return Step(at=at, direction="out", what=f"PUT /{resource}/{subject}", message_id=kept)


def _own_steps(request: asyncpg.Record, events: list[asyncpg.Record]) -> list[Step]:
    steps: list[Step] = []
    if request["looked_up_at"] is not None:
        what = f"GET /parties/{MSISDN}/{request['payer_masked']}"
        steps.append(Step(at=request["looked_up_at"], direction="out", what=what))
    for event in events:
        if event["cause"] == "sent_to_hub":
            steps.append(Step(at=event["at"], direction="out", what="POST /transactionRequests"))
        steps.append(
            Step(
                at=event["at"],
                direction="own",
                what=event["cause"],
                state=event["state"],
                detail=event["detail"],
            )
        )
    return steps


def _refund_steps(refunds: list[asyncpg.Record], events: list[asyncpg.Record]) -> list[Step]:
    """What became of the refunds of a payment; each step tells the amount, since there may be several."""
    amounts = {row["id"]: display(Money(row["amount_minor"], row["currency"])) for row in refunds}
    return [
        Step(
            at=event["at"],
            direction="own",
            what=f"refund_{event['state']}",
            detail=", ".join(filter(None, (amounts[event["refund_id"]], event["cause"], event["detail"]))),
        )
        for event in events
    ]


def _sent(service: Service, row: asyncpg.Record) -> Step:
    message = open_queued(service, row["sealed"])
    return Step(
        at=row["sent_at"],
        direction="out",
        what=f"{message.method} {shown_path(message.method, message.path)}",
        detail=error_code_of(message.path, message.body),
        message_id=hub_messages.sent_id(row["id"]),
    )


def _came(vault: Vault, row: asyncpg.Record, fsp_id: str) -> Step | None:
    """A message of the hub's; None for one to another DFSP, whose payer is the same."""
    message: Message = inbox.open_message(vault, row["sealed"])
    if message.destination != fsp_id:
        return None
    error, parent = error_code_of(message.path, message.body), trace.parse(message.traceparent)
    # Answers to look-ups of one payer are alike, whatever request they were for.
    again = f"{row['times']} times" if row["times"] > 1 and message.resource != "parties" else None
    return Step(
        at=row["received_at"],
        direction="in",
        what=f"{message.method} {shown_path(message.method, message.path)}",
        detail=", ".join(filter(None, (error, again))) or None,
        message_id=hub_messages.inbox_id(row["digest"]),
        trace_id=parent.trace_id if parent is not None else None,
    )


def _in_order(steps: list[Step]) -> list[TimelineStep]:
    ordered = sorted(steps, key=lambda step: (step.at, _ORDER[step.direction]))
    found: list[TimelineStep] = []
    before: datetime | None = None
    for step in ordered:
        gap_ms = None if before is None else (step.at - before) // timedelta(milliseconds=1)
        direction: Any = step.direction
        found.append(
            TimelineStep(
                at=web.at(step.at),
                direction=direction,
                what=step.what,
                state=RequestState(step.state) if step.state else None,
                detail=step.detail,
                message_id=step.message_id,
                gap_ms=gap_ms,
            )
        )
        before = step.at
    return found
