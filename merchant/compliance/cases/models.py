"""Tables of applications: the version being written, the frozen versions, what was found and decided on them.

Rules live in apply, assess, review and four_eyes; these only hold.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, LargeBinary, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from merchant.core import columns


class Application(SQLModel, table=True):
    """An application as it stands: the version being written or under review."""

    __table_args__ = (
        UniqueConstraint("dfsp_id", "external_ref"),
        Index("application_by_state", "dfsp_id", "state", "id"),
        Index("application_of_merchant", "merchant_id", postgresql_where=sql("merchant_id IS NOT NULL")),
        Index(
            "application_open_case",
            "merchant_id",
            "kind",
            unique=True,
            postgresql_where=sql(
                "merchant_id IS NOT NULL AND state::text IN ('draft', 'submitted', 'in_review', 'returned')"
            ),
        ),
        Index("application_of_applicant", "applicant_id", "id", postgresql_where=sql("applicant_id IS NOT NULL")),
        Index(
            "application_open_of_applicant",
            "applicant_id",
            unique=True,
            postgresql_where=sql(
                "kind::text = 'onboarding' AND state::text IN ('draft', 'submitted', 'in_review', 'returned')"
            ),
        ),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    external_ref: str | None = None
    state: str = "draft"
    version: int = 1
    revision: int = 1
    version_hash: str
    sections_sealed: bytes = columns.sealed(nullable=False)
    makers: list[UUID] = columns.uuids()
    checker_id: UUID | None = None
    claimed_by: UUID | None = None
    claimed_until: datetime | None = columns.instant(nullable=True)
    report: dict[str, Any] | None = columns.document()  # in clear: of releases before sealed_fields.py
    report_sealed: bytes | None = columns.sealed()
    returned_items: list[dict[str, str]] | None = columns.document()  # likewise
    returned_items_sealed: bytes | None = columns.sealed()
    reject_reason: str | None = None  # likewise
    reject_reason_sealed: bytes | None = columns.sealed()
    merchant_id: UUID | None = None
    trading_name: str = ""
    legal_name: str = ""
    mcc: str = ""
    created_at: datetime = columns.instant()
    updated_at: datetime = columns.instant()
    submitted_at: datetime | None = columns.instant(nullable=True)
    # What makes a case of an application: merchant_id is then the live merchant that it is about.
    kind: str = Field(default="onboarding", sa_column_kwargs=columns.added("'onboarding'"))
    target_tier: str | None = None
    section_makers: dict[str, list[str]] = columns.mapping()  # section → who wrote the answers that stand in it
    approvals: list[UUID] = columns.uuids(sa_column_kwargs=columns.added("'{}'"))  # of this version, so far
    barred: list[UUID] = columns.uuids(sa_column_kwargs=columns.added("'{}'"))  # who wrote or decided before an appeal
    appealed_at: datetime | None = columns.instant(nullable=True)
    due_at: datetime | None = columns.instant(nullable=True)  # when it is to be decided
    risk: str | None = None
    reason_sealed: bytes | None = columns.sealed()
    trigger: str | None = None  # what opened a review: a code
    to_dfsp_id: UUID | None = None  # of a transfer
    moves_merchant_id: UUID | None = None  # of a transfer that another DFSP offers
    # Of someone who registered themselves, or a merchant's owner who asks for a case: who, and when they handed it in.
    applicant_id: UUID | None = None
    handed_in_at: datetime | None = columns.instant(nullable=True)
    erased_at: datetime | None = columns.instant(nullable=True)  # its answers and all words about people are gone


class ApplicationVersion(SQLModel, table=True):
    """A version frozen at submission, with the report of its newest screening: what the checker decides on."""

    __tablename__ = "application_version"
    application_id: UUID = Field(foreign_key="application.id", primary_key=True)
    version: int = Field(primary_key=True)
    dfsp_id: UUID = columns.dfsp()
    version_hash: str
    sections_sealed: bytes = columns.sealed(nullable=False)
    makers: list[UUID] = columns.uuids()
    report: dict[str, Any] | None = columns.document()  # in clear: of releases before sealed_fields.py
    report_sealed: bytes | None = columns.sealed()
    submitted_at: datetime = columns.instant()


class Verification(SQLModel, table=True):
    """What someone or something found about an attribute of a subject; only added to. `facts` is a keyed hash of the
    answers it rests on. Before approval it is the application's, afterwards the merchant's too.
    """

    __table_args__ = (
        Index("verification_of_application", "application_id"),
        Index("verification_of_merchant", "merchant_id"),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    application_id: UUID | None = columns.ref("application.id", nullable=True, index=False)
    merchant_id: UUID | None = columns.ref("merchant.id", nullable=True, index=False)
    attribute: str
    subject: str
    outcome: str
    method: str
    by_kind: str  # user, api_key, or provider
    by_id: UUID | None = None
    by_name: str = ""
    confirmed_by: UUID | None = None  # the second of two, of a waiver
    at: datetime = columns.instant()
    expires_on: date | None = None
    code: str = ""
    facts: bytes = columns.sealed(nullable=False)
    details_sealed: bytes | None = columns.sealed()
    policy_version: str = ""


class ApplicationIdentifier(SQLModel, table=True):
    """Blind index of identity numbers, phones and tax numbers: finds the same person or firm again."""

    __tablename__ = "application_identifier"
    __table_args__ = (
        Index("application_identifier_digest", "dfsp_id", "digest"),
        Index("application_identifier_anywhere", "digest"),
    )
    application_id: UUID = Field(foreign_key="application.id", primary_key=True)
    path: str = Field(primary_key=True)
    dfsp_id: UUID = columns.dfsp()
    kind: str
    digest: bytes = columns.sealed(nullable=False)


class ScreeningDecision(SQLModel, table=True):
    """What a person decided about one hit of the screening."""

    __tablename__ = "screening_decision"
    application_id: UUID = Field(foreign_key="application.id", primary_key=True)
    version: int = Field(primary_key=True)
    hit_id: str = Field(primary_key=True)
    dfsp_id: UUID = columns.dfsp()
    decision: str
    reason: str = ""  # in clear: of releases before sealed_fields.py
    reason_sealed: bytes | None = columns.sealed()
    decided_by: UUID
    decided_at: datetime = columns.instant()
    entry: str | None = None  # a digest of the list's entry, the same in every version and wherever the name stands
    release_proposed_by: UUID | None = None  # the first of two who say that a true match is none
    release_reason_sealed: bytes | None = columns.sealed()


class HitDecision(SQLModel, table=True):
    """Every decision on a hit, in the order in which they were made; only added to."""

    __tablename__ = "hit_decision"
    __table_args__ = (Index("hit_decision_of", "application_id", "version", "hit_id"),)
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    application_id: UUID = columns.ref("application.id", index=False)
    version: int
    hit_id: str
    decision: str
    proposed: bool
    reason_sealed: bytes = columns.sealed(nullable=False)
    decided_by: UUID
    decided_at: datetime = columns.instant()


class ReleasedHit(SQLModel, table=True):
    """A hit that was released: the subject with its facts as a keyed hash, and the entry with its content."""

    __tablename__ = "released_hit"
    dfsp_id: UUID = Field(foreign_key="dfsp.id", primary_key=True)
    subject: bytes = Field(sa_type=LargeBinary, primary_key=True)
    list_source: str = Field(primary_key=True)
    entry_id: str = Field(primary_key=True)
    entry_sha256: str
    application_id: UUID = columns.ref("application.id")
    hit_id: str
    released_at: datetime = columns.instant()
    expires_at: datetime = Field(sa_type=columns.INSTANT, index=True)


class RiskOverride(SQLModel, table=True):
    """A band of risk that people set by hand; after an approval it is the merchant's too.

    One that lowers counts once a second person confirmed it, and until the day on which it ends begins.
    """

    __tablename__ = "risk_override"
    __table_args__ = (
        Index("risk_override_of_application", "application_id"),
        Index("risk_override_of_merchant", "merchant_id"),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    application_id: UUID | None = columns.ref("application.id", nullable=True, index=False)
    merchant_id: UUID | None = columns.ref("merchant.id", nullable=True, index=False)
    band: str
    lowers: bool
    reason_sealed: bytes = columns.sealed(nullable=False)
    by_id: UUID
    confirmed_by: UUID | None = None
    until: date | None = None
    created_at: datetime = columns.instant()


class Decision(SQLModel, table=True):
    """A checker's decision on a frozen version."""

    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    application_id: UUID = columns.ref("application.id")
    version: int
    version_hash: str
    kind: str
    reason: str | None = None  # in clear: of releases before sealed_fields.py
    reason_sealed: bytes | None = columns.sealed()
    checker_id: UUID
    decided_at: datetime = columns.instant()
