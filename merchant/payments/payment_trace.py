"""The path of one payment, for whoever runs the service: the hub's messages and ours, our steps, what was announced,
webhooks and text messages with what became of them, jobs that are not done, and the traces that it ran through.

Nothing of it is kept for this: it is read where each of them stands. A text message names no payment: it is the one
that was written for the merchant and amount when the payment arrived.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from merchant.core import audit, clock, inbox, trace
from merchant.core.access import Actor
from merchant.core.db import Reads
from merchant.core.errors import OperatorProblem
from merchant.core.service import Service
from merchant.core.vault import BadSecretKey
from merchant.hub.adapter import masked
from merchant.notify.events import NOTICE_TOPIC, Notice
from merchant.payments import finding, outgoing, receipt_numbers, search, timeline
from merchant.payments.ask import RequestJob
from merchant.payments.schemas import Amount, HubIds, amount_view
from merchant.payments.subjects import subject_of_path
from merchant.payments.timeline import Steps

Kind = Literal["in", "own", "out", "announced", "webhook", "text_message", "job"]
_ORDER: dict[Kind, int] = {"in": 0, "own": 1, "announced": 2, "out": 3, "job": 4, "webhook": 5, "text_message": 6}
# What belongs to a step is written in its transaction, which no deadline of ours lets last longer.
_APART = timedelta(seconds=30)
_MADE_APART_MS = 600_000  # an id and its row, at most (finding.py)
JOBS_MAX = 2_000  # sealed jobs that are looked into
_LINES_MAX = 500


class Line(Struct, frozen=True, kw_only=True):
    """One thing on the path. `id` is that of the message, event, delivery, text message or job."""

    at: str
    kind: Kind
    what: str
    state: str | None = None
    detail: str | None = None
    id: str | None = None
    trace_id: str | None = None
    gap_ms: int | None = None


class PaymentTrace(Struct, frozen=True, kw_only=True):
    """A payment or request with all that is known to have happened to it, oldest first."""

    payment_id: UUID | None
    request_id: UUID | None
    receipt_number: str | None
    state: str
    amount: Amount
    merchant_id: UUID
    counter_id: UUID
    fsp_id: str
    payer: str | None
    hub: HubIds
    trace_ids: list[str]
    lines: list[Line]
    jobs_not_looked_at: bool  # there are more than JOBS_MAX, so that some of this payment's may be missing


class _At(Struct, frozen=True):
    """A line before its place among the others is known."""

    at: datetime
    line: Line


class NoSuchPayment(OperatorProblem):
    """No payment or request has this id."""


class SeveralPayments(OperatorProblem):
    """Several payments or requests have this id."""


async def trace_payment(service: Service, actor: Actor, typed: str, **detail: Any) -> PaymentTrace:
    """The path of the payment or request that an id names, as the search reads it; that it was read is recorded.

    `detail` is told in the record. Raises NoSuchPayment, SeveralPayments.
    """
    async with service.db.system_reads() as reads:
        found = await search.find_by_id(reads, actor, typed)
        if not found:
            raise NoSuchPayment(
                "No payment or request has this id. It may be an id of ours, the hub's id of a request, transaction or"
                " transfer, a receipt's number or a short reference."
            )
        if len(found) > 1:
            ids = ", ".join(str(one.row["payment_id"] or one.row["request_id"]) for one in found)
            raise SeveralPayments(f"{len(found)} payments and requests have this id; give one of theirs: {ids}.")
        row = found[0].row
        traced = await _read(reads, service, row)
    subject = ("payment", row["payment_id"]) if row["payment_id"] else ("payment_request", row["request_id"])
    async with service.db.system() as tx:
        await audit.record(tx, actor, "payment.traced", *subject, dfsp_id=row["dfsp_id"], **detail)
    return traced


async def _read(tx: Reads, service: Service, row: asyncpg.Record) -> PaymentTrace:
    payment_id, request_id = row["payment_id"], row["request_id"]
    kept = await timeline.read_steps(tx, service, None if payment_id else request_id, payment_id)
    found = [_At(step.at, _of_step(step)) for step in kept.steps]
    events = await _announced(tx, row, [step.at for step in kept.steps if step.direction == "own"])
    found += [_At(one["created_at"], _of_event(one)) for one in events]
    deliveries = await tx.fetch(_DELIVERIES, [one["id"] for one in events])
    found += [_At(one["delivered_at"] or one["created_at"], _of_delivery(one)) for one in deliveries]
    texts = await _texts(tx, row) if payment_id else []
    found += [_At(one["sent_at"] or one["created_at"], _of_text(one)) for one in texts]
    payloads = [msgspec.json.encode(one["id"]) for one in (*deliveries, *texts)]
    jobs, is_whole = await _jobs(tx, service, row, kept, payloads)
    found += [_At(one["created_at"], _of_job(one)) for one in jobs]
    lines = _in_order(found)
    return PaymentTrace(
        payment_id=payment_id,
        request_id=request_id,
        receipt_number=receipt_numbers.number_of(payment_id) if payment_id else None,
        state=row["state"],
        amount=amount_view(row["amount_minor"], row["currency"]),
        merchant_id=row["merchant_id"],
        counter_id=row["counter_id"],
        fsp_id=row["fsp_id"],
        payer=row["payer_masked"],
        hub=HubIds(row["transaction_request_id"], row["transaction_id"], row["transfer_id"]),
        trace_ids=list(dict.fromkeys(line.trace_id for line in lines if line.trace_id)),
        lines=lines,
        jobs_not_looked_at=not is_whole,
    )


def _in_order(found: Sequence[_At]) -> list[Line]:
    lines: list[Line] = []
    before: datetime | None = None
    for one in sorted(found, key=lambda one: (one.at, _ORDER[one.line.kind])):
        gap_ms = None if before is None else (one.at - before) // timedelta(milliseconds=1)
        lines.append(replace(one.line, at=clock.rfc3339(one.at), gap_ms=gap_ms))
        before = one.at
    return lines


def _of_step(step: timeline.Step) -> Line:
    kind: Any = step.direction
    detail = masked(step.detail) if step.detail else None
    return Line(
        at="", kind=kind, what=step.what, state=step.state, detail=detail, id=step.message_id, trace_id=step.trace_id
    )


# --- what others were told -------------------------------------------------------------------------------------------

# Events and text messages are found by when they were written: no index names their payment.
_EVENTS = r"""
SELECT DISTINCT e.id, e.event_type, e.body, e.created_at
FROM unnest($2::timestamptz[], $3::uuid[], $4::uuid[]) AS step (at, low, high)
CROSS JOIN LATERAL (
  SELECT * FROM announced_event WHERE merchant_id = $1 AND id >= step.low AND id <= step.high
    AND created_at BETWEEN step.at - $5::interval AND step.at + $5::interval
    AND (event_type = 'payment.received' OR event_type LIKE 'payment_request.%' OR event_type LIKE 'refund.%')) AS e
