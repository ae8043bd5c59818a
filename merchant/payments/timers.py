"""Timers: requests expire, unanswered questions are repeated, transfers that the hub has not ended are in doubt.

The worker runs them at every poll (MERCHANT_WORKER_POLL_S). What is due is read without a lock and decided by the
engine, which locks it and looks again, so any number of workers may run.
"""

from datetime import timedelta
from uuid import UUID

from merchant.core import clock, outbox, sql
from merchant.core.service import Service
from merchant.payments.ask import LOOK_UP_TOPIC
from merchant.payments.engine import decide_events
from merchant.payments.internal import RefundDue, RequestDue, TransferSilent
from merchant.payments.states import RequestCapability, RequestState, states_that_permit
from merchant.payments.transfer_states import UNDER_WAY

BATCH = 100
# A request whose quote is still valid comes up again a little later; it must not keep the others waiting.
_DUE = f"""
SELECT p.id, p.dfsp_id FROM open_reference o
JOIN payment_request p ON p.id = o.request_id /*distributed: AND p.dfsp_id = o.dfsp_id*/
WHERE o.expires_at <= $1 AND p.state IN {states_that_permit(RequestCapability.EXPIRE)}
  AND (o.expires_at <= $3 OR p.state NOT IN {sql.literals([RequestState.ACCEPTED])}
       OR NOT EXISTS (SELECT 1 FROM quote q WHERE q.request_id = p.id AND q.expires_at > $1
         /*distributed: AND q.dfsp_id = p.dfsp_id*/)
       OR EXISTS (SELECT 1 FROM transfer t WHERE t.request_id = p.id AND t.state IN {UNDER_WAY}
         /*distributed: AND t.dfsp_id = p.dfsp_id*/))
ORDER BY o.expires_at LIMIT $2
"""  # noqa: S608 - constants
_SILENT = f"""
SELECT t.transfer_id, d.fsp_id, t.dfsp_id FROM transfer t JOIN dfsp d ON d.id = t.dfsp_id
WHERE t.state IN {UNDER_WAY} AND t.check_at <= $1 ORDER BY t.check_at LIMIT $2
"""  # noqa: S608 - constants
_REFUNDS_DUE = """
SELECT r.id, d.fsp_id, r.dfsp_id FROM refund r JOIN dfsp d ON d.id = r.dfsp_id
WHERE r.check_at <= $1 ORDER BY r.check_at LIMIT $2
"""
_UNANSWERED = f"""
WITH due AS (
  UPDATE open_reference SET look_up_at = NULL WHERE request_id IN (
    SELECT request_id FROM open_reference WHERE look_up_at <= $1 /*distributed: AND dfsp_id = $lane*/
    ORDER BY look_up_at LIMIT $2 FOR UPDATE SKIP LOCKED) /*distributed: AND dfsp_id = $lane*/
  RETURNING request_id, expires_at)
SELECT p.id, p.dfsp_id FROM due JOIN payment_request p ON p.id = due.request_id /*distributed: AND p.dfsp_id = $lane*/
WHERE p.state IN {states_that_permit(RequestCapability.LOOK_UP_PAYER)} AND p.payer_fsp_id IS NULL
  AND due.expires_at > $1
"""  # noqa: S608 - constants
_LANES = "SELECT DISTINCT dfsp_id FROM open_reference WHERE look_up_at <= $1"


async def run_timers(service: Service) -> None:
    """Everything that is due, each kind by itself.

    Raises the first error after the others have had their turn.
    """
    errors: list[Exception] = []
    for timer in (expire_due, check_silent_transfers, check_due_refunds, look_up_again):
        try:
            await timer(service)
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]


async def expire_due(service: Service) -> int:
    """Requests whose time is over: expired, or in doubt while their money may still be under way."""
    now = clock.now()
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(_DUE, now, BATCH, now - timedelta(seconds=service.settings.settle_grace_s))
    if rows:
        await decide_events(service, [(row["dfsp_id"], RequestDue(row["id"])) for row in rows])
    return len(rows)


async def check_silent_transfers(service: Service) -> int:
    """Transfers that we answered and the hub has not ended: in doubt, and the hub is asked."""
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(_SILENT, clock.now(), BATCH)
    if rows:
        await decide_events(
            service, [(row["dfsp_id"], TransferSilent(row["transfer_id"], row["fsp_id"])) for row in rows]
        )
    return len(rows)


async def check_due_refunds(service: Service) -> int:
    """Refunds whose time has come: asked about again, in doubt, or given up."""
    async with service.db.system_reads() as tx:
        rows = await tx.fetch(_REFUNDS_DUE, clock.now(), BATCH)
    if rows:
        await decide_events(service, [(row["dfsp_id"], RefundDue(row["id"], row["fsp_id"])) for row in rows])
    return len(rows)


async def look_up_again(service: Service) -> int:
    """Look-ups that nobody answered are made once more."""
    lanes: list[UUID | None] = [None]
    if service.db.is_distributed:  # rows of two machines cannot be locked by one statement
        async with service.db.system_reads() as reads:
            lanes = [row["dfsp_id"] for row in await reads.fetch(_LANES, clock.now())]
    count = 0
    for lane in lanes:
        async with service.db.system(lane=lane) as tx:
            rows = await tx.fetch(_UNANSWERED, clock.now(), BATCH)
            for row in rows:
                await outbox.add(tx, LOOK_UP_TOPIC, {"request_id": row["id"]}, dfsp_id=row["dfsp_id"])
        count += len(rows)
    return count
