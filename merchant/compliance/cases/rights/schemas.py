"""Shapes of the JSON API of people's rights: whom to look for, what is held about them, who looked at it."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import Meta, Struct

import kyb
from merchant.compliance.cases.privacy import RevealReason
from merchant.compliance.cases.rights.erase import Erased, ErasureReason
from merchant.compliance.cases.rights.find import Sought
from merchant.compliance.cases.rights.readings import Reading
from merchant.compliance.documents.schemas import DocumentView
from merchant.core.http import json as web
from merchant.core.http.fields import Instant

_NumberText = Annotated[str, Meta(min_length=1, max_length=100)]


class PersonSought(Struct, frozen=True, forbid_unknown_fields=True):
    """A person by identity number or phone, and why their data is exported."""

    reason: RevealReason
    id_number: _NumberText | None = None
    phone: _NumberText | None = None

    def sought(self) -> Sought:
        """Whom to look for."""
        return Sought(self.id_number, self.phone)


class PersonToErase(Struct, frozen=True, forbid_unknown_fields=True):
    """A person by identity number or phone, and why their data is erased."""

    reason: ErasureReason
    id_number: _NumberText | None = None
    phone: _NumberText | None = None

    def sought(self) -> Sought:
        """Whom to look for."""
        return Sought(self.id_number, self.phone)


class ReadingView(Struct, frozen=True):
    """One look at a person's data: at a masked answer or a document, by whom, when and why.

    `actor_name` is what they are called today; null for the service. `path` is `*` where all was read.
    """

    at: Instant
    actor_kind: str
    actor_id: UUID
    actor_name: str | None
    document_id: UUID | None
    path: str
    why: str
    version: int | None


class ExportedVersion(Struct, frozen=True):
    """What a version's answers say of the person; of one person's business, all of them."""

    version: int
    owners: list[kyb.Owner]
    contact: kyb.Contact | None
    business: kyb.Business
    locations: list[kyb.Location]
    settlement_account: kyb.SettlementAccount | None
    external_ref: str | None


class ExportedHit(Struct, frozen=True):
    """A listed name that is like the person's, and what was decided on it."""

    version: int
    path: str
    hit: dict[str, Any]
    decision: str | None
    reason: str | None
    release_reason: str | None


class ExportedDecision(Struct, frozen=True):
    """What a checker decided on a version."""

    version: int
    kind: str
    reason: str | None
    checker: UUID
    at: Instant


class ExportedMerchant(Struct, frozen=True):
    """The merchant that a case made or is about."""

    id: UUID
    state: str
    tier: str
    trading_name: str
    legal_name: str
    phone: str | None


class ExportedCase(Struct, frozen=True, kw_only=True):
    """A case in which the person stands as owner or contact. `kept_until` is null until its clock begins."""

    application_id: UUID
    kind: str
    state: str
    created_at: Instant
    submitted_at: Instant | None
    changed_at: Instant
    kept_days: int | None
    kept_until: Instant | None
    legal_hold: bool
    merchant: ExportedMerchant | None
    versions: list[ExportedVersion]
    verifications: list[dict[str, Any]]
    hits: list[ExportedHit]
    decisions: list[ExportedDecision]
    returned_items: list[dict[str, Any]]
    reject_reason: str | None
    appeal_reason: str | None
    documents: list[DocumentView]
    readings: list[ReadingView]


class PersonExport(Struct, frozen=True):
    """Everything that the DFSP holds about a person, case by case, the oldest first."""

    made_at: Instant
    cases: list[ExportedCase]


class ErasedView(Struct, frozen=True):
    """The cases that were erased, or that are proposed to be until another person asks for the same."""

    state: str
    application_ids: list[UUID]


class HoldView(Struct, frozen=True):
    """A legal hold of a case."""

    application_id: UUID
    placed_by: UUID
    placed_at: Instant
    lifted_by: UUID | None
    lifted_at: Instant | None


def erased_view(found: Erased) -> ErasedView:
    """What came of asking to erase a person."""
    return ErasedView(found.state, found.application_ids)


def reading_view(one: Reading) -> ReadingView:
    """A look at personal data."""
    return ReadingView(
        at=web.at(one.at),
        actor_kind=one.actor_kind,
        actor_id=one.actor_id,
        actor_name=one.actor_name,
        document_id=one.subject_id if one.subject_type == "document" else None,
        path=one.path,
        why=one.why,
        version=one.version,
    )
