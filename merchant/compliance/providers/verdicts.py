"""Verdicts of providers, recorded as verifications by the service: what every kind of provider ends in.

A case under review is assessed anew at once, so that the checker decides on what was found. What a provider could not
answer is never recorded, and an answer that is given twice is recorded once.
"""

from typing import Any, Literal
from uuid import UUID

from msgspec import Struct
from sqlmodel import select

import kyb
from merchant.compliance.cases import answers
from merchant.compliance.cases.assess import assess
from merchant.compliance.cases.models import Application, Verification
from merchant.compliance.cases.policy import local_now, policy_of_case
from merchant.compliance.cases.states import Capability, application_may
from merchant.compliance.cases.verifications import details_of, record_found, verifications
from merchant.compliance.providers.port import REGISTRY, Verdict
from merchant.compliance.providers.wanted import facts_key, place_of, wanted_of
from merchant.core.access import SERVICE
from merchant.core.db import Tx
from merchant.core.service import Service

Taken = Literal["recorded", "unchanged", "unknown_case", "not_open", "unknown_subject", "facts_changed", "expired"]


class Answered(Struct, frozen=True):
    """A verdict, and about what: the facts by their key, or the subject as it stands now."""

    application_id: UUID
    attribute: str
    verdict: Verdict
    facts_key: bytes | None = None
    subject: str | None = None


async def take_verdict(tx: Tx, service: Service, answered: Answered, source: str | None = None) -> Taken:
    """Record what a register answered, once; what became of it. `source` names where the answer came from."""
    table: Any = Application
    locked = select(table).where(table.id == answered.application_id).with_for_update()
    application: Application | None = (await tx.session.exec(locked)).one_or_none()
    if application is None:
        return "unknown_case"
    if not application_may(application.state, Capability.PROVE):
        return "not_open"
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    attribute, subject = answered.attribute, answered.subject
    if answered.facts_key is not None:
        subject = place_of(service.vault, sections, attribute, answered.facts_key)
        if subject is None:
            return "facts_changed"
    there = subject in list(kyb.subjects(sections, attribute))
    if subject is None or not there or not kyb.facts_of(sections, attribute, subject):
        return "unknown_subject"
    ends = answered.verdict.expires_on if answered.verdict.outcome == "verified" else None
    if ends is not None and ends <= (await local_now(service)).date():
        return "expired"  # it would count for nothing, and stand there as verified
    if await _is_known(tx, service, application, sections, attribute, subject, answered.verdict):
        return "unchanged"
    await record_verdict(tx, service, application, sections, attribute, subject, answered.verdict, source=source)
    return "recorded"


async def record_verdict(
    tx: Tx,
    service: Service,
    application: Application,
    sections: kyb.Sections,
    attribute: str,
    subject: str,
    verdict: Verdict,
    *,
    method: str = REGISTRY,
    source: str | None = None,
) -> Verification:
    """Record a verdict on a locked case, which must be one that takes evidence."""
    details = {"reference": verdict.reference, "source": source}
    row = await record_found(
        tx,
        application,
        sections,
        attribute,
        subject,
        outcome=verdict.outcome,
        method=method,
        code=verdict.kept_code,
        expires_on=verdict.expires_on,
        details={name: text for name, text in details.items() if text is not None},
        policy_version=(await policy_of_case(service, application)).policy_version,
    )
    application.revision += 1
    await tx.flush()
    if application_may(application.state, Capability.SCREEN_AGAIN):
        await assess(tx, service, SERVICE, application, "application.screened_again")
    return row


async def _is_known(
    tx: Tx,
    service: Service,
    application: Application,
    sections: kyb.Sections,
    attribute: str,
    subject: str,
    verdict: Verdict,
) -> bool:
    """Whether the newest answer about these facts says the same, and still counts where it verified something."""
    key = facts_key(service.vault, sections, attribute, subject)
    rows = await verifications(tx, application.id, application.merchant_id)
    same = [
        row
        for row in rows
        if row.attribute == attribute and row.method == REGISTRY and key is not None and row.facts.startswith(key)
    ]
    if not same or _said(service, same[-1]) != (
        verdict.outcome,
        verdict.kept_code,
        verdict.reference,
        verdict.expires_on,
    ):
        return False
    if verdict.outcome != "verified":
        return True
    wanted = await wanted_of(tx, service, application, sections)
    return (attribute, subject) not in {(one.request.attribute, one.subject) for one in wanted}


def _said(service: Service, row: Verification) -> tuple[Any, ...]:
    reference = (details_of(service.vault, row) or {}).get("reference")
    return row.outcome, row.code, reference, row.expires_on
