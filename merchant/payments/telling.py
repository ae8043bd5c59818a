"""What a decision about payments causes people and programs to be told. No wire, no SQL, no clock."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from merchant.core.money import Money


class Announcement(Struct, frozen=True):
    """Something to tell whoever listens: webhooks, screens, people who chose to be told."""

    event_type: str
    dfsp_id: UUID
    merchant_id: UUID
    data: Mapping[str, Any]


class PaidText(Struct, frozen=True):
    """A text message to a merchant that was paid, or whose refund its customer has; `reference` is the number of the
    payment's receipt.
    """

    merchant_id: UUID
    amount: Money
    payer_masked: str | None
    reference: str
    told: Literal["paid", "gave_back"] = "paid"


class PayerText(Struct, frozen=True):
    """A text message to a payer who asked by telephone: what became of the payment."""

    dfsp_id: UUID
    merchant_id: UUID
    phone: str  # digits
    amount: Money
    told: Literal["paid", "not_paid", "no_answer", "refunded"]
    reference: str
