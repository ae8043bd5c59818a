"""Tables of what we tell others: events, webhook endpoints and deliveries, messages to people and who wants which, kept
mails, event tickets.

events.py, sms.py and email.py write what is to be told in the transaction in which it happened; the worker sends it and
marks here what became of it; routes.py, event_log.py and message_routes.py list it.
"""

from datetime import datetime, time
from uuid import UUID

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from merchant.core import clock, columns


class WebhookEndpoint(SQLModel, table=True):
    """A URL of a DFSP or of one merchant to which events are sent (Standard Webhooks)."""

    __tablename__ = "webhook_endpoint"
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    merchant_id: UUID | None = Field(default=None, foreign_key="merchant.id")
    url: str
    secret_sealed: bytes = columns.sealed(nullable=False)
    event_types: list[str] = columns.texts()
    enabled: bool = True
    created_at: datetime = columns.instant()
    paused_at: datetime | None = columns.instant(nullable=True)
    pause_reason: str | None = None
    failing_since: datetime | None = columns.instant(nullable=True)  # the first failure since something was taken
    # The secret before the present one, which signs too until then.
    old_secret_sealed: bytes | None = columns.sealed()
    old_secret_until: datetime | None = columns.instant(nullable=True)


class WebhookDelivery(SQLModel, table=True):
    """One event for one endpoint, with what came of it."""

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index("webhook_delivery_listed", "endpoint_id", "created_at"),
        Index("webhook_delivery_of_event", "event_id"),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    endpoint_id: UUID = Field(foreign_key="webhook_endpoint.id")
    event_id: UUID
    event_type: str
    body: bytes = columns.sealed(nullable=False)
    state: str = "pending"
    attempts: int = 0
    response_status: int | None = None
    response_start: str | None = None
    created_at: datetime = columns.instant()
    delivered_at: datetime | None = columns.instant(nullable=True)


class AnnouncedEvent(SQLModel, table=True):
    """An event as it was announced, whether or not an endpoint asked for it."""

    __tablename__ = "announced_event"
    __table_args__ = (
        Index("announced_event_listed", "dfsp_id", "id"),
        Index("announced_event_of_merchant", "merchant_id", "id"),
        Index("announced_event_at", "created_at"),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = Field(foreign_key="dfsp.id")
    merchant_id: UUID | None = None
    event_type: str
    body: bytes = columns.sealed(nullable=False)  # in clear: what the webhooks carry
    created_at: datetime = columns.instant()


class NotificationChoice(SQLModel, table=True):
    """Which messages a merchant, or one of the staff, wants, and when a merchant's wait. Without a row: the usual."""

    __tablename__ = "notification_choice"
    __table_args__ = (
        Index(
            "notification_choice_of_merchant",
            "merchant_id",
            unique=True,
            postgresql_where=text("merchant_id IS NOT NULL"),
        ),
        Index("notification_choice_of_user", "user_id", unique=True, postgresql_where=text("user_id IS NOT NULL")),
        Index("notification_choice_of_staff", "dfsp_id", postgresql_where=text("user_id IS NOT NULL")),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    merchant_id: UUID | None = Field(default=None, foreign_key="merchant.id")  # either this
    user_id: UUID | None = Field(default=None, foreign_key="app_user.id")  # or this
    sms_kinds: list[str] = columns.texts()
    email_kinds: list[str] = columns.texts()
    quiet_from: time | None = None  # on the wall's clock of the scheme
    quiet_until: time | None = None
    changed_at: datetime = columns.instant()


class SmsMessage(SQLModel, table=True):
    """A text message, kept with what became of it; the words of a private one, such as a code, are not."""

    __tablename__ = "sms_message"
    __table_args__ = (
        Index("sms_message_listed", "dfsp_id", "id"),
        Index("sms_message_with_text", "created_at", postgresql_where=text("text <> ''")),
        Index("sms_message_blank", "created_at", postgresql_where=text("text = ''")),
        Index("sms_message_held", "merchant_id", postgresql_where=text("state = 'held'")),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    merchant_id: UUID | None = Field(default=None, foreign_key="merchant.id", index=True)
    phone_masked: str
    text: str
    state: str = "pending"
    created_at: datetime = columns.instant()
    sent_at: datetime | None = columns.instant(nullable=True)
    kind: str = Field(default="paid", sa_column_kwargs=columns.added("'paid'"))
    reason: str | None = None  # why it did not arrive
    held_until: datetime | None = columns.instant(nullable=True)  # the end of the quiet hours in which it was written
    amount_minor: int | None = Field(default=None, sa_type=BigInteger)  # what was paid: held ones are added up
    currency: str | None = None


class EmailMessage(SQLModel, table=True):
    """A mail, kept with what became of it; the words of one with a link or a code are not."""

    __tablename__ = "email_message"
    __table_args__ = (
        Index("email_message_listed", "dfsp_id", "id"),
        Index("email_message_with_text", "created_at", postgresql_where=text("text <> ''")),
        Index("email_message_blank", "created_at", postgresql_where=text("text = ''")),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    merchant_id: UUID | None = Field(default=None, foreign_key="merchant.id", index=True)
    kind: str
    address_masked: str
    text: str
    state: str = "pending"
    reason: str | None = None
    held_until: datetime | None = columns.instant(nullable=True)
    created_at: datetime = columns.instant()
    sent_at: datetime | None = columns.instant(nullable=True)


class EventTicket(SQLModel, table=True):
    """A single-use ticket that lets a browser open the event stream without a secret in the URL."""

    __tablename__ = "event_ticket"
    digest: bytes = Field(primary_key=True)
    actor: bytes = columns.sealed(nullable=False)
    expires_at: datetime = columns.instant()


class OutgoingMail(SQLModel, table=True):
    """A mail that nobody sent: the console kind keeps it, whole and sealed, for demo and tests."""

    __tablename__ = "outgoing_mail"
    id: UUID = columns.key()
    dfsp_id: UUID | None = Field(default=None, foreign_key="dfsp.id")
    sealed: bytes = columns.sealed(nullable=False)
    created_at: datetime = Field(default_factory=columns.factory(clock.now), sa_type=columns.INSTANT, index=True)
