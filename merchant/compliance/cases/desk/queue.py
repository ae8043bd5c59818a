"""Everything that waits for a decision, in the order in which it is to be looked at: by risk, or by age."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlmodel import select

import kyb
from merchant.compliance.cases import four_eyes, sealed_fields
from merchant.compliance.cases.desk import people
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.projection import adjudicated
from merchant.compliance.cases.queries import FALSE_POSITIVE, UNDECIDED, HitStanding, is_proposed
from merchant.core import clock, sql
from merchant.core.access import Actor, scope_to
from merchant.core.db import Reads
from merchant.core.paging import NEWEST, OLDEST, Page
from merchant.core.vault import Vault

RISK_FIRST = "risk"  # and of one risk the oldest
ORDERS = (RISK_FIRST, OLDEST, NEWEST)
CLAIMS = ("me", "nobody", "others")
# Where a case stands in the queue: what was never judged comes after what is known to be of low risk.
_RANK = f"coalesce(array_position(ARRAY{list(kyb.BANDS)}::text[], a.risk::text), 0)"
_SINCE = "coalesce(a.submitted_at, a.created_at)"


def _statement(*key: str, backwards: bool = False) -> str:
    """The queue in one order. The cursor is the case at which the page before ended, whatever became of it since."""
    place, beyond, way = ", ".join(key), "<" if backwards else ">", " DESC" if backwards else ""
    return f"""
SELECT a.id FROM application a
WHERE a.state::text IN {sql.literals(UNDECIDED)} AND ($1::uuid IS NULL OR a.dfsp_id = $1)
  AND ($2::text IS NULL OR a.kind = $2) AND ($3::text IS NULL OR a.risk = $3)
  AND ($4::text IS NULL OR CASE $4
    WHEN 'me' THEN a.claimed_by = $5 AND a.claimed_until > $6
    WHEN 'nobody' THEN a.claimed_by IS NULL OR a.claimed_until <= $6
    ELSE a.claimed_by <> $5 AND a.claimed_until > $6 END)
  AND ($7::uuid IS NULL OR ({place}) {beyond} (SELECT {place} FROM application a WHERE a.id = $7))
ORDER BY {", ".join(part + way for part in key)} LIMIT $8
"""  # noqa: S608 - constants


_QUEUE = {
    RISK_FIRST: _statement(f"-{_RANK}", _SINCE, "a.id"),
    OLDEST: _statement(_SINCE, "a.id"),
    NEWEST: _statement(_SINCE, "a.id", backwards=True),
}
_HITS = """
SELECT d.application_id, d.hit_id, d.decision, d.decided_by, d.release_proposed_by FROM screening_decision d
JOIN application a ON a.id = d.application_id AND a.version = d.version
WHERE d.application_id = ANY($1)
"""


class Wanted(Struct, frozen=True):
    """Which part of the queue; `claimed` is one of CLAIMS."""

    kind: str | None = None
    risk: str | None = None
    claimed: str | None = None


class Queued(Struct, frozen=True):
    """A case in the queue, with what its row does not say of itself."""

    row: Application
    writers: Sequence[people.Named]
    claimed_by: people.Named | None
    screening: str | None
    hits_open: int
    doubts: int
    tier: str | None
    locked: four_eyes.Lock | None


async def queue(tx: Reads, vault: Vault, actor: Actor, wanted: Wanted, page: Page) -> list[Queued]:
    """What waits for a decision, the riskiest first unless asked otherwise; one more than the page's limit."""
    now = clock.now()
    given = (actor.dfsp_id, wanted.kind, wanted.risk, wanted.claimed, actor.id, now, page.before, page.limit + 1)
    ids = [row["id"] for row in await tx.fetch(_QUEUE[page.sort or RISK_FIRST], *given)]
    if not ids:
        return []
    table: Any = Application
    found = (await tx.session.exec(scope_to(actor, select(Application).where(table.id.in_(ids)), Application))).all()
    return await _with_people(tx, vault, actor, sorted(found, key=lambda row: ids.index(row.id)), now)


async def one_queued(tx: Reads, vault: Vault, actor: Actor, application_id: UUID) -> Queued:
    """A case that waits for a decision. Raises NotFound, of one that waits no more too."""
    table: Any = Application
    waiting = select(Application).where(table.id == application_id, table.state.in_(UNDECIDED))
    row: Application = await tx.one(scope_to(actor, waiting, Application))
    [found] = await _with_people(tx, vault, actor, [row], clock.now())
    return found


async def _with_people(
    tx: Reads, vault: Vault, actor: Actor, rows: Sequence[Application], now: datetime
) -> list[Queued]:
    """Cases with who had a part in them, and what is decided on their hits."""
    decided = await _decided(tx, [row.id for row in rows])
    locks = await four_eyes.locks_of(tx, actor, rows)
    named = await people.people_of(tx, rows)
    return [_queued(vault, row, named[row.id], decided.get(row.id, {}), locks.get(row.id), now) for row in rows]


def _queued(
    vault: Vault,
    row: Application,
    named: people.OfCase,
    decided: Mapping[str, HitStanding],
    lock: four_eyes.Lock | None,
    now: datetime,
) -> Queued:
    report = sealed_fields.report_of(vault, row) or {}
    return Queued(
        row=row,
        writers=named.writers,
        claimed_by=named.claimed_by if claim_holds(row, now) else None,
        screening=adjudicated(vault, row, dict(decided)),
        hits_open=sum(_is_open(hit, decided) for hit in report.get("hits", ())),
        doubts=len(report.get("doubts", ())),
        tier=report.get("tier"),
        locked=lock,
    )


def claim_holds(row: Application, now: datetime) -> bool:
    """Whether somebody's claim has not lapsed."""
    return row.claimed_by is not None and row.claimed_until is not None and row.claimed_until > now


def _is_open(hit: Mapping[str, Any], decided: Mapping[str, HitStanding]) -> bool:
    """Whether a hit stands in the way: nobody decided it, a second person must repeat it, or it is a true match."""
    found = decided.get(hit["id"])
    released = found is not None and found.decision == FALSE_POSITIVE and not found.proposed
    return not hit["hit"]["set_aside"] and not released


async def _decided(tx: Reads, ids: list[UUID]) -> dict[UUID, dict[str, HitStanding]]:
    """What is decided on the hits of the present versions, by case."""
    found: dict[UUID, dict[str, HitStanding]] = {}
    for row in await tx.fetch(_HITS, ids):
        proposed = is_proposed(row["decision"], row["decided_by"], row["release_proposed_by"])
        found.setdefault(row["application_id"], {})[row["hit_id"]] = HitStanding(row["decision"], proposed)
    return found
