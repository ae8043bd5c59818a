"""Tables of the channels: USSD sessions and print runs.

A session is the screen a phone shows, durable so that a restart or a repeated step changes nothing (ussd/steps.py).
A poster batch is a background job of posters.py (core/background.py).
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from merchant.core import columns
from merchant.core.background import BackgroundJob


class UssdSession(SQLModel, table=True):
    """One dialogue of one phone with one gateway. `touched_at` is when its call began.

    Nothing that changes at a step is indexed, so that a step writes one row and no index.
    """

    __tablename__ = "ussd_session"
    __table_args__ = (
        Index("ussd_session_touched", "touched_at"),
        Index("ussd_session_of_phone", "msisdn_digest", "touched_at"),
    )
    gateway: str = Field(primary_key=True)
    session_id: str = Field(primary_key=True)
    msisdn_digest: bytes
    state: bytes = columns.sealed(nullable=False)
    expires_at: datetime = columns.instant()
    touched_at: datetime = columns.instant()


class UssdPhone(SQLModel, table=True):
    """The language that a phone chose, kept longer than its sessions."""

    __tablename__ = "ussd_phone"
    __table_args__ = (Index("ussd_phone_noted", "noted_at"),)
    msisdn_digest: bytes = Field(primary_key=True)
    language: str
    noted_at: datetime = columns.instant()


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
