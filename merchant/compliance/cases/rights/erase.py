"""Erase what a case knows of people, once nobody has to keep it any more; for a person, two people of the staff do.

Sealed columns are emptied, documents lose their keys and files, blind indexes go. Ids, states, amounts, hashes and the
audit chain stay: they say nothing of a person. `erasure` tells what was erased, when, why and by whom.
"""

from typing import Any, Literal
from uuid import UUID

from msgspec import Struct
from sqlmodel import select

import kyb
from merchant.compliance.cases import answers
from merchant.compliance.cases.models import Application
from merchant.compliance.cases.rights.find import Sought, find_person
from merchant.compliance.cases.rights.holds import LOCK_MERCHANT
from merchant.compliance.cases.rights.models import Erasure
from merchant.compliance.cases.rights.retention import clock_of, refusal_of
from merchant.compliance.cases.states import made_a_merchant
from merchant.compliance.documents.models import Document
from merchant.compliance.documents.operations import destroy_document
from merchant.core import audit, clock, errors
from merchant.core.access import SERVICE, Actor, Role
from merchant.core.access import Permission as P
from merchant.core.db import Tx
from merchant.core.service import Service
from merchant.core.texts import _

ErasureReason = Literal["person_asked", "authority_ordered"]
RETENTION_OVER = "retention_over"  # of what a timer erases
ONE_PERSON = frozenset({"individual", "sole_proprietor"})  # whose names are a person's

# $1 is the case, $2 sealed answers that hold nothing.
_OF_CASE = (
    "UPDATE application SET report = NULL, report_sealed = NULL, returned_items = NULL, returned_items_sealed = NULL,"
    " reject_reason = NULL, reject_reason_sealed = NULL, reason_sealed = NULL WHERE id = $1",
    "UPDATE application_version SET report = NULL, report_sealed = NULL WHERE application_id = $1",
    "UPDATE decision SET reason = NULL, reason_sealed = NULL WHERE application_id = $1",
    "UPDATE hit_decision SET reason_sealed = '' WHERE application_id = $1",
    "UPDATE risk_override SET reason_sealed = '' WHERE application_id = $1",
    "DELETE FROM released_hit WHERE application_id = $1",
    "UPDATE screening_decision SET reason = '', reason_sealed = NULL, release_reason_sealed = NULL"
    " WHERE application_id = $1",
    # The facts are a keyed hash of an identity, by which it could be found again.
    # Those of a merchant go with it: a live one counts what a case that came to nothing verified.
    "UPDATE verification SET details_sealed = NULL, facts = '' WHERE application_id = $1 AND merchant_id IS NULL",
    "DELETE FROM application_identifier WHERE application_id = $1",
)
_EMPTY_VERSIONS = "UPDATE application_version SET sections_sealed = $2 WHERE application_id = $1"
_OF_MERCHANT = (
    "UPDATE merchant SET phone_digest = NULL, phone_sealed = NULL, phone_masked = NULL, revision = revision + 1"
    " WHERE id = $1",
    "UPDATE location SET details = '{}', details_sealed = NULL WHERE merchant_id = $1",
    "UPDATE ended_sticker SET reason = '', reason_sealed = NULL"
    " WHERE counter_id IN (SELECT id FROM counter WHERE merchant_id = $1)",
    "UPDATE verification SET details_sealed = NULL, facts = '' WHERE merchant_id = $1",
    "DELETE FROM sms_message WHERE merchant_id = $1",
    "DELETE FROM email_message WHERE merchant_id = $1",
)
_NAMES_OF_ONE = (
    "UPDATE merchant SET trading_name = '', legal_name = '', ussd_name = '' WHERE id = $1 AND kind = ANY($2)",
    "UPDATE location SET name = '' FROM merchant m WHERE merchant_id = $1 AND m.id = $1 AND m.kind = ANY($2)",
)
_FORGET_REASONS = """
DELETE FROM audit_reason r USING audit_entry e
WHERE e.dfsp_id = ANY($1::uuid[]) AND e.subject_id = ANY($2::text[]) AND r.dfsp_id = e.dfsp_id AND r.seq = e.seq
"""
_STILL_ACTS = "SELECT 1 FROM app_user WHERE id = $1 AND enabled AND dfsp_id = $2"


class Erased(Struct, frozen=True):
    """What came of asking to erase a person: the cases, and whether another person has to confirm."""

    state: Literal["proposed", "erased"]
    application_ids: list[UUID]


async def erase_person(
    service: Service, actor: Actor, dfsp_id: UUID, sought: Sought, why: ErasureReason, **detail: Any
) -> Erased:
    """Propose to erase a person's cases, or erase what another person proposed; the service acts alone.

    `detail` is for the audit record. Raises NotFound, NotAllowed, LegalHoldStands, RelationshipNotEnded and
    RetentionNotEnded (recorded), InvalidFields.
    """
    if actor != SERVICE:
        actor.require(P.PERSONAL_DATA_ERASE)
    async with service.db.system() as tx:
        cases = await find_person(tx, service.vault, dfsp_id, sought, lock=True)
        if not cases:
            raise errors.NotFound(_("No case has this person as owner or contact."))
        refusal = await _refusal(tx, service, actor, cases, detail)
        if refusal is None:
            return await _propose_or_erase(tx, actor, dfsp_id, cases, why, detail)
    raise refusal  # once its record is kept


