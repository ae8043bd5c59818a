"""Webhook endpoints and their deliveries: added, paused, tried, removed, listed, sent again; secrets made anew.

What is kept here decides to whom events.announce writes a delivery; sending one again leaves a job in the outbox for
webhook.deliver, as the first time.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlmodel import select
from yarl import URL

from merchant.core import audit, clock, errors, outbox
from merchant.core.access import Actor, scope_to
from merchant.core.db import Reads, Tx
from merchant.core.locks import take_turn
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.throttle import Throttle
from merchant.notify import events, webhook
from merchant.notify.models import WebhookDelivery, WebhookEndpoint

MAX_ENDPOINTS = 20  # of one DFSP or merchant: an event is stored once for each

SECRET_OVERLAP = timedelta(hours=24)  # how long the secret before signs too, while receivers learn the new one
RESENT_AT_ONCE = 500  # failed deliveries of one endpoint by one call
COUNTED_FOR = timedelta(days=30)  # deliveries are kept longer; what is older than a month is nobody's alarm
_UNDELIVERED = """
SELECT d.endpoint_id, count(*) FILTER (WHERE NOT over) AS retrying, count(*) FILTER (WHERE over) AS given_up
FROM webhook_delivery d JOIN webhook_endpoint e ON e.id = d.endpoint_id,
  LATERAL (SELECT d.attempts >= $3 OR e.paused_at IS NOT NULL OR NOT e.enabled AS over) ends
WHERE d.endpoint_id = ANY($1) AND d.created_at > $2 AND d.state = 'failed' AND d.event_type <> $4
GROUP BY d.endpoint_id
"""
_FAILED = """
SELECT id FROM webhook_delivery
WHERE endpoint_id = $1 AND created_at > $2 AND state = 'failed' AND event_type <> $3
ORDER BY created_at, id LIMIT $4 FOR UPDATE
"""
_PENDING = "UPDATE webhook_delivery SET state = 'pending' WHERE id = ANY($1)"
_FORGET_SECRETS = """
UPDATE webhook_endpoint SET old_secret_sealed = NULL, old_secret_until = NULL WHERE id IN (
  SELECT id FROM webhook_endpoint WHERE old_secret_until < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


class TooManyEndpoints(errors.WrongState):
    code, title = "too_many_endpoints", _("There are too many endpoints already; remove one first")


class EndpointRemoved(errors.WrongState):
    code, title = "endpoint_removed", _("This endpoint was removed; nothing is sent to it any more")


class EndpointPaused(errors.WrongState):
    code, title = "endpoint_paused", _("This endpoint is paused; resume it first")


class EndpointExists(errors.Conflict):
    code, title = "endpoint_exists", _("There is an endpoint with this address already")


class TryRate:
    """How often one endpoint may be tried: its address is anyone's."""

    def __init__(self, _service: Service) -> None:
        self.rate = Throttle(per_minute=10, burst=10)


class Undelivered(Struct, frozen=True):
    """Deliveries of the last thirty days that have not arrived: those still tried, and those given up."""

    retrying: int = 0
    given_up: int = 0


class ResentFailed(Struct, frozen=True):
    """How many deliveries will be tried now, and whether these are all that had failed."""

    count: int
    is_all: bool


class MadeEndpoint(Struct, frozen=True):
    """An endpoint with a new secret, which is shown this once only."""

    row: WebhookEndpoint
    secret: str


async def create_endpoint(
    tx: Tx, service: Service, actor: Actor, url: str, event_types: list[events.EventType]
) -> MadeEndpoint:
    """Add an endpoint; no types means all.

    Raises InvalidFields for a URL not to be called, EndpointExists for one that is called already, TooManyEndpoints.
    """
    webhook.check_url(service.settings, url)
    await take_turn(tx, f"webhook_endpoint {actor.own_dfsp()} {actor.merchant_id}")
    own = select(WebhookEndpoint.url).where(WebhookEndpoint.enabled, WebhookEndpoint.merchant_id == actor.merchant_id)
    called = (await tx.session.exec(scope_to(actor, own, WebhookEndpoint))).all()
    if any(URL(one) == URL(url) for one in called):
        raise EndpointExists
    if len(called) >= MAX_ENDPOINTS:
        raise TooManyEndpoints(_("There are {count} endpoints already; remove one first.", count=MAX_ENDPOINTS))
    secret = webhook.new_secret()
    row = WebhookEndpoint(
        dfsp_id=actor.own_dfsp(), merchant_id=actor.merchant_id, url=url, event_types=[*event_types], secret_sealed=b""
    )
    row.secret_sealed = service.vault.seal(secret.encode(), f"webhook:{row.id}")
    tx.session.add(row)
    await audit.record(tx, actor, "webhook.created", "webhook_endpoint", row.id, dfsp_id=row.dfsp_id)
    return MadeEndpoint(row, secret)


async def endpoints(tx: Reads, actor: Actor) -> list[WebhookEndpoint]:
    """The endpoints that the actor may see, oldest first."""
    statement = scope_to(actor, select(WebhookEndpoint), WebhookEndpoint).order_by(WebhookEndpoint.id)
    return list((await tx.session.exec(statement)).all())


async def find_endpoint(tx: Reads, actor: Actor, endpoint_id: UUID) -> WebhookEndpoint:
    """One endpoint. Raises NotFound."""
    statement = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id)
    found: WebhookEndpoint = await tx.one(scope_to(actor, statement, WebhookEndpoint))
    return found