ORDER BY e.id
"""
_DELIVERIES = """
SELECT id, endpoint_id, event_type, state, attempts, response_status, created_at, delivered_at FROM webhook_delivery
WHERE event_id = ANY($1) ORDER BY id
"""
_TEXT = """
SELECT id, phone_masked, kind, state, reason, held_until, created_at, sent_at FROM sms_message
WHERE dfsp_id = $1 AND merchant_id = $2 AND id >= $3 AND id <= $4 AND kind = 'paid'
  AND amount_minor = $5 AND currency = $6 AND created_at >= $7 AND created_at <= $7 + $8::interval
  AND (text = '' OR $9::text IS NULL OR strpos(text, $9) > 0)
ORDER BY created_at, id LIMIT 1
"""


class _Body(Struct, frozen=True):
    data: dict[str, Any]


async def _announced(tx: Reads, row: asyncpg.Record, instants: Sequence[datetime]) -> list[asyncpg.Record]:
    at = sorted(set(instants))
    lows = [finding.id_of(one, -_MADE_APART_MS) for one in at]
    highs = [finding.id_of(one, _MADE_APART_MS) for one in at]
    rows = await tx.fetch(_EVENTS, row["merchant_id"], at, lows, highs, _APART)
    return [one for one in rows if _is_of(row, msgspec.json.decode(one["body"], type=_Body).data)]


def _is_of(row: asyncpg.Record, data: dict[str, Any]) -> bool:
    """Whether an event is about this payment or request."""
    named = (data.get("payment_request_id"), data.get("payment_id"))
    return any(name and own and name == str(own) for name, own in zip(named, _ids(row), strict=True))


def _ids(row: asyncpg.Record) -> tuple[UUID | None, UUID | None]:
    return row["request_id"], row["payment_id"]


async def _texts(tx: Reads, row: asyncpg.Record) -> list[asyncpg.Record]:
    """The message by which the merchant was told of the payment."""
    low, high = finding.id_of(row["at"], -_MADE_APART_MS), finding.id_of(row["at"], _MADE_APART_MS)
    place, amount = (row["dfsp_id"], row["merchant_id"]), (row["amount_minor"], row["currency"])
    return await tx.fetch(_TEXT, *place, low, high, *amount, row["at"], _APART, row["payer_masked"])


def _of_event(row: asyncpg.Record) -> Line:
    state = msgspec.json.decode(row["body"], type=_Body).data.get("state")
    return Line(at="", kind="announced", what=row["event_type"], state=state, id=str(row["id"]))


def _of_delivery(row: asyncpg.Record) -> Line:
    told = [f"endpoint {row['endpoint_id']}", f"attempts: {row['attempts']}"]
    told += [f"HTTP {row['response_status']}"] if row["response_status"] else []
    return Line(
        at="", kind="webhook", what=row["event_type"], state=row["state"], detail=", ".join(told), id=str(row["id"])
    )


def _of_text(row: asyncpg.Record) -> Line:
    told = [row["phone_masked"], row["reason"]]
    told += [f"held until {clock.rfc3339(row['held_until'])}"] if row["held_until"] else []
    return Line(
        at="",
        kind="text_message",
        what=row["kind"],
        state=row["state"],
        detail=", ".join(filter(None, told)),
        id=str(row["id"]),
    )


# --- what is not done yet --------------------------------------------------------------------------------------------

_JOB = "SELECT id, topic, payload, attempts, run_at, last_error, traceparent, dead_at, created_at FROM outbox"
_NAMED_JOBS = f"{_JOB} WHERE payload = ANY($1) ORDER BY id LIMIT $2"
_SEALED_JOBS = f"""
{_JOB} WHERE topic = ANY($1) AND (dfsp_id = $2 OR dfsp_id IS NULL) ORDER BY id DESC LIMIT $3
"""
_SEALED_TOPICS = [inbox.TOPIC, outgoing.TOPIC, NOTICE_TOPIC]


async def _jobs(
    tx: Reads, service: Service, row: asyncpg.Record, kept: Steps, payloads: list[bytes]
) -> tuple[list[asyncpg.Record], bool]:
    """Jobs about a payment, and whether all were looked at that may be."""
    if row["request_id"]:
        # As we write it, and as the database does (outbox.json_payload).
        own = msgspec.json.encode(RequestJob(row["request_id"]))
        payloads = [*payloads, own, own.replace(b":", b" : ")]
    named = await tx.fetch(_NAMED_JOBS, payloads, _LINES_MAX)
    sealed = await tx.fetch(_SEALED_JOBS, _SEALED_TOPICS, row["dfsp_id"], JOBS_MAX + 1)
    about = list(_about(service, row, kept, sealed[:JOBS_MAX]))
    return [*named, *about], len(sealed) <= JOBS_MAX


def _about(
    service: Service, row: asyncpg.Record, kept: Steps, jobs: Sequence[asyncpg.Record]
) -> Iterator[asyncpg.Record]:
    for job in jobs:
        if job["topic"] == NOTICE_TOPIC:
            if _is_of(row, msgspec.json.decode(job["payload"], type=Notice).data):
                yield job
            continue
        is_in = job["topic"] == inbox.TOPIC
        message: Any
        try:
            if is_in:
                message = inbox.open_message(service.vault, job["payload"])
            else:
                message = outgoing.open_queued(service, job["payload"])
        except (BadSecretKey, ValueError, LookupError):
            continue  # its handler says so, and has it dead
        about = subject_of_path(service.vault, message.method, message.path, message.body)
        is_look_up = about in kept.payer_subjects and kept.may_be_looked_up_at(job["created_at"])
        if (is_look_up or about in kept.subjects) and kept.fsp_id == (message.destination if is_in else message.source):
            yield job


def _of_job(row: asyncpg.Record) -> Line:
    state = "dead" if row["dead_at"] else "failing" if row["last_error"] else "queued"
    told = [f"attempts: {row['attempts']}"]
    told += [f"next try {clock.rfc3339(row['run_at'])}"] if state == "failing" else []
    told += [row["last_error"]] if row["last_error"] else []
    parent = trace.parse(row["traceparent"])
    return Line(
        at="",
        kind="job",
        what=row["topic"],
        state=state,
        detail=", ".join(told),
        id=str(row["id"]),
        trace_id=parent.trace_id if parent is not None else None,
    )
