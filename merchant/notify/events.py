"""Announcing what happened: in the transaction in which it happened, to webhooks and to live screens.

One statement keeps the event, writes a delivery and a job for each endpoint that asked, a job for the messages of
people who chose to be told (notices.py), and notifies the screens (which receive it only when the transaction commits).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec

from merchant.core import clock, ids, outbox, trace
from merchant.core.db import Tx, forget
from merchant.notify import kinds

WEBHOOK_TOPIC = "notify.webhook"
NOTICE_TOPIC = "notify.notice"
LIVE_CHANNEL = "live"
KEPT = timedelta(days=90)  # as long as security events: to look into what a receiver says that it was not told


class EventType(StrEnum):
    """What may be announced."""

    APPLICATION_APPROVED = "application.approved"
    APPLICATION_HANDED_IN = "application.handed_in"
    APPLICATION_REJECTED = "application.rejected"
    APPLICATION_RETURNED = "application.returned"
    APPLICATION_SUBMITTED = "application.submitted"
    MERCHANT_BLOCKED = "merchant.blocked"
    MERCHANT_CLAIMED = "merchant.claimed"
    MERCHANT_CLOSED = "merchant.closed"
    MERCHANT_JOINED = "merchant.joined"
    MERCHANT_LEFT = "merchant.left"
    MERCHANT_REINSTATED = "merchant.reinstated"
    MERCHANT_REQUIREMENTS_DUE = "merchant.requirements_due"
    MERCHANT_RESTRICTED = "merchant.restricted"
    MERCHANT_SUSPENDED = "merchant.suspended"
    PAYMENT_RECEIVED = "payment.received"
    PAYMENT_REQUEST_CANCELLED = "payment_request.cancelled"
    PAYMENT_REQUEST_EXPIRED = "payment_request.expired"
    PAYMENT_REQUEST_FAILED = "payment_request.failed"
    PAYMENT_REQUEST_IN_DOUBT = "payment_request.in_doubt"
    PAYMENT_REQUEST_PAID = "payment_request.paid"
    PAYMENT_REQUEST_REJECTED = "payment_request.rejected"
    REFUND_CREATED = "refund.created"
    REFUND_FAILED = "refund.failed"
    REFUND_IN_DOUBT = "refund.in_doubt"
    REFUND_PENDING_APPROVAL = "refund.pending_approval"
    REFUND_REFUNDED = "refund.refunded"
    REFUND_REJECTED = "refund.rejected"
    TEST_PING = "test.ping"


class EventAmount(msgspec.Struct, frozen=True):
    """Decimal text and a currency of ISO 4217."""

    amount: str
    currency: str


class EventReason(msgspec.Struct, frozen=True):
    """Why a request ended as it did: a stable code and a sentence in English."""

    code: str
    message: str


class ApplicationEvent(msgspec.Struct, frozen=True):
    """What became of an application; `merchant_id` once it is approved."""

    application_id: UUID
    dfsp_id: UUID
    version: int
    merchant_id: UUID | None = None


class MerchantEvent(msgspec.Struct, frozen=True):
    """A merchant's new state."""

    merchant_id: UUID
    dfsp_id: UUID
    state: str


class PaymentReceived(msgspec.Struct, frozen=True):
    """Money that arrived without a request; the payer's number is masked."""

    payment_id: UUID
    dfsp_id: UUID
    merchant_id: UUID
    counter_id: UUID
    amount: EventAmount
    payer: str | None = None
    transfer_id: str | None = None
    transaction_id: str | None = None
    received_at: str | None = None


class PaymentRequestEvent(msgspec.Struct, frozen=True):
    """A payment request's new state; the payer's number is masked. The last four once it is paid."""

    payment_request_id: UUID
    dfsp_id: UUID
    merchant_id: UUID
    counter_id: UUID
    amount: EventAmount
    state: str
    late: bool
    reference: str | None = None
    payer: str | None = None
    reason: EventReason | None = None
    transaction_request_id: str | None = None
    created_at: str | None = None
    expires_at: str | None = None
    paid_at: str | None = None
    payment_id: UUID | None = None
    transfer_id: str | None = None
    transaction_id: str | None = None


