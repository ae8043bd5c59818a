"""What a shop's own people do by telephone: the structs of it, and what is asked of the service.

`ussd.screens.merchant` and the screens beside it ask; `Trade` holds the answers that they keep. Every question names
the phone that dialled, and the service checks each time what its holder may do: an id in a session proves nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, Protocol

from msgspec import Struct

ShopScreen = Literal[
    "shops", "shop", "manage", "own", "pick", "payments", "takings", "limits", "shop_help", "send_code"
]
AskScreen = Literal["ask_customer", "ask_currency", "ask_amount", "ask_note", "ask_confirm"]
RequestScreen = Literal["requests", "request", "ask_again", "take_back"]
PeopleScreen = Literal[
    "people", "cashiers", "cashier", "remove_cashier", "cashier_phone", "cashier_name", "cashier_counter", "add_cashier"
]
RefundScreen = Literal["refunds", "refund", "refund_amount", "give_back"]
Rights = Literal["owner", "cashier"]
TradeScreen = Literal[ShopScreen, AskScreen, RequestScreen, PeopleScreen, RefundScreen]

# The answers that a screen cannot be shown without, as `ussd.session.NEEDS` has them.
_CUSTOMER, _CHOSEN = ("trade.counter_id", "trade.customer"), ("trade.chosen_id",)
_AMOUNT = ("trade.currency", "trade.amount_minor")
NEEDS: Final[Mapping[TradeScreen, tuple[str, ...]]] = {
    "shop": ("trade",),
    "manage": ("trade",),
    "own": ("trade",),
    "pick": ("trade.leads_to",),
    "payments": ("trade.counter_id",),
    "takings": ("trade",),
    "limits": ("trade",),
    "shop_help": ("trade",),
    "send_code": ("trade.counter_id",),
    "ask_customer": ("trade.counter_id",),
    "ask_currency": _CUSTOMER,
    "ask_amount": (*_CUSTOMER, "trade.currency"),
    "ask_note": (*_CUSTOMER, *_AMOUNT),
    "ask_confirm": (*_CUSTOMER, *_AMOUNT),
    "requests": ("trade",),
    "request": _CHOSEN,
    "ask_again": _CHOSEN,
    "take_back": _CHOSEN,
    "people": ("trade",),
    "cashiers": ("trade",),
    "cashier": _CHOSEN,
    "remove_cashier": _CHOSEN,
    "cashier_phone": ("trade",),
    "cashier_name": ("trade.customer",),
    "cashier_counter": ("trade.customer", "trade.note"),
    "add_cashier": ("trade.customer", "trade.note"),
    "refunds": ("trade.counter_id",),
    "refund": _CHOSEN,
    "refund_amount": (*_CHOSEN, "trade.currency"),
    "give_back": (*_CHOSEN, *_AMOUNT),
}


class Currency(Struct, frozen=True):
    """A currency that a shop takes, and the most of it in one payment."""

    code: str
    exponent: int
    max_minor: int


class OwnCounter(Struct, frozen=True):
    """A counter at which the phone that dialled may act: by its owner, or by a cashier.

    `name` is the counter's, `shop` the trading name. The first of several currencies is the usual one.
    """

    counter_id: str
    number: str
    name: str
    shop_id: str
    shop: str
    currencies: tuple[Currency, ...]
    rights: Rights = "owner"


class Trade(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The answers of a shop's own people.

    `number` is the counter's where there is one only, `leads_to` the screen for which a counter is picked. `customer`
    is the phone of whoever is asked or added, `note` what is said to the customer or the name of a cashier.
    """

    shop_id: str
    shop: str
    number: str = ""
    rights: Rights = "owner"
    refunds: bool = False
    leads_to: TradeScreen | None = None
    counter_id: str | None = None
    counter: str = ""
    customer: str | None = None
    currency: Currency | None = None
    amount_minor: int | None = None
    note: str | None = None
    chosen_id: str | None = None
    chosen: str = ""  # in words that are the same in every language


class PaymentLine(Struct, frozen=True):
    """A payment received: the payer's number already masked, `at` already in the scheme's time zone.

    `refundable_minor` is what may still be given back of it.
    """

    amount_minor: int
    currency: str
    exponent: int
    payer_masked: str
    at: datetime
    payment_id: str = ""
    refundable_minor: int = 0


RequestStanding = Literal["waiting", "paid", "not_paid", "doubt"]


class RequestLine(Struct, frozen=True):
    """A request that the shop made: of whom, of when in the scheme's time zone, and how it stands.

    `reason` of one that was not paid is a name from the catalogues' `request` table; any other is shown as `other`.
    """

    request_id: str
    amount_minor: int
    currency: str
    exponent: int
    customer_masked: str
    at: datetime
    standing: RequestStanding
    reason: str = ""
    may_ask_again: bool = False
    may_take_back: bool = False


