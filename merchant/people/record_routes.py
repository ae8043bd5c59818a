"""JSON routes of the audit record and the security events: who did what, and what was tried."""

from typing import Any
from uuid import UUID

from msgspec import Struct

from merchant.core import texts
from merchant.core.access import Permission as P
from merchant.core.evidence import SecurityEvent, StoredEvent
from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.core.http.route import Call, Filter, Listed, route
from merchant.core.paging import BY_AGE
from merchant.people import history, records

_BETWEEN = (
    Filter("from", "Only those at this time or later, RFC 3339.", kind="instant"),
    Filter("to", "Only those before this time, RFC 3339.", kind="instant"),
)


class AuditView(Struct, frozen=True):
    """One entry of the audit record.

    `actor_name` is what the person or the key is called today, `subject_name` what it is about; null for the service
    and for what has no name. To a DFSP, staff of the hub are just that. `detail.reason` is what was given as reason;
    the entry itself holds its keyed digest.
    """

    seq: int
    at: Instant
    actor_kind: str
    actor_id: UUID
    actor_name: str | None
    action: str
    subject_type: str
    subject_id: str
    subject_name: str | None
    detail: dict[str, Any]
    hash: str


def audit_view(found: records.Recorded, language: str) -> AuditView:
    """An entry of the audit record, in a language."""
    row = found.entry
    return AuditView(
        seq=row.seq,
        at=web.at(row.at),
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        actor_name=None if found.actor_name is None else texts.translate(found.actor_name, language),
        action=row.action,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        subject_name=found.subject_name,
        detail=row.detail if found.reason is None else row.detail | {"reason": found.reason},
        hash=row.hash.hex(),
    )


@route(
    "GET",
    "/api/v1/audit",
    permission=P.AUDIT_READ,
    items=AuditView,
    paged=True,
    sorts=BY_AGE,
    filters=(
        Filter("subject_id", "Only those about this thing."),
        Filter("action", "Only those of this action, such as application.approved."),
        Filter("actor_id", "Only those of this person or key.", kind="uuid"),
        *_BETWEEN,
    ),
)
async def read_audit(call: Call[None]) -> Listed:
    """The audit record of the caller's DFSP (the hub's own for hub staff), newest first."""
    narrowed = records.Narrowed(
        subject_id=call.filters["subject_id"],
        action=call.filters["action"],
        actor_id=call.filter_id("actor_id"),
        since=call.filter_instant("from"),
        until=call.filter_instant("to"),
    )
    rows = await records.audit_entries(call.tx, call.actor, call.page, narrowed)
    # A cursor is an id; an entry has a number, which is written as one.
    language = web.language_of(call.request)
    return Listed([audit_view(row, language) for row in rows], [UUID(int=row.entry.seq) for row in rows])


@route(
    "GET",
    "/api/v1/merchants/{merchant_id}/history",
    permission=P.MERCHANTS_READ,
    items=AuditView,
    paged=True,
    sorts=BY_AGE,
)
async def list_merchant_history(call: Call[None], merchant_id: UUID) -> Listed:
    """Everything that ever happened to a merchant, newest first; for staff of its DFSP and of the hub.

    That is the audit record of the merchant, its counters and stickers, applications, cases, documents and blocks.
    """
    rows = await history.merchant_history(call.tx, call.actor, merchant_id, call.page)
    language = web.language_of(call.request)
    return Listed([audit_view(row, language) for row in rows], [history.cursor_of(row.entry) for row in rows])


class SecurityEventView(Struct, frozen=True):
    """A sign-in, a refusal, the use of a key, or a look at personal data."""

    id: UUID
    at: Instant
    kind: SecurityEvent
    actor_kind: str | None
    actor_id: UUID | None
    actor_name: str | None
    dfsp_id: UUID | None
    source: str | None
    subject: str | None
    detail: dict[str, Any]


def security_event_view(row: StoredEvent, actor_name: str | None) -> SecurityEventView:
    """A security event."""
    return SecurityEventView(
        id=row.id,
        at=web.at(row.at),
        kind=SecurityEvent(row.kind),
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        actor_name=actor_name,
        dfsp_id=row.dfsp_id,
        source=row.source,
        subject=row.subject,
        detail=row.detail,
    )


@route(
    "GET",
    "/api/v1/security-events",
    permission=P.AUDIT_READ,
    items=SecurityEventView,
    paged=True,
    sorts=BY_AGE,
    filters=(
        Filter("kind", "Only those of this kind.", choices=tuple(SecurityEvent)),
        Filter("actor_id", "Only those of this person or key.", kind="uuid"),
        Filter("subject", "Only those about this thing, such as an application whose people were looked at."),
        *_BETWEEN,
    ),
)
async def list_security_events(call: Call[None]) -> Listed:
    """List security events of the last ninety days, newest first: the DFSP's own, all for hub staff."""
    narrowed = records.Narrowed(
        subject_id=call.filters["subject"],
        actor_id=call.filter_id("actor_id"),
        since=call.filter_instant("from"),
        until=call.filter_instant("to"),
    )
    rows = await records.security_events(call.tx, call.actor, call.page, narrowed, call.filters["kind"])
    language = web.language_of(call.request)
    views = [security_event_view(row, name and texts.translate(name, language)) for row, name in rows]
    return Listed(views, [row.id for row, _ in rows])


ROUTES = [read_audit, list_merchant_history, list_security_events]