class RefundEvent(msgspec.Struct, frozen=True):
    """A refund's new state; the payer's number is masked. `reason_code` says why it was asked for, `reason` why it
    ended.
    """

    refund_id: UUID
    payment_id: UUID
    dfsp_id: UUID
    merchant_id: UUID
    counter_id: UUID
    state: str
    amount: EventAmount
    late: bool
    reason_code: str
    payer: str | None = None
    reason: EventReason | None = None
    transaction_id: str | None = None
    transfer_id: str | None = None
    created_at: str | None = None
    refunded_at: str | None = None


class EndpointPing(msgspec.Struct, frozen=True):
    """Nothing happened: somebody tries the endpoint."""

    endpoint_id: UUID
    dfsp_id: UUID


_DATA_OF: dict[str, Any] = {
    "application": ApplicationEvent,
    "merchant": MerchantEvent,
    "payment_request": PaymentRequestEvent,
    "refund": RefundEvent,
    "test": EndpointPing,
}
# The shape of each event's data; what is announced is held against it.
EVENT_DATA: dict[EventType, Any] = {
    event: _DATA_OF.get(event.partition(".")[0], PaymentReceived) for event in EventType
}


class Notice(msgspec.Struct, frozen=True):
    """What people may have chosen to be told, as a job for notices.py. A merchant is told only of what it may hear."""

    event_type: str
    dfsp_id: UUID
    merchant_id: UUID | None
    at: datetime
    data: dict[str, Any] = {}


_JOB = outbox.job_cte(
    "FROM delivery",
    topic="$7",
    order_key="'webhook:' || endpoint_id",
    dfsp_id="$1",
    payload=outbox.json_payload("id"),
    moved="$10",
    traceparent="$9",
)
_NOTICE_JOB = outbox.job_cte(
    "FROM wanted", topic=f"'{NOTICE_TOPIC}'", dfsp_id="$1", payload="$11", moved="$10", traceparent="$9", name="notice"
)


def _announce_sql(events: str, screens: str) -> str:
    """The statement for `events` (id, body), a FROM item, and `screens`, a FROM item of their texts."""
    return f"""
WITH kept AS (
  INSERT INTO announced_event (id, dfsp_id, merchant_id, event_type, body, created_at)
  SELECT event.id, $1, $2, $3, event.body, $6 FROM {events} AS event (id, body) /*distributed: RETURNING 1*/),
endpoint AS (
  SELECT id FROM webhook_endpoint
  WHERE dfsp_id = $1 AND enabled AND (merchant_id IS NULL OR merchant_id = $2)
    AND (event_types = '{{}}' OR $3 = ANY(event_types))),
delivery AS (
  INSERT INTO webhook_delivery (id, dfsp_id, endpoint_id, event_id, event_type, body, state, attempts, created_at)
  SELECT (left(event.id::text, 13) || '-7' || substr(gen_random_uuid()::text, 16))::uuid, -- UUIDv7, of the event's time
         $1, endpoint.id, event.id, $3, event.body, 'pending', 0, $6
  FROM endpoint CROSS JOIN {events} AS event (id, body) ORDER BY event.id
  RETURNING id, endpoint_id),
{_JOB},
wanted AS (
  SELECT /*distributed: 1 AS one*/ FROM notification_choice
  WHERE (merchant_id = $12 AND sms_kinds && $13) OR (merchant_id = $12 AND email_kinds && $14)
    OR (user_id IS NOT NULL AND dfsp_id = $1 AND email_kinds && $14)
  LIMIT 1),
{_NOTICE_JOB}
SELECT pg_notify('live', screen) FROM {screens} AS screens (screen)
"""  # noqa: S608 - constants


_ANNOUNCE = _announce_sql("(VALUES ($4::uuid, $5::bytea))", "(VALUES ($8::text))")
_ANNOUNCE_MANY = _announce_sql("unnest($4::uuid[], $5::bytea[])", "unnest($8::text[])")


# Where tables are distributed, the statement ends at a machine to which no screen listens.
_TELL_SCREENS = "SELECT pg_notify('live', screen) FROM unnest($1::text[]) AS screens (screen)"


