"""Reads of the audit record and of the security events, with the names of those who acted.

An auditor sees what belongs to the own DFSP; hub staff see the hub's own audit chain and all security events. People
and keys are named as they are called today; hub staff who acted on a DFSP are told to it as such, and not by name.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from msgspec import Struct
from sqlmodel import col, select

from merchant.core import audit, paging
from merchant.core.access import Actor, scope_to
from merchant.core.audit import AuditEntry
from merchant.core.db import Tx
from merchant.core.evidence import StoredEvent
from merchant.core.paging import Page
from merchant.core.texts import _
from merchant.people.subjects import subject_names
from merchant.people.unseen import APPLICANT, BEGINNER

HUB_STAFF = _("Hub staff")
_NAMES = f"""
SELECT id, CASE WHEN {BEGINNER} THEN '{APPLICANT}' ELSE name END AS name FROM app_user WHERE id = ANY($1)
UNION ALL SELECT id, name FROM api_key WHERE id = ANY($1)
"""  # noqa: S608 - constants
_REASONS = """
SELECT r.dfsp_id, r.seq, r.reason_sealed FROM unnest($1::uuid[], $2::bigint[]) AS asked (dfsp_id, seq)
JOIN audit_reason r USING (dfsp_id, seq)
"""


class Narrowed(Struct, frozen=True, kw_only=True):
    """What a list of records is narrowed to."""

    subject_id: str | None = None
    action: str | None = None
    actor_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


class Recorded(Struct, frozen=True):
    """An entry of the audit record, with the actor's name, what it is about by name, and the reason in clear."""

    entry: AuditEntry
    actor_name: str | None
    subject_name: str | None
    reason: str | None


async def audit_entries(tx: Tx, actor: Actor, page: Page, narrowed: Narrowed) -> list[Recorded]:
    """The chain of the actor's DFSP (the hub's for hub staff), newest first; one more than the page's limit.

    The page's cursor is a `seq`; oldest first where that is asked for.
    """
    chain, seq = actor.dfsp_id or audit.HUB_CHAIN, col(AuditEntry.seq)
    behind = seq > page.before_number if page.is_oldest_first else seq < page.before_number
    statement = select(AuditEntry).where(col(AuditEntry.dfsp_id) == chain, behind)
    for column, value in ((AuditEntry.subject_id, narrowed.subject_id), (AuditEntry.action, narrowed.action)):
        statement = statement.where(col(column) == value) if value else statement
    statement = statement.where(col(AuditEntry.actor_id) == narrowed.actor_id) if narrowed.actor_id else statement
    statement = statement.where(col(AuditEntry.at) >= narrowed.since) if narrowed.since else statement
    statement = statement.where(col(AuditEntry.at) < narrowed.until) if narrowed.until else statement
    order = seq.asc() if page.is_oldest_first else seq.desc()
    entries = (await tx.session.exec(statement.order_by(order).limit(page.limit + 1))).all()
    return await with_names(tx, actor, entries, reasons_of={chain})


async def with_names(
    tx: Tx, actor: Actor, entries: Sequence[AuditEntry], *, reasons_of: Collection[UUID]
) -> list[Recorded]:
    """Entries as the actor may read them, with names, and with reasons in clear for those of some chains."""
    names = await actor_names(tx, [entry.actor_id for entry in entries])
    subjects = await subject_names(tx, entries)
    sealed = await _reasons(tx, [entry for entry in entries if entry.dfsp_id in reasons_of])
    return [
        Recorded(
            entry,
            told_name(actor, entry, names),
            subjects.get((entry.subject_type, entry.subject_id)),
            audit.open_reason(tx.audit_keys, entry.dfsp_id, entry.seq, sealed[entry.dfsp_id, entry.seq])
            if (entry.dfsp_id, entry.seq) in sealed
            else None,
        )
        for entry in entries
    ]


def told_name(actor: Actor, entry: AuditEntry, names: Mapping[UUID, str]) -> str | None:
    """Who acted, as the actor is told: people whom a DFSP does not see are the hub's. None for the service."""
    found = names.get(entry.actor_id)
    return HUB_STAFF if found is None and entry.actor_kind == "user" and actor.dfsp_id is not None else found


async def security_events(
    tx: Tx, actor: Actor, page: Page, narrowed: Narrowed, kind: str | None
) -> list[tuple[StoredEvent, str | None]]:
    """Security events with the actor's name, newest first: all for hub staff, else those of the actor's DFSP."""
    statement = scope_to(actor, select(StoredEvent), StoredEvent)
    statement = statement.where(col(StoredEvent.kind) == kind) if kind else statement
    statement = statement.where(col(StoredEvent.subject) == narrowed.subject_id) if narrowed.subject_id else statement
    statement = statement.where(col(StoredEvent.actor_id) == narrowed.actor_id) if narrowed.actor_id else statement
    statement = statement.where(col(StoredEvent.at) >= narrowed.since) if narrowed.since else statement
    statement = statement.where(col(StoredEvent.at) < narrowed.until) if narrowed.until else statement
    found: list[StoredEvent] = await paging.page(tx, statement, StoredEvent.id, page)
    names = await actor_names(tx, [one.actor_id for one in found if one.actor_id])
    return [(one, names.get(one.actor_id) if one.actor_id else None) for one in found]


async def actor_names(tx: Tx, ids: list[UUID]) -> Mapping[UUID, str]:
    """The names of people and API keys that the transaction may see, but for people who have handed nothing in yet."""
    return {row["id"]: row["name"] for row in await tx.fetch(_NAMES, list(set(ids)))}


async def _reasons(tx: Tx, entries: Sequence[AuditEntry]) -> dict[tuple[UUID, int], bytes]:
    if not entries:
        return {}
    chains, numbers = [entry.dfsp_id for entry in entries], [entry.seq for entry in entries]
    rows = await tx.fetch(_REASONS, chains, numbers)
    return {(row["dfsp_id"], row["seq"]): row["reason_sealed"] for row in rows}
