"""Tables of blocked merchants and of their identifiers; these only hold, and only the service reads them.

Neither holds a value that names anybody: an identifier is a keyed hash, and why is in words in the hub's audit record.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from merchant.core import columns


class MerchantBlock(SQLModel, table=True):
    """One block of a merchant, from its proposal to its end; a merchant has one that stands at most."""

    __tablename__ = "merchant_block"
    __table_args__ = (
        Index("merchant_block_standing", "merchant_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("merchant_block_of_merchant", "merchant_id", "id"),
    )
    id: UUID = columns.key()
    merchant_id: UUID = columns.ref("merchant.id", index=False)
    reason_code: str
    case_id: UUID  # the case whose answers were in force when it was proposed
    proposed_by: UUID
    proposed_at: datetime = columns.instant()
    confirmed_by: UUID | None = None
    confirmed_at: datetime | None = columns.instant(nullable=True)
    unblock_proposed_by: UUID | None = None
    unblock_proposed_at: datetime | None = columns.instant(nullable=True)
    ended_by: UUID | None = None
    ended_at: datetime | None = columns.instant(nullable=True)


class BlockedIdentifier(SQLModel, table=True):
    """A keyed hash of what identifies an owner of a blocked merchant; it counts until expires_at."""

    __tablename__ = "blocked_identifier"
    __table_args__ = (
        Index("blocked_identifier_of_merchant", "merchant_id"),
        Index("blocked_identifier_expires", "expires_at"),
    )
    kind: str = Field(primary_key=True)
    digest: bytes = Field(sa_type=LargeBinary, primary_key=True)
    merchant_id: UUID = Field(foreign_key="merchant.id", primary_key=True)
    reason_code: str
    blocked_at: datetime = columns.instant()
    expires_at: datetime = Field(sa_type=columns.INSTANT)
