"""What the dialogue asks of the service: the structs it reads and the `Backend` that the caller implements.

The engine gets all its data from here. Amounts are integer minor units beside an ISO
4217 code and its exponent; names are the short trading names meant for a handset.
"""

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from ussd.shopping import ShopperBackend


class OwnCounter(Struct, frozen=True):
    """A counter that belongs to the phone that dialled."""

    counter_id: str
    number: str
    name: str


class PaymentLine(Struct, frozen=True):
    """A payment received: the payer's number already masked, `at` already in the scheme's time zone."""

    amount_minor: int
    currency: str
    exponent: int
    payer_masked: str
    at: datetime


class Backend(ShopperBackend, Protocol):
    """The service behind the dialogue. Only what a live answer confirms has an effect, `request_payment` once per
    `order.key`.

    An exception passes through `step` untouched: roll back and answer with `busy`.
    """

    async def own_counters(self, msisdn: str) -> list[OwnCounter]:
        """The counters whose owner has this phone, always in the same order."""

    async def recent_payments(self, counter_id: str, limit: int) -> list[PaymentLine]:
        """The counter's latest received payments, newest first."""

    async def preferred_language(self, msisdn: str) -> str | None:
        """The language of this phone's last session, else the scheme's; None for the library's default."""
