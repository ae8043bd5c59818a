"""Appeal a rejection: once, written and decided by people who had no part in what it is against."""

from datetime import timedelta
from uuid import UUID

from merchant.compliance.cases import four_eyes, problems, sealed_fields
from merchant.compliance.cases.apply import SCREEN_TOPIC, version_row
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.policy import policy_of_case
from merchant.compliance.cases.queries import lock_application, submitted_versions
from merchant.compliance.cases.states import ApplicationState, Capability, application_may, move_application
from merchant.core import audit, clock, errors, outbox
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.texts import _


async def appeal(tx: Tx, service: Service, actor: Actor, application_id: UUID, reason: str) -> Application:
    """Send a rejected case to review again as its next version. Raises NotFound, NotRejected, CheckerIsMaker."""
    application = await lock_application(tx, actor, application_id)
    if not application_may(application.state, Capability.APPEAL) or application.appealed_at is not None:
        raise problems.NotRejected
    if application.erased_at is not None:
        raise problems.NotRejected
    versions = await submitted_versions(tx, actor, application_id)
    had_part = four_eyes.had_part(versions)
    if set(actor.authors()) & had_part:
        raise errors.CheckerIsMaker(_("An appeal is written by someone who had no part in what it is against."))
    four_eyes.begin_appeal(application, actor, had_part)
    application.approvals = []
    application.version += 1
    application.checker_id = None
    application.report = application.report_sealed = None
    application.appealed_at = application.submitted_at = clock.now()
    policy = await policy_of_case(service, application)
    application.due_at = clock.now() + timedelta(hours=policy.text.sla_hours)
    sealed_fields.write_case_reason(tx.vault, application, reason)
    move_application(application, ApplicationState.SUBMITTED)
    tx.session.add(version_row(service.vault, application))
    await audit.record(
        tx,
        actor,
        "application.appealed",
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        version=application.version,
    )
    await outbox.add(tx, SCREEN_TOPIC, {"application_id": application.id}, dfsp_id=application.dfsp_id)
    return application
