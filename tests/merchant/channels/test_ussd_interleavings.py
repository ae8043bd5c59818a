"""What gateways may do to one call, in any order, over two nodes and a real database; and 500 calls at once."""

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from merchant.core.service import open_service
from merchant.core.settings import Settings
from tests.merchant.channels.conftest import Lines, door_of, open_groceries, step_form
from tests.merchant.channels.test_ussd import LATER, UNSURE

pytestmark = pytest.mark.anyio
EXAMPLES = 25
SLOW = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
_calls = itertools.count()


@pytest.fixture(scope="session")
def template(stocked: Callable[[str, Any], str]) -> str:
    return stocked("groceries", open_groceries)


@pytest.fixture
async def nodes(lines: Lines, database_url: str, settings: Settings) -> AsyncIterator[list[Lines]]:
    """The doors of two processes of one installation."""
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(open_service(settings, database_url))
        client = await stack.enter_async_context(door_of(service))
        yield [lines, Lines(service, client, lines.merchant, lines.counter)]


class Call:
    """One phone whose steps reach either node; it notes every answer to every text."""

    def __init__(self, nodes: list[Lines], number: int) -> None:
        self.nodes = nodes
        self.phone = f"+2547{number:08}"
        self.session, self.text = f"c{number}-0", ""
        self.sent: list[str] = []
        self.told: Counter[str] = Counter()

    async def step(self, text: str, node: int) -> str:
        shown = await self.nodes[node].step(text, self.session, self.phone)
        assert "busy" not in shown, shown
        return shown

    async def deliver(self, text: str, copies: int, node: int) -> str:
        """A step and its copies, at once, on both nodes: one of them is the first, and all say the same."""
        shown = await asyncio.gather(*(self.step(text, (node + number) % 2) for number in range(copies)))
        assert len(set(shown)) == 1, shown
        return shown[0]

    async def begin(self, dialled: str, copies: int, node: int) -> None:
        self.session = f"{self.session.partition('-')[0]}-{len(self.sent)}"
        self.text = dialled
        await self.note(copies, node)

    async def reply(self, typed: str, copies: int, node: int) -> None:
        self.text = f"{self.text}*{typed}".lstrip("*") if self.sent else typed
        await self.note(copies, node)

    async def note(self, copies: int, node: int) -> None:
        self.sent.append(self.text)
        shown = await self.deliver(self.text, copies, node)
        self.told["asked"] += shown.startswith("END We asked")

    async def notice(self, node: int) -> None:
        form = step_form("", self.session, self.phone) | {"status": "Incomplete"}
        assert (await self.nodes[node].post(form)).status_code == 200

    async def late(self, which: int, node: int) -> None:
        """An earlier text of this call comes again, and changes nothing."""
        text = self.sent[which % len(self.sent)] if self.sent else ""
        if not self.text.startswith(text) or text == self.text:
            return
        await self.step(text, node)

    async def race(self, typed: str, node: int) -> None:
        """A step, its copy and the notice that the call was cancelled, all at once."""
        self.text = f"{self.text}*{typed}".lstrip("*")
        self.sent.append(self.text)
        first, second, _ = await asyncio.gather(
            self.step(self.text, node), self.step(self.text, 1 - node), self.notice(node)
        )
        self.told["asked"] += first.startswith("END We asked") or second.startswith("END We asked")


NODE, COPIES = st.integers(0, 1), st.sampled_from([1, 1, 1, 2, 4])
TYPED = st.sampled_from(["1", "1", "1", "ALIAS", "25", "25", "2", "0", "00", "9", "99", "x", "ALIAS*25"])
ACTION = st.one_of(
    st.tuples(st.just("reply"), TYPED, COPIES, NODE),
    st.tuples(st.just("reply"), TYPED, COPIES, NODE),
    st.tuples(st.just("begin"), st.sampled_from(["", "", "ALIAS*25", "ALIAS"]), COPIES, NODE),
    st.tuples(st.just("late"), st.integers(0, 9), NODE),
    st.tuples(st.just("notice"), NODE),
    st.tuples(st.just("race"), TYPED, NODE),
)
PAY = [("begin", "ALIAS*25", 2, 0), ("reply", "1", 4, 1)]


@given(st.lists(ACTION, min_size=3, max_size=12), st.booleans())
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_whatever_a_gateway_does_a_phone_is_told_of_every_request_and_asked_once_for_each(
    nodes: list[Lines], actions: list[tuple[Any, ...]], pays: bool
) -> None:
    call = Call(nodes, next(_calls))
    for name, *values in [*(PAY if pays else [("begin", "", 1, 0)]), *actions]:
        known = [
            value.replace("ALIAS", nodes[0].counter.alias) if isinstance(value, str) else value for value in values
        ]
        await getattr(call, name)(*known)
    [row] = await nodes[0].rows(
        "SELECT count(*) AS found FROM payment_request WHERE payer_digest = $1",
        nodes[0].service.vault.digest("phone", call.phone),
    )
    assert row["found"] == call.told["asked"] <= len(call.sent)


@pytest.mark.slow
async def test_five_hundred_calls_at_once_see_nothing_of_one_another(nodes: list[Lines]) -> None:
    """Each with an amount of its own, steps alternate between nodes, every tenth is delivered twice."""
    alias = nodes[0].counter.alias
    slots = asyncio.Semaphore(16)

    async def step(number: int, node: int, text: str) -> str:
        while True:  # on a busy machine a step may be late, and the gateway tries again
            shown = await nodes[node].step(text, f"leak{number}", f"+2547{number:08}")
            if shown not in (LATER, UNSURE):
                return shown

    async def one(number: int) -> None:
        amount = f"{number // 100 + 1}.{number % 100:02}"
        screens = {
            "": "CON Shop payments",
            "1": "CON Enter the shop's number",
            f"1*{alias}": "CON Mama Njeri",
            f"1*{alias}*{amount}": f"CON Pay {amount} USD",
            f"1*{alias}*{amount}*1": f"END We asked your bank to pay {amount} USD",
        }
        async with slots:
            for place, (text, start) in enumerate(screens.items(), start=number):
                copies = (step(number, (place + copy) % 2, text) for copy in range(2 if place % 10 == 0 else 1))
                shown = await asyncio.gather(*copies)
                assert all(screen.startswith(start) for screen in shown), (amount, shown)

    await asyncio.gather(*(one(number) for number in range(500)))
    found = await nodes[0].rows("SELECT amount_minor, payer_digest FROM payment_request")
    assert sorted(row["amount_minor"] for row in found) == [number + 100 for number in range(500)]
    assert len({row["payer_digest"] for row in found}) == 500
