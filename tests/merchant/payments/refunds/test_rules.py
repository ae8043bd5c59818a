"""The rules of refunds by themselves: every order of what a hub and people say, and the sums that hold through it."""

import itertools
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from merchant.core.money import Money
from merchant.hub.port import (
    BadNews,
    MessageRefused,
    Outcome,
    QuoteAnswered,
    QuoteFailed,
    SendTransfer,
    TransferEnded,
    TransferFailed,
)
from merchant.payments.book import Book, Decision, MerchantFacts, OurDfsp, Rules
from merchant.payments.refunds import rules
from merchant.payments.refunds.reasons import read_reason
from merchant.payments.refunds.states import (
    CAPABILITIES,
    CLOSED,
    MOVES,
    RefundCapability,
    RefundState,
    refund_may,
)
from merchant.payments.refunds.values import Refund

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
OURS = OurDfsp(UUID(int=1), "greenbankfsp")
PAYEE = "mobilemoney"
AMOUNT = Money(1000, "KES")
LOCK = "lock"


def new_refund(state: RefundState = RefundState.CREATED) -> Refund:
    return Refund(
        id=UUID(int=7),
        dfsp_id=OURS.dfsp_id,
        fsp_id=OURS.fsp_id,
        merchant_id=UUID(int=2),
        counter_id=UUID(int=3),
        payment_id=UUID(int=4),
        state=state,
        amount_minor=AMOUNT.minor,
        currency=AMOUNT.currency,
        reason="CUST",
        words=None,
        payee_type="MSISDN",
        payee="254711000001",
        payee_masked="2547*****001",
        payee_fsp_id=PAYEE,
        alias_type="ALIAS",
        alias="65277634",
        trading_name="Mama Amina",
        mcc="5411",
        original_transaction_id="t",
        transaction_id="x",
        quote_id="q",
        transfer_id="f",
        usage_day=NOW.date(),
        gives_back=True,
        created_at=NOW,
        expires_at=NOW + rules.QUOTE_LASTS,
        steps=1,
        check_at=NOW,
    )


def new_book(refund: Refund, merchant_state: str = "active") -> Book:
    book = Book(Rules(NOW.date(), timedelta(seconds=30), timedelta(seconds=30), uuid4))
    book.merchants[refund.merchant_id] = MerchantFacts(
        refund.merchant_id, OURS.dfsp_id, merchant_state, "T1", refund.merchant_id
    )
    book.put_refund(refund)
    return book


def answered(refund: Refund, **more: object) -> QuoteAnswered:
    said = QuoteAnswered(
        quote_id="q",
        leaves=AMOUNT,
        arrives=AMOUNT,
        promise="packet",
        lock=LOCK,
        problem=None,
        expires_at=refund.created_at + timedelta(days=1),
    )
    return replace(said, **more)


# --- how much --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", RefundState)
def test_only_what_ended_without_money_leaves_room_for_another_refund(state: RefundState) -> None:
    frees = state in (RefundState.REJECTED, RefundState.FAILED)
    if frees:
        assert rules.refundable(AMOUNT, [(state, 1000)], None) == AMOUNT
    else:
        with pytest.raises(rules.OverRefundable) as over:
            rules.refundable(AMOUNT, [(state, 1000)], Money(1, "KES"))
        assert over.value.left == Money(0, "KES")


def test_what_is_left_is_what_was_paid_less_all_that_went_back() -> None:
    others = [("refunded", 100), ("failed", 500), ("in_doubt", 50), ("pending_approval", 25)]
    assert rules.refundable(AMOUNT, others, None) == Money(825, "KES")
    assert rules.refundable(AMOUNT, others, Money(825, "KES")) == Money(825, "KES")
    for wanted in (Money(826, "KES"), Money(0, "KES"), Money(5, "USD")):
        with pytest.raises(rules.OverRefundable):
            rules.refundable(AMOUNT, others, wanted)


def test_a_late_truth_that_goes_over_leaves_nothing_and_never_less() -> None:
    with pytest.raises(rules.OverRefundable) as over:
        rules.refundable(AMOUNT, [("refunded", 1000), ("refunded", 400)], None)
    assert over.value.left == Money(0, "KES")


# --- the tables ------------------------------------------------------------------------------------------------------


def test_every_state_has_its_moves_and_its_capabilities_and_is_reached() -> None:
    assert set(MOVES) == set(CAPABILITIES) == set(RefundState)
    firsts = {RefundState.PENDING_APPROVAL, RefundState.CREATED}
    assert firsts | set(itertools.chain(*MOVES.values())) == set(RefundState)


@pytest.mark.parametrize("state", RefundState)
def test_what_a_state_permits_the_moves_can_follow(state: RefundState) -> None:
    leads_to = {
        RefundCapability.BE_APPROVED: RefundState.CREATED,
        RefundCapability.BE_REJECTED: RefundState.REJECTED,
        RefundCapability.BE_SENT: RefundState.SENT,
        RefundCapability.QUOTE: RefundState.ACCEPTED,
        RefundCapability.BE_REFUNDED: RefundState.REFUNDED,
        RefundCapability.FAIL: RefundState.FAILED,
    }
    for capability, target in leads_to.items():
        assert refund_may(state, capability) == (target in MOVES[state])


