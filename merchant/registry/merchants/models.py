"""Tables of approved merchants, their locations and their counters, and of the words by which they are found.

review.py of applications makes them and lifecycle.py changes them; search_index.py writes the words. These only hold.
"""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, Text
from sqlalchemy import text as text_clause
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field, SQLModel

from merchant.core import columns

# Compared byte by byte, so that a range of words is the same one whatever the database's language.
_WORD = Text(collation="C")
LOCATION_DETAILS = "location:{id}"  # address and coordinates, as vault.seal is told


class Merchant(SQLModel, table=True):
    """An approved merchant."""

    __table_args__ = (
        Index("merchant_by_state", "dfsp_id", "state", "id"),
        Index("merchant_by_tier", "dfsp_id", "tier", "id"),
        Index("merchant_by_mcc", "dfsp_id", "mcc", "id"),
        Index("merchant_by_risk", "dfsp_id", "risk", "id", postgresql_where=text_clause("risk IS NOT NULL")),
        Index("merchant_by_age", "dfsp_id", "created_at"),
        Index("merchant_of_name", "dfsp_id", text_clause("lower(trading_name)"), "id"),  # of the view merchant_by_name
        Index("merchant_to_check", "check_on"),
        Index("merchant_not_indexed", "id", postgresql_where=text_clause("indexed_at IS NULL")),
        Index("merchant_of_phone", "phone_digest", postgresql_where=text_clause("phone_digest IS NOT NULL")),
        Index("merchant_of_group", "limit_group", postgresql_where=text_clause("limit_group IS NOT NULL")),
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
    risk: str | None = None
    revision: int = 1
    created_at: datetime = columns.instant()
    case_id: UUID | None = None  # the case whose answers are in force; application_id until there is one
    limit_group: UUID | None = None  # the merchant under whose id limits of all of one owner's merchants are counted
    tier_since: datetime | None = columns.instant(nullable=True)
    next_review_on: date | None = None
    check_on: date | None = Field(
        default=None, sa_column_kwargs=columns.added("'2026-01-01'")
    )  # the next day on which what it needs may change
    risk_on: date | None = None  # the day on which the risk was last computed
    stopped_for: str | None = None  # why it takes no payments, a code
    listed: bool = Field(default=False, sa_column_kwargs=columns.added("false"))
    indexed_at: datetime | None = columns.instant(nullable=True)  # none: the worker has its words still to write


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
    added_by_merchant: bool = Field(default=False, sa_column_kwargs=columns.added("false"))  # not by the DFSP


class MerchantSearch(SQLModel, table=True):
    """All the words by which one merchant is found.

    A word of a name is folded and in clear, as the name is. All others hold an equals sign: number, city and country,
    the month of approval, who added and approved the merchant, its state, tier, category and risk (which a trigger
    keeps), its DFSP, and digests of what is sealed: owners' names, phones, identity numbers. The view
    `merchant_findable` shows a tenant its own rows and lets the index on the words serve them.
    """

    __tablename__ = "merchant_search"
    __table_args__ = (
        Index("merchant_search_newest", "dfsp_id", "merchant_id"),
        Index("merchant_search_words", "words", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
    )
    merchant_id: UUID = Field(foreign_key="merchant.id", primary_key=True)
    dfsp_id: UUID
    words: list[str] = Field(sa_type=ARRAY(_WORD))


class SearchKey(SQLModel, table=True):
    """A word that names of a DFSP's merchants have, under a key: itself, and its shortened forms that find slips."""

    __tablename__ = "search_key"
    dfsp_id: UUID = Field(primary_key=True)
    key: str = Field(primary_key=True, sa_type=_WORD)
    word: str = Field(primary_key=True, sa_type=_WORD)
