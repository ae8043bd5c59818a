"""What the dialogue asks of the service: the structs it reads and the `Backend` that the caller implements.

The engine gets all its data from here. Amounts are integer minor units beside an ISO
4217 code and its exponent; names are the short trading names meant for a handset.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from ussd.signing_up import SignUpBackend


class MerchantView(Struct, frozen=True):
    """A counter that a shopper may pay. `max_minor` is the most it may take in one payment."""

    counter_id: str
    number: str
    name: str
    currency: str
    exponent: int
    open: bool
    max_minor: int


class OwnCounter(Struct, frozen=True):
    """A counter that belongs to the phone that dialled."""

    counter_id: str
    number: str
    name: str


class PaymentOrder(Struct, frozen=True):
    """Ask the payer's own bank for this amount, once per `key`: `ussd:{gateway}:{session}:{step}`."""

    key: str
    counter_id: str
    payer_msisdn: str
    amount_minor: int
    currency: str


class PaymentOutcome(Struct, frozen=True):
    """What became of an order. `reference` names a sent request.

    `reason` of a refused one is a name from the catalogues' `refused` table (closed, limit, daily_limit,
    too_many, payer_unknown); any other is shown as `other`.
    """

    state: Literal["sent", "refused"]
    reference: str = ""
    reason: str = "other"


# `unknown` is a request in doubt: neither paid nor known to have failed.
RequestState = Literal["waiting", "paid", "refused", "unknown"]


class LastRequest(Struct, frozen=True):
    """The latest request of a payer that is still worth showing: waiting, or ended a few minutes ago."""

    counter_id: str
    shop: str
    amount_minor: int
    currency: str
    exponent: int
    state: RequestState
    reference: str

    @property
    def on_its_way(self) -> bool:
        """Whether its outcome is not known, so that a second request could pay twice."""
        return self.state in ("waiting", "unknown")


class PaymentLine(Struct, frozen=True):
    """A payment received: the payer's number already masked, `at` already in the scheme's time zone."""

    amount_minor: int
    currency: str
    exponent: int
    payer_masked: str
    at: datetime


class Backend(SignUpBackend, Protocol):
    """The service behind the dialogue. `request_payment` has an effect, once per `order.key`; see also its bases.

    An exception passes through `step` untouched: roll back and answer with `busy`.
    """

    async def find_merchant(self, number: str) -> MerchantView | None:
        """The counter with this alias, letters in any case; also one that may not take payments now."""

    async def request_payment(self, order: PaymentOrder) -> PaymentOutcome:
        """Record the request to be sent, having checked again that the counter is open and within limits."""

    async def own_counters(self, msisdn: str) -> list[OwnCounter]:
        """The counters whose owner has this phone, always in the same order."""

    async def recent_payments(self, counter_id: str, limit: int) -> list[PaymentLine]:
        """The counter's latest received payments, newest first."""

    async def last_request(self, msisdn: str) -> LastRequest | None:
        """This payer's latest request of the last minutes, so that nobody pays twice; None when there is none."""

    async def preferred_language(self, msisdn: str) -> str | None:
        """The language of this phone's last session; None where it has had none."""

    async def default_languages(self) -> Sequence[str]:
        """The scheme's languages: a phone without a language is spoken to in the first, and told the others."""
