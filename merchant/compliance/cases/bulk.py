"""Open, submit and screen many applications at once: what apply.py and assess.py do for one, for a row of an import.

`prepare` judges one application's answers and needs no database, so that a thread may do it; `open_applications` stores
many of them by a statement a table. A row that fails a rule fails alone, in `prepare`; what is stored is whole.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from uuid import UUID

import msgspec
from msgspec import Struct
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.inspection import inspect

import kyb
from merchant.compliance.cases import answers, doubts, lei, risk
from merchant.compliance.cases.apply import freeze_version, new_application, refuse_protected
from merchant.compliance.cases.assess import Ground, ground_for, seal_reports, stored_report
from merchant.compliance.cases.blocking.lookups import BlockedAnswer, find_blocked
from merchant.compliance.cases.models import Application, ApplicationVersion
from merchant.compliance.cases.risk_facts import Hits, hits_of
from merchant.compliance.cases.states import ApplicationState, move_application
from merchant.compliance.policies.in_force import policy_of
from merchant.compliance.registers.queries import Load, newest_load
from merchant.core import audit
from merchant.core.access import SERVICE, Actor
from merchant.core.audit import NewEntry
from merchant.core.db import Reads, Tx
from merchant.core.service import Service
from merchant.notify import events


class Prepared(Struct, frozen=True):
    """An application that obeys every rule and is not stored yet; with its version and report if it is submitted."""

    application: Application
    identifiers: list[answers.IdentifierRow]
    sections: kyb.Sections
    version: ApplicationVersion | None = None
    report: dict[str, Any] | None = None
    looks_up_lei: bool = False


class Opened(Struct, frozen=True):
    """What became of one application: added now, or there already under this external_ref."""

    outcome: Literal["added", "exists"]
    application_id: UUID


class Desk(Struct, frozen=True):
    """What a DFSP's applications are judged by now, and the names that no shop may bear."""

    ground: Ground
    protected: dict[str, tuple[str, ...]]
    has_lei_address: bool = False
    lei_load: Load | None = None

    def looks_up_lei(self, sections: kyb.Sections) -> bool:
        """Whether an LEI of this business can be looked up."""
        return sections.business.lei is not None and (self.has_lei_address or lei.covers(self.lei_load, sections))


async def desk_of(service: Service, dfsp_id: UUID) -> Desk:
    """What the applications of a DFSP are judged by now."""
    policy = await policy_of(service, dfsp_id)
    async with service.db.system_reads() as tx:
        load = await newest_load(tx)
    protected = await doubts.protected_names(service, policy)
    return Desk(await ground_for(service, policy), protected, bool(service.settings.lei_url), load)


def prepare(
    service: Service, actor: Actor, given: kyb.Sections, drawn_digits: int, desk: Desk, *, submit: bool
) -> Prepared:
    """An application as a maker opens it and, with `submit`, submits it and the worker screens it.

    `drawn_digits` is the length of the scheme's numbers. Raises InvalidFields, MaskedValue, ProtectedName, Incomplete.
    """
    application, sections = new_application(service, actor, given, drawn_digits)
    identifiers = answers.identifier_rows(service.vault, application, sections)
    if not submit:
        return Prepared(application, identifiers, sections)
    refuse_protected(sections, desk.protected)
    ground, case = desk.ground, kyb.Case(sections)
    looks_up = desk.looks_up_lei(sections)
    submitted = lei.before_look_up(case, looks_up, ground.now)
    version = freeze_version(service.vault, application, actor, submitted, ground.policy, ground.now)
    report = _judged(application, case, ground)
    seal_reports(service, application, version, report)
    move_application(application, ApplicationState.IN_REVIEW)
    return Prepared(application, identifiers, sections, version, report, looks_up)


def _judged(application: Application, case: kyb.Case, ground: Ground) -> dict[str, Any]:
    """The report on a new application but for its doubts; its risk is written to the application."""

    def risk_with(hits: Hits) -> kyb.Risk:
        return risk.risk_of_new(case, ground.policy, ground.home_country, hits, ground.now.date())

    found = risk_with(Hits())
    judged = msgspec.structs.replace(case, risk=found.band)
    report = kyb.assess(judged, ground.policy, ground.lists.index, ground.now)
    document = stored_report(report)
    if report.hits:
        found = risk_with(hits_of(document, {}))
    application.risk = found.band
    return document | {"risk": risk.stored_risk(found), "doubts": []}


Listed = Mapping[UUID, Sequence[BlockedAnswer]]


