"""Events from a time on, sent once more to one endpoint: to a receiver that lost data, or is younger than the events.

What the endpoint never had gets a delivery now; what it had is sent again with the same id, by which it knows it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from merchant.core import audit, clock, outbox, trace
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.notify import endpoints, events
from merchant.notify.models import WebhookEndpoint

REPLAYED_AT_ONCE = 500  # events by one call, as many as failed deliveries are sent again by one

_EVENTS = """
SELECT id FROM announced_event
WHERE dfsp_id = $1 AND ($2::uuid IS NULL OR merchant_id = $2)
  AND created_at >= $3 AND ($4::timestamptz IS NULL OR created_at < $4) AND ($5::uuid IS NULL OR id > $5)
  AND ($6::text[] = '{}' OR event_type = ANY($6))
ORDER BY id LIMIT $7
"""
# One replay of an endpoint at a time, so that none gives it a second delivery of one event.
_LOCK = "SELECT 1 FROM webhook_endpoint WHERE id = $1 FOR UPDATE"
# What is pending has its job already.
_AGAIN = """
UPDATE webhook_delivery SET state = 'pending' WHERE endpoint_id = $1 AND event_id = ANY($2) AND state <> 'pending'
RETURNING id, event_id
"""
_NEW = """
INSERT INTO webhook_delivery (id, dfsp_id, endpoint_id, event_id, event_type, body, state, attempts, created_at)
SELECT (left(event.id::text, 13) || '-7' || substr(gen_random_uuid()::text, 16))::uuid, -- UUIDv7, of the event's time
       event.dfsp_id, $1, event.id, event.event_type, event.body, 'pending', 0, $3
FROM announced_event AS event
WHERE event.id = ANY($2)
  AND NOT EXISTS (SELECT FROM webhook_delivery d WHERE d.event_id = event.id AND d.endpoint_id = $1
    /*distributed: AND d.dfsp_id = event.dfsp_id*/)
RETURNING id, event_id
"""
_JOBS = outbox.job_cte(
    "FROM unnest($1::uuid[]) WITH ORDINALITY AS delivery (id, place) ORDER BY place",
    topic="$2",
    order_key="$3",
    dfsp_id="$4",
    payload=outbox.json_payload("delivery.id"),
    moved="$6",
    traceparent="$5",
)
_ADD_JOBS = f"WITH {_JOBS} SELECT"


class Asked(Struct, frozen=True, kw_only=True):
    """Which events are sent once more: those announced from a time on, and before another, after one that is known."""

    since: datetime
    until: datetime | None
    after: UUID | None


class Replayed(Struct, frozen=True):
    """How many events are sent, whether these are all, and the last of them: go on `after` it."""

    count: int
    is_all: bool
    last_event_id: UUID | None


async def replay(tx: Tx, actor: Actor, endpoint_id: UUID, asked: Asked) -> Replayed:
    """Send an endpoint the events that its owner may see and it asks for, REPLAYED_AT_ONCE at most, oldest first.

    They come behind what waits for it. Raises NotFound, EndpointRemoved, EndpointPaused.
    """
    endpoint = await endpoints.find_open(tx, actor, endpoint_id)
    await tx.fetchval(_LOCK, endpoint.id)
    rows = await tx.fetch(
        _EVENTS,
        endpoint.dfsp_id,
        endpoint.merchant_id,
        asked.since,
        asked.until,
        asked.after,
        endpoint.event_types,
        REPLAYED_AT_ONCE + 1,
    )
    chosen = [row["id"] for row in rows[:REPLAYED_AT_ONCE]]
    if not chosen:
        return Replayed(0, is_all=True, last_event_id=None)
    await _queue(tx, endpoint, chosen)
    detail: dict[str, Any] = {"count": len(chosen), "from": clock.rfc3339(asked.since)}
    place = ("webhook_endpoint", endpoint.id)
    await audit.record(tx, actor, "webhook.replayed", *place, dfsp_id=endpoint.dfsp_id, **detail)
    return Replayed(len(chosen), is_all=len(rows) <= REPLAYED_AT_ONCE, last_event_id=chosen[-1])


async def _queue(tx: Tx, endpoint: WebhookEndpoint, event_ids: list[UUID]) -> None:
    again = await tx.fetch(_AGAIN, endpoint.id, event_ids)
    new = await tx.fetch(_NEW, endpoint.id, event_ids, clock.now())
    in_order = [row["id"] for row in sorted([*again, *new], key=lambda row: row["event_id"])]
    await tx.execute(
        _ADD_JOBS,
        in_order,
        events.WEBHOOK_TOPIC,
        f"webhook:{endpoint.id}",
        endpoint.dfsp_id,
        trace.traceparent(),
        clock.moved(),
    )
