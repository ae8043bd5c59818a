"""What must hold of money and of what people are told, checked as it happens and when a payment has come to rest.

The ledger of the hub decides what is true. What is checked is forgotten, so that a million payments need the memory of
some minutes.
"""

from collections import Counter, defaultdict
from datetime import timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from merchant.payments.book import Book, Decision, UsageKey
from merchant.payments.limits import usage_keys
from merchant.payments.states import CLOSED, MOVES, RequestState
from merchant.payments.transfer_states import TransferState
from tests.simulation.hub import Entry, Hub
from tests.simulation.world import World

REST = timedelta(minutes=20)  # after the end of a request, for late money and for the hub's answers to our questions


class Untrue(AssertionError):
    """The service and the hub's ledger tell two stories."""


class Everything(Book):
    """A book that holds all rows, and forgets those of payments that have come to rest."""

    def forget_request(self, request_id: UUID) -> None:
        """Drop a request with its quotes and transfers."""
        request = self.requests.pop(request_id)
        self._by_hub_id.pop(request.transaction_request_id, None)
        self._of_counter[request.counter_id].discard(request_id)
        if request.payer is not None:
            self._of_payer[request.dfsp_id, request.payer].discard(request_id)
        for transfer_id in self._transfers_of.pop(request_id, set()):
            self.forget_transfer(transfer_id)
        for key in self._quotes_of.pop(request_id, set()):
            self.forget_quote(key)

    def forget_transfer(self, transfer_id: str) -> None:
        """Drop a transfer."""
        transfer = self.transfers.pop(transfer_id, None)
        if transfer is not None:
            self._transfer_of_quote.pop((transfer.payer_fsp_id, transfer.quote_id), None)

    def forget_refund(self, refund_id: UUID) -> None:
        """Drop a refund."""
        refund = self.refunds.pop(refund_id)
        for hub_id in (refund.quote_id, refund.transfer_id):
            self._refund_of.pop(hub_id, None)

    def forget_quote(self, key: tuple[str, str]) -> None:
        """Drop a quote."""
        quote = self.quotes.pop(key, None)
        if quote is not None and quote.lock is not None:
            self._by_lock.pop(quote.lock, None)