async def find_listed(service: Service, prepared: Sequence[Prepared]) -> Listed:
    """The block-listed answers of those applications that are submitted, by application; refusals.problem_of says which
    of them refuse it.
    """
    asked = [one for one in prepared if one.report is not None]
    found = await find_blocked(service, [one.sections for one in asked]) if asked else []
    return {one.application.id: listed for one, listed in zip(asked, found, strict=True) if listed}


async def add_doubts(service: Service, prepared: Sequence[Prepared], policy: kyb.Policy, listed: Listed) -> None:
    """Write into the reports what a checker should look at; before they are stored."""
    asked = [
        doubts.Questioned(one.application, one.sections, one.identifiers) for one in prepared if one.report is not None
    ]
    blocked = [listed.get(one.application.id, ()) for one in asked]
    found = await doubts.find_doubts(service, asked, policy, blocked) if asked else {}
    for one in prepared:
        told = found.get(one.application.id)
        if told and one.version is not None and one.report is not None:
            seal_reports(service, one.application, one.version, one.report | {"doubts": msgspec.to_builtins(told)})


async def find_by_refs(tx: Reads, dfsp_id: UUID, external_refs: Sequence[str]) -> dict[str, UUID]:
    """The applications that a DFSP has under these references of its own."""
    found = await tx.fetch(
        "SELECT external_ref, id FROM application WHERE dfsp_id = $1 AND external_ref = ANY($2)",
        dfsp_id,
        list(external_refs),
    )
    return {row["external_ref"]: row["id"] for row in found}


async def open_applications(tx: Tx, actor: Actor, prepared: Sequence[Prepared]) -> list[Opened]:
    """Store applications of the actor's DFSP, in their order; one whose external_ref is taken is not stored again.

    Each has an external_ref, and no two the same. Audited, announced and indexed as `apply` and `assess` do it.
    """
    dfsp_id = actor.own_dfsp()
    stored = await _insert(tx, prepared)
    taken = [one.application.external_ref or "" for one in prepared if one.application.id not in stored]
    there = await find_by_refs(tx, dfsp_id, taken) if taken else {}
    new = [one for one in prepared if one.application.id in stored]
    await answers.insert_identifiers(tx, [row for one in new for row in one.identifiers])
    versions = [one.version for one in new if one.version is not None]
    if versions:
        await (await tx.session.connection()).execute(insert(ApplicationVersion), [_values(one) for one in versions])
    await audit.record_many(tx, [entry for one in new for entry in _entries(actor, one)], dfsp_id=dfsp_id)
    if versions:
        told = [{"application_id": one.application_id, "version": one.version} for one in versions]
        await events.announce_many(tx, "application.submitted", dfsp_id, told)
    for one in new:
        if one.looks_up_lei and one.report is not None:  # by a job: few small merchants have an LEI
            await lei.wait_for_register(tx, one.application, one.sections, one.report["policy_version"])
    return [
        Opened("added", one.application.id)
        if one.application.id in stored
        else Opened("exists", there[one.application.external_ref or ""])
        for one in prepared
    ]


async def _insert(tx: Tx, prepared: Sequence[Prepared]) -> set[UUID]:
    """Insert the applications whose external_ref is free; their ids."""
    if not prepared:
        return set()
    columns: Any = Application
    statement = (
        insert(Application)
        .on_conflict_do_nothing(index_elements=[columns.dfsp_id, columns.external_ref])
        .returning(columns.id)
    )
    connection = await tx.session.connection()
    # In one order everywhere: two imports of the same file wait for each other, and never in a circle.
    rows = sorted((one.application for one in prepared), key=lambda row: row.external_ref or "")
    found = await connection.execute(statement, [_values(row) for row in rows])
    return set(found.scalars())


def _values(row: Application | ApplicationVersion) -> dict[str, Any]:
    """A new row's columns, but for those that only hold what releases before this one wrote in clear."""
    names = inspect(type(row)).columns.keys()
    return {name: getattr(row, name) for name in names if name not in ("report", "returned_items", "reject_reason")}


def _entries(actor: Actor, one: Prepared) -> list[NewEntry]:
    """What the record says of one application, as the operations on a single one say it."""
    row = one.application
    found = [NewEntry(actor, "application.opened", "application", row.id, {"version": 1})]
    if one.report is not None:
        version = {"version": row.version}
        submitted = version | {"version_hash": row.version_hash}
        outcome, judged = one.report["outcome"], one.report["risk"]
        screened = version | {"outcome": outcome, "hits": len(one.report["hits"])}
        screened |= {"risk": row.risk, "risk_score": judged["score"]}
        found.append(NewEntry(actor, "application.submitted", "application", row.id, submitted))
        found.append(NewEntry(SERVICE, "application.screened", "application", row.id, screened))
    return found
