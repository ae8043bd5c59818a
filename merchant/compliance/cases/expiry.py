"""Applications that nobody goes on with: an hourly timer of the worker moves them to `expired`, appeals to `rejected`.

Only what its makers can still edit expires; what waits for the worker or a checker does not.
"""

from datetime import datetime, timedelta

from sqlmodel import col, select

from merchant.compliance.cases.models import Application
from merchant.compliance.cases.states import ApplicationState, Capability, application_may
from merchant.compliance.cases.withdrawals import end_case
from merchant.core import clock
from merchant.core.access import SERVICE
from merchant.core.db import Tx
from merchant.core.service import Service

# Half a year without a change: by then addresses, owners and papers have to be asked for anew.
STALE_AFTER = timedelta(days=180)
EXPIRE_EVERY_S = 3600.0
_BATCH = 100
_EXPIRABLE = [state for state in ApplicationState if application_may(state, Capability.EXPIRE)]


async def expire_all_stale(service: Service) -> None:
    """Expire everything that is stale, some at a time, each batch in a transaction of its own."""
    more = True
    while more:
        async with service.db.system() as tx:
            more = await expire_stale(tx, clock.now() - STALE_AFTER) == _BATCH


async def expire_stale(tx: Tx, before: datetime) -> int:
    """Expire up to 100 applications that were last changed or moved before a time; how many there were."""
    statement = (
        select(Application)
        .where(col(Application.state).in_(_EXPIRABLE), col(Application.updated_at) < before)
        .order_by(col(Application.updated_at))
        .limit(_BATCH)
        .with_for_update(skip_locked=True)
    )
    stale = (await tx.session.exec(statement)).all()
    for application in stale:
        await end_case(tx, SERVICE, application, ApplicationState.EXPIRED)
    return len(stale)
