"""What happens because nothing happened: requests expire, look-ups are repeated, silent transfers are put in doubt.

The worker runs these every second. Each claims a few rows by SKIP LOCKED, so any number of workers may.
"""

from datetime import timedelta

from merchant import clock, outbox
from merchant.db import Tx
from merchant.payments.dispatch import ask_outcome
from merchant.payments.request import LOOK_UP_TOPIC
from merchant.payments.settle import CHECKING, EXPIRED, lock_transfer, put_in_doubt
from merchant.payments.states import RequestCapability, RequestState, lock_request, may, move
from merchant.service import Service

BATCH = 100
# A look-up without an answer is repeated once; hubs answer within seconds or never.
LOOK_UP_AGAIN_AFTER = timedelta(seconds=15)

_DUE = """
SELECT p.id, EXISTS (SELECT 1 FROM transfer t WHERE t.request_id = p.id AND t.state = 'RESERVED') AS moving,
       (SELECT max(q.expires_at) FROM quote q WHERE q.request_id = p.id) AS quoted_until
FROM open_reference o JOIN payment_request p ON p.id = o.request_id
WHERE o.expires_at <= $1 AND p.state IN ('created', 'sent', 'awaiting_payer', 'accepted')
ORDER BY o.expires_at LIMIT $2 FOR UPDATE OF p SKIP LOCKED
"""
_SILENT = """
SELECT t.payer_fsp_id, t.transfer_id, t.dfsp_id, d.fsp_id FROM transfer t JOIN dfsp d ON d.id = t.dfsp_id
WHERE t.state = 'RESERVED' AND t.check_at <= $1 ORDER BY t.check_at LIMIT $2 FOR UPDATE OF t SKIP LOCKED
"""
_UNANSWERED = """
UPDATE payment_request SET check_at = $1 WHERE id IN (
  SELECT p.id FROM open_reference o JOIN payment_request p ON p.id = o.request_id
  WHERE p.state = 'created' AND p.payer_fsp_id IS NULL AND p.payer_type IS NOT NULL AND p.check_at IS NULL
    AND o.expires_at > $1 AND p.created_at < $2 ORDER BY p.id LIMIT $3 FOR UPDATE OF p SKIP LOCKED)
RETURNING id, dfsp_id
"""


async def run_timers(service: Service) -> int:
    """Everything that is due; how many things there were."""
    async with service.db.system() as tx:
        return await expire_due(tx, service) + await check_silent_transfers(tx, service) + await look_up_again(tx)


async def expire_due(tx: Tx, service: Service) -> int:
    """Requests whose time is over: expired, or in doubt while their money may still be under way."""
    now = clock.now()
    rows = await tx.fetch(_DUE, now, BATCH)
    grace = timedelta(seconds=service.settings.settle_grace_s)
    for row in rows:
        request = await lock_request(tx, request_id=row["id"])
        if request is None or not may(request.state, RequestCapability.EXPIRE):
            continue
        if row["moving"]:
            await move(tx, request, RequestState.IN_DOUBT, "expired_while_paying", reason=CHECKING)
        elif row["quoted_until"] is None or min(row["quoted_until"], request.expires_at + grace) <= now:
            await move(tx, request, RequestState.EXPIRED, "time_over", reason=EXPIRED)
    return len(rows)


async def check_silent_transfers(tx: Tx, service: Service) -> int:
    """Transfers that we fulfilled and nobody has ended: in doubt, and the hub is asked."""
    rows = await tx.fetch(_SILENT, clock.now(), BATCH)
    for row in rows:
        transfer = await lock_transfer(tx, row["dfsp_id"], row["transfer_id"])
        if transfer is not None:
            await put_in_doubt(tx, service, transfer)
            await ask_outcome(tx, service, row["fsp_id"], row["dfsp_id"], transfer.payer_fsp_id, transfer.transfer_id)
    return len(rows)


async def look_up_again(tx: Tx) -> int:
    """Look-ups that nobody answered are made once more."""
    now = clock.now()
    rows = await tx.fetch(_UNANSWERED, now, now - LOOK_UP_AGAIN_AFTER, BATCH)
    for row in rows:
        await outbox.add(tx, LOOK_UP_TOPIC, {"request_id": row["id"]}, dfsp_id=row["dfsp_id"])
    return len(rows)
