"""Assess an application: after `apply.submit` and before review.py, and again whenever a checker asks.

`assess` holds the answers against the policy and the sanctions lists, scores the risk, and writes the report to the
application and to the frozen version alike. Lists that are too old or cannot be read make it say "not checked", never
"clear".
"""

import hashlib
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec import Struct

import kyb
from merchant.compliance.cases import answers, doubts, lei, memory, risk, sealed_fields, verifications
from merchant.compliance.cases.models import Application, ApplicationVersion
from merchant.compliance.cases.policy import local_now, policy_of_case
from merchant.compliance.cases.queries import frozen_version, hit_decisions, lock_application
from merchant.compliance.cases.risk_facts import Hits, hits_of
from merchant.compliance.cases.states import ApplicationState, Capability, application_may, move_application
from merchant.compliance.lists.current import Current, current_index
from merchant.core import audit, clock
from merchant.core.access import SERVICE, Actor
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.texts import _

RELEASED_BEFORE = _("The name is like a listed one, and was released before.")


class Ground(Struct, frozen=True):
    """What cases are judged by at a moment: the policy, the lists, the scheme's country, and the time in its zone."""

    policy: kyb.Policy
    lists: Current
    home_country: str
    now: datetime


async def ground_for(service: Service, policy: kyb.Policy) -> Ground:
    """What is judged by a policy now."""
    country = (await service.scheme()).country
    return Ground(policy, await current_index(service), country, await local_now(service))


async def assess(tx: Tx, service: Service, actor: Actor, application: Application, action: str) -> None:
    """Judge a locked, submitted application by the policy in force and the sanctions lists; audited as `action`.

    The report goes to the application and to its frozen version, so both always say what the checker decides on.
    """
    sections = answers.unseal(service.vault, application.id, application.sections_sealed)
    ground = await ground_for(service, await policy_of_case(service, application))
    merchant = await risk.merchant_of(tx, application)
    case = await verifications.case_of(tx, service, application, sections)
    # What is asked of owners depends on the risk; hits are not part of it, since they are decided before an approval.
    unlisted = await risk.judge(tx, service, application, case, Hits(), merchant)
    case = msgspec.structs.replace(case, risk=unlisted.band)
    frozen = await frozen_version(tx, application, application.version)
    report = kyb.assess(case, ground.policy, ground.lists.index, ground.now, application.target_tier)
    known = await memory.released(tx, service.vault, application.dfsp_id, sections, report.hits)
    document = remembered(stored_report(report), known)
    asked = doubts.Questioned(application, sections, answers.identifier_rows(service.vault, application, sections))
    document["doubts"] = msgspec.to_builtins(
        (await doubts.find_doubts(service, [asked], ground.policy))[application.id]
    )
    hits = hits_of(document, await hit_decisions(tx, application))
    judged = await risk.judge(tx, service, application, case, hits, merchant)
    document["risk"] = risk.stored_risk(judged.risk)
    await risk.set_band(tx, actor, application, judged)
    seal_reports(service, application, frozen, document)
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
        risk=judged.band,
        risk_score=judged.risk.score,
    )


def seal_reports(service: Service, application: Application, frozen: ApplicationVersion, document: Any) -> None:
    """Write a report to an application and to its frozen version, sealed."""
    sealed = sealed_fields.seal_report(service.vault, application.id, document)
    application.report_sealed = frozen.report_sealed = sealed
    application.report = frozen.report = None


async def screen_submitted(tx: Tx, service: Service, application_id: UUID) -> None:
    """Assess the submitted version and open it for review. Does nothing when it was withdrawn meanwhile."""
    application = await lock_application(tx, SERVICE, application_id)
    if not application_may(application.state, Capability.SCREEN):
        return
    await lei.look_up(tx, service, application, is_submitted=True)
    await assess(tx, service, SERVICE, application, "application.screened")
    move_application(application, ApplicationState.IN_REVIEW)


def remembered(document: dict[str, Any], known: set[tuple[str, str, str]]) -> dict[str, Any]:
    """A stored report in which hits that were released before are set aside."""
    for one in document["hits"]:
        hit = one["hit"]
        if (one["path"], hit["list_source"], hit["entry_id"]) in known:
            hit["set_aside"], hit["band"] = True, "set_aside"
    open_paths = {one["path"] for one in document["hits"] if not one["hit"]["set_aside"]}
    for check in document["checks"]:
        if check["code"] == "screening" and check["outcome"] == "failed" and check["path"] not in open_paths:
            check["outcome"], check["message"] = "passed", RELEASED_BEFORE
    found = {check["outcome"] for check in document["checks"] if check["code"] == "screening"}
    screening = "review" if "failed" in found else "not_checked" if "not_checked" in found else "clear"
    if document["screening"] != screening:
        document["screening"] = screening
        document["outcome"] = "incomplete" if screening == "clear" and document["tier"] is None else screening
        document["reasons"] = [one for one in document["reasons"] if one["code"] != "potential_match"]
    return document


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
