"""The log of announced events, each with what became of its deliveries: for receivers that were away, and for support.

Oldest first, so that a receiver goes on from the last event that it knows. A merchant's people see the merchant's
events, and of deliveries those to its own endpoints.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct, convert

from merchant.core import errors
from merchant.core.access import Actor
from merchant.core.access import Permission as P
from merchant.core.db import Reads
from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.core.http.route import Call, Filter, Listed, route
from merchant.core.paging import NEWEST, OLDEST, Page, both_ways
from merchant.notify.events import EventType
from merchant.notify.routes import DeliveryState

_COLUMNS = """
SELECT id, merchant_id, event_type, body, created_at,
       (SELECT m.trading_name FROM merchant m WHERE m.id = announced_event.merchant_id) AS merchant_name
FROM announced_event
"""
_EVENTS = both_ways(
    _COLUMNS
    + """
WHERE ($1::uuid IS NULL OR dfsp_id = $1) AND ($2::uuid IS NULL OR merchant_id = $2)
  AND ($3::uuid IS NULL OR id {beyond} $3) AND ($4::uuid IS NULL OR id > $4)
  AND ($5::timestamptz IS NULL OR created_at >= $5) AND ($6::timestamptz IS NULL OR created_at < $6)
  AND ($7::text IS NULL OR event_type = $7)
ORDER BY id {way} LIMIT $8
"""
)
_EVENT = _COLUMNS + "WHERE id = $1 AND ($2::uuid IS NULL OR dfsp_id = $2) AND ($3::uuid IS NULL OR merchant_id = $3)"
_DELIVERIES = """
SELECT d.id, d.event_id, d.endpoint_id, d.state, d.attempts, d.response_status, d.delivered_at
FROM webhook_delivery d JOIN webhook_endpoint e ON e.id = d.endpoint_id
WHERE d.event_id = ANY($1) AND ($2::uuid IS NULL OR d.dfsp_id = $2) AND ($3::uuid IS NULL OR e.merchant_id = $3)
ORDER BY d.id
"""


class Narrowed(Struct, frozen=True, kw_only=True):
    """What the log is narrowed to."""

    after: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    event_type: str | None = None


class LoggedDelivery(Struct, frozen=True):
    """What became of an event at one endpoint."""

    id: UUID
    endpoint_id: UUID
    state: DeliveryState
    attempts: int
    response_status: int | None
    delivered_at: Instant | None


class LoggedEvent(Struct, frozen=True):
    """An event as it was announced; no deliveries where no endpoint asked for it."""

    id: UUID
    type: EventType
    created_at: Instant
    merchant_id: UUID | None
    merchant_name: str | None
    data: dict[str, Any]
    deliveries: list[LoggedDelivery]


class _Body(Struct, frozen=True):
    data: dict[str, Any]


async def read_log(tx: Reads, actor: Actor, page: Page, narrowed: Narrowed) -> list[LoggedEvent]:
    """Events of a page, oldest first unless newest first is asked for; one more than its limit when there are more."""
    rows = await tx.fetch(
        _EVENTS[page.sort != NEWEST],
        actor.dfsp_id,
        actor.merchant_id,
        page.before,
        narrowed.after,
        narrowed.since,
        narrowed.until,
        narrowed.event_type,
        page.limit + 1,
    )
    return await _with_deliveries(tx, actor, rows)


async def read_logged_event(tx: Reads, actor: Actor, event_id: UUID) -> LoggedEvent:
    """One event. Raises NotFound, also for another's."""
    row = await tx.fetchrow(_EVENT, event_id, actor.dfsp_id, actor.merchant_id)
    if row is None:
        raise errors.NotFound
    return (await _with_deliveries(tx, actor, [row]))[0]


async def _with_deliveries(tx: Reads, actor: Actor, rows: Sequence[asyncpg.Record]) -> list[LoggedEvent]:
    """Events from their rows, with what became of each at the endpoints that the actor may see."""
    sent: dict[UUID, list[LoggedDelivery]] = defaultdict(list)
    for row in await tx.fetch(_DELIVERIES, [row["id"] for row in rows], actor.dfsp_id, actor.merchant_id):
        sent[row["event_id"]].append(
            LoggedDelivery(
                row["id"],
                row["endpoint_id"],
                convert(row["state"], DeliveryState),
                row["attempts"],
                row["response_status"],
                web.at_or_none(row["delivered_at"]),
            )
        )
    return [
        LoggedEvent(
            row["id"],
            EventType(row["event_type"]),
            web.at(row["created_at"]),
            row["merchant_id"],
            row["merchant_name"],
            msgspec.json.decode(row["body"], type=_Body).data,
            sent[row["id"]],
        )
        for row in rows
    ]


@route(
    "GET",
    "/api/v1/event-log",
    permission=P.WEBHOOKS_WRITE,
    items=LoggedEvent,
    paged=True,
    sorts=(OLDEST, NEWEST),
    filters=(
        Filter("after", "Only those announced after the event of this id.", kind="uuid"),
        Filter("from", "Only those at this time or later, RFC 3339.", kind="instant"),
        Filter("to", "Only those before this time, RFC 3339.", kind="instant"),
        Filter("type", "Only those of this type.", choices=tuple(EventType)),
    ),
)
async def read_event_log(call: Call[None]) -> Listed:
    """Every event that was announced in the last 90 days, oldest first, with what became of its deliveries.

    Events that happen at the same moment may appear in another order than their ids have; whoever must miss none asks
    again from an event some seconds back.
    """
    narrowed = Narrowed(
        after=call.filter_id("after"),
        since=call.filter_instant("from"),
        until=call.filter_instant("to"),
        event_type=call.filters["type"],
    )
    found = await read_log(call.tx, call.actor, call.page, narrowed)
    return Listed(list(found), [one.id for one in found])


@route("GET", "/api/v1/event-log/{event_id}", permission=P.WEBHOOKS_WRITE, answer=LoggedEvent)
async def read_event(call: Call[None], event_id: UUID) -> LoggedEvent:
    """One event of the last 90 days, as it was announced, with what became of its deliveries."""
    return await read_logged_event(call.tx, call.actor, event_id)


ROUTES = [read_event_log, read_event]
