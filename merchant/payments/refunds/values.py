"""A refund as the rules of payments know it, and one row of its history. No wire, no SQL, no clock."""

from datetime import date, datetime
from uuid import UUID

from msgspec import Struct

from merchant.core.errors import Reason
from merchant.core.money import Money


class Refund(Struct, frozen=True, kw_only=True):
    """Money on its way back for a payment, with what the hub is told of its merchant.

    `payee` is who paid, `payee_fsp_id` the DFSP from which the money came and to which it goes back. `expires_at` ends
    the present state: an approval that nobody gives, a quote that nobody answers, a transfer that nobody takes.
    `promise` and `lock` are what the payee's DFSP answered to the quote. `usage_day` is the day on which the payment
    counted in its merchant's limits; None once that day's limits are of no use any more.
    """

    id: UUID
    dfsp_id: UUID
    fsp_id: str
    merchant_id: UUID
    counter_id: UUID
    payment_id: UUID
    state: str
    amount_minor: int
    currency: str
    reason: str
    words: str | None
    payee_type: str
    payee: str
    payee_masked: str | None
    payee_fsp_id: str
    alias_type: str
    alias: str
    trading_name: str
    mcc: str
    original_transaction_id: str
    transaction_id: str
    quote_id: str
    transfer_id: str
    usage_day: date | None
    gives_back: bool
    created_at: datetime
    expires_at: datetime
    steps: int
    check_at: datetime | None = None
    promise: str | None = None
    lock: str | None = None
    late: bool = False
    ended_because: Reason | None = None
    refunded_at: datetime | None = None
    payment_channel: str | None = None  # by which the payment was asked for, where it was

    @property
    def amount(self) -> Money:
        """What the payer gets back."""
        return Money(self.amount_minor, self.currency)


class RefundStep(Struct, frozen=True):
    """One row of a refund's history."""

    refund_id: UUID
    seq: int
    dfsp_id: UUID
    at: datetime
    state: str
    cause: str
    detail: str | None
