"""End cases that nobody decided: taken back by staff, or by the service when the merchant moves or nobody goes on."""

from typing import Any
from uuid import UUID

from sqlmodel import or_, select

from merchant.compliance.cases import four_eyes, problems
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.queries import lock_application
from merchant.compliance.cases.states import ApplicationState, end_undecided, may_become
from merchant.core import audit
from merchant.core.access import SERVICE, Actor
from merchant.core.db import Tx

_OPEN = [state for state in ApplicationState if may_become(state, ApplicationState.WITHDRAWN)]

_REJECTED_BY = """
SELECT checker_id FROM decision WHERE application_id = $1 AND kind = 'rejected' ORDER BY decided_at DESC LIMIT 1
"""


async def withdraw(tx: Tx, actor: Actor, application_id: UUID) -> Application:
    """Take an open application back; an appeal leaves the rejection as it was, which is final then.

    Raises NotFound, WrongState once it is decided, NotAppellant for the appeal of somebody else.
    """
    application = await lock_application(tx, actor, application_id)
    if may_become(application.state, ApplicationState.WITHDRAWN) and not four_eyes.may_withdraw(application, actor):
        raise problems.NotAppellant
    await end_case(tx, actor, application, ApplicationState.WITHDRAWN)
    return application


async def withdraw_left_behind(tx: Tx, cases: list[Application]) -> None:
    """Take back locked cases of a merchant that another DFSP serves from now on: nobody could decide them any more."""
    for case in cases:
        await end_case(tx, SERVICE, case, ApplicationState.WITHDRAWN)
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


async def end_case(tx: Tx, actor: Actor, application: Application, end: ApplicationState) -> None:
    """End a locked case that nobody decided, as withdrawn or expired; one that was appealed is rejected again."""
    appealed = application.appealed_at is not None
    end_undecided(application, end)
    application.claimed_by = application.claimed_until = None
    if appealed:
        application.approvals = []
        application.checker_id = await tx.fetchval(_REJECTED_BY, application.id)
    await audit.record(
        tx,
        actor,
        f"application.appeal_{end}" if appealed else f"application.{end}",
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        version=application.version,
    )
