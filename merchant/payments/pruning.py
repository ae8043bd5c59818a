"""What of payments is forgotten after a week: the answers of quotes, which name payers. Their rows stay."""

from merchant.core import clock, inbox
from merchant.core.db import Tx

_FORGET = """
UPDATE quote SET answer = NULL WHERE (payer_fsp_id, quote_id) IN (
  SELECT payer_fsp_id, quote_id FROM quote WHERE answer IS NOT NULL AND created_at < $1 LIMIT $2
  FOR UPDATE SKIP LOCKED)
"""


async def forget_answers(tx: Tx, limit: int) -> int:
    """Forget the answers of old quotes; the number forgotten, at most `limit`."""
    return await tx.execute(_FORGET, clock.now() - inbox.KEPT_FOR, limit)
