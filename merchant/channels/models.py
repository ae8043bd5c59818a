"""The table of USSD sessions: the screen a phone shows, durable so that a restart or a repeated step changes nothing.

ussd.py in this folder locks one row a step and stores the sealed state there; a key rotation empties the table,
since no dialogue outlives it by more than minutes.
"""

from datetime import datetime

from sqlmodel import Field, SQLModel

from merchant import columns


class UssdSession(SQLModel, table=True):
    """One dialogue of one phone with one gateway."""

    __tablename__ = "ussd_session"
    gateway: str = Field(primary_key=True)
    session_id: str = Field(primary_key=True)
    msisdn_digest: bytes = Field(index=True)
    state: bytes = columns.sealed(nullable=False)
    expires_at: datetime = columns.instant()
    touched_at: datetime = columns.instant()