async def announce(tx: Tx, event_type: str, dfsp_id: UUID, merchant_id: UUID | None, data: dict[str, Any]) -> None:
    """Tell everyone who may know. `data` has the shape that EVENT_DATA names, but for the DFSP, and no personal data.

    Raises ValueError for an unknown event type, msgspec.ValidationError for data of another shape.
    """
    await tx.flush()
    event_id, body, screens, shaped = _told(EventType(event_type), dfsp_id, merchant_id, data, now := clock.now())
    await tx.execute(
        _ANNOUNCE,
        dfsp_id,
        merchant_id,
        event_type,
        event_id,
        body,
        now,
        WEBHOOK_TOPIC,
        screens,
        trace.traceparent(),
        clock.moved(),
        *_notice(event_type, dfsp_id, merchant_id, now, shaped),
    )
    if tx.is_distributed:
        await tx.execute(_TELL_SCREENS, [screens])


async def announce_many(tx: Tx, event_type: str, dfsp_id: UUID, datas: Sequence[dict[str, Any]]) -> None:
    """Announce as many events of one kind, none of which belongs to a merchant yet, by one statement.

    People are told of them once. Raises what `announce` does.
    """
    await tx.flush()
    now = clock.now()
    told = [_told(EventType(event_type), dfsp_id, None, data, now) for data in datas]
    await tx.execute(
        _ANNOUNCE_MANY,
        dfsp_id,
        None,
        event_type,
        [one[0] for one in told],
        [one[1] for one in told],
        now,
        WEBHOOK_TOPIC,
        [one[2] for one in told],
        trace.traceparent(),
        clock.moved(),
        *_notice(event_type, dfsp_id, None, now),
    )
    if tx.is_distributed:
        await tx.execute(_TELL_SCREENS, [one[2] for one in told])


class ToAnnounce(msgspec.Struct, frozen=True):
    """An event of a batch, and the trace in which it happened."""

    event_type: str
    dfsp_id: UUID
    merchant_id: UUID | None
    data: Mapping[str, Any]
    traceparent: str | None = None


_ALL_JOBS = outbox.job_cte(
    "FROM delivery JOIN event ON event.id = delivery.event_id ORDER BY event.n",
    topic="$9",
    order_key="'webhook:' || endpoint_id",
    dfsp_id="event.dfsp_id",
    payload=outbox.json_payload("delivery.id"),
    moved="$10",
    traceparent="event.traceparent",
)
_ALL_NOTICES = outbox.job_cte(
    "FROM wanted",
    topic=f"'{NOTICE_TOPIC}'",
    dfsp_id="wanted.dfsp_id",
    payload="wanted.notice",
    moved="$10",
    traceparent="wanted.traceparent",
    name="notice",
)
# As _announce_sql, for events of several DFSPs, merchants and types. The kinds of which an event is come as texts, for
# arrays of arrays must be of one length.
_ANNOUNCE_ALL = f"""
WITH event AS (
  SELECT id, dfsp_id, merchant_id, event_type, body, screen, notice, string_to_array(by_text, ',') AS by_text,
    string_to_array(by_mail, ',') AS by_mail, traceparent, n
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::text[], $7::bytea[], $11::text[],
      $12::text[], $13::text[]) WITH ORDINALITY
    AS given (id, dfsp_id, merchant_id, event_type, body, screen, notice, by_text, by_mail, traceparent, n)),
kept AS (
  INSERT INTO announced_event (id, dfsp_id, merchant_id, event_type, body, created_at)
  SELECT id, dfsp_id, merchant_id, event_type, body, $8 FROM event /*distributed: RETURNING 1*/),
delivery AS (
  INSERT INTO webhook_delivery (id, dfsp_id, endpoint_id, event_id, event_type, body, state, attempts, created_at)
  SELECT (left(event.id::text, 13) || '-7' || substr(gen_random_uuid()::text, 16))::uuid, -- UUIDv7, of the event's time
         event.dfsp_id, endpoint.id, event.id, event.event_type, event.body, 'pending', 0, $8
  FROM event JOIN webhook_endpoint endpoint ON endpoint.dfsp_id = event.dfsp_id AND endpoint.enabled
    AND (endpoint.merchant_id IS NULL OR endpoint.merchant_id = event.merchant_id)
    AND (endpoint.event_types = '{{}}' OR event.event_type = ANY(endpoint.event_types))
  ORDER BY event.n
  RETURNING id, endpoint_id, event_id),
{_ALL_JOBS},
wanted AS (
  SELECT event.dfsp_id, event.notice, event.traceparent FROM event WHERE EXISTS (
    SELECT FROM notification_choice choice
    WHERE (choice.merchant_id = event.merchant_id AND (choice.sms_kinds && by_text OR choice.email_kinds && by_mail))
      OR (choice.user_id IS NOT NULL AND choice.dfsp_id = event.dfsp_id AND choice.email_kinds && by_mail))
  ORDER BY event.n),
{_ALL_NOTICES}
SELECT pg_notify('live', screen) FROM event ORDER BY n
"""  # noqa: S608 - constants


