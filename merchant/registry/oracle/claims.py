"""Claim an alias that an external DFSP chose: what it may not be, who holds it, and how many it may still claim."""

from enum import Enum

from merchant.core.db import Tx
from merchant.core.service import SchemeFacts
from merchant.registry.aliases import operations as aliases
from merchant.registry.aliases.quota import Quota

# The holder of an identifier may open it again, in another currency or after it was taken out.
_TAKE_BACK = """
UPDATE alias_claim SET retired_at = NULL
WHERE alias_type = $1 AND alias = $2 AND dfsp_id = $3 AND counter_id IS NULL
  AND ($4::text IS NULL OR external_merchant_id = $4)
RETURNING external_merchant_id
"""


class Unclaimed(Enum):
    """Why an alias was not claimed."""

    TAKEN = "taken"
    LIKE_A_NUMBER = "like_a_number"
    QUOTA = "quota"


async def claim_chosen(
    tx: Tx, scheme: SchemeFacts, quota: Quota, alias_type: str, alias: str, external_id: str, holder: str | None
) -> str | Unclaimed:
    """Claim an alias, or take back one that the DFSP holds (`holder`: that this merchant of it holds).

    Returns the merchant's id at its DFSP, or why not. What was chosen before a rule forbade it stays its holder's.
    """
    choosable = aliases.may_be_chosen(scheme, alias_type, alias)
    may_claim = choosable and not quota.is_spent()
    if may_claim and await aliases.claim(tx, alias_type, alias, quota.dfsp_id, external_id=external_id):
        quota.used += 1
        return external_id
    held: str | None = await tx.fetchval(_TAKE_BACK, alias_type, alias, quota.dfsp_id, holder)
    if held is not None:
        return held
    if not choosable:
        return Unclaimed.LIKE_A_NUMBER
    return Unclaimed.QUOTA if quota.is_spent() else Unclaimed.TAKEN
