"""JSON routes of the audit record: who did what, in the caller's DFSP or at the hub."""

from typing import Any
from uuid import UUID

from msgspec import Struct

from merchant.core.access import Permission as P
from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.core.http.route import Call, Filter, Listed, route
from merchant.people import records

_BETWEEN = (
    Filter("from", "Only those at this time or later, RFC 3339.", kind="instant"),
    Filter("to", "Only those before this time, RFC 3339.", kind="instant"),
)


class AuditView(Struct, frozen=True):
    """One entry of the audit record.

    `actor_name` is what the person or the key is called today; null for the service and for staff of the hub.
    `detail.reason` is what was given as reason; the entry itself holds its keyed digest.
    """

    seq: int
    at: Instant
    actor_kind: str
    actor_id: UUID
    actor_name: str | None
    action: str
    subject_type: str
    subject_id: str
    detail: dict[str, Any]
    hash: str


def audit_view(found: records.Recorded) -> AuditView:
    """An entry of the audit record."""
    row = found.entry
    return AuditView(
        seq=row.seq,
        at=web.at(row.at),
        actor_kind=row.actor_kind,
        actor_id=row.actor_id,
        actor_name=found.actor_name,
        action=row.action,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        detail=row.detail if found.reason is None else row.detail | {"reason": found.reason},
        hash=row.hash.hex(),
    )


@route(
    "GET",
    "/api/v1/audit",
    permission=P.AUDIT_READ,
    items=AuditView,
    paged=True,
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
    return Listed([audit_view(row) for row in rows], [UUID(int=row.entry.seq) for row in rows])


ROUTES = [read_audit]
