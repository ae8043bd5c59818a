"""The four-eyes rule: whoever wrote or submitted a version, or issued the key that did, does not decide on it.

Every act of a checker in review.py begins with `lock_for_decision`. Nothing else reads an application's makers
(tests/rules/source_rules.py); apply.py writes them.
"""

from uuid import UUID

from merchant.compliance.cases.models import Application
from merchant.compliance.cases.queries import lock_application
from merchant.compliance.cases.states import Capability, application_may
from merchant.core import errors
from merchant.core.access import Actor, Permission
from merchant.core.db import Tx
from merchant.core.texts import _

# Those of keys that wrote before a key's issuer was written down with it.
_ISSUED = "SELECT true FROM api_key WHERE id = ANY($1) AND issued_by = $2 LIMIT 1"


def is_maker(application: Application, actor: Actor) -> bool:
    """Whether the actor wrote or submitted the present version."""
    return actor.id in application.makers


def opened_by(application: Application, actor: Actor) -> bool:
    """Whether the actor opened the application and it is still in its first version."""
    return application.version == 1 and application.makers[:1] == [actor.id]


async def lock_for_decision(
    tx: Tx, actor: Actor, application_id: UUID, *, capability: Capability = Capability.DECIDE
) -> Application:
    """The application, locked for an act of a checker who is none of the version's makers.

    Raises NotFound, CheckerIsMaker, NotAllowed without the checker's permission, WrongState when its state does not
    permit `capability`.
    """
    application = await lock_application(tx, actor, application_id)
    # A maker is told why, whatever their roles.
    if is_maker(application, actor) or await tx.fetchval(_ISSUED, application.makers, actor.id):
        raise errors.CheckerIsMaker
    actor.require(Permission.APPLICATIONS_DECIDE)
    if not application_may(application.state, capability):
        if application_may(application.state, Capability.SCREEN):
            raise errors.WrongState(_("The screening of this application is still running; try again in a moment."))
        raise errors.WrongState(_("An application that is {state} is not under review.", state=application.state))
    return application
