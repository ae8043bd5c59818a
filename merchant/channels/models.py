"""Tables of the channels: USSD sessions and routes, and print runs.

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


class UssdRoute(SQLModel, table=True):
    """A line of an aggregator: its gateway's form, its codes and country, and the secret in its address.

    Only digests of the secret are kept; the one before is good until `previous_until`, and one for a trial call until
    `trial_until`. `networks` are those it may call from (empty: any); `proof_name` is the header or query parameter in
    which it sends a value of its own. `septets`, `ucs2_units` and `gsm7_only` stand where the gateway's do not hold.
    Of `smpp` we call instead: `smsc_url` (`smpps://host:port`), our `system_id` there and the password.
    """

    __tablename__ = "ussd_route"
    id: UUID = columns.key()
    name: str = Field(unique=True)
    gateway: str
    service_codes: list[str] = columns.texts()
    country: str | None = None
    fields: dict[str, Any] = columns.mapping()
    secret_digest: bytes
    previous_digest: bytes | None = None
    previous_until: datetime | None = columns.instant(nullable=True)
    trial_digest: bytes | None = None
    trial_until: datetime | None = columns.instant(nullable=True)
    networks: list[str] = columns.texts()
    proof_name: str | None = None
    proof_digest: bytes | None = None
    septets: int | None = None
    ucs2_units: int | None = None
    gsm7_only: bool = False
    smsc_url: str | None = None
    system_id: str | None = None
    password_sealed: bytes | None = columns.sealed()
    enabled: bool = True
    created_at: datetime = columns.instant()
    rotated_at: datetime | None = columns.instant(nullable=True)


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
