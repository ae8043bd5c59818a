"""Second step of an application: the worker assesses a submitted version and hands it to the checkers.

Builds the Applicant that kyb judges, applies policy and lists, stores the report with the versions it used, and moves
submitted → in_review. Lists that cannot be read make the report say "not checked", never "clear".
"""

import hashlib
from typing import Any
from uuid import UUID

import msgspec
import structlog

import kyb
from merchant.compliance.lists import screening_index
from merchant.compliance.policies import policy
from merchant.core import audit, clock, errors
from merchant.core.access import SERVICE, Actor
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.registry.applications import answers
from merchant.registry.applications.models import Application, ScreeningDecision
from merchant.registry.applications.queries import lock_application
from merchant.registry.applications.states import ApplicationState, Capability, application_may, move_application

SCREEN_TOPIC = "registry.screen"
_log = structlog.get_logger()


def case_of(sections: kyb.Sections) -> kyb.Applicant:
    """The applicant whom kyb judges.

    What the DFSP's maker submits, the DFSP vouches for: a phone that is an account at the DFSP, and numbers of
    documents its staff saw (DECISIONS 6). Answers that are absent vouch for nothing.
    """
    return kyb.Applicant(
        sections=sections,
        evidence=kyb.Evidence(
            phone_verified=answers.merchant_phone(sections) is not None,
            identity_verified=bool(sections.owners) and all(owner.id_number for owner in sections.owners),
            licence_verified=bool(sections.business.registration_number or sections.business.tax_id),
        ),
    )


async def run_checks(tx: Tx, service: Service, application_id: UUID) -> None:
    """Assess the submitted version and open it for review. Does nothing when it was withdrawn meanwhile."""
    application = await lock_application(tx, SERVICE, application_id)
    if not application_may(application.state, Capability.SCREEN):
        return
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    report = kyb.assess(case_of(sections), policy(), screening_index(service.settings.screening_list), clock.now())
    application.report = stored_report(report)
    move_application(application, ApplicationState.IN_REVIEW)
    await tx.execute(
        "UPDATE application_version SET report = $3::jsonb WHERE application_id = $1 AND version = $2",
        application.id,
        application.version,
        msgspec.json.encode(application.report).decode(),
    )
    await audit.record(
        tx,
        SERVICE,
        "application.screened",
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        version=application.version,
        outcome=report.outcome,
        hits=len(report.hits),
    )


async def screen_again(tx: Tx, service: Service, actor: Actor, application_id: UUID) -> Application:
    """Screen a version under review once more, for example after a missing list was put in place."""
    application = await lock_application(tx, actor, application_id)
    if not application_may(application.state, Capability.SCREEN_AGAIN):
        raise errors.WrongState(f"An application that is {application.state} is not under review.")
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    report = kyb.assess(case_of(sections), policy(), screening_index(service.settings.screening_list), clock.now())
    application.report = stored_report(report)
    application.revision += 1
    await audit.record(
        tx,
        actor,
        "application.screened_again",
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        version=application.version,
        outcome=report.outcome,
        hits=len(report.hits),
    )
    return application


async def decide_hit(
    tx: Tx, actor: Actor, application_id: UUID, hit_id: str, decision: str, reason: str
) -> Application:
    """Record a checker's decision on one hit. Raises NotFound, WrongState, CheckerIsMaker."""
    application = await lock_application(tx, actor, application_id)
    if not application_may(application.state, Capability.SCREEN_AGAIN):
        raise errors.WrongState(f"An application that is {application.state} is not under review.")
    if actor.id in application.makers:
        raise errors.CheckerIsMaker
    if hit_id not in {hit["id"] for hit in (application.report or {}).get("hits", ())}:
        raise errors.NotFound("The screening of this version has no such hit.")
    await tx.session.merge(
        ScreeningDecision(
            application_id=application.id,
            version=application.version,
            hit_id=hit_id,
            dfsp_id=application.dfsp_id,
            decision=decision,
            reason=reason,
            decided_by=actor.id,
        )
    )
    application.revision += 1
    await audit.record(
        tx,
        actor,
        "application.hit_decided",
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        version=application.version,
        hit=hit_id,
        decision=decision,
    )
    return application


async def decisions_on(tx: Tx, application: Application) -> dict[str, str]:
    """hit id → decision, for the version under review."""
    rows = await tx.fetch(
        "SELECT hit_id, decision FROM screening_decision WHERE application_id = $1 AND version = $2",
        application.id,
        application.version,
    )
    return {row["hit_id"]: row["decision"] for row in rows}


def stored_report(report: kyb.Report) -> dict[str, Any]:
    """The report as JSON values, each hit with an id that stays the same when screened again."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(report))
    document["assessed_at"] = clock.rfc3339(report.assessed_at)
    for hit in document["hits"]:
        hit["id"] = hashlib.sha256(f"{hit['path']}|{hit['hit']['entry_id']}".encode()).hexdigest()[:12]
    return document
