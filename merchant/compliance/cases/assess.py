"""Assess an application: after `apply.submit` and before review.py, and again whenever a checker asks.

`assess` holds the answers against the policy and the sanctions lists, scores the risk, and writes the report to the
application and to the frozen version alike. Lists that are too old or cannot be read make it say "not checked", never
"clear".
"""

import hashlib
from typing import Any
from uuid import UUID

import msgspec

import kyb
from merchant.compliance.cases import answers, risk, sealed_fields, verifications
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.policy import local_now, policy_of_case
from merchant.compliance.cases.queries import frozen_version, hit_decisions, lock_application
from merchant.compliance.cases.risk_facts import Hits, hits_of
from merchant.compliance.cases.states import ApplicationState, Capability, application_may, move_application
from merchant.compliance.lists.current import current_index
from merchant.core import audit, clock
from merchant.core.access import SERVICE, Actor
from merchant.core.db import Tx
from merchant.core.service import Service


async def assess(tx: Tx, service: Service, actor: Actor, application: Application, action: str) -> None:
    """Judge a locked, submitted application by the policy in force and the sanctions lists; audited as `action`.

    The report goes to the application and to its frozen version, so both always say what the checker decides on.
    """
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    lists = await current_index(service)
    policy = await policy_of_case(service, application)
    merchant = await risk.merchant_of(tx, application)
    case = await verifications.case_of(tx, service.vault, application, sections)
    # What is asked of owners depends on the risk; hits are not part of it, since they are decided before an approval.
    unlisted = await risk.judge(tx, service, application, case, Hits(), merchant)
    case = msgspec.structs.replace(case, risk=unlisted.band)
    report = kyb.assess(case, policy, lists.index, await local_now(service), application.target_tier)
    document = stored_report(report)
    found = await risk.judge(
        tx, service, application, case, hits_of(document, await hit_decisions(tx, application)), merchant
    )
    document["risk"] = risk.stored_risk(found.risk)
    await risk.set_band(tx, actor, application, found)
    frozen = await frozen_version(tx, application, application.version)
    sealed = sealed_fields.seal_report(service.vault, application.id, document)
    application.report_sealed = frozen.report_sealed = sealed
    application.report = frozen.report = None
    await audit.record(
        tx,
        actor,
        action,
        "application",
        application.id,
        dfsp_id=application.dfsp_id,
        version=application.version,
        outcome=report.outcome,
        hits=len(report.hits),
        risk=found.band,
        risk_score=found.risk.score,
    )


async def screen_submitted(tx: Tx, service: Service, application_id: UUID) -> None:
    """Assess the submitted version and open it for review. Does nothing when it was withdrawn meanwhile."""
    application = await lock_application(tx, SERVICE, application_id)
    if not application_may(application.state, Capability.SCREEN):
        return
    await assess(tx, service, SERVICE, application, "application.screened")
    move_application(application, ApplicationState.IN_REVIEW)


def hit_entry(hit: dict[str, Any]) -> str:
    """A digest of the list's entry that a stored hit is like, the same wherever the name stands in the answers."""
    return hashlib.sha256(str(hit["hit"]["entry_id"]).encode()).hexdigest()[:12]


def stored_report(report: kyb.Report) -> dict[str, Any]:
    """The report as JSON values, each hit with an id that stays the same when screened again."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(report))
    document["assessed_at"] = clock.rfc3339(report.assessed_at)
    for hit in document["hits"]:
        hit["id"] = hashlib.sha256(f"{hit['path']}|{hit['hit']['entry_id']}".encode()).hexdigest()[:12]
    return document
