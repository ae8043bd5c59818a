"""Every order of a few messages, each lost, doubled or late: a small model checker over the decisions themselves.

Two payers' DFSPs want to pay one request; each quotes, transfers, and the hub ends its transfer. A state is what the
book holds and what is still to come; from each state every next step is tried, until no new state is found. In each
state the money is right, and no state is a dead end.
"""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from msgspec import Struct
from msgspec.structs import replace

import kyb
from merchant.core.money import Money
from merchant.hub import port
from merchant.hub.port import MessageRefused
from merchant.payments import internal
from merchant.payments.book import Book, Decision, MerchantFacts, OurDfsp, Quote, Request, Rules, Transfer, Used
from merchant.payments.decide import decide
from merchant.payments.states import CLOSED, MOVES, RequestState
from merchant.payments.transfer_states import MOVES as TRANSFER_MOVES
from merchant.payments.transfer_states import TransferState
from merchant.payments.transfers import NotYet
from merchant.registry.merchants.counters import CounterFacts

pytestmark = pytest.mark.slow
BEGIN = datetime(2027, 1, 31, 10, 0, tzinfo=UTC)
ONE = UUID(int=1)
DFSP = OurDfsp(ONE, "greenbank")
ACTORS = ("first", "second")
AMOUNT = Money(1000, "USD")
POLICY = kyb.default_policy()
RULES = Rules(BEGIN.date(), timedelta(seconds=30), timedelta(seconds=10), lambda: ONE)
COUNTER = CounterFacts(ONE, ONE, ONE, "ALIAS", "1", "active", "T3", ["USD"], "Shop", "5411", "greenbank", None)
# Before its end, in the grace that a quote gives it, and when all is over.
TIMES = (BEGIN, BEGIN + timedelta(seconds=65), BEGIN + timedelta(minutes=10))


class State(Struct, frozen=True):
    """What is, and what may still come. `ledger` is the truth: what the hub did with each actor's transfer."""

    request: Request
    quotes: tuple[Quote, ...]
    transfers: tuple[Transfer, ...]
    used: int
    paid: tuple[str, ...]
    ledger: tuple[tuple[str, str], ...]
    to_come: frozenset[tuple[str, str]]
    time: int
    doubles: int


def begin() -> State:
    request = Request(
        id=ONE,
        dfsp_id=ONE,
        fsp_id="greenbank",
        merchant_id=ONE,
        counter_id=ONE,
        state=RequestState.AWAITING_PAYER,
        amount_minor=AMOUNT.minor,
        currency=AMOUNT.currency,
        payer=None,
        payer_masked=None,
        payer_fsp_id=None,
        reference=None,
        note=None,
        short_ref="R",
        alias_type="ALIAS",
        alias="1",
        trading_name="Shop",
        mcc="5411",
        transaction_request_id="request",
        transaction_id=None,
        transfer_id=None,
        created_at=BEGIN,
        expires_at=BEGIN + timedelta(seconds=60),
        steps=0,
    )
    return State(request, (), (), 0, (), (), frozenset((actor, "quote") for actor in ACTORS), 0, 1)


def book_of(state: State) -> Book:
    book = Book(RULES, {ONE: POLICY})
    book.counters[ONE, "ALIAS", "1"] = COUNTER
    book.merchants[ONE] = MerchantFacts(ONE, ONE, "active", "T3", ONE)
    book.put_request(state.request)
    for quote in state.quotes:
        book.put_quote(quote)
    for transfer in state.transfers:
        book.put_transfer(transfer)
        book.loaded_transfers[transfer.transfer_id] = transfer.state
    for period in ("2027-01-31", "2027-01"):
        book.used[ONE, period]["USD"] = Used(state.used, len(state.transfers))
    return book


def event_of(actor: str, what: str) -> tuple[str, Any]:
    """Who says it, and what."""
    if what == "quote":
        return actor, port.QuoteAsked(
            quote_id=actor,
            transaction_id=actor,
            kind=port.PaymentKind.PAYMENT,
            hub_request_id=None,
            alias_type="ALIAS",
            alias="1",
            sub_id="R",
            payee_fsp_id=None,
            payer_type="MSISDN",
            payer="254711000001",
            amount=AMOUNT,
            hints=(),
            note=None,
            answer_by=None,
            content=b"quote",
        )
    if what == "transfer":
        return actor, port.TransferPrepared(
            transfer_id=actor,
            payer_fsp_id=actor,
            payee_fsp_id="greenbank",
            amount=AMOUNT,
            lock=f"lock of {actor}",
            problem=None,
            expires_at=TIMES[-1] - timedelta(minutes=1),
            content=b"transfer",
        )
    outcome = port.Outcome.COMMITTED if what == "committed" else port.Outcome.ABORTED
    return "hub", port.TransferEnded(actor, outcome, "patch")


def steps(state: State) -> Iterator[State]:
    """Every state that may come next."""
    for actor, what in sorted(state.to_come):
        rest = state.to_come - {(actor, what)}
        yield take(state, actor, what, rest)
        if state.doubles:
            yield take(replace(state, doubles=state.doubles - 1), actor, what, state.to_come)
        if what in ("quote", "transfer"):
            yield replace(state, to_come=rest)  # lost, and nobody says it again; the hub's word is asked for
    if state.time < len(TIMES) - 1:
        later = replace(state, time=state.time + 1)
        yield later
        yield decided(later, "", internal.RequestDue(ONE))[0]


