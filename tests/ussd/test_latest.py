"""Gateways of the latest input alone, as they really deliver: copies at once and later, lost sessions, calls anew."""

from datetime import timedelta
from typing import Any, ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from tests.ussd.lines import Press
from tests.ussd.test_dialogue import run
from tests.ussd.world import CHAIN, MERCHANT, READS_FOR, SHOPPER, WAITING, Phone, World


class Deliveries(RuleBasedStateMachine):
    """A gateway that repeats and closes, and a service that loses sessions. `shown` is the last reply of all."""

    gateway: ClassVar[str]

    @initialize(msisdn=st.sampled_from([SHOPPER, MERCHANT, CHAIN]), waiting=st.sampled_from([None, WAITING]))
    def dial(self, msisdn: str, waiting: Any) -> None:
        self.phone = Phone(World(), msisdn, self.gateway)
        self.phone.world.waiting = waiting
        self.shown = run(self.phone.dial())
        self.earlier: list[Press] = []
        self.is_lost, self.has_waited = False, False

    @rule(text=st.sampled_from(["1", "1", "2", "9", "0", "00", "", "x", "250", "1.00", "74210006", "30000003", "5*1"]))
    def type(self, text: str) -> None:
        asked, before = self.shown.text.splitlines(), len(self.phone.world.orders)
        self.earlier.append(self.phone.press)
        self.shown = run(self.phone.type(text))
        requested = len(self.phone.world.orders) - before
        assert requested <= 1
        if requested:
            assert text == "1"
            assert not self.is_lost
            assert asked[-3:-1] in (["1 Pay", "2 Cancel"], ["1 Payer", "2 Annuler"]), "only the confirm screen pays"
        self.is_lost, self.has_waited = False, False

    @rule(times=st.integers(1, 3), late_s=st.sampled_from([0.0, 0.3, 1.5]))
    @precondition(lambda self: not self.is_lost and not self.has_waited)
    def repeat(self, times: int, late_s: float) -> None:
        world, stored, now = self.phone.world, self.phone.stored, self.phone.now
        calls = world.calls
        self.phone.now += timedelta(seconds=late_s)
        for _ in range(times):
            assert run(self.phone.again()) == self.shown
        assert (world.calls, self.phone.stored) == (calls, stored)
        self.phone.now = now

    @rule(late_s=st.integers(2, 19))
    @precondition(lambda self: not self.is_lost and not self.has_waited)
    def repeat_after_the_gateway_waited(self, late_s: int) -> None:
        """However a copy is read then, it never pays."""
        orders = list(self.phone.world.orders)
        self.has_waited = True
        self.phone.now += timedelta(seconds=late_s)
        self.shown = run(self.phone.again())
        assert self.phone.world.orders == orders

    @rule(which=st.integers(0, 30))
    @precondition(lambda self: self.gateway == "hubtel" and self.earlier and not self.is_lost)
    def deliver_late(self, which: int) -> None:
        """Where steps are numbered an older one changes nothing."""
        world, stored = self.phone.world, self.phone.stored
        calls = world.calls
        press = self.earlier[which % len(self.earlier)]
        if press.is_first and self.phone.session.ended:
            return  # a further call, if it comes after a while
        late = run(self.phone.send(self.phone.line.step(press)))
        assert late == self.shown or (late.end and self.phone.session.ended)
        assert (world.calls, self.phone.stored) == (calls, stored)

    @rule()
    def lose_the_session(self) -> None:
        self.phone.stored = None
        self.is_lost = True

    @rule()
    @precondition(lambda self: self.phone.line.notice is not None and not self.is_lost)
    def hang_up_and_dial_again(self) -> None:
        orders = list(self.phone.world.orders)
        run(self.phone.hang_up())
        self.phone.now += timedelta(seconds=30)
        self.phone.press = replace(self.phone.press, session_id=f"{self.phone.press.session_id[:60]}x", count=0)
        self.phone.stored = None
        self.earlier, self.has_waited = [], False
        self.shown = run(self.phone.dial())
        assert self.phone.world.orders == orders

    @rule()
    @precondition(lambda self: self.gateway == "nalo")
    def dial_again_under_the_same_id(self) -> None:
        orders = list(self.phone.world.orders)
        self.phone.now += timedelta(seconds=30)
        self.shown = run(self.phone.dial())
        self.is_lost, self.has_waited = False, False
        assert not self.shown.end
        assert self.phone.world.orders == orders

    @invariant()
    def after_the_end_only_the_end(self) -> None:
        if self.phone.stored is None or not self.phone.session.ended:
            return
        orders, kept = list(self.phone.world.orders), (self.phone.stored, self.phone.press, self.phone.now)
        self.phone.now -= READS_FOR  # whatever is typed at once
        assert run(self.phone.type("7")).end
        assert self.phone.world.orders == orders
        self.phone.stored, self.phone.press, self.phone.now = kept


class Nalo(Deliveries):
    gateway = "nalo"


class Hubtel(Deliveries):
    gateway = "hubtel"


class Beem(Deliveries):
    gateway = "beem"


class Flares(Deliveries):
    gateway = "flares"


FEW = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestNalo, TestHubtel, TestBeem, TestFlares = Nalo.TestCase, Hubtel.TestCase, Beem.TestCase, Flares.TestCase
TestNalo.settings = TestHubtel.settings = TestBeem.settings = TestFlares.settings = FEW
