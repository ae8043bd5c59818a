"""Announcing what happened: in the transaction in which it happened, to webhooks and to live screens.

One statement writes a delivery and a job for each endpoint that asked, and notifies the screens (which hear it only
when the transaction commits).
"""

from typing import Any
from uuid import UUID

import msgspec

from merchant.core import clock, ids
from merchant.core.db import Tx

WEBHOOK_TOPIC = "notify.webhook"
LIVE_CHANNEL = "live"
EVENT_TYPES = frozenset(
    {f"payment_request.{state}" for state in ("paid", "rejected", "expired", "failed", "cancelled", "in_doubt")}
    | {f"application.{state}" for state in ("submitted", "returned", "approved", "rejected")}
    | {f"merchant.{state}" for state in ("suspended", "restricted", "reinstated", "closed")}
    | {"payment.received"}
)

_ANNOUNCE = """
WITH endpoint AS (
  SELECT id FROM webhook_endpoint
  WHERE dfsp_id = $1 AND enabled AND (merchant_id IS NULL OR merchant_id = $2)
    AND (event_types = '{}' OR $3 = ANY(event_types))),
delivery AS (
  INSERT INTO webhook_delivery (id, dfsp_id, endpoint_id, event_id, event_type, body, state, attempts, created_at)
  SELECT (left($4::uuid::text, 13) || '-7' || substr(gen_random_uuid()::text, 16))::uuid, -- UUIDv7, of the event's time
         $1, id, $4, $3, $5, 'pending', 0, $6 FROM endpoint
  RETURNING id, endpoint_id),
job AS (
  INSERT INTO outbox (topic, order_key, dfsp_id, payload, run_at, attempts, created_at)
  SELECT $7, 'webhook:' || endpoint_id, $1, convert_to('"' || id || '"', 'UTF8'), $6, 0, $6 FROM delivery)
SELECT pg_notify('live', $8), CASE WHEN EXISTS (SELECT 1 FROM delivery) THEN pg_notify('outbox', '') END
"""


async def announce(tx: Tx, event_type: str, dfsp_id: UUID, merchant_id: UUID | None, data: dict[str, Any]) -> None:
    """Tell everyone who may know. `data` holds JSON values without personal data."""
    assert event_type in EVENT_TYPES, event_type
    await tx.flush()
    event_id, now = ids.uuid7(), clock.now()
    event = {"id": event_id, "type": event_type, "created_at": clock.rfc3339(now), "data": data}
    body = msgspec.json.encode(event)
    screens = msgspec.json.encode(
        {"id": event_id, "type": event_type, "dfsp_id": dfsp_id, "merchant_id": merchant_id, "data": data}
    )
    await tx.execute(_ANNOUNCE, dfsp_id, merchant_id, event_type, event_id, body, now, WEBHOOK_TOPIC, screens.decode())