class Truth:
    """Watches what is saved, and what the hub commits."""

    def __init__(self, world: World, hub: Hub, book: Everything) -> None:
        self.world, self.hub, self.book = world, hub, book
        self.committed: dict[str, Entry] = {}
        self.paid: dict[str, Any] = {}  # payments by their transfer
        self.used: Counter[UsageKey] = Counter()
        self.counted: Counter[UsageKey] = Counter()
        self.steps: defaultdict[UUID, list[str]] = defaultdict(list)
        self.announced: defaultdict[UUID, list[str]] = defaultdict(list)
        self.over: set[tuple[UUID, str]] = set()  # where late money may have passed a limit
        self.sums: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.refunds: Any = None  # the refunds' own truth (refunds.py)

    def fail(self, why: str) -> None:
        """Stop: a seed that fails is a bug report."""
        raise Untrue(f"at {self.world.now()}: {why}")

    # --- as it happens ---

    def hub_committed(self, entry: Entry) -> None:
        """The hub has moved money."""
        self.committed[entry.transfer_id] = entry
        self.sums[f"hub {entry.amount.currency}"] += entry.amount.minor

    def saved(self, decision: Decision) -> None:
        """The service has saved a decision."""
        for step in decision.steps:
            self._check_step(step)
        for key, (minor, count) in decision.usage.items():
            self.used[key] += minor
            self.counted[key] += count
        for transfer in decision.transfers.values():
            self.world.tell(f"{transfer.transfer_id} {transfer.state}")
            if transfer.state == TransferState.RESERVED and decision.usage:
                self._check_limits(transfer)
        for payment in decision.payments:
            self._check_payment(decision, payment)
        for told in decision.announcements:
            self._check_announcement(told)

    def _check_step(self, step: Any) -> None:
        before = self.steps[step.request_id]
        if not before:
            before.append(RequestState.CREATED if step.seq == 2 else "?")
        if step.seq != len(before) + 1:
            self.fail(f"step {step.seq} of {step.request_id} after {before}")
        first = before[-1]
        if first != "?" and RequestState(step.state) not in MOVES[RequestState(first)]:
            self.fail(f"{step.request_id} went from {first} to {step.state}")
        before.append(step.state)
        self.world.tell(f"{step.request_id} {step.state}")
        if step.state in CLOSED and step.state != RequestState.PAID:
            under_way = [one for one in self.book.transfers_of(step.request_id) if one.state == TransferState.RESERVED]
            if under_way:
                self.fail(f"{step.request_id} is {step.state} while {under_way[0].transfer_id} is under way")

    def _check_payment(self, decision: Decision, payment: Any) -> None:
        transfer = payment.transfer
        entry = self.hub.ledger.get(transfer.transfer_id)
        if entry is None or entry.state != "COMMITTED":
            self.fail(f"{transfer.transfer_id} is a payment and {entry and entry.state} in the ledger")
        assert entry is not None
        if entry.amount != transfer.amount:
            self.fail(f"{transfer.transfer_id}: {transfer.amount} for {entry.amount}")
        if transfer.transfer_id in self.paid:
            self.fail(f"{transfer.transfer_id} was paid twice")
        self.paid[transfer.transfer_id] = payment
        self.sums[f"service {transfer.currency}"] += transfer.amount_minor
        if len(decision.texts) != len(decision.payments):
            self.fail(f"{len(decision.texts)} texts for {len(decision.payments)} payments")
        if payment.request_id is not None:
            request = decision.requests[payment.request_id]
            if (request.state, request.amount) != (RequestState.PAID, transfer.amount):
                self.fail(f"{request.id} is {request.state}, {request.amount} for {transfer.amount}")
        if payment.request_id is None and len(decision.announcements) != 1:
            self.fail(f"{transfer.transfer_id} was not announced")

    def _check_announcement(self, told: Any) -> None:
        request_id = told.data.get("payment_request_id")
        if request_id is None:
            return
        before = self.announced[request_id]
        if "payment_request.paid" in before:
            self.fail(f"{told.event_type} of {request_id} after it was paid")
        before.append(told.event_type)

    def _check_limits(self, transfer: Any) -> None:
        """Nothing is reserved over a limit, counted over all currencies and all merchants of an owner."""
        merchant = self.book.merchants[transfer.merchant_id]
        policy = self.book.policies[merchant.dfsp_id]
        for key, limit in zip(
            usage_keys(merchant, transfer.usage_day, ""), ("per_day_minor", "per_month_minor"), strict=True
        ):
            group_id, period, _ = key
            if (group_id, period) in self.over:
                continue
            share = sum(
                (
                    Fraction(
                        self.used[group_id, period, currency], getattr(policy.limits(merchant.tier, currency), limit)
                    )
                    for currency in ("USD", "KES")
                ),
                Fraction(0),
            )
            if share > 1:
                self.fail(f"{period}: {float(share):.4f} of the limit of {group_id}")

    # --- when it has come to rest ---

    def rest(self) -> None:
        """Check and forget what ended long enough ago."""
        self.refunds.rest()
        now = self.world.now()
        for request in [one for one in self.book.requests.values() if one.expires_at + REST < now]:
            transfers = self.book.transfers_of(request.id)
            if any(one.state == TransferState.RESERVED for one in transfers):
                continue
            if request.state not in CLOSED:
                self.fail(f"{request.id} is {request.state} long after its end, with {transfers}")
            paid = [one for one in transfers if one.transfer_id in self.paid]
            own = [one for one in paid if self.paid[one.transfer_id].request_id == request.id]
            if len(own) != (request.state == RequestState.PAID):
                self.fail(f"{request.id} is {request.state} with {len(own)} payments")
            said = self.announced.pop(request.id, [])
            if said[-1:] != [f"payment_request.{request.state}"]:
                self.fail(f"{request.id} is {request.state}, and people were told {said}")
            self.ends[request.state] += 1
            self.steps.pop(request.id, None)
            for transfer in transfers:
                self._settle(transfer.transfer_id)
            self.book.forget_request(request.id)
        for transfer in [one for one in self.book.transfers.values() if one.ended_at and one.ended_at + REST < now]:
            if transfer.request_id is None:
                self._settle(transfer.transfer_id)
                self.book.forget_transfer(transfer.transfer_id)
        for key in [key for key, one in self.book.quotes.items() if one.created_at + 2 * REST < now]:
            if self.book.transfer_of_quote(self.book.quotes[key]) is None:
                self.book.forget_quote(key)

    def _settle(self, transfer_id: str) -> None:
        entry = self.hub.ledger.get(transfer_id)
        is_committed = entry is not None and entry.state == "COMMITTED"
        if is_committed != (transfer_id in self.paid):
            self.fail(f"{transfer_id} is {entry and entry.state} in the ledger and {self.paid.get(transfer_id)} here")
        self.committed.pop(transfer_id, None)
        self.paid.pop(transfer_id, None)

    def end(self) -> None:
        """When nothing more happens: the books are equal."""
        self.rest()
        self.refunds.rest(is_end=True)
        for transfer in list(self.book.transfers.values()):
            self._settle(transfer.transfer_id)
        if self.committed:
            self.fail(f"lost: {list(self.committed)[:5]}")
        for currency in ("USD", "KES"):
            hub, service = self.sums[f"hub {currency}"], self.sums[f"service {currency}"]
            if hub != service:
                self.fail(f"{hub} {currency} at the hub, {service} here")
        for key, minor in self.used.items():
            group_id, period, currency = key
            used = self.book.used[group_id, period][currency]
            if (used.minor, used.payments) != (minor, self.counted[key]) or minor < 0:
                self.fail(f"{used} of {key}, {minor} by its parts")
        self._check_used()

    def _check_used(self) -> None:
        """Limits hold exactly what was committed: what was reserved and called off was given back."""
        by_month: Counter[tuple[str, str]] = Counter()
        for (_, period, currency), minor in self.used.items():
            by_month[currency, "day" if len(period) == 10 else "month"] += minor
        for currency in ("USD", "KES"):
            expected = self.sums[f"service {currency}"] - self.refunds.sums[currency]
            for what in ("day", "month"):
                if by_month[currency, what] != expected:
                    self.fail(f"{by_month[currency, what]} {currency} used by {what}s, {expected} committed and kept")
