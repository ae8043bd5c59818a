"""Quotas: how many aliases a DFSP may claim for merchants that are not of this registry.

A claim is for ever and numbers are few, so one DFSP's key must not use up everyone's. The count is kept in a row a
DFSP and day, and is exact however many batches come at once: they take turns.
"""

from datetime import date
from uuid import UUID

from msgspec import Struct

from merchant.core import clock
from merchant.core.db import Tx
from merchant.core.locks import take_turn
from merchant.core.settings import Settings

_CLAIMED = """
SELECT coalesce(sum(claimed) FILTER (WHERE day = $2), 0)::bigint AS today, coalesce(sum(claimed), 0)::bigint AS ever
FROM alias_count WHERE dfsp_id = $1
"""
_ADD = """
INSERT INTO alias_count AS present (dfsp_id, day, claimed) VALUES ($1, $2, $3)
ON CONFLICT (dfsp_id, day) DO UPDATE SET claimed = present.claimed + excluded.claimed
"""


class Quota(Struct):
    """What a DFSP may still claim, as of the transaction that opened it; `used` is what this one claims."""

    dfsp_id: UUID
    day: date
    left: int
    used: int = 0

    def is_spent(self) -> bool:
        """Whether nothing more may be claimed."""
        return self.used >= self.left


async def open_quota(tx: Tx, settings: Settings, dfsp_id: UUID) -> Quota:
    """A DFSP's quota. Its other transactions that claim wait until this one ends."""
    await take_turn(tx, f"external:{dfsp_id}")
    today = clock.now().date()
    claimed = await tx.fetchrow(_CLAIMED, dfsp_id, today)
    assert claimed is not None
    of_day = settings.aliases_per_dfsp_per_day - claimed["today"]
    return Quota(dfsp_id, today, min(of_day, settings.aliases_per_dfsp - claimed["ever"]))


async def save_quota(tx: Tx, quota: Quota) -> None:
    """Count what was claimed."""
    if quota.used:
        await tx.execute(_ADD, quota.dfsp_id, quota.day, quota.used)