async def remove_endpoint(tx: Tx, actor: Actor, endpoint_id: UUID) -> None:
    """Stop telling an endpoint; its deliveries stay listed. Raises NotFound."""
    row = await find_endpoint(tx, actor, endpoint_id)
    row.enabled = False
    await audit.record(tx, actor, "webhook.removed", "webhook_endpoint", row.id, dfsp_id=row.dfsp_id)


async def resume_endpoint(tx: Tx, actor: Actor, endpoint_id: UUID) -> WebhookEndpoint:
    """Send to a paused endpoint again, from the next event on; what it missed is sent by `resend`, `resend_failed`.

    Raises NotFound, EndpointRemoved.
    """
    row = await find_endpoint(tx, actor, endpoint_id)
    if not row.enabled:
        raise EndpointRemoved
    if row.paused_at is not None:
        row.paused_at = row.pause_reason = row.failing_since = None
        await audit.record(tx, actor, "webhook.resumed", "webhook_endpoint", row.id, dfsp_id=row.dfsp_id)
    return row


async def pause_endpoint(tx: Tx, actor: Actor, endpoint_id: UUID) -> WebhookEndpoint:
    """Send nothing to an endpoint until it is resumed; what it misses is listed as failed.

    Raises NotFound, EndpointRemoved.
    """
    row = await find_endpoint(tx, actor, endpoint_id)
    if not row.enabled:
        raise EndpointRemoved
    if row.paused_at is None:
        row.paused_at, row.pause_reason = clock.now(), "asked"
        await audit.record(tx, actor, "webhook.paused", "webhook_endpoint", row.id, dfsp_id=row.dfsp_id)
    return row


async def rotate_secret(tx: Tx, service: Service, actor: Actor, endpoint_id: UUID) -> MadeEndpoint:
    """Give an endpoint a new secret; the one before signs beside it for a day, one from before that no more.

    Raises NotFound, EndpointRemoved.
    """
    statement = select(WebhookEndpoint).where(WebhookEndpoint.id == endpoint_id)
    row: WebhookEndpoint = await tx.one(scope_to(actor, statement, WebhookEndpoint).with_for_update())
    if not row.enabled:
        raise EndpointRemoved
    secret = webhook.new_secret()
    row.old_secret_sealed, row.old_secret_until = row.secret_sealed, clock.now() + SECRET_OVERLAP
    row.secret_sealed = service.vault.seal(secret.encode(), f"webhook:{row.id}")
    await audit.record(tx, actor, "webhook.rotated", "webhook_endpoint", row.id, dfsp_id=row.dfsp_id)
    return MadeEndpoint(row, secret)


async def send_test(tx: Tx, service: Service, actor: Actor, endpoint_id: UUID) -> WebhookDelivery:
    """Send a signed test to an endpoint, once, whatever types it asked for and before what waits for it.

    Raises NotFound, EndpointRemoved, EndpointPaused, TooManyRequests.
    """
    endpoint = await find_open(tx, actor, endpoint_id)
    if wait_s := service.shared(TryRate).rate.wait_s(str(endpoint.id)):
        told = _("This endpoint was tried ten times within a minute; wait a little.")
        raise errors.TooManyRequests(told, headers={"retry-after": str(int(wait_s) + 1)})
    event_id, body = events.ping(endpoint.id, endpoint.dfsp_id, clock.now())
    place: dict[str, Any] = {"dfsp_id": endpoint.dfsp_id, "endpoint_id": endpoint.id}
    delivery = WebhookDelivery(**place, event_id=event_id, event_type=events.EventType.TEST_PING, body=body)
    tx.session.add(delivery)
    await tx.flush()
    await outbox.add(tx, events.WEBHOOK_TOPIC, delivery.id, dfsp_id=endpoint.dfsp_id)
    return delivery


