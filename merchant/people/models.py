"""Tables of people and machines: who signs in, and the keys of API clients.

operations.py writes them, sessions.py recognises a caller by them.
"""

from datetime import datetime
from uuid import UUID

from sqlmodel import Field, SQLModel

from merchant.core import columns


class AppUser(SQLModel, table=True):
    """A person who signs in: hub staff (no DFSP), DFSP staff, or a merchant's people."""

    __tablename__ = "app_user"
    id: UUID = columns.key()
    dfsp_id: UUID | None = Field(default=None, foreign_key="dfsp.id", index=True)
    merchant_id: UUID | None = Field(default=None, foreign_key="merchant.id")
    email: str = Field(unique=True)
    name: str
    password_hash: str
    roles: list[str] = columns.texts()
    enabled: bool = True
    failed_sign_ins: int = 0
    locked_until: datetime | None = columns.instant(nullable=True)
    created_at: datetime = columns.instant()


class ApiKey(SQLModel, table=True):
    """A machine's key: only its digest is kept."""

    __tablename__ = "api_key"
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    merchant_id: UUID | None = Field(default=None, foreign_key="merchant.id")
    counter_id: UUID | None = Field(default=None, foreign_key="counter.id")
    name: str
    digest: bytes = Field(unique=True)
    scopes: list[str] = columns.texts()
    created_at: datetime = columns.instant()
    expires_at: datetime | None = columns.instant(nullable=True)
    revoked_at: datetime | None = columns.instant(nullable=True)
    issued_by: UUID | None = None  # the person who answers for what the key writes (four eyes)
