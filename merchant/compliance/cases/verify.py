"""Record what was seen of a case: by the maker who collects evidence, or waived by two checkers until a day."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlmodel import select

import kyb
from merchant.compliance.cases import answers
from merchant.compliance.cases.assess import assess
from merchant.compliance.cases.four_eyes import lock_for_decision, note_part
from merchant.compliance.cases.models import Application, Verification
from merchant.compliance.cases.policy import local_now, policy_of_case
from merchant.compliance.cases.queries import application as read_application
from merchant.compliance.cases.queries import lock_application
from merchant.compliance.cases.states import Capability, application_may
from merchant.compliance.cases.verifications import PROPOSED_WAIVER, facts_hash, record, verifications
from merchant.core import audit, clock, errors
from merchant.core.access import SERVICE, Actor
from merchant.core.db import Reads, Tx
from merchant.core.service import Service
from merchant.core.texts import _

if TYPE_CHECKING:
    from merchant.compliance.cases.case_schemas import NewVerification, NewWaiver

# A person who records evidence says how it was seen; these only a program or an approval may say.
BY_PEOPLE = frozenset(kyb.METHODS) - {"checker", *kyb.BOUND_METHODS}
WAIVER_LASTS_AT_MOST = timedelta(days=366)


async def add_verification(
    tx: Tx, service: Service, actor: Actor, application_id: UUID, new: "NewVerification"
) -> Verification:
    """Record what was seen. Raises NotFound, WrongState once the version is submitted, InvalidFields."""
    application = await lock_application(tx, actor, application_id)
    if not application_may(application.state, Capability.EDIT):
        raise errors.WrongState(
            _("What is {state} takes no further evidence; return it to its makers first.", state=application.state)
        )
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    _check_subject(sections, new.attribute, new.subject)
    if new.method not in BY_PEOPLE:
        known = ", ".join(sorted(BY_PEOPLE))
        raise errors.invalid_field("method", "not_allowed", _("Must be one of: {choices}.", choices=known))
    today = (await local_now(service)).date()
    if new.expires_on is not None and new.expires_on <= today:
        raise errors.invalid_field("expires_on", "past", _("This day has come already."))
    if (new.latitude is None) != (new.longitude is None):
        raise errors.invalid_field("latitude", "half_a_position", _("Give latitude and longitude together."))
    if new.attribute == "site" and new.outcome == "verified" and new.latitude is None:
        raise errors.invalid_field("latitude", "missing", _("Say where the visit was: latitude and longitude."))
    details = ("latitude", "longitude", "reference", "note")
    noted: dict[str, Any] = {name: value for name in details if (value := getattr(new, name)) is not None}
    if new.document_id is not None:
        noted["document_id"] = str(new.document_id)
    row = await record(
        tx,
        actor,
        application,
        sections,
        new.attribute,
        new.subject,
        outcome=new.outcome,
        method=new.method,
        code=new.code or ("refused" if new.outcome == "rejected" else ""),
        expires_on=new.expires_on,
        details=noted,
        policy_version=(await policy_of_case(service, application)).policy_version,
    )
    note_part(application, actor, "verifications")
    application.revision += 1
    await _audit(tx, actor, "verification.recorded", application, row)
    return row


async def list_verifications(tx: Reads, actor: Actor, application_id: UUID) -> list[Verification]:
    """What was verified of a case, and before of its merchant. Raises NotFound."""
    found = await read_application(tx, actor, application_id)
    return await verifications(tx, found.id, found.merchant_id)


async def waive(tx: Tx, service: Service, actor: Actor, application_id: UUID, new: "NewWaiver") -> Verification:
    """Propose to do without a verification, or confirm what another checker proposed for the same day.

    One that is confirmed counts at once: the case is assessed anew.

    Raises NotFound, CheckerIsMaker, NotAllowed, WrongState, InvalidFields.
    """
    application = await lock_for_decision(tx, actor, application_id)
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    _check_subject(sections, new.attribute, new.subject)
    today = (await local_now(service)).date()
    if not today < new.expires_on <= today + WAIVER_LASTS_AT_MOST:
        raise errors.invalid_field("expires_on", "out_of_range", _("A waiver ends within a year from now."))
    table: Any = Verification
    proposed = select(table).where(
        table.application_id == application.id,
        table.attribute == new.attribute,
        table.subject == new.subject,
        table.outcome == PROPOSED_WAIVER,
        table.expires_on == new.expires_on,
        table.facts == facts_hash(tx.vault, sections, new.attribute, new.subject),
        table.by_id != actor.id,
    )
    first: Verification | None = (await tx.session.exec(proposed.with_for_update())).first()
    if first is not None:
        first.outcome, first.confirmed_by, first.at = "waived", actor.id, clock.now()
        application.revision += 1
        await _audit(tx, actor, "verification.waived", application, first)
        await tx.flush()
        # The report says which tier is reached: the checker decides on what counts from now on.
        await assess(tx, service, SERVICE, application, "application.screened_again")
        return first
    row = await record(
        tx,
        actor,
        application,
        sections,
        new.attribute,
        new.subject,
        outcome=PROPOSED_WAIVER,
        method="manual",
        expires_on=new.expires_on,
        details={"reason": new.reason},
        policy_version=(await policy_of_case(service, application)).policy_version,
    )
    application.revision += 1
    await _audit(tx, actor, "verification.waiver_proposed", application, row)
    return row


def _check_subject(sections: kyb.Sections, attribute: str, subject: str) -> None:
    if attribute not in kyb.ATTRIBUTES:
        known = ", ".join(kyb.ATTRIBUTES)
        raise errors.invalid_field("attribute", "not_allowed", _("Must be one of: {choices}.", choices=known))
    known = ", ".join(kyb.subjects(sections, attribute)) or "-"
    if subject not in kyb.subjects(sections, attribute):
        raise errors.invalid_field("subject", "unknown", _("Must be one of: {choices}.", choices=known))


async def _audit(tx: Tx, actor: Actor, action: str, application: Application, row: Verification) -> None:
    await audit.record(
        tx,
        actor,
        action,
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        attribute=row.attribute,
        subject=row.subject,
        outcome=row.outcome,
        method=row.method,
    )
