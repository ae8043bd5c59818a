"""Webhooks after the Standard Webhooks specification: signed, retried, in order an endpoint, every delivery listed.

The worker calls `deliver`; whoever changes endpoints is notify/routes.py. An endpoint must be reachable over https;
with MERCHANT_WEBHOOK_LOOPBACK (the demo, tests) http on this machine is allowed besides.
"""

import base64
import hashlib
import hmac
import secrets
import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import aiohttp
import structlog
from yarl import URL

from merchant import __version__
from merchant.core import clock, errors, outbox, trace
from merchant.core.service import Service
from merchant.core.settings import Settings
from merchant.core.texts import _
from merchant.notify.addresses import is_public_address, is_public_host
from merchant.notify.events import NOTICE_TOPIC, EventType, Notice
from merchant.notify.kinds import StaffKind

SECRET_PREFIX = "whsec_"  # noqa: S105 - Standard Webhooks, not a secret
TIMEOUT = aiohttp.ClientTimeout(total=15, connect=5)  # Standard Webhooks recommends 15 to 30 s
KEPT_ANSWER_CHARS = 500
_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
_log = structlog.get_logger()

_READ = """
SELECT d.event_id, d.event_type, d.body, d.state, e.id AS endpoint_id, e.url, e.secret_sealed, e.old_secret_sealed,
  e.old_secret_until, e.enabled, e.paused_at, e.dfsp_id, e.merchant_id, e.failing_since, d.attempts
FROM webhook_delivery d JOIN webhook_endpoint e ON e.id = d.endpoint_id WHERE d.id = $1
"""
_NOTE = """
UPDATE webhook_delivery SET attempts = attempts + 1, state = $2::text, response_status = $3, response_start = $4,
  delivered_at = CASE WHEN $2::text = 'delivered' THEN $5::timestamptz END WHERE id = $1
"""
# What comes while an endpoint is paused is listed as failed, and can be sent again once it is resumed.
_MISSED = "UPDATE webhook_delivery SET state = 'failed', response_start = $2 WHERE id = $1"
_PAUSE = """
UPDATE webhook_endpoint SET paused_at = $2, pause_reason = $3 WHERE id = $1 AND paused_at IS NULL
"""
# Since the first failure after something was taken; what is taken ends it.
_FAILS = "UPDATE webhook_endpoint SET failing_since = coalesce(failing_since, $2) WHERE id = $1"
_WORKS = "UPDATE webhook_endpoint SET failing_since = NULL WHERE id = $1"
# Longer than a weekend on which nobody looks; and after some tries, so that one hiccup after days of silence is none.
PAUSED_AFTER, PAUSED_AFTER_ATTEMPTS = timedelta(days=3), 5
GONE = 410  # Standard Webhooks: the receiver wants no more, disable the endpoint
_PAUSED = "the endpoint is paused"
USER_AGENT = f"merchant/{__version__} (webhooks)"


class NotDelivered(Exception):
    """The endpoint did not take the event; `retry` in core/outbox.py schedules the next try."""


def new_secret() -> str:
    """A fresh signing secret, as its owner gets it."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signature(secret: str, event_id: str, timestamp_s: int, body: bytes) -> str:
    """The `webhook-signature` header: version 1, HMAC-SHA256 over `id.timestamp.body`."""
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{event_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def check_url(settings: Settings, url: str) -> None:
    """Refuse endpoints that would let a caller reach into our own network. Raises InvalidFields."""
    if not _leads_outside(settings, url):
        raise errors.invalid_field("url", "not_https", _("Give a public https address without a user name."))


def _leads_outside(settings: Settings, url: str) -> bool:
    """Whether the text of an address may be called, read as the client reads it; its name is resolved later."""
    try:
        target = URL(url)
    except ValueError:
        return False
    host = target.raw_host or ""
    if target.user is not None:
        return False
    if target.scheme == "http":
        return settings.webhook_loopback and host in _THIS_MACHINE
    return target.scheme == "https" and is_public_host(host.lower())


class _PublicOnly(aiohttp.ThreadedResolver):
    """Resolves names to public addresses only: a name may not point into our own network."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[aiohttp.abc.ResolveResult]:
        found = await super().resolve(host, port, family)
        public = [entry for entry in found if is_public_address(entry["host"])]
        if not public:
            raise OSError("the endpoint's name leads to no public address")
        return public


