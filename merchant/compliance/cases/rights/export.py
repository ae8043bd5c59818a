"""Everything that a DFSP holds about one person, in one document; making it is recorded as a look at their data.

Of a business with several owners only what is about this one is told; of one person's business, all of it. What the
screening found is among it: whoever hands the document on takes out what the law forbids to tell.
"""

from typing import Any
from uuid import UUID

from sqlmodel import select

import kyb
from merchant.compliance.cases import answers, queries
from merchant.compliance.cases import sealed_fields as fields
from merchant.compliance.cases.models import Application, Verification
from merchant.compliance.cases.rights.erase import ONE_PERSON
from merchant.compliance.cases.rights.find import Person, Sought, find_person, person_of
from merchant.compliance.cases.rights.readings import MOST_READINGS, Reading, readings
from merchant.compliance.cases.rights.retention import clock_of
from merchant.compliance.cases.rights.schemas import (
    ExportedCase,
    ExportedDecision,
    ExportedHit,
    ExportedMerchant,
    ExportedVersion,
    PersonExport,
    reading_view,
)
from merchant.compliance.cases.verifications import details_of, verifications
from merchant.compliance.documents.models import Document
from merchant.compliance.documents.schemas import document_view
from merchant.core import audit, clock
from merchant.core.access import Actor
from merchant.core.db import Reads, Tx
from merchant.core.http import json as web
from merchant.core.paging import Page
from merchant.core.service import Service
from merchant.core.vault import Vault
from merchant.registry.merchants.models import Merchant


async def export_person(
    tx: Tx, service: Service, actor: Actor, dfsp_id: UUID, sought: Sought, why: str, **detail: Any
) -> PersonExport:
    """What is held about a person; no cases when nothing is. `detail` is for the audit record. Raises InvalidFields."""
    cases = await find_person(tx, service.vault, dfsp_id, sought)
    frozen = {case.id: await queries.submitted_versions(tx, actor, case.id) for case in cases}
    known = [sections for case in cases for sections in _sections(service.vault, case, frozen[case.id]).values()]
    person = person_of(sought, known)
    for case in cases:
        await audit.record(
            tx,
            actor,
            "personal_data.read",
            "application",
            case.id,
            dfsp_id=dfsp_id,
            path="*",
            why=why,
            version=case.version,
            exported=True,
            **detail,
        )
    if not cases:
        await audit.record(tx, actor, "personal_data.sought", "dfsp", dfsp_id, dfsp_id=dfsp_id, why=why, **detail)
    made = [await _exported(tx, service, actor, case, frozen[case.id], person) for case in cases]
    return PersonExport(made_at=web.at(clock.now()), cases=made)


async def readings_of_person(tx: Reads, service: Service, dfsp_id: UUID, sought: Sought) -> list[Reading]:
    """Who looked at a person's data, newest first; 10,000 looks at most. Raises InvalidFields."""
    cases = await find_person(tx, service.vault, dfsp_id, sought)
    return await readings(tx, dfsp_id, cases, Page(MOST_READINGS - 1))


def _sections(vault: Vault, case: Application, submitted: list[queries.Submitted]) -> dict[int, kyb.Sections]:
    """The answers of every version, the present one among them."""
    sealed = {one.version.version: one.version.sections_sealed for one in submitted}
    sealed[case.version] = case.sections_sealed
    return {version: answers.unseal(vault, case.id, sealed[version]) for version in sorted(sealed)}