def take(state: State, actor: str, what: str, to_come: frozenset[tuple[str, str]]) -> State:
    """A message arrives, and its answer is heard or not as later steps decide."""
    source, event = event_of(actor, what)
    after, decision = decided(replace(state, to_come=to_come), source, event)
    if decision is None:
        return after
    more = set(after.to_come)
    ledger = dict(after.ledger)
    said = {type(one.say) for one in decision.says}
    if what == "quote" and said & {port.AnswerQuote, port.RepeatQuote} and actor not in ledger:
        more.add((actor, "transfer"))
    if what == "transfer" and said and actor not in ledger:
        # The hub hears our answer and commits, or does not and calls the transfer off: both are tried.
        ledger[actor] = "open"
        more |= {(actor, "committed"), (actor, "aborted")}
    return replace(after, to_come=frozenset(more), ledger=tuple(sorted(ledger.items())))


def decided(state: State, source: str, event: Any) -> tuple[State, Decision | None]:
    now = TIMES[state.time]
    if isinstance(event, port.TransferEnded):
        ledger = dict(state.ledger)
        known = ledger.get(event.transfer_id)
        if known not in ("open", event.outcome):
            return state, None  # the hub does not say two things
        ledger[event.transfer_id] = event.outcome
        others = {(event.transfer_id, one) for one in ("committed", "aborted") if one != event.outcome}
        state = replace(state, ledger=tuple(sorted(ledger.items())), to_come=state.to_come - others)
    book = book_of(state)
    try:
        decision = decide(book, DFSP, source, event, now, is_hub=source == "hub")
    except (MessageRefused, NotYet):
        return state, None
    decision.quotes = [replace(one, answer=b"a", lock=f"lock of {one.quote_id}") for one in decision.quotes]
    for key, one in decision.transfers.items():
        decision.transfers[key] = replace(one, answer=b"a")
    for step in decision.steps:
        assert step.seq > 0
    check_moves(state, decision)
    book.apply(decision)
    used = book.used[ONE, "2027-01-31"]["USD"].minor
    paid = state.paid + tuple(one.transfer.transfer_id for one in decision.payments)
    request = replace(book.requests[ONE], steps=0, paid_at=None, reason=None)
    found = replace(
        state,
        request=request,
        quotes=tuple(sorted(book.quotes.values(), key=lambda one: one.quote_id)),
        transfers=tuple(sorted(map(without_times, book.transfers.values()), key=lambda one: one.transfer_id)),
        used=used,
        paid=tuple(sorted(paid)),
    )
    return found, decision


def without_times(transfer: Transfer) -> Transfer:
    """What tells states apart is not when something happened."""
    return replace(transfer, reserved_at=BEGIN, ended_at=None, check_at=None)


def check_moves(state: State, decision: Decision) -> None:
    before = RequestState(state.request.state)
    after = {one.transfer_id: one for one in state.transfers} | decision.transfers
    is_under_way = any(one.state == TransferState.RESERVED for one in after.values())
    for step in decision.steps:
        assert RequestState(step.state) in MOVES[before], (before, step)
        before = RequestState(step.state)
        told_no = step.state in CLOSED and step.state != RequestState.PAID
        assert not (told_no and is_under_way), "told that it is over while money is under way"
    known = {one.transfer_id: one for one in state.transfers}
    for transfer_id, transfer in decision.transfers.items():
        if transfer_id in known and known[transfer_id].state != transfer.state:
            assert TransferState(transfer.state) in TRANSFER_MOVES[TransferState(known[transfer_id].state)]


def check(state: State) -> None:
    """What must hold in every state."""
    ledger = dict(state.ledger)
    assert len(set(state.paid)) == len(state.paid)
    assert all(ledger.get(one) == port.Outcome.COMMITTED for one in state.paid)
    held = [one for one in state.transfers if one.state != TransferState.ABORTED]
    assert state.used == AMOUNT.minor * len(held)
    assert (state.request.state == RequestState.PAID) == bool(state.paid)
    assert len(held) <= 1 or state.paid, "two transfers are under way for one request"


@pytest.fixture(scope="module")
def every_state() -> dict[State, list[State]]:
    """All states that can be reached, each with those that may come next."""
    found: dict[State, list[State]] = {}
    waiting = deque([begin()])
    while waiting:
        state = waiting.popleft()
        if state in found:
            continue
        check(state)
        found[state] = list(steps(state))
        waiting += found[state]
    return found


def test_every_state_that_can_be_reached_is_true(every_state: dict[State, list[State]]) -> None:
    assert len(every_state) > 1_000


def test_no_state_is_a_dead_end(every_state: dict[State, list[State]]) -> None:
    """Once nothing more comes, a request that waits for the hub's word is the only one that has not ended."""
    for state, following in every_state.items():
        if not following and not state.to_come:
            over, _ = decided(state, "", internal.RequestDue(ONE))
            is_open = any(one.state == TransferState.RESERVED for one in over.transfers)
            assert over.request.state in CLOSED or is_open, over


@pytest.mark.parametrize("state", ["accepted", "expired", "failed", "in_doubt", "paid"])
def test_the_states_of_this_play_are_reached(every_state: dict[State, list[State]], state: str) -> None:
    assert state in {one.request.state for one in every_state}
