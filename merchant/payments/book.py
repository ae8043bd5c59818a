"""The book: what the rules of payments know when they decide, as values, and what a decision changes.

Rows are values that never change; a decision holds new ones. The same book is filled from the database for a batch
(book_loading.py) and holds a whole world in the simulation. No wire, no SQL, no clock.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from msgspec import Struct, field

from merchant.core.errors import Reason
from merchant.core.money import Money
from merchant.hub.port import MessageRefused, Say
from merchant.payments.refunds.values import Refund, RefundStep
from merchant.payments.telling import Announcement as Announcement
from merchant.payments.telling import PaidText as PaidText
from merchant.payments.telling import PayerText as PayerText
from merchant.registry.merchants.counters import CounterFacts


class Request(Struct, frozen=True, kw_only=True):
    """A payment request, with what the hub is told of its merchant. `payer` is a telephone number's digits."""

    id: UUID
    dfsp_id: UUID
    fsp_id: str
    merchant_id: UUID
    counter_id: UUID
    state: str
    amount_minor: int
    currency: str
    payer: str | None
    payer_masked: str | None
    payer_fsp_id: str | None
    reference: str | None
    note: str | None
    short_ref: str
    alias_type: str
    alias: str
    trading_name: str
    mcc: str
    transaction_request_id: str
    transaction_id: str | None
    transfer_id: str | None
    created_at: datetime
    expires_at: datetime
    steps: int
    late: bool = False
    reason: Reason | None = None
    paid_at: datetime | None = None
    looked_up_at: datetime | None = None
    hub_trouble: str | None = None
    channel: str = "api"  # by which it was asked for

    @property
    def amount(self) -> Money:
        """The amount asked for."""
        return Money(self.amount_minor, self.currency)


class Step(Struct, frozen=True):
    """One row of a request's history."""

    request_id: UUID
    seq: int
    dfsp_id: UUID
    at: datetime
    state: str
    cause: str
    detail: str | None


class Quote(Struct, frozen=True, kw_only=True):
    """A quote that was answered. `answer` is as it was sent, None once it is forgotten."""

    payer_fsp_id: str
    quote_id: str
    dfsp_id: UUID
    merchant_id: UUID
    counter_id: UUID
    request_id: UUID | None
    transaction_id: str
    content: bytes
    answer: bytes | None
    amount_minor: int
    currency: str
    lock: str | None
    payer_masked: str | None
    note: str | None
    expires_at: datetime
    created_at: datetime
    payer_type: str | None = None  # with the next: who pays, only of a new quote
    payer: str | None = None

    @property
    def amount(self) -> Money:
        """The amount that would arrive."""
        return Money(self.amount_minor, self.currency)


class Transfer(Struct, frozen=True, kw_only=True):
    """A transfer to one of our merchants. `usage_day` is the day on which it counts in the limits."""

    payer_fsp_id: str
    transfer_id: str
    dfsp_id: UUID
    fsp_id: str
    merchant_id: UUID
    quote_id: str
    request_id: UUID | None
    state: str
    amount_minor: int
    currency: str
    usage_day: date
    content: bytes
    answer: bytes | None
    expires_at: datetime
    reserved_at: datetime
    ended_at: datetime | None = None
    check_at: datetime | None = None

    @property
    def amount(self) -> Money:
        """The amount under way."""
        return Money(self.amount_minor, self.currency)


class Payment(Struct, frozen=True, kw_only=True):
    """Money that arrived, by a transfer; of its quote it has who paid and for what."""

    id: UUID
    transfer: Transfer
    quote: Quote
    request_id: UUID | None
    received_at: datetime


class MerchantFacts(Struct, frozen=True):
    """A merchant as its limits need it; `group_id` is under whose id those of its owner's merchants are counted."""

    id: UUID
    dfsp_id: UUID
    state: str
    tier: str
    group_id: UUID


class Limits(Protocol):
    """What a merchant may receive in one currency (kyb.Limits)."""

    @property
    def per_payment_minor(self) -> int: ...
    @property
    def per_day_minor(self) -> int: ...
    @property
    def per_month_minor(self) -> int: ...
    @property
    def payments_per_day(self) -> int: ...


class Policy(Protocol):
    """What the scheme permits a merchant of a tier (kyb.Policy)."""

    def limits(self, tier: str, currency: str) -> Limits: ...
    def permits(self, capability: str, tier: str) -> bool: ...


class Used(Struct, frozen=True):
    """What is reserved or committed of a limit in one period and currency."""

    minor: int = 0
    payments: int = 0