class Demand(Struct, frozen=True):
    """Ask a customer for money at a counter, once per `key`."""

    key: str
    msisdn: str
    counter_id: str
    customer: str
    amount_minor: int
    currency: str
    note: str | None = None


class DemandOutcome(Struct, frozen=True):
    """What became of a demand. `customer_masked` is who was asked.

    `reason` of a refused one is a name from the catalogues' `not_asked` table (closed, limit, used_up, too_many,
    own_number, paid, being_paid, busy, not_yours); any other is shown as `other`. Of `limit`, `fits_minor` would fit.
    """

    state: Literal["sent", "refused"]
    customer_masked: str = ""
    reason: str = "other"
    fits_minor: int = 0


class Taking(Struct, frozen=True):
    """What was taken today in one currency, and what customers got back today."""

    currency: str
    exponent: int
    payments: int
    amount_minor: int
    refunded_minor: int = 0


class CurrencyRoom(Struct, frozen=True):
    """What a shop may take in one currency: in one payment, and what is left of the day and of the month."""

    currency: str
    exponent: int
    per_payment_minor: int
    day_minor: int
    month_minor: int


class ShopLimits(Struct, frozen=True):
    """The level of a shop, what is left of its limits, and whom to ask for which level; none where it is the last."""

    level: str
    room: tuple[CurrencyRoom, ...]
    provider: str
    next_level: str = ""


class CashierLine(Struct, frozen=True):
    """Somebody who may use the shop's counters, or the one that is named."""

    person_id: str
    name: str
    phone_masked: str = ""
    counter: str = ""


class NewCashier(Struct, frozen=True):
    """Let a phone use a shop's counters, or one of them, once per `key`."""

    key: str
    msisdn: str
    shop_id: str
    phone: str
    name: str
    counter_id: str | None = None


class Refund(Struct, frozen=True):
    """Give back some of a payment, once per `key`."""

    key: str
    msisdn: str
    payment_id: str
    amount_minor: int


class RefundOutcome(Struct, frozen=True):
    """What became of a refund: on its way, waiting for a second person, or refused for a reason of `not_refunded`."""

    state: Literal["sent", "waits", "refused"]
    reason: str = "other"


ActOutcome = Literal["done", "not_yours", "gone", "known", "too_many", "no_sms"]


class MerchantBackend(Protocol):
    """The service behind the screens of a shop's own people. Acts happen once per key, and only to their own shop."""

    async def own_counters(self, msisdn: str) -> list[OwnCounter]:
        """The counters at which this phone may act: by shop, those of one shop together, always in the same order."""

    async def recent_payments(self, msisdn: str, counter_id: str, limit: int) -> list[PaymentLine]:
        """The counter's latest received payments, newest first."""

    async def read_phone(self, text: str) -> str | None:
        """A phone number in E.164 as people of the scheme's country write it; None when it cannot be one."""

    async def demand(self, demand: Demand) -> DemandOutcome:
        """Ask a customer for money, after the checks that the merchant's own till would make."""

    async def recent_requests(self, msisdn: str, shop_id: str, limit: int) -> list[RequestLine]:
        """The shop's latest requests to customers, newest first; a cashier's are those of the own counter."""

    async def read_request(self, msisdn: str, request_id: str) -> RequestLine | None:
        """One of them as it stands now."""

    async def demand_again(self, msisdn: str, request_id: str, key: str) -> DemandOutcome:
        """Put the same demand to the same customer again; the earlier one ends."""

    async def take_back(self, msisdn: str, request_id: str, key: str) -> DemandOutcome:
        """Take a request back."""

    async def takings_today(self, msisdn: str, shop_id: str) -> list[Taking]:
        """What was taken on this day of the scheme, by currency; of a cashier, at the own counter."""

    async def shop_limits(self, msisdn: str, shop_id: str) -> ShopLimits | None:
        """What the shop may still take, and what raises it; None for who may not know."""

    async def cashiers(self, msisdn: str, shop_id: str) -> list[CashierLine]:
        """Who else may use the shop's counters; nobody for who may not know."""

    async def add_cashier(self, new: NewCashier) -> ActOutcome:
        """Add one: `known` where the phone belongs to somebody already."""

    async def remove_cashier(self, msisdn: str, person_id: str, key: str) -> ActOutcome:
        """Shut one out."""

    async def send_code(self, msisdn: str, counter_id: str, language: str, key: str) -> ActOutcome:
        """Send this phone a message with the public address of the counter's code."""

    async def refunds_open(self, msisdn: str) -> bool:
        """Whether this phone may give back payments."""

    async def refund(self, refund: Refund) -> RefundOutcome:
        """Give back a payment, or some of it."""