def test_an_end_is_left_for_late_truth_alone() -> None:
    assert {state: MOVES[state] for state in CLOSED} == {
        RefundState.REFUNDED: frozenset(),
        RefundState.REJECTED: frozenset(),
        RefundState.FAILED: frozenset({RefundState.REFUNDED}),
    }


@pytest.mark.parametrize(
    ("text", "read"),
    [("CUST", ("CUST", None)), (" DUPL ", ("DUPL", None)), ("NARR", ("NARR", "NARR")), ("cust", ("NARR", "cust"))],
)
def test_a_reason_is_a_code_or_words(text: str, read: tuple[str, str | None]) -> None:
    assert read_reason(text) == read


# --- every order -----------------------------------------------------------------------------------------------------

EVENTS = {
    "answered": lambda book, refund, now: rules.decide_quote_answered(book, OURS, PAYEE, answered(refund), now),
    "charged": lambda book, refund, now: rules.decide_quote_answered(
        book, OURS, PAYEE, answered(refund, leaves=Money(1100, "KES")), now
    ),
    "refused": lambda book, refund, now: rules.decide_quote_failed(
        book, OURS, PAYEE, QuoteFailed("q", BadNews.PAYEE_REFUSED, ""), now, is_hub=False
    ),
    "taken": lambda book, refund, now: rules.decide_taken(refund, now),
    "not taken": lambda book, refund, now: rules.decide_not_taken(refund, "3100", now),
    "committed": lambda book, refund, now: rules.decide_ended(
        book, OURS, PAYEE, TransferEnded("f", Outcome.COMMITTED, "put", LOCK), now, is_hub=False
    ),
    "aborted": lambda book, refund, now: rules.decide_ended(
        book, OURS, "hub", TransferEnded("f", Outcome.ABORTED, "put"), now, is_hub=True
    ),
    "unclear": lambda book, refund, now: rules.decide_failed(
        book, OURS, "hub", TransferFailed("f", False, "2001", BadNews.HUB_BUSY), now, is_hub=True
    ),
    "unknown": lambda book, refund, now: rules.decide_failed(
        book, OURS, "hub", TransferFailed("f", True, "3208"), now, is_hub=True
    ),
    "due": lambda book, refund, now: rules.decide_due(book, refund, now),
}


def hear(book: Book, name: str, now: datetime) -> Decision:
    """One event, whose refusal changes nothing."""
    try:
        decision: Decision = EVENTS[name](book, book.refunds[UUID(int=7)], now)
    except MessageRefused:
        decision = Decision()
    book.apply(decision)
    return decision


@pytest.mark.parametrize("step", [timedelta(seconds=1), timedelta(minutes=3)])
def test_in_every_order_money_leaves_once_and_the_state_is_the_truth(step: timedelta) -> None:
    played = 0
    for names in itertools.product(EVENTS, repeat=4):
        book, now, transfers, states, given = new_book(new_refund()), NOW, 0, [RefundState.CREATED], 0
        for name in names:
            now += step
            before = book.refunds[UUID(int=7)]
            decision = hear(book, name, now)
            transfers += sum(isinstance(one.say, SendTransfer) for one in decision.says)
            given += sum(minor for minor, _ in decision.usage.values())
            after = book.refunds[UUID(int=7)]
            states.append(RefundState(after.state))
            assert len(decision.refund_steps) == (before.state != after.state), names
            if name == "committed" and transfers:
                assert after.state == "refunded", names
        assert transfers <= 1, names
        for earlier, later in itertools.pairwise(states):
            assert earlier == later or later in MOVES[earlier], names
        if "refunded" in states:
            assert transfers == 1, f"{names}: nobody has money that was not sent"
            assert "committed" in names
            assert given == -2 * AMOUNT.minor, f"{names}: the day's and the month's limit, once"
        else:
            assert given == 0, names
        if transfers and states[-1] == "failed":
            assert {"aborted", "unknown"} & set(names), f"{names}: after the transfer only the hub says that it failed"
        played += 1
    assert played == len(EVENTS) ** 4


@pytest.mark.parametrize("state", ["blocked", "closed"])
def test_a_merchant_that_was_stopped_meanwhile_gives_nothing(state: str) -> None:
    book = new_book(new_refund(), state)
    decision = hear(book, "answered", NOW)
    assert not decision.says
    assert book.refunds[UUID(int=7)].ended_because.code == "merchant_stopped"  # type: ignore[union-attr]


def test_one_that_nobody_approves_ends_and_asks_nobody() -> None:
    waiting = replace(new_refund(RefundState.PENDING_APPROVAL), check_at=NOW + rules.APPROVAL_LASTS)
    book = new_book(waiting)
    assert not hear(book, "due", NOW + timedelta(days=6)).refunds
    decision = hear(book, "due", NOW + rules.APPROVAL_LASTS)
    assert not decision.says
    assert book.refunds[waiting.id].state == "rejected"


@pytest.mark.parametrize("dfsp", [OurDfsp(UUID(int=9), "bluebankfsp")])
def test_a_message_to_another_of_our_dfsps_says_nothing_about_it(dfsp: OurDfsp) -> None:
    book = new_book(new_refund())
    with pytest.raises(MessageRefused):
        rules.decide_quote_answered(book, dfsp, PAYEE, answered(new_refund()), NOW)
