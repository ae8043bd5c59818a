"""What of payments is forgotten: the answers of quotes, which name payers, after a week; who paid, after a year."""

from datetime import timedelta

from merchant.compliance.policies.refund_rules import WINDOW_MAX
from merchant.core import clock, inbox
from merchant.core.db import Tx

_FORGET = """
UPDATE quote SET answer = NULL, payer_sealed = NULL WHERE (payer_fsp_id, quote_id) IN (
  SELECT payer_fsp_id, quote_id FROM quote WHERE answer IS NOT NULL AND created_at < $1 LIMIT $2
  FOR UPDATE SKIP LOCKED)
"""


_FORGET_PAYERS = """
UPDATE payment SET payer_sealed = NULL WHERE id IN (
  SELECT id FROM payment WHERE payer_sealed IS NOT NULL AND received_at < $1 ORDER BY received_at LIMIT $2
  FOR UPDATE SKIP LOCKED)
"""
_FORGET_PAYEES = """
UPDATE refund SET payee_sealed = NULL WHERE id IN (
  SELECT id FROM refund WHERE payee_sealed IS NOT NULL AND created_at < $1 ORDER BY created_at LIMIT $2
  FOR UPDATE SKIP LOCKED)
"""
PAYER_KEPT = WINDOW_MAX + timedelta(days=30)  # what is under way when it ends still needs them


async def forget_payers(tx: Tx, limit: int) -> int:
    """Forget who paid, once nothing can be given back any more; the number forgotten, at most `limit`."""
    forgotten = await tx.execute(_FORGET_PAYERS, clock.now() - PAYER_KEPT, limit)
    return forgotten + await tx.execute(_FORGET_PAYEES, clock.now() - PAYER_KEPT, limit - forgotten)


async def forget_answers(tx: Tx, limit: int) -> int:
    """Forget the answers of old quotes; the number forgotten, at most `limit`."""
    return await tx.execute(_FORGET, clock.now() - inbox.KEPT_FOR, limit)
