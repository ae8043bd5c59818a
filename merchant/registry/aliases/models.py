"""Tables of merchant numbers: who holds one for ever, what the oracle looks up, and the sub-ids of open requests.

operations.py and the oracle write the first two, payments/ the third; the oracle's look-ups read them, and whether the
DFSP is enabled.
"""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from merchant.core import columns


class AliasClaim(SQLModel, table=True):
    """Who a (type, alias) belongs to, for ever: a retired alias is never given to another.

    Letters in another case are the same alias, and so are those that differ by separators only (kyb.alias_form):
    people dial and read them aloud. Claims that differed by separators before that was so have `shares_form`, all but
    the first.
    """

    __tablename__ = "alias_claim"
    __table_args__ = (
        Index("alias_claim_any_case", "alias_type", sql("lower(alias)"), unique=True),
        Index(
            "alias_claim_form",
            "alias_type",
            sql("translate(lower(alias), '.-_', '')"),
            unique=True,
            postgresql_where=sql("NOT shares_form"),
        ),
    )
    alias_type: str = Field(primary_key=True)
    alias: str = Field(primary_key=True)
    dfsp_id: UUID = columns.dfsp()
    counter_id: UUID | None = None
    external_merchant_id: str | None = None
    claimed_at: datetime = columns.instant()
    retired_at: datetime | None = columns.instant(nullable=True)
    shares_form: bool = Field(default=False, sa_column_kwargs={"server_default": sql("false")})


class AliasCount(SQLModel, table=True):
    """How many aliases a DFSP claimed for merchants outside this registry on one day (UTC); quotas are held by it."""

    __tablename__ = "alias_count"
    dfsp_id: UUID = Field(foreign_key="dfsp.id", primary_key=True)
    day: date = Field(primary_key=True)
    claimed: int = columns.minor_units()


class Alias(SQLModel, table=True):
    """What the oracle looks up: one row per (type, alias, sub-id, currency)."""

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
