"""How cases are decided: what waits and for how long, what was decided, how fast, by whom, and what was sent back."""

import asyncio
import re
from collections import Counter
from uuid import UUID

import asyncpg
import msgspec
from msgspec import Struct

from merchant.compliance.cases.queries import UNDECIDED
from merchant.compliance.cases.sealed_fields import RETURNED_ITEMS
from merchant.compliance.cases.states import ApplicationState
from merchant.core import clock, sql
from merchant.core.db import Tx
from merchant.core.vault import Vault
from merchant.exchange.reports.asked import Between, Scope, narrowed
from merchant.people.records import actor_names

MAX_RETURNED = 10_000  # cases whose reasons are opened for one report; the newest of more
_UNDECIDED = sql.literals(UNDECIDED)
_APPROVED, _RETURNED, _REJECTED = ApplicationState.APPROVED, ApplicationState.RETURNED, ApplicationState.REJECTED
_INDEX = re.compile(r"\[\d+\]")


class Waiting(Struct, frozen=True):
    """Cases that wait for a decision, by the days since they were submitted."""

    under_1_day: int
    under_3_days: int
    under_7_days: int
    under_14_days: int
    older: int


class Outcomes(Struct, frozen=True):
    """How many were decided, and how."""

    decided: int
    approved: int
    returned: int
    rejected: int
    median_hours: float | None
    p90_hours: float | None


class ByChecker(Struct, frozen=True):
    """What one checker decided."""

    checker_id: UUID
    checker: str | None
    decided: int
    approved: int
    returned: int
    rejected: int


class ByRisk(Struct, frozen=True):
    """What was decided on cases of one risk; None where none was computed."""

    risk: str | None
    decided: int
    approved: int
    returned: int
    rejected: int


class Reason(Struct, frozen=True):
    """An answer that cases were sent back for, how often, and with those before it what share of all in percent."""

    path: str
    count: int
    share_percent: float
    cumulative_percent: float


_AGE = "($1::timestamptz - p.submitted_at)"
_WAITING = f"""
SELECT count(*) FILTER (WHERE {_AGE} < interval '1 day') AS under_1_day,
  count(*) FILTER (WHERE {_AGE} >= interval '1 day' AND {_AGE} < interval '3 days') AS under_3_days,
  count(*) FILTER (WHERE {_AGE} >= interval '3 days' AND {_AGE} < interval '7 days') AS under_7_days,
  count(*) FILTER (WHERE {_AGE} >= interval '7 days' AND {_AGE} < interval '14 days') AS under_14_days,
  count(*) FILTER (WHERE {_AGE} >= interval '14 days') AS older
FROM application p WHERE p.state IN {_UNDECIDED} AND ($2::text IS NULL OR p.kind = $2) AND {{narrowed}}
"""  # noqa: S608 - constants
_COUNTS = f"""
count(*) AS decided, count(*) FILTER (WHERE p.kind = '{_APPROVED}') AS approved,
count(*) FILTER (WHERE p.kind = '{_RETURNED}') AS returned, count(*) FILTER (WHERE p.kind = '{_REJECTED}') AS rejected
"""
_DECIDED = """
FROM decision p JOIN application a ON a.id = p.application_id
WHERE p.decided_at >= $1 AND p.decided_at < $2 AND ($3::text IS NULL OR a.kind = $3) AND {narrowed}
"""
_HOURS = "extract(epoch FROM p.decided_at - v.submitted_at) / 3600"
_OUTCOMES = f"""
SELECT {_COUNTS}, (percentile_cont(0.5) WITHIN GROUP (ORDER BY {_HOURS}))::float8 AS median_hours,
  (percentile_cont(0.9) WITHIN GROUP (ORDER BY {_HOURS}))::float8 AS p90_hours
FROM decision p JOIN application a ON a.id = p.application_id
  LEFT JOIN application_version v ON v.application_id = p.application_id AND v.version = p.version
WHERE p.decided_at >= $1 AND p.decided_at < $2 AND ($3::text IS NULL OR a.kind = $3) AND {{narrowed}}
"""  # noqa: S608 - constants
_CHECKERS = f"SELECT p.checker_id, {_COUNTS} {_DECIDED} GROUP BY 1 ORDER BY 2 DESC, 1"
_RISKS = f"SELECT a.risk, {_COUNTS} {_DECIDED} GROUP BY 1 ORDER BY 1 NULLS LAST"
# A case keeps what it was last sent back for.
_SENT_BACK = f"""
SELECT a.id, a.returned_items, a.returned_items_sealed FROM application a WHERE a.id IN (
  SELECT p.application_id {_DECIDED} AND p.kind = '{_RETURNED}') ORDER BY a.id DESC LIMIT {MAX_RETURNED}
"""  # noqa: S608 - constants


async def waiting_cases(tx: Tx, scope: Scope, kind: str | None) -> Waiting:
    """The cases that wait for a decision now."""
    row = await tx.fetchrow(*narrowed(_WAITING, scope, clock.now(), kind))
    assert row is not None
    return sql.row(Waiting, row)


async def outcomes(tx: Tx, scope: Scope, days: Between, kind: str | None) -> Outcomes:
    """What was decided in some days, and how long it took from the submission of the version."""
    row = await tx.fetchrow(*narrowed(_OUTCOMES, scope, days.since, days.until, kind))
    assert row is not None
    return sql.row(Outcomes, row)


async def by_checker(tx: Tx, scope: Scope, days: Between, kind: str | None) -> list[ByChecker]:
    """What each checker decided, who decided most first."""
    rows = await tx.fetch(*narrowed(_CHECKERS, scope, days.since, days.until, kind))
    names = await actor_names(tx, [row["checker_id"] for row in rows])
    return [ByChecker(checker=names.get(row["checker_id"]), **row) for row in rows]


async def by_risk(tx: Tx, scope: Scope, days: Between, kind: str | None) -> list[ByRisk]:
    """What was decided on cases of each risk, as it is now."""
    return sql.rows(ByRisk, await tx.fetch(*narrowed(_RISKS, scope, days.since, days.until, kind)))


async def reasons(tx: Tx, scope: Scope, days: Between, kind: str | None) -> list[Reason]:
    """The answers for which cases were sent back in some days, the most frequent first.

    Of a case that was sent back again and again the last time counts. Owners and places are taken together:
    `owners[0].birth_date` and `owners[1].birth_date` are one answer.
    """
    rows = await tx.fetch(*narrowed(_SENT_BACK, scope, days.since, days.until, kind))
    counted = await asyncio.to_thread(_count_paths, tx.vault, rows)
    total, before, found = counted.total(), 0, []
    for path, count in sorted(counted.items(), key=lambda one: (-one[1], one[0])):
        before += count
        found.append(Reason(path, count, round(100 * count / total, 1), round(100 * before / total, 1)))
    return found


def _count_paths(vault: Vault, rows: list[asyncpg.Record]) -> Counter[str]:
    return Counter(_INDEX.sub("[]", item["path"]) for row in rows for item in _items(vault, row))


def _items(vault: Vault, row: asyncpg.Record) -> list[dict[str, str]]:
    if row["returned_items"] is not None or row["returned_items_sealed"] is None:
        return row["returned_items"] or []
    opened = vault.open(row["returned_items_sealed"], RETURNED_ITEMS.format(id=row["id"]))
    return msgspec.json.decode(opened, type=list[dict[str, str]])
