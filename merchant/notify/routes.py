"""JSON routes of webhook endpoints and their deliveries.

What is kept here decides to whom events.announce writes a delivery; sending one again leaves a job in the outbox for
webhook.deliver, as the first time.
"""

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, post
from litestar.datastructures import State
from litestar.params import FromPath
from msgspec import Meta, Struct
from sqlmodel import select

from merchant.core import audit, errors, outbox
from merchant.core.access import Permission as P
from merchant.core.access import scope_to
from merchant.core.db import Tx
from merchant.core.http import json as web
from merchant.core.http.json import actor_of, answer, body, needs, path_id, service_of
from merchant.notify import events, webhook
from merchant.notify.models import WebhookDelivery, WebhookEndpoint

Req = Request[Any, Any, State]
Answer = Response[bytes]
MAX_ENDPOINTS = 20  # of one DFSP or merchant: an event is stored once for each


class NewEndpoint(Struct, frozen=True, forbid_unknown_fields=True):
    """An address that wants to hear of events; no types means all."""

    url: Annotated[str, Meta(min_length=8, max_length=500)]
    event_types: Annotated[list[str], Meta(max_length=50)] = []


class EndpointView(Struct, frozen=True):
    """An endpoint; its secret is shown once, when it is made."""

    id: UUID
    url: str
    event_types: list[str]
    enabled: bool
    created_at: str | None
    secret: str | None = None


class DeliveryView(Struct, frozen=True):
    """One event for one endpoint, and what came of it."""

    id: UUID
    event_id: UUID
    event_type: str
    state: str
    attempts: int
    response_status: int | None
    response_start: str | None
    created_at: str | None
    delivered_at: str | None


class Resent(Struct, frozen=True):
    """A delivery that will be tried again."""

    id: UUID
    state: str


def _view(row: WebhookEndpoint, secret: str | None = None) -> EndpointView:
    return EndpointView(row.id, row.url, row.event_types, row.enabled, web.at(row.created_at), secret)


@post("/api/v1/webhook-endpoints", opt=needs(P.WEBHOOKS_WRITE, body=NewEndpoint, answer=EndpointView))
async def create_endpoint(request: Req) -> Answer:
    """Add an endpoint; keep the secret it answers with."""
    new = await body(request, NewEndpoint)
    service, actor = service_of(request), actor_of(request)
    webhook.check_url(service.settings, new.url)
    unknown = sorted(set(new.event_types) - events.EVENT_TYPES)
    if unknown:
        raise errors.invalid_field("event_types", "unknown", f"There is no event type {unknown[0]!r}.")
    secret = webhook.new_secret()
    row = WebhookEndpoint(
        dfsp_id=actor.own_dfsp(),
        merchant_id=actor.merchant_id,
        url=new.url,
        event_types=new.event_types,
        secret_sealed=b"",
    )
    row.secret_sealed = service.vault.seal(secret.encode(), f"webhook:{row.id}")
    async with service.db.tenant(actor.dfsp_id) as tx:
        own = select(WebhookEndpoint.id).where(
            WebhookEndpoint.enabled, WebhookEndpoint.merchant_id == actor.merchant_id
        )
        count = len((await tx.session.exec(scope_to(actor, own, WebhookEndpoint))).all())
        if count >= MAX_ENDPOINTS:
            raise errors.WrongState(f"There are {count} endpoints already; remove one first.")
        tx.session.add(row)
        await audit.record(tx, actor, "webhook.created", "webhook_endpoint", row.id, dfsp_id=row.dfsp_id)
    return answer(_view(row, secret), 201)


@get("/api/v1/webhook-endpoints", opt=needs(P.WEBHOOKS_WRITE, items=EndpointView))
async def list_endpoints(request: Req) -> Answer:
    """List the endpoints."""
    web.page_of(request)  # there are few, all on one page; a query that means nothing is told so all the same
    actor = actor_of(request)
    statement = scope_to(actor, select(WebhookEndpoint), WebhookEndpoint).order_by(WebhookEndpoint.id)
    async with service_of(request).db.tenant(actor.dfsp_id) as tx:
        rows = (await tx.session.exec(statement)).all()
    return answer({"items": [_view(row) for row in rows], "next_cursor": None})


async def _endpoint(request: Req, tx: Tx, endpoint_id: UUID) -> WebhookEndpoint:
    statement = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id)
    found = (await tx.session.exec(scope_to(actor_of(request), statement, WebhookEndpoint))).one_or_none()
    if found is None:
        raise errors.NotFound
    return found  # type: ignore[no-any-return]


@delete("/api/v1/webhook-endpoints/{endpoint_id:str}", status_code=204, opt=needs(P.WEBHOOKS_WRITE))
async def remove_endpoint(request: Req, endpoint_id: FromPath[str]) -> None:
    """Stop telling an endpoint; its deliveries stay listed."""
    actor = actor_of(request)
    async with service_of(request).db.tenant(actor.dfsp_id) as tx:
        row = await _endpoint(request, tx, path_id(endpoint_id))
        row.enabled = False
        await audit.record(tx, actor, "webhook.removed", "webhook_endpoint", row.id, dfsp_id=row.dfsp_id)


@get(
    "/api/v1/webhook-endpoints/{endpoint_id:str}/deliveries",
    opt=needs(P.WEBHOOKS_WRITE, items=DeliveryView, query=("limit",)),
)
async def list_deliveries(request: Req, endpoint_id: FromPath[str]) -> Answer:
    """The endpoint's deliveries, newest first."""
    limit = web.limit_of(request)
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        endpoint = await _endpoint(request, tx, path_id(endpoint_id))
        statement = (
            select(WebhookDelivery)
            .where(WebhookDelivery.endpoint_id == endpoint.id)
            .order_by(WebhookDelivery.created_at.desc())  # type: ignore[attr-defined]
            .limit(limit)
        )
        rows = (await tx.session.exec(statement)).all()
    views = [
        DeliveryView(
            row.id,
            row.event_id,
            row.event_type,
            row.state,
            row.attempts,
            row.response_status,
            row.response_start,
            web.at(row.created_at),
            web.at(row.delivered_at),
        )
        for row in rows
    ]
    return answer({"items": views, "next_cursor": None})


@post(
    "/api/v1/webhook-endpoints/{endpoint_id:str}/deliveries/{delivery_id:str}/resend",
    status_code=202,
    opt=needs(P.WEBHOOKS_WRITE, answer=Resent),
)
async def resend(request: Req, endpoint_id: FromPath[str], delivery_id: FromPath[str]) -> Answer:
    """Send an event once more, with the same id."""
    async with service_of(request).db.tenant(actor_of(request).dfsp_id) as tx:
        endpoint = await _endpoint(request, tx, path_id(endpoint_id))
        if not endpoint.enabled:
            raise errors.WrongState("This endpoint was removed; nothing is sent to it any more.")
        statement = select(WebhookDelivery).where(
            WebhookDelivery.id == path_id(delivery_id), WebhookDelivery.endpoint_id == endpoint.id
        )
        delivery = (await tx.session.exec(statement.with_for_update())).one_or_none()
        if delivery is None:
            raise errors.NotFound
        delivery.state = "pending"
        await tx.flush()
        await outbox.add(
            tx, events.WEBHOOK_TOPIC, delivery.id, dfsp_id=endpoint.dfsp_id, order_key=f"webhook:{endpoint.id}"
        )
    return answer(Resent(delivery.id, delivery.state), 202)


ROUTES = [create_endpoint, list_endpoints, remove_endpoint, list_deliveries, resend]
