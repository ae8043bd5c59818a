"""In doubt: a person asks the hub again. The timers do the same by themselves, with growing pauses.

The route `check` calls it; it leaves a GET for the hub in the outbox, and the hub's answer comes through callbacks.py
and settles the request as any other.
"""

from uuid import UUID

from merchant.core import audit, clock, errors
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.payments.dispatch import ask_outcome
from merchant.payments.states import LockedRequest, lock_request

_OPEN_TRANSFER = """
SELECT t.payer_fsp_id, t.transfer_id, d.fsp_id FROM transfer t JOIN dfsp d ON d.id = t.dfsp_id
WHERE t.request_id = $1 AND t.state = 'RESERVED' ORDER BY t.reserved_at DESC LIMIT 1
"""


async def ask_hub_again(tx: Tx, service: Service, actor: Actor, request_id: UUID) -> LockedRequest:
    """Send GET /transfers/{id} now. Raises NotFound, or WrongState when no transfer of this request is open."""
    request = await lock_request(tx, request_id=request_id)
    if request is None or actor.dfsp_id not in (None, request.dfsp_id):
        raise errors.NotFound
    row = await tx.fetchrow(_OPEN_TRANSFER, request.id)
    if row is None:
        raise errors.WrongState(_("No transfer of this request is open; there is nothing to ask the hub about."))
    await ask_outcome(tx, service, row["fsp_id"], request.dfsp_id, row["payer_fsp_id"], row["transfer_id"])
    await audit.record(
        tx,
        actor,
        "payment_request.checked",
        "payment_request",
        request.id,
        dfsp_id=request.dfsp_id,
        state=request.state,
        at=clock.rfc3339(clock.now()),
    )
    return request