async def deliver(service: Service, http: aiohttp.ClientSession, delivery_id: UUID) -> None:
    """Send one event to one endpoint; one that answers 410 Gone, or has taken nothing for PAUSED_AFTER, is paused.

    Raises NotDelivered to be tried again, but for a test.
    """
    async with service.db.system_reads() as tx:
        row = await tx.fetchrow(_READ, delivery_id)
    if row is None or row["state"] == "delivered" or not row["enabled"]:
        return
    if row["paused_at"] is not None:
        async with service.db.system_statements() as tx:
            await tx.execute(_MISSED, delivery_id, _PAUSED)
        return
    event_id, now_s = str(row["event_id"]), int(clock.now().timestamp())
    signatures = [signature(secret, event_id, now_s, row["body"]) for secret in _secrets(service, row)]
    headers = {
        "content-type": "application/json",
        "user-agent": USER_AGENT,
        "webhook-id": event_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join(signatures),
    }
    if (parent := trace.traceparent()) is not None:
        headers["traceparent"] = parent
    status, text = await _post(service.settings, http, row["url"], row["body"], headers)
    taken = status is not None and 200 <= status < 300
    state = "delivered" if taken else "failed"
    async with service.db.system_statements() as tx:
        await tx.execute(_NOTE, delivery_id, state, status, text[:KEPT_ANSWER_CHARS].replace("\x00", ""), clock.now())
    if reason := "answered_410" if status == GONE else await _failing(service, row, taken=taken):
        async with service.db.system() as tx:
            paused = await tx.execute(_PAUSE, row["endpoint_id"], now := clock.now(), reason)
            if paused and row["merchant_id"] is None:  # a merchant's own is its own affair
                notice = Notice(StaffKind.WEBHOOK_PAUSED, row["dfsp_id"], None, now, {"reason": reason})
                await outbox.add(tx, NOTICE_TOPIC, notice)
        _log.warning("webhook_endpoint_paused", endpoint=str(row["endpoint_id"]), status=status, reason=reason)
        return
    if not taken and row["event_type"] != EventType.TEST_PING:  # who tries an endpoint looks now, not tomorrow
        raise NotDelivered(f"the endpoint answered {status or text}")


async def _failing(service: Service, row: Mapping[str, Any], *, taken: bool) -> str | None:
    """Note since when an endpoint takes nothing; why to pause it, where that is too long. A test that fails is none."""
    since: datetime | None = row["failing_since"]
    if taken:
        if since is not None:
            async with service.db.system_statements() as tx:
                await tx.execute(_WORKS, row["endpoint_id"])
        return None
    if row["event_type"] == EventType.TEST_PING:
        return None
    if since is None:
        async with service.db.system_statements() as tx:
            await tx.execute(_FAILS, row["endpoint_id"], clock.now())
        return None
    is_long = clock.now() - since >= PAUSED_AFTER and row["attempts"] + 1 >= PAUSED_AFTER_ATTEMPTS
    return "failing" if is_long else None


def _secrets(service: Service, row: Mapping[str, Any]) -> list[str]:
    """The endpoint's secrets that sign: the present one, and for a day the one before it."""
    sealed = [row["secret_sealed"]]
    if row["old_secret_until"] is not None and row["old_secret_until"] > clock.now():
        sealed.append(row["old_secret_sealed"])
    return [service.vault.open(one, f"webhook:{row['endpoint_id']}").decode() for one in sealed]


async def _post(
    settings: Settings, http: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]
) -> tuple[int | None, str]:
    # Asked again, since an endpoint may be older than the setting.
    if not _leads_outside(settings, url):
        return None, "not a public https address"
    try:
        if URL(url).scheme == "http":
            return await _exchange(http, url, body, headers)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=_PublicOnly())) as guarded:
            return await _exchange(guarded, url, body, headers)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        return None, type(error).__name__


async def _exchange(
    http: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]
) -> tuple[int | None, str]:
    async with http.post(url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False) as response:
        try:
            start = await response.content.read(KEPT_ANSWER_CHARS)
        except (aiohttp.ClientError, TimeoutError):
            start = b""  # the status was the answer
        return response.status, start.decode(errors="replace")
