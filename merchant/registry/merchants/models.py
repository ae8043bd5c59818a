"""Tables of approved merchants, their locations and their counters.

review.py of applications makes them and lifecycle.py changes them; these only hold.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from merchant.core import columns

LOCATION_DETAILS = "location:{id}"  # address and coordinates, as vault.seal is told


class Merchant(SQLModel, table=True):
    """An approved merchant."""

    __table_args__ = (
        Index("merchant_by_state", "dfsp_id", "state", "id"),
        Index("merchant_to_check", "check_on"),
        Index("merchant_of_group", "limit_group", postgresql_where=sql("limit_group IS NOT NULL")),
    )
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
    case_id: UUID | None = None  # the case whose answers are in force; application_id until there is one
    limit_group: UUID | None = None  # the merchant under whose id limits of all of one owner's merchants are counted
    tier_since: datetime | None = columns.instant(nullable=True)
    next_review_on: date | None = None
    check_on: date | None = Field(
        default=None, sa_column_kwargs=columns.added("'2026-01-01'")
    )  # the next day on which what it needs may change
    risk: str | None = None
    risk_on: date | None = None  # the day on which it was last computed
    stopped_for: str | None = None  # why it takes no payments, a code
    listed: bool = Field(default=False, sa_column_kwargs=columns.added("false"))


class Location(SQLModel, table=True):
    """A place, or a web shop, of a merchant."""

    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    merchant_id: UUID = columns.ref("merchant.id")
    name: str
    kind: str
    country: str
    city: str
    details: dict[str, Any] = columns.document(nullable=False)  # in clear: of the releases before, {} since
    details_sealed: bytes | None = columns.sealed()


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
    closed_at: datetime | None = columns.instant(nullable=True)
