"""Tables of refunds: the refund itself, and its append-only history."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Index
from sqlalchemy import text as sql
from sqlmodel import Field, SQLModel

from merchant.core import columns


class Refund(SQLModel, table=True):
    """Money that a merchant gives back for a payment, in full or in part."""

    __tablename__ = "refund"
    __table_args__ = (
        Index("refund_of_payment", "payment_id"),
        Index("refund_listed", "dfsp_id", "id"),
        Index("refund_of_merchant", "merchant_id", "id"),
        Index("refund_by_day", "dfsp_id", "refunded_at", postgresql_where=sql("refunded_at IS NOT NULL")),
        Index("refund_due", "check_at", postgresql_where=sql("check_at IS NOT NULL")),
        Index("refund_payee_kept", "created_at", postgresql_where=sql("payee_sealed IS NOT NULL")),
    )
    id: UUID = columns.key()
    dfsp_id: UUID = columns.dfsp()
    merchant_id: UUID = Field(foreign_key="merchant.id")
    counter_id: UUID = Field(foreign_key="counter.id")
    payment_id: UUID = Field(foreign_key="payment.id")
    state: str
    amount_minor: int = columns.minor_units()
    currency: str
    reason: str  # a code of ISO 20022, or NARR with its words
    words: str | None = None
    payee_type: str
    payee_sealed: bytes | None = columns.sealed()
    payee_masked: str | None = None
    payee_fsp_id: str
    transaction_id: str = Field(unique=True)
    quote_id: str = Field(unique=True)
    transfer_id: str = Field(unique=True)
    promise: str | None = None  # of the payee's DFSP, until the refund has ended
    lock: str | None = None
    gives_back: bool  # whether the payment's limits are free again once it is refunded
    maker_id: UUID
    maker_name: str
    checker_id: UUID | None = None
    checker_name: str | None = None
    channel: str
    steps: int = 1  # of its history: the number of refund_event rows
    late: bool = False
    reason_code: str | None = None  # with the next: why it ended, or waits
    reason_message: str | None = None
    created_at: datetime = columns.instant()
    expires_at: datetime = columns.instant()
    check_at: datetime | None = columns.instant(nullable=True)
    refunded_at: datetime | None = columns.instant(nullable=True)


class RefundEvent(SQLModel, table=True):
    """The append-only history of a refund."""

    __tablename__ = "refund_event"
    refund_id: UUID = Field(foreign_key="refund.id", primary_key=True)
    seq: int = Field(primary_key=True)
    dfsp_id: UUID = Field(foreign_key="dfsp.id")
    at: datetime = columns.instant()
    state: str
    cause: str
    detail: str | None = None
