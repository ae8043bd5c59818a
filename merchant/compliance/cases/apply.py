"""Write an application: a maker opens it, changes its sections, and submits a version.

An application's life goes on in assess.py, which the worker runs after `submit`, and in review.py, or ends early in
withdrawals.py. Everyone who wrote or submitted a version is one of its makers and may not decide on it (four_eyes.py).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy.exc import IntegrityError

import kyb
from merchant.compliance.cases import (
    answers,
    doubts,
    four_eyes,
    latin_names,
    lei,
    obstacles,
    privacy,
    problems,
    verifications,
)
from merchant.compliance.cases.blocking.refusals import Subject, refuse_blocked
from merchant.compliance.cases.kyb_sentences import marked
from merchant.compliance.cases.models import Application, ApplicationVersion
from merchant.compliance.cases.place_ids import check_place_ids
from merchant.compliance.cases.policy import local_now, policy_of_case
from merchant.compliance.cases.queries import lock_application
from merchant.compliance.cases.states import ApplicationState, Capability, application_may, move_application
from merchant.core import audit, clock, errors, outbox
from merchant.core.access import Actor
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.texts import _
from merchant.core.vault import Vault
from merchant.notify import events

SCREEN_TOPIC = "registry.screen"
NOTHING_KEPT: Mapping[str, str] = {}


async def open_application(tx: Tx, service: Service, actor: Actor, given: kyb.Sections) -> Application:
    """Start an application with any sections. Raises InvalidFields, MaskedValue, ExternalRefTaken."""
    application, sections = new_application(service, actor, given, (await service.scheme()).alias_length)
    tx.session.add(application)
    await _flush_unique(tx)
    await answers.index_identifiers(tx, service.vault, application, sections)
    await audit.record(
        tx, actor, "application.opened", "application", application.id, dfsp_id=application.dfsp_id, version=1
    )
    return application


def new_application(
    service: Service, actor: Actor, given: kyb.Sections, drawn_digits: int
) -> tuple[Application, kyb.Sections]:
    """A draft that is stored nowhere yet, with its answers tidied. Raises InvalidFields, MaskedValue."""
    privacy.refuse_masked(given)
    sections = answers.tidy(given, drawn_digits)
    application = Application(dfsp_id=actor.own_dfsp(), version_hash="", sections_sealed=b"", trading_name="")
    four_eyes.note_opener(application, actor)
    four_eyes.note_authors(application, actor, kyb.Sections(), sections)
    answers.write(service.vault, application, sections)
    return application, sections


async def change_sections(
    tx: Tx,
    service: Service,
    actor: Actor,
    application_id: UUID,
    revision: int,
    changes: dict[str, object],
    keep: Mapping[str, str] = NOTHING_KEPT,
) -> Application:
    """Replace the sections named in `changes`, with what they `keep` of the masked answers (privacy.kept).

    Editing a returned application begins its next version.

    Raises NotFound, StaleVersion when `revision` is not the present one, WrongState, InvalidFields, MaskedValue,
    ExternalRefTaken.
    """
    application = await lock_application(tx, actor, application_id)
    if application.revision != revision:
        raise errors.StaleVersion
    check_editable(application)
    before = answers.unseal(service.vault, application.id, application.sections_sealed)
    given = kyb.Sections(**{name: getattr(before, name) for name in before.__struct_fields__} | changes)
    privacy.refuse_masked(given)
    given = privacy.kept(before, given, keep)
    sections = answers.tidy(given, (await service.scheme()).alias_length)
    await check_place_ids(tx, service, application, sections)
    if not begin_edit(application, actor):
        application.revision += 1
    four_eyes.note_authors(application, actor, before, sections)
    answers.write(service.vault, application, sections)
    await _flush_unique(tx)
    await answers.index_identifiers(tx, service.vault, application, sections)
    await audit.record(
        tx,
        actor,
        "application.changed",
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        version=application.version,
        sections=sorted(changes),
    )
    return application


def check_editable(application: Application) -> None:
    """Raise WrongState where an application's answers, and its documents, may not change any more."""
    if not application_may(application.state, Capability.EDIT):
        raise errors.WrongState(_("An application that is {state} cannot be edited.", state=application.state))


