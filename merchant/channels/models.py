"""Tables of the channels: USSD sessions and print runs.

A session is the screen a phone shows, durable so that a restart or a repeated step changes nothing; ussd.py locks one
row a step. A poster batch is a background job of posters.py (core/background.py).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from merchant.core import columns
from merchant.core.background import BackgroundJob


class UssdSession(SQLModel, table=True):
    """One dialogue of one phone with one gateway."""

    __tablename__ = "ussd_session"
    __table_args__ = (Index("ussd_session_touched", "touched_at"),)
    gateway: str = Field(primary_key=True)
    session_id: str = Field(primary_key=True)
    msisdn_digest: bytes = Field(index=True)
    state: bytes = columns.sealed(nullable=False)
    expires_at: datetime = columns.instant()
    touched_at: datetime = columns.instant()


class PosterBatch(BackgroundJob, table=True):
    """A print run: whose codes and in which look. `merchant_ids` empty means all of the DFSP's; `done` counts codes.

    `look` holds colours, grid and pictures (posters.Look).
    """

    __tablename__ = "poster_batch"
    merchant_ids: list[UUID] = columns.uuids()
    page: str
    languages: list[str] = columns.texts()
    look: dict[str, Any] = columns.mapping()
    skipped: list[dict[str, Any]] = columns.document(nullable=False)
    pdf_sha256: str | None = None
