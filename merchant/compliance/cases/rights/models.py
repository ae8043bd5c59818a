"""Tables of legal holds and of erasures; these only hold. Neither says anything of a person."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, text
from sqlmodel import SQLModel

from merchant.core import columns


class LegalHold(SQLModel, table=True):
    """A case that nothing may be erased of. Why stands, sealed, in the audit record."""

    __tablename__ = "legal_hold"
    __table_args__ = (
        Index("legal_hold_standing", "application_id", unique=True, postgresql_where=text("lifted_at IS NULL")),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    application_id: UUID = columns.ref("application.id", index=False)
    placed_by: UUID
    placed_at: datetime = columns.instant()
    lifted_by: UUID | None = None
    lifted_at: datetime | None = columns.instant(nullable=True)


class Erasure(SQLModel, table=True):
    """What was erased, or is proposed to be while `erased_at` is null: a case, and what its merchant kept of it."""

    __table_args__ = (
        Index("erasure_of_application", "application_id", unique=True),
        Index("erasure_of_merchant", "merchant_id"),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    application_id: UUID = columns.ref("application.id", index=False)
    merchant_id: UUID | None = columns.ref("merchant.id", nullable=True, index=False)  # also of these it was erased
    why: str  # a code
    requested_by: UUID
    requested_at: datetime = columns.instant()
    confirmed_by: UUID | None = None
    erased_at: datetime | None = columns.instant(nullable=True)