def begin_edit(application: Application, actor: Actor, part: str | None = None) -> bool:
    """Let the actor write the version that is open; of a returned application the next one begins.

    `part` is what else than a section they add, such as documents: it makes them a maker. True when a version began.
    Its hash is the caller's to write (answers.write).
    """
    begins = application_may(application.state, Capability.BEGIN_VERSION)
    if begins:
        move_application(application, ApplicationState.DRAFT)
        application.version += 1
        four_eyes.note_opener(application, actor)
        application.approvals = []
        application.checker_id = None
        application.report = application.report_sealed = None
    if part is not None:
        four_eyes.note_part(application, actor, part)
    return begins


def refuse_protected(sections: kyb.Sections, protected: Mapping[str, tuple[str, ...]]) -> None:
    """Raise ProtectedName where a shop would bear somebody else's name."""
    if named := obstacles.protected_errors(sections, protected):
        raise problems.ProtectedName(errors=named)


async def submit(tx: Tx, service: Service, actor: Actor, application_id: UUID) -> Application:
    """Freeze the version for review and queue its screening.

    Raises WrongState, InvalidFields for a currency without limits, Incomplete naming what the lowest tier of this kind
    of business still lacks, ProtectedName, and BlockListed naming answers that the scheme does not accept.
    """
    application = await lock_application(tx, actor, application_id)
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    if application_may(application.state, Capability.SUBMIT):
        await check_place_ids(tx, service, application, sections)  # of a release that did not ask before
    policy, now = await policy_of_case(service, application), await local_now(service)
    case = await verifications.case_of(tx, service, application, sections)
    refuse_protected(sections, await doubts.protected_names(service, policy))
    case = lei.before_look_up(case, await lei.is_looked_up(service, sections), now)
    version = freeze_version(service.vault, application, actor, case, policy, now)
    subject = Subject("application", application.id, application.dfsp_id, {"version": application.version})
    await refuse_blocked(service, actor, subject, sections)
    tx.session.add(version)
    await audit.record(
        tx,
        actor,
        "application.submitted",
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        version=application.version,
        version_hash=application.version_hash,
    )
    await events.announce(
        tx,
        "application.submitted",
        application.dfsp_id,
        None,
        {"application_id": application.id, "version": application.version},
    )
    await outbox.add(tx, SCREEN_TOPIC, {"application_id": application.id}, dfsp_id=application.dfsp_id)
    return application


def freeze_version(
    vault: Vault, application: Application, actor: Actor, case: kyb.Case, policy: kyb.Policy, now: datetime
) -> ApplicationVersion:
    """Move a draft to submitted; the version to store beside it. Raises what `submit` does."""
    if application_may(application.state, Capability.BEGIN_VERSION):
        raise errors.WrongState(_("This was returned: change what was asked for first, then submit it again."))
    if not application_may(application.state, Capability.SUBMIT):
        raise errors.WrongState(_("An application that is {state} cannot be submitted.", state=application.state))
    _check_complete(case, policy, application.target_tier, now)
    four_eyes.note_submitter(application, actor)
    application.submitted_at = clock.now()
    application.due_at = application.submitted_at + timedelta(hours=policy.text.sla_hours)
    move_application(application, ApplicationState.SUBMITTED)
    return version_row(vault, application)


def version_row(vault: Vault, application: Application) -> ApplicationVersion:
    """The version as it is submitted; a checker decides on exactly this."""
    sections = answers.unseal(vault, application.id, application.sections_sealed)
    application.version_hash = answers.version_hash(vault, application.version, sections)
    return ApplicationVersion(
        application_id=application.id,
        version=application.version,
        dfsp_id=application.dfsp_id,
        version_hash=application.version_hash,
        sections_sealed=application.sections_sealed,
        makers=application.makers,
        submitted_at=application.submitted_at or clock.now(),
    )


def _check_complete(case: kyb.Case, policy: kyb.Policy, target_tier: str | None, now: datetime) -> None:
    if unlimited := obstacles.limit_errors(case.sections, policy):
        raise errors.InvalidFields(errors=unlimited)
    due = kyb.requirements(case, policy, target_tier, now).currently_due
    missing = tuple(errors.FieldError(item.path, item.code, marked(item.message)) for item in due)
    known = {one.path for one in missing}
    unnamed = (one for one in latin_names.missing_latin_name(case.sections) if one.path not in known)
    if missing := (*missing, *unnamed):
        raise problems.Incomplete(errors=missing)


async def _flush_unique(tx: Tx) -> None:
    try:
        await tx.flush()
    except IntegrityError as error:
        if "external_ref" in str(error.orig):
            raise problems.ExternalRefTaken from None
        raise