async def undelivered(tx: Reads, endpoint_ids: list[UUID]) -> dict[UUID, Undelivered]:
    """What has not arrived at some endpoints, which the caller may see; none for those that lack nothing."""
    since, ping = clock.now() - COUNTED_FOR, events.EventType.TEST_PING
    rows = await tx.fetch(_UNDELIVERED, endpoint_ids, since, outbox.MAX_ATTEMPTS, ping)
    return {row["endpoint_id"]: Undelivered(row["retrying"], row["given_up"]) for row in rows}


async def deliveries(tx: Reads, actor: Actor, endpoint_id: UUID, limit: int) -> list[WebhookDelivery]:
    """The newest deliveries of an endpoint. Raises NotFound."""
    endpoint = await find_endpoint(tx, actor, endpoint_id)
    table: Any = WebhookDelivery
    statement = select(table).where(table.endpoint_id == endpoint.id).order_by(table.created_at.desc()).limit(limit)
    return list((await tx.session.exec(statement)).all())


async def resend(tx: Tx, actor: Actor, endpoint_id: UUID, delivery_id: UUID) -> WebhookDelivery:
    """Send an event once more, with the same id. Raises NotFound, EndpointRemoved, EndpointPaused."""
    endpoint = await find_open(tx, actor, endpoint_id)
    statement = select(WebhookDelivery).where(
        WebhookDelivery.id == delivery_id, WebhookDelivery.endpoint_id == endpoint.id
    )
    delivery: WebhookDelivery = await tx.one(statement.with_for_update())
    delivery.state = "pending"
    await tx.flush()
    await outbox.add(
        tx, events.WEBHOOK_TOPIC, delivery.id, dfsp_id=endpoint.dfsp_id, order_key=f"webhook:{endpoint.id}"
    )
    return delivery


async def resend_failed(tx: Tx, actor: Actor, endpoint_id: UUID) -> ResentFailed:
    """Send again, oldest first and with their ids, what failed in the last thirty days: RESENT_AT_ONCE at most.

    One that is still tried is sent by whichever try comes first. Raises NotFound, EndpointRemoved, EndpointPaused.
    """
    endpoint = await find_open(tx, actor, endpoint_id)
    since, ping = clock.now() - COUNTED_FOR, events.EventType.TEST_PING
    rows = await tx.fetch(_FAILED, endpoint.id, since, ping, RESENT_AT_ONCE + 1)
    chosen = [row["id"] for row in rows[:RESENT_AT_ONCE]]
    if not chosen:
        return ResentFailed(0, is_all=True)
    await tx.execute(_PENDING, chosen)
    for delivery_id in chosen:
        await outbox.add(
            tx, events.WEBHOOK_TOPIC, delivery_id, dfsp_id=endpoint.dfsp_id, order_key=f"webhook:{endpoint.id}"
        )
    detail: dict[str, Any] = {"count": len(chosen)}
    await audit.record(tx, actor, "webhook.resent", "webhook_endpoint", endpoint.id, dfsp_id=endpoint.dfsp_id, **detail)
    return ResentFailed(len(chosen), is_all=len(rows) <= RESENT_AT_ONCE)


async def find_open(tx: Reads, actor: Actor, endpoint_id: UUID) -> WebhookEndpoint:
    """An endpoint to which something may be sent. Raises NotFound, EndpointRemoved, EndpointPaused."""
    endpoint = await find_endpoint(tx, actor, endpoint_id)
    if not endpoint.enabled:
        raise EndpointRemoved
    if endpoint.paused_at is not None:
        raise EndpointPaused
    return endpoint


async def forget_old_secrets(tx: Tx, limit: int) -> int:
    """Blank secrets that sign no more; how many there were, at most `limit`."""
    return await tx.execute(_FORGET_SECRETS, clock.now(), limit)