UsageKey = tuple[UUID, str, str]  # under whose id, day or month, currency


class OurDfsp(Struct, frozen=True):
    """The DFSP that a message is for. `commits_at_once`: its hub sends no last word, and commits what it has taken."""

    dfsp_id: UUID
    fsp_id: str
    commits_at_once: bool = False


class Rules(Struct, frozen=True):
    """What the operator sets, for all decisions of a batch, and where new ids come from."""

    day: date  # in the scheme's time zone
    settle_check: timedelta
    settle_grace: timedelta
    new_id: Callable[[], UUID]


class Book:
    """Rows by the keys under which decisions look for them."""

    def __init__(self, rules: Rules, policies: Mapping[UUID, Policy] | None = None) -> None:
        self.rules = rules
        self.policies = dict(policies or {})
        self.counters: dict[tuple[UUID, str, str], CounterFacts] = {}
        self.merchants: dict[UUID, MerchantFacts] = {}
        self.requests: dict[UUID, Request] = {}
        self.quotes: dict[tuple[str, str], Quote] = {}
        self.transfers: dict[str, Transfer] = {}
        self.refunds: dict[UUID, Refund] = {}
        self.used: defaultdict[tuple[UUID, str], dict[str, Used]] = defaultdict(dict)  # by whose id and period
        self.once_looked_up: set[tuple[UUID, str]] = set()
        self.loaded_transfers: dict[str, str] = {}  # the states with which they were loaded
        self._by_hub_id: dict[str, UUID] = {}
        self._by_lock: defaultdict[str, dict[str, tuple[str, str]]] = defaultdict(dict)  # and by the payer's DFSP
        self._quotes_of: defaultdict[UUID, set[tuple[str, str]]] = defaultdict(set)
        self._transfers_of: defaultdict[UUID, set[str]] = defaultdict(set)
        self._transfer_of_quote: dict[tuple[str, str], str] = {}
        self._of_payer: defaultdict[tuple[UUID, str], set[UUID]] = defaultdict(set)
        self._of_counter: defaultdict[UUID, set[UUID]] = defaultdict(set)
        self._refund_of: dict[str, UUID] = {}  # by the ids of its quote and its transfer

    # --- filling ---

    def put_request(self, request: Request) -> None:
        """Know a request as it is now."""
        self.requests[request.id] = request
        self._by_hub_id[request.transaction_request_id] = request.id
        self._of_counter[request.counter_id].add(request.id)
        if request.payer is not None:
            self._of_payer[request.dfsp_id, request.payer].add(request.id)

    def put_quote(self, quote: Quote) -> None:
        """Know a quote."""
        key = (quote.payer_fsp_id, quote.quote_id)
        self.quotes[key] = quote
        if quote.lock is not None:
            self._by_lock[quote.lock][quote.payer_fsp_id] = key
        if quote.request_id is not None:
            self._quotes_of[quote.request_id].add(key)

    def put_transfer(self, transfer: Transfer) -> None:
        """Know a transfer as it is now."""
        self.transfers[transfer.transfer_id] = transfer
        self._transfer_of_quote[transfer.payer_fsp_id, transfer.quote_id] = transfer.transfer_id
        if transfer.request_id is not None:
            self._transfers_of[transfer.request_id].add(transfer.transfer_id)

    def put_refund(self, refund: Refund) -> None:
        """Know a refund as it is now."""
        self.refunds[refund.id] = refund
        self._refund_of[refund.quote_id] = self._refund_of[refund.transfer_id] = refund.id

    def apply(self, decision: "Decision") -> None:
        """Know what a decision has changed, so that the next of a batch sees it."""
        for request in decision.requests.values():
            self.put_request(request)
        for quote in decision.quotes:
            self.put_quote(quote)
        for transfer in decision.transfers.values():
            self.put_transfer(transfer)
        for refund in decision.refunds.values():
            self.put_refund(refund)
        for (group_id, period, currency), (minor, payments) in decision.usage.items():
            used = self.used[group_id, period].get(currency, Used())
            self.used[group_id, period][currency] = Used(used.minor + minor, used.payments + payments)

    # --- looking ---

    def request_by_hub_id(self, hub_request_id: str, dfsp_id: UUID) -> Request | None:
        """A DFSP's request by the id under which the hub knows it."""
        found = self.request_by_its_hub_id(hub_request_id)
        return found if found is not None and found.dfsp_id == dfsp_id else None

    def request_by_its_hub_id(self, hub_request_id: str) -> Request | None:
        """A request of any DFSP by the id under which the hub knows it."""
        return self.requests.get(self._by_hub_id.get(hub_request_id, _NONE))

    def requests_of_payer(self, dfsp_id: UUID, payer: str) -> list[Request]:
        """A DFSP's requests to a payer, oldest first."""
        return self._in_order(self._of_payer.get((dfsp_id, payer), ()))

    def requests_of_counter(self, counter_id: UUID) -> list[Request]:
        """A counter's requests, oldest first."""
        return self._in_order(self._of_counter.get(counter_id, ()))

    def quote_by_lock(self, payer_fsp_id: str, lock: str) -> Quote | None:
        """The quote whose answer named this lock."""
        key = self._by_lock.get(lock, {}).get(payer_fsp_id)
        return self.quotes[key] if key is not None else None

    def quotes_with_lock(self, lock: str) -> list[Quote]:
        """The quotes whose answers named this lock: one, unless two payers' DFSPs chose one id."""
        return [self.quotes[key] for key in self._by_lock.get(lock, {}).values()]

    def quotes_of(self, request_id: UUID) -> list[Quote]:
        """The quotes that were answered for a request."""
        return [self.quotes[key] for key in self._quotes_of.get(request_id, ())]

    def transfers_of(self, request_id: UUID) -> list[Transfer]:
        """The transfers for a request."""
        return [self.transfers[key] for key in self._transfers_of.get(request_id, ())]

    def transfer_of_quote(self, quote: Quote) -> Transfer | None:
        """The transfer that used a quote up."""
        return self.transfers.get(self._transfer_of_quote.get((quote.payer_fsp_id, quote.quote_id), ""))

    def refund_by_hub_id(self, hub_id: str, dfsp_id: UUID) -> Refund | None:
        """A DFSP's refund by the id of its quote or of its transfer."""
        found = self.refunds.get(self._refund_of.get(hub_id, _NONE))
        return found if found is not None and found.dfsp_id == dfsp_id else None

    def _in_order(self, ids: Iterable[UUID]) -> list[Request]:
        return [self.requests[one] for one in sorted(ids)]


