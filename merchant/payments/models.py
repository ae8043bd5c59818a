"""Tables of the payments, in the order in which one payment fills them: request, history, quote, transfer, payment.

Rules live in the other modules; these only hold. A request's state changes only in states.py, which writes its
history too; limit_usage counts what limits.py reserves.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from merchant.core import columns


class PaymentRequest(SQLModel, table=True):
    """A merchant's demand for money: with a payer (request-to-pay) or without one (dynamic QR).

    No index holds the state: a row changes it six times, and only so stays each change within its page. What is open
    and due is found through open_reference. Few requests ever become late, which an index holds.
    """

    __tablename__ = "payment_request"
    __table_args__ = (
        Index("payment_request_listed", "dfsp_id", "id"),
        Index("payment_request_of_merchant", "merchant_id", "id"),
        Index("payment_request_reference", "counter_id", "short_ref"),
        Index("payment_request_in_doubt", "id", postgresql_where=sql("state = 'in_doubt'")),
        Index(
            "payment_request_of_reference",
            "dfsp_id",
            "reference",
            "id",
            postgresql_where=sql("reference IS NOT NULL"),
        ),
        Index("payment_request_by_day", "dfsp_id", "created_at"),
        Index("payment_request_of_merchant_by_day", "merchant_id", "created_at"),
        Index("payment_request_late", "dfsp_id", "id", postgresql_where=sql("late")),
        Index("payment_request_of_amount", "dfsp_id", "amount_minor", "id"),
        Index("payment_request_of_merchant_amount", "merchant_id", "amount_minor", "id"),
        Index("payment_request_short_ref", "short_ref"),
        Index("payment_request_successor", "successor_id", postgresql_where=sql("successor_id IS NOT NULL")),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = Field(foreign_key="dfsp.id")
    merchant_id: UUID = Field(foreign_key="merchant.id")
    counter_id: UUID = Field(foreign_key="counter.id")
    alias_type: str
    alias: str
    state: str
    amount_minor: int = columns.minor_units()
    currency: str
    payer_type: str | None = None
    payer_sealed: bytes | None = columns.sealed()
    payer_digest: bytes | None = Field(default=None, index=True)
    payer_masked: str | None = None
    payer_fsp_id: str | None = None
    reference: str | None = None
    note: str | None = None
    short_ref: str
    transaction_request_id: str = Field(unique=True, max_length=36)
    transaction_id: str | None = Field(default=None, index=True, max_length=36)
    transfer_id: str | None = Field(default=None, max_length=36)
    reason_code: str | None = None
    reason_message: str | None = None
    late: bool = False
    channel: str = "api"
    steps: int = 1  # of its history: the number of payment_event rows
    created_at: datetime = columns.instant()
    expires_at: datetime = columns.instant()
    paid_at: datetime | None = columns.instant(nullable=True)
    looked_up_at: datetime | None = columns.instant(nullable=True)  # when the hub was last asked who has the payer
    hub_trouble: str | None = None  # "unreachable", or "no_answer": what came of the last tries to reach the hub
    successor_id: UUID | None = None  # the request that took its place when it was asked again


class PaymentEvent(SQLModel, table=True):
    """The append-only history of a payment request."""

    __tablename__ = "payment_event"
    request_id: UUID = Field(foreign_key="payment_request.id", primary_key=True)
    seq: int = Field(primary_key=True)
    dfsp_id: UUID = Field(foreign_key="dfsp.id")
    at: datetime = columns.instant()
    state: str
    cause: str
    detail: str | None = None


class Quote(SQLModel, table=True):
    """An answered quote, whose condition a transfer must carry."""

    __table_args__ = (
        Index("quote_condition", "condition"),
        Index("quote_request", "request_id"),
        Index("quote_answered", "created_at", postgresql_where=sql("answer IS NOT NULL")),
    )
    payer_fsp_id: str = Field(primary_key=True)
    quote_id: str = Field(primary_key=True, max_length=36)
    dfsp_id: UUID = Field(foreign_key="dfsp.id")
    merchant_id: UUID = Field(foreign_key="merchant.id")
    counter_id: UUID = Field(foreign_key="counter.id")
    request_id: UUID | None = None
    transaction_id: str = Field(max_length=36)
    body_hash: bytes = columns.sealed(nullable=False)
    answer: bytes | None = columns.sealed()
    amount_minor: int = columns.minor_units()
    currency: str
    condition: str | None = None
    payer_masked: str | None = None
    note: str | None = None
    expires_at: datetime = columns.instant()
    created_at: datetime = columns.instant()
    payer_digest: bytes | None = columns.sealed()  # with the next: for the payment that follows
    payer_sealed: bytes | None = columns.sealed()


class Transfer(SQLModel, table=True):
    """A transfer as we know it: reserved, committed or aborted."""

    __table_args__ = (
        UniqueConstraint("payer_fsp_id", "quote_id"),
        Index("transfer_unsettled", "check_at", postgresql_where=sql("state = 'RESERVED'")),
        Index("transfer_of_dfsp", "transfer_id", "dfsp_id"),  # the hub's last word names no payer
    )
    payer_fsp_id: str = Field(primary_key=True)
    transfer_id: str = Field(primary_key=True, max_length=36)
    dfsp_id: UUID = Field(foreign_key="dfsp.id")
    merchant_id: UUID = Field(foreign_key="merchant.id")
    quote_id: str = Field(max_length=36)
    request_id: UUID | None = Field(default=None, index=True)
    state: str
    amount_minor: int = columns.minor_units()
    currency: str
    usage_day: str
    body_hash: bytes = columns.sealed(nullable=False)
    answer: bytes | None = columns.sealed()
    expires_at: datetime = columns.instant()
    reserved_at: datetime = columns.instant()
    ended_at: datetime | None = columns.instant(nullable=True)
    check_at: datetime | None = columns.instant(nullable=True)


class Payment(SQLModel, table=True):
    """Money that arrived: one row per committed transfer."""

    __table_args__ = (
        UniqueConstraint("payer_fsp_id", "transfer_id"),
        Index("payment_listed", "dfsp_id", "id"),
        Index("payment_of_counter", "counter_id", "id"),
        Index("payment_of_merchant", "merchant_id", "id"),
        Index("payment_by_day", "dfsp_id", "received_at"),
        Index("payment_of_merchant_by_day", "merchant_id", "received_at"),
        Index("payment_of_payer", "payer_digest", postgresql_where=sql("payer_digest IS NOT NULL")),
        Index("payment_of_request", "request_id", postgresql_where=sql("request_id IS NOT NULL")),
        # A request has the transaction of its payment, and an index on it.
        Index("payment_of_transaction", "transaction_id", postgresql_where=sql("request_id IS NULL")),
        Index("payment_of_amount", "dfsp_id", "amount_minor", "id"),
        Index("payment_of_merchant_amount", "merchant_id", "amount_minor", "id"),
        Index("payment_payer_kept", "received_at", postgresql_where=sql("payer_sealed IS NOT NULL")),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = Field(foreign_key="dfsp.id")
    merchant_id: UUID = Field(foreign_key="merchant.id")
    counter_id: UUID = Field(foreign_key="counter.id")
    request_id: UUID | None = None
    payer_fsp_id: str
    transfer_id: str = Field(max_length=36)
    transaction_id: str = Field(max_length=36)
    amount_minor: int = columns.minor_units()
    currency: str
    payer_masked: str | None = None
    note: str | None = None
    received_at: datetime = columns.instant()
    payer_digest: bytes | None = columns.sealed()  # older payments have it on their request, where there is one
    payer_sealed: bytes | None = columns.sealed()  # type and identifier, for a refund; older ones as the digest


class SentMessage(SQLModel, table=True):
    """A refusal or a question that was sent to the hub, sealed. Answers are kept with their quote and transfer."""

    __tablename__ = "sent_message"
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    about: str = Field(index=True)  # see subjects.py
    sealed: bytes = columns.sealed(nullable=False)
    sent_at: datetime = Field(index=True, sa_type=columns.INSTANT)


class LimitUsage(SQLModel, table=True):
    """What a merchant has taken in a day or month: reserved plus committed, one conditional update at a time."""

    __tablename__ = "limit_usage"
    merchant_id: UUID = Field(foreign_key="merchant.id", primary_key=True)
    period: str = Field(primary_key=True)  # 2026-11-22 or 2026-11, in the scheme's time zone
    currency: str = Field(primary_key=True)
    dfsp_id: UUID = Field(foreign_key="dfsp.id")
    taken_minor: int = columns.minor_units()
    payments: int = 0
