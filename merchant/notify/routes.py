"""JSON routes of webhook endpoints and their deliveries: call the operation of endpoints.py, show the result."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from msgspec import Meta, Struct, convert, field

from merchant.core import errors
from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.core.http.filters import is_instant
from merchant.core.http.route import Call, Filter, route
from merchant.core.paging import DEFAULT_LIMIT, MAX_LIMIT
from merchant.core.texts import _
from merchant.notify import endpoints, replays
from merchant.notify.events import EventType
from merchant.notify.models import WebhookDelivery, WebhookEndpoint

DeliveryState = Literal["pending", "delivered", "failed"]
PauseReason = Literal["answered_410", "asked", "failing"]


class NewEndpoint(Struct, frozen=True, forbid_unknown_fields=True):
    """An address to which events are sent; no types means all."""

    url: Annotated[str, Meta(min_length=8, max_length=500)]
    event_types: Annotated[list[EventType], Meta(max_length=50)] = []


class Replay(Struct, frozen=True, forbid_unknown_fields=True):
    """Which events are sent once more: those announced from a time on, and before another, after one that is known."""

    since: Annotated[str, Meta(max_length=40, extra_json_schema={"format": "date-time"})] = field(name="from")
    until: Annotated[str, Meta(max_length=40, extra_json_schema={"format": "date-time"})] | None = field(
        name="to", default=None
    )
    after: UUID | None = None


class EndpointView(Struct, frozen=True):
    """An endpoint; its secret is shown once, when it is made or rotated.

    One that answered 410 Gone, or has taken nothing for three days, is paused until it is resumed; what it misses is
    kept. `undelivered` counts the last thirty days. Until `old_secret_until` the secret before signs too.
    """

    id: UUID
    url: str
    event_types: list[EventType]
    enabled: bool
    created_at: Instant
    paused: bool
    paused_at: Instant | None
    pause_reason: PauseReason | None
    failing_since: Instant | None
    undelivered: endpoints.Undelivered
    old_secret_until: Instant | None
    secret: str | None = None


class DeliveryView(Struct, frozen=True):
    """One event for one endpoint, and what came of it."""

    id: UUID
    event_id: UUID
    event_type: EventType
    state: DeliveryState
    attempts: int
    response_status: int | None
    response_start: str | None
    created_at: Instant
    delivered_at: Instant | None


class Resent(Struct, frozen=True):
    """A delivery that will be tried now."""

    id: UUID
    state: DeliveryState


def _endpoint_view(
    row: WebhookEndpoint, secret: str | None = None, undelivered: endpoints.Undelivered | None = None
) -> EndpointView:
    return EndpointView(
        id=row.id,
        url=row.url,
        event_types=convert(row.event_types, list[EventType]),
        enabled=row.enabled,
        created_at=web.at(row.created_at),
        paused=row.paused_at is not None,
        paused_at=web.at_or_none(row.paused_at),
        pause_reason=convert(row.pause_reason, PauseReason | None),
        failing_since=web.at_or_none(row.failing_since),
        undelivered=undelivered or endpoints.Undelivered(),
        old_secret_until=web.at_or_none(row.old_secret_until),
        secret=secret,
    )


async def _shown(call: Call[Any], row: WebhookEndpoint, secret: str | None = None) -> EndpointView:
    """An endpoint with what has not arrived there."""
    return _endpoint_view(row, secret, (await endpoints.undelivered(call.tx, [row.id])).get(row.id))


def _delivery_view(row: WebhookDelivery) -> DeliveryView:
    return DeliveryView(
        id=row.id,
        event_id=row.event_id,
        event_type=EventType(row.event_type),
        state=convert(row.state, DeliveryState),
        attempts=row.attempts,
        response_status=row.response_status,
        response_start=row.response_start,
        created_at=web.at(row.created_at),
        delivered_at=web.at_or_none(row.delivered_at),
    )


@route(
    "POST",
    "/api/v1/webhook-endpoints",
    permission=P.WEBHOOKS_WRITE,
    body=NewEndpoint,
    answer=EndpointView,
    status=201,
    idempotency_key="optional",
    raises=(endpoints.EndpointExists, endpoints.TooManyEndpoints),
)
async def create_webhook_endpoint(call: Call[NewEndpoint]) -> EndpointView:
    """Add an endpoint; keep the secret it answers with."""
    made = await endpoints.create_endpoint(call.tx, call.service, call.actor, call.body.url, call.body.event_types)
    return _endpoint_view(made.row, made.secret)


@route("GET", "/api/v1/webhook-endpoints", permission=P.WEBHOOKS_WRITE, items=EndpointView)
async def list_webhook_endpoints(call: Call[None]) -> list[EndpointView]:
    """List the endpoints, on one page."""
    rows = await endpoints.endpoints(call.tx, call.actor)
    lacking = await endpoints.undelivered(call.tx, [row.id for row in rows])
    return [_endpoint_view(row, undelivered=lacking.get(row.id)) for row in rows]


@route("GET", "/api/v1/webhook-endpoints/{endpoint_id}", permission=P.WEBHOOKS_WRITE, answer=EndpointView)
async def read_webhook_endpoint(call: Call[None], endpoint_id: UUID) -> EndpointView:
    """Read one endpoint."""
    return await _shown(call, await endpoints.find_endpoint(call.tx, call.actor, endpoint_id))


@route(
    "POST",
    "/api/v1/webhook-endpoints/{endpoint_id}/resume",
    permission=P.WEBHOOKS_WRITE,
    answer=EndpointView,
    raises=(endpoints.EndpointRemoved,),
)
async def resume_webhook_endpoint(call: Call[None], endpoint_id: UUID) -> EndpointView:
    """Send to a paused endpoint again, from the next event on; what it missed is sent again when asked for."""
    return await _shown(call, await endpoints.resume_endpoint(call.tx, call.actor, endpoint_id))


@route(
    "POST",
    "/api/v1/webhook-endpoints/{endpoint_id}/pause",
    permission=P.WEBHOOKS_WRITE,
    answer=EndpointView,
    raises=(endpoints.EndpointRemoved,),
)
async def pause_webhook_endpoint(call: Call[None], endpoint_id: UUID) -> EndpointView:
    """Send an endpoint nothing until it is resumed; what it misses is listed as failed and can be sent again."""
    return await _shown(call, await endpoints.pause_endpoint(call.tx, call.actor, endpoint_id))


@route(
    "POST",
    "/api/v1/webhook-endpoints/{endpoint_id}/rotate",
    permission=P.WEBHOOKS_WRITE,
    answer=EndpointView,
    idempotency_key="optional",
    raises=(endpoints.EndpointRemoved,),
)
async def rotate_webhook_secret(call: Call[None], endpoint_id: UUID) -> EndpointView:
    """Give an endpoint a new secret; keep what this answers with. For 24 hours the one before signs too.

    The header `webhook-signature` holds both then, with a blank between them, as Standard Webhooks has it.
    """
    made = await endpoints.rotate_secret(call.tx, call.service, call.actor, endpoint_id)
    return await _shown(call, made.row, made.secret)


@route(
    "POST",
    "/api/v1/webhook-endpoints/{endpoint_id}/test",
    permission=P.WEBHOOKS_WRITE,
    answer=Resent,
    status=202,
    raises=(endpoints.EndpointRemoved, endpoints.EndpointPaused, errors.TooManyRequests),
)
async def test_webhook_endpoint(call: Call[None], endpoint_id: UUID) -> Resent:
    """Send a signed event `test.ping` to an endpoint at once and only once; its deliveries show what came of it."""
    delivery = await endpoints.send_test(call.tx, call.service, call.actor, endpoint_id)
    return Resent(delivery.id, convert(delivery.state, DeliveryState))


@route("DELETE", "/api/v1/webhook-endpoints/{endpoint_id}", permission=P.WEBHOOKS_WRITE, status=204)
async def remove_webhook_endpoint(call: Call[None], endpoint_id: UUID) -> None:
    """Stop telling an endpoint; its deliveries stay listed."""
    await endpoints.remove_endpoint(call.tx, call.actor, endpoint_id)


@route(
    "GET",
    "/api/v1/webhook-endpoints/{endpoint_id}/deliveries",
    permission=P.WEBHOOKS_WRITE,
    items=DeliveryView,
    raises=(errors.InvalidPage,),
    filters=(
        Filter(
            "limit",
            "How many at most.",
            kind="integer",
            schema={"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
        ),
    ),
)
async def list_webhook_deliveries(call: Call[None], endpoint_id: UUID) -> list[DeliveryView]:
    """The endpoint's deliveries, newest first."""
    limit = web.limit_of(call.query)
    return [_delivery_view(row) for row in await endpoints.deliveries(call.tx, call.actor, endpoint_id, limit)]