async def _refusal(
    tx: Tx, service: Service, actor: Actor, cases: list[Application], detail: dict[str, Any]
) -> errors.MerchantError | None:
    """Why not all of the cases may be erased, after recording it."""
    found: errors.MerchantError | None = None
    for case in cases:
        await tx.fetch(LOCK_MERCHANT, case.merchant_id)
        why_not = refusal_of(await clock_of(tx, service, case))
        if why_not is not None:
            await _record(tx, actor, "application.erasure_refused", case, code=why_not.code, **detail)
            found = found or why_not
    return found


async def _propose_or_erase(
    tx: Tx, actor: Actor, dfsp_id: UUID, cases: list[Application], why: ErasureReason, detail: dict[str, Any]
) -> Erased:
    ids = [case.id for case in cases]
    proposals = {row.application_id: row for row in await _proposals(tx, ids)}
    confirmed = actor == SERVICE
    if not confirmed and len(proposals) == len(cases):
        others = {row.requested_by for row in proposals.values()} - {actor.id}
        confirmed = len(others) == len({row.requested_by for row in proposals.values()})
        for one in others:
            confirmed = confirmed and bool(await tx.fetchval(_STILL_ACTS, one, dfsp_id))
    if confirmed:
        for case in cases:
            await erase_case(tx, actor, case, why, proposals.get(case.id), **detail)
        return Erased("erased", ids)
    if Role.DFSP_ADMIN not in actor.roles:
        raise errors.NotAllowed(_("An admin proposes to erase a person; another person then confirms."))
    for case in cases:
        row = proposals.get(case.id) or Erasure(dfsp_id=dfsp_id, application_id=case.id, why=why, requested_by=actor.id)
        row.why, row.requested_by, row.requested_at = why, actor.id, clock.now()
        tx.session.add(row)
        await _record(tx, actor, "application.erasure_proposed", case, why=why, **detail)
    return Erased("proposed", ids)


async def erase_case(
    tx: Tx, actor: Actor, case: Application, why: str, proposal: Erasure | None = None, **detail: Any
) -> None:
    """Erase a locked case that nobody has to keep, and what its merchant kept of it. Needs the system's transaction."""
    await tx.flush()
    merchant_id = await _merchant_of(tx, case)
    subjects: list[UUID] = [case.id]
    for statement in _OF_CASE:
        await tx.execute(statement, case.id)
    nothing = answers.seal(tx.vault, case.id, kyb.Sections())
    await tx.execute(_EMPTY_VERSIONS, case.id, nothing)
    await tx.session.refresh(case)
    case.sections_sealed, case.erased_at = nothing, clock.now()
    case.external_ref, case.trading_name, case.legal_name = None, "", ""
    case.revision += 1
    tx.session.add(case)
    if merchant_id is not None:
        subjects += [merchant_id, *await _counters(tx, merchant_id)]
        for statement in _OF_MERCHANT:
            await tx.execute(statement, merchant_id)
        for statement in _NAMES_OF_ONE:
            await tx.execute(statement, merchant_id, sorted(ONE_PERSON))
    documents = await _documents(tx, case.id, merchant_id)
    for row in documents:
        await destroy_document(tx, actor, row)
    subjects += [row.id for row in documents]
    # The hub tells in its own words why it blocked the merchant.
    await tx.execute(_FORGET_REASONS, [case.dfsp_id, audit.HUB_CHAIN], [str(one) for one in subjects])
    told = proposal or Erasure(dfsp_id=case.dfsp_id, application_id=case.id, why=why, requested_by=actor.id)
    told.merchant_id, told.confirmed_by, told.erased_at = merchant_id, actor.id, clock.now()
    tx.session.add(told)
    requested_by, count = str(told.requested_by), len(documents)
    await _record(
        tx, actor, "application.erased", case, why=told.why, requested_by=requested_by, documents=count, **detail
    )
    await tx.flush()


async def _merchant_of(tx: Tx, case: Application) -> UUID | None:
    """The merchant that ends with the case; None for a case that made none, or whose merchant another DFSP has."""
    if not made_a_merchant(case.state):
        return None
    own = "SELECT id FROM merchant WHERE id = $1 AND dfsp_id = $2 FOR UPDATE"
    found: UUID | None = await tx.fetchval(own, case.merchant_id, case.dfsp_id)
    return found


async def _counters(tx: Tx, merchant_id: UUID) -> list[UUID]:
    return [row["id"] for row in await tx.fetch("SELECT id FROM counter WHERE merchant_id = $1", merchant_id)]


async def _documents(tx: Tx, case_id: UUID, merchant_id: UUID | None) -> list[Document]:
    table: Any = Document
    held = table.application_id == case_id
    held = held if merchant_id is None else held | (table.merchant_id == merchant_id)
    statement = select(table).where(held, table.erased_at.is_(None)).order_by(table.id).with_for_update()
    return list((await tx.session.exec(statement)).all())


async def _proposals(tx: Tx, case_ids: list[UUID]) -> list[Erasure]:
    table: Any = Erasure
    statement = select(table).where(table.application_id.in_(case_ids), table.erased_at.is_(None)).with_for_update()
    return list((await tx.session.exec(statement)).all())


async def _record(tx: Tx, actor: Actor, action: str, case: Application, **detail: Any) -> None:
    await audit.record(tx, actor, action, "application", case.id, dfsp_id=case.dfsp_id, **detail)
