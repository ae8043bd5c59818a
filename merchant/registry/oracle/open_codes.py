"""Whom the hub finds under a number and the reference of a code that is open for a payment."""

import asyncpg

from merchant.core import clock
from merchant.core.db import Reads

_FIND_OPEN_REFERENCE = """
SELECT d.fsp_id, r.currency FROM open_reference r
JOIN alias a ON a.alias_type = r.alias_type AND a.alias = r.alias AND a.sub_id = '' AND a.currency = r.currency
JOIN dfsp d ON d.id = r.dfsp_id
WHERE r.alias_type = $1 AND r.alias = $2 AND r.sub_id = $3 AND r.expires_at > $4 AND a.active AND d.enabled
"""
# The same in two steps, where tables are distributed: the number leads to its DFSP, the DFSP to its open codes.
_HOLDER = """
SELECT a.dfsp_id, a.currency FROM alias a JOIN dfsp d ON d.id = a.dfsp_id
WHERE a.alias_type = $1 AND a.alias = $2 AND a.sub_id = '' AND a.active AND d.enabled
"""
_OPEN_CODES = """
SELECT d.fsp_id, r.currency FROM open_reference r JOIN dfsp d ON d.id = r.dfsp_id
WHERE r.alias_type = $1 AND r.alias = $2 AND r.sub_id = $3 AND r.expires_at > $4 /*distributed: AND r.dfsp_id = $lane*/
"""


async def find_open_code(tx: Reads, alias_type: str, identifier: str, sub_id: str) -> list[asyncpg.Record]:
    """The FSP that serves an open code, and its currency; no row for none."""
    if not tx.is_distributed:
        return await tx.fetch(_FIND_OPEN_REFERENCE, alias_type, identifier, sub_id, clock.now())
    holders = await tx.fetch(_HOLDER, alias_type, identifier)
    if not holders:
        return []
    tx.enter_lane(holders[0]["dfsp_id"])
    rows = await tx.fetch(_OPEN_CODES, alias_type, identifier, sub_id, clock.now())
    return [row for row in rows if row["currency"] in {one["currency"] for one in holders}]