@route(
    "POST",
    "/api/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/resend",
    permission=P.WEBHOOKS_WRITE,
    answer=Resent,
    status=202,
    raises=(endpoints.EndpointRemoved, endpoints.EndpointPaused),
)
async def resend_webhook_delivery(call: Call[None], endpoint_id: UUID, delivery_id: UUID) -> Resent:
    """Send an event once more, with the same id."""
    delivery = await endpoints.resend(call.tx, call.actor, endpoint_id, delivery_id)
    return Resent(delivery.id, convert(delivery.state, DeliveryState))


@route(
    "POST",
    "/api/v1/webhook-endpoints/{endpoint_id}/resend-failed",
    permission=P.WEBHOOKS_WRITE,
    answer=endpoints.ResentFailed,
    status=202,
    raises=(endpoints.EndpointRemoved, endpoints.EndpointPaused),
)
async def resend_failed_webhook_deliveries(call: Call[None], endpoint_id: UUID) -> endpoints.ResentFailed:
    """Send again what failed in the last thirty days, also what a paused endpoint missed: 500 at most, oldest first."""
    return await endpoints.resend_failed(call.tx, call.actor, endpoint_id)


@route(
    "POST",
    "/api/v1/webhook-endpoints/{endpoint_id}/replay",
    permission=P.WEBHOOKS_WRITE,
    body=Replay,
    answer=replays.Replayed,
    status=202,
    idempotency_key="optional",
    raises=(endpoints.EndpointRemoved, endpoints.EndpointPaused),
)
async def replay_webhook_events(call: Call[Replay], endpoint_id: UUID) -> replays.Replayed:
    """Send an endpoint every event from a time on, also those that it had or is younger than: 500 at most, in order.

    Of the last 90 days there are events to send, of the types that the endpoint asks for. A receiver knows by their ids
    which it had. Where there are more, ask again `after` the last one.
    """
    since = _instant("from", call.body.since)
    until = None if call.body.until is None else _instant("to", call.body.until)
    asked = replays.Asked(since=since, until=until, after=call.body.after)
    return await replays.replay(call.tx, call.actor, endpoint_id, asked)


def _instant(name: str, text: str) -> datetime:
    """A time of a body. Raises InvalidFields."""
    if not is_instant(text):
        told = _("{name} must be a time as RFC 3339 writes it, such as 2026-11-29T08:00:00Z.", name=name)
        raise errors.invalid_field(name, "not_a_time", told)
    return datetime.fromisoformat(text)


ROUTES = [
    create_webhook_endpoint,
    list_webhook_endpoints,
    read_webhook_endpoint,
    remove_webhook_endpoint,
    pause_webhook_endpoint,
    resume_webhook_endpoint,
    rotate_webhook_secret,
    test_webhook_endpoint,
    list_webhook_deliveries,
    resend_webhook_delivery,
    resend_failed_webhook_deliveries,
    replay_webhook_events,
]