async def _exported(
    tx: Tx, service: Service, actor: Actor, case: Application, submitted: list[queries.Submitted], person: Person
) -> ExportedCase:
    vault = service.vault
    versions = _sections(vault, case, submitted)
    kept = await clock_of(tx, service, case)
    alone = versions[case.version].business.kind in ONE_PERSON
    about = _About({version: _paths(person, each, alone) for version, each in versions.items()}, alone)
    rows = await verifications(tx, case.id, case.merchant_id)
    merchant: Any = await tx.session.get(Merchant, case.merchant_id) if case.merchant_id is not None else None
    looks = await readings(tx, case.dfsp_id, [case], Page(MOST_READINGS - 1))
    return ExportedCase(
        application_id=case.id,
        kind=case.kind,
        state=case.state,
        created_at=web.at(case.created_at),
        submitted_at=web.at_or_none(case.submitted_at),
        changed_at=web.at(case.updated_at),
        kept_days=kept.days,
        kept_until=web.at_or_none(kept.ends_at),
        legal_hold=kept.held,
        merchant=_merchant(vault, merchant, alone) if merchant is not None else None,
        versions=[_version(number, each, person, alone) for number, each in versions.items()],
        verifications=[_verification(vault, row) for row in rows if about.is_told(row.subject)],
        hits=[hit for one in submitted for hit in _hits(vault, one, about)],
        decisions=[
            ExportedDecision(
                one.version.version,
                row.kind,
                fields.decision_reason_of(vault, row),
                row.checker_id,
                web.at(row.decided_at),
            )
            for one in submitted
            for row in one.decisions
        ],
        returned_items=[
            {"path": item["path"], "reason": item["reason"]}
            for item in fields.returned_items_of(vault, case) or []
            if about.is_told(item.get("path", ""))
        ],
        reject_reason=fields.reject_reason_of(vault, case),
        appeal_reason=fields.case_reason_of(vault, case),
        documents=[document_view(vault, actor, row) for row in await _documents(tx, case) if about.is_told(row.path)],
        readings=[reading_view(one) for one in looks],
    )


class _About:
    """Which places of a case's answers are about the person."""

    def __init__(self, paths: dict[int, set[str]], alone: bool) -> None:
        self._paths, self._alone = paths, alone
        self._all = set().union(*paths.values())

    def is_told(self, path: str, version: int | None = None) -> bool:
        """Whether a place is about them, in a version or in any."""
        place = path.split(".")[0]
        if place.startswith("owners[") or place == "contact":
            return place in (self._all if version is None else self._paths.get(version, set()))
        return self._alone


def _paths(person: Person, sections: kyb.Sections, alone: bool) -> set[str]:
    owners = {f"owners[{place}]" for place in person.places(sections)}
    return owners | ({"contact"} if alone or person.is_contact(sections) else set())


def _version(number: int, sections: kyb.Sections, person: Person, alone: bool) -> ExportedVersion:
    return ExportedVersion(
        version=number,
        owners=[sections.owners[place] for place in person.places(sections)],
        contact=sections.contact if alone or person.is_contact(sections) else None,
        business=sections.business if alone else kyb.Business(trading_name=sections.business.trading_name),
        locations=list(sections.locations) if alone else [],
        settlement_account=sections.settlement_account if alone else None,
        external_ref=sections.external_ref,
    )


def _merchant(vault: Vault, row: Merchant, alone: bool) -> ExportedMerchant:
    sealed = row.phone_sealed if alone else None
    phone = None if sealed is None else vault.open(sealed, f"merchant:{row.id}").decode()
    return ExportedMerchant(row.id, row.state, row.tier, row.trading_name, row.legal_name, phone)


def _verification(vault: Vault, row: Verification) -> dict[str, Any]:
    return {
        "attribute": row.attribute,
        "subject": row.subject,
        "outcome": row.outcome,
        "method": row.method,
        "code": row.code,
        "by": row.by_id,
        "at": web.at(row.at),
        "expires_on": row.expires_on,
        "details": details_of(vault, row),
    }


def _hits(vault: Vault, one: queries.Submitted, about: _About) -> list[ExportedHit]:
    """What the screening found about the person in a version, with what was decided."""
    report = fields.report_of(vault, one.version) or {"hits": []}
    decided = {row.hit_id: row for row in one.hit_decisions}
    found = []
    for hit in report["hits"]:
        if about.is_told(hit["path"], one.version.version):
            row = decided.get(hit["id"])
            found.append(
                ExportedHit(
                    one.version.version,
                    hit["path"],
                    hit["hit"],
                    None if row is None else row.decision,
                    None if row is None else fields.hit_reason_of(vault, row),
                    None if row is None else fields.release_reason_of(vault, row),
                )
            )
    return found


async def _documents(tx: Tx, case: Application) -> list[Document]:
    table: Any = Document
    held = table.application_id == case.id
    held = held if case.merchant_id is None else held | (table.merchant_id == case.merchant_id)
    statement = select(table).where(held, table.dfsp_id == case.dfsp_id).order_by(table.id)
    return list((await tx.session.exec(statement)).all())
