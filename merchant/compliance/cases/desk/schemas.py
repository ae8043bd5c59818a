"""Shapes of what a checker looks at: a line of the queue, a person, a hit beside its entry."""

from typing import Literal
from uuid import UUID

from msgspec import Struct

import kyb
from merchant.compliance.cases import sealed_fields
from merchant.compliance.cases.desk.hits import Compared
from merchant.compliance.cases.desk.people import Named
from merchant.compliance.cases.desk.queue import Queued
from merchant.compliance.cases.four_eyes import Lock
from merchant.compliance.cases.kinds import CaseKind
from merchant.compliance.cases.privacy import shown_words
from merchant.compliance.cases.queries import FALSE_POSITIVE, is_proposed
from merchant.compliance.cases.schemas import HitState, HitVerdict
from merchant.compliance.cases.states import ApplicationState
from merchant.core.access import Actor
from merchant.core.http import json as web
from merchant.core.http.fields import Instant
from merchant.core.vault import Vault


class QueuedCase(Struct, frozen=True):
    """An application or a case that waits for a decision.

    `locked` says why the asking person may not decide it, whatever their role: they wrote in this version (`maker`), or
    had a part in what an appeal is against (`appeal`). `hits_open` stand in the way of an approval.
    """

    id: UUID
    kind: CaseKind
    state: ApplicationState
    version: int
    version_hash: str
    merchant_id: UUID | None
    trading_name: str
    target_tier: str | None
    tier: str | None
    risk: str | None
    trigger: str | None
    screening: Literal["clear", "review", "not_checked"] | None
    hits_open: int
    doubts: int
    makers: list[UUID]
    maker_names: list[str]
    claimed_by: UUID | None
    claimed_by_name: str | None
    claimed_until: Instant | None
    approvals: int
    submitted_at: Instant | None
    due_at: Instant | None
    appealed_at: Instant | None
    locked: Lock | None


class CasePerson(Struct, frozen=True):
    """A person or an API key that had a part in a case, as it is called today."""

    id: UUID
    name: str
    kind: Literal["user", "api_key"]


class CasePeople(Struct, frozen=True):
    """Who had a part in a case, and whether the asking person may decide it.

    `claimed_by` is null once a claim lapsed.
    """

    people: list[CasePerson]
    claimed_by: UUID | None
    claimed_until: Instant | None
    locked: Lock | None


class ListedEntry(Struct, frozen=True):
    """An entry of a published list. `birth_years` are years or ranges of them, any of which may be the true one."""

    entry_id: str
    kind: Literal["person", "entity"]
    names: list[kyb.ListedName]
    birth_dates: list[str]
    birth_years: list[str]
    countries: list[str]
    identifiers: list[kyb.Identifier]
    programme: str


class ComparedHit(Struct, frozen=True):
    """A hit of the version under review, the one that was screened beside the entry of the list.

    `subject` is null to the hub, and where the answers changed. `listed` is the entry as the list in use has it; null
    to the hub, for a private list, and when the entry is gone; `changed` when it is another one than was screened.
    """

    id: str
    path: str
    hit: kyb.Hit
    subject: kyb.Subject | None
    listed: ListedEntry | None
    changed: bool
    list_version: kyb.ListVersion | None
    decision: HitVerdict | None
    state: HitState | None
    is_open: bool
    reason: str | None
    decided_by: UUID | None
    decided_at: Instant | None
    released_by: UUID | None
    release_reason: str | None


def queued_case(found: Queued) -> QueuedCase:
    """A line of the queue."""
    row, claim = found.row, found.claimed_by
    return QueuedCase(
        id=row.id,
        kind=CaseKind(row.kind),
        state=ApplicationState(row.state),
        version=row.version,
        version_hash=row.version_hash,
        merchant_id=row.merchant_id,
        trading_name=row.trading_name,
        target_tier=row.target_tier,
        tier=found.tier,
        risk=row.risk,
        trigger=row.trigger,
        screening=found.screening,  # type: ignore[arg-type]
        hits_open=found.hits_open,
        doubts=found.doubts,
        makers=row.makers,
        maker_names=[one.name for one in found.writers],
        claimed_by=claim.id if claim else None,
        claimed_by_name=claim.name if claim else None,
        claimed_until=web.at_or_none(row.claimed_until) if claim else None,
        approvals=len(row.approvals),
        submitted_at=web.at_or_none(row.submitted_at),
        due_at=web.at_or_none(row.due_at),
        appealed_at=web.at_or_none(row.appealed_at),
        locked=found.locked,
    )


def case_person(found: Named) -> CasePerson:
    """A person or a key."""
    return CasePerson(found.id, found.name, found.kind)  # type: ignore[arg-type]


def compared_hit(actor: Actor, vault: Vault, found: Compared) -> ComparedHit:
    """A hit beside its entry, with what was decided, as the actor may see it."""
    decided, listed = found.decision, found.listed
    proposed = decided is not None and is_proposed(decided.decision, decided.decided_by, decided.release_proposed_by)
    released = decided is not None and decided.decision == FALSE_POSITIVE and not proposed
    state: HitState | None = None
    if decided is not None:
        state = "proposed" if proposed else "decided"
    return ComparedHit(
        id=found.id,
        path=found.path,
        hit=found.hit,
        subject=found.subject,
        listed=_listed_entry(listed) if listed is not None else None,
        changed=listed is not None and bool(found.hit.entry_sha256) and listed.sha256 != found.hit.entry_sha256,
        list_version=found.list_version,
        decision=decided.decision if decided else None,  # type: ignore[arg-type]
        state=state,
        is_open=not found.hit.set_aside and not released,
        reason=shown_words(actor, sealed_fields.hit_reason_of(vault, decided)) if decided else None,
        decided_by=decided.decided_by if decided else None,
        decided_at=web.at(decided.decided_at) if decided else None,
        released_by=decided.release_proposed_by if decided else None,
        release_reason=shown_words(actor, sealed_fields.release_reason_of(vault, decided)) if decided else None,
    )


def _listed_entry(entry: kyb.ListEntry) -> ListedEntry:
    years = [str(first) if first == last else f"{first}-{last}" for first, last in entry.birth_years]
    return ListedEntry(
        entry_id=entry.entry_id,
        kind=entry.kind,  # type: ignore[arg-type]
        names=list(entry.names),
        birth_dates=list(entry.birth_dates),
        birth_years=years,
        countries=list(entry.countries),
        identifiers=list(entry.identifiers),
        programme=entry.programme,
    )
