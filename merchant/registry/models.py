"""Tables of the registry, from the scheme and its DFSPs through applications to merchants and their numbers.

Rules live in apply, screening, review, alias and lifecycle; these only hold. `alias` is all that the oracle reads.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from merchant import columns


class Scheme(SQLModel, table=True):
    """The one scheme this installation serves; a single row with id 1."""

    id: int = Field(default=1, primary_key=True)
    name: str
    qr_domain: str  # reverse-domain GUID of our EMV template, for example org.example.pay
    alias_type: str = "ALIAS"
    alias_length: int = 8
    currencies: list[str] = columns.texts()
    country: str
    time_zone: str
    ussd_code: str = ""
    request_expiry_s: int = 300
    request_expiry_max_s: int = 604_800


class Dfsp(SQLModel, table=True):
    """A participant of the hub: the tenant."""

    id: UUID = columns.key()
    fsp_id: str = Field(unique=True, max_length=32)
    name: str
    enabled: bool = True
    hub_mode: str = "simulator"
    hub_url: str = ""
    transfer_mode: str = "RESERVED"
    created_at: datetime = columns.instant()


class Application(SQLModel, table=True):
    """An application as it stands: the version being written or under review."""

    __table_args__ = (
        UniqueConstraint("dfsp_id", "external_ref"),
        Index("application_by_state", "dfsp_id", "state", "id"),
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
    report: dict[str, Any] | None = columns.document()
    returned_items: list[dict[str, str]] | None = columns.document()
    reject_reason: str | None = None
    merchant_id: UUID | None = None
    trading_name: str = ""
    legal_name: str = ""
    mcc: str = ""
    created_at: datetime = columns.instant()
    updated_at: datetime = columns.instant()
    submitted_at: datetime | None = columns.instant(nullable=True)


class ApplicationVersion(SQLModel, table=True):
    """A version frozen at submission: what the checker decides on, for ever."""

    __tablename__ = "application_version"
    application_id: UUID = Field(foreign_key="application.id", primary_key=True)
    version: int = Field(primary_key=True)
    dfsp_id: UUID = columns.dfsp()
    version_hash: str
    sections_sealed: bytes = columns.sealed(nullable=False)
    makers: list[UUID] = columns.uuids()
    report: dict[str, Any] | None = columns.document()
    submitted_at: datetime = columns.instant()


class ApplicationIdentifier(SQLModel, table=True):
    """Blind index of identity numbers, phones and tax numbers: finds the same person or firm again."""

    __tablename__ = "application_identifier"
    __table_args__ = (Index("application_identifier_digest", "dfsp_id", "digest"),)
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
    reason: str
    decided_by: UUID
    decided_at: datetime = columns.instant()


class Decision(SQLModel, table=True):
    """A checker's decision on a frozen version."""

    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    application_id: UUID = columns.ref("application.id")
    version: int
    version_hash: str
    kind: str
    reason: str | None = None
    checker_id: UUID
    decided_at: datetime = columns.instant()


class Merchant(SQLModel, table=True):
    """An approved merchant."""

    __table_args__ = (Index("merchant_by_state", "dfsp_id", "state", "id"),)
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    application_id: UUID = columns.ref("application.id")
    state: str = "active"
    tier: str
    kind: str
    trading_name: str
    legal_name: str
    ussd_name: str
    mcc: str
    currencies: list[str] = columns.texts()
    country: str
    city: str
    phone_digest: bytes | None = columns.sealed()
    phone_sealed: bytes | None = columns.sealed()
    phone_masked: str | None = None
    revision: int = 1
    created_at: datetime = columns.instant()


class Location(SQLModel, table=True):
    """A place, or a web shop, of a merchant."""

    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    merchant_id: UUID = columns.ref("merchant.id")
    name: str
    kind: str
    country: str
    city: str
    details: dict[str, Any] = columns.document(nullable=False)


class Counter(SQLModel, table=True):
    """A point of sale with its own number and QR code."""

    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    merchant_id: UUID = columns.ref("merchant.id")
    location_id: UUID = columns.ref("location.id")
    name: str
    alias_type: str
    alias: str = Field(index=True)
    created_at: datetime = columns.instant()


class AliasClaim(SQLModel, table=True):
    """Who a (type, alias) belongs to, for ever: a retired alias is never given to another.

    Letters in another case are the same alias: people dial and read them aloud.
    """

    __tablename__ = "alias_claim"
    __table_args__ = (Index("alias_claim_any_case", "alias_type", sql("lower(alias)"), unique=True),)
    alias_type: str = Field(primary_key=True)
    alias: str = Field(primary_key=True)
    dfsp_id: UUID = columns.dfsp()
    counter_id: UUID | None = None
    external_merchant_id: str | None = None
    claimed_at: datetime = columns.instant()
    retired_at: datetime | None = columns.instant(nullable=True)


class Alias(SQLModel, table=True):
    """What the oracle looks up: one row per (type, alias, sub-id, currency). Nothing else is in its way."""

    __table_args__ = (
        Index("alias_external", "dfsp_id", "external_merchant_id", "currency"),
        Index("alias_merchant", "merchant_id", postgresql_where=sql("merchant_id IS NOT NULL")),
    )
    alias_type: str = Field(primary_key=True)
    alias: str = Field(primary_key=True)
    sub_id: str = Field(default="", primary_key=True)
    currency: str = Field(default="", primary_key=True)
    dfsp_id: UUID = Field(foreign_key="dfsp.id")
    merchant_id: UUID | None = None
    counter_id: UUID | None = None
    external_merchant_id: str | None = None
    active: bool = True


class OpenReference(SQLModel, table=True):
    """A sub-id that a dynamic QR code carries, while its payment request is open."""

    __tablename__ = "open_reference"
    __table_args__ = (Index("open_reference_unanswered", "look_up_at", postgresql_where=sql("look_up_at IS NOT NULL")),)
    alias_type: str = Field(primary_key=True)
    alias: str = Field(primary_key=True)
    sub_id: str = Field(primary_key=True)
    dfsp_id: UUID = columns.dfsp()
    counter_id: UUID = Field(index=True)
    request_id: UUID = Field(index=True)
    currency: str
    expires_at: datetime = Field(sa_type=columns.INSTANT, index=True)
    look_up_at: datetime | None = columns.instant(nullable=True)  # when to ask once more for the payer's DFSP
