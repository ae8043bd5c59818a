"""The people of a case by name: who wrote it, holds it, decided it, found something about it or sent its papers."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from msgspec import Struct

from merchant.compliance.cases import four_eyes
from merchant.compliance.cases.models import Application
from merchant.core.db import Reads

_NAMES = """
SELECT id, name, 'user' AS kind FROM app_user WHERE id = ANY($1)
UNION ALL SELECT id, name, 'api_key' AS kind FROM api_key WHERE id = ANY($1)
"""
_HAD_PART = """
SELECT unnest(makers) AS id FROM application_version WHERE application_id = $1
UNION SELECT checker_id FROM decision WHERE application_id = $1
UNION SELECT decided_by FROM hit_decision WHERE application_id = $1
UNION SELECT unnest(ARRAY[by_id, confirmed_by]) FROM verification
  WHERE application_id = $1 OR ($2::uuid IS NOT NULL AND merchant_id = $2)
UNION SELECT unnest(ARRAY[by_id, confirmed_by]) FROM risk_override WHERE application_id = $1
UNION SELECT added_by FROM document WHERE application_id = $1
UNION SELECT unnest(makers || approvals || ARRAY[checker_id, claimed_by]) FROM application WHERE id = $1
"""


class Named(Struct, frozen=True):
    """A person or an API key, as it is called today."""

    id: UUID
    name: str
    kind: str  # user or api_key


class OfCase(Struct, frozen=True):
    """Who wrote the present version of a case, and who claimed it, whether or not the claim still holds."""

    writers: Sequence[Named]
    claimed_by: Named | None


async def named(tx: Reads, ids: Iterable[UUID]) -> dict[UUID, Named]:
    """People and keys by id, as far as the transaction may see them."""
    wanted = list(set(ids))
    rows = await tx.fetch(_NAMES, wanted) if wanted else []
    return {row["id"]: Named(row["id"], row["name"], row["kind"]) for row in rows}


async def people_of(tx: Reads, rows: Sequence[Application]) -> Mapping[UUID, OfCase]:
    """Makers and claims of several cases."""
    writers = {row.id: four_eyes.makers_of(row) for row in rows}
    claimed = {row.claimed_by for row in rows if row.claimed_by is not None}
    known = await named(tx, {*claimed, *(one for ids in writers.values() for one in ids)})
    found = {}
    for row in rows:
        claim = known.get(row.claimed_by) if row.claimed_by is not None else None
        found[row.id] = OfCase([known[one] for one in writers[row.id] if one in known], claim)
    return found


async def had_part(tx: Reads, row: Application) -> list[Named]:
    """Everyone who had a part in a case, by name."""
    ids = [found["id"] for found in await tx.fetch(_HAD_PART, row.id, row.merchant_id) if found["id"] is not None]
    return sorted((await named(tx, ids)).values(), key=lambda one: (one.name, one.id))