_NONE = UUID(int=0)


# --- what a decision is ----------------------------------------------------------------------------------------------


class Outgoing(Struct, frozen=True, kw_only=True):
    """Something to tell the hub. It is not sent any more from `useless_after` on.

    `commits` names a transfer that is committed once the hub has taken this; `refund_id` the refund that is to know
    whether the hub took it; `about` is the id under which it is kept where no row of ours tells of it.
    """

    say: Say
    to_fsp_id: str | None
    useless_after: datetime | None = None
    commits: str | None = None
    refund_id: UUID | None = None
    about: str | None = None


class Contradiction(Struct, frozen=True):
    """Two DFSPs say that they have a payer: for the people who watch."""

    request: Request
    fsp_id: str
    was_asked: bool


class Decision(Struct, kw_only=True):
    """What one event changes and causes. Built by one function of the rules, never changed after."""

    requests: dict[UUID, Request] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    quotes: list[Quote] = field(default_factory=list)
    transfers: dict[str, Transfer] = field(default_factory=dict)
    payments: list[Payment] = field(default_factory=list)
    refunds: dict[UUID, Refund] = field(default_factory=dict)
    refund_steps: list[RefundStep] = field(default_factory=list)
    usage: dict[UsageKey, tuple[int, int]] = field(default_factory=dict)
    ask: list[Request] = field(default_factory=list)  # requests to put to their payers
    says: list[Outgoing] = field(default_factory=list)
    announcements: list[Announcement] = field(default_factory=list)
    texts: list[PaidText] = field(default_factory=list)
    payer_texts: list[PayerText] = field(default_factory=list)
    contradictions: list[Contradiction] = field(default_factory=list)
    refused: MessageRefused | None = None

    def put(self, request: Request) -> Request:
        """Change a request without a step in its history."""
        self.requests[request.id] = request
        return request

    def put_refund(self, refund: Refund) -> Refund:
        """Change a refund without a step in its history."""
        self.refunds[refund.id] = refund
        return refund

    def use(self, keys: Sequence[UsageKey], minor: int, payments: int) -> None:
        """Take out of limits, or give back what is negative."""
        for key in keys:
            before = self.usage.get(key, (0, 0))
            self.usage[key] = (before[0] + minor, before[1] + payments)

    def say(self, say: Say, to_fsp_id: str | None, **more: Any) -> None:
        """Tell the hub something."""
        self.says.append(Outgoing(say=say, to_fsp_id=to_fsp_id, **more))
