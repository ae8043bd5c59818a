"""The reading log: who opened a case's masked answers and documents, when and why, out of the audit record."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

from merchant.compliance.cases.models import Application
from merchant.core.db import Reads
from merchant.core.paging import Page, both_ways

_READINGS = both_ways("""
WITH about AS (
  SELECT unnest($2::uuid[])::text AS id
  UNION SELECT id::text FROM document
  WHERE dfsp_id = $1 AND (application_id = ANY($2) OR merchant_id = ANY($3))
)
SELECT e.seq, e.at, e.actor_kind, e.actor_id, e.subject_type, e.subject_id, e.detail::text AS detail,
  (SELECT name FROM app_user WHERE id = e.actor_id UNION ALL SELECT name FROM api_key WHERE id = e.actor_id LIMIT 1)
    AS actor_name
FROM about JOIN audit_entry e ON e.dfsp_id = $1 AND e.subject_id = about.id
WHERE e.action = 'personal_data.read' AND e.seq {beyond} $4 ORDER BY e.seq {way} LIMIT $5
""")
MOST_READINGS = 10_000  # of one person, in an export


class Reading(Struct, frozen=True):
    """One look at personal data: who, when, at what and why; `actor_name` is what they are called today."""

    seq: int
    at: datetime
    actor_kind: str
    actor_id: UUID
    actor_name: str | None
    subject_type: str
    subject_id: UUID
    path: str
    why: str
    version: int | None


async def readings(tx: Reads, dfsp_id: UUID, cases: Sequence[Application], page: Page) -> list[Reading]:
    """A page of the looks at cases and their documents, newest first unless asked otherwise; one more than its limit.

    Its cursor is the number of an entry of the audit record.
    """
    merchants = [case.merchant_id for case in cases if case.merchant_id is not None]
    given = (dfsp_id, [case.id for case in cases], merchants, page.before_number, page.limit + 1)
    return [_reading(row) for row in await tx.fetch(_READINGS[page.is_oldest_first], *given)]


def _reading(row: Any) -> Reading:
    told = msgspec.json.decode(row["detail"])
    return Reading(
        seq=row["seq"],
        at=row["at"],
        actor_kind=row["actor_kind"],
        actor_id=row["actor_id"],
        actor_name=row["actor_name"],
        subject_type=row["subject_type"],
        subject_id=UUID(row["subject_id"]),
        path=told.get("path", ""),
        why=told.get("why", ""),
        version=told.get("version"),
    )
