"""What was verified of a case: recorded when someone or something found it, read as kyb judges it.

A verification rests on the answers it was made for: one whose answers changed since does not count. The facts are
compared by a keyed hash, so that the table tells nobody an identity number.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, tzinfo
from typing import Any
from uuid import UUID

import msgspec
from sqlmodel import or_, select

import kyb
from merchant.compliance.cases.models import Application, Verification
from merchant.core import audit, clock
from merchant.core.access import SERVICE, Actor
from merchant.core.db import Reads, Tx
from merchant.core.service import Service
from merchant.core.vault import Vault
from merchant.registry.merchants.models import Merchant
from merchant.registry.merchants.states import Capability, is_blocked, merchant_may

PROPOSED_WAIVER = "waiver_proposed"  # the first of two; counts for nothing yet
DETAILS = "verification:{id}"  # as vault.seal is told


async def case_of(
    tx: Reads,
    service: Service,
    application: Application,
    sections: kyb.Sections,
    merchant: Merchant | None = None,
    *,
    screening: str | None = None,
) -> kyb.Case:
    """A case as kyb judges it: its answers, what was verified of them, and where its merchant stands."""
    rows = await verifications(tx, application.id, application.merchant_id)
    zone = await service.time_zone()
    return judged_case(service.vault, sections, rows, merchant, zone, risk=application.risk, screening=screening)


def judged_case(
    vault: Vault,
    sections: kyb.Sections,
    rows: Iterable[Verification],
    merchant: Merchant | None,
    zone: tzinfo,
    *,
    risk: str | None,
    screening: str | None = None,
) -> kyb.Case:
    """The same of rows that were read already; `zone` is the scheme's, in which days begin."""
    counted = tuple(_standing_rows(vault, sections, rows, zone))
    return kyb.Case(
        sections,
        counted,
        screening=msgspec.convert(screening, kyb.ScreeningOutcome | None),
        risk=risk,
        standing=standing_of(merchant, zone) if merchant is not None else None,
    )


def standing_of(merchant: Merchant, zone: tzinfo) -> kyb.Standing:
    """Where a merchant stands, and since which day of the scheme's."""
    since = (merchant.tier_since or merchant.created_at).astimezone(zone).date()
    return kyb.Standing(
        merchant.tier,
        since,
        suspended=not merchant_may(merchant.state, Capability.TAKE_PAYMENT),
        listed=merchant.listed,
        blocked=is_blocked(merchant.state),
    )


async def verifications(tx: Reads, application_id: UUID, merchant_id: UUID | None) -> list[Verification]:
    """What was verified of a case and of the merchant it is about, oldest first."""
    table: Any = Verification
    owner = table.application_id == application_id
    if merchant_id is not None:
        owner = or_(owner, table.merchant_id == merchant_id)
    return list((await tx.session.exec(select(table).where(owner).order_by(table.at, table.id))).all())


def facts_hash(vault: Vault, sections: kyb.Sections, attribute: str, subject: str) -> bytes | None:
    """A keyed hash of the answers that a verification rests on; None for a subject that the case does not have."""
    text = kyb.facts_text(sections, attribute, subject)
    return None if text is None else vault.digest(f"facts.{attribute}", text)


def _standing_rows(
    vault: Vault, sections: kyb.Sections, rows: Iterable[Verification], zone: tzinfo
) -> Iterator[kyb.Verification]:
    """Those whose answers are still the same, wherever they stand by now: an owner may have moved up the list."""
    places: dict[str, dict[bytes, str]] = {}
    for row in rows:
        if row.outcome == PROPOSED_WAIVER:
            continue
        if row.attribute not in places:
            places[row.attribute] = {
                found: subject
                for subject in kyb.subjects(sections, row.attribute)
                if (found := facts_hash(vault, sections, row.attribute, subject)) is not None
            }
        if (subject := places[row.attribute].get(row.facts)) is not None:
            yield _as_kyb(row, subject, zone)


async def record(
    tx: Tx,
    actor: Actor,
    application: Application,
    sections: kyb.Sections,
    attribute: str,
    subject: str,
    *,
    outcome: str,
    method: str,
    policy_version: str,
    code: str = "",
    expires_on: date | None = None,
    details: dict[str, Any] | None = None,
    at: datetime | None = None,
) -> Verification:
    """Add a verification to a case, and to the merchant that it is about. The subject must be one of the case's."""
    facts = facts_hash(tx.vault, sections, attribute, subject)
    assert facts is not None, f"{subject} is no subject of {attribute}"
    row = Verification(
        dfsp_id=application.dfsp_id,
        application_id=application.id,
        merchant_id=application.merchant_id,
        attribute=attribute,
        subject=subject,
        outcome=outcome,
        method=method,
        by_kind=actor.kind,
        by_id=actor.id,
        by_name="",
        at=at or clock.now(),
        expires_on=expires_on,
        code=code,
        facts=facts,
        policy_version=policy_version,
    )
    if details:
        row.details_sealed = tx.vault.seal(msgspec.json.encode(details), DETAILS.format(id=row.id))
    tx.session.add(row)
    return row


async def record_found(
    tx: Tx,
    application: Application,
    sections: kyb.Sections,
    attribute: str,
    subject: str,
    *,
    outcome: str,
    method: str,
    policy_version: str,
    code: str = "",
    expires_on: date | None = None,
    details: dict[str, Any] | None = None,
) -> Verification:
    """Add what the service itself found out, and audit it."""
    row = await record(
        tx,
        SERVICE,
        application,
        sections,
        attribute,
        subject,
        outcome=outcome,
        method=method,
        policy_version=policy_version,
        code=code,
        expires_on=expires_on,
        details=details,
    )
    told = {"attribute": attribute, "subject": subject, "outcome": outcome, "method": method, "code": code}
    await audit.record(
        tx, SERVICE, "verification.recorded", "application", application.id, dfsp_id=application.dfsp_id, **told
    )
    return row


def is_automatic(row: Verification) -> bool:
    """Whether the service itself asked, so that nobody wrote down what they wished for."""
    return row.by_kind == SERVICE.kind


def details_of(vault: Vault, row: Verification) -> dict[str, Any] | None:
    """What was noted with a verification: coordinates, a reference, a reason in words."""
    if row.details_sealed is None:
        return None
    found: dict[str, Any] = msgspec.json.decode(vault.open(row.details_sealed, DETAILS.format(id=row.id)))
    return found


def _as_kyb(row: Verification, subject: str, zone: tzinfo) -> kyb.Verification:
    return kyb.Verification(
        attribute=row.attribute,
        subject=subject,
        outcome=msgspec.convert(row.outcome, kyb.Outcome),
        method=row.method,
        by=str(row.by_id or row.by_kind),
        at=row.at.astimezone(zone),
        expires_on=row.expires_on,
        code=row.code,
        is_automatic=is_automatic(row),
    )
