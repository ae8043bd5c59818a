"""Take open cases back: by the staff of their DFSP, or by the service when their merchant moves to another one."""

from typing import Any
from uuid import UUID

from sqlmodel import or_, select

from merchant.compliance.cases.models import Application
from merchant.compliance.cases.queries import lock_application
from merchant.compliance.cases.states import ApplicationState, may_become, move_application
from merchant.core import audit
from merchant.core.access import SERVICE, Actor
from merchant.core.db import Tx

_OPEN = [state for state in ApplicationState if may_become(state, ApplicationState.WITHDRAWN)]


async def withdraw(tx: Tx, actor: Actor, application_id: UUID) -> Application:
    """Take an open application back. Raises NotFound, WrongState once it is decided."""
    application = await lock_application(tx, actor, application_id)
    await _take_back(tx, actor, application)
    return application


async def withdraw_left_behind(tx: Tx, cases: list[Application]) -> None:
    """Take back locked cases of a merchant that another DFSP serves from now on: nobody could decide them any more."""
    for case in cases:
        await _take_back(tx, SERVICE, case)
    await tx.flush()


async def lock_open_cases(tx: Tx, merchant_id: UUID, *, but: list[UUID], wait: bool = True) -> list[Application]:
    """Every open case of a merchant and every open offer of it, at any DFSP, locked in the order of their ids.

    Without `wait` it fails where somebody holds the lock of one: for those who hold the merchant's lock already, and
    would else wait for each other for ever.
    """
    table: Any = Application
    of_merchant = or_(table.merchant_id == merchant_id, table.moves_merchant_id == merchant_id)
    wanted = select(table).where(of_merchant, table.state.in_(_OPEN), table.id.not_in(but)).order_by(table.id)
    return list((await tx.session.exec(wanted.with_for_update(nowait=not wait))).all())


async def _take_back(tx: Tx, actor: Actor, application: Application) -> None:
    move_application(application, ApplicationState.WITHDRAWN)
    application.claimed_by = application.claimed_until = None
    await audit.record(
        tx,
        actor,
        "application.withdrawn",
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        version=application.version,
    )
