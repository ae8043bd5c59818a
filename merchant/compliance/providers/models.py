"""Table of one-time codes that were sent to phones: digests only, deleted after a day."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from merchant.core import columns


class PhoneCode(SQLModel, table=True):
    """A code that was sent for a case. Both digests are keyed: neither the code nor the phone can be read from them.

    `facts` is that of the verification to be made. A newer code ends an older one.
    """

    __tablename__ = "phone_code"
    __table_args__ = (
        Index("phone_code_of_case", "application_id", "created_at"),
        Index("phone_code_to_phone", "phone_digest", "created_at"),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    application_id: UUID = columns.ref("application.id", index=False)
    phone_digest: bytes = columns.sealed(nullable=False)
    code_digest: bytes = columns.sealed(nullable=False)
    facts: bytes = columns.sealed(nullable=False)
    tries_left: int
    sent_by: UUID
    created_at: datetime = Field(sa_type=columns.INSTANT, index=True)
    expires_at: datetime = Field(sa_type=columns.INSTANT)
    verification_id: UUID | None = None  # what it proved
