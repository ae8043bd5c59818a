"""Steps as gateways really deliver them: copies, late ones, lost sessions, in any order, and one effect each."""

from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from tests.ussd.world import CHAIN, MERCHANT, SHOPPER, WAITING, Phone, World
from ussd import PaymentOutcome, Reply, busy, encode_session
from ussd.dialogue import REPLAY_INPUTS_MAX
from ussd.session import STACK_MAX

pytestmark = pytest.mark.anyio

Result = TypeVar("Result")


async def test_a_request_is_known_by_its_gateway_session_and_step() -> None:
    phone = Phone(World())
    await phone.dial("74210006*250")
    await phone.type("1")
    [order] = phone.world.orders
    assert order.key == "ussd:africastalking:ATUid_d8f70b1c:3"
    assert order.payer_msisdn == SHOPPER


async def test_two_payments_in_one_session_have_two_keys_also_when_the_session_was_lost_between() -> None:
    phone = Phone(World())
    await phone.dial("74210006*250")
    await phone.type("1")
    phone.stored = None
    for text in ("2", "1", "74210006", "250", "1"):
        await phone.type(text)
    keys = [order.key for order in phone.world.orders]
    assert len(keys) == len(set(keys)) == 2


@pytest.mark.parametrize("string", ["", "74210006*250", "1*74210006"])
async def test_the_first_step_delivered_twice_is_answered_from_memory(string: str) -> None:
    phone = Phone(World())
    first = await phone.dial(string)
    calls, stored = phone.world.calls, phone.stored
    assert await phone.again() == first
    assert (phone.world.calls, phone.stored) == (calls, stored)


async def test_nothing_typed_is_kept() -> None:
    phone = Phone(World())
    for text in ("", "1", "4711 4711", "74210006", "8765.4321"):
        await (phone.type(text) if phone.text else phone.dial(text))
        stored = phone.stored or b""
        assert SHOPPER.encode() not in stored
        assert phone.text.encode() not in stored or len(phone.text) < 2


async def test_a_backend_that_fails_leaves_the_caller_with_an_apology() -> None:
    class Failing(World):
        async def find_merchant(self, number: str) -> None:
            raise TimeoutError

    phone = Phone(Failing())
    phone.world.language = "sw"
    await phone.dial()
    await phone.type("1")
    before = phone.stored
    with pytest.raises(TimeoutError):
        await phone.type("74210006")
    assert phone.stored == before
    assert busy(phone.session) == Reply(
        "Huduma ina shughuli nyingi. Hukukatwa pesa. Tafadhali piga tena baadaye.", end=True
    )
    assert busy(None).text.startswith("The service is busy.")


async def test_an_ended_event_is_answered_with_nothing_and_asks_for_nothing() -> None:
    phone = Phone(World())
    await phone.dial("74210006*250")
    calls = phone.world.calls
    assert await phone.hang_up() == Reply("", end=True)
    assert await phone.hang_up() == Reply("", end=True)
    assert phone.session.ended
    assert phone.world.calls == calls


async def test_the_last_reply_is_repeated_also_after_the_gateway_closed() -> None:
    phone = Phone(World())
    confirm = await phone.dial("74210006*250")
    await phone.hang_up()
    assert await phone.again() == confirm


async def test_a_lost_session_of_endless_inputs_asks_the_backend_only_so_often() -> None:
    phone = Phone(World())
    round_trip = ["1", "74210006", "0", "0"]
    await phone.dial("*".join(round_trip * 30))
    opening = 2  # language and open request
    assert phone.world.calls == opening + REPLAY_INPUTS_MAX // len(round_trip)


async def test_the_way_back_is_bounded() -> None:
    phone = Phone(World())
    await phone.dial()
    phone.stored = encode_session(replace(phone.session, stack=("language",) * STACK_MAX))
    await phone.type("9")
    assert phone.session.stack == (*("language",) * (STACK_MAX - 1), "home")


async def test_a_refused_request_is_not_repeated_by_its_copy() -> None:
    phone = Phone(World())
    phone.world.outcome = PaymentOutcome("refused", reason="limit")
    await phone.dial("74210006*250")
    refused = await phone.type("1")
    calls = phone.world.calls
    assert refused.end
    assert await phone.again() == refused
    assert phone.world.calls == calls


async def test_a_name_longer_than_a_session_may_keep_is_cut_before_it_is_stored() -> None:
    phone = Phone(World())
    shop = phone.world.shops["74210006"]
    phone.world.shops["74210006"] = type(shop)("c", "74210006", "አ" * 500, "KES", 2, True, 10**6)
    await phone.dial("74210006*250")
    assert len(encode_session(phone.session)) < 700


