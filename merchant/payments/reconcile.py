"""After a restore: no new payment before the hub has been asked about every transfer that was under way.

The restore makes those transfers due, and timers.py asks, as it does for any that the hub leaves unanswered. A transfer
that began after the backup was taken is not known here: the hub's records name it, and a person enters it.
"""

from datetime import timedelta

from merchant.core import clock
from merchant.core.service import Service
from merchant.payments.transfer_states import UNDER_WAY

# What the hub has not answered by then stays in doubt and is asked again and again; others need not wait for it.
GIVE_UP_AFTER = timedelta(minutes=10)
_FINISH = f"""
UPDATE installation i SET reconciled_at = $1 WHERE reconciled_at IS NULL AND NOT EXISTS (
  SELECT 1 FROM transfer t WHERE t.state IN {UNDER_WAY} AND t.reserved_at <= i.restored_at
  AND (t.check_at <= $1 OR NOT $2))
"""  # noqa: S608 - constants


class _Begun:
    """When this process first looked."""

    def __init__(self, _: Service) -> None:
        self.at = clock.now()


async def is_reconciling(service: Service) -> bool:
    """Whether the installation was restored and the hub has not been asked yet. Costs nothing when it was not."""
    if service.reconciling:
        async with service.db.system_reads() as tx:
            await service.read_reconciling(tx)
    return service.reconciling


async def finish_reconciling(service: Service) -> None:
    """A timer: payments are taken again once no transfer of before the restore is open, or GIVE_UP_AFTER is over."""
    if await is_reconciling(service):
        now = clock.now()
        is_late = now - service.shared(_Begun).at >= GIVE_UP_AFTER
        async with service.db.system() as tx:
            await tx.execute(_FINISH, now, is_late)
        await is_reconciling(service)