async def announce_all(tx: Tx, announced: Sequence[ToAnnounce], now: datetime) -> None:
    """Announce the events of a batch by one statement, each in the trace in which it happened. Raises as `announce`."""
    if not announced:
        return
    told = [_told(EventType(one.event_type), one.dfsp_id, one.merchant_id, dict(one.data), now) for one in announced]
    notices = [
        _notice(one.event_type, one.dfsp_id, one.merchant_id, now, shaped)
        for one, (_, _, _, shaped) in zip(announced, told, strict=True)
    ]
    await tx.execute(
        _ANNOUNCE_ALL,
        [one[0] for one in told],
        [one.dfsp_id for one in announced],
        [one.merchant_id for one in announced],
        [one.event_type for one in announced],
        [one[1] for one in told],
        [one[2] for one in told],
        [one[0] for one in notices],
        now,
        WEBHOOK_TOPIC,
        clock.moved(),
        [",".join(one[2]) for one in notices],
        [",".join(one[3]) for one in notices],
        [one.traceparent for one in announced],
    )
    if tx.is_distributed:
        await tx.execute(_TELL_SCREENS, [one[2] for one in told])


def ping(endpoint_id: UUID, dfsp_id: UUID, now: datetime) -> tuple[UUID, bytes]:
    """The id and the body of an event that tries an endpoint."""
    event_id = ids.uuid7()
    return event_id, _body(event_id, EventType.TEST_PING, now, EndpointPing(endpoint_id, dfsp_id))


def _body(event_id: UUID, kind: EventType, now: datetime, data: Any) -> bytes:
    return msgspec.json.encode({"id": event_id, "type": kind, "created_at": clock.rfc3339(now), "data": data})


def _told(
    kind: EventType, dfsp_id: UUID, merchant_id: UUID | None, data: dict[str, Any], now: datetime
) -> tuple[UUID, bytes, str, Any]:
    """An event's id, the body of its webhooks, what live screens are told, and its data."""
    shaped = msgspec.convert(msgspec.to_builtins({**data, "dfsp_id": dfsp_id}), EVENT_DATA[kind])
    event_id = ids.uuid7()
    place = {"dfsp_id": dfsp_id, "merchant_id": merchant_id, "counter_id": getattr(shaped, "counter_id", None)}
    screens = msgspec.json.encode({"id": event_id, "type": kind, "data": shaped, **place})
    return event_id, _body(event_id, kind, now, shaped), screens.decode(), shaped


def _notice(
    event_type: str, dfsp_id: UUID, merchant_id: UUID | None, now: datetime, shaped: Any = None
) -> tuple[bytes, UUID | None, list[str], list[str]]:
    """What the statement needs to tell people: a job's payload, the merchant, and the kinds by text and by mail."""
    data = {} if shaped is None else msgspec.to_builtins(shaped)
    notice = Notice(event_type, dfsp_id, merchant_id, now, data)
    return msgspec.json.encode(notice), merchant_id, *kinds.chosen_by(event_type)


async def prune(tx: Tx, limit: int) -> int:
    """Forget events that were kept long enough; the number forgotten, at most `limit`."""
    return await forget(tx, "announced_event", "id", "created_at", clock.now() - KEPT, limit)