def run(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine that never waits, as those of the world in memory."""
    try:
        coroutine.send(None)
    except StopIteration as finished:
        result: Result = finished.value
        return result
    raise AssertionError("the coroutine waited")


class Deliveries(RuleBasedStateMachine):
    """A gateway that repeats, delays, garbles and closes, and a service that loses sessions.

    `shown` is the last reply of all, `standing` the one a session not yet over stood at.
    """

    @initialize(msisdn=st.sampled_from([SHOPPER, MERCHANT, CHAIN]), waiting=st.sampled_from([None, WAITING]))
    def dial(self, msisdn: str, waiting: Any) -> None:
        self.phone = Phone(World(), msisdn)
        self.phone.world.waiting = waiting
        self.sent = [""]
        self.shown = self.standing = run(self.phone.dial())

    def answer(self, text: str) -> None:
        asked = self.shown.text.splitlines()
        before = len(self.phone.world.orders)
        was_open = self.phone.stored is None or not self.phone.session.ended
        self.shown = run(self.phone.type(text))
        if was_open:
            self.standing = self.shown
        self.sent.append(self.phone.text)
        requested = len(self.phone.world.orders) - before
        assert requested <= 1
        if requested:
            assert text.strip() == "1"
            # The machine may have chosen English or French.
            assert asked[-3:-1] in (["1 Pay", "2 Cancel"], ["1 Payer", "2 Annuler"]), "only the confirm screen pays"

    @rule(text=st.sampled_from(["1", "2", "3", "9", "0", "00", "98", "", "x", "250", "74210006", "30000003", "5*1"]))
    def type(self, text: str) -> None:
        self.answer(text)

    @rule(rest=st.sampled_from(["1*74210006*250", "1*74210006*250*1", "74210006*250*1", "1*50000009*99"]))
    @precondition(lambda self: self.phone.stored is None)
    def jump(self, rest: str) -> None:
        self.answer(rest)

    @rule(inputs=st.sampled_from([["1", "74210006", "250"], ["1", "74210006", "250", "1"], ["3", "98", "0"]]))
    def go_far(self, inputs: list[str]) -> None:
        for text in inputs:
            self.answer(text)

    @rule(times=st.integers(1, 3))
    def repeat(self, times: int) -> None:
        if self.phone.stored is None:
            self.shown = self.standing = run(self.phone.again())
        calls, stored = self.phone.world.calls, self.phone.stored
        for _ in range(times):
            assert run(self.phone.again()) == self.shown
        assert (self.phone.world.calls, self.phone.stored) == (calls, stored)

    @rule(which=st.integers(0, 30), garbled=st.sampled_from(["", "9", "*7"]))
    def deliver_late(self, which: int, garbled: str) -> None:
        text = self.sent[which % len(self.sent)] + garbled
        if self.phone.stored is None or text == self.phone.text or text.startswith(f"{self.phone.text}*"):
            return
        if not self.phone.text and text:
            return
        if self.phone.session.ended:
            return  # a further call, if it comes after a while
        calls, stored = self.phone.world.calls, self.phone.stored
        late = run(self.phone.late(text))
        assert late == self.standing or (late.end and self.phone.session.ended)
        assert (self.phone.world.calls, self.phone.stored) == (calls, stored)

    @rule()
    def hang_up(self) -> None:
        orders = list(self.phone.world.orders)
        lost = self.phone.stored is None
        run(self.phone.hang_up())
        if lost:
            self.shown = self.standing = run(self.phone.again())
        assert self.phone.world.orders == orders

    @rule()
    def lose_the_session(self) -> None:
        self.phone.stored = None

    @rule()
    def dial_again(self) -> None:
        self.phone.press = replace(self.phone.press, session_id=f"{self.phone.press.session_id}x")
        self.phone.stored = None
        self.sent = [""]
        self.shown = self.standing = run(self.phone.dial())

    @invariant()
    def no_two_effects_of_one_step(self) -> None:
        keys = [order.key for order in self.phone.world.orders]
        assert len(keys) == len(set(keys))

    @invariant()
    def after_the_end_only_the_end(self) -> None:
        if self.phone.stored is not None and self.phone.session.ended:
            orders = list(self.phone.world.orders)
            assert run(self.phone.late(f"{self.phone.text}*1")).end
            assert self.phone.world.orders == orders


TestDeliveries = Deliveries.TestCase
TestDeliveries.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
