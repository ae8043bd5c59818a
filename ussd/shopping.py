"""What a shopper's dialogue asks of the service: shops, payments, and what became of them.

Amounts are integer minor units beside an ISO 4217 code and its exponent; times are in the scheme's time zone.
"""

from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

PayScreen = Literal["number", "currency", "amount", "confirm"]
ResultScreen = Literal["recent", "mine", "waiting", "status", "ended", "paid", "decline"]
HelpScreen = Literal["paid_shops", "help", "report", "report_why"]
ShopperScreen = Literal[PayScreen, ResultScreen, HelpScreen]


class MerchantView(Struct, frozen=True, omit_defaults=True):
    """A counter that a shopper may pay, in one of its merchant's currencies.

    `max_minor` is the most it may take in one payment, `place` its town. `currencies` names all that it takes where
    there is a choice, its own first one first.
    """

    counter_id: str
    number: str
    name: str
    currency: str
    exponent: int
    open: bool
    max_minor: int
    place: str = ""
    currencies: tuple[str, ...] = ()


class PaymentOrder(Struct, frozen=True):
    """Ask the payer's own bank for this amount, once per `key`: `ussd:{gateway}:{session}:{step}`."""

    key: str
    counter_id: str
    payer_msisdn: str
    amount_minor: int
    currency: str


class PaymentOutcome(Struct, frozen=True):
    """What became of an order. `reference` names a sent request.

    `reason` of a refused one is a name from the catalogues' `refused` table (closed, currency, too_many, day_full,
    month_full, day_count), any other is shown as `other`; or from their `limit` table (payment, day, month) where a
    smaller amount would do, with the most that would in `fits_minor`.
    """

    state: Literal["sent", "refused"]
    reference: str = ""
    reason: str = "other"
    fits_minor: int = 0


# What may still become of a request: it waits for the payer's bank, or is in doubt (neither paid nor known to have
# failed), or its time is over and the bank may pay all the same.
OpenState = Literal["waiting", "unknown", "late"]
# How a request ended, a sentence for each. `full` and `limit` are the shop's limits, `bank_limit` the bank's.
EndState = Literal[
    "paid",
    "said_no",
    "declined",
    "no_bank",
    "unreachable",
    "not_asked",
    "unsupported",
    "expired",
    "cancelled",
    "limit",
    "full",
    "closed",
    "currency",
    "bank_limit",
    "bank_cannot",
    "account",
    "failed",
]
RequestState = OpenState | EndState


class OwnRequest(Struct, frozen=True):
    """A payment of the phone that dialled, or one that was asked of it, and what became of it.

    `at` is when it came to its state, and `minutes_ago` how long that is ago; `fits_minor` is the most that the shop
    could take, where that was said. `from_shop` tells whether the shop asked for it.
    """

    request_id: str
    counter_id: str
    number: str
    shop: str
    amount_minor: int
    currency: str
    exponent: int
    state: RequestState
    at: datetime
    minutes_ago: int = 0
    fits_minor: int = 0
    from_shop: bool = False

    @property
    def is_open(self) -> bool:
        """Whether its outcome is not known, so that a second request could pay twice."""
        return self.state in ("waiting", "unknown", "late")


class PaidShop(Struct, frozen=True):
    """A shop that the phone has paid."""

    number: str
    name: str


Declined = Literal["declined", "too_late"]
Reported = Literal["kept", "too_many"]


class ShopperBackend(Protocol):
    """The service behind a shopper's screens."""

    async def find_merchant(self, number: str, currency: str = "") -> MerchantView | None:
        """The counter with this alias, letters in any case, in this currency or its merchant's first; also one that may
        not take payments now.
        """

    async def own_recent(self, msisdn: str, *, alone: bool = False) -> list[OwnRequest]:
        """What this phone's payments of the last minutes came to, newest first: all that are open, and those that
        ended a few minutes ago. `alone` keeps its other sessions from paying until this step has ended.
        """

    async def own_request(self, msisdn: str, request_id: str) -> OwnRequest | None:
        """One of this phone's payments."""

    async def own_payments(self, msisdn: str, limit: int) -> list[OwnRequest]:
        """This phone's payments, newest first."""

    async def paid_shops(self, msisdn: str, limit: int) -> list[PaidShop]:
        """The shops that this phone paid and that may take payments now, the last one first."""

    async def request_payment(self, order: PaymentOrder) -> PaymentOutcome:
        """Record the request to be sent, having checked again that the counter is open and within limits."""

    async def decline_request(self, msisdn: str, request_id: str) -> Declined:
        """End a request of this phone that waits, as the payer wishes; too late once it ended or its money moves."""

    async def report_shop(self, msisdn: str, counter_id: str, reason: str) -> Reported:
        """Keep what this phone says of a shop (other_name, asked_for_more, other), unless it said much already."""
